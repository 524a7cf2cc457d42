#!/usr/bin/env bash
# `make bench-peers`: the same load through a real Collector and through kpulse, in turn, on one machine: CPU seconds per
# million items, and the most memory. Client and server of the load run beside them, so rates say little and CPU time says
# what is meant. KPULSE, PEERS and ROUNDS as in run.sh; names of cases as arguments, otherwise all.
set -euo pipefail
cd "$(dirname "$0")/.."
KPULSE=${KPULSE:-$PWD/target/release/kpulse}
PEERS=${PEERS:-$PWD/target/release/peers}
ROUNDS=${ROUNDS:-3}
COLLECTOR=$(tests/servers/collector/build.sh)
WORK=$(mktemp -d)
# Requests a second, a thousand items each: as much as the Collector can take here in every case. More would only fill
# queues, and whose queue is fuller says nothing.
RATE=${RATE:-150}
IN=127.0.0.1:28717 OUT=127.0.0.1:28718
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; rm -rf "$WORK"; }
trap finish EXIT
trap 'exit 130' INT TERM
. benches/rounds.sh
FAILED=0

# case: signal, requests, target ratio, then the configuration's processors and exporter.
CASES='
traces      traces  2000 6 batch            otlp
traces_gzip traces  1500 4 batch            gzip
logs        logs    2000 6 batch            otlp
logs_gzip   logs    1500 4 batch            gzip
metrics     metrics 2000 6 batch            otlp
metrics_gzip metrics 1500 4 batch           gzip
changed     traces  1500 4 attributes,filter otlp
file        traces  1500 4 batch            file
nop         traces  2000 6 batch            nop
durable     traces  1000 4 batch            durable
'

configure() { # PROCESSORS EXPORTER SIGNAL
  cat <<YAML
receivers: {otlp: {protocols: {grpc: {endpoint: '$IN'}}}}
processors:
  batch: {}
  attributes: {actions: [{key: deployment.environment, value: production, action: upsert}, {key: user_agent.original, action: delete}]}
  filter: {error_mode: ignore, traces: {span: ['attributes["http.response.status_code"] == 503']}}
exporters: {$(exporter "$2")}
extensions: {file_storage: {directory: '$WORK/storage', create_directory: true}}
service:
  extensions: [$([ "$2" != durable ] || echo file_storage)]
  telemetry: {metrics: {level: none}}
  pipelines: {$3: {receivers: [otlp], processors: [${1/,/, }], exporters: [$(exporter "$2" | cut -d: -f1)]}}
YAML
}
exporter() {
  case $1 in
    otlp) echo "otlp_grpc: {endpoint: '$OUT', tls: {insecure: true}, compression: none}" ;;
    gzip) echo "otlp_grpc: {endpoint: '$OUT', tls: {insecure: true}, compression: gzip}" ;;
    durable) echo "otlp_grpc: {endpoint: '$OUT', tls: {insecure: true}, compression: none, sending_queue: {storage: file_storage}}" ;;
    file) echo "file: {path: '$WORK/out.jsonl'}" ;;
    nop) echo "nop: {}" ;;
  esac
}

await() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || { echo "gave up waiting for: $*" >&2; return 1; }; sleep 0.05; done
}
listens() { (exec 3<>"/dev/tcp/${1%:*}/${1#*:}") 2>/dev/null; }
end() { kill "$1" 2>/dev/null; wait "$1" 2>/dev/null || true; pids=("${pids[@]/$1/}"); }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
arrived() { [ "$(cat "$WORK/sunk")" -ge "$1" ]; }
written() { [ "$(grep -o '"spanId"' "$WORK/out.jsonl" | wc -l)" -ge "$1" ]; }

# What has to come out of what was sent: of the looked-into items one in fifty is dropped.
expected() { case $1 in changed) echo $(($2 * 49 / 50)) ;; *) echo "$2" ;; esac; }

# What writing the same bytes costs anybody, CPU s per million items.
copied() {
  local TIMEFORMAT='%U %S'
  { time cat "$WORK/out.jsonl" >"$WORK/copy"; } 2>&1 | awk -v n="$1" '{ printf "%.4f\n", ($1 + $2) / n * 1e6 }' >>"$WORK/file.copied"
  rm -f "$WORK/copy"
}

# MB. Whoever gets memory that a virtual machine gave back to its host pays for it, once. Both write into pages that are there.
warm() { dd if=/dev/zero of="$WORK/room" bs=4M count="$(($1 / 4))" status=none; rm "$WORK/room"; }

