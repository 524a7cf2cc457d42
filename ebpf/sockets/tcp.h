/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is read of sockets and their TCP state. */
#pragma once

#include "record.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
};

struct in6_addr {
	u32 words[4];
};

struct sock_common___ends {
	unsigned short skc_family;
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} CORE;

struct sock___ends {
	struct sock_common___ends __sk_common;
	u16 sk_protocol;
	int sk_err;
} CORE;

struct tcp_sock {
	u32 rcv_nxt;
	u32 copied_seq;
	u32 write_seq;
	u32 srtt_us;
	u32 total_retrans;
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 bytes_received;
} CORE;

static __always_inline bool is_tcp(struct sock *sk)
{
	struct sock___ends *ends = (void *)sk;

	return ends->sk_protocol == IPPROTO_TCP;
}

struct task_struct___leader {
	struct task_struct *group_leader;
} CORE;

/* Threads have names of their own. */
static __always_inline struct task_struct *process_of(struct task_struct *task)
{
	return BPF_CORE_READ((struct task_struct___leader *)task, group_leader);
}

#define SOCK_DONE 1

/* The other end has said that it is done: its FIN counts as a byte that was received. */
static __always_inline bool has_fin(struct sock *sk)
{
	return ((struct sock___ends *)sk)->__sk_common.skc_flags & (1 << SOCK_DONE);
}

/* ::ffff:0:0/96, an IPv4 peer of a socket for both. */
static __always_inline bool is_mapped(const u32 *words)
{
	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline void read_v6_ends(struct exchange *exchange, struct sock___ends *sk)
{
	struct in6_addr local = {}, remote = {};

	if (!bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		return;
	BPF_CORE_READ_INTO(&local, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&remote, sk, __sk_common.skc_v6_daddr);
	if (is_mapped(remote.words)) {
		exchange->ip_version = 4;
		__builtin_memcpy(exchange->local, &local.words[3], 4);
		__builtin_memcpy(exchange->remote, &remote.words[3], 4);
		return;
	}
	exchange->ip_version = 6;
	__builtin_memcpy(exchange->local, &local, 16);
	__builtin_memcpy(exchange->remote, &remote, 16);
}

/* Addresses and ports; a socket that is being closed has lost its port already. */
static __always_inline void read_ends(struct exchange *exchange, struct sock *sk)
{
	struct sock___ends *ends = (void *)sk;

	exchange->local_port = ends->__sk_common.skc_num;
	exchange->remote_port = bpf_ntohs(ends->__sk_common.skc_dport);
	exchange->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (ends->__sk_common.skc_family == AF_INET) {
		u32 local = ends->__sk_common.skc_rcv_saddr, remote = ends->__sk_common.skc_daddr;

		exchange->ip_version = 4;
		__builtin_memcpy(exchange->local, &local, 4);
		__builtin_memcpy(exchange->remote, &remote, 4);
	} else if (ends->__sk_common.skc_family == AF_INET6) {
		read_v6_ends(exchange, ends);
	}
}
