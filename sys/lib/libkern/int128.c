/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Shifts of 128 bits, which the compiler calls where the processor has no
 * instruction for them.
 */

#include <sys/types.h>

typedef unsigned __int128 uint128;

uint128	__lshrti3(uint128, int);
uint128	__ashlti3(uint128, int);

uint128
__lshrti3(uint128 v, int n)
{
	uint64_t hi = v >> 64, lo = v;

	if (n == 0)
		return (v);
	if (n >= 64)
		return (hi >> (n - 64));
	return ((uint128)(hi >> n) << 64 | (lo >> n | hi << (64 - n)));
}

uint128
__ashlti3(uint128 v, int n)
{
	uint64_t hi = v >> 64, lo = v;

	if (n == 0)
		return (v);
	if (n >= 64)
		return ((uint128)(lo << (n - 64)) << 64);
	return ((uint128)(hi << n | lo >> (64 - n)) << 64 | lo << n);
}
