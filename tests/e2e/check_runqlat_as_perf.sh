#!/usr/bin/env bash
# The run-queue histogram is what perf recorded, switch by switch.
set -euo pipefail
command -v perf >/dev/null || { echo "perf is not installed"; exit 3; }
cd ../..
timeout 170 cargo test -q -p ebpf --locked -- --ignored --nocapture perf | grep -E "^perf:|test result: ok. 1 passed"
