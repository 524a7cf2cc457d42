# Interleaved rounds and what is said about them. Samples of a variant: one a line in $WORK/BENCH.VARIANT.

# rounds BENCH VARIANT...: calls BENCH_VARIANT_start, BENCH_load and the agent's end, ROUNDS times each.
rounds() {
  local bench=$1 round at variant
  shift
  local variants=("$@")
  for ((round = 0; round < ROUNDS; round++)); do
    for ((at = 0; at < $#; at++)); do
      # Every round begins with another variant: none is always first after a busy one.
      variant=${variants[(at + round) % $#]}
      "${bench}_${variant}_start"
      local ticks=0
      [ -z "$AGENT" ] || ticks=$(agent_ticks)
      "${bench}_load" >>"$WORK/$bench.$variant"
      if [ -n "$AGENT" ]; then
        kill -0 "$AGENT" 2>/dev/null || agent_failed
        echo "$(($(agent_ticks) - ticks))" >>"$WORK/$bench.$variant.ticks"
        [ -z "${AFTER_LOAD:-}" ] || "$AFTER_LOAD" "$variant"
      fi
      agent_stop
    done
  done
}

# samples FILE NUMBER: sorted samples.
samples() { awk -v at="$2" '{ print $at }' "$1" | sort -g; }
lowest() { samples "$1" "${2:-1}" | head -n 1; }
median() {
  samples "$1" "${2:-1}" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
mean() { awk -v at="$2" '{ sum += $at } END { printf "%.4f", sum / NR }' "$1"; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

# table BENCH UNIT VARIANT...: the first variant is the base. TABLE_MORE is the head of a column by BENCH_more.
table() {
  local bench=$1 unit=$2 base="$WORK/$1.$3" variant file
  printf '%-24s %8s %8s %7s %7s %11s%s\n' "$bench: $unit" min median r.min r.med 'agent CPU s' "${TABLE_MORE:-}"
  shift 2
  for variant in "$@"; do
    file=$WORK/$bench.$variant
    printf '  %-22s %8.0f %8.0f %7s %7s %11s%s\n' "$variant" "$(lowest "$file")" "$(median "$file")" \
      "$(ratio "$(lowest "$file")" "$(lowest "$base")")" "$(ratio "$(median "$file")" "$(median "$base")")" \
      "$(agent_seconds "$file.ticks")" "$([ -z "${TABLE_MORE:-}" ] || "${bench}_more" "$file")"
  done
}

# CPU seconds that the agent itself took in a round; it has another CPU, so they are not in the other columns.
agent_seconds() {
  if [ ! -e "$1" ]; then echo -; return; fi
  awk -v hz="$(getconf CLK_TCK)" '{ ticks += $1 } END { printf "%.3f", ticks / hz / NR }' "$1"
}

# verdict WHAT VALUE TARGET SPREAD: met when VALUE - SPREAD <= TARGET. A spread that would let anything pass decides
# nothing.
verdict() {
  local word=met
  if awk -v s="$4" 'BEGIN { exit !(s > 0.03) }'; then
    word='UNDECIDED, too noisy'
    FAILED=1
  elif ! awk -v v="$2" -v t="$3" -v s="$4" 'BEGIN { exit !(v - s <= t) }'; then
    word='NOT met'
    FAILED=1
  fi
  echo "target $word: $1 $2, target <= $3$([ "$4" = 0 ] || echo ", A/A spread $4")"
}

# slow_down BENCH VARIANT TARGET: by minima. Other work on a shared machine only ever adds, and it moves medians by
# more than these targets are apart.
slow_down() {
  local base again
  base=$(lowest "$WORK/$1.none")
  again=$(lowest "$WORK/$1.none_again")
  verdict "slow-down of $1 by $2" "$(ratio "$(lowest "$WORK/$1.$2")" "$base")" "$3" \
    "$(awk -v a="$base" -v b="$again" 'BEGIN { d = b / a - 1; printf "%.3f", d < 0 ? -d : d }')"
}
