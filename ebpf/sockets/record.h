/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The record of one exchange (a request and its response); record.rs has the same layout and asserts its size. */
#pragma once

#include "../include/event.h"
#include "../include/owner.h"

/* Which end of the connection this socket is. */
enum role {
	ROLE_UNKNOWN,
	ROLE_CLIENT, /* it connected, or it was seen to send a request */
	ROLE_SERVER, /* it was accepted, or it was seen to receive a request */
	ROLES,
};

/* `kind` of a record's header. */
enum kind {
	KIND_TCP,	/* bytes one way and bytes back */
	KIND_HTTP,	/* the same, with the first bytes of both */
	KIND_HANDSHAKE, /* a connection came about, or did not */
	KINDS,
};

enum exchange_flags {
	PEER_IS_HERE = 1 << 0,	 /* the other end is a socket of this host that was seen too */
	FIRST_EXCHANGE = 1 << 1, /* of its connection: handshake_ns belongs to it */
	MAY_GO_ON = 1 << 2,	 /* the response has paused; whether it was all is for the reader to say */
	WAS_SHOWN = 1 << 3,	 /* a record with MAY_GO_ON came before, with response_shown_bytes */
	UNANSWERED = 1 << 4,	 /* the connection ended before any response */
	STARTED_UNSEEN = 1 << 5, /* the connection is older than the probe */
};

struct exchange {
	struct event_header header;
	u64 request_start_ns; /* CLOCK_MONOTONIC, like all that end in _ns and are no durations */
	u64 request_end_ns;
	u64 response_start_ns;
	u64 response_end_ns;
	u64 request_bytes;
	u64 response_bytes;
	u64 response_shown_bytes;
	u64 handshake_ns; /* how long the connection took to come about, 0 unknown */
	u64 queue_ns;	  /* how long the first byte that came in lay in the receive queue, 0 unknown */
	u64 stack_ns;	  /* how long that took from its receive stamp to the queue, 0 unknown */
	u64 response_tail; /* the last eight bytes of the response, as far as they could be read */
	struct owner owner;
	u32 request_seq;  /* TCP sequence number of its first byte, the same at both ends */
	u32 netns;
	u32 srtt_us;
	u32 retransmits; /* of this end, since the exchange began */
	s32 error;	 /* errno that ended the connection, or 0 */
	u32 flags;
	u16 local_port;
	u16 remote_port;
	u8 ip_version;
	u8 role;
	u16 reserved;
	u8 local[16];
	u8 remote[16];
};

_Static_assert(sizeof(struct exchange) == 216, "record.rs reads this layout");

#define REQUEST_BYTES 1024
#define RESPONSE_BYTES 512
#define HEADS 8

/* A write or read that began with a status line. */
struct response_head {
	u64 ns;
	u32 at; /* bytes of the response before it */
	u16 status;
	u16 reserved;
};

/* Cut behind the last request byte that was captured. */
struct http_exchange {
	struct exchange exchange;
	struct response_head heads[HEADS];
	u32 heads_seen;
	u16 response_captured;
	u16 request_captured;
	u8 response[RESPONSE_BYTES];
	u8 request[REQUEST_BYTES];
};

_Static_assert(sizeof(struct http_exchange) == 1888, "record.rs reads this layout");
