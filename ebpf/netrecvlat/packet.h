/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Addresses and ports of a received packet, from its headers. */
#pragma once

#include "record.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

struct ip_header {
	u8 version_ihl, tos;
	u16 total, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u8 source[4], destination[4];
};

struct ip6_header {
	u8 version, flow[3];
	u16 payload;
	u8 next, hops;
	u8 source[16], destination[16];
};

static __always_inline void read_ports(struct receive_delay *delay, void *at)
{
	u16 ports[2];

	if (delay->protocol != IPPROTO_TCP && delay->protocol != IPPROTO_UDP)
		return;
	if (bpf_probe_read_kernel(ports, sizeof(ports), at))
		return;
	delay->source_port = bpf_ntohs(ports[0]);
	delay->destination_port = bpf_ntohs(ports[1]);
}

static __always_inline void read_ip(struct receive_delay *delay, void *at)
{
	struct ip_header ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.version_ihl >> 4 != 4)
		return;
	delay->ip_version = 4;
	delay->protocol = ip.protocol;
	__builtin_memcpy(delay->source, ip.source, 4);
	__builtin_memcpy(delay->destination, ip.destination, 4);
	/* Only the first fragment has ports. */
	if (!(bpf_ntohs(ip.fragment) & 0x1fff))
		read_ports(delay, at + (ip.version_ihl & 15) * 4);
}

static __always_inline void read_ip6(struct receive_delay *delay, void *at)
{
	struct ip6_header ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.version >> 4 != 6)
		return;
	delay->ip_version = 6;
	delay->protocol = ip.next;
	__builtin_memcpy(delay->source, ip.source, 16);
	__builtin_memcpy(delay->destination, ip.destination, 16);
	read_ports(delay, at + sizeof(ip));
}

/* Nothing beyond `tail` is read: what a network card left in fragments is not there. */
static __always_inline void read_packet(struct receive_delay *delay, struct sk_buff *skb)
{
	u16 protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	void *head = BPF_CORE_READ(skb, head);
	/* The device hands it over at its network header, which is only noted further on. */
	void *at = delay->stage == STAGE_DEVICE ? BPF_CORE_READ(skb, data) : head + BPF_CORE_READ(skb, network_header);
	u64 linear = (u64)head + BPF_CORE_READ(skb, tail) - (u64)at;

	delay->packet_bytes = BPF_CORE_READ(skb, len);
	if ((s64)linear < (s64)sizeof(struct ip_header))
		return;
	if (protocol == ETH_P_IP)
		read_ip(delay, at);
	else if (protocol == ETH_P_IPV6 && linear >= sizeof(struct ip6_header))
		read_ip6(delay, at);
}

static __always_inline void read_device(struct receive_delay *delay, struct sk_buff *skb)
{
	/* Further on, the kernel keeps other things in `dev`. */
	if (delay->stage != STAGE_DEVICE) {
		delay->ifindex = BPF_CORE_READ(skb, skb_iif);
		return;
	}
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	delay->ifindex = BPF_CORE_READ(dev, ifindex);
	delay->netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
	BPF_CORE_READ_STR_INTO(&delay->device, dev, name);
}
