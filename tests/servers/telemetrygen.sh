#!/usr/bin/env bash
# Builds OpenTelemetry's own load generator once and prints its path; exit 3 when it cannot be had.
set -euo pipefail
version=v0.155.0
here=$(cd "$(dirname "$0")" && pwd)
cache=${KPULSE_TEST_CACHE:-$here/../../.cache}/telemetrygen/$version
if [ ! -x "$cache/telemetrygen" ]; then
  command -v go >/dev/null || { echo "go is not installed: no telemetrygen" >&2; exit 3; }
  mkdir -p "$cache"
  GOBIN=$(cd "$cache" && pwd) CGO_ENABLED=0 timeout 900 go install -trimpath \
    "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@$version" >&2 || exit 3
fi
echo "$cache/telemetrygen"
