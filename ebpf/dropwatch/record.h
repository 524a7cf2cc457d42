/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The record of one dropped packet; mod.rs has the same layout and asserts its size. */
#pragma once

#include "../include/event.h"
#include "owner.h"

#define DROP_STACK_FRAMES 32

struct drop {
	struct event_header header;
	u64 location; /* where the kernel freed it */
	u32 reason;
	u32 netns; /* inode of its network namespace, 0 unknown */
	u32 ifindex;
	u32 packet_bytes;
	u16 ether_type;
	u16 source_port;
	u16 destination_port;
	u8 ip_version; /* 0: not IP, or no header to read */
	u8 protocol;
	u8 source[16];
	u8 destination[16];
	char device[16];
	struct owner owner;
	u32 owner_rung;
	s32 stack_bytes; /* negative: no stack could be taken */
	u64 stack[DROP_STACK_FRAMES];
};

_Static_assert(sizeof(struct drop) == 408, "mod.rs reads this layout");
