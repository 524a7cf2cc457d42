#!/usr/bin/env bash
# A real API server takes deploy/kubernetes/kpulse.yaml with nothing unknown in it; the account in it may watch pods; and
# with the capabilities in it, and no others, all four signals come, with the names of functions.
source ./agent.sh
[ "$(id -u)" -eq 0 ] && command -v openssl python3 setpriv >/dev/null || { echo "needs root, openssl, python3 and setpriv"; exit 3; }
python3 -c 'import yaml' 2>/dev/null || timeout 120 apt-get install -y -qq --no-install-recommends python3-yaml >/dev/null ||
  { echo "needs python3-yaml"; exit 3; }
source ../servers/kubernetes/start.sh
start_kubernetes

manifest=$root/deploy/kubernetes/kpulse.yaml
# One file per document: `path of its collection`, then the document as JSON.
mkdir "$WORK/objects"
python3 - "$manifest" "$WORK/objects" <<'PY'
import json, sys, yaml
collections = {
    "Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
}
for number, object in enumerate(yaml.safe_load_all(open(sys.argv[1]))):
    path = collections[object["kind"]].format(object["metadata"].get("namespace"))
    with open(f"{sys.argv[2]}/{number}", "w") as file:
        file.write(f"{path}\n{json.dumps(object)}\n")
PY
for object in "$WORK"/objects/*; do
  { read -r path; read -r document; } <"$object"
  kube POST "$path?fieldValidation=Strict" "$document" >"$WORK/answer"
  grep -q '"uid"' "$WORK/answer" || { echo "$path:"; cat "$WORK/answer"; exit 1; }
done
review='{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"system:serviceaccount:kpulse:kpulse",
  "resourceAttributes":{"verb":"watch","resource":"pods"}}}'
kube POST /apis/authorization.k8s.io/v1/subjectaccessreviews "$review" | grep -q '"allowed": true'
echo "a real API server took $(ls "$WORK/objects" | wc -l) objects, and lets the account watch pods"

capabilities=$(python3 - "$manifest" <<'PY'
import sys, yaml
daemonset = next(o for o in yaml.safe_load_all(open(sys.argv[1])) if o["kind"] == "DaemonSet")
container = daemonset["spec"]["template"]["spec"]["containers"][0]
print(",".join("+" + name.lower() for name in container["securityContext"]["capabilities"]["add"]))
PY
)
program=$KPULSE
cat >"$WORK/kpulse" <<SH
#!/bin/sh
exec setpriv --bounding-set=-all,$capabilities --inh-caps=-all,$capabilities "$program" "\$@"
SH
chmod +x "$WORK/kpulse"
KPULSE=$WORK/kpulse
cc -O0 -g -o "$WORK/burn" "$root/tests/programs/burn.c"
start_agent --set receivers.ebpf_profiles.samples_per_second=199 --set receivers.ebpf_profiles.reporter_interval=1s
echo x >/dev/udp/127.0.0.1/9
curl -sS --max-time 5 -o /dev/null http://127.0.0.1:29704/metrics
# A user's process, whose files the agent must be able to open all the same.
chmod 755 "$WORK"
timeout 30 setpriv --reuid=65534 --clear-groups "$WORK/burn" 3 >/dev/null
for needed in NO_SOCKET resourceMetrics resourceSpans burn_seventy; do
  await 30 grep -q "$needed" "$WORK/telemetry.jsonl" || { tail -5 "$WORK/err"; exit 1; }
done
if grep -E '	(warn|error)	' "$WORK/err"; then exit 1; fi
echo "all four signals come with the capabilities $capabilities"
