// SPDX-License-Identifier: MIT OR GPL-2.0
/* Processes that the kernel killed for want of memory: one record each, with the task that ran out of it. */
#include "memory.h"
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SIGKILL 9

COUNTERS_MAP(oom_counters);
BUCKETS_MAP(oom_buckets, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} oom_ring SEC(".maps");

/* The process that a task sent SIGKILL to last: older kernels name their victim only by its id. */
struct killed {
	struct oom_kill described;
	u32 tid;
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* the sender's pid and thread group */
	__type(value, struct killed);
} oom_killed SEC(".maps");

static __always_inline void describe_victim(struct oom_kill *kill, struct task_struct *task)
{
	describe_owner(&kill->victim, task);
	kill->uid = BPF_CORE_READ(task, real_cred, uid.val);
	kill->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	kill->known = VICTIM_TASK;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	if (!mm)
		return;
	kill->total_vm_pages = BPF_CORE_READ(mm, total_vm);
	kill->anon_pages = resident_pages(mm, ANON_PAGES);
	kill->file_pages = resident_pages(mm, FILE_PAGES);
	kill->shmem_pages = resident_pages(mm, SHMEM_PAGES);
	kill->page_table_bytes = page_table_bytes(mm);
	kill->known |= VICTIM_MEMORY;
}

/* A record without victim and trigger yet; nothing when it may not or cannot be written. */
static __always_inline struct oom_kill *begin(void)
{
	count(&oom_counters, FIRED);
	return begin_event(&oom_ring, &oom_counters, &oom_buckets, 0, sizeof(struct oom_kill));
}

static __always_inline void finish(struct oom_kill *kill)
{
	/* Memory is asked for, and the killer runs, in process context. */
	describe_owner(&kill->trigger, (struct task_struct *)bpf_get_current_task());
	send_event(kill, &oom_counters);
}

/* Newer kernels hand over the task. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_task, struct task_struct *task)
{
	/* A typed read, which the verifier refuses where the argument is a number: then the other program is the one. */
	if (!task->tgid)
		return 0;
	struct oom_kill *kill = begin();
	if (!kill)
		return 0;
	describe_victim(kill, task);
	finish(kill);
	return 0;
}

/* All of the record but header and trigger. */
static __always_inline void copy_victim(struct oom_kill *kill, struct oom_kill *described)
{
	struct event_header header = kill->header;

	*kill = *described;
	kill->header = header;
}

/* Older kernels hand over the thread's id. They kill first, from the same task, so the victim was seen just before. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_pid, int tid)
{
	u64 sender = bpf_get_current_pid_tgid();
	struct killed *killed = bpf_map_lookup_elem(&oom_killed, &sender);
	struct oom_kill *kill = begin();

	if (!kill)
		return 0;
	kill->victim.pid = tid;
	/* One that was ending anyway gets no signal; it is mostly the task that asked for memory itself. */
	if ((u32)sender == (u32)tid)
		describe_victim(kill, (struct task_struct *)bpf_get_current_task());
	else if (killed && killed->tid == (u32)tid)
		copy_victim(kill, &killed->described);
	finish(kill);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(oom_signal, int signal, void *info, struct task_struct *task)
{
	struct killed killed = {};
	u64 sender = bpf_get_current_pid_tgid();

	if (signal != SIGKILL)
		return 0;
	killed.tid = BPF_CORE_READ(task, pid);
	describe_victim(&killed.described, task);
	bpf_map_update_elem(&oom_killed, &sender, &killed, BPF_ANY);
	return 0;
}
