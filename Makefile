# make run    build and run the default pipeline (root)
# make test   every test that fits a short run
# make e2e    tests against real servers        make kernels  probes on an older kernel, in qemu
# make bench  cost of probes and pipeline       make lint     format, clippy, README's commands
# make fuzz   any bytes as configuration, OTLP, OTTL  make bench-peers  beside a real Collector
.PHONY: run build setup tracefs test unit lint e2e kernels bench bench-peers collector fuzz

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
CARGO ?= cargo
# Everything the build needs that is not a crate.
BUILD_PACKAGES := clang llvm libbpf-dev linux-libc-dev gcc libc6-dev
# Witnesses that tests ask: ss, and a parser of XML.
TEST_PACKAGES := iproute2 python3

run: build tracefs
	$(SUDO) ./target/release/kpulse --config pipeline.yaml

build: setup
	$(CARGO) build --release --locked

# Installs only what is missing, so a second run asks for nothing.
setup:
	@missing=""; for p in $(BUILD_PACKAGES) $(MORE_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; fi

tracefs:
	@[ -e /sys/kernel/tracing/events ] || $(SUDO) mount -t tracefs tracefs /sys/kernel/tracing || \
	  echo "tracefs could not be mounted; kpulse runs without it"

test: MORE_PACKAGES := $(TEST_PACKAGES)
test: setup
	tests/run.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	tests/readme.sh

collector:
	tests/servers/collector/build.sh

e2e: build collector
	tests/e2e/run.sh

kernels: setup
	tests/kernels/run.sh

fuzz: setup
	tests/fuzz/run.sh

bench: build
	benches/run.sh

bench-peers: build collector
	$(CARGO) build --release --locked -p peers
	benches/peers.sh
