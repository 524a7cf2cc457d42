#!/usr/bin/env bash
# The debug exporter writes the Collector's own texts, byte for byte: both get the same requests of all four signals.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3

# config NAME PORT: both programs run the same file but for its port and paths
config() {
  cat >"$WORK/$1.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:$2}}}}
exporters:
  debug/basic: {use_internal_logger: false, output_paths: [$WORK/$1.basic]}
  debug/normal: {use_internal_logger: false, output_paths: [$WORK/$1.normal], verbosity: normal}
  debug/detailed: {use_internal_logger: false, output_paths: [$WORK/$1.detailed], verbosity: detailed}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [debug/basic, debug/normal, debug/detailed]}
    traces: {receivers: [otlp], exporters: [debug/basic, debug/normal, debug/detailed]}
    metrics: {receivers: [otlp], exporters: [debug/basic, debug/normal, debug/detailed]}
    profiles: {receivers: [otlp], exporters: [debug/basic, debug/normal, debug/detailed]}
YAML
}

# feed NAME PORT COMMAND...: runs it, sends every request and stops it
feed() {
  local name=$1 port=$2 program; shift 2
  config "$name" "$port"
  "$@" --config "$WORK/$name.yaml" >"$WORK/$name.out" 2>"$WORK/$name.err" &
  program=$!; pids+=("$program")
  await 20 grep -q "Everything is ready" "$WORK/$name.err"
  for request in debug_items/*.json; do
    path=v1/$(basename "$request" .json)
    [ "$path" = v1/profiles ] && path=v1development/profiles
    answer=$(curl -sS --max-time 10 -H 'content-type: application/json' --data-binary "@$request" "http://127.0.0.1:$port/$path")
    [ "$answer" = '{"partialSuccess":{}}' ] || { echo "$name says to $request: $answer"; exit 1; }
  done
  kill -TERM "$program"; wait "$program"
}

feed collector 29728 "$collector" --feature-gates=service.profilesSupport
feed kpulse 29729 "$KPULSE"
for verbosity in basic normal detailed; do
  [ -s "$WORK/collector.$verbosity" ]
  diff "$WORK/collector.$verbosity" "$WORK/kpulse.$verbosity" >"$WORK/diff" || { echo "$verbosity:"; head -20 "$WORK/diff"; exit 1; }
done
echo "the same $(cat "$WORK"/kpulse.{basic,normal,detailed} | wc -l) lines as a real Collector's"
