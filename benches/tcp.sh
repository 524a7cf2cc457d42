# A request and an answer over loopback TCP, at full speed on one CPU: wake-ups, switches, softirqs and packets together.
# What the default pipeline adds, what a bpftrace script with the same two jobs adds, and what each probe costs by itself.

TCP_ROUND_TRIPS=50000
TCP_PROBES=(runqlat runqlat_containers softirq dropwatch netrecvlat oom)

tcp_none_start() { :; }
tcp_none_again_start() { :; }
tcp_kpulse_start() { kpulse_default; }
tcp_bpftrace_start() {
  # `ready` comes last.
  cat <(grep -v ready benches/runqlat.bt) benches/drops.bt >"$WORK/both.bt"
  bpftrace_start "$WORK/both.bt"
}
tcp_load() { timeout 60 "$LOAD" tcp "$LOAD_CPU" "$TCP_ROUND_TRIPS"; }

tcp_runqlat_start() { tcp_scraper 'runqlat: {}'; }
tcp_runqlat_containers_start() { tcp_scraper 'runqlat: {containers: true}'; }
tcp_softirq_start() { tcp_scraper 'softirq: {}'; }
tcp_dropwatch_start() { tcp_events 'dropwatch: {}'; }
tcp_netrecvlat_start() { tcp_events 'netrecvlat: {}'; }
tcp_oom_start() { tcp_events 'oom: {}'; }

tcp_scraper() { tcp_only metrics ebpf_metrics "{collection_interval: 1s, scrapers: {$1}}"; }
tcp_events() { tcp_only logs ebpf_events "{probes: {$1}}"; }

# tcp_only SIGNAL RECEIVER SETTINGS: nothing but one probe.
tcp_only() {
  cat >"$WORK/only.yaml" <<EOF
receivers: {$2: $3}
exporters: {file: {path: $WORK/telemetry.jsonl}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: ${OWN_METRICS%:*}, port: ${OWN_METRICS#*:}}}}}]}}
  pipelines: {$1: {receivers: [$2], exporters: [file]}}
EOF
  kpulse_start "$OWN_METRICS" kpulse_probe_map_memory --config "$WORK/only.yaml"
}

# What the kernel says of the programs' own time, in a round of its own: its statistics make every run dearer.
tcp_runs() {
  local probe before after
  printf '  %-22s %14s %12s\n' 'by itself' 'runs per trip' 'ns per run'
  for probe in "${TCP_PROBES[@]}"; do
    "tcp_${probe}_start"
    stats_on
    before=$(agent_bpf)
    tcp_load >/dev/null
    after=$(agent_bpf)
    stats_off
    agent_stop
    # 46 ns is what an empty program reads.
    awk -v name="$probe" -v trips="$TCP_ROUND_TRIPS" -v before="$before" -v after="$after" 'BEGIN {
      split(before, b); split(after, a); runs = a[2] - b[2]
      ns = runs / trips > 0.01 ? sprintf("%.0f", (a[1] - b[1]) / runs - 46) : "-"
      printf "  %-22s %14.2f %12s\n", name, runs / trips, ns
    }'
  done
}

tcp() {
  local variants=(none none_again kpulse)
  if command -v bpftrace >/dev/null; then variants+=(bpftrace); else echo "tcp: bpftrace skipped: not installed"; fi
  variants+=("${TCP_PROBES[@]}")
  rounds tcp "${variants[@]}"
  table tcp 'CPU ns per round trip' "${variants[@]}"
  tcp_runs
}
