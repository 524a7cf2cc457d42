#!/usr/bin/env bash
# OpenTelemetry's own generator sends traces, metrics and logs over gRPC and HTTP, in plain, with TLS and with
# certificates of both sides; everything that it counts is in kpulse's file. gzip comes from a Collector that passes on.
source ./agent.sh
generator=$("$root/tests/servers/telemetrygen.sh") || exit 3
collector=$("$root/tests/servers/collector/build.sh") || exit 3
need openssl
need jq

certificates() {
  cd "$WORK"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=tests \
    -addext basicConstraints=critical,CA:TRUE
  for name in server client; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$name.pem" \
      -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
  done
}
(certificates) >"$WORK/openssl.log" 2>&1

# receiver NAME GRPC HTTP TLS
receiver() { echo "  otlp/$1: {protocols: {grpc: {endpoint: 127.0.0.1:$2$4}, http: {endpoint: 127.0.0.1:$3$4}}}"; }
own="cert_file: $WORK/server.pem, key_file: $WORK/server.key"
{
  echo receivers:
  receiver plain 29760 29761 ""
  receiver tls 29762 29763 ", tls: {$own}"
  receiver mtls 29764 29765 ", tls: {$own, client_ca_file: $WORK/ca.pem}"
  echo "exporters: {file: {path: $WORK/items.jsonl}}"
  echo "service:"
  echo "  telemetry: {metrics: {level: none}}"
  echo "  pipelines:"
  for signal in traces metrics logs; do
    echo "    $signal: {receivers: [otlp/plain, otlp/tls, otlp/mtls], exporters: [file]}"
  done
} >"$WORK/kpulse.yaml"
"$KPULSE" --config "$WORK/kpulse.yaml" >"$WORK/out" 2>"$WORK/err" &
agent=$!; pids+=("$agent")
await 10 grep -q "Everything is ready" "$WORK/err"

# send TO FLAGS...: 7 traces of 3 spans, 11 points, 13 records, each with the place they were sent to
send() {
  local to=$1; shift
  timeout 60 "$generator" traces "$@" --traces 7 --child-spans 2 --rate 0 --service "$to"
  timeout 60 "$generator" metrics "$@" --metrics 11 --rate 0 --service "$to"
  timeout 60 "$generator" logs "$@" --logs 13 --rate 0 --service "$to"
} >>"$WORK/generator.log" 2>&1

trusted=(--ca-cert "$WORK/ca.pem")
known=("${trusted[@]}" --mtls --client-cert "$WORK/client.pem" --client-key "$WORK/client.key")
send grpc --otlp-endpoint 127.0.0.1:29760 --otlp-insecure
send http --otlp-endpoint 127.0.0.1:29761 --otlp-insecure --otlp-http
send grpc-tls --otlp-endpoint localhost:29762 "${trusted[@]}"
send http-tls --otlp-endpoint localhost:29763 "${trusted[@]}" --otlp-http
send grpc-mtls --otlp-endpoint localhost:29764 "${known[@]}"
send http-mtls --otlp-endpoint localhost:29765 "${known[@]}" --otlp-http
# Who shows no certificate, or trusts another one, gets nothing in.
! send strange --otlp-endpoint localhost:29764 "${trusted[@]}" --timeout 2s || { echo "a stranger was let in"; exit 1; }
! send strange --otlp-endpoint localhost:29763 --otlp-http --timeout 2s || { echo "an unknown certificate was trusted"; exit 1; }

# The generator does not compress: a Collector passes on what it gets, with gzip.
cat >"$WORK/collector.yaml" <<YAML
receivers: {otlp: {protocols: {grpc: {endpoint: 127.0.0.1:29766}}}}
exporters:
  otlp_grpc: {endpoint: localhost:29764, compression: gzip, tls: {ca_file: $WORK/ca.pem, cert_file: $WORK/client.pem, key_file: $WORK/client.key}}
  otlp_http: {endpoint: "https://localhost:29763", compression: gzip, tls: {ca_file: $WORK/ca.pem}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}
    metrics: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}
    logs: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}
YAML
"$collector" --config "$WORK/collector.yaml" >"$WORK/collector.log" 2>&1 &
passing=$!; pids+=("$passing")
await 20 grep -q "Everything is ready" "$WORK/collector.log"
send gzip --otlp-endpoint 127.0.0.1:29766 --otlp-insecure
kill -TERM "$passing"; wait "$passing"
kill -TERM "$agent"; wait "$agent"

# counts SERVICE: its spans, points and records
counts() {
  jq -r --arg service "$1" '
    def of(name): .resource.attributes | any(.key == "service.name" and .value.stringValue == name);
    [(.resourceSpans // [])[] | select(of($service)) | .scopeSpans[].spans[] | "s"] +
    [(.resourceMetrics // [])[] | select(of($service)) | .scopeMetrics[].metrics[] | (.gauge // .sum).dataPoints[] | "m"] +
    [(.resourceLogs // [])[] | select(of($service)) | .scopeLogs[].logRecords[] | "l"] | .[]' "$WORK/items.jsonl" |
    sort | uniq -c | tr -s ' \n' ' '
}
for service in grpc http grpc-tls http-tls grpc-mtls http-mtls; do
  [ "$(counts $service)" = " 13 l 11 m 21 s " ] || { echo "$service:$(counts $service)"; exit 1; }
done
[ "$(counts gzip)" = " 26 l 22 m 42 s " ] || { echo "gzip:$(counts gzip)"; exit 1; }
[ -z "$(counts strange | tr -d ' ')" ]
echo "all spans, points and records of a real generator, in plain, with TLS, with both certificates and with gzip"
