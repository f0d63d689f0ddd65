/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words,
 * which may be added up in larger pieces and in any byte order.
 */

#include <sys/errno.h>
#include <sys/mbuf.h>
#include <sys/systm.h>

#include <machine/types.h>

static uint64_t
add64(uint64_t sum, uint64_t v)
{
	sum += v;
	return (sum + (sum < v));
}

uint64_t
cksum_add(uint64_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint64_t v[4];
	uint32_t w;
	uint16_t h;
	uint8_t last[2];

	for (; len >= 32; len -= 32, p += 32) {
		__builtin_memcpy(v, p, 32);
		sum = add64(sum, v[0]);
		sum = add64(sum, v[1]);
		sum = add64(sum, v[2]);
		sum = add64(sum, v[3]);
	}
	for (; len >= 4; len -= 4, p += 4) {
		__builtin_memcpy(&w, p, 4);
		sum = add64(sum, w);
	}
	if (len >= 2) {
		__builtin_memcpy(&h, p, 2);
		sum = add64(sum, h);
		len -= 2;
		p += 2;
	}
	if (len > 0) {
		last[0] = *p;
		last[1] = 0;
		__builtin_memcpy(&h, last, 2);
		sum = add64(sum, h);
	}
	return (sum);
}

uint64_t
m_cksum(const struct mbuf *m, uint32_t off, uint32_t len, uint64_t sum)
{
	bool odd = false;
	uint64_t part;
	uint32_t n;

	for (; m != NULL && off >= m->m_len; m = m->m_next)
		off -= m->m_len;
	for (; m != NULL && len > 0; m = m->m_next, off = 0) {
		n = MIN(len, m->m_len - off);
		part = cksum_add(0, m->m_data + off, n);
		/* what begins at an odd offset has its bytes exchanged */
		sum = add64(sum, odd ? __builtin_bswap16(cksum_fold(part)) :
		    part);
		odd ^= n & 1;
		len -= n;
	}
	return (sum);
}

int
cksum_partial(struct mbuf **mp)
{
	struct pkthdr *ph = &(*mp)->m_pkthdr;
	uint32_t field = ph->ph_csum_start + ph->ph_csum_off;
	uint16_t sum;

	if (ph->ph_csum_start >= ph->ph_len || field + 2 > ph->ph_len)
		return (EINVAL);
	sum = ~cksum_fold(m_cksum(*mp, ph->ph_csum_start,
	    ph->ph_len - ph->ph_csum_start, 0));
	/* UDP says with 0 that there is none (RFC 768) */
	if (sum == 0)
		sum = 0xffff;
	if ((*mp = m_pullup(*mp, field + 2, true)) == NULL)
		return (ENOBUFS);
	__builtin_memcpy((*mp)->m_data + field, &sum, 2);
	(*mp)->m_pkthdr.ph_flags &= ~PH_CSUM_PARTIAL;
	return (0);
}
