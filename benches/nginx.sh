# wrk against a real nginx, both on one CPU, without and with spans and profiles: what a request costs the two of them,
# and how long it takes. No target: DESIGN names none but the default pipeline's, and this is everything on at once.

NGINX_SECONDS=3
NGINX_CONNECTIONS=16

nginx_none_start() { :; }
nginx_none_again_start() { :; }
nginx_spans_start() { nginx_agent 'ebpf_spans: {protocols: {http: }}' 'traces: {receivers: [ebpf_spans], exporters: [file]}'; }
nginx_spans_and_profiles_start() {
  nginx_agent 'ebpf_spans: {protocols: {http: }}, ebpf_profiles: {}' \
    'traces: {receivers: [ebpf_spans], exporters: [file]}, profiles: {receivers: [ebpf_profiles], exporters: [file]}'
}

# nginx_agent RECEIVERS PIPELINES: written to nowhere.
nginx_agent() {
  cat >"$WORK/nginx.yaml" <<YAML
receivers: {$1}
exporters: {file: {path: /dev/null}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: ${OWN_METRICS%:*}, port: ${OWN_METRICS#*:}}}}}]}}
  pipelines: {$2}
YAML
  kpulse_start "$OWN_METRICS" kpulse_probe_fired_events --config "$WORK/nginx.yaml"
}

# Nanoseconds per request, then the median and the 99th percentile of what each took, in microseconds.
nginx_load() {
  timeout 30 taskset -c "$LOAD_CPU" wrk -t1 -c"$NGINX_CONNECTIONS" -d"$NGINX_SECONDS" --latency \
    "http://127.0.0.1:$NGINX_PORT/" >"$WORK/wrk.out"
  awk '
    function us(text) { return text ~ /us$/ ? text + 0 : text ~ /ms$/ ? text * 1e3 : text * 1e6 }
    $1 == "50%" { p50 = us($2) } $1 == "99%" { p99 = us($2) } $1 == "Requests/sec:" { each = 1e9 / $2 }
    /Non-2xx|Socket errors/ { exit 1 }
    END { if (!each) exit 1; printf "%.0f %.0f %.0f\n", each, p50, p99 }' "$WORK/wrk.out"
}
nginx_more() { printf '%9.0f %9.0f' "$(median "$1" 2)" "$(median "$1" 3)"; }

nginx_serve() {
  local server=$1
  NGINX_PORT=$(perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, INADDR_LOOPBACK)); print +(sockaddr_in(getsockname(S)))[0]')
  cat >"$WORK/nginx.conf" <<CONF
daemon off; master_process off; pid $WORK/nginx.pid; error_log $WORK/nginx.error;
events {}
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path $WORK; proxy_temp_path $WORK; fastcgi_temp_path $WORK; uwsgi_temp_path $WORK; scgi_temp_path $WORK;
  server { listen 127.0.0.1:$NGINX_PORT; location / { return 200 "a short answer of a few dozen bytes"; } }
}
CONF
  # Longer than all rounds together.
  timeout -k 5 900 taskset -c "$LOAD_CPU" "$server" -c "$WORK/nginx.conf" -e "$WORK/nginx.error" &
  SERVER=$!
  timeout 10 sh -c "until curl -sS -o /dev/null http://127.0.0.1:$NGINX_PORT/ 2>/dev/null; do sleep 0.05; done"
}

nginx() {
  command -v wrk >/dev/null && command -v curl >/dev/null || { echo 'nginx: skipped: wrk or curl is not installed'; return; }
  local server
  server=$(tests/servers/nginx/fetch.sh) || { echo 'nginx: skipped: cannot be had'; return; }
  nginx_serve "$server"
  local variants=(none none_again spans spans_and_profiles)
  rounds nginx "${variants[@]}"
  TABLE_MORE='    p50 us    p99 us' table nginx 'ns per request' "${variants[@]}"
  kill -TERM "$SERVER" 2>/dev/null || true
  wait "$SERVER" 2>/dev/null || true
  SERVER=
}
