// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Samples of what runs on a CPU: a timer per CPU takes kernel and user stack of whatever it interrupts, and counts how
 * often it met the same thread with the same stack.
 *
 * Two rounds share one table: while the reader empties one, samples go to the other.
 */
#include "record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

COUNTERS_MAP(profile_counters);

/* Where stacks fall short; these samples are counted as sent. */
enum shortfall {
	NO_STACK,
	TRUNCATED,
	UNANNOUNCED, /* processes for which the ring of newcomers had no room yet */
	SHORTFALLS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHORTFALLS);
	__type(key, u32);
	__type(value, u64);
} profile_shortfalls SEC(".maps");

struct settings {
	u32 round;
	u32 process; /* the only one to sample, 0: all */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct settings);
} profile_settings SEC(".maps");

/* The reader sets the size: twice what all CPUs can sample between two readings. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct sample_key);
	__type(value, struct sample);
} profile_samples SEC(".maps");

/* Too large for the stack. The timer does not interrupt itself. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sample);
} profile_scratch SEC(".maps");

/*
 * A process is announced at its first samples: at the very first it may still be loading its libraries.
 * The address space tells a program from the one that it replaces by exec.
 */
#define ANNOUNCEMENTS 3

struct announced {
	u64 space;
	u64 times;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct announced);
} profile_known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} profile_newcomers SEC(".maps");

static __always_inline void announce(u32 process, u64 space)
{
	struct announced *known = bpf_map_lookup_elem(&profile_known, &process);
	struct announced now = {.space = space, .times = 1};

	if (known && known->space == space) {
		if (known->times >= ANNOUNCEMENTS)
			return;
		now.times = known->times + 1;
	}
	struct newcomer *newcomer = bpf_ringbuf_reserve(&profile_newcomers, sizeof(*newcomer), 0);
	if (!newcomer) {
		count(&profile_shortfalls, UNANNOUNCED);
		return;
	}
	__builtin_memset(newcomer, 0, sizeof(*newcomer));
	newcomer->header.version = EVENT_VERSION;
	newcomer->header.cpu = bpf_get_smp_processor_id();
	newcomer->header.mono_ns = bpf_ktime_get_ns();
	newcomer->process = process;
	bpf_ringbuf_submit(newcomer, 0);
	bpf_map_update_elem(&profile_known, &process, &now, BPF_ANY);
}

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static __always_inline u64 hash_frames(u64 hash, u64 *frames, u32 length)
{
	hash = mix(hash, length);
	for (u32 i = 0; i < MAX_FRAMES; i++) {
		if (i >= length)
			break;
		hash = mix(hash, frames[i]);
	}
	return hash;
}

/* How many frames were found; none is an error code. */
static __always_inline u32 frames_in(long bytes)
{
	return bytes > 0 ? (u32)bytes / sizeof(u64) : 0;
}

static __always_inline void take_stacks(void *context, struct sample *sample)
{
	sample->kernel_frames = frames_in(bpf_get_stack(context, sample->kernel, sizeof(sample->kernel), 0));
	sample->user_frames = frames_in(bpf_get_stack(context, sample->user, sizeof(sample->user), BPF_F_USER_STACK));
	if (!sample->kernel_frames && !sample->user_frames)
		count(&profile_shortfalls, NO_STACK);
	if (sample->kernel_frames >= MAX_FRAMES || sample->user_frames >= MAX_FRAMES)
		count(&profile_shortfalls, TRUNCATED);
}

static __always_inline void keep(struct sample_key *key, struct sample *sample, struct task_struct *task)
{
	struct sample *same = bpf_map_lookup_elem(&profile_samples, key);

	if (same) {
		__sync_fetch_and_add(&same->count, 1);
		count(&profile_counters, SENT);
		return;
	}
	sample->count = 1;
	describe_owner(&sample->owner, task);
	BPF_CORE_READ_STR_INTO(&sample->process_name, task, group_leader, comm);
	bool kept = !bpf_map_update_elem(&profile_samples, key, sample, BPF_NOEXIST);
	count(&profile_counters, kept ? SENT : LOST);
}

SEC("perf_event")
int profile_cpu(void *context)
{
	u32 zero = 0;
	u64 id = bpf_get_current_pid_tgid();
	struct settings *settings = bpf_map_lookup_elem(&profile_settings, &zero);
	struct sample *sample = bpf_map_lookup_elem(&profile_scratch, &zero);

	count(&profile_counters, FIRED);
	if (!settings || !sample)
		return 0;
	struct sample_key key = {.process = id >> 32, .thread = (u32)id, .round = settings->round};
	/* The idle task of a CPU has id 0. */
	if (!key.process || (settings->process && settings->process != key.process)) {
		count(&profile_counters, FILTERED);
		return 0;
	}
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 space = (u64)BPF_CORE_READ(task, mm);
	if (space)
		announce(key.process, space);
	take_stacks(context, sample);
	key.stack = hash_frames(hash_frames(0, sample->kernel, sample->kernel_frames), sample->user, sample->user_frames);
	keep(&key, sample, task);
	return 0;
}
