#!/usr/bin/env bash
# What the table of OTTL cases says is what a real Collector does.
set -euo pipefail
cd ../..
COLLECTOR=$(tests/servers/collector/build.sh) || exit 3
export COLLECTOR
timeout 170 cargo test -q --test ottl --locked -- --ignored --nocapture | grep -E "^ottl:|test result: ok. 1 passed"
