# A request and its response at full speed on one CPU, with spans on: 100 bytes there and back, HTTP and something else.
# What is counted is what the two processes pay; the agent has other CPUs, and writes at most `rate` spans a second.

EXCHANGE_TARGET=1.15
EXCHANGE_ROUND_TRIPS=50000

exchange_none_start() { EXCHANGE_KIND=other; }
exchange_none_again_start() { EXCHANGE_KIND=other; }
exchange_http_on_start() { EXCHANGE_KIND=other; exchange_spans '{http: }'; }
exchange_tcp_on_start() { EXCHANGE_KIND=other; exchange_spans '{http: , tcp: }'; }
exchange_load() { timeout 60 "$LOAD" exchange "$LOAD_CPU" "$EXCHANGE_ROUND_TRIPS" "$EXCHANGE_KIND"; }
exchange_more() { printf '%11.0f' "$(median "$1" 2)"; }

# The same with messages that are HTTP.
exchanges_none_start() { EXCHANGE_KIND=http; }
exchanges_none_again_start() { EXCHANGE_KIND=http; }
exchanges_http_on_start() { EXCHANGE_KIND=http; exchange_spans '{http: }'; }
exchanges_all_start() { EXCHANGE_KIND=http; exchange_spans '{http: }' 0; }
exchanges_load() { exchange_load; }
exchanges_more() { exchange_more "$1"; }

# exchange_spans PROTOCOLS [RATE]: nothing but spans, written to nowhere.
exchange_spans() {
  cat >"$WORK/spans.yaml" <<YAML
receivers: {ebpf_spans: {protocols: $1, rate: ${2:-1000}}}
exporters: {file: {path: /dev/null}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: ${OWN_METRICS%:*}, port: ${OWN_METRICS#*:}}}}}]}}
  pipelines: {traces: {receivers: [ebpf_spans], exporters: [file]}}
YAML
  kpulse_start "$OWN_METRICS" kpulse_probe_fired_events --config "$WORK/spans.yaml"
}

exchange() {
  local other=(none none_again http_on tcp_on) http=(none none_again http_on all)
  rounds exchange "${other[@]}"
  TABLE_MORE='   trips/s' table exchange 'CPU ns per round trip' "${other[@]}"
  slow_down exchange http_on "$EXCHANGE_TARGET"
  rounds exchanges "${http[@]}"
  TABLE_MORE='   trips/s' table exchanges 'the same, as HTTP' "${http[@]}"
  slow_down exchanges http_on "$EXCHANGE_TARGET"
}
