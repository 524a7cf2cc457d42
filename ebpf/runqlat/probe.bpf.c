// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Run-queue latency: from runnable (woken, newly woken, preempted) to running.
 * The stamp lives in task storage: found by the task itself, gone with it, no table that could overflow.
 */
#include "../include/event.h"
#include "../include/histogram.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} runqlat_since SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct histogram);
} runqlat_host SEC(".maps");

/* Wake-ups whose stamp found no memory. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} runqlat_unstamped SEC(".maps");

static __always_inline void stamp(struct task_struct *task, u64 now)
{
	u64 *since = bpf_task_storage_get(&runqlat_since, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u32 zero = 0;

	if (!since) {
		count(&runqlat_unstamped, zero);
		return;
	}
	/* A second wake-up of a task that already waits does not shorten its wait. */
	if (!*since)
		*since = now;
}

static __always_inline int woken(struct task_struct *task)
{
	/* Woken before it came to sleep: it runs and does not wait. */
	if (bpf_core_field_exists(task->on_cpu) && task->on_cpu)
		return 0;
	stamp(task, bpf_ktime_get_ns());
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

SEC("tp_btf/sched_switch")
int BPF_PROG(runqlat_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	u64 now = 0;

	/* Preempted, or yielding while runnable: it waits from here. The idle task never waits. */
	if ((preempt || !prev_state) && prev->pid) {
		now = bpf_ktime_get_ns();
		stamp(prev, now);
	}
	if (!next->pid)
		return 0;
	u64 *since = bpf_task_storage_get(&runqlat_since, next, 0, 0);
	if (!since || !*since)
		return 0;
	if (!now)
		now = bpf_ktime_get_ns();
	u64 waited = now > *since ? now - *since : 0;
	*since = 0;

	u32 zero = 0;
	struct histogram *host = bpf_map_lookup_elem(&runqlat_host, &zero);
	if (host)
		histogram_add(host, waited);
	return 0;
}
