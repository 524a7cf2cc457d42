#!/usr/bin/env bash
# Own log records and own metrics reach a real Collector over OTLP (HTTP and gRPC) in the shape that a real Collector's
# have, by the same configuration file.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
need curl; need python3

cat >"$WORK/backend.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29741}, grpc: {endpoint: 127.0.0.1:29742}}}}
exporters: {file: {path: $WORK/own.jsonl, flush_interval: 50ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [file]}
YAML
cat >"$WORK/peer.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29743}}}}
processors: {batch: {timeout: 10ms}}
exporters:
  debug:
  otlp_http: {endpoint: "http://127.0.0.1:29744", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
  otlp_grpc: {endpoint: "127.0.0.1:29744", tls: {insecure: true}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:
  telemetry:
    resource: {attributes: [{name: team, value: blue}]}
    logs:
      initial_fields: {only: in lines}
      processors:
        - batch: {schedule_delay: 100, exporter: {otlp: {protocol: http/protobuf, endpoint: "http://127.0.0.1:29741"}}}
        - simple: {exporter: {otlp: {protocol: grpc, endpoint: "http://127.0.0.1:29742", headers_list: "a=b", compression: gzip}}}
    metrics:
      readers: [{periodic: {interval: 300, exporter: {otlp: {protocol: grpc, endpoint: "127.0.0.1:29742", insecure: true}}}}]
  pipelines: {logs: {receivers: [otlp], processors: [batch], exporters: [debug, otlp_http, otlp_grpc]}}
YAML
"$collector" --config "$WORK/backend.yaml" 2>"$WORK/backend.log" &
pids+=($!)
await 20 grep -q "Everything is ready" "$WORK/backend.log"

before=0
since() { tail -n "+$((before + 1))" "$WORK/own.jsonl"; }
arrived() { since | grep "$1"; }
for program in "$collector" "$KPULSE"; do
  name=$(basename "$program")
  before=$(wc -l <"$WORK/own.jsonl")
  "$program" --config "$WORK/peer.yaml" 2>"$WORK/$(basename "$program").log" &
  peer=$!
  pids+=("$peer")
  await 20 grep -q "Everything is ready" "$WORK/$(basename "$program").log"
  curl -s -o "$WORK/said" -H 'content-type: application/json' 127.0.0.1:29743/v1/logs \
    -d '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}},{}]}]}]}'
  await 10 arrived otelcol_receiver_accepted_log_records || { cat "$WORK/$(basename "$program").log"; exit 1; }
  kill -TERM "$peer"; wait "$peer"
  await 10 arrived "Shutdown complete" || { cat "$WORK/$(basename "$program").log"; exit 1; }
  sleep 0.3
  since >"$WORK/$name.jsonl"
  python3 - "$WORK/$name.jsonl" >"$WORK/$name.txt" <<'PY'
import collections, json, sys
# What both say; each line has to come once by each of the two ways.
COMMON = ["Everything is ready. Begin running and processing data.", "Received signal from OS", "Starting shutdown...", "Shutdown complete."]
rows, seen = set(), collections.Counter()
shown = lambda attributes: tuple(sorted((a["key"], *map(str, a["value"].values())) for a in attributes))
keys = lambda attributes: tuple(sorted(a["key"] for a in attributes))
for line in open(sys.argv[1]):
    request = json.loads(line)
    for resource in request.get("resourceLogs", []) + request.get("resourceMetrics", []):
        rows.add(("resource", keys(resource["resource"]["attributes"]), resource.get("schemaUrl")))
    for resource in request.get("resourceLogs", []):
        for scope in resource["scopeLogs"]:
            about = shown(scope["scope"].get("attributes", []))
            for record in scope["logRecords"]:
                body = record["body"]["stringValue"]
                # The Collector also has the function, which is not known here.
                attributes = [a for a in record.get("attributes", []) if a["key"] != "code.function.name"]
                assert abs(int(record["timeUnixNano"]) - int(record["observedTimeUnixNano"])) < 10**9, record
                if body in COMMON:
                    seen[body] += 1
                    rows.add(("log", body, record["severityNumber"], record["severityText"], keys(attributes)))
                elif dict(about).get("otelcol.component.kind") == "receiver":
                    rows.add(("of the receiver", about))
    for resource in request.get("resourceMetrics", []):
        for metric in (metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]):
            if metric["name"].startswith(("otelcol_receiver_", "otelcol_exporter_", "otelcol_process_cpu", "otelcol_process_uptime", "otelcol_process_memory_rss")):
                form = next(form for form in ("sum", "gauge", "histogram") if form in metric)
                data = metric[form]
                # What a Collector shows only after the first failure is there from the start.
                shown_too = lambda point: "send_failed" not in metric["name"] or point.get("asInt") != "0"
                points = {(keys(point.get("attributes", [])), "asInt" in point) for point in data["dataPoints"] if shown_too(point)}
                if not points:
                    continue
                rows.add(("metric", metric["name"], form, metric.get("unit"), data.get("isMonotonic"), data.get("aggregationTemporality"), tuple(sorted(points))))
print(sorted((body, seen[body]) for body in COMMON))
for row in sorted(rows, key=str):
    print(row)
PY
done
diff "$WORK/$(basename "$collector").txt" "$WORK/$(basename "$KPULSE").txt"
echo "$(wc -l <"$WORK/$(basename "$KPULSE").txt") shapes of own log records and metrics are a real Collector's"
