#!/usr/bin/env bash
# The page for Prometheus is the Collector's own for the same data, in every format and with every setting.
set -euo pipefail
collector=$(../servers/collector/build.sh) || exit 3
python3 -c 'import yaml' 2>/dev/null || exit 3
timeout 120 python3 prometheus_pages/pages.py "$collector" "$KPULSE"
