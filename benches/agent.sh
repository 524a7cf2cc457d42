# Agents under test: one at a time, started and ended by its own pid, never longer than a limit.

AGENT=     # pid of the running agent
WATCHER=   # pid of the `timeout` around it
STATS_WERE= # kernel.bpf_stats_enabled before stats_on

# agent_start COMMAND...: in the background; its output is in $WORK/agent.out and agent.err.
agent_start() {
  : >"$WORK/agent.pid"
  # The shell writes its pid and becomes the agent: the pid that $! has is timeout's.
  timeout -k 5 150 sh -c 'echo $$ >"$0"; exec "$@"' "$WORK/agent.pid" taskset -c "$AGENT_CPUS" "$@" \
    >"$WORK/agent.out" 2>"$WORK/agent.err" &
  WATCHER=$!
  until [ -s "$WORK/agent.pid" ]; do sleep 0.001; done
  AGENT=$(<"$WORK/agent.pid")
}

# timeout hands the signal on, and kills after 5 s what does not end by itself.
agent_stop() {
  [ -n "$WATCHER" ] || return 0
  kill -TERM "$WATCHER" 2>/dev/null || true
  wait "$WATCHER" 2>/dev/null || true
  AGENT='' WATCHER=''
}

agent_failed() {
  echo "the agent did not come up or did not stay:" >&2
  tail -n 20 "$WORK/agent.out" "$WORK/agent.err" >&2
  exit 1
}

# kpulse_start ADDRESS NEEDLE OPTION...: returns when the page at ADDRESS has NEEDLE.
kpulse_start() {
  local address=$1 needle=$2
  shift 2
  agent_start "$KPULSE" "$@"
  timeout 30 "$LOAD" await "$address" "$needle" 10 || agent_failed
}

# The default pipeline with ports and a folder of its own.
kpulse_default() {
  local own="{prometheus: {host: ${OWN_METRICS%:*}, port: ${OWN_METRICS#*:}}}"
  kpulse_start "$METRICS" linux_sched_runqueue_duration_seconds_count --config pipeline.yaml \
    --set "exporters.prometheus.endpoint=$METRICS" --set "exporters.file.path=$WORK/telemetry.jsonl" \
    --set "service.telemetry.metrics.readers=[{pull: {exporter: $own}}]" --set service.extensions=[]
}

# bpftrace_start SCRIPT: the script's last probe is attached last and says `ready`.
bpftrace_start() {
  agent_start bpftrace "$1"
  local try
  for try in $(seq 1000); do
    if grep -q ready "$WORK/agent.out"; then return; fi
    sleep 0.01
  done
  agent_failed
}

# CPU time of the agent so far, in clock ticks; also of its threads that have ended.
agent_ticks() {
  # The name in parentheses may have spaces, so count from behind it.
  sed 's/.*) //' "/proc/$AGENT/stat" | awk '{ print $12 + $13 }'
}

agent_memory_kb() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$AGENT/status"; }

# Nanoseconds and runs of all BPF programs that the agent holds; needs stats_on.
agent_bpf() {
  cat "/proc/$AGENT"/fdinfo/* 2>/dev/null | awk '$1 == "run_time_ns:" { ns += $2 } $1 == "run_cnt:" { runs += $2 }
    END { printf "%d %d\n", ns, runs }'
}

stats_on() {
  STATS_WERE=$(</proc/sys/kernel/bpf_stats_enabled)
  echo 1 >/proc/sys/kernel/bpf_stats_enabled
}

stats_off() {
  [ -z "$STATS_WERE" ] || echo "$STATS_WERE" >/proc/sys/kernel/bpf_stats_enabled
  STATS_WERE=
}
