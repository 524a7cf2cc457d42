/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Programs that go over sockets when user space asks for it. */
#pragma once

#include "emit.h"
#include "flows.h"

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
	struct task_struct *task = ctx->task;

	/* It runs in the agent that reads it. */
	if (settings && settings->own_pid)
		settings->own_pid = bpf_get_current_pid_tgid() >> 32;
	if (sk && task && sk->__sk_common.skc_state == TCP_LISTEN)
		remember_listener(sk, task);
	return 0;
}

/* Second round: which connections there are. */
SEC("iter/task_file")
int sockets_existing(struct bpf_iter__task_file *ctx)
{
	struct sock *sk = tcp_of_file(ctx->file);
	struct task_struct *task = ctx->task;
	struct connection *connection;

	if (!sk || !task || sk->__sk_common.skc_state != TCP_ESTABLISHED)
		return 0;
	if (bpf_sk_storage_get(&sockets_connection, sk, 0, 0))
		return 0;
	connection = adopt(sk);
	if (!connection)
		return 0;
	describe_owner(&connection->exchange.owner, process_of(task));
	if (connection->exchange.role == ROLE_UNKNOWN)
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
	if (!connection || connection->phase != PHASE_RESPONSE || connection->limited)
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

/* What connections have moved since the last time. */
SEC("iter/bpf_sk_storage_map")
int sockets_fold(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct settings *settings = get_settings();
	struct sock *sk = ctx->sk;
	struct connection *connection;

	if (!sk || !settings)
		return 0;
	connection = bpf_sk_storage_get(&sockets_connection, sk, 0, 0);
	if (connection && is_wanted_of(&connection->exchange, settings))
		fold_flow(connection, sk, false);
	return 0;
}
