/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Flows: the connections of a cgroup with one peer and server port, whatever their ephemeral ports. Folded when a
 * connection ends and when user space asks, out of what TCP counts anyway: moving data costs nothing.
 */
#pragma once

#include "../include/histogram.h"
#include "settings.h"
#include "connection.h"

struct flow_key {
	u64 cgroup;
	u64 v1_cgroup;
	u32 netns;
	u16 server_port;
	u8 role;
	u8 ip_version;
	u8 remote[16];
};

struct flow {
	struct flow_counts counts;
	u64 connections;
	struct histogram srtt;
};

/* Full, and what new flows move counts for the one of all others, which user space has put there before. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_key);
	__type(value, struct flow);
} sockets_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} sockets_flow_overflows SEC(".maps");

/* What new flows begin with: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct flow);
} sockets_flow_empty SEC(".maps");

static __always_inline void flow_key_of(struct flow_key *key, const struct exchange *exchange, struct sock *sk)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->cgroup = exchange->owner.cgroup;
	key->v1_cgroup = exchange->owner.v1_cgroup;
	/* Nobody has moved anything yet. */
	if (!key->cgroup)
		key->cgroup = socket_cgroup(sk);
	key->netns = exchange->netns;
	key->server_port = server_port(exchange);
	key->role = likely_role(exchange);
	key->ip_version = exchange->ip_version;
	__builtin_memcpy(key->remote, exchange->remote, sizeof(key->remote));
}

static __always_inline struct flow *flow_of(struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&sockets_flows, key), *empty;
	u32 zero = 0;
	u64 *overflows;

	if (flow)
		return flow;
	empty = bpf_map_lookup_elem(&sockets_flow_empty, &zero);
	if (!empty)
		return 0;
	bpf_map_update_elem(&sockets_flows, key, empty, BPF_NOEXIST);
	flow = bpf_map_lookup_elem(&sockets_flows, key);
	if (flow)
		return flow;
	overflows = bpf_map_lookup_elem(&sockets_flow_overflows, &zero);
	if (overflows)
		__sync_fetch_and_add(overflows, 1);
	u8 role = key->role;
	__builtin_memset(key, 0, sizeof(*key));
	key->role = role;
	return bpf_map_lookup_elem(&sockets_flows, key);
}

static __always_inline u64 exchange_u64(u64 *at, u64 value)
{
	return __sync_lock_test_and_set(at, value);
}

static __always_inline void add_srtt(struct flow *flow, u32 srtt_us)
{
	u32 slot = histogram_slot((u64)srtt_us * 1000);

	if (!srtt_us || slot >= HISTOGRAM_SLOTS)
		return;
	__sync_fetch_and_add(&flow->srtt.slots[slot], 1);
	__sync_fetch_and_add(&flow->srtt.sum_ns, (u64)srtt_us * 1000);
}

/*
 * Adds what a connection has moved since the last time. Several may do so at once: each takes its own difference, and
 * their sum is right.
 */
static __always_inline void fold_flow(struct connection *connection, struct sock *sk, bool ended)
{
	struct exchange *exchange = &connection->exchange;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct flow_counts now, *told = &connection->told;
	struct flow_key key;
	struct flow *flow;

	if (!tp)
		return;
	flow_counts_of(&now, sk, tp);
	bool is_idle = now.sent == told->sent && now.received == told->received && now.retransmits == told->retransmits;
	if (is_idle && !connection->is_new && !ended)
		return;
	flow_key_of(&key, exchange, sk);
	flow = flow_of(&key);
	if (!flow)
		return;
	__sync_fetch_and_add(&flow->counts.sent, now.sent - exchange_u64(&told->sent, now.sent));
	__sync_fetch_and_add(&flow->counts.received, now.received - exchange_u64(&told->received, now.received));
	__sync_fetch_and_add(&flow->counts.retransmits,
			     now.retransmits - exchange_u64(&told->retransmits, now.retransmits));
	add_srtt(flow, tp->srtt_us >> 3);
	if (connection->is_new)
		__sync_fetch_and_add(&flow->connections, 1);
	connection->is_new = 0;
}
