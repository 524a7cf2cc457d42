#!/usr/bin/env bash
# Unpacks Elasticsearch once and prints its folder; exit 3 when it cannot be had here.
set -euo pipefail
version=8.19.3
cache=${KPULSE_TEST_CACHE:-$(cd "$(dirname "$0")/../../.." && pwd)/.cache}/elasticsearch
home=$cache/elasticsearch-$version
[ -e "$home/.whole" ] && { echo "$home"; exit 0; }

packages=""
command -v java >/dev/null || packages="$packages openjdk-17-jre-headless"
command -v mvn >/dev/null || packages="$packages maven"
command -v unzip >/dev/null || packages="$packages unzip"
if [ -n "$packages" ]; then
  [ "$(id -u)" -eq 0 ] || { echo "for Elasticsearch, install$packages" >&2; exit 3; }
  { timeout 300 apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq --no-install-recommends $packages; } >&2 || exit 3
fi
mkdir -p "$cache"
# The distribution that Elasticsearch's own integration tests use: no bundled Java, few modules.
timeout 600 mvn -q -B dependency:copy -Dmdep.useBaseVersion -DoutputDirectory="$cache" \
  -Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip >&2 || exit 3
rm -rf "$home"
unzip -q "$cache/elasticsearch-$version.zip" -d "$cache"
rm "$cache/elasticsearch-$version.zip"
touch "$home/.whole"
echo "$home"
