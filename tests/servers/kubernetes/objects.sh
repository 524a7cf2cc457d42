# Sourced after start.sh: the objects of a small shop, as a cluster would have them.

# What an agent may do: read what the processor watches, and nothing else.
grant_agent() {
  kube POST /apis/rbac.authorization.k8s.io/v1/clusterroles '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",
    "metadata":{"name":"kpulse"},"rules":[
    {"apiGroups":[""],"resources":["pods","namespaces","nodes"],"verbs":["get","list","watch"]},
    {"apiGroups":["apps"],"resources":["replicasets","deployments","statefulsets","daemonsets"],"verbs":["get","list","watch"]},
    {"apiGroups":["batch"],"resources":["jobs"],"verbs":["get","list","watch"]}]}'
  kube POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings '{"apiVersion":"rbac.authorization.k8s.io/v1",
    "kind":"ClusterRoleBinding","metadata":{"name":"kpulse"},"subjects":[{"kind":"User","name":"agent"}],
    "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"kpulse"}}'
}

uid_of() { sed -nE 's/^    "uid": "([^"]*)".*/\1/p' | head -1; }

# A namespace, a node, a deployment and its ReplicaSet.
make_shop() {
  kube POST /api/v1/namespaces '{"metadata":{"name":"shop","labels":{"env":"test"}}}'
  kube POST /api/v1/nodes '{"metadata":{"name":"worker-1","labels":{"zone":"a"}}}'
  local template='{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"registry.example.com:5000/shop/web:1.2.3"}]}}'
  local selector='{"matchLabels":{"app":"web"}}'
  deployment_uid=$(kube POST /apis/apps/v1/namespaces/shop/deployments "{\"metadata\":{\"name\":\"web\",\"labels\":{\"team\":\"blue\"}},
    \"spec\":{\"selector\":$selector,\"template\":$template}}" | uid_of)
  replicaset_uid=$(kube POST /apis/apps/v1/namespaces/shop/replicasets "{\"metadata\":{\"name\":\"web-5d4b8c\",
    \"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\",\"uid\":\"$deployment_uid\",\"controller\":true}]},
    \"spec\":{\"selector\":$selector,\"template\":$template}}" | uid_of)
}

# make_pod NAME: a pod of the deployment on worker-1; prints its uid.
make_pod() {
  kube POST /api/v1/namespaces/shop/pods "{\"metadata\":{\"name\":\"$1\",
    \"labels\":{\"app\":\"web\",\"pod-template-hash\":\"5d4b8c\",\"app.kubernetes.io/name\":\"webshop\"},
    \"annotations\":{\"resource.opentelemetry.io/team\":\"blue\"},
    \"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"web-5d4b8c\",\"uid\":\"$replicaset_uid\",\"controller\":true}]},
    \"spec\":{\"nodeName\":\"worker-1\",\"hostname\":\"web\",\"containers\":[{\"name\":\"app\",\"image\":\"registry.example.com:5000/shop/web:1.2.3\"}]}}" | uid_of
}

# run_pod NAME ADDRESS CONTAINER_ID RESTARTS: what kubelet reports once the container runs.
run_pod() {
  KUBE_TYPE=application/strategic-merge-patch+json kube PATCH "/api/v1/namespaces/shop/pods/$1/status" "{\"status\":{
    \"phase\":\"Running\",\"podIP\":\"$2\",\"podIPs\":[{\"ip\":\"$2\"}],\"startTime\":\"2026-11-21T10:00:01Z\",
    \"containerStatuses\":[{\"name\":\"app\",\"containerID\":\"containerd://$3\",\"restartCount\":$4,\"ready\":true,\"started\":true,
    \"image\":\"registry.example.com:5000/shop/web:1.2.3\",
    \"imageID\":\"registry.example.com:5000/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",
    \"state\":{\"running\":{\"startedAt\":\"2026-11-21T10:00:02Z\"}},\"lastState\":{}}]}}"
}
