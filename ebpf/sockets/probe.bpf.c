// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Exchanges over TCP, a request one way and its response back, seen at both ends in the process that writes and reads.
 * One record each, when the next one begins, when the connection ends, or when it has been silent for a while.
 */
#include "http.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define MSG_PEEK 2
#define MSG_TRUNC 0x20

/* Set by user space. */
struct settings {
	u64 least_ns; /* shorter exchanges are filtered */
	u64 pause_ns; /* a response that is silent for so long is looked at */
	u32 own_pid;  /* what this agent itself sends and receives is nobody's telemetry; 0: it is */
	u8 http;
	u8 tcp;
	u8 handshakes;
	u8 all_ports; /* else those in sockets_ports */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct settings);
} sockets_settings SEC(".maps");

/* One bit for each server port that is watched. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536 / 64);
	__type(key, u32);
	__type(value, u64);
} sockets_ports SEC(".maps");

COUNTERS_MAP(sockets_counters);
/* One bucket for each kind of record and role. */
BUCKETS_MAP(sockets_buckets, 3 * ROLES);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} sockets_ring SEC(".maps");

static __always_inline struct settings *get_settings(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&sockets_settings, &zero);
}

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

/* Writes what is known of the exchange, unless it is not wanted. */
static __always_inline void emit(struct connection *connection, struct sock *sk, const struct settings *settings)
{
	struct exchange *exchange = &connection->exchange;
	u64 end = exchange->response_end_ns ? exchange->response_end_ns : exchange->request_end_ns;
	u32 kind = connection->protocol == PROTOCOL_HTTP ? KIND_HTTP : KIND_TCP;

	count(&sockets_counters, FIRED);
	if (end - exchange->request_start_ns < settings->least_ns) {
		count(&sockets_counters, FILTERED);
		return;
	}
	if (!take_token(&sockets_buckets, kind * ROLES + exchange->role)) {
		count(&sockets_counters, LIMITED);
		return;
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

static __always_inline bool is_watched_port(u16 port)
{
	u32 word = port / 64;
	u64 *bits = bpf_map_lookup_elem(&sockets_ports, &word);

	return bits && (*bits >> (port % 64)) & 1;
}

/* Whose exchange it is: the process that moves its first byte. */
static __always_inline bool is_wanted(struct exchange *exchange, const struct settings *settings)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (exchange->owner.pid == pid)
		return true;
	if (pid == settings->own_pid)
		return false;
	describe_owner(&exchange->owner, (struct task_struct *)bpf_get_current_task());
	u16 port = exchange->role == ROLE_SERVER ? exchange->local_port : exchange->remote_port;
	return settings->all_ports || is_watched_port(port);
}

static __always_inline void begin(struct connection *connection, struct sock *sk, u32 bytes, u64 now)
{
	struct exchange *exchange = &connection->exchange;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	exchange->request_start_ns = now;
	exchange->request_end_ns = now;
	exchange->response_start_ns = 0;
	exchange->response_end_ns = 0;
	exchange->request_bytes = bytes;
	exchange->response_bytes = 0;
	exchange->response_shown_bytes = 0;
	exchange->response_tail = 0;
	exchange->error = 0;
	if (tp) {
		exchange->request_seq = (exchange->role == ROLE_CLIENT ? tp->write_seq : tp->copied_seq) - bytes;
		connection->retransmits_before = tp->total_retrans;
	}
	connection->phase = PHASE_REQUEST;
}

static __always_inline void go_on(struct exchange *exchange, u32 bytes, u64 now)
{
	exchange->request_end_ns = now;
	exchange->request_bytes += bytes;
}

static __always_inline void answer(struct connection *connection, u32 bytes, u64 now)
{
	struct exchange *exchange = &connection->exchange;

	if (connection->phase == PHASE_REQUEST) {
		exchange->response_start_ns = now;
		connection->phase = PHASE_RESPONSE;
	}
	exchange->response_end_ns = now;
	exchange->response_bytes += bytes;
}

/* Anything but HTTP: what goes the other way ends the exchange. */
static __always_inline void moved_tcp(struct connection *connection, struct sock *sk, const struct settings *settings,
				      u32 bytes, bool request)
{
	u32 phase = connection->phase;
	u64 now;

	if (!request) {
		if (phase != PHASE_IDLE)
			answer(connection, bytes, bpf_ktime_get_ns());
		return;
	}
	now = bpf_ktime_get_ns();
	if (phase == PHASE_REQUEST) {
		go_on(&connection->exchange, bytes, now);
		return;
	}
	finish(connection, sk, settings, phase, 0);
	if (is_wanted(&connection->exchange, settings))
		begin(connection, sk, bytes, now);
	else
		connection->protocol = PROTOCOL_IGNORED;
}

static __always_inline void begin_http(struct connection *connection, struct sock *sk, const struct settings *settings,
				       const struct payload *payload, u64 now)
{
	struct http_exchange *http;

	finish(connection, sk, settings, connection->phase, 0);
	if (!is_wanted(&connection->exchange, settings)) {
		connection->protocol = PROTOCOL_IGNORED;
		return;
	}
	http = bpf_sk_storage_get(&sockets_http, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!http) {
		count(&sockets_counters, FIRED);
		count(&sockets_counters, LOST);
		return;
	}
	connection->protocol = PROTOCOL_HTTP;
	http->heads_seen = 0;
	http->request_captured = 0;
	http->response_captured = 0;
	capture_request(http, *payload);
	begin(connection, sk, payload->moved, now);
}

static __always_inline void moved_response(struct connection *connection, struct sock *sk, struct payload *payload,
					   bool seen, u64 now)
{
	struct http_exchange *http = bpf_sk_storage_get(&sockets_http, sk, 0, 0);
	struct exchange *exchange = &connection->exchange;

	if (connection->phase == PHASE_IDLE)
		return;
	if (http && seen) {
		if (beginning_of(payload) == BEGINS_RESPONSE)
			note_head(http, payload, now, exchange->response_bytes);
		capture_response(http, *payload);
		note_tail(exchange, payload);
	}
	answer(connection, payload->moved, now);
}

/* A request begins with its method; what else goes its way is the rest of it. */
static __always_inline void moved_request(struct connection *connection, struct sock *sk,
					  const struct settings *settings, struct payload *payload, bool seen, u64 now)
{
	enum beginning beginning = seen ? beginning_of(payload) : BEGINS_UNSEEN;
	struct http_exchange *http;

	if (beginning == BEGINS_REQUEST && connection->phase != PHASE_REQUEST) {
		begin_http(connection, sk, settings, payload, now);
		return;
	}
	if (connection->phase == PHASE_IDLE)
		return;
	http = bpf_sk_storage_get(&sockets_http, sk, 0, 0);
	if (http && seen)
		capture_request(http, *payload);
	go_on(&connection->exchange, payload->moved, now);
}

/* What this connection carries, told by the first bytes that somebody sends who could be a client. */
static __always_inline void decide(struct connection *connection, struct sock *sk, const struct settings *settings,
				   struct payload *payload, bool sent)
{
	struct exchange *exchange = &connection->exchange;
	enum beginning beginning = beginning_of(payload);

	if (settings->http && beginning == BEGINS_REQUEST) {
		exchange->role = sent ? ROLE_CLIENT : ROLE_SERVER;
		begin_http(connection, sk, settings, payload, bpf_ktime_get_ns());
		return;
	}
	if (beginning == BEGINS_RESPONSE) {
		exchange->role = sent ? ROLE_SERVER : ROLE_CLIENT;
		return;
	}
	if (exchange->role != ROLE_UNKNOWN && sent != (exchange->role == ROLE_CLIENT))
		return;
	if (connection->tries-- > 1)
		return;
	if (!settings->tcp || exchange->role == ROLE_UNKNOWN) {
		connection->protocol = PROTOCOL_IGNORED;
		return;
	}
	connection->protocol = PROTOCOL_TCP;
	moved_tcp(connection, sk, settings, payload->moved, true);
}

static __always_inline int moved(struct sock *sk, s32 bytes, bool sent)
{
	struct settings *settings = get_settings();
	struct connection *connection;
	struct payload payload;

	if (bytes <= 0 || !is_tcp(sk) || !settings)
		return 0;
	connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	if (!connection)
		connection = adopt(sk);
	if (!connection || connection->protocol == PROTOCOL_IGNORED)
		return 0;
	bool request = sent == (connection->exchange.role == ROLE_CLIENT);
	if (connection->protocol == PROTOCOL_TCP) {
		moved_tcp(connection, sk, settings, bytes, request);
		return 0;
	}
	bool seen = find_payload(&payload, bytes);
	if (connection->protocol == PROTOCOL_UNKNOWN) {
		if (seen)
			decide(connection, sk, settings, &payload, sent);
	} else if (request) {
		moved_request(connection, sk, settings, &payload, seen, bpf_ktime_get_ns());
	} else {
		moved_response(connection, sk, &payload, seen, bpf_ktime_get_ns());
	}
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sockets_send, struct sock *sk, int bytes, int flags)
{
	return moved(sk, bytes, true);
}

/* A peek reads nothing, and what is truncated is copied nowhere. */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(sockets_receive, struct sock *sk, int bytes, int flags)
{
	return flags & (MSG_PEEK | MSG_TRUNC) ? 0 : moved(sk, bytes, false);
}

/* Before 6.3 there are no such tracepoints. */
struct msghdr;
struct page;

SEC("fexit/tcp_sendmsg")
int BPF_PROG(sockets_send_return, struct sock *sk, struct msghdr *message, u64 size, int bytes)
{
	return moved(sk, bytes, true);
}

/* What sendfile sends, until 6.5. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(sockets_file_return, struct sock *sk, struct page *page, int offset, u64 size, int flags, int bytes)
{
	return moved(sk, bytes, true);
}

SEC("fexit/tcp_recvmsg")
int BPF_PROG(sockets_receive_return, struct sock *sk, struct msghdr *message, u64 size, int flags, int *address_bytes,
	     int bytes)
{
	return flags & (MSG_PEEK | MSG_TRUNC) ? 0 : moved(sk, bytes, false);
}

static __always_inline struct connection *new_connection(struct sock *sk, u8 role)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (connection) {
		connection->exchange.role = role;
		connection->tries = 1;
	}
	return connection;
}

static __always_inline void connected(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);

	if (!connection)
		return;
	read_ends(&connection->exchange, sk);
	connection->exchange.flags = FIRST_EXCHANGE;
	connection->exchange.handshake_ns = bpf_ktime_get_ns() - connection->connecting_ns;
	remember_client(&connection->exchange);
}

/* The first round trip that a server measures is from its SYN-ACK to the client's ACK. */
static __always_inline void accepted(struct sock *sk)
{
	struct connection *connection = new_connection(sk, ROLE_SERVER);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!connection)
		return;
	read_ends(&connection->exchange, sk);
	connection->exchange.flags = FIRST_EXCHANGE;
	if (tp)
		connection->exchange.handshake_ns = (u64)(tp->srtt_us >> 3) * 1000;
	find_client(&connection->exchange);
}

