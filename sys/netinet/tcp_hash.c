/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A keyed hash for what a peer must not foresee: SipHash-2-4 (Aumasson and
 * Bernstein, 2012), and sequence numbers made with it (RFC 6528).
 */

#include <sys/rnd.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

struct sip {
	uint64_t v[4];
};

static inline uint64_t
rol64(uint64_t x, u_int n)
{
	return (x << n | x >> (64 - n));
}

static void
sip_rounds(struct sip *s, u_int n)
{
	uint64_t *v = s->v;

	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rol64(v[1], 13) ^ v[0];
		v[3] = rol64(v[3], 16) ^ v[2];
		v[0] = rol64(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rol64(v[1], 17) ^ v[2];
		v[3] = rol64(v[3], 21) ^ v[0];
		v[2] = rol64(v[2], 32);
	}
}

static void
sip_word(struct sip *s, uint64_t m)
{
	s->v[3] ^= m;
	sip_rounds(s, 2);
	s->v[0] ^= m;
}

static uint64_t
sip_load(const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	while (n-- > 0)
		m = m << 8 | p[n];
	return (m);
}

uint64_t
siphash24(const uint64_t key[2], const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t left;
	struct sip s = { .v = {
	    key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
	    key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL } };

	for (left = len; left >= 8; left -= 8, p += 8)
		sip_word(&s, sip_load(p, 8));
	sip_word(&s, sip_load(p, left) | (uint64_t)(len & 0xff) << 56);
	s.v[2] ^= 0xff;
	sip_rounds(&s, 4);
	return (s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3]);
}

/* --- secrets ------------------------------------------------------------ */

static uint64_t secret[TCP_KEYS][2];

void
tcp_hash_init(void)
{
	rnd_bytes(secret, sizeof(secret));
}

uint64_t
tcp_hash4(enum tcp_secret which, const struct tcp_tuple *tt, uint32_t a,
    uint32_t b)
{
	struct {
		struct inaddr	laddr, faddr;
		uint32_t	ports, a, b, zero;
	} in = { tt->tt_laddr, tt->tt_faddr,
	    (uint32_t)tt->tt_lport << 16 | tt->tt_fport, a, b, 0 };

	return (siphash24(secret[which], &in, sizeof(in)));
}

/* The clock has a step of four microseconds, about. */
uint32_t
tcp_newiss(const struct tcp_tuple *tt, uint64_t now)
{
	return ((uint32_t)(now >> 12) + tcp_hash4(TCP_KEY_ISN, tt, 0, 0));
}

/*
 * The same for each connection between two addresses and ports, so that our
 * clock goes on where an earlier connection was (RFC 6191, RFC 7323, 5.4).
 */
uint32_t
tcp_newtsoff(const struct tcp_tuple *tt)
{
	return (tcp_hash4(TCP_KEY_TS, tt, 0, 0));
}
