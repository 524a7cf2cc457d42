// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Exchanges over TCP, a request one way and its response back, seen at both ends in the process that writes and reads.
 * One record each, when the next one begins, when the connection ends, or when it has been silent for a while.
 */
#include "emit.h"
#include "flows.h"
#include "segments.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define MSG_PEEK 2
#define MSG_TRUNC 0x20

/* Bytes that a process has moved over a connection. */
struct move {
	struct sock *sk;
	struct connection *connection;
	const struct settings *settings;
	u32 bytes;
	bool sent;
	bool seen; /* payload was found */
	u64 arrived_ns; /* since when they could have been read, 0 unknown */
	u64 stack_ns;
	struct payload payload;
};

/* How long what is read now was on its way: that of the first bytes that come in counts for the exchange. */
static __always_inline void note_arrival(const struct move *move, u64 now)
{
	move->connection->exchange.queue_ns = move->arrived_ns ? now - move->arrived_ns : 0;
	move->connection->exchange.stack_ns = move->arrived_ns ? move->stack_ns : 0;
}

static __always_inline void begin(const struct move *move)
{
	struct connection *connection = move->connection;
	struct exchange *exchange = &connection->exchange;

	connection->limited = is_limited(connection, move->settings);
	connection->phase = PHASE_REQUEST;
	if (connection->limited)
		return;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(move->sk);
	u64 now = bpf_ktime_get_ns();
	note_arrival(move, now);
	/* It has been waiting since it came. */
	exchange->request_start_ns = now - exchange->queue_ns;
	exchange->request_end_ns = now;
	exchange->response_start_ns = 0;
	exchange->response_end_ns = 0;
	exchange->request_bytes = move->bytes;
	exchange->response_bytes = 0;
	exchange->response_shown_bytes = 0;
	exchange->response_tail = 0;
	exchange->error = 0;
	if (!tp)
		return;
	exchange->request_seq = (exchange->role == ROLE_CLIENT ? tp->write_seq : tp->copied_seq) - move->bytes;
	connection->retransmits_before = tp->total_retrans;
}

static __always_inline void go_on(const struct move *move)
{
	struct exchange *exchange = &move->connection->exchange;

	exchange->request_end_ns = bpf_ktime_get_ns();
	exchange->request_bytes += move->bytes;
}

static __always_inline void answer(const struct move *move, u64 now)
{
	struct connection *connection = move->connection;
	struct exchange *exchange = &connection->exchange;

	if (connection->phase == PHASE_REQUEST) {
		connection->phase = PHASE_RESPONSE;
		exchange->response_start_ns = now;
		if (!move->sent)
			note_arrival(move, now);
	}
	exchange->response_end_ns = now;
	exchange->response_bytes += move->bytes;
}

/* Of an exchange that will not be told only its end must still be seen. */
static __always_inline bool pass_limited(struct connection *connection, bool request)
{
	if (!connection->limited || connection->phase == PHASE_IDLE)
		return false;
	if (request)
		return connection->phase == PHASE_REQUEST;
	connection->phase = PHASE_RESPONSE;
	return true;
}

static __always_inline bool begins(const struct move *move)
{
	finish(move->connection, move->sk, move->settings, move->connection->phase, 0);
	if (is_wanted(move->connection, move->settings))
		return true;
	move->connection->protocol = PROTOCOL_IGNORED;
	return false;
}

/* Anything but HTTP: what goes the other way ends the exchange. */
static __always_inline void moved_tcp(const struct move *move, bool request)
{
	u32 phase = move->connection->phase;

	if (!request) {
		if (phase != PHASE_IDLE)
			answer(move, bpf_ktime_get_ns());
	} else if (phase == PHASE_REQUEST) {
		go_on(move);
	} else if (begins(move)) {
		begin(move);
	}
}

static __always_inline void begin_http(const struct move *move)
{
	struct connection *connection = move->connection;
	struct http_exchange *http;

	if (!begins(move))
		return;
	connection->protocol = PROTOCOL_HTTP;
	begin(move);
	if (connection->limited)
		return;
	http = bpf_sk_storage_get(&sockets_http, move->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!http)
		return;
	http->heads_seen = 0;
	http->request_captured = 0;
	http->response_captured = 0;
	capture_request(http, move->payload);
}