/* One end has no more to say. A response that had begun is over; a request may still get one. */
static __always_inline void closing(struct sock *sk, int state)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	struct settings *settings = get_settings();

	if (!connection || !settings)
		return;
	u32 phase = connection->phase;
	if (phase == PHASE_IDLE || connection->protocol == PROTOCOL_IGNORED)
		return;
	if (phase == PHASE_REQUEST && state == TCP_FIN_WAIT1)
		return;
	connection->exchange.error = ((struct sock___ends *)sk)->sk_err;
	finish(connection, sk, settings, phase, phase == PHASE_REQUEST ? UNANSWERED : 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sockets_state, struct sock *sk, int old, int new)
{
	struct connection *connection;

	if (!is_tcp(sk))
		return 0;
	if (new == TCP_SYN_SENT) {
		connection = new_connection(sk, ROLE_CLIENT);
		if (connection)
			connection->connecting_ns = bpf_ktime_get_ns();
	} else if (new == TCP_ESTABLISHED && old == TCP_SYN_SENT) {
		connected(sk);
	} else if (new == TCP_ESTABLISHED && old == TCP_SYN_RECV) {
		accepted(sk);
	} else if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK || new == TCP_CLOSE) {
		closing(sk, new);
	}
	return 0;
}

struct socket {
	struct sock *sk;
} CORE;

