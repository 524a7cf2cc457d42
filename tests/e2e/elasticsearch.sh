# Sourced by checks behind agent.sh: a real Elasticsearch of their own.
servers=$root/tests/servers/elasticsearch
elasticsearch_home=$("$servers/install.sh") || exit 3
need jq
# It runs as another user than root.
chmod 711 "$WORK"

# A port that nobody listens on now.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# elasticsearch_start [tls]: again after a stop; its data are kept.
elasticsearch_start() {
  elasticsearch_port=${elasticsearch_port:-$(free_port)}
  timeout 150 "$servers/start.sh" "$elasticsearch_home" "$WORK/elasticsearch" "$elasticsearch_port" "$@"
}

# elasticsearch_stop SIGNAL: waits for its end.
elasticsearch_stop() {
  local pid
  pid=$(cat "$WORK/elasticsearch/pid" 2>/dev/null) || return 0
  kill "-$1" "$pid" 2>/dev/null || true
  await 30 sh -c "! kill -0 $pid 2>/dev/null"
  rm -f "$WORK/elasticsearch/pid"
}
trap 'finish; elasticsearch_stop KILL' EXIT

# ask METHOD PATH [DATA]
ask() { curl -sS --fail-with-body --max-time 20 -X "$1" -H 'content-type: application/json' "http://localhost:$elasticsearch_port/$2" ${3:+-d "$3"}; }

# documents INDEX: the sources of all its documents, one a line
documents() {
  ask POST "$1/_refresh" >/dev/null
  ask GET "$1/_search?size=10000" | jq -c '.hits.hits[]._source'
}

# own_metric PATTERN: the sum of the agent's own metrics that match
own_metric() { curl -sS --max-time 5 127.0.0.1:29706/metrics | grep -E "^$1" | awk '{ sum += $2 } END { print sum + 0 }'; }
