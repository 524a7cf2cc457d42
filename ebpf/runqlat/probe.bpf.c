// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Run-queue latency: from runnable (woken, newly woken, preempted) to running.
 * Stamps lie in one array by pid: a plain address costs neither a call nor a look-up, which task storage does.
 */
#include "../include/event.h"
#include "../include/histogram.h"
#include "../include/owner.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SLOTS 65536
#define PID_BITS 22 /* Linux has no pid above */
#define PID_MASK ((1 << PID_BITS) - 1)
/* By pid: time modulo 2^42 ns (73 minutes) above, the pid as a guard below. A plain address: no call, no lookup. */
u64 runqlat_since[SLOTS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct histogram);
} runqlat_host SEC(".maps");

/* By cgroup, of those that user space put here: nothing is ever added from the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct histogram);
} runqlat_cgroups SEC(".maps");

/* Wake-ups whose stamp found no memory. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} runqlat_unstamped SEC(".maps");

static __always_inline void stamp(u32 pid, u64 now)
{
	u64 *since = &runqlat_since[pid & (SLOTS - 1)];
	u64 old = *since;
	u32 zero = 0;

	/* A second wake-up of a task that already waits does not shorten its wait. */
	if (old && (old & PID_MASK) == pid)
		return;
	/* Two tasks that wait at once share a slot: the wait of the first is lost. */
	if (old)
		count(&runqlat_unstamped, zero);
	*since = now << PID_BITS | pid;
}

static __always_inline int woken(struct task_struct *task)
{
	/* Woken before it came to sleep: it runs and does not wait. */
	if (bpf_core_field_exists(task->on_cpu) && task->on_cpu)
		return 0;
	stamp(task->pid, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(runqlat_wakeup, struct task_struct *task)
{
	return woken(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(runqlat_wakeup_new, struct task_struct *task)
{
	return woken(task);
}

/* Whose waits are also counted apart. */
enum apart {
	NOBODY,
	UNIFIED_CGROUPS,
	V1_CGROUPS, /* of the memory hierarchy */
};

static __always_inline u64 cgroup_of(struct task_struct *task, const enum apart apart)
{
	if (apart == UNIFIED_CGROUPS)
		return task->cgroups->dfl_cgrp->kn->id;
	return BPF_CORE_READ(memory_state(task), cgroup, kn, id);
}

static __always_inline int switched(bool preempt, struct task_struct *prev, struct task_struct *next,
				    unsigned int prev_state, const enum apart apart)
{
	u64 now = 0;

	/* Preempted, or yielding while runnable: it waits from here. The idle task never waits. */
	if ((preempt || !prev_state) && prev->pid) {
		now = bpf_ktime_get_ns();
		stamp(prev->pid, now);
	}
	u32 pid = next->pid;
	if (!pid)
		return 0;
	u64 *since = &runqlat_since[pid & (SLOTS - 1)];
	u64 old = *since;
	if (!old || (old & PID_MASK) != pid)
		return 0;
	if (!now)
		now = bpf_ktime_get_ns();
	u64 waited = ((now << PID_BITS) - (old & ~(u64)PID_MASK)) >> PID_BITS;
	*since = 0;

	u32 zero = 0;
	struct histogram *host = bpf_map_lookup_elem(&runqlat_host, &zero);
	if (host)
		histogram_add(host, waited);
	if (apart == NOBODY)
		return 0;
	u64 cgroup = cgroup_of(next, apart);
	struct histogram *own = bpf_map_lookup_elem(&runqlat_cgroups, &cgroup);
	if (own)
		histogram_add(own, waited);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(runqlat_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	return switched(preempt, prev, next, prev_state, NOBODY);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(runqlat_switch_unified, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	return switched(preempt, prev, next, prev_state, UNIFIED_CGROUPS);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(runqlat_switch_v1, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	return switched(preempt, prev, next, prev_state, V1_CGROUPS);
}
