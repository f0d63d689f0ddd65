/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the compiler calls for want of instructions (Zbb).
 */

#include <sys/types.h>

uint32_t	__bswapsi2(uint32_t);
uint64_t	__bswapdi2(uint64_t);
int		__clzdi2(uint64_t);
int		__ctzdi2(uint64_t);
int		__popcountdi2(uint64_t);

uint32_t
__bswapsi2(uint32_t v)
{
	v = (v & 0x00ff00ff) << 8 | (v >> 8 & 0x00ff00ff);
	return (v << 16 | v >> 16);
}

uint64_t
__bswapdi2(uint64_t v)
{
	const uint64_t m1 = 0x00ff00ff00ff00ff, m2 = 0x0000ffff0000ffff;

	v = (v & m1) << 8 | (v >> 8 & m1);
	v = (v & m2) << 16 | (v >> 16 & m2);
	return (v << 32 | v >> 32);
}

/* Sums of ever wider fields; the last is in the uppermost byte. */
int
__popcountdi2(uint64_t v)
{
	const uint64_t m1 = 0x5555555555555555, m2 = 0x3333333333333333;
	const uint64_t m4 = 0x0f0f0f0f0f0f0f0f;

	v -= v >> 1 & m1;
	v = (v & m2) + (v >> 2 & m2);
	v = (v + (v >> 4)) & m4;
	return (v * 0x0101010101010101 >> 56);
}

int
__ctzdi2(uint64_t v)
{
	return (__popcountdi2((v & -v) - 1));
}

int
__clzdi2(uint64_t v)
{
	u_int i;

	for (i = 1; i < 64; i <<= 1)
		v |= v >> i;
	return (64 - __popcountdi2(v));
}