static __always_inline void moved_response(struct move *move)
{
	struct exchange *exchange = &move->connection->exchange;
	u64 now = bpf_ktime_get_ns();
	struct http_exchange *http;

	if (move->connection->phase == PHASE_IDLE)
		return;
	http = bpf_sk_storage_get(&sockets_http, move->sk, 0, 0);
	if (http && move->seen) {
		if (exchange->response_bytes)
			see_more(http, exchange, &move->payload, now);
		else
			see_first(http, exchange, &move->payload, now);
	}
	answer(move, now);
}

/* A request begins with its method; what else goes its way is the rest of it. */
static __always_inline void moved_request(const struct move *move)
{
	struct connection *connection = move->connection;
	struct http_exchange *http;

	if (connection->phase != PHASE_REQUEST && move->seen && beginning_of(&move->payload) == BEGINS_REQUEST) {
		begin_http(move);
		return;
	}
	if (connection->phase == PHASE_IDLE || connection->limited)
		return;
	http = bpf_sk_storage_get(&sockets_http, move->sk, 0, 0);
	if (http && move->seen)
		capture_request(http, move->payload);
	go_on(move);
}

/* What this connection carries, told by the first bytes that somebody sends who could be a client. */
static __always_inline void decide(const struct move *move)
{
	struct connection *connection = move->connection;
	struct exchange *exchange = &connection->exchange;
	enum beginning beginning = beginning_of(&move->payload);

	if (move->settings->http && beginning == BEGINS_REQUEST) {
		exchange->role = move->sent ? ROLE_CLIENT : ROLE_SERVER;
		begin_http(move);
		return;
	}
	if (beginning == BEGINS_RESPONSE) {
		exchange->role = move->sent ? ROLE_SERVER : ROLE_CLIENT;
		return;
	}
	if (exchange->role != ROLE_UNKNOWN && move->sent != (exchange->role == ROLE_CLIENT))
		return;
	if (connection->tries-- > 1)
		return;
	if (!move->settings->tcp || exchange->role == ROLE_UNKNOWN) {
		connection->protocol = PROTOCOL_IGNORED;
		return;
	}
	connection->protocol = PROTOCOL_TCP;
	moved_tcp(move, true);
}

static __always_inline int moved(struct sock *sk, s32 bytes, bool sent)
{
	struct connection *connection;

	if (bytes <= 0 || !is_tcp(sk))
		return 0;
	connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	if (!connection)
		connection = adopt(sk);
	if (!connection || connection->protocol == PROTOCOL_IGNORED)
		return 0;
	struct move move = {.sk = sk, .connection = connection, .bytes = bytes, .sent = sent};
	move.settings = get_settings();
	if (!move.settings)
		return 0;
	if (!sent) {
		move.arrived_ns = connection->arrived_ns;
		move.stack_ns = connection->stack_ns;
		connection->arrived_ns = 0;
	}
	bool request = sent == (connection->exchange.role == ROLE_CLIENT);
	if (connection->protocol != PROTOCOL_UNKNOWN && pass_limited(connection, request))
		return 0;
	if (connection->protocol == PROTOCOL_TCP) {
		moved_tcp(&move, request);
		return 0;
	}
	move.seen = find_payload(&move.payload, bytes);
	if (connection->protocol == PROTOCOL_UNKNOWN) {
		if (move.seen)
			decide(&move);
	} else if (request) {
		moved_request(&move);
	} else {
		moved_response(&move);
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

SEC("tp_btf/tcp_probe")
int BPF_PROG(sockets_segment, struct sock *sk, struct sk_buff *skb)
{
	segment_came(sk, skb);
	return 0;
}

static __always_inline struct connection *new_connection(struct sock *sk, u8 role)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!connection)
		return 0;
	connection->exchange.role = role;
	connection->tries = 1;
	connection->is_new = 1;
	return connection;
}

