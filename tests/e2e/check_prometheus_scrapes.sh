#!/usr/bin/env bash
# A real Prometheus scrapes both pages of the default pipeline: what it stores is what the pages say, quantiles of the
# run-queue histogram come out of it, and a counter that the kernel keeps too moves with the kernel's.
source ./agent.sh
source ./prometheus.sh

start_agent --set receivers.ebpf_metrics.collection_interval=250ms
prometheus_start node=127.0.0.1:29704 kpulse=127.0.0.1:29706
await 30 holds 'count(up == 1) == 2'
await 30 holds 'count_over_time(up{job="node"}[1m]) >= 4'
if holds 'up == 0' >/dev/null; then echo "a scrape failed"; exit 1; fi

# Every series of the page is stored, under the names of the page.
page=$(curl -sS --max-time 5 http://127.0.0.1:29704/metrics | grep -vc '^#')
stored=$(value 'scrape_samples_scraped{job="node"}')
[ "$stored" -ge "$((page * 9 / 10))" ] && [ "$stored" -le "$((page * 11 / 10))" ] || { echo "$stored of $page samples"; exit 1; }

# The histogram is one to Prometheus, and has moved.
await 30 holds 'sum(rate(linux_sched_runqueue_duration_seconds_count[10s])) > 1'
p99=$(value 'histogram_quantile(0.99, sum by (le) (rate(linux_sched_runqueue_duration_seconds_bucket[10s])))')
awk -v v="$p99" 'BEGIN { exit !(v > 0 && v < 60) }' || { echo "a 99th percentile of $p99 s"; exit 1; }

# Between two moments the CPUs' time in all modes is the time that passed, times the number of CPUs.
await 30 holds 'count_over_time(system_cpu_time_seconds_total{cpu_mode="idle",cpu_logical_number="0"}[15s]) > 20'
cores=$(value 'sum(rate(system_cpu_time_seconds_total[10s]))')
awk -v a="$cores" -v b="$(nproc)" 'BEGIN { exit !(a > b * 0.9 && a < b * 1.1) }' || { echo "$cores CPUs of $(nproc)"; exit 1; }

# The total memory is the kernel's.
total=$(awk '$1 == "MemTotal:" { printf "%.0f", $2 * 1024 }' /proc/meminfo)
[ "$(value 'sum(system_memory_limit_bytes)' | awk '{ printf "%.0f", $1 }')" = "$total" ] || { echo "not $total bytes of memory"; exit 1; }
await 30 holds 'otelcol_process_uptime{job="kpulse"} > 0 or otelcol_process_uptime_seconds_total{job="kpulse"} > 0'
if grep -iE 'duplicate|out of order|error' "$WORK/prometheus.out"; then exit 1; fi
echo "Prometheus stores $stored samples a scrape; p99 of run-queue waits $p99 s; $cores CPUs"
