#!/usr/bin/env bash
# 1,000 requests of known latency and status through a real nginx: 1,000 server spans with these statuses, their median
# within 5 % of what the client's own clock says, and a traceparent that is continued.
source ./agent.sh
nginx=$("$root/tests/servers/nginx/fetch.sh") || exit 3
command -v curl >/dev/null && command -v perl >/dev/null || exit 3

perl "$root/tests/servers/nginx/upstream.pl" >"$WORK/upstream" &
pids+=($!)
await 10 test -s "$WORK/upstream"
# A port that was free a moment ago.
port=$(perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, INADDR_LOOPBACK)); print +(sockaddr_in(getsockname(S)))[0]')
cat >"$WORK/nginx.conf" <<CONF
daemon off;
pid $WORK/nginx.pid;
worker_processes 2;
error_log $WORK/nginx.error;
events {}
http {
  access_log $WORK/nginx.access;
  client_body_temp_path $WORK; proxy_temp_path $WORK; fastcgi_temp_path $WORK; uwsgi_temp_path $WORK; scgi_temp_path $WORK;
  server { listen 127.0.0.1:$port; location / { proxy_pass http://127.0.0.1:$(<"$WORK/upstream"); } }
}
CONF
"$nginx" -c "$WORK/nginx.conf" -e "$WORK/nginx.error" &
pids+=($!)
await 10 curl -sS -o /dev/null "http://127.0.0.1:$port/200/0"
# Every span: none is over the rate that the default pipeline lets through.
start_agent --set 'service.pipelines.traces={processors: [k8s_attributes], exporters: [file]}'

# The client's own clock: from when it could send to the last byte.
ask() { curl -sS --max-time 60 -o /dev/null -w '%{http_code} %{time_pretransfer} %{time_total}\n' "$@"; }
clients=()
ask "http://127.0.0.1:$port/200/25?n=[1-600]" >"$WORK/client.200" & clients+=($!)
ask "http://127.0.0.1:$port/404/25?n=[1-300]" >"$WORK/client.404" & clients+=($!)
ask "http://127.0.0.1:$port/503/25?n=[1-100]" >"$WORK/client.503" & clients+=($!)
wait "${clients[@]}"
trace=0af7651916cd43dd8448eb211c80319c parent=b7ad6b7169203331
ask -H "traceparent: 00-$trace-$parent-01" "http://127.0.0.1:$port/200/20?traced" >/dev/null

# One span a line: those of nginx as a server.
spans() {
  sed 's/{"traceId"/\n&/g' "$WORK/telemetry.jsonl" | grep '^{"traceId".*"kind":2' | grep '"stringValue":"nginx"' |
    grep "\"network.local.port\",\"value\":{\"intValue\":\"$port\"}" >"$WORK/spans"
}
all_there() { spans; [ "$(wc -l <"$WORK/spans")" -ge 1001 ]; }
await 20 all_there || { wc -l "$WORK/spans"; exit 1; }
kill -TERM "$agent"; wait "$agent"
spans

grep -F "\"traceId\":\"$trace\"" "$WORK/spans" >"$WORK/traced"
[ "$(wc -l <"$WORK/traced")" = 1 ] && grep -qF "\"parentSpanId\":\"$parent\"" "$WORK/traced" || { echo "not continued"; exit 1; }
grep -vF "\"traceId\":\"$trace\"" "$WORK/spans" >"$WORK/others"
[ "$(wc -l <"$WORK/others")" = 1000 ] || { echo "$(wc -l <"$WORK/others") spans of 1000 requests"; exit 1; }
for wanted in 200:600 404:300 503:100; do
  status=${wanted%:*}
  seen=$(grep -c "\"http.response.status_code\",\"value\":{\"intValue\":\"$status\"}" "$WORK/others")
  said=$(grep -c "^$status " "$WORK/client.$status")
  [ "$seen:$said" = "${wanted#*:}:${wanted#*:}" ] || { echo "$status: $seen spans, $said answers"; exit 1; }
done

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
client=$(cat "$WORK"/client.* | awk '{ print ($3 - $2) * 1e6 }' | median)
server=$(sed 's/.*"startTimeUnixNano":"\([0-9]*\)","endTimeUnixNano":"\([0-9]*\)".*/\1 \2/' "$WORK/others" |
  awk '{ print (substr($2, 7) - substr($1, 7)) / 1000 }' | median)
echo "1000 spans with their statuses; median $server us, by the client's clock $client us"
awk -v a="$server" -v b="$client" 'BEGIN { exit !(a > b * 0.95 && a < b * 1.05) }'
