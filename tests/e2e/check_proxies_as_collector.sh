#!/usr/bin/env bash
# By HTTP_PROXY, HTTPS_PROXY and NO_PROXY the same requests go through the same proxy as from a real Collector: HTTP is
# passed on, HTTPS and gRPC go through a tunnel, what is excepted and what is local goes straight.
source ./agent.sh
collector=$("$root/tests/servers/collector/build.sh") || exit 3
need curl; need python3

# Where telemetry arrives, under names that only the proxy knows.
cat >"$WORK/backend.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29751}, grpc: {endpoint: 127.0.0.1:29752}}}}
exporters: {file: {path: $WORK/arrived.jsonl, flush_interval: 50ms}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], exporters: [file]}}
YAML
# For each way one exporter; those that cannot get through show by what the proxy was not asked for.
cat >"$WORK/peer.yaml" <<YAML
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:29753}}}}
exporters:
  otlp_http: {endpoint: "http://backend.test:29751", compression: none}
  otlp_grpc: {endpoint: "backend.test:29752", tls: {insecure: true}}
  otlp_http/secret: {endpoint: "https://secret.test:29751", tls: {insecure_skip_verify: true}}
  otlp_http/excepted: {endpoint: "http://one.excepted.test:29751"}
  otlp_grpc/excepted: {endpoint: "port.test:29752", tls: {insecure: true}}
  otlp_http/local: {endpoint: "http://127.0.0.1:29751"}
  otlp_grpc/local: {endpoint: "localhost:29752", tls: {insecure: true}}
  otlp_http/named: {endpoint: "http://backend.test:29751", proxy_url: "http://it:self@127.0.0.1:29754"}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], exporters: [otlp_http, otlp_grpc, otlp_http/secret, otlp_http/excepted, otlp_grpc/excepted, otlp_http/local, otlp_grpc/local, otlp_http/named]}
YAML
cat >"$WORK/proxy.py" <<'PY'
import base64, re, select, socket, sys, threading
asked = open(sys.argv[1], "a", buffering=1)
def head(stream):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            raise ConnectionError("closed")
        data += byte
    return data.decode()
def pump(a, b):
    while True:
        for stream in select.select([a, b], [], [])[0]:
            data = stream.recv(65536)
            if not data:
                return
            (b if stream is a else a).sendall(data)
def serve(client):
    server = None
    try:
        text = head(client)
        method, target, _ = text.split("\r\n")[0].split(" ")
        login = re.search(r"(?im)^proxy-authorization: basic (\S+)", text)
        print(method, target, base64.b64decode(login[1]).decode() if login else "-", file=asked)
        host, port = re.sub(r"^http://|/.*", "", target).split(":")
        server = socket.create_connection(("127.0.0.1", int(port)))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            lines = [line for line in text.split("\r\n") if not line.lower().startswith(("proxy-", "connection:"))]
            lines[0] = lines[0].replace(f"http://{host}:{port}", "")
            server.sendall("\r\n".join(lines[:1] + ["Connection: close"] + lines[1:]).encode())
        pump(client, server)
    except OSError:
        pass
    finally:
        client.close()
        if server:
            server.close()
listener = socket.create_server(("127.0.0.1", 29754))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
: >"$WORK/asked"
python3 "$WORK/proxy.py" "$WORK/asked" 2>"$WORK/proxy.log" &
pids+=($!)
"$collector" --config "$WORK/backend.yaml" 2>"$WORK/backend.log" &
pids+=($!)
await 20 grep -q "Everything is ready" "$WORK/backend.log"

# Of backend.test twice over HTTP and once over gRPC, and from the local ones.
arrived() { [ "$(grep -c "$1" "$WORK/arrived.jsonl")" -ge 5 ]; }
before=0
since() { tail -n "+$((before + 1))" "$WORK/asked"; }
asked() { since | grep "$1"; }
for program in "$collector" "$KPULSE"; do
  name=$(basename "$program")
  before=$(wc -l <"$WORK/asked")
  HTTP_PROXY=http://me:pass%3Aword@127.0.0.1:29754 https_proxy=127.0.0.1:29754 NO_PROXY=" .excepted.test,port.test:29752,10.0.0.0/8" \
    "$program" --config "$WORK/peer.yaml" 2>"$WORK/$(basename "$program").log" &
  peer=$!
  pids+=("$peer")
  await 20 grep -q "Everything is ready" "$WORK/$(basename "$program").log"
  curl -s -o "$WORK/said" -H 'content-type: application/json' 127.0.0.1:29753/v1/logs \
    -d '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"from '"$name"'"}}]}]}]}'
  await 20 arrived "from $name" || { cat "$WORK/$(basename "$program").log" "$WORK/asked"; exit 1; }
  await 20 asked "CONNECT secret.test"
  { kill -KILL "$peer"; wait "$peer" || true; } 2>"$WORK/ended"
  since | sort -u >"$WORK/$name.txt"
done
diff "$WORK/$(basename "$collector").txt" "$WORK/$(basename "$KPULSE").txt"
echo "proxies are asked as by a real Collector:"
cat "$WORK/$(basename "$KPULSE").txt"
