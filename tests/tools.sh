#!/usr/bin/env bash
# Tools that tests use as witnesses, unpacked and not installed (Debian's prometheus would start a service).
# Prints the folder they are in.
set -euo pipefail
cache=${KPULSE_TEST_CACHE:-$(cd "$(dirname "$0")/.." && pwd)/.cache}/tools
if [ ! -x "$cache/usr/bin/promtool" ]; then
  mkdir -p "$cache"
  cd "$cache"
  { timeout 120 apt-get download prometheus || { timeout 120 apt-get update -qq && timeout 120 apt-get download prometheus; }; } >&2
  dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb
fi
echo "$cache/usr/bin"
