/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The bytes that the current system call has just sent or received, in the caller's own buffer: its registers still say
 * where that is. So no hook on system calls or packets is needed, and what is read is in stream order. Bytes that no
 * buffer of the caller has (sendfile, splice, io_uring) are counted and not seen.
 */
#pragma once

#include "tcp.h"

#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

#if defined(__TARGET_ARCH_x86)
enum { CALL_READ = 0, CALL_WRITE = 1, CALL_READV = 19, CALL_WRITEV = 20, CALL_SENDTO = 44, CALL_RECVFROM = 45,
       CALL_SENDMSG = 46, CALL_RECVMSG = 47 };
struct pt_regs {
	u64 orig_ax, si, dx;
} CORE;
#define CALL_NUMBER(regs) ((regs)->orig_ax)
#define SECOND_ARGUMENT(regs) ((regs)->si)
#define THIRD_ARGUMENT(regs) ((regs)->dx)
#elif defined(__TARGET_ARCH_arm64)
enum { CALL_READ = 63, CALL_WRITE = 64, CALL_READV = 65, CALL_WRITEV = 66, CALL_SENDTO = 206, CALL_RECVFROM = 207,
       CALL_SENDMSG = 211, CALL_RECVMSG = 212 };
struct pt_regs {
	u64 regs[31];
	s32 syscallno;
} CORE;
#define CALL_NUMBER(regs) ((regs)->syscallno)
#define SECOND_ARGUMENT(regs) ((regs)->regs[1])
#define THIRD_ARGUMENT(regs) ((regs)->regs[2])
#endif

struct task_struct___flags {
	unsigned int flags;
} CORE;

struct user_iovec {
	u64 base;
	u64 bytes;
};

/* struct msghdr of 64-bit programs. */
struct user_msghdr {
	u64 name, name_bytes;
	u64 iov, iovs;
};

/* A piece of the caller's buffer, and the vector that has the further ones. */
struct payload {
	u64 base;
	u64 bytes; /* of this piece */
	u64 moved; /* in all */
	u64 iov;
	u64 iovs; /* 0: this piece is all */
};

static __always_inline bool first_of_vector(struct payload *payload)
{
	struct user_iovec vector;

	if (!payload->iovs || bpf_probe_read_user(&vector, sizeof(vector), (void *)payload->iov))
		return false;
	payload->base = vector.base;
	payload->bytes = vector.bytes < payload->moved ? vector.bytes : payload->moved;
	return true;
}

static __always_inline bool find_payload(struct payload *payload, u32 moved)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct user_msghdr message;

	/* These have no registers of a system call. */
	if (((struct task_struct___flags *)task)->flags & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	payload->moved = moved;
	payload->iovs = 0;
	switch (CALL_NUMBER(regs)) {
	case CALL_READ:
	case CALL_WRITE:
	case CALL_SENDTO:
	case CALL_RECVFROM:
		payload->base = SECOND_ARGUMENT(regs);
		payload->bytes = moved;
		return true;
	case CALL_READV:
	case CALL_WRITEV:
		payload->iov = SECOND_ARGUMENT(regs);
		payload->iovs = THIRD_ARGUMENT(regs);
		return first_of_vector(payload);
	case CALL_SENDMSG:
	case CALL_RECVMSG:
		if (bpf_probe_read_user(&message, sizeof(message), (void *)SECOND_ARGUMENT(regs)))
			return false;
		payload->iov = message.iov;
		payload->iovs = message.iovs;
		return first_of_vector(payload);
	}
	return false;
}
