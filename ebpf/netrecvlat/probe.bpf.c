// SPDX-License-Identifier: MIT OR GPL-2.0
/* Packets that were late on their way from the device to the process that reads them: one record each. */
#include "../include/stamp.h"
#include "packet.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Set by user space; the clocks' difference is kept fresh. */
struct settings {
	u64 threshold_ns[STAGES];
	s64 tai_ahead_ns; /* CLOCK_TAI less CLOCK_REALTIME: programs can read only the former */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct settings);
} netrecvlat_settings SEC(".maps");

COUNTERS_MAP(netrecvlat_counters);
BUCKETS_MAP(netrecvlat_buckets, STAGES);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} netrecvlat_ring SEC(".maps");

/* How long ago it was stamped, if that is over the stage's threshold; else 0. */
static __always_inline u64 lateness(struct sk_buff *skb, u32 stage)
{
	u32 zero = 0;
	struct settings *settings = bpf_map_lookup_elem(&netrecvlat_settings, &zero);
	s64 stamp = skb->tstamp;

	if (!settings || !stamp || !settings->threshold_ns[stage])
		return 0;
	s64 late = (s64)bpf_ktime_get_tai_ns() - settings->tai_ahead_ns - stamp;
	if (late < (s64)settings->threshold_ns[stage] || !is_stamped_here(skb))
		return 0;
	return late;
}

/* Who copies from a packet socket watches others' packets: how late it does that is nobody's delay. */
static __always_inline bool is_sniffer(struct sock *sk)
{
	u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : AF_INET;

	return family != AF_INET && family != AF_INET6;
}

static __always_inline void read_owner(struct receive_delay *delay, struct sock *sk)
{
	if (sk && is_full_socket(sk)) {
		u32 netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);

		if (netns)
			delay->netns = netns;
		if (delay->protocol == IPPROTO_TCP)
			delay->tcp_state = BPF_CORE_READ(sk, __sk_common.skc_state);
		delay->owner.cgroup = socket_cgroup(sk);
	}
	/* Only a process copies to itself, in its own context. */
	if (delay->stage == STAGE_USER) {
		describe_owner(&delay->owner, (struct task_struct *)bpf_get_current_task());
		delay->owner_rung = OWNER_PROCESS;
	} else if (delay->owner.cgroup) {
		delay->owner_rung = OWNER_SOCKET_CGROUP;
	} else {
		delay->owner_rung = delay->netns ? OWNER_NETNS : OWNER_NOBODY;
	}
}

static __always_inline int arrived(struct sk_buff *skb, struct sock *sk, u32 stage)
{
	count(&netrecvlat_counters, FIRED);
	u64 late = lateness(skb, stage);
	if (!late || is_sniffer(sk)) {
		count(&netrecvlat_counters, FILTERED);
		return 0;
	}
	struct receive_delay *delay =
		begin_event(&netrecvlat_ring, &netrecvlat_counters, &netrecvlat_buckets, stage, sizeof(*delay));
	if (!delay)
		return 0;
	delay->latency_ns = late;
	delay->stage = stage;
	read_packet(delay, skb);
	read_device(delay, skb);
	read_owner(delay, sk);
	send_event(delay, &netrecvlat_counters);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(netrecvlat_device, struct sk_buff *skb)
{
	return arrived(skb, 0, STAGE_DEVICE);
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(netrecvlat_tcp, struct sock *sk, struct sk_buff *skb)
{
	return arrived(skb, sk, STAGE_TCP);
}

/* Unix sockets and netlink copy by the same function: their buffers have no stamp. */
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(netrecvlat_user, struct sk_buff *skb, int bytes)
{
	return arrived(skb, skb->sk, STAGE_USER);
}
