#!/usr/bin/env bash
# What a real Collector says of configurations, kpulse says too: whether they are good, where they are not, and what every
# setting is. tests/compared/ has the configurations, and what deviates on purpose.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
python3 -c 'import yaml' 2>/dev/null || timeout 120 apt-get install -y -qq --no-install-recommends python3-yaml >/dev/null || exit 3
timeout 200 python3 "$root/tests/compared/compare.py" "$collector" "$KPULSE" "$root/tests/compared"
