/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The kernel's random numbers.  See rnd.h.
 *
 * What sources feed is mixed into a pool, which is the key of ChaCha20 (RFC
 * 8439).  Each request takes a stream of a fresh block count, of which the
 * first 32 bytes become the next key: who sees the kernel's memory later
 * cannot tell what came out before.
 */

#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/rnd.h>
#include <sys/systm.h>

static struct {
	struct mutex	mtx;
	uint32_t	key[8];
	uint64_t	count;
	u_int		bits;		/* unknown to others, so far */
	u_int		feed;		/* where the next input goes */
} rnd = { .mtx = MUTEX_INITIALIZER(IPL_HIGH) };

#define ROTL(v, n)	((v) << (n) | (v) >> (32 - (n)))
#define QUARTER(a, b, c, d) do {					\
	a += b; d = ROTL(d ^ a, 16);					\
	c += d; b = ROTL(b ^ c, 12);					\
	a += b; d = ROTL(d ^ a, 8);					\
	c += d; b = ROTL(b ^ c, 7);					\
} while (0)

void
chacha20_block(const uint32_t key[8], uint64_t count, uint64_t nonce,
    uint32_t out[16])
{
	uint32_t s[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	u_int i;

	memcpy(s + 4, key, 32);
	s[12] = count;
	s[13] = count >> 32;
	s[14] = nonce;
	s[15] = nonce >> 32;
	memcpy(out, s, sizeof(s));
	for (i = 0; i < 10; i++) {
		QUARTER(out[0], out[4], out[8], out[12]);
		QUARTER(out[1], out[5], out[9], out[13]);
		QUARTER(out[2], out[6], out[10], out[14]);
		QUARTER(out[3], out[7], out[11], out[15]);
		QUARTER(out[0], out[5], out[10], out[15]);
		QUARTER(out[1], out[6], out[11], out[12]);
		QUARTER(out[2], out[7], out[8], out[13]);
		QUARTER(out[3], out[4], out[9], out[14]);
	}
	for (i = 0; i < 16; i++)
		out[i] += s[i];
}

/* A new key from the old one; the mutex is held. */
static void
rnd_stir(void)
{
	uint32_t block[16];

	chacha20_block(rnd.key, rnd.count++, 1, block);
	memcpy(rnd.key, block, sizeof(rnd.key));
	memset(block, 0, sizeof(block));
}

void
rnd_feed(const void *buf, size_t len, u_int bits)
{
	const u_char *p = buf;

	mtx_enter(&rnd.mtx);
	rnd.count ^= md_nsec();
	for (; len > 0; len--) {
		((u_char *)rnd.key)[rnd.feed++] ^= *p++;
		if (rnd.feed == sizeof(rnd.key)) {
			rnd.feed = 0;
			rnd_stir();
		}
	}
	rnd_stir();
	rnd.bits = MIN(rnd.bits + bits, 4096);
	mtx_leave(&rnd.mtx);
}

void
rnd_bytes(void *buf, size_t len)
{
	uint32_t key[8], block[16];
	uint64_t count;
	size_t n;
	char *p = buf;

	mtx_enter(&rnd.mtx);
	rnd.count += md_nsec() | 1;
	chacha20_block(rnd.key, rnd.count++, 0, block);
	/* half of the block is this request's key, half the next pool */
	memcpy(key, block, 32);
	memcpy(rnd.key, block + 8, 32);
	mtx_leave(&rnd.mtx);
	for (count = 0; len > 0; count++, p += n, len -= n) {
		chacha20_block(key, count, 0, block);
		n = MIN(len, sizeof(block));
		memcpy(p, block, n);
	}
	memset(key, 0, sizeof(key));
	memset(block, 0, sizeof(block));
}

bool
rnd_seeded(void)
{
	return (rnd.bits >= 256);
}

void
rnd_init(void)
{
	uint64_t seed[4];
	size_t n;

	memset(seed, 0, sizeof(seed));
	n = md_entropy(seed, sizeof(seed));
	rnd_feed(seed, sizeof(seed), n * 8);
	memset(seed, 0, sizeof(seed));
}
