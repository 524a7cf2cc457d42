/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The record of one late packet; mod.rs has the same layout and asserts its size. */
#pragma once

#include "../include/event.h"
#include "../include/owner.h"

/* Where a packet had come to when it was late; the index of its threshold and its bucket. */
enum stage {
	STAGE_DEVICE, /* handed from the device to the network stack */
	STAGE_TCP,    /* taken by its TCP connection */
	STAGE_USER,   /* copied to the process that reads */
	STAGES,
};

struct receive_delay {
	struct event_header header;
	u64 latency_ns;
	u32 stage;
	u32 netns; /* inode of its network namespace, 0 unknown */
	u32 ifindex;
	u32 packet_bytes;
	u16 source_port;
	u16 destination_port;
	u8 ip_version; /* 0: not IP, or no header to read */
	u8 protocol;
	u8 tcp_state; /* 0: no TCP socket */
	u8 reserved;
	u8 source[16];
	u8 destination[16];
	char device[16];
	struct owner owner;
	u32 owner_rung;
	u32 reserved2;
};

_Static_assert(sizeof(struct receive_delay) == 152, "mod.rs reads this layout");
