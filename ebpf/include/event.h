/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What every event probe has: record header, counters that must add up, a token bucket. */
#pragma once

#include "kernel.h"

#define EVENT_VERSION 1

/* First in every record. `lost` is how many records of this probe found no room so far. */
struct event_header {
	u16 version;
	u16 kind;
	u32 cpu;
	u64 mono_ns;
	u64 lost;
};

/* fired = filtered + limited + lost + sent, always. The reader has the same order. */
enum counter {
	FIRED,
	FILTERED,
	LIMITED,
	LOST,
	SENT,
	COUNTERS,
};

#define COUNTERS_MAP(map)                                                                                              \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                               \
		__uint(max_entries, COUNTERS);                                                                         \
		__type(key, u32);                                                                                      \
		__type(value, u64);                                                                                    \
	} map SEC(".maps")

static __always_inline void count(void *counters, u32 which)
{
	u64 *value = bpf_map_lookup_elem(counters, &which);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* A token bucket. User space sets rate and burst, also while programs run. */
struct token_bucket {
	u64 ns_per_token; /* 0: no limit */
	s64 burst;
	s64 tokens;
	u64 refilled_ns;
	u64 tick; /* when the clock was last asked */
};

/* Buckets for the whole host, one per class of event, so that a storm of one class does not hide the others. */
#define BUCKETS_MAP(map, classes)                                                                                      \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(max_entries, classes);                                                                              \
		__type(key, u32);                                                                                      \
		__type(value, struct token_bucket);                                                                    \
	} map SEC(".maps")

/*
 * Takes one token of a class. An empty bucket is looked at once per tick, so that a storm neither reads the clock at every event
 * nor moves this cache line between CPUs.
 */
static __always_inline bool take_token(void *buckets, u32 class)
{
	struct token_bucket *bucket = bpf_map_lookup_elem(buckets, &class);

	if (!bucket)
		return false;
	u64 per_token = bucket->ns_per_token;
	if (!per_token)
		return true;
	u64 tick = bpf_jiffies64();
	if (bucket->tokens <= 0 && bucket->tick == tick)
		return false;
	bucket->tick = tick;
	u64 now = bpf_ktime_get_ns();
	u64 last = bucket->refilled_ns;
	u64 elapsed = now > last ? now - last : 0;
	if (elapsed >= per_token) {
		u64 due = elapsed / per_token;
		s64 burst = bucket->burst;
		bool full = due >= (u64)burst;
		/* Keeps the fraction of a token, unless the bucket is full anyway. */
		u64 until = full ? now : last + due * per_token;

		if (__sync_val_compare_and_swap(&bucket->refilled_ns, last, until) == last) {
			s64 room = burst - bucket->tokens;
			s64 add = full || (s64)due > room ? room : (s64)due;

			__sync_fetch_and_add(&bucket->tokens, add);
		}
	}
	if (bucket->tokens <= 0)
		return false;
	if (__sync_fetch_and_add(&bucket->tokens, -1) > 0)
		return true;
	__sync_fetch_and_add(&bucket->tokens, 1);
	return false;
}

/*
 * A record of `size` bytes, all zero behind its header. None, and it is counted why, when its class is over the rate or the
 * ring has no room.
 */
static __always_inline void *begin_event(void *ring, void *counters, void *buckets, u32 class, u64 size)
{
	u32 lost = LOST;

	if (!take_token(buckets, class)) {
		count(counters, LIMITED);
		return 0;
	}
	struct event_header *header = bpf_ringbuf_reserve(ring, size, 0);
	if (!header) {
		count(counters, LOST);
		return 0;
	}
	__builtin_memset(header, 0, size);
	u64 *lost_here = bpf_map_lookup_elem(counters, &lost);
	header->version = EVENT_VERSION;
	header->cpu = bpf_get_smp_processor_id();
	header->mono_ns = bpf_ktime_get_ns();
	header->lost = lost_here ? *lost_here : 0;
	return header;
}

static __always_inline void send_event(void *event, void *counters)
{
	bpf_ringbuf_submit(event, 0);
	count(counters, SENT);
}
