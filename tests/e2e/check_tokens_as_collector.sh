#!/usr/bin/env bash
# A server of OAuth 2.0 tokens is asked for them as by a real Collector, and the token goes with what is exported.
source ./agent.sh
collector=${COLLECTOR:-$("$root/tests/servers/collector/build.sh")} || exit 3
"$collector" components | grep -q oauth2client || exit 3
need curl; need python3

cat >"$WORK/servers.py" <<'PY'
import http.server, json, sys, threading
seen = open(sys.argv[1], "a", buffering=1)
tokens = {}
class Tokens(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        print("asked", self.path, self.headers["authorization"], self.headers["content-type"], form, file=seen)
        # /form wants id and secret there; /soon gives a token that is soon over.
        status = 401 if self.path == "/form" and "client_secret" not in form else 200
        tokens[self.path] = tokens.get(self.path, 0) + 1
        body = json.dumps({"access_token": f"t{tokens[self.path]}", "token_type": "bearer", "expires_in": 3600 if self.path != "/soon" else 200}).encode()
        self.send_response(status); self.send_header("content-type", "application/json"); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Backend(Tokens):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        print("got", self.path, self.headers["authorization"], file=seen)
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
for port, handler in ((29771, Tokens), (29772, Backend)):
    threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever).start()
PY
cat >"$WORK/config.yaml" <<YAML
extensions:
  oauth2client/header: {client_id: an id, client_secret: "s&:1", token_url: "http://127.0.0.1:29771/header", scopes: [x, y], endpoint_params: {audience: someone}}
  oauth2client/form: {client_id: an id, client_secret: "s&:1", token_url: "http://127.0.0.1:29771/form"}
  oauth2client/soon: {client_id: an id, client_secret: "s&:1", token_url: "http://127.0.0.1:29771/soon"}
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:29773"}}}}
exporters:
  otlp_http/header: {logs_endpoint: "http://127.0.0.1:29772/header", compression: none, sending_queue: {enabled: false}, auth: {authenticator: oauth2client/header}}
  otlp_http/form: {logs_endpoint: "http://127.0.0.1:29772/form", compression: none, sending_queue: {enabled: false}, auth: {authenticator: oauth2client/form}}
  otlp_http/soon: {logs_endpoint: "http://127.0.0.1:29772/soon", compression: none, sending_queue: {enabled: false}, auth: {authenticator: oauth2client/soon}}
service:
  extensions: [oauth2client/header, oauth2client/form, oauth2client/soon]
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], exporters: [otlp_http/header, otlp_http/form, otlp_http/soon]}}
YAML
for program in "$collector" "$KPULSE"; do
  name=$(basename "$program")
  : >"$WORK/$name.seen"
  timeout 60 python3 "$WORK/servers.py" "$WORK/$name.seen" 2>"$WORK/servers.log" &
  servers=$!
  pids+=("$servers")
  "$program" --config "$WORK/config.yaml" 2>"$WORK/$(basename "$program").log" &
  peer=$!
  pids+=("$peer")
  await 20 grep -q "Everything is ready" "$WORK/$(basename "$program").log"
  await 20 curl -s -o "$WORK/said" 127.0.0.1:29772
  for _ in 1 2; do
    curl -s -f -o "$WORK/said" -H 'content-type: application/json' 127.0.0.1:29773/v1/logs \
      -d '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}'
  done
  kill -TERM "$peer"; wait "$peer"
  kill "$servers"; wait "$servers" || true
  sort "$WORK/$name.seen" >"$WORK/$name.txt"
done
[ "$(grep -c '^got' "$WORK/$(basename "$KPULSE").txt")" -eq 6 ]
diff "$WORK/$(basename "$collector").txt" "$WORK/$(basename "$KPULSE").txt"
echo "$(grep -c '^asked' "$WORK/$(basename "$KPULSE").txt") tokens are asked for as by a real Collector"
