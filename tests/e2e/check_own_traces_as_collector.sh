#!/usr/bin/env bash
# Own spans have the names, attributes and events that a real Collector's have, by the same configuration file.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
need curl; need python3

# Where telemetry goes, and where own spans go.
cat >"$WORK/backend.yaml" <<YAML
receivers:
  otlp: {protocols: {http: {endpoint: 127.0.0.1:29721}}}
  otlp/spans: {protocols: {http: {endpoint: 127.0.0.1:29722}}}
exporters: {file: {path: $WORK/spans.jsonl, flush_interval: 50ms}, debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces/own: {receivers: [otlp/spans], exporters: [file]}
    logs: {receivers: [otlp], exporters: [debug]}
    metrics: {receivers: [otlp], exporters: [debug]}
    traces: {receivers: [otlp], exporters: [debug]}
YAML
cat >"$WORK/peer.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29723}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 400}
  attributes: {actions: [{key: a, action: upsert, value: b}]}
exporters:
  otlp_http: {endpoint: "http://127.0.0.1:29721", retry_on_failure: {initial_interval: 100ms}}
  otlp_http/away: {endpoint: "http://127.0.0.1:1", retry_on_failure: {enabled: false}, sending_queue: {enabled: false}}
service:
  telemetry:
    metrics: {level: none}
    traces:
      processors: [{simple: {exporter: {otlp: {protocol: http/protobuf, endpoint: "http://127.0.0.1:29722"}}}}]
  pipelines:
    logs: {receivers: [otlp], processors: [memory_limiter, attributes], exporters: [otlp_http]}
    metrics: {receivers: [otlp], exporters: [otlp_http]}
    traces: {receivers: [otlp], exporters: [otlp_http/away]}
YAML
"$collector" --config "$WORK/backend.yaml" 2>"$WORK/backend.log" &
pids+=($!)
await 20 grep -q "Everything is ready" "$WORK/backend.log"

post() { curl -s -o "$WORK/said" -H 'content-type: application/json' "127.0.0.1:29723/v1/$1" -d "$2"; }
seen() { [ "$(grep -oE '"name":"(receiver|exporter)/[^"]*"' "$WORK/spans.jsonl" | wc -l)" -ge "$1" ]; }
wanted=0
for program in "$collector" "$KPULSE"; do
  "$program" --config "$WORK/peer.yaml" 2>"$WORK/$(basename "$program").log" &
  peer=$!
  pids+=("$peer")
  await 20 grep -q "Everything is ready" "$WORK/$(basename "$program").log"
  post logs '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}},{}]}]}]}'
  post metrics '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}'
  post traces '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"}]}]}]}'
  wanted=$((wanted + 8))
  await 10 seen "$wanted" || { cat "$WORK/spans.jsonl"; exit 1; }
  kill -TERM "$peer"; wait "$peer"
  sleep 0.3
  python3 - "$WORK/spans.jsonl" "$(basename "$program")" >"$WORK/$(basename "$program").txt" <<'PY'
import json, sys
rows, spans = [], {}
for line in open(sys.argv[1]):
    for resource in json.loads(line)["resourceSpans"]:
        if sys.argv[2] not in str(resource["resource"]["attributes"]):
            continue
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                spans[span["spanId"]] = span
for span in spans.values():
    if not span["name"].startswith(("receiver/", "exporter/")):
        continue
    shown = lambda kv: (kv["key"], *kv["value"].values())
    events = [(event["name"], *map(shown, event.get("attributes", []))) for event in span.get("events", [])]
    above = spans.get(span.get("parentSpanId", ""), {}).get("name", "")
    above = above if above.startswith(("receiver/", "exporter/")) else ""
    rows.append((span["name"], above, sorted(map(shown, span.get("attributes", []))), events, span.get("status", {}).get("code", 0)))
for row in sorted(rows, key=str):
    print(row)
PY
done
diff "$WORK/$(basename "$collector").txt" "$WORK/$(basename "$KPULSE").txt"
echo "$(wc -l <"$WORK/$(basename "$KPULSE").txt") own spans are as a real Collector's"
