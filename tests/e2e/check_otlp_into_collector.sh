#!/usr/bin/env bash
# A real Collector takes what the default pipeline sends over OTLP, gRPC and HTTP, and has the same items in it. Profiles
# have a check of their own.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3

for way in grpc http; do
  case $way in grpc) port=29717 ;; http) port=29718 ;; esac
  cat >"$WORK/$way.yaml" <<YAML
receivers: {otlp: {protocols: {$way: {endpoint: 127.0.0.1:$port}}}}
exporters: {file: {path: $WORK/$way.jsonl, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [file]}
    traces: {receivers: [otlp], exporters: [file]}
YAML
  "$collector" --config "$WORK/$way.yaml" >"$WORK/$way.log" 2>&1 &
  pids+=($!)
  await 20 grep -q "Everything is ready" "$WORK/$way.log"
done

start_agent --set receivers.ebpf_metrics.collection_interval=500ms \
  --set 'exporters.otlp_grpc={endpoint: 127.0.0.1:29717, tls: {insecure: true}, compression: zstd}' \
  --set 'exporters.otlp_http={endpoint: http://127.0.0.1:29718}' \
  --set 'service.pipelines.metrics.exporters=[file, otlp_grpc, otlp_http]' \
  --set 'service.pipelines.logs.exporters=[file, otlp_grpc, otlp_http]' \
  --set 'service.pipelines.traces.exporters=[file, otlp_grpc, otlp_http]' \
  --set 'service.pipelines.profiles.exporters=[debug]'
for _ in $(seq 20); do echo x >/dev/udp/127.0.0.1/9; done
await 10 grep -q NO_SOCKET "$WORK/telemetry.jsonl"
await 10 sh -c "[ \$(grep -c resourceMetrics $WORK/telemetry.jsonl) -ge 3 ]"
# A request whose span goes the same way: the page of what the agent says of itself, asked by somebody else.
curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:29706/metrics"
await 20 grep -q resourceSpans "$WORK/telemetry.jsonl"
kill -TERM "$agent"; wait "$agent"

if grep "Exporting failed" "$WORK/err"; then exit 1; fi
# What the stop left in the queues was sent before the end: nothing may be missing.
values() { grep -oE '"(timeUnixNano|startTimeUnixNano|observedTimeUnixNano|intValue|stringValue|eventName|count|name)":"[^"]*"' "$1" | sort; }
sent=$(wc -l <"$WORK/telemetry.jsonl")
for way in grpc http; do
  await 10 sh -c "[ \$(wc -l <$WORK/$way.jsonl) -ge $sent ]" || { tail -5 "$WORK/err"; exit 1; }
  diff <(values "$WORK/telemetry.jsonl") <(values "$WORK/$way.jsonl") >"$WORK/diff" || { head -20 "$WORK/diff"; exit 1; }
  echo "a real Collector took $sent requests over $way with $(values "$WORK/$way.jsonl" | wc -l) equal values"
done
