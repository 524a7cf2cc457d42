#!/usr/bin/env bash
# Every `make X` and `kpulse X` that the README shows has to exist.
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
for target in $(grep -oE '^(make|sudo make) [a-z]+' README.md | awk '{print $NF}' | sort -u); do
  grep -qE "^$target:" Makefile || { echo "README: no target '$target' in the Makefile"; fail=1; }
done
for command in $(grep -oE '^(sudo )?(\./target/release/)?kpulse [a-z][a-z-]+' README.md | awk '{print $NF}' | sort -u); do
  grep -qiE "^ *$(echo "$command" | sed 's/-//g')(\(|,| *$)" <(sed -n '/enum Command/,/^}/p' src/cli.rs | tr -d '-') ||
    { echo "README: kpulse has no command '$command'"; fail=1; }
done
exit $fail
