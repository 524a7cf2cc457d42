#!/usr/bin/env bash
# `make fuzz`: each fuzz target for SECONDS_EACH (30) from its kept corpus; a crash leaves its input in
# tests/fuzz/artifacts. Exit 3: skipped, with the reason.
set -euo pipefail
cd "$(dirname "$0")"
cache=$(mkdir -p "${KPULSE_TEST_CACHE:-../../.cache}/fuzz" && cd "${KPULSE_TEST_CACHE:-../../.cache}/fuzz" && pwd)
seconds=${SECONDS_EACH:-30}
export PATH="$cache/bin:$PATH"
# The sanitizer's flags are unstable ones; the compiler is the one that builds the product.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

if ! command -v cargo-fuzz >/dev/null; then
  timeout 900 cargo install cargo-fuzz --version 0.13.2 --locked --root "$cache" >&2 ||
    { echo "fuzz: skipped: cargo-fuzz cannot be had" >&2; exit 3; }
fi
timeout 2400 cargo fuzz build --fuzz-dir . >&2
for target in $(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' Cargo.toml); do
  # What is found on the way stays out of the kept inputs.
  mkdir -p "$cache/corpus/$target"
  kept=("corpus/$target")
  [ "$target" != configuration ] || kept=(../configs/good ../configs/bad)
  echo "fuzz: $target, $seconds s"
  timeout $((seconds + 120)) cargo fuzz run --fuzz-dir . "$target" "$cache/corpus/$target" "${kept[@]}" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0
done
