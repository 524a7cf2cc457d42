/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What user space wants to be told of. */
#pragma once

#include "connection.h"

struct settings {
	u64 least_ns; /* shorter exchanges are filtered */
	u64 pause_ns; /* a response that is silent for so long is looked at */
	u32 own_pid;  /* what this agent itself sends and receives is nobody's telemetry; 0: it is */
	u8 http;
	u8 tcp;
	u8 handshakes;
	u8 flows;
	u8 all_ports;	  /* else those in sockets_ports */
	u8 all_processes; /* but those in sockets_processes that are not wanted; else those that are */
	u16 reserved;
	u32 reserved2;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct settings);
} sockets_settings SEC(".maps");

/* One bit for each server port that is watched. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536 / 64);
	__type(key, u32);
	__type(value, u64);
} sockets_ports SEC(".maps");

struct process_name {
	char comm[16];
};

/* Whether processes of this name are wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct process_name);
	__type(value, u8);
} sockets_processes SEC(".maps");

static __always_inline struct settings *get_settings(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&sockets_settings, &zero);
}

static __always_inline bool is_wanted_port(const struct settings *settings, u16 port)
{
	u32 word = port / 64;
	u64 *bits;

	if (settings->all_ports)
		return true;
	bits = bpf_map_lookup_elem(&sockets_ports, &word);
	return bits && (*bits >> (port % 64)) & 1;
}

static __always_inline bool is_wanted_process(const struct settings *settings, const struct owner *owner)
{
	struct process_name name;
	u8 *wanted;

	__builtin_memcpy(name.comm, owner->comm, sizeof(name.comm));
	wanted = bpf_map_lookup_elem(&sockets_processes, &name);
	return wanted ? *wanted : settings->all_processes;
}

/* What is known of the owner decides; where nothing is known, only whoever wants all processes wants it. */
static __always_inline bool is_wanted_of(const struct exchange *exchange, const struct settings *settings)
{
	const struct owner *owner = &exchange->owner;

	if (settings->own_pid && owner->pid == settings->own_pid)
		return false;
	return is_wanted_port(settings, server_port(exchange)) && is_wanted_process(settings, owner);
}

/* Whose exchange it is: the process that moves its first byte. And whether anybody wants to hear of it. */
static __always_inline bool is_wanted(struct connection *connection, const struct settings *settings)
{
	struct exchange *exchange = &connection->exchange;
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (connection->wanted_by == pid)
		return true;
	describe_owner(&exchange->owner, process_of((struct task_struct *)bpf_get_current_task()));
	if (!is_wanted_of(exchange, settings))
		return false;
	connection->wanted_by = pid;
	return true;
}
