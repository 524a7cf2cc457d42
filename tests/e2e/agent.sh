# Sourced by checks: starts the default pipeline with own ports in $WORK, ends it in every case.
set -euo pipefail
root=$(cd ../.. && pwd)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; }
trap finish EXIT

# await SECONDS COMMAND...: until it succeeds
await() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "gave up waiting for: $*"; return 1; }
    sleep 0.05
  done
}

# need COMMAND: Debian's package of that name where the command is missing; a check that cannot have it is left out
need() {
  command -v "$1" >/dev/null && return
  { timeout 120 apt-get update -qq && timeout 120 apt-get install -y -qq --no-install-recommends "$1"; } >/dev/null || exit 3
}

# start_agent [--set ...]: sets agent (pid); metrics on 29704, own metrics on 29706, health on 29713, lines in $WORK/telemetry.jsonl
start_agent() {
  "$KPULSE" --config "$root/pipeline.yaml" --set exporters.prometheus.endpoint=127.0.0.1:29704 \
    --set extensions.health_check.endpoint=127.0.0.1:29713 --set "exporters.file.path=$WORK/telemetry.jsonl" \
    --set 'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 29706}}}}]' \
    "$@" >"$WORK/out" 2>"$WORK/err" &
  agent=$!
  pids+=("$agent")
  await 10 grep -q "Everything is ready" "$WORK/err"
}
