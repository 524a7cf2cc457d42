/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Whose event it is: a task, as long as it is known to be the right one, or what a socket says of its owner.
 * The current task is an owner only where a hook runs in process context: in softirq it is a bystander.
 */
#pragma once

#include "kernel.h"

struct owner {
	u64 cgroup;    /* id in the unified (v2) hierarchy */
	u64 v1_cgroup; /* id in the v1 memory hierarchy, 0 when memory is not on v1 */
	u32 pid;       /* thread group id in the root pid namespace */
	u32 reserved;
	char comm[16];
};

/* How an owner was found, best first. */
enum owner_rung {
	OWNER_NOBODY,
	OWNER_SOCKET,	     /* the process that created the socket */
	OWNER_SOCKET_CGROUP, /* only the cgroup the socket was created in */
	OWNER_NETNS,	     /* only the network namespace */
	OWNER_PROCESS,	     /* the process that ran, in its own context */
};

/* The task's place in the v1 memory hierarchy (in the unified one, when memory is there); 0 without the controller. */
static __always_inline struct cgroup_subsys_state *memory_state(struct task_struct *task)
{
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id___any, memory_cgrp_id___any))
		return 0;
	u32 memory = bpf_core_enum_value(enum cgroup_subsys_id___any, memory_cgrp_id___any);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = 0;
	void *slot = (void *)set + bpf_core_field_offset(struct css_set, subsys) + memory * sizeof(void *);

	bpf_probe_read_kernel(&state, sizeof(state), slot);
	return state;
}

static __always_inline void describe_owner(struct owner *owner, struct task_struct *task)
{
	struct cgroup_subsys_state *state = memory_state(task);

	owner->pid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_STR_INTO(&owner->comm, task, comm);
	owner->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	owner->v1_cgroup = 0;
	if (state && BPF_CORE_READ(state, cgroup, root, hierarchy_id))
		owner->v1_cgroup = BPF_CORE_READ(state, cgroup, kn, id);
}

/* Mini sockets (TIME_WAIT, NEW_SYN_RECV) are shorter than struct sock. */
static __always_inline bool is_full_socket(struct sock *sk)
{
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != 6 && state != 12;
}

/* The cgroup the socket belongs to says something only below the root, whose id is 1. */
static __always_inline u64 socket_cgroup(struct sock *sk)
{
	u64 id = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);

	return id > 1 ? id : 0;
}
