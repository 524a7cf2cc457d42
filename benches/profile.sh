# A profile sample: what the kernel's part takes (its own statistics) and what the agent takes for reading it, finding
# names and writing it, by CPU time. All CPUs are busy, so that no sample is one of an idle CPU, which costs less.
# `hot`: a loop below 3 calls, whose stacks are mostly equal. `deep`: below 30 calls which differ, so no stack comes twice.

PROFILE_HZ=999
PROFILE_SECONDS=6
PROFILE_TARGET_NS=10000
PROFILE_IDLE_CPU_TARGET=0.01

# profile_start HZ: profiles and nothing else, written to nowhere.
profile_start() {
  cat >"$WORK/profiles.yaml" <<YAML
receivers: {ebpf_profiles: {samples_per_second: $1, reporter_interval: 1s}}
exporters: {file: {path: /dev/null}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: ${OWN_METRICS%:*}, port: ${OWN_METRICS#*:}}}}}]}}
  pipelines: {profiles: {receivers: [ebpf_profiles], exporters: [file]}}
YAML
  kpulse_start "$OWN_METRICS" kpulse_probe_fired_events --config "$WORK/profiles.yaml"
}

# Samples that were sent so far.
profile_sent() {
  timeout 10 "$LOAD" scrape "$OWN_METRICS" 1 | awk '/^kpulse_probe_sent_events.*"profile"/ { sum += $2 } END { print sum + 0 }'
}

# profile_load SECONDS DEPTH: on every CPU.
profile_load() {
  local cpu loads=()
  for ((cpu = 0; cpu <= LOAD_CPU; cpu++)); do
    timeout 60 "$LOAD" burn "$cpu" "$1" "$2" &
    loads+=($!)
  done
  wait "${loads[@]}"
}

# profile_round NAME DEPTH: kernel, agent, both in ns per sample, and samples; appended to $WORK/profile.NAME.
profile_round() {
  local ticks ns runs ns_end runs_end sent
  profile_start "$PROFILE_HZ"
  # Names of the load are found now, once: what follows is what a sample costs from then on.
  profile_load 2 "$2"
  sleep 1.5
  ticks=$(agent_ticks) sent=$(profile_sent)
  read -r ns runs < <(agent_bpf)
  profile_load "$PROFILE_SECONDS" "$2"
  read -r ns_end runs_end < <(agent_bpf)
  # The last second is read a second later.
  sleep 1.5
  ticks=$(($(agent_ticks) - ticks)) sent=$(($(profile_sent) - sent))
  agent_stop
  awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v ns=$((ns_end - ns)) -v runs=$((runs_end - runs)) -v sent="$sent" \
    'BEGIN { k = ns / runs; a = ticks / hz * 1e9 / sent; printf "%.0f %.0f %.0f %d\n", k, a, k + a, sent }' >>"$WORK/profile.$1"
}

profile_row() {
  local file=$WORK/profile.$1
  printf '  %-8s %10.0f %10.0f %10.0f %10.0f %10.0f\n' "$1" "$(lowest "$file" 1)" "$(median "$file" 1)" \
    "$(median "$file" 2)" "$(median "$file" 3)" "$(median "$file" 4)"
}

# What it takes from a machine at the default rate.
profile_idle() {
  local ticks ns runs ns_end runs_end
  profile_start 19
  sleep 3
  ticks=$(agent_ticks)
  read -r ns runs < <(agent_bpf)
  sleep 20
  ticks=$(($(agent_ticks) - ticks))
  read -r ns_end runs_end < <(agent_bpf)
  PROFILE_RESIDENT=$(agent_memory_kb VmRSS)
  agent_stop
  PROFILE_IDLE=$(awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" -v ns=$((ns_end - ns)) 'BEGIN { printf "%.4f", t / hz / 20 + ns / 1e9 / 20 }')
}

profile() {
  local round
  stats_on
  for ((round = 0; round < (ROUNDS + 3) / 4; round++)); do
    profile_round hot 3
    profile_round deep 30
  done
  echo "profile: ns per sample at $PROFILE_HZ Hz on each CPU, all CPUs busy"
  printf '  %-8s %10s %10s %10s %10s %10s\n' '' kernel.min kernel.med agent.med both.med samples
  profile_row hot
  profile_row deep
  verdict 'ns per sample of a hot loop' "$(median "$WORK/profile.hot" 3)" "$PROFILE_TARGET_NS" 0
  verdict 'ns per sample that is like no other' "$(median "$WORK/profile.deep" 3)" "$PROFILE_TARGET_NS" 0
  profile_idle
  stats_off
  verdict 'CPU s/s at 19 Hz of agent and program' "$PROFILE_IDLE" "$PROFILE_IDLE_CPU_TARGET" 0
  echo "  resident MB $((PROFILE_RESIDENT / 1024))"
}
