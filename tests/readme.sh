#!/usr/bin/env bash
# Every `make X` and `kpulse X` in a code block of the README has to exist.
set -euo pipefail
cd "$(dirname "$0")/.."
code=$(awk '/^```/ { inside = !inside; next } inside' README.md)
# PrintConfig -> print-config
commands=$(sed -n '/^pub enum Command/,/^}/p' src/cli.rs | sed -nE 's/^    ([A-Z][A-Za-z]+)[(,].*/\1/p' |
  sed -E 's/([a-z])([A-Z])/\1-\2/g' | tr 'A-Z' 'a-z')
fail=0
for target in $(grep -oE '^make [a-z]+' <<<"$code" | cut -d' ' -f2 | sort -u); do
  grep -qE "^$target:" Makefile || { echo "README: the Makefile has no target '$target'"; fail=1; }
done
for command in $(grep -oE '^kpulse [a-z][a-z-]+' <<<"$code" | cut -d' ' -f2 | sort -u); do
  grep -qx -- "$command" <<<"$commands" || { echo "README: kpulse has no command '$command'"; fail=1; }
done
exit $fail
