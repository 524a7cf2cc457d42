#!/usr/bin/env bash
# A real Collector takes every line that the file exporter wrote, and has the same items in it.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3

start_agent --set receivers.ebpf_metrics.collection_interval=500ms --set receivers.ebpf_profiles.reporter_interval=1s
for _ in $(seq 20); do echo x >/dev/udp/127.0.0.1/9; done
await 10 grep -q NO_SOCKET "$WORK/telemetry.jsonl"
await 10 sh -c "[ \$(grep -c resourceMetrics $WORK/telemetry.jsonl) -ge 3 ]"
curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:29704/metrics"
await 20 grep -q resourceSpans "$WORK/telemetry.jsonl"
await 20 grep -q resourceProfiles "$WORK/telemetry.jsonl"
kill -TERM "$agent"; wait "$agent"

cat >"$WORK/collector.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29718}}}}
exporters: {file: {path: $WORK/read.jsonl, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [file]}
    traces: {receivers: [otlp], exporters: [file]}
    profiles: {receivers: [otlp], exporters: [file]}
YAML
"$collector" --feature-gates=service.profilesSupport --config "$WORK/collector.yaml" >"$WORK/collector.log" 2>&1 &
pids+=($!)
await 20 grep -q "Everything is ready" "$WORK/collector.log"

while IFS= read -r line; do
  case $line in
    '{"resourceLogs"'*) path=v1/logs ;;
    '{"resourceMetrics"'*) path=v1/metrics ;;
    '{"resourceSpans"'*) path=v1/traces ;;
    '{"resourceProfiles"'*) path=v1development/profiles ;;
    *) echo "no signal: ${line:0:80}"; exit 1 ;;
  esac
  answer=$(printf '%s' "$line" | curl -sS --max-time 10 -H 'content-type: application/json' --data-binary @- "http://127.0.0.1:29718/$path")
  [ "$answer" = '{"partialSuccess":{}}' ] || { echo "the Collector says: $answer"; exit 1; }
done <"$WORK/telemetry.jsonl"
sent=$(wc -l <"$WORK/telemetry.jsonl")
await 10 sh -c "[ \$(wc -l <$WORK/read.jsonl) -ge $sent ]"

# The same values, field by field: counted by what names, times and numbers occur. Of profiles the Collector moves texts
# into their table; they have a check of their own.
values() { grep -v '"resourceProfiles"' "$1" | grep -oE '"(timeUnixNano|startTimeUnixNano|observedTimeUnixNano|intValue|stringValue|eventName|count|name)":"[^"]*"' | sort; }
buckets() { grep -oE '"(bucketCounts|explicitBounds)":\[[^]]*\]' "$1" | tr -d '"' | sort; }
diff <(values "$WORK/telemetry.jsonl") <(values "$WORK/read.jsonl") >"$WORK/diff" || { head -20 "$WORK/diff"; exit 1; }
bucket_lines=$(buckets "$WORK/telemetry.jsonl" | grep -c bucketCounts)
[ "$bucket_lines" -gt 0 ] && [ "$bucket_lines" = "$(buckets "$WORK/read.jsonl" | grep -c bucketCounts)" ]
echo "a real Collector read $sent lines with $(values "$WORK/read.jsonl" | wc -l) equal values"
