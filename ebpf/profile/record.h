/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the reader finds in the maps. */
#pragma once

#include "../include/event.h"
#include "../include/owner.h"

#define MAX_FRAMES 127 /* kernel.perf_event_max_stack, as it is unless somebody changes it */

/* Samples are the same when thread and stack are. */
struct sample_key {
	u32 process; /* thread group id in the root pid namespace */
	u32 thread;
	u64 stack; /* hash of all frames */
	u32 round; /* which of two alternating tables */
	u32 reserved;
};

struct sample {
	struct owner owner; /* its name is the thread's */
	char process_name[16];
	u64 count;
	u32 kernel_frames;
	u32 user_frames;
	u64 kernel[MAX_FRAMES]; /* leaf first */
	u64 user[MAX_FRAMES];
};

_Static_assert(sizeof(struct sample_key) == 24, "the reader has the same layout");
_Static_assert(sizeof(struct sample) == 40 + 16 + 16 + 2 * 8 * MAX_FRAMES, "the reader has the same layout");

/* A process that was hardly sampled before, or runs another program now: its mappings are worth reading while it lives. */
struct newcomer {
	struct event_header header;
	u32 process;
	u32 reserved;
};

_Static_assert(sizeof(struct newcomer) == 32, "the reader has the same layout");
