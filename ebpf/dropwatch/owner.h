/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The process behind a socket. Set in process context, when a process creates the socket and once for the sockets that
 * were there before; asked for in any context.
 */
#pragma once

#include "../include/owner.h"

/* Accepted sockets take over the listener's owner (BPF_F_CLONE). */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owner);
} socket_owner SEC(".maps");
