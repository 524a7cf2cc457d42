/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The record of one killed process; mod.rs has the same layout and asserts its size. */
#pragma once

#include "../include/event.h"
#include "../include/owner.h"

/* What is known of the victim, one bit each. */
enum victim_knowledge {
	VICTIM_TASK = 1,   /* name, cgroups, user, score: else only its id */
	VICTIM_MEMORY = 2, /* the sizes below */
};

struct oom_kill {
	struct event_header header;
	struct owner victim;
	struct owner trigger; /* the task that asked for memory: the current one, in its own context */
	u64 total_vm_pages;
	u64 anon_pages;
	u64 file_pages;
	u64 shmem_pages;
	u64 page_table_bytes;
	u32 uid;
	s16 oom_score_adj;
	u16 known;
};

_Static_assert(sizeof(struct oom_kill) == 152, "mod.rs reads this layout");
