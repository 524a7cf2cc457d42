#!/usr/bin/env bash
# Prints the path of an nginx: the installed one, or Debian's, unpacked and not installed (that would start a service).
set -euo pipefail
if installed=$(command -v nginx || ls /usr/sbin/nginx 2>/dev/null); then echo "$installed"; exit; fi
cache=${KPULSE_TEST_CACHE:-$(cd "$(dirname "$0")/../../.." && pwd)/.cache}/nginx
if [ ! -x "$cache/usr/sbin/nginx" ]; then
  mkdir -p "$cache"
  cd "$cache"
  { timeout 120 apt-get download nginx || { timeout 120 apt-get update -qq && timeout 120 apt-get download nginx; }; } >&2
  dpkg -x nginx_*.deb . && rm -f nginx_*.deb
fi
"$cache/usr/sbin/nginx" -v 2>/dev/null
echo "$cache/usr/sbin/nginx"
