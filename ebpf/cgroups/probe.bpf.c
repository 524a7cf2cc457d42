// SPDX-License-Identifier: MIT OR GPL-2.0
/* Cgroups that come and go, with their paths, in the hierarchies by which processes are told apart. */
#include "../include/event.h"
#include "../include/owner.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The kernel's own buffer for these tracepoints is as long. */
#define PATH_LENGTH 1024

enum change_kind {
	CGROUP_MADE = 1,
	CGROUP_REMOVED = 2,
};

struct cgroup_change {
	struct event_header header;
	u64 id;	       /* the inode of its directory */
	u32 v1_memory; /* 1 in the v1 memory hierarchy, 0 in the unified one */
	u32 length;    /* of the path, its zero byte included */
	char path[PATH_LENGTH];
};

_Static_assert(sizeof(struct cgroup_change) == 40 + PATH_LENGTH, "mod.rs reads this layout");

COUNTERS_MAP(cgroups_counters);
BUCKETS_MAP(cgroups_buckets, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} cgroups_ring SEC(".maps");

/* The tracepoints fire under a spin lock, so nothing else runs on this CPU meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cgroup_change);
} cgroups_change SEC(".maps");

struct cgroup_root___mask {
	u32 subsys_mask; /* one bit per controller */
} CORE;

static __always_inline bool has_memory(struct cgroup_root *root)
{
	struct cgroup_root___mask *masked = (void *)root;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id___any, memory_cgrp_id___any))
		return false;
	return BPF_CORE_READ(masked, subsys_mask) & (1U << bpf_core_enum_value(enum cgroup_subsys_id___any, memory_cgrp_id___any));
}

static __always_inline int tell(u16 kind, struct cgroup *cgroup, const char *path)
{
	struct cgroup_root *root = BPF_CORE_READ(cgroup, root);
	u32 zero = 0, lost = LOST, hierarchy = BPF_CORE_READ(root, hierarchy_id);

	count(&cgroups_counters, FIRED);
	if (hierarchy && !has_memory(root)) {
		count(&cgroups_counters, FILTERED);
		return 0;
	}
	struct cgroup_change *change = bpf_map_lookup_elem(&cgroups_change, &zero);
	if (!change || !take_token(&cgroups_buckets, 0)) {
		count(&cgroups_counters, LIMITED);
		return 0;
	}
	u64 *lost_here = bpf_map_lookup_elem(&cgroups_counters, &lost);
	change->header.version = EVENT_VERSION;
	change->header.kind = kind;
	change->header.cpu = bpf_get_smp_processor_id();
	change->header.mono_ns = bpf_ktime_get_ns();
	change->header.lost = lost_here ? *lost_here : 0;
	change->id = BPF_CORE_READ(cgroup, kn, id);
	change->v1_memory = hierarchy != 0;
	long length = bpf_probe_read_kernel_str(change->path, PATH_LENGTH, path);
	u64 size = length < 0 ? 0 : length;
	if (size > PATH_LENGTH)
		size = PATH_LENGTH;
	change->length = size;
	/* Only as much of the path as there is: paths are short, and there may be many. */
	if (bpf_ringbuf_output(&cgroups_ring, change, offsetof(struct cgroup_change, path) + size, 0))
		count(&cgroups_counters, LOST);
	else
		count(&cgroups_counters, SENT);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroups_made, struct cgroup *cgroup, const char *path)
{
	return tell(CGROUP_MADE, cgroup, path);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroups_removed, struct cgroup *cgroup, const char *path)
{
	return tell(CGROUP_REMOVED, cgroup, path);
}
