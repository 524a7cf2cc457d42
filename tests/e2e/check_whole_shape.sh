#!/usr/bin/env bash
# A kill, a dropped packet, a slow reader, a request and burnt CPU in a real container come out as logs, spans, profiles
# and metrics that name its pod, namespace, deployment and label: behind a real Collector, in a search in a real
# Elasticsearch, in a query in a real Prometheus, and in the file.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
[ "$(id -u)" -eq 0 ] && command -v gcc openssl python3 curl >/dev/null || { echo "needs root, gcc, openssl, python3 and curl"; exit 3; }
source ./elasticsearch.sh
source ./prometheus.sh
source ../servers/kubernetes/start.sh
source ../servers/kubernetes/objects.sh
source ../servers/kubernetes/container.sh
trap 'finish_containers; finish; elasticsearch_stop KILL' EXIT

elasticsearch_start
for template in "$servers"/templates/*.json "$root"/deploy/elasticsearch/profiles.json; do
  ask PUT "_index_template/$(basename "$template" .json).otel" @"$template" >/dev/null
done
start_kubernetes
grant_agent >/dev/null && make_shop >/dev/null
pod=web-5d4b8c-x2x1z
pod_uid=$(make_pod $pod)
start_container "$pod_uid"
run_pod $pod 10.1.2.3 "$container_id" 0 >/dev/null

otlp_port=$(free_port)
cat >"$WORK/collector.yaml" <<YAML
receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:$otlp_port}}}}
exporters: {file: {path: $WORK/collector.jsonl, flush_interval: 100ms}}
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
await 30 grep -q "Everything is ready" "$WORK/collector.log" || { tail -5 "$WORK/collector.log"; exit 1; }

cat >"$WORK/shape.yaml" <<YAML
receivers:
  ebpf_metrics: {collection_interval: 1s}
  ebpf_events: {probes: {netrecvlat: {user_copy_threshold: 100ms}}}
  ebpf_profiles: {reporter_interval: 2s}
processors:
  k8s_attributes: {auth_type: kubeConfig, wait_for_metadata: true}
  rate_limit/rest: {strategy: records, rate: 100000, burst: 100000, keys: [container.id], throttle_behavior: drop}
  batch: {timeout: 200ms}
exporters:
  otlp_grpc: {endpoint: 127.0.0.1:$otlp_port, tls: {insecure: true}}
  elasticsearch: {endpoint: 'http://localhost:$elasticsearch_port', retry: {max_interval: 1s}}
service:
  pipelines:
    metrics: {processors: [k8s_attributes, rate_limit/rest, batch], exporters: [otlp_grpc, elasticsearch, prometheus, file]}
    logs: {processors: [k8s_attributes, rate_limit, batch], exporters: [otlp_grpc, elasticsearch, file]}
    traces: {processors: [k8s_attributes, rate_limit/spans, batch], exporters: [otlp_grpc, elasticsearch, file]}
    profiles: {processors: [k8s_attributes, rate_limit/rest, batch], exporters: [otlp_grpc, elasticsearch, file]}
YAML
export KUBE_NODE_NAME=worker-1 KUBECONFIG=$KUBE/config
start_agent --config "$WORK/shape.yaml"

in_container /victim serve >"$WORK/port" &
pids+=($!)
await 10 test -s "$WORK/port"
in_container /victim burn 4 &
burning=$!
in_container /victim overflow 200 >/dev/null
in_container /victim dawdle 300
curl -sS --max-time 10 -o /dev/null "http://127.0.0.1:$(cat "$WORK/port")/cart/[1-20]"
wait "$burning"
in_container /victim starve || true

# What is said under the pod's name, namespace, deployment and label, in OTLP/JSON: signals, events and functions.
said() {
  python3 - "$1" "$pod" <<'PY'
import json, sys
wanted = {"k8s.pod.name": sys.argv[2], "k8s.namespace.name": "shop", "k8s.deployment.name": "web", "k8s.pod.label.app": "web"}
said = set()
for line in open(sys.argv[1]):
    if not line.endswith("\n"):
        break
    request = json.loads(line)
    strings = request.get("dictionary", {}).get("stringTable", [])
    for signal in ("resourceLogs", "resourceSpans", "resourceMetrics", "resourceProfiles"):
        for outer in request.get(signal, []):
            # A Collector moves the texts of resources into the table of profiles.
            key = lambda a: a.get("key") or strings[a["keyStrindex"]]
            text = lambda v: strings[v["stringValueStrindex"]] if "stringValueStrindex" in v else v.get("stringValue")
            has = {key(a): text(a["value"]) for a in outer["resource"]["attributes"]}
            if any(has.get(key) != value for key, value in wanted.items()):
                continue
            said.add(signal)
            inner = json.dumps(outer)
            names = ["oom_kill", "SOCKET_RCVBUFF", "linux.net.receive.delay", "/cart/", "container.cpu.time"]
            said.update(name for name in names if name in inner)
            if signal == "resourceProfiles":
                said.update({"burn_in_container"} & set(strings))
print("\n".join(sorted(said)))
PY
}
expected="/cart/ SOCKET_RCVBUFF burn_in_container container.cpu.time linux.net.receive.delay oom_kill resourceLogs resourceMetrics resourceProfiles resourceSpans"
complete() { [ "$(said "$1" | LC_ALL=C sort | xargs)" = "$(tr ' ' '\n' <<<"$expected" | LC_ALL=C sort | xargs)" ]; }
for output in telemetry collector; do
  await 30 complete "$WORK/$output.jsonl" || { echo "in $output.jsonl only:"; said "$WORK/$output.jsonl"; tail -3 "$WORK/err"; exit 1; }
  echo "$output.jsonl: $expected"
done

# found INDEX [TERM]: how many documents a search finds that say all of it.
found() {
  ask POST "$1/_refresh" >/dev/null
  ask POST "$1/_count" "{\"query\": {\"bool\": {\"filter\": [{\"term\": {\"resource.attributes.k8s.pod.name\": \"$pod\"}},
    {\"term\": {\"resource.attributes.k8s.namespace.name\": \"shop\"}}, {\"term\": {\"resource.attributes.k8s.deployment.name\": \"web\"}},
    {\"term\": {\"resource.attributes.k8s.pod.label.app\": \"web\"}}${2:+, {\"term\": $2\}}]}}}" | jq .count
}
some() { [ "$(found "$@")" -gt 0 ]; }
await 30 some 'logs-*' '{"event_name": "linux.memory.oom_kill"}' || { found 'logs-*'; documents 'logs-*' | tail -1; exit 1; }
await 30 some 'logs-*' '{"event_name": "linux.net.receive.delay"}'
await 30 some 'traces-*' '{"attributes.http.request.method": "GET"}' || { documents 'traces-*' | tail -1; exit 1; }
await 30 some 'metrics-*'
await 30 some 'profiles-*' '{"stack.frames": "burn_in_container"}' || { documents 'profiles-*' | tail -1; exit 1; }
echo "a search finds the pod's $(found 'logs-*') records, $(found 'traces-*') spans, $(found 'metrics-*') values and $(found 'profiles-*') samples"

prometheus_start node=127.0.0.1:29704
await 30 holds "container_cpu_time_seconds_total{k8s_pod_name=\"$pod\",k8s_namespace_name=\"shop\",k8s_deployment_name=\"web\",k8s_pod_label_app=\"web\"} > 1"
echo "a query in Prometheus finds its CPU time"
