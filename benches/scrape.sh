# A scrape of 500 series, by kpulse and by a real Collector (when it has been built): both get the same gauge over OTLP
# and show it on a Prometheus page.

SCRAPE_TARGET_S=0.002
SCRAPE_SERIES=500
SCRAPE_TIMES=1000
SCRAPE_OTLP=127.0.0.1:28718

# 500 series of one gauge, as an OTLP/JSON request.
scrape_request() {
  awk -v n="$SCRAPE_SERIES" -v now="$(date +%s)" 'BEGIN {
    printf "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"bench\"}}]},"
    printf "\"scopeMetrics\":[{\"metrics\":[{\"name\":\"bench.queue.length\",\"unit\":\"{item}\",\"gauge\":{\"dataPoints\":["
    for (i = 0; i < n; i++)
      printf "%s{\"timeUnixNano\":\"%d000000000\",\"asDouble\":%d.5,\"attributes\":[{\"key\":\"queue\",\"value\":{\"stringValue\":\"q%d\"}},{\"key\":\"device\",\"value\":{\"stringValue\":\"eth%d\"}}]}", \
        (i ? "," : ""), now, i, i, i % 8
    print "]}}]}]}]}"
  }'
}

scrape_config() {
  cat <<YAML
receivers: {otlp: {protocols: {http: {endpoint: $SCRAPE_OTLP}}}}
exporters: {prometheus: {endpoint: $METRICS}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}
YAML
}

# scrape_of NAME PROGRAM: CPU seconds of a scrape, of the program's own clock.
scrape_of() {
  agent_start "$2" --config "$WORK/scrape.yaml"
  timeout 20 curl -sSf --retry 100 --retry-delay 0 --retry-connrefused -H 'content-type: application/json' \
    --data-binary "@$WORK/scrape.json" "http://$SCRAPE_OTLP/v1/metrics" >/dev/null || agent_failed
  timeout 20 "$LOAD" await "$METRICS" bench_queue_length 10 || agent_failed
  local ticks lines
  ticks=$(agent_ticks)
  timeout 100 "$LOAD" scrape "$METRICS" "$SCRAPE_TIMES" >"$WORK/page"
  ticks=$(($(agent_ticks) - ticks))
  agent_stop
  lines=$(grep -c '^bench_queue_length' "$WORK/page")
  # A page in chunks has some lines broken by the chunks' heads.
  [ "$lines" -gt $((SCRAPE_SERIES - 10)) ] || { echo "$1 shows $lines series" >&2; exit 1; }
  awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v n="$SCRAPE_TIMES" 'BEGIN { printf "%.6f\n", ticks / hz / n }' \
    >>"$WORK/scrape.$1"
}

scrape() {
  local collector=${KPULSE_TEST_CACHE:-$PWD/.cache}/collector/otelcol-peer round
  command -v curl >/dev/null || { echo "scrape: left out, there is no curl"; return; }
  scrape_config >"$WORK/scrape.yaml"
  scrape_request >"$WORK/scrape.json"
  for round in 1 2 3; do
    scrape_of kpulse "$KPULSE"
    [ ! -x "$collector" ] || scrape_of collector "$collector"
  done
  echo "scrape: CPU s for a page of $SCRAPE_SERIES series, median of three times $SCRAPE_TIMES"
  printf '  %-42s %s\n' kpulse "$(median "$WORK/scrape.kpulse")"
  if [ -x "$collector" ]; then
    printf '  %-42s %s\n' 'a real Collector' "$(median "$WORK/scrape.collector")"
    printf '  %-42s %s\n' 'kpulse by Collector' \
      "$(ratio "$(median "$WORK/scrape.kpulse")" "$(median "$WORK/scrape.collector")")"
  fi
  verdict 'CPU s for a scrape' "$(median "$WORK/scrape.kpulse")" "$SCRAPE_TARGET_S" 0
}