run_case() { # WHO NAME SIGNAL REQUESTS PROCESSORS EXPORTER: CPU s per million items and peak MiB, to $WORK/NAME.WHO
  local who=$1 name=$2 signal=$3 requests=$4 agent sink before items seconds refused
  "$PEERS" sink "$OUT" "$WORK/sunk" & sink=$!; pids+=("$sink")
  configure "$5" "$6" "$signal" >"$WORK/$name.yaml"
  [ "$6" != file ] || warm "$((requests + 200))"
  case $who in
    collector) "$COLLECTOR" --config "$WORK/$name.yaml" 2>"$WORK/$who.log" & ;;
    kpulse) "$KPULSE" --config "$WORK/$name.yaml" 2>"$WORK/$who.log" & ;;
    proxy) "$PEERS" proxy "$IN" "$OUT" 2>"$WORK/$who.log" & ;;
  esac
  agent=$!; pids+=("$agent")
  await 20 listens "$IN" && await 5 listens "$OUT"
  # Connections, pages and pools are there before anything is measured.
  timeout 60 "$PEERS" send "$IN" "$signal" 200 "$RATE" >/dev/null
  sleep 1
  before=$(ticks "$agent")
  read -r items seconds refused _ < <(timeout 200 "$PEERS" send "$IN" "$signal" "$requests" "$RATE")
  [ "$refused" = 0 ] || { echo "$who refused $refused of $requests requests"; tail -3 "$WORK/$who.log"; exit 1; }
  case $6 in
    otlp | gzip | durable) await 60 arrived "$(expected "$name" $((items + 200000)))" ;;
    file) await 60 written "$((items + 200000))" ;;
    nop) sleep 1 ;;
  esac
  awk -v t="$(($(ticks "$agent") - before))" -v hz="$(getconf CLK_TCK)" -v n="$items" -v s="$seconds" \
    -v kb="$(awk '/VmHWM/ { print $2 }' "/proc/$agent/status")" \
    'BEGIN { printf "%.4f %.0f %.0f\n", t / hz / n * 1e6, kb / 1024, n / s }' >>"$WORK/$name.$who"
  [ "$6" != file ] || copied "$((items + 200000))"
  end "$agent"; end "$sink"; rm -rf "$WORK/out.jsonl" "$WORK/storage"
}

printf '%-14s %22s %22s %8s %8s %18s %7s\n' 'CPU s/M items' 'Collector med (min)' 'kpulse med (min)' ratio target 'peak MiB C / k' ratio
while read -r name signal requests target processors exporter; do
  [ -n "$name" ] || continue
  [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
  for ((round = 0; round < ROUNDS; round++)); do
    for who in collector kpulse; do run_case "$who" "$name" "$signal" "$requests" "$processors" "$exporter"; done
  done
  c=$WORK/$name.collector k=$WORK/$name.kpulse
  printf '%-14s %14.3f (%.3f) %14.3f (%.3f) %8s %8s %8.0f / %-8.0f %6s\n' "$name" "$(median "$c" 1)" "$(lowest "$c" 1)" \
    "$(median "$k" 1)" "$(lowest "$k" 1)" "$(ratio "$(median "$c" 1)" "$(median "$k" 1)")" "$target" \
    "$(median "$c" 2)" "$(median "$k" 2)" "$(ratio "$(median "$c" 2)" "$(median "$k" 2)")"
  awk -v c="$(median "$c" 1)" -v k="$(median "$k" 1)" -v t="$target" 'BEGIN { exit !(c / k >= t) }' || { echo "  target NOT met: CPU"; FAILED=1; }
  awk -v c="$(median "$c" 2)" -v k="$(median "$k" 2)" 'BEGIN { exit !(c / k >= 3) }' || { echo "  target NOT met: a third of the memory"; FAILED=1; }
done <<<"$CASES"
[ ! -e "$WORK/file.copied" ] || printf '%-14s %37.3f   cat, which only reads and writes the same bytes\n' cat "$(median "$WORK/file.copied" 1)"
if [ $# -eq 0 ] || [[ " $* " == *" proxy "* ]]; then
  for ((round = 0; round < ROUNDS; round++)); do run_case proxy traces_proxy traces 2000 batch otlp; done
  printf '%-14s %37.3f   a plain TCP proxy, which only moves the bytes\n' proxy "$(median "$WORK/traces_proxy.proxy" 1)"
fi
exit "$FAILED"
