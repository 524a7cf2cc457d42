/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Which clock a packet's stamp is of. */
#pragma once

#include "kernel.h"

/* Since 6.10: 0 is CLOCK_REALTIME. Before, since 5.18, one bit for CLOCK_MONOTONIC. */
struct sk_buff___typed {
	u8 tstamp_type : 2;
} CORE;

struct sk_buff___mono {
	u8 mono_delivery_time : 1;
} CORE;

/* A stamp of another clock is the time when the sender let the packet go: not when it was received. */
static __always_inline bool is_stamped_here(struct sk_buff *skb)
{
	struct sk_buff___typed *typed = (void *)skb;
	struct sk_buff___mono *mono = (void *)skb;

	if (bpf_core_field_exists(typed->tstamp_type))
		return !BPF_CORE_READ_BITFIELD_PROBED(typed, tstamp_type);
	if (bpf_core_field_exists(mono->mono_delivery_time))
		return !BPF_CORE_READ_BITFIELD_PROBED(mono, mono_delivery_time);
	return true;
}
