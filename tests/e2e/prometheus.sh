# Sourced by checks behind agent.sh: a real Prometheus of their own.
tools=$("$root/tests/tools.sh") || exit 3
need curl
need jq

# prometheus_start JOB=ADDRESS...: scrapes each twice a second
prometheus_start() {
  {
    echo 'global: {scrape_interval: 500ms, scrape_timeout: 400ms}'
    echo 'scrape_configs:'
    for job in "$@"; do echo "  - {job_name: ${job%%=*}, static_configs: [{targets: ['${job#*=}']}]}"; done
  } >"$WORK/prometheus.yaml"
  "$tools/prometheus" --config.file="$WORK/prometheus.yaml" --storage.tsdb.path="$WORK/tsdb" \
    --web.listen-address=127.0.0.1:29790 >"$WORK/prometheus.out" 2>&1 &
  pids+=($!)
}

query() { curl -sS --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:29790/api/v1/query; }
# value QUERY: the value of the only series that it finds
value() { query "$1" | jq -er '.data.result | if length == 1 then .[0].value[1] else error("\(length) series") end'; }
# holds QUERY: a comparison that finds something
holds() { query "$1" | jq -e '.data.result | length > 0'; }
