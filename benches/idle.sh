# The default pipeline with nothing to do: what it takes from the host, how soon it is there, what a scrape costs.

IDLE_SECONDS=30
IDLE_CPU_TARGET=0.01
IDLE_MEMORY_TARGET_MB=90
IDLE_START_TARGET=1
IDLE_SCRAPES=1000

# Seconds from exec to a page with the first metric, per start.
idle_starts() {
  local start round
  for round in 1 2 3 4 5; do
    start=$EPOCHREALTIME
    kpulse_default
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }' >>"$WORK/idle.starts"
    agent_stop
  done
}

# Reads the kernel's statistics and the agent's time over windows; the median of them, since other work can wake it.
idle_windows() {
  local window ticks ns runs ns_end runs_end sent
  for window in 1 2 3; do
    ticks=$(agent_ticks) sent=$(idle_records)
    read -r ns runs < <(agent_bpf)
    sleep $((IDLE_SECONDS / 3))
    ticks=$(($(agent_ticks) - ticks)) sent=$(($(idle_records) - sent))
    read -r ns_end runs_end < <(agent_bpf)
    awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v ns=$((ns_end - ns)) -v runs=$((runs_end - runs)) \
      -v sent="$sent" -v s=$((IDLE_SECONDS / 3)) \
      'BEGIN { a = ticks / hz / s; k = ns / 1e9 / s
        printf "%.4f %.4f %.4f %.0f %.1f\n", a, k, a + k, runs / s, sent / s }' >>"$WORK/idle.windows"
  done
}

# Records of dropped packets: there are some even on an idle host, and they are work.
idle_records() {
  timeout 10 "$LOAD" scrape "$OWN_METRICS" 1 |
    awk '/^kpulse_probe_sent_events.*dropwatch/ { sum += $2 } END { print sum + 0 }'
}

idle() {
  idle_starts
  kpulse_default
  # Only now and only here: the statistics themselves cost 50 to 110 ns per run.
  stats_on
  idle_windows
  stats_off
  local resident peak ticks start=$WORK/idle.starts windows=$WORK/idle.windows
  resident=$(agent_memory_kb VmRSS)
  ticks=$(agent_ticks)
  timeout 60 "$LOAD" scrape "$METRICS" "$IDLE_SCRAPES" >"$WORK/page"
  ticks=$(($(agent_ticks) - ticks))
  peak=$(agent_memory_kb VmHWM)
  agent_stop

  echo "idle: default pipeline, median of three $((IDLE_SECONDS / 3)) s windows"
  printf '  %-42s %s\n' 'agent, CPU s/s' "$(median "$windows" 1)" \
    'agent, CPU s/s, mean of the windows' "$(mean "$windows" 1)" 'BPF programs, CPU s/s' "$(median "$windows" 2)" \
    'BPF runs/s' "$(median "$windows" 4)" 'records of dropped packets/s' "$(median "$windows" 5)" \
    'resident MB' $((resident / 1024)) 'resident MB, peak (at start)' $((peak / 1024)) \
    'exec to first metric, median s' "$(median "$start")" \
    "CPU s for $IDLE_SCRAPES scrapes of $(grep -vc '^#' "$WORK/page") lines" \
    "$(awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" 'BEGIN { print ticks / hz }')"
  verdict 'idle CPU s/s of agent and programs' "$(median "$windows" 3)" "$IDLE_CPU_TARGET" 0
  verdict 'resident MB' $((resident / 1024)) "$IDLE_MEMORY_TARGET_MB" 0
  verdict 'start in s' "$(median "$start")" "$IDLE_START_TARGET" 0
}
