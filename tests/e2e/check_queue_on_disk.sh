#!/usr/bin/env bash
# A queue on disk before a real Collector, and over far more kills than a short run has.
set -euo pipefail
cd ../..
COLLECTOR=$(tests/servers/collector/build.sh) || exit 3
export COLLECTOR
timeout 280 cargo test -q --test durability --locked -- --ignored --nocapture | grep -E "acknowledged|test result: ok. [1-9]"
