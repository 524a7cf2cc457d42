/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is known of a connection, in its socket's storage: it goes when the socket goes. */
#pragma once

#include "payload.h"

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
	u64 stack_ns;
	u32 phase;
	u32 retransmits_before;
	u8 protocol;
	u8 tries;
	u16 reserved[3];
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

/* Listening ports of before the probe, by network namespace. */
struct listener {
	u32 netns;
	u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, u8);
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

/* A connection that was there before anybody looked. Its role is that of its port, if anybody listens there. */
static __always_inline struct connection *adopt(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct listener listener;

	if (!connection)
		return 0;
	read_ends(&connection->exchange, sk);
	connection->tries = TRIES_OF_UNSEEN;
	connection->exchange.flags = STARTED_UNSEEN;
	listener.netns = connection->exchange.netns;
	listener.port = connection->exchange.local_port;
	if (bpf_map_lookup_elem(&sockets_listeners, &listener))
		connection->exchange.role = ROLE_SERVER;
	find_client(&connection->exchange);
	return connection;
}
