/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is known of a connection, in its socket's storage: it goes when the socket goes. */
#pragma once

#include "payload.h"

/* What a connection has moved so far. */
struct flow_counts {
	u64 sent;
	u64 received;
	u64 retransmits;
};

/* What a connection carries. */
enum protocol {
	PROTOCOL_UNKNOWN, /* not decided yet */
	PROTOCOL_HTTP,
	PROTOCOL_TCP, /* anything else, told by its direction alone */
	PROTOCOL_IGNORED,
};

enum phase {
	PHASE_IDLE,
	PHASE_REQUEST,
	PHASE_RESPONSE,
};

/* Messages of a connection older than the probe may begin in the middle: this many are looked at before it is given up. */
#define TRIES_OF_UNSEEN 16

struct connection {
	struct exchange exchange; /* the one under way; both ends, role and owner stay */
	u64 connecting_ns;
	u64 arrived_ns; /* when the oldest unread byte came, 0: unknown */
	u64 stack_ns;	/* how long that took since its receive stamp */
	struct flow_counts told; /* what its flow has of it already */
	u32 phase;
	u32 retransmits_before;
	u8 protocol;
	u8 tries;
	u8 limited; /* over the rate: nothing of this exchange is looked at */
	u8 is_new;  /* its flow has not counted it yet */
	u32 wanted_by; /* the process that was last found to be wanted */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} sockets_connection SEC(".maps");

/* Only of connections that carry HTTP. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http_exchange);
} sockets_http SEC(".maps");

/* One end of a connection. */
struct end {
	u8 address[16];
	u16 port;
	u16 ip_version;
};

/* Ends of this host that connected: a server knows by it that the client's side is seen too. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct end);
	__type(value, u8);
} sockets_clients SEC(".maps");

/* Listening ports by network namespace, and who listens: nobody has accepted a connection yet when it comes about. */
struct listener {
	u32 netns;
	u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct owner);
} sockets_listeners SEC(".maps");

static __always_inline void fill_end(struct end *end, const u8 *address, u16 port, u8 ip_version)
{
	__builtin_memcpy(end->address, address, 16);
	end->port = port;
	end->ip_version = ip_version;
}

static __always_inline void remember_client(struct exchange *exchange)
{
	struct end end;
	u8 one = 1;

	fill_end(&end, exchange->local, exchange->local_port, exchange->ip_version);
	bpf_map_update_elem(&sockets_clients, &end, &one, BPF_ANY);
}

static __always_inline void find_client(struct exchange *exchange)
{
	struct end end;

	fill_end(&end, exchange->remote, exchange->remote_port, exchange->ip_version);
	if (bpf_map_lookup_elem(&sockets_clients, &end))
		exchange->flags |= PEER_IS_HERE;
}

static __always_inline struct owner *listener_of(const struct exchange *exchange)
{
	struct listener listener = {.netns = exchange->netns, .port = exchange->local_port};

	return bpf_map_lookup_elem(&sockets_listeners, &listener);
}

static __always_inline void remember_listener(struct sock *sk, struct task_struct *task)
{
	struct exchange ends = {};
	struct listener listener = {};

	read_ends(&ends, sk);
	listener.netns = ends.netns;
	listener.port = ends.local_port;
	describe_owner(&ends.owner, process_of(task));
	bpf_map_update_elem(&sockets_listeners, &listener, &ends.owner, BPF_ANY);
}

/* Of a connection that is older than the probe nobody may know who connected: ports for that are high. */
static __always_inline u8 likely_role(const struct exchange *exchange)
{
	if (exchange->role != ROLE_UNKNOWN)
		return exchange->role;
	return exchange->local_port < exchange->remote_port ? ROLE_SERVER : ROLE_CLIENT;
}

static __always_inline u16 server_port(const struct exchange *exchange)
{
	return likely_role(exchange) == ROLE_SERVER ? exchange->local_port : exchange->remote_port;
}

static __always_inline void flow_counts_of(struct flow_counts *counts, struct sock *sk, const struct tcp_sock *tp)
{
	counts->sent = tp->bytes_sent - tp->bytes_retrans;
	counts->received = tp->bytes_received - has_fin(sk);
	counts->retransmits = tp->total_retrans;
}

/* A connection that was there before anybody looked. Its role is that of its port, if anybody listens there. */
static __always_inline struct connection *adopt(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!connection)
		return 0;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		flow_counts_of(&connection->told, sk, tp);
	read_ends(&connection->exchange, sk);
	connection->tries = TRIES_OF_UNSEEN;
	connection->exchange.flags = STARTED_UNSEEN;
	if (listener_of(&connection->exchange))
		connection->exchange.role = ROLE_SERVER;
	find_client(&connection->exchange);
	return connection;
}
