/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MUTATE_H_
#define _MUTATE_H_

/* Copies that end where their memory ends, cut and with some bytes changed. */

static uint32_t	mutate_seed = 1;

static inline uint32_t
mutate_any(uint32_t below)
{
	mutate_seed ^= mutate_seed << 13;
	mutate_seed ^= mutate_seed >> 17;
	mutate_seed ^= mutate_seed << 5;
	return (mutate_seed % below);
}

static inline void *
mutate_cut(const void *p, size_t n)
{
	void *q = host_alloc(n == 0 ? 1 : n);

	memcpy(q, p, n);
	return (q);
}

static inline void
mutate(void *p, size_t n)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };
	size_t len;
	u_int k;

	for (k = 1 + mutate_any(4); k > 0 && n > 0; k--) {
		uint8_t *b = (uint8_t *)p + mutate_any(n);

		switch (mutate_any(4)) {
		case 0:
			*b = odd[mutate_any(sizeof(odd))];
			break;
		case 1:
			*b ^= 1 << mutate_any(8);
			break;
		case 2:
			*b = mutate_any(256);
			break;
		default:
			len = 1 + mutate_any(8);
			memset(b, odd[mutate_any(sizeof(odd))],
			    MIN(len, (size_t)((uint8_t *)p + n - b)));
			break;
		}
	}
}

#endif /* _MUTATE_H_ */