/* The call is made by who connects. */
static __always_inline void connecting(struct sock *sk)
{
	struct connection *connection = new_connection(sk, ROLE_CLIENT);
	struct settings *settings = get_settings();

	if (!connection || !settings)
		return;
	connection->connecting_ns = bpf_ktime_get_ns();
	read_ends(&connection->exchange, sk);
	if ((settings->handshakes || settings->flows) && !is_wanted(connection, settings))
		connection->protocol = PROTOCOL_IGNORED;
}

static __always_inline void connected(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	struct settings *settings = get_settings();
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!connection || !settings)
		return;
	u64 now = bpf_ktime_get_ns();
	read_ends(&connection->exchange, sk);
	connection->exchange.flags = FIRST_EXCHANGE;
	connection->exchange.handshake_ns = now - connection->connecting_ns;
	remember_client(&connection->exchange);
	if (tp)
		connection->exchange.request_seq = tp->write_seq;
	if (settings->handshakes && connection->protocol != PROTOCOL_IGNORED)
		emit_handshake(connection, sk, settings, connection->connecting_ns, now);
}

/* Nobody listens, or nobody answers. */
static __always_inline void not_connected(struct sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	struct settings *settings = get_settings();

	if (!connection || !settings || !settings->handshakes || connection->protocol == PROTOCOL_IGNORED)
		return;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		connection->exchange.request_seq = tp->write_seq;
	connection->exchange.flags = UNANSWERED;
	connection->exchange.error = ((struct sock___ends *)sk)->sk_err;
	emit_handshake(connection, sk, settings, connection->connecting_ns, bpf_ktime_get_ns());
}

/*
 * The first round trip that a server measures is from its SYN-ACK to the client's ACK. Nobody has accepted the connection
 * yet: it belongs to who listens.
 */
static __always_inline void accepted(struct sock *sk)
{
	struct connection *connection = new_connection(sk, ROLE_SERVER);
	struct settings *settings = get_settings();
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!connection || !settings)
		return;
	struct exchange *exchange = &connection->exchange;
	read_ends(exchange, sk);
	exchange->flags = FIRST_EXCHANGE;
	find_client(exchange);
	if (!tp)
		return;
	exchange->handshake_ns = (u64)(tp->srtt_us >> 3) * 1000;
	exchange->request_seq = tp->rcv_nxt;
	struct owner *owner = listener_of(exchange);
	if (owner)
		exchange->owner = *owner;
	else
		exchange->owner.cgroup = socket_cgroup(sk);
	if (!settings->handshakes || !is_wanted_of(exchange, settings))
		return;
	u64 now = bpf_ktime_get_ns();
	emit_handshake(connection, sk, settings, now - exchange->handshake_ns, now);
}

/* One end has no more to say. A response that had begun is over; a request may still get one. */
static __always_inline void closing(struct sock *sk, int state)
{
	struct connection *connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	struct settings *settings = get_settings();

	if (!connection || !settings)
		return;
	u32 phase = connection->phase;
	bool may_be_answered = phase == PHASE_REQUEST && state == TCP_FIN_WAIT1;
	if (connection->protocol != PROTOCOL_IGNORED && !may_be_answered) {
		connection->exchange.error = ((struct sock___ends *)sk)->sk_err;
		finish(connection, sk, settings, phase, phase == PHASE_REQUEST ? UNANSWERED : 0);
	}
	if (state == TCP_CLOSE && settings->flows && is_wanted_of(&connection->exchange, settings))
		fold_flow(connection, sk, true);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sockets_state, struct sock *sk, int old, int new)
{
	if (!is_tcp(sk))
		return 0;
	if (new == TCP_LISTEN)
		remember_listener(sk, (struct task_struct *)bpf_get_current_task());
	else if (new == TCP_SYN_SENT)
		connecting(sk);
	else if (new == TCP_ESTABLISHED && old == TCP_SYN_SENT)
		connected(sk);
	else if (new == TCP_ESTABLISHED && old == TCP_SYN_RECV)
		accepted(sk);
	else if (new == TCP_CLOSE && old == TCP_SYN_SENT)
		not_connected(sk);
	else if (new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK || new == TCP_CLOSE)
		closing(sk, new);
	return 0;
}

#include "visits.h"
