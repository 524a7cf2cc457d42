#!/usr/bin/env bash
# start.sh HOME FOLDER PORT [tls]: starts Elasticsearch from HOME with its data in FOLDER and returns when it answers.
# Its pid is in FOLDER/pid: end it by that. A second start in the same folder goes on with the same data.
# With `tls` it speaks https with FOLDER/config/ca.pem and wants the user kpulse, password `secret-of-tests`.
set -euo pipefail
home=$1 folder=$2 port=$3 tls=${4:-}
as_user=()
owner=$(id -u)
if [ "$owner" -eq 0 ]; then
  # It refuses to run as root.
  owner=65534
  as_user=(setpriv "--reuid=$owner" "--regid=$owner" --clear-groups)
fi
JAVA=$(readlink -f "$(command -v java)")
run() {
  env -C "$folder" ES_JAVA_HOME="${JAVA%/bin/java}" ES_PATH_CONF="$folder/config" ES_TMPDIR="$folder/tmp" \
    ES_JAVA_OPTS="-Xms512m -Xmx512m -Xlog:disable" HOME="$folder" "${as_user[@]}" timeout "$@"
}

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
    -keyout "$folder/config/key.pem" -out "$folder/config/ca.pem" 2>/dev/null
}

configure() {
  mkdir -p "$folder"/{config,data,logs,tmp}
  cp -r "$home/config/." "$folder/config"
  # Its log of garbage collections would go below HOME, which is not ours to write.
  sed -i '/gc/d' "$folder/config/jvm.options"
  cat >"$folder/config/elasticsearch.yml" <<YAML
cluster.name: kpulse-tests
path: {data: $folder/data, logs: $folder/logs}
network.host: 127.0.0.1
http.port: $port
transport.port: 0
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: $([ -n "$tls" ] && echo true || echo false)
YAML
  if [ -n "$tls" ]; then
    certificate
    echo "xpack.security.http.ssl: {enabled: true, key: key.pem, certificate: ca.pem}" >>"$folder/config/elasticsearch.yml"
    chown -R "$owner" "$folder"
    run 60 "$home/bin/elasticsearch-users" useradd kpulse -p secret-of-tests -r superuser >&2
  fi
  chown -R "$owner" "$folder"
}

[ -e "$folder/config/elasticsearch.yml" ] || configure
run 120 "$home/bin/elasticsearch" -d -p "$folder/pid" >"$folder/start.log" 2>&1 || { tail -20 "$folder/start.log" >&2; exit 1; }
curl=(curl -s -o /dev/null -w '%{http_code}' --max-time 5)
[ -z "$tls" ] || curl+=(--cacert "$folder/config/ca.pem" -u kpulse:secret-of-tests)
for _ in $(seq 600); do
  code=$("${curl[@]}" "http${tls:+s}://localhost:$port/_cluster/health?wait_for_status=yellow&timeout=30s" || true)
  [ "$code" = 200 ] && exit 0
  sleep 0.1
done
echo "Elasticsearch does not answer" >&2
tail -20 "$folder"/logs/*.log >&2
exit 1
