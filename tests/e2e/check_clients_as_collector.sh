#!/usr/bin/env bash
# Who is let in by passwords and tokens, and what the others are told, over HTTP and gRPC, is as with a real Collector.
source ./agent.sh
collector=${COLLECTOR:-$("$root/tests/servers/collector/build.sh")} || exit 3
"$collector" components | grep -q basicauthextension || exit 3
need curl; need xxd

# The password is "bar" everywhere.
cat >"$WORK/list" <<'LIST'
bcrypt:$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O
apr1:$apr1$saltsalt$HZb7DO9JU4769Nu3n58bv.
md5:$1$saltsalt$56ibbfTGLAsNdA0n6U1Nn/
crypt:$6$saltsalt$13ZWs86TCGWlKvPnoiZ5uGRk0I6FWQWsoBjy.0NUb9IUt/pnMWcsVBWPeXm2zbrm1/3NvnFsJFn2dIliX8SAJ/
sha:{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=
both:file
no user here
LIST
printf 'filed # of old\nalso\n' >"$WORK/tokens"
cat >"$WORK/config.yaml" <<YAML
extensions:
  zpages: {endpoint: "127.0.0.1:29761", auth: {authenticator: basicauth}}
  basicauth: {htpasswd: {file: $WORK/list, inline: "both:bar\nplain:bar"}}
  bearertokenauth: {tokens: [one, two], scheme: Token, header: X-Key}
  bearertokenauth/query: {token: abc, header: token, scheme: ""}
  bearertokenauth/file: {filename: $WORK/tokens}
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:29762", auth: {authenticator: basicauth}, cors: {allowed_origins: ["*"]}}
      grpc: {endpoint: "127.0.0.1:29763", auth: {authenticator: bearertokenauth}}
  otlp/query: {protocols: {http: {endpoint: "127.0.0.1:29764", auth: {authenticator: bearertokenauth/query, request_params: [token]}}}}
  otlp/file: {protocols: {http: {endpoint: "127.0.0.1:29765", auth: {authenticator: bearertokenauth/file}}}}
exporters: {debug: }
service:
  extensions: [zpages, basicauth, bearertokenauth, bearertokenauth/query, bearertokenauth/file]
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp, otlp/query, otlp/file], exporters: [debug]}}
YAML
body='{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}'
json='content-type: application/json'
# What is told: status, content type, gRPC's status, and the body, in one order.
# Go writes JSON with or without a space, as it was built.
say() {
  echo "== ${*/$WORK/.}"
  curl -s -i --max-time 10 "$@" | tr -d '\r' | sed -E 's/^[A-Za-z-]+:/\L&/; s/, "/,"/' | grep -aiE '^HTTP/|^content-type:|^grpc-(status|message): .|^\{|^[a-z ]+$' | sort || true
}
ask() {
  for user in bcrypt apr1 md5 crypt sha plain both nobody; do
    for password in bar file ""; do say -u "$user:$password" -H "$json" 127.0.0.1:29762/v1/logs -d "$body"; done
  done
  for value in "" "Basic" "Basic !" "Basic YQ==" "bAsIc cGxhaW46YmFy" "Bearer x"; do
    say -H "authorization: $value" -H "$json" 127.0.0.1:29762/v1/logs -d "$body"
  done
  say 127.0.0.1:29762/nowhere
  say -H "$json" 127.0.0.1:29762/v1/logs -d 'no JSON'
  say -H 'content-type: application/x-protobuf' 127.0.0.1:29762/v1/logs -d ''
  # Browsers ask first, without saying who they are. (Only kpulse says of what type nothing is.)
  say -X OPTIONS -H 'origin: http://a' -H 'access-control-request-method: POST' 127.0.0.1:29762/v1/logs | grep -v content-type
  say 127.0.0.1:29761/debug/servicez
  for query in '?token=abc' '?token=ab%63' '?token=x' '?other=abc' ''; do
    say -H "$json" "127.0.0.1:29764/v1/logs$query" -d "$body"
  done
  say -H "$json" -H 'token: abc' 127.0.0.1:29764/v1/logs -d "$body"
  for token in filed also of; do say -H "$json" -H "authorization: Bearer $token" 127.0.0.1:29765/v1/logs -d "$body"; done
  for value in "Token one" "Token two" "Token three" "one" "token one" ""; do
    say --http2-prior-knowledge -H 'content-type: application/grpc' -H 'te: trailers' -H "x-key: $value" \
      --data-binary "@$WORK/empty" 127.0.0.1:29763/opentelemetry.proto.collector.logs.v1.LogsService/Export
  done
}
printf '\0\0\0\0\0' >"$WORK/empty"
for program in "$collector" "$KPULSE"; do
  "$program" --config "$WORK/config.yaml" 2>"$WORK/$(basename "$program").log" &
  peer=$!
  pids+=("$peer")
  await 20 grep -q "Everything is ready" "$WORK/$(basename "$program").log"
  ask >"$WORK/$(basename "$program").txt"
  kill -TERM "$peer"; wait "$peer"
done
[ "$(grep -c '401\|grpc-status: 16' "$WORK/$(basename "$KPULSE").txt")" -ge 30 ]
diff "$WORK/$(basename "$collector").txt" "$WORK/$(basename "$KPULSE").txt"
echo "$(grep -c '^==' "$WORK/$(basename "$KPULSE").txt") requests are answered as by a real Collector"
