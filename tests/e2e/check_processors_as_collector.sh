#!/usr/bin/env bash
# What the table of processors and connectors says is what a real Collector does.
set -euo pipefail
cd ../..
COLLECTOR=$(tests/servers/collector/build.sh) || exit 3
export COLLECTOR
timeout 170 cargo test -q --test processors --locked -- --ignored --nocapture | grep -E "^processors:|test result: ok. 3 passed"
