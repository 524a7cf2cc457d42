/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Minimal CO-RE views of kernel structs: only the fields that probes read. Offsets come from the running kernel's BTF. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define CORE __attribute__((preserve_access_index))

struct kernfs_node {
	u64 id;
} CORE;

struct cgroup_root {
	int hierarchy_id;
} CORE;

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
} CORE;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} CORE;

struct css_set {
	/* The real length differs between kernels; indices come from CO-RE enum values. */
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} CORE;

/* Values are relocated to the running kernel's. */
enum cgroup_subsys_id___any {
	memory_cgrp_id___any = 999,
};

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} CORE;

struct signal_struct {
	short oom_score_adj;
} CORE;

struct mm_struct;

struct task_struct {
	int pid;
	int tgid;
	int on_cpu;
	char comm[16];
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	const struct cred *real_cred;
} CORE;

struct ns_common {
	unsigned int inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
} CORE;

struct sock_cgroup_data {
	struct cgroup *cgroup;
} CORE;

struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
} CORE;

struct net_device {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
} CORE;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	s64 tstamp;
	int skb_iif;
	unsigned int len;
	unsigned int data_len;
	__be16 protocol;
	u16 transport_header;
	u16 network_header;
	u16 mac_header;
	unsigned int tail;
	unsigned char *head;
	unsigned char *data;
} CORE;
