// SPDX-License-Identifier: MIT OR GPL-2.0
/* Dropped packets: one record per kfree_skb that is a loss, with reason, addresses, owner and kernel stack. */
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132
#define NO_HEADER 0xffff
#define AF_INET 2
#define AF_INET6 10

/* Reasons that are no losses, one bit each; those of subsystems (above 65535) always count. */
struct ignored_reasons {
	u64 words[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ignored_reasons);
} dropwatch_ignored SEC(".maps");

COUNTERS_MAP(dropwatch_counters);
/* One bucket per reason; those of subsystems share by their low bits. */
#define REASON_CLASSES 256
BUCKETS_MAP(dropwatch_buckets, REASON_CLASSES);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} dropwatch_ring SEC(".maps");

struct ipv4_header {
	u8 version_ihl, tos;
	u16 total, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u8 source[4], destination[4];
};

struct ipv6_header {
	u8 version, flow[3];
	u16 payload;
	u8 next, hops;
	u8 source[16], destination[16];
};

static __always_inline bool is_ignored(u32 reason)
{
	u32 zero = 0;
	u64 word = reason >> 6;
	struct ignored_reasons *ignored = bpf_map_lookup_elem(&dropwatch_ignored, &zero);

	if (!ignored || word >= 4)
		return false;
	/* Keeps the bound where the verifier can see it. */
	asm volatile("%0 &= 3" : "+r"(word));
	return (ignored->words[word] >> (reason & 63)) & 1;
}

static __always_inline void read_ports(struct drop *drop, void *head, u32 at)
{
	u16 ports[2];

	if (drop->protocol != IPPROTO_TCP && drop->protocol != IPPROTO_UDP && drop->protocol != IPPROTO_SCTP)
		return;
	if (bpf_probe_read_kernel(ports, sizeof(ports), head + at))
		return;
	drop->source_port = bpf_ntohs(ports[0]);
	drop->destination_port = bpf_ntohs(ports[1]);
}

static __always_inline void read_ipv4(struct drop *drop, void *head, u32 at)
{
	struct ipv4_header ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), head + at) || ip.version_ihl >> 4 != 4)
		return;
	drop->ip_version = 4;
	drop->protocol = ip.protocol;
	__builtin_memcpy(drop->source, ip.source, 4);
	__builtin_memcpy(drop->destination, ip.destination, 4);
	/* Only the first fragment has ports. */
	if (!(bpf_ntohs(ip.fragment) & 0x1fff))
		read_ports(drop, head, at + (ip.version_ihl & 15) * 4);
}

static __always_inline void read_ipv6(struct drop *drop, void *head, u32 at)
{
	struct ipv6_header ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), head + at) || ip.version >> 4 != 6)
		return;
	drop->ip_version = 6;
	drop->protocol = ip.next;
	__builtin_memcpy(drop->source, ip.source, 16);
	__builtin_memcpy(drop->destination, ip.destination, 16);
	read_ports(drop, head, at + sizeof(ip));
}

static __always_inline void read_packet(struct drop *drop, struct sk_buff *skb)
{
	u32 network = BPF_CORE_READ(skb, network_header);
	u32 tail = BPF_CORE_READ(skb, tail);
	void *head = BPF_CORE_READ(skb, head);

	drop->packet_bytes = BPF_CORE_READ(skb, len);
	drop->ether_type = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	/* How far the packet was parsed moves `len`: count from the network header where there is one. */
	if (head && network != NO_HEADER)
		drop->packet_bytes += (u32)(BPF_CORE_READ(skb, data) - (unsigned char *)head) - network;
	/* A header that was not set yet, or that does not lie in the linear part, is not there to read. */
	if (!head || network == NO_HEADER || network + sizeof(struct ipv4_header) > tail)
		return;
	if (drop->ether_type == ETH_P_IP)
		read_ipv4(drop, head, network);
	else if (drop->ether_type == ETH_P_IPV6 && network + sizeof(struct ipv6_header) <= tail)
		read_ipv6(drop, head, network);
}

static __always_inline void read_device(struct drop *drop, struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);

	if (!dev)
		return;
	/* In some queues the field holds other things: only a device has an index. */
	s32 ifindex = BPF_CORE_READ(dev, ifindex);
	if (ifindex <= 0)
		return;
	drop->ifindex = ifindex;
	BPF_CORE_READ_STR_INTO(&drop->device, dev, name);
	drop->netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
}

static __always_inline void read_owner(struct drop *drop, struct sock *sk)
{
	if (sk && is_full_socket(sk)) {
		struct owner *owner = bpf_sk_storage_get(&socket_owner, sk, 0, 0);
		u32 netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);

		if (netns)
			drop->netns = netns;
		if (owner) {
			drop->owner = *owner;
			drop->owner_rung = OWNER_SOCKET;
			return;
		}
		drop->owner.cgroup = socket_cgroup(sk);
		if (drop->owner.cgroup) {
			drop->owner_rung = OWNER_SOCKET_CGROUP;
			return;
		}
	}
	drop->owner_rung = drop->netns ? OWNER_NETNS : OWNER_NOBODY;
}

static __always_inline int dropped(void *ctx, struct sk_buff *skb, void *location, u32 reason, struct sock *sk)
{
	count(&dropwatch_counters, FIRED);
	if (is_ignored(reason)) {
		count(&dropwatch_counters, FILTERED);
		return 0;
	}
	struct drop *drop = begin_event(&dropwatch_ring, &dropwatch_counters, &dropwatch_buckets, reason % REASON_CLASSES,
					sizeof(*drop));
	if (!drop)
		return 0;
	drop->location = (u64)location;
	drop->reason = reason;
	read_packet(drop, skb);
	read_device(drop, skb);
	read_owner(drop, sk);
	drop->stack_bytes = bpf_get_stack(ctx, drop->stack, sizeof(drop->stack), 0);
	send_event(drop, &dropwatch_counters);
	return 0;
}

/* Since 6.11 the tracepoint names the receiving socket. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(dropwatch_receiver, struct sk_buff *skb, void *location, u32 reason, struct sock *receiver)
{
	return dropped(ctx, skb, location, reason, receiver ? receiver : skb->sk);
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropwatch_plain, struct sk_buff *skb, void *location, u32 reason)
{
	return dropped(ctx, skb, location, reason, skb->sk);
}

SEC("cgroup/sock_create")
int dropwatch_owner_create(struct bpf_sock *sk)
{
	struct owner *owner = bpf_sk_storage_get(&socket_owner, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (owner)
		describe_owner(owner, (struct task_struct *)bpf_get_current_task());
	return 1;
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

/* Owners of the sockets that were there before the agent. Of several holders the one visited last stays. */
SEC("iter/task_file")
int dropwatch_owner_existing(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file)
		return 0;
	struct socket *socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	struct sock *sk = socket->sk;
	if (!sk)
		return 0;
	u16 family = sk->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	struct owner *owner = bpf_sk_storage_get(&socket_owner, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (owner)
		describe_owner(owner, task);
	return 0;
}
