#!/usr/bin/env bash
# Searches in a real Elasticsearch find every record and every value that the default pipeline wrote into its file,
# although the server is killed and started again in between; what it refuses is counted.
source ./agent.sh
source ./elasticsearch.sh
elasticsearch_start
for template in "$servers"/templates/*.json; do
  ask PUT "_index_template/$(basename "$template" .json).otel" @"$template" >/dev/null
done
# No reason of a dropped packet is a date.
ask PUT conflict '{"mappings": {"properties": {"attributes": {"subobjects": false, "properties": {"linux.net.drop.reason": {"type": "date"}}}}}}' >/dev/null

drops() { for _ in $(seq 20); do echo x >/dev/udp/127.0.0.1/9; done; }
records() { grep -o '"eventName":' "$WORK/telemetry.jsonl" | wc -l; }
start_agent --set receivers.ebpf_metrics.collection_interval=1s \
  --set "exporters.elasticsearch={endpoint: 'http://localhost:$elasticsearch_port', retry: {max_interval: 1s}}" \
  --set "exporters.elasticsearch/conflict={endpoint: 'http://localhost:$elasticsearch_port', logs_index: conflict, retry: {max_interval: 1s}}" \
  --set 'service.pipelines.metrics.exporters=[file, elasticsearch]' \
  --set 'service.pipelines.logs.exporters=[file, elasticsearch, elasticsearch/conflict]'
drops
await 20 sh -c "[ \$(curl -s 'http://localhost:$elasticsearch_port/logs-*/_count' | jq .count) -ge 20 ]"

elasticsearch_stop KILL
before=$(records)
drops
await 10 sh -c "[ \$(grep -o '\"eventName\":' $WORK/telemetry.jsonl | wc -l) -ge $((before + 20)) ]"
await 10 grep -q "Will retry" "$WORK/err"
elasticsearch_start
drops
await 10 sh -c "[ \$(grep -o '\"eventName\":' $WORK/telemetry.jsonl | wc -l) -ge $((before + 40)) ]"
kept() { [ "$(own_metric 'otelcol_exporter_queue_size.*elasticsearch')" = 0 ] && [ "$(own_metric 'otelcol_exporter_sent_log_records.*exporter="elasticsearch"')" -ge $((before + 40)) ]; }
await 30 kept
# Refused or stored: nothing else can become of a record.
accounted() {
  ask POST conflict/_refresh >/dev/null
  stored=$(ask GET conflict/_count | jq .count)
  refused=$(own_metric 'kpulse_exporter_rejected_items.*conflict.*document_parsing_exception')
  [ "$refused" -ge 40 ] && [ "$(own_metric 'otelcol_exporter_sent_log_records.*conflict')" -eq $((refused + stored)) ]
}
await 20 accounted
kill -TERM "$agent"; wait "$agent"
if grep "Exporting failed. Dropping" "$WORK/err"; then exit 1; fi
grep -q "failed to index document.*document_parsing_exception.*drop.reason" "$WORK/err"

jq -r '.resourceLogs[]?.scopeLogs[].logRecords[] | [.timeUnixNano, .observedTimeUnixNano, .eventName, .severityText, .body.stringValue] | @tsv' \
  "$WORK/telemetry.jsonl" | sort >"$WORK/logs.file"
documents 'logs-*' | jq -r '[(."@timestamp", .observed_timestamp | sub("\\."; "")), .event_name, .severity_text, .body.text] | @tsv' | sort >"$WORK/logs.found"
diff "$WORK/logs.file" "$WORK/logs.found" >"$WORK/diff" || { head -20 "$WORK/diff"; exit 1; }
# Time series hold milliseconds and the exact numbers.
jq -r '.resourceMetrics[]?.scopeMetrics[].metrics[] | .name as $name | (.sum // .gauge).dataPoints[]? |
  [(.timeUnixNano | tonumber / 1e6 | floor), $name, ((.attributes // []) | map("\(.key)=\(.value | to_entries[0].value)") | sort | join(",")), (.asInt // .asDouble | tonumber)] | @tsv' \
  "$WORK/telemetry.jsonl" | sort >"$WORK/metrics.file"
documents 'metrics-*' >"$WORK/metrics.documents"
jq -r 'def milliseconds: (sub("(\\.[0-9]+)?Z$"; "Z") | fromdate) * 1000 + (capture("\\.(?<ms>[0-9]{3})") // {ms: "0"} | .ms | tonumber);
  (."@timestamp" | milliseconds) as $time |
  [.attributes // {} | paths(scalars) as $path | "\($path | join("."))=\(getpath($path))"] as $attributes |
  .metrics | paths(scalars) as $path | ($path | join(".")) as $name | select($name | test("\\.(counts|values)(\\.|$)") | not) |
  [$time, $name, ($attributes | sort | join(",")), getpath($path)] | @tsv' "$WORK/metrics.documents" | sort >"$WORK/metrics.found"
diff "$WORK/metrics.file" "$WORK/metrics.found" >"$WORK/diff" || { head -20 "$WORK/diff"; exit 1; }
# What histograms gained from document to document is what they had at last.
jq -r '.resourceMetrics[]? | .resource as $resource | .scopeMetrics[].metrics[] | .name as $name | .histogram.dataPoints[]? |
  [($resource.attributes + .attributes | tostring) + $name, .timeUnixNano, .count] | @tsv' "$WORK/telemetry.jsonl" |
  sort -t"$(printf '\t')" -k1,1 -k2,2n | awk -F'\t' '{ last[$1] = $3 } END { for (series in last) sum += last[series]; print sum + 0 }' >"$WORK/waits.file"
jq '.metrics | paths(scalars) as $path | select($path | join(".") | test("\\.counts(\\.|$)")) | getpath($path)' "$WORK/metrics.documents" |
  awk '{ sum += $1 } END { print sum + 0 }' >"$WORK/waits.found"
diff "$WORK/waits.file" "$WORK/waits.found" || { echo "other counts in histograms"; exit 1; }
[ "$(cat "$WORK/waits.file")" -gt 0 ]
echo "found $(wc -l <"$WORK/logs.found") records and $(wc -l <"$WORK/metrics.file") values, as in the file, histograms of $(cat "$WORK/waits.file"); $refused refused and counted"
