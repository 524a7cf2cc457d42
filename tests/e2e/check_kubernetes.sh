#!/usr/bin/env bash
# A fault in a real container tells its pod, as a real API server has it, and as a real Collector says it. The agent
# starts without the API server, loses it and finds it again.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
[ "$(id -u)" -eq 0 ] && command -v gcc openssl python3 >/dev/null || { echo "needs root, gcc, openssl and python3"; exit 3; }
source ../servers/kubernetes/start.sh
source ../servers/kubernetes/objects.sh
source ../servers/kubernetes/container.sh

# Both programs read this.
cat >"$WORK/processor.yaml" <<'YAML'
    auth_type: kubeConfig
    filter: {node_from_env_var: KUBE_NODE_NAME}
    extract:
      metadata: [k8s.pod.name, k8s.pod.uid, k8s.pod.ip, k8s.pod.hostname, k8s.pod.start_time, k8s.namespace.name,
        k8s.deployment.name, k8s.deployment.uid, k8s.replicaset.name, k8s.replicaset.uid, k8s.node.name, k8s.node.uid,
        k8s.cluster.uid, k8s.container.name, container.image.name, container.image.tag, container.image.repo_digests,
        service.name, service.namespace, service.version, service.instance.id]
      otel_annotations: true
      labels:
        - {key: app, tag_name: app}
        - {key_regex: 'app\.kubernetes\.io/(.*)', tag_name: 'kube.$$1'}
        - {key: env, from: namespace}
        - {key: zone, from: node}
        - {key: team, from: deployment}
    pod_association:
      - sources: [{from: resource_attribute, name: k8s.pod.uid}]
      - sources: [{from: resource_attribute, name: container.id}]
YAML

# agent_with PROCESSOR_YAML...: kpulse with two pipelines of events, one with and one without the processor.
configure_agent() {
  cat >"$WORK/agent.yaml" <<YAML
receivers: {ebpf_events: {probes: {oom: , dropwatch: {rate: 1000, burst: 1000}}}}
processors:
  k8sattributes:
$(cat "$1")
exporters: {file: {path: $WORK/telemetry.jsonl}, file/raw: {path: $WORK/raw.jsonl}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 29706}}}}]}}
  pipelines:
    logs: {receivers: [ebpf_events], processors: [k8sattributes], exporters: [file]}
    logs/raw: {receivers: [ebpf_events], exporters: [file/raw]}
YAML
}

run_agent() {
  : >"$WORK/err"
  KUBE_NODE_NAME=worker-1 KUBECONFIG=$KUBE/config "$@" "$KPULSE" --config "$WORK/agent.yaml" >"$WORK/out" 2>"$WORK/err" &
  agent=$!
  pids+=("$agent")
  await 20 grep -q "Everything is ready" "$WORK/err"
}

stop_agent() { kill -TERM "$agent" && wait "$agent" && forget "$agent"; }

# resources FILE CONTAINER_ID [LINES]: the resource attributes of the container's records after so many lines, one
# `name=value` a line.
resources() {
  python3 - "$1" "$2" "${3:-0}" <<'PY'
import itertools, json, sys
kinds = set()
for line in itertools.islice(open(sys.argv[1]), int(sys.argv[3]), None):
    if not line.endswith("\n"):
        break
    for outer in json.loads(line).get("resourceLogs", []):
        attributes = {a["key"]: a["value"] for a in outer["resource"]["attributes"]}
        if attributes.get("container.id", {}).get("stringValue") == sys.argv[2]:
            kinds.add("\n".join(sorted(f"{k}={json.dumps(v, sort_keys=True)}" for k, v in attributes.items())))
print("\n--\n".join(sorted(kinds)))
PY
}

# mark: from here on `has` and `ours` look at what is written later.
seen=0
mark() { seen=$(wc -l <"$WORK/telemetry.jsonl"); }
ours() { resources "$WORK/telemetry.jsonl" "$1" "$seen"; }

