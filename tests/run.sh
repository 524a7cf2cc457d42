#!/usr/bin/env bash
# `make test`: everything with root; without it, what needs none, and says what was left out.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=${RUST_BACKTRACE:-0}

if tools=$(tests/tools.sh); then
  export PATH="$tools:$PATH"
else
  echo "left out: promtool could not be had, so the metrics page is checked by our own parser only" >&2
fi
if [ "$(id -u)" -eq 0 ]; then
  [ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing || true
  exec timeout 1500 cargo test --workspace --locked
fi
echo "left out: tests named kernel:: (they load BPF programs), because this is not root" >&2
exec timeout 1500 cargo test --workspace --locked -- --skip kernel::
