# A bare context switch with run-queue latency on: two processes ping-pong over pipes on one CPU,
# as `perf bench sched pipe` does.
# Every switch wakes, sleeps and switches, so this is the dearest thing the probe can meet.

SWITCH_TARGET=1.17

switch_none_start() { :; }
switch_none_again_start() { :; }
switch_kpulse_start() {
  kpulse_start "$METRICS" linux_sched_runqueue_duration_seconds_count --config benches/runqlat.yaml
}
switch_bpftrace_start() { bpftrace_start benches/runqlat.bt; }
switch_load() { timeout 60 "$LOAD" switch "$LOAD_CPU" 100000; }

switch() {
  local variants=(none none_again kpulse)
  if command -v bpftrace >/dev/null; then variants+=(bpftrace); else echo "switch: bpftrace skipped: not installed"; fi
  rounds switch "${variants[@]}"
  table switch 'CPU ns per switch' "${variants[@]}"
  slow_down switch kpulse "$SWITCH_TARGET"
}
