#!/usr/bin/env bash
# A real Elasticsearch that wants TLS and a password takes records from the right user, and none from a wrong one.
source ./agent.sh
source ./elasticsearch.sh
# This distribution has no API keys: they need a module that it lacks.
elasticsearch_start tls
url=https://localhost:$elasticsearch_port
secure_curl() { curl -sS --max-time 20 --cacert "$WORK/elasticsearch/config/ca.pem" -u kpulse:secret-of-tests "$@"; }
common="endpoint: '$url', tls: {ca_file: '$WORK/elasticsearch/config/ca.pem'}, retry: {max_interval: 1s}"
start_agent \
  --set "exporters.elasticsearch={$common, logs_index: by-password, user: kpulse, password: secret-of-tests}" \
  --set "exporters.elasticsearch/wrong={$common, logs_index: by-nobody, user: kpulse, password: wrong}" \
  --set "exporters.elasticsearch/untrusted={endpoint: '$url', logs_index: by-nobody, user: kpulse, password: secret-of-tests, retry: {max_retries: 1}}" \
  --set 'service.pipelines.metrics.exporters=[prometheus]' \
  --set 'service.pipelines.logs.exporters=[file, elasticsearch, elasticsearch/wrong, elasticsearch/untrusted]'
for _ in $(seq 20); do echo x >/dev/udp/127.0.0.1/9; done
await 20 grep -q NO_SOCKET "$WORK/telemetry.jsonl"
count() { secure_curl -X POST "$url/$1/_refresh" >/dev/null; secure_curl "$url/$1/_count" | jq '.count // 0'; }
arrived() { [ "$(count "$1")" -ge 20 ]; }
await 30 arrived by-password
refused() { [ "$(own_metric "otelcol_exporter_send_failed_log_records.*$1")" -ge 20 ]; }
await 20 refused elasticsearch/wrong
await 20 refused elasticsearch/untrusted
kill -TERM "$agent"; wait "$agent"
grep 'elasticsearch/wrong' "$WORK/err" | grep -q 'not retryable error: bulk request responded with HTTP Status Code 401: security_exception'
grep 'elasticsearch/untrusted' "$WORK/err" | grep -q 'invalid peer certificate'
[ "$(count by-nobody)" = 0 ]
sent=$(grep -o '"eventName":' "$WORK/telemetry.jsonl" | wc -l)
[ "$(count by-password)" = "$sent" ] || { echo "$(count by-password) of $sent"; exit 1; }
echo "$sent records by password, none from a wrong user or over an untrusted connection"
