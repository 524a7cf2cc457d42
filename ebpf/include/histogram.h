/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Latency histograms: base-2 steps, each cut in two linear halves, from 1.024 us to 17.2 s.
 * Slots are upper-inclusive like OTLP's explicit bounds: slot i counts bound[i-1] < v <= bound[i].
 * histogram.rs has the same layout and tests it value by value.
 */
#pragma once

#include "kernel.h"

#define HISTOGRAM_FIRST_EXPONENT 10
#define HISTOGRAM_LAST_EXPONENT 33
/* one below the first step, two per step, one above the last */
#define HISTOGRAM_SLOTS (1 + 2 * (HISTOGRAM_LAST_EXPONENT - HISTOGRAM_FIRST_EXPONENT + 1) + 1)

struct histogram {
	u64 sum_ns;
	u64 slots[HISTOGRAM_SLOTS];
};

static __always_inline u32 log2_u64(u64 v)
{
	u32 shift, result;

	result = (v > 0xffffffff) << 5;
	v >>= result;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	result |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	result |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	result |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	result |= shift;
	return result | (v >> 1);
}

static __always_inline u32 histogram_slot(u64 ns)
{
	u64 below = ns ? ns - 1 : 0;

	if (below < (1ULL << HISTOGRAM_FIRST_EXPONENT))
		return 0;
	if (below >= (2ULL << HISTOGRAM_LAST_EXPONENT))
		return HISTOGRAM_SLOTS - 1;
	u32 exponent = log2_u64(below);
	u32 upper_half = (below >> (exponent - 1)) & 1;
	return 1 + 2 * (exponent - HISTOGRAM_FIRST_EXPONENT) + upper_half;
}

/* Not atomic: only for per-CPU values written from one program with interrupts off, or that cannot nest. */
static __always_inline void histogram_add(struct histogram *histogram, u64 ns)
{
	u32 slot = histogram_slot(ns);

	if (slot >= HISTOGRAM_SLOTS)
		return;
	histogram->slots[slot]++;
	histogram->sum_ns += ns;
}
