// SPDX-License-Identifier: MIT OR GPL-2.0
/* Softirq latency: from raise to the start of the handler, per softirq. Everything happens on one CPU. */
#include "../include/event.h"
#include "../include/histogram.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define VECTORS 10

struct raised {
	u64 at_ns[VECTORS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct raised);
} softirq_raised SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VECTORS);
	__type(key, u32);
	__type(value, struct histogram);
} softirq_latency SEC(".maps");

static __always_inline u64 *raised_at(u32 vector)
{
	u32 zero = 0;
	struct raised *raised = bpf_map_lookup_elem(&softirq_raised, &zero);

	if (!raised || vector >= VECTORS)
		return 0;
	return &raised->at_ns[vector];
}

SEC("tp_btf/softirq_raise")
int BPF_PROG(softirq_raise, unsigned int vector)
{
	u64 *at = raised_at(vector);

	/* Raised again before it was handled: it waits since the first time. */
	if (at && !*at)
		*at = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(softirq_entry, unsigned int vector)
{
	u64 *at = raised_at(vector);
	u32 key = vector;

	if (!at || !*at)
		return 0;
	u64 now = bpf_ktime_get_ns();
	u64 waited = now > *at ? now - *at : 0;
	*at = 0;
	struct histogram *latency = bpf_map_lookup_elem(&softirq_latency, &key);
	if (latency)
		histogram_add(latency, waited);
	return 0;
}
