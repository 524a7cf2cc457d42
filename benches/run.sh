#!/usr/bin/env bash
# `make bench`: what kpulse costs. `benches/run.sh [switch] [storm] [tcp] [idle] [scrape] [profile] [exchange] [nginx]`; without names, all of them.
# Fails when a target is not met. KPULSE names another program to measure, ROUNDS another number of rounds.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
  exec sudo --preserve-env=KPULSE,ROUNDS,PATH "$PWD/benches/run.sh" "$@"
fi

CACHE=$PWD/.cache/benches
KPULSE=${KPULSE:-$PWD/target/release/kpulse}
ROUNDS=${ROUNDS:-11}
METRICS=127.0.0.1:28704 # not the default ports: a kpulse of this host may have them; and none that a client may be given
OWN_METRICS=127.0.0.1:28706
WORK=$(mktemp -d)
FAILED=0
. benches/agent.sh
. benches/rounds.sh
SERVER= # pid of a server that a bench started
trap 'agent_stop; stats_off; [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# The load has the last CPU and agents have the others, so that only what runs inside the kernel's hooks is measured.
LOAD_CPU=$(($(nproc) - 1))
AGENT_CPUS=0$([ "$LOAD_CPU" -le 1 ] || echo "-$((LOAD_CPU - 1))")

[ -x "$KPULSE" ] || timeout 1500 nice cargo build --release --locked
# `make bench` builds first; this script alone would measure an old program without a word.
if [ -n "$(find ebpf receivers processors exporters pipeline src -name '*.[rch]*' -newer "$KPULSE" -print -quit)" ]; then
  echo "$KPULSE is older than its sources" >&2
fi
mkdir -p "$CACHE"
LOAD=$CACHE/load
[ "$LOAD" -nt benches/load.rs ] || timeout 120 nice rustc -O -C force-frame-pointers=yes --edition 2024 -o "$LOAD" benches/load.rs
# bpftrace needs its files.
[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing || true

for name in "${@:-switch storm tcp idle scrape profile exchange nginx}"; do
  for bench in $name; do
    # Each bench is a function of the file with its name.
    . "benches/$bench.sh"
    echo
    "$bench"
  done
done
exit "$FAILED"
