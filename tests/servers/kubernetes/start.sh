# Sourced by checks, after agent.sh: a Kubernetes API server with etcd behind it, on 127.0.0.1 and free ports, in
# $WORK/kube. `start_kubernetes` starts both; `start_apiserver`/`stop_apiserver` take it away and bring it back with the
# same state; `kube METHOD PATH [JSON]` is a request as the administrator.
kubernetes=$("$root/tests/servers/kubernetes/build.sh") || exit 3
KUBE=$WORK/kube

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A CA, the server's certificate, the key of service accounts, and two users: the administrator and the agent.
kube_secrets() {
  mkdir -p "$KUBE"
  (
    cd "$KUBE"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
      -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost")
    openssl genrsa -out accounts.key 2048
    admin_token=$(openssl rand -hex 16) agent_token=$(openssl rand -hex 16)
    echo "$admin_token,admin,1,system:masters" >tokens.csv
    echo "$agent_token,agent,2" >>tokens.csv
    printf %s "$admin_token" >admin.token
    printf %s "$agent_token" >agent.token
  ) >"$WORK/openssl.log" 2>&1
}

# The way in that a person's kubeconfig shows.
kubeconfig() {
  cat <<YAML
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://127.0.0.1:$kube_port", certificate-authority: $KUBE/ca.crt}}]
users: [{name: agent, user: {token: $(cat "$KUBE/agent.token")}}]
contexts: [{name: test, context: {cluster: test, user: agent}}]
current-context: test
YAML
}

kube() {
  curl -sS --max-time 10 --fail-with-body --cacert "$KUBE/ca.crt" -H "Authorization: Bearer $(cat "$KUBE/admin.token")" \
    -H "Content-Type: ${KUBE_TYPE:-application/json}" -X "$1" "https://127.0.0.1:$kube_port$2" ${3:+--data-binary "$3"}
}

start_apiserver() {
  "$kubernetes/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" --bind-address=127.0.0.1 \
    --secure-port="$kube_port" --tls-cert-file="$KUBE/server.crt" --tls-private-key-file="$KUBE/server.key" \
    --cert-dir="$KUBE" --token-auth-file="$KUBE/tokens.csv" --authorization-mode=RBAC --allow-privileged \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$KUBE/accounts.key" \
    --service-account-signing-key-file="$KUBE/accounts.key" --service-cluster-ip-range=10.96.0.0/24 \
    --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none >>"$KUBE/apiserver.log" 2>&1 &
  apiserver=$!
  pids+=("$apiserver")
  await 60 kube GET /readyz || { tail -5 "$KUBE/apiserver.log"; return 1; }
}

stop_apiserver() {
  # Without a chance to say good-bye to those who watch.
  kill -KILL "$apiserver"
  wait "$apiserver" 2>/dev/null || true
  forget "$apiserver"
}

# forget PID: it has ended, and its number may be another's soon.
forget() {
  local pid kept=()
  for pid in "${pids[@]}"; do [ "$pid" = "$1" ] || kept+=("$pid"); done
  pids=("${kept[@]}")
}

start_kubernetes() {
  kube_secrets
  etcd_port=$(free_port) etcd_peer=$(free_port) kube_port=$(free_port)
  "$kubernetes/etcd" --data-dir="$KUBE/etcd" --listen-client-urls="http://127.0.0.1:$etcd_port" \
    --advertise-client-urls="http://127.0.0.1:$etcd_port" --listen-peer-urls="http://127.0.0.1:$etcd_peer" \
    --initial-advertise-peer-urls="http://127.0.0.1:$etcd_peer" --initial-cluster="default=http://127.0.0.1:$etcd_peer" \
    >"$KUBE/etcd.log" 2>&1 &
  pids+=($!)
  start_apiserver
  kubeconfig >"$KUBE/config"
}
