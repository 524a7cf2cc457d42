#!/usr/bin/env bash
# `make test`: everything with root; without it, what needs none, and says what was left out.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUST_BACKTRACE=${RUST_BACKTRACE:-0}

if [ "$(id -u)" -eq 0 ]; then
  [ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing || true
  exec timeout 1500 cargo test --workspace --locked
fi
echo "not root: tests named kernel:: (they load BPF programs) are left out" >&2
timeout 1500 cargo test --workspace --locked -- --skip kernel::
