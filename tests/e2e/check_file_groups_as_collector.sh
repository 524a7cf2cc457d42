#!/usr/bin/env bash
# The file exporter with group_by makes the same files as the Collector's, whatever the attribute says, with the same
# requests in them; and so do files that are one zstd stream.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3

# feed NAME PORT COMMAND...: both programs run the same file but for port and folder, and get the same requests
feed() {
  local name=$1 port=$2 program at=$WORK/$1; shift 2
  mkdir -p "$at"
  cat >"$WORK/$name.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:$port}}}}
exporters:
  file/groups: {path: "$at/groups/x-*/lines.jsonl", group_by: {enabled: true, resource_attribute: team}}
  file/few: {path: "$at/few/*", group_by: {enabled: true, resource_attribute: team, max_open_files: 1}, append: true}
  file/stream: {path: "$at/stream-*.zst", group_by: {enabled: true, resource_attribute: team}, compression: zstd}
  file/one: {path: $at/one.zst, compression: zstd}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], exporters: [file/groups, file/few, file/stream, file/one]}}
YAML
  "$@" --feature-gates exporter.file.nativeCompression --config "$WORK/$name.yaml" >"$WORK/$name.out" 2>"$WORK/$name.err" &
  program=$!; pids+=("$program")
  await 20 grep -q "Everything is ready" "$WORK/$name.err"
  for team in '"a"' '"b"' '"a"' '"../../../up"' '"./same"' '"deep/er"' '"/rooted"' '".."' '"x/../../../../y"' '""'; do
    body='{"resourceLogs":[{"resource":{"attributes":[{"key":"team","value":{"stringValue":'$team'}}]},"scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1","severityNumber":9,"body":{"stringValue":"t"}}]}]},{"resource":{"attributes":[{"key":"team","value":{"intValue":"1"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"2","severityNumber":9,"body":{"stringValue":"none"}}]}]},{"resource":{"attributes":[{"key":"team","value":{"stringValue":"a"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"3","severityNumber":9,"body":{"stringValue":"second"}}]}]}]}'
    # What names a directory is refused there and counted here.
    curl -sS --max-time 10 -o /dev/null -H 'content-type: application/json' --data-binary "$body" "http://127.0.0.1:$port/v1/logs"
  done
  kill -TERM "$program"; wait "$program"
  # Both are one file for `zstd -d`, however many frames they have.
  python3 - "$at" <<'PY'
import pathlib, subprocess, sys
for packed in pathlib.Path(sys.argv[1]).glob("**/*.zst"):
    packed.with_suffix(".plain").write_bytes(subprocess.run(["zstd", "-dc", packed], capture_output=True, check=True, timeout=20).stdout)
    packed.write_text("")
PY
}

need zstd
feed collector 29748 "$collector"
feed kpulse 29749 "$KPULSE"
diff -r "$WORK/collector" "$WORK/kpulse" >"$WORK/diff" || { head -c 3000 "$WORK/diff"; exit 1; }
[ -s "$WORK/kpulse/groups/x-a/lines.jsonl" ] && [ -s "$WORK/kpulse/one.plain" ]
echo "the same $(find "$WORK/kpulse" -type f | wc -l) files as a real Collector's"
