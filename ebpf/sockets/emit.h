/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Records, and what becomes of exchanges that are none. */
#pragma once

#include "http.h"
#include "settings.h"

COUNTERS_MAP(sockets_counters);
/* One bucket for each kind of record and role. */
BUCKETS_MAP(sockets_buckets, KINDS * ROLES);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} sockets_ring SEC(".maps");

/* Waking the reader for every record would cost more than the record. It looks by itself, and is woken when there is much. */
static __always_inline u64 wake_up(void)
{
	return bpf_ringbuf_query(&sockets_ring, BPF_RB_AVAIL_DATA) > 256 * 1024 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void write_record(struct exchange *exchange, void *record, u64 size, u64 most)
{
	u64 flags = wake_up();
	u32 lost = LOST;
	u64 *lost_here = bpf_map_lookup_elem(&sockets_counters, &lost);

	exchange->header.version = EVENT_VERSION;
	exchange->header.cpu = bpf_get_smp_processor_id();
	exchange->header.mono_ns = bpf_ktime_get_ns();
	exchange->header.lost = lost_here ? *lost_here : 0;
	/* Older verifiers forget a bound that was set any earlier. */
	asm volatile("" : "+r"(size));
	if (size > most)
		size = most;
	count(&sockets_counters, bpf_ringbuf_output(&sockets_ring, record, size, flags) ? LOST : SENT);
}

static __always_inline void describe_path(struct connection *connection, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return;
	connection->exchange.srtt_us = tp->srtt_us >> 3;
	connection->exchange.retransmits = tp->total_retrans - connection->retransmits_before;
}

static __always_inline u32 kind_of(const struct connection *connection)
{
	return connection->protocol == PROTOCOL_HTTP ? KIND_HTTP : KIND_TCP;
}

static __always_inline bool has_token(const struct exchange *exchange, u32 kind)
{
	return take_token(&sockets_buckets, kind * ROLES + exchange->role);
}

/* Before, where every exchange is wanted: what will not be told is not looked at either. */
static __always_inline bool is_limited(const struct connection *connection, const struct settings *settings)
{
	return !settings->least_ns && !has_token(&connection->exchange, kind_of(connection));
}

/* Writes what is known of the exchange, unless it is not wanted. */
static __always_inline void emit(struct connection *connection, struct sock *sk, const struct settings *settings)
{
	struct exchange *exchange = &connection->exchange;
	u64 end = exchange->response_end_ns ? exchange->response_end_ns : exchange->request_end_ns;
	u32 kind = kind_of(connection);

	count(&sockets_counters, FIRED);
	if (connection->limited) {
		count(&sockets_counters, LIMITED);
		return;
	}
	if (settings->least_ns) {
		bool is_short = end - exchange->request_start_ns < settings->least_ns;

		if (is_short || !has_token(exchange, kind)) {
			count(&sockets_counters, is_short ? FILTERED : LIMITED);
			return;
		}
	}
	describe_path(connection, sk);
	exchange->header.kind = kind;
	if (kind == KIND_TCP) {
		write_record(exchange, exchange, sizeof(*exchange), sizeof(*exchange));
		return;
	}
	struct http_exchange *http = bpf_sk_storage_get(&sockets_http, sk, 0, 0);
	if (!http) {
		count(&sockets_counters, LOST);
		return;
	}
	http->exchange = *exchange;
	write_record(&http->exchange, http, offsetof(struct http_exchange, request) + http->request_captured,
		     sizeof(*http));
}

/* Only one of those who see the end of an exchange at the same time tells of it. */
static __always_inline void finish(struct connection *connection, struct sock *sk, const struct settings *settings,
				   u32 phase, u32 flags)
{
	struct exchange *exchange = &connection->exchange;

	if (phase == PHASE_IDLE || __sync_val_compare_and_swap(&connection->phase, phase, PHASE_IDLE) != phase)
		return;
	exchange->flags |= flags;
	emit(connection, sk, settings);
	exchange->flags &= PEER_IS_HERE | STARTED_UNSEEN;
	exchange->handshake_ns = 0;
}

/* A connection has come about, or has not. */
static __always_inline void emit_handshake(struct connection *connection, struct sock *sk,
					   const struct settings *settings, u64 start, u64 end)
{
	struct exchange *exchange = &connection->exchange;

	count(&sockets_counters, FIRED);
	/* One that failed matters however short it was. */
	bool is_short = !(exchange->flags & UNANSWERED) && end - start < settings->least_ns;
	if (is_short || !has_token(exchange, KIND_HANDSHAKE)) {
		count(&sockets_counters, is_short ? FILTERED : LIMITED);
		return;
	}
	describe_path(connection, sk);
	exchange->header.kind = KIND_HANDSHAKE;
	exchange->request_start_ns = start;
	exchange->request_end_ns = end;
	exchange->handshake_ns = end - start;
	write_record(exchange, exchange, sizeof(*exchange), sizeof(*exchange));
}
