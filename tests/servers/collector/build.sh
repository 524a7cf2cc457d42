#!/usr/bin/env bash
# Builds the test Collector once and prints its path; exit 3 when Go is not here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${KPULSE_TEST_CACHE:-$here/../../../.cache}/collector
binary=$cache/otelcol-peer
want=$(sha256sum "$here/manifest.yaml" | cut -d' ' -f1)

if [ -x "$binary" ] && [ "$(cat "$cache/manifest.sha256" 2>/dev/null)" = "$want" ]; then
  echo "$binary"
  exit 0
fi
command -v go >/dev/null || { echo "go is not installed: no Collector" >&2; exit 3; }
mkdir -p "$cache"
cp "$here/manifest.yaml" "$cache/"
cd "$cache"
GOBIN=$cache/bin timeout 900 go install go.opentelemetry.io/collector/cmd/builder@v0.155.0 >&2
# The builder's own `go mod tidy` fetches what only foreign tests need and may fail; the sources are whole by then.
timeout 900 ./bin/builder --config manifest.yaml --skip-compilation >&2 || true
cd build
CGO_ENABLED=0 timeout 2400 go build -mod=mod -trimpath -ldflags="-s -w" -o "$binary" . >&2
echo "$want" >"$cache/manifest.sha256"
echo "$binary"
