/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* When data came: how long it was on its way up, and since when it waits to be read. */
#pragma once

#include "../include/stamp.h"
#include "connection.h"

struct clock {
	s64 tai_ahead_ns; /* CLOCK_TAI less CLOCK_REALTIME: programs can read only the former */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock);
} sockets_clock SEC(".maps");

/* The header's length, in words of four bytes, is in its thirteenth byte. */
static __always_inline bool has_data(struct sk_buff *skb)
{
	u8 words = 0;

	bpf_probe_read_kernel(&words, 1, BPF_CORE_READ(skb, data) + 12);
	return skb->len > (words >> 4) * 4;
}

/* Stamp and now are of CLOCK_REALTIME; only their difference leaves this function. */
static __always_inline u64 time_in_stack(struct sk_buff *skb)
{
	u32 zero = 0;
	struct clock *clock = bpf_map_lookup_elem(&sockets_clock, &zero);
	s64 stamp = skb->tstamp;

	if (!stamp || !clock || !is_stamped_here(skb))
		return 0;
	s64 since = (s64)bpf_ktime_get_tai_ns() - clock->tai_ahead_ns - stamp;
	return since > 0 ? since : 0;
}

/* What waits longest counts: later segments change nothing until somebody reads. */
static __always_inline void segment_came(struct sock *sk, struct sk_buff *skb)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);

	if (!connection || connection->arrived_ns || connection->protocol == PROTOCOL_IGNORED || !has_data(skb))
		return;
	connection->stack_ns = time_in_stack(skb);
	connection->arrived_ns = bpf_ktime_get_ns();
}
