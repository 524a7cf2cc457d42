#!/usr/bin/env bash
# A real Collector with its gate for profiles takes ours over OTLP, gRPC and HTTP; what it prints and writes names the
# function that burns, its process and its container.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
command -v cc >/dev/null && command -v python3 >/dev/null || exit 3

for way in grpc http; do
  case $way in grpc) port=29727 ;; http) port=29728 ;; esac
  cat >"$WORK/$way.yaml" <<YAML
receivers: {otlp: {protocols: {$way: {endpoint: 127.0.0.1:$port}}}}
exporters:
  file: {path: $WORK/$way.jsonl, flush_interval: 100ms}
  debug: {verbosity: detailed}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    profiles: {receivers: [otlp], exporters: [file, debug]}
YAML
  "$collector" --config "$WORK/$way.yaml" --feature-gates service.profilesSupport >"$WORK/$way.log" 2>&1 &
  pids+=($!)
  await 20 grep -q "Everything is ready" "$WORK/$way.log"
done

# A container, as far as the kernel knows one: a cgroup with the path that a runtime gives it.
container=$(printf 'e2e0%.0s' $(seq 16)) pod=5ca1ab1e-0000-4444-8888-0123456789ab
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
[ -n "$unified" ] || exit 3
cgroup=$unified/kubepods-e2e/pod$pod/$container
mkdir -p "$cgroup"
# Whoever was in it has ended by then, but the kernel may still be at it.
leave() { finish; for _ in $(seq 50); do rmdir "$cgroup" 2>/dev/null && break; sleep 0.1; done; rmdir -p "${cgroup%/*}" 2>/dev/null || true; }
trap leave EXIT

start_agent --set 'receivers.ebpf_profiles={samples_per_second: 99, reporter_interval: 1s}' \
  --set 'exporters.otlp_grpc={endpoint: 127.0.0.1:29727, tls: {insecure: true}, compression: zstd}' \
  --set 'exporters.otlp_http={endpoint: http://127.0.0.1:29728}' \
  --set 'service.pipelines.profiles={receivers: [ebpf_profiles], exporters: [file, otlp_grpc, otlp_http]}'

cc -O0 -g -o "$WORK/burn" "$root/tests/programs/burn.c"
sh -c 'echo $$ >"$0/cgroup.procs" && exec timeout 60 "$1" 3' "$cgroup" "$WORK/burn" >/dev/null
kill -TERM "$agent"; wait "$agent"
if grep "Exporting failed" "$WORK/err"; then exit 1; fi

# samples FILE: those of the container, by the function that burns, the process's name and the pod.
cat >"$WORK/samples.py" <<'PY'
import collections, json, sys
container, found = sys.argv[2], collections.Counter()
for line in open(sys.argv[1]):
    request = json.loads(line)
    if "resourceProfiles" not in request: continue
    tables = request["dictionary"]
    text = lambda index: tables["stringTable"][index or 0]
    # A Collector moves the texts of resources into the table too.
    plain = lambda value: text(value["stringValueStrindex"]) if "stringValueStrindex" in value else next(iter(value.values()))
    key_of = lambda entry: entry.get("key") or text(entry.get("keyStrindex"))
    def names(sample):
        for index in tables["stackTable"][sample.get("stackIndex", 0)].get("locationIndices", []):
            for line in tables["locationTable"][index].get("lines", []):
                yield text(tables["functionTable"][line["functionIndex"]].get("nameStrindex"))
    for outer in request["resourceProfiles"]:
        resource = {key_of(entry): plain(entry["value"]) for entry in outer["resource"]["attributes"]}
        if resource.get("container.id") != container: continue
        for profile in (p for scope in outer["scopeProfiles"] for p in scope["profiles"]):
            for sample in profile["samples"]:
                entries = (tables["attributeTable"][index] for index in sample["attributeIndices"])
                attributes = {text(entry["keyStrindex"]): plain(entry["value"]) for entry in entries}
                assert int(attributes["process.pid"]) > 0
                function = next((n for n in names(sample) if n.startswith("burn_")), "other")
                key = function, attributes["process.executable.name"], resource["k8s.pod.uid"]
                found[key] += sum(map(int, sample["values"]))
for (function, process, pod), count in sorted(found.items()): print(function, process, pod, count)
PY
samples() { python3 "$WORK/samples.py" "$1" "$container"; }
# What the stop left in the queues was sent before the end: nothing may be missing.
sent=$(grep -c resourceProfiles "$WORK/telemetry.jsonl")
samples "$WORK/telemetry.jsonl" >"$WORK/ours"
for way in grpc http; do
  await 10 sh -c "[ \$(wc -l <$WORK/$way.jsonl) -ge $sent ]" || { tail -5 "$WORK/err" "$WORK/$way.log"; exit 1; }
  samples "$WORK/$way.jsonl" | diff "$WORK/ours" - || { echo "over $way it has others"; exit 1; }
  for wanted in burn_seventy burn_thirty "$container" process.pid; do
    await 10 grep -qF "$wanted" "$WORK/$way.log" || exit 1
  done
  echo "a real Collector took $sent profiles over $way"
done
seventy=$(awk -v pod="$pod" '$1 == "burn_seventy" && $2 == "burn" && $3 == pod { print $4 }' "$WORK/ours")
thirty=$(awk '$1 == "burn_thirty" { print $4 }' "$WORK/ours")
echo "of the container's samples $seventy are in burn_seventy and $thirty in burn_thirty"
# 3 s of CPU at 99 Hz are 297 samples; they scatter by 2.7 points if they fall at random.
awk -v a="$seventy" -v b="$thirty" 'BEGIN { share = 100 * a / (a + b); exit !(a + b > 250 && share > 60 && share < 80) }'
