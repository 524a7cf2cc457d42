# A storm of dropped packets: UDP over loopback to a closed port. The kernel drops each datagram in the sender's own
# time, so the sender pays for the probe. (Not on kernels with CONFIG_IRQ_TIME_ACCOUNTING: look at the rate there.)

STORM_TARGET=1.05
STORM_DATAGRAMS=200000

storm_none_start() { no_ports_before; }
storm_none_again_start() { no_ports_before; }
storm_kpulse_start() { kpulse_default; no_ports_before; }
storm_dropwatch_start() {
  kpulse_start "$OWN_METRICS" kpulse_probe_fired_events --config benches/dropwatch.yaml
  no_ports_before
}
storm_bpftrace_start() { bpftrace_start benches/drops.bt; }
storm_load() { timeout 60 "$LOAD" storm "$LOAD_CPU" "$STORM_DATAGRAMS"; }
storm_more() { printf '%11.0f' "$(median "$1" 2)"; }

# How many datagrams this host got for which nobody listened.
no_ports() { awk '$1 == "Udp:" && $3 ~ /^[0-9]+$/ { print $3 }' /proc/net/snmp; }
no_ports_before() { NO_PORTS=$(no_ports); }

# What kpulse says about dropwatch: fired, missed, sent, filtered, limited, lost.
storm_counters() {
  timeout 10 "$LOAD" scrape "$OWN_METRICS" 1 | awk '/^kpulse_probe_.*probe="dropwatch"/ {
      key = $1 ~ /^kpulse_probe_dropped/ ? reason($1) : $1
      sub(/\{.*/, "", key); sub(/^kpulse_probe_/, "", key); sub(/_events$/, "", key)
      of[key] += $2
    }
    function reason(name) { sub(/.*reason="/, "", name); sub(/".*/, "", name); return name }
    END {
      printf "%d %d %d ", of["fired"], of["missed"], of["sent"]
      printf "%d %d %d\n", of["filtered"], of["limited"], of["lost"]
    }'
}

# Every drop must be accounted for: the agent reads the kernel's counters once a second, so wait until it has.
storm_accounts() {
  case $1 in none* | bpftrace) return 0 ;; esac
  local dropped=$(($(no_ports) - NO_PORTS)) try fired missed sent filtered limited lost
  for try in $(seq 300); do
    read -r fired missed sent filtered limited lost < <(storm_counters)
    [ $((fired + missed)) -lt "$dropped" ] || break
    sleep 0.01
  done
  # `missed` never ran, so it is no part of `fired`.
  local unaccounted=$((fired - sent - filtered - limited - lost))
  echo "$1 $dropped $fired $missed $sent $filtered $limited $lost $unaccounted" >>"$WORK/storm.accounts"
}

# Sums over the rounds. Other packets of the host are dropped too, so `fired` may be more than the datagrams, never
# less.
storm_account_table() {
  local agent
  printf '  %-10s' agent
  printf ' %9s' no-ports fired missed sent filtered limited lost uncounted
  echo
  for agent in kpulse dropwatch; do
    printf '  %-10s' "$agent"
    awk -v agent="$agent" '$1 == agent { for (i = 2; i <= 9; i++) sum[i] += $i }
      END { for (i = 2; i <= 9; i++) printf " %9d", sum[i]; print "" }' "$WORK/storm.accounts"
  done
  verdict 'rounds with drops unaccounted for' \
    "$(awk '$9 != 0 || $3 + $4 < $2' "$WORK/storm.accounts" | wc -l)" 0 0
}

storm() {
  local variants=(none none_again kpulse dropwatch)
  if command -v bpftrace >/dev/null; then variants+=(bpftrace); else echo "storm: bpftrace skipped: not installed"; fi
  AFTER_LOAD=storm_accounts rounds storm "${variants[@]}"
  TABLE_MORE='      drops/s' table storm 'CPU ns per drop' "${variants[@]}"
  slow_down storm kpulse "$STORM_TARGET"
  slow_down storm dropwatch "$STORM_TARGET"
  storm_account_table
}
