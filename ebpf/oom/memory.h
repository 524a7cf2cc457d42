/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* How much memory a process has, by the kernel's own counts. */
#pragma once

#include "../include/kernel.h"

/* The kernel's enum has no name to find it by; the values are as old as the kernels that have BTF. */
#define FILE_PAGES 0
#define ANON_PAGES 1
#define SHMEM_PAGES 3

typedef struct {
	s64 counter;
} atomic_long_t;

struct mm_struct {
	u64 total_vm;
	atomic_long_t pgtables_bytes;
} CORE;

struct percpu_counter {
	s64 count;
} CORE;

/* Since 6.2. What CPUs have not added up yet is not in it, so it can be off by some hundred pages. */
struct mm_struct___percpu {
	struct percpu_counter rss_stat[4];
} CORE;

struct mm_rss_stat {
	atomic_long_t count[4];
} CORE;

struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
} CORE;

#define resident_pages(mm, kind)                                                                                       \
	({                                                                                                             \
		struct mm_struct___percpu *percpu = (void *)(mm);                                                      \
		struct mm_struct___atomic *atomic = (void *)(mm);                                                      \
		s64 pages = 0;                                                                                         \
		if (bpf_core_field_exists(percpu->rss_stat[kind].count))                                               \
			pages = BPF_CORE_READ(percpu, rss_stat[kind].count);                                           \
		else if (bpf_core_field_exists(atomic->rss_stat.count[kind].counter))                                  \
			pages = BPF_CORE_READ(atomic, rss_stat.count[kind].counter);                                   \
		pages > 0 ? (u64)pages : 0;                                                                            \
	})

static __always_inline u64 page_table_bytes(struct mm_struct *mm)
{
	if (!bpf_core_field_exists(mm->pgtables_bytes))
		return 0;
	return BPF_CORE_READ(mm, pgtables_bytes.counter);
}