# has CONTAINER_ID ATTRIBUTE=VALUE: whether the records of a container say so.
has() { ours "$1" | grep -qxF "${2%%=*}={\"stringValue\": \"${2#*=}\"}"; }
outage() { curl -sS --max-time 5 http://127.0.0.1:29706/metrics | sed -nE 's/^kpulse_k8s_watch_outage.*Pod".* ([0-9.e+-]+)$/\1/p'; }
in_sight() { [ "$(outage)" = 0 ]; }
out_of_sight() { [ -n "$(outage)" ] && ! in_sight; }

configure_agent "$WORK/processor.yaml"
start_kubernetes
grant_agent >/dev/null && make_shop >/dev/null
pod_uid=$(make_pod web-5d4b8c-x2x1z)
stop_apiserver

echo "-- the agent starts without the API server and finds it"
run_agent env
out_of_sight
start_apiserver
await 60 in_sight

echo "-- faults in a container of a pod that comes now"
start_container "$pod_uid"
run_pod web-5d4b8c-x2x1z 10.1.2.3 "$container_id" 0 >/dev/null
in_container /victim overflow 200 >/dev/null
in_container /victim starve || true
await 20 grep -q linux.memory.oom_kill "$WORK/telemetry.jsonl"
await 10 grep -q SOCKET_RCVBUFF "$WORK/telemetry.jsonl"
for wanted in k8s.pod.name=web-5d4b8c-x2x1z k8s.namespace.name=shop k8s.deployment.name=web app=web kube.name=webshop team=blue; do
  await 10 has "$container_id" "$wanted" || { ours "$container_id"; exit 1; }
done

echo "-- the same as a real Collector says"
cat >"$WORK/collector.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29718}}}}
processors:
  k8sattributes:
$(cat "$WORK/processor.yaml")
    wait_for_metadata: true
exporters: {file: {path: $WORK/collector.jsonl, flush_interval: 100ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], processors: [k8sattributes], exporters: [file]}}
YAML
KUBE_NODE_NAME=worker-1 KUBECONFIG=$KUBE/config "$collector" --config "$WORK/collector.yaml" >"$WORK/collector.log" 2>&1 &
pids+=($!)
await 30 grep -q "Everything is ready" "$WORK/collector.log" || { tail -5 "$WORK/collector.log"; exit 1; }
grep -F "$container_id" "$WORK/raw.jsonl" >"$WORK/sent.jsonl"
while IFS= read -r line; do
  curl -sS --max-time 10 -H 'content-type: application/json' --data-binary @- http://127.0.0.1:29718/v1/logs <<<"$line" >/dev/null
done <"$WORK/sent.jsonl"
await 10 sh -c "[ \$(wc -l <$WORK/collector.jsonl) -ge $(wc -l <"$WORK/sent.jsonl") ]"
# The last word of each: the Collector's first lines may be older than the container's status.
resources "$WORK/collector.jsonl" "$container_id" >"$WORK/theirs"
mark
in_container /victim overflow 50 >/dev/null
await 10 has "$container_id" app=web
ours "$container_id" >"$WORK/ours"
diff "$WORK/theirs" "$WORK/ours" || { echo "< the Collector   > kpulse"; exit 1; }
grep -q k8s.cluster.uid "$WORK/ours" && grep -q k8s.deployment.label.team "$WORK/ours"
echo "the same $(wc -l <"$WORK/ours") attributes"

echo "-- without the API server what is known is still said, and what comes is known once it is back"
stop_apiserver
await 60 out_of_sight
mark
in_container /victim overflow 50 >/dev/null
await 10 has "$container_id" k8s.pod.name=web-5d4b8c-x2x1z
start_apiserver
await 60 in_sight
second_uid=$(make_pod web-5d4b8c-second)
start_container "$second_uid"
run_pod web-5d4b8c-second 10.1.2.4 "$container_id" 0 >/dev/null
second() { in_container /victim overflow 20 >/dev/null; has "$container_id" k8s.pod.name=web-5d4b8c-second; }
await 20 second

echo "-- a pod that is gone still has a name"
kube DELETE "/api/v1/namespaces/shop/pods/web-5d4b8c-second?gracePeriodSeconds=0" >/dev/null
gone() { curl -sS --max-time 5 http://127.0.0.1:29706/metrics | grep -qE '^otelcol_otelsvc_k8s_pod_deleted.* [1-9]'; }
await 20 gone
mark
in_container /victim starve || true
await 10 has "$container_id" k8s.pod.name=web-5d4b8c-second
stop_agent

echo "-- with a service account's token, as in a pod"
sed 's/kubeConfig/serviceAccount/' "$WORK/processor.yaml" >"$WORK/in_cluster.yaml"
configure_agent "$WORK/in_cluster.yaml"
mkdir -p "$WORK/account"
cp "$KUBE/agent.token" "$WORK/account/token"
cp "$KUBE/ca.crt" "$WORK/account/ca.crt"
echo shop >"$WORK/account/namespace"
run_agent env KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT="$kube_port" WORK="$WORK" unshare -m sh -ec '
  mkdir -p /var/run/secrets && mount -t tmpfs none /var/run/secrets && mkdir /var/run/secrets/kubernetes.io
  cp -r "$WORK/account" /var/run/secrets/kubernetes.io/serviceaccount && exec "$@"' sh
await 30 in_sight
stop_agent
# What proves who we are is in no log.
for secret in "$KUBE"/*.token; do
  if grep -qF "$(cat "$secret")" "$WORK/err" "$WORK/out"; then echo "a token in the log"; exit 1; fi
done