struct file;
struct bpf_iter_meta;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
} CORE;

static __always_inline struct sock *tcp_of_file(struct file *file)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : 0;
	struct sock *sk = socket ? socket->sk : 0;

	return sk && is_tcp(sk) ? sk : 0;
}

/* First round over the sockets of before: who listens, and where. */
SEC("iter/task_file")
int sockets_existing_ends(struct bpf_iter__task_file *ctx)
{
	struct sock *sk = tcp_of_file(ctx->file);
	struct settings *settings = get_settings();
	struct exchange ends = {};
	u8 one = 1;

	/* It runs in the agent that reads it. */
	if (settings && settings->own_pid)
		settings->own_pid = bpf_get_current_pid_tgid() >> 32;
	if (!sk)
		return 0;
	read_ends(&ends, sk);
	if (sk->__sk_common.skc_state == TCP_LISTEN) {
		struct listener listener = {.netns = ends.netns, .port = ends.local_port};

		bpf_map_update_elem(&sockets_listeners, &listener, &one, BPF_ANY);
	}
	return 0;
}

/* Second round: which connections there are. */
SEC("iter/task_file")
int sockets_existing(struct bpf_iter__task_file *ctx)
{
	struct sock *sk = tcp_of_file(ctx->file);
	struct connection *connection;

	if (!sk || sk->__sk_common.skc_state != TCP_ESTABLISHED)
		return 0;
	if (bpf_sk_storage_get(&sockets_connection, sk, 0, 0))
		return 0;
	connection = adopt(sk);
	if (connection && connection->exchange.role == ROLE_UNKNOWN)
		remember_client(&connection->exchange);
	return 0;
}

struct bpf_map;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
} CORE;

/* Every now and then: exchanges whose response has been silent for a while. */
SEC("iter/bpf_sk_storage_map")
int sockets_silent(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct settings *settings = get_settings();
	struct sock *sk = ctx->sk;
	struct connection *connection;

	if (!sk || !settings)
		return 0;
	connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	if (!connection || connection->phase != PHASE_RESPONSE)
		return 0;
	struct exchange *exchange = &connection->exchange;
	if (bpf_ktime_get_ns() - exchange->response_end_ns < settings->pause_ns)
		return 0;
	if (connection->protocol == PROTOCOL_TCP) {
		finish(connection, sk, settings, PHASE_RESPONSE, 0);
	} else if (!(exchange->flags & WAS_SHOWN) || exchange->response_shown_bytes != exchange->response_bytes) {
		exchange->flags |= MAY_GO_ON;
		exchange->response_shown_bytes = exchange->response_bytes;
		emit(connection, sk, settings);
		exchange->flags = (exchange->flags & ~MAY_GO_ON) | WAS_SHOWN;
	}
	return 0;
}
