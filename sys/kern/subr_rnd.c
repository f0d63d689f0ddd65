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

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/rnd.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#define SEEDED		256		/* bits */
#define RESEED_BYTES	(1 << 20)	/* given, or: */
#define RESEED_MIN	SEC_TO_NSEC(1)
#define RESEED_MAX	SEC_TO_NSEC(60)
#define JITTER_TRIES	2048		/* a millisecond each */

static void	rnd_ask(void *);

static struct {
	struct mutex	mtx;
	uint32_t	key[8];
	uint64_t	count;
	u_int		bits;		/* unknown to others, so far */
	u_int		feed;		/* where the next input goes */
	uint64_t	given;		/* bytes since the last seed */
	uint64_t	due;		/* the next one, by nsecuptime() */
	uint64_t	interval;
	bool		asked;
	struct timeout	ask;
} rnd = {
	.mtx = MUTEX_INITIALIZER(IPL_HIGH),
	.interval = RESEED_MIN,
	.ask = { .to_fn = rnd_ask },
};

static struct mutex		rnd_source_mtx = MUTEX_INITIALIZER(IPL_NET);
static LIST_HEAD(, rnd_source)	rnd_sources;

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

/* The time goes in with each seed: that of its arrival is not the source's. */
void
rnd_feed(const void *buf, size_t len, u_int bits)
{
	const u_char *p = buf;
	bool seeded;

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
	seeded = rnd.bits < SEEDED && rnd.bits + bits >= SEEDED;
	rnd.bits = MIN(rnd.bits + bits, 4096);
	mtx_leave(&rnd.mtx);
	if (seeded)
		wakeup(&rnd.bits);
}

/* --- seeds from sources --------------------------------------------------- */

static void
rnd_feed_cpu(void)
{
	uint64_t seed[4];
	size_t n;

	memset(seed, 0, sizeof(seed));
	n = md_entropy(seed, sizeof(seed));
	rnd_feed(seed, sizeof(seed), n * 8);
	memset(seed, 0, sizeof(seed));
	__asm volatile("" :: "r" (seed) : "memory");
}

static void
rnd_ask(void *arg __unused)
{
	struct rnd_source *rs;

	mtx_enter(&rnd.mtx);
	rnd.due = nsecuptime() + rnd.interval;
	rnd.interval = MIN(2 * rnd.interval, RESEED_MAX);
	rnd.given = 0;
	rnd.asked = false;
	mtx_leave(&rnd.mtx);
	rnd_feed_cpu();
	mtx_enter(&rnd_source_mtx);
	LIST_FOREACH(rs, &rnd_sources, rs_link)
		rs->rs_want(rs->rs_arg);
	mtx_leave(&rnd_source_mtx);
}

/* With the mutex: so much is used; is it time for a new seed? */
static void
rnd_used(size_t len)
{
	rnd.given += len;
	if (rnd.asked || LIST_EMPTY(&rnd_sources))
		return;
	if (nsecuptime() >= rnd.due || rnd.given >= RESEED_BYTES) {
		rnd.asked = true;
		timeout_add_nsec(&rnd.ask, 0);
	}
}

void
rnd_source_add(struct rnd_source *rs)
{
	mtx_enter(&rnd.mtx);
	rnd.due = nsecuptime() + rnd.interval;
	mtx_leave(&rnd.mtx);
	mtx_enter(&rnd_source_mtx);
	LIST_INSERT_HEAD(&rnd_sources, rs, rs_link);
	rs->rs_want(rs->rs_arg);
	mtx_leave(&rnd_source_mtx);
}

void
rnd_source_remove(struct rnd_source *rs)
{
	mtx_enter(&rnd_source_mtx);
	LIST_REMOVE(rs, rs_link);
	mtx_leave(&rnd_source_mtx);
}

void
rnd_forked(const void *id, size_t len)
{
	rnd_feed(id, len, 0);
	mtx_enter(&rnd.mtx);
	rnd.interval = RESEED_MIN;
	rnd.due = 0;
	rnd_used(0);
	mtx_leave(&rnd.mtx);
}

/* --- numbers --------------------------------------------------------------- */

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
	rnd_used(len);
	mtx_leave(&rnd.mtx);
	for (count = 0; len > 0; count++, p += n, len -= n) {
		chacha20_block(key, count, 0, block);
		n = MIN(len, sizeof(block));
		memcpy(p, block, n);
	}
	memset(key, 0, sizeof(key));
	memset(block, 0, sizeof(block));
	__asm volatile("" :: "r" (key), "r" (block) : "memory");
}

bool
rnd_seeded(void)
{
	return (rnd.bits >= SEEDED);
}

/*
 * How long a sleep of a millisecond really was, and then not how it was but
 * how it changed: a clock that ticks evenly is worth nothing.
 */
static void
rnd_jitter(uint64_t last[3])
{
	uint64_t now = md_nsec(), d1, d2, d3;

	d1 = now - last[0];
	d2 = d1 - last[1];
	d3 = d2 - last[2];
	rnd_feed(&now, sizeof(now), last[2] != 0 && d1 != 0 && d2 != 0 &&
	    d3 != 0);
	last[0] = now;
	last[1] = d1;
	last[2] = d2;
}

int
rnd_wait(bool nonblock)
{
	uint64_t last[3] = { 0, 0, 0 };
	u_int tries = 0;
	int error = 0;

	while (!rnd_seeded() && (error == 0 || error == EWOULDBLOCK)) {
		if (nonblock)
			return (EAGAIN);
		mtx_enter(&rnd.mtx);
		if (rnd.bits < SEEDED)
			error = msleep_nsec(&rnd.bits, &rnd.mtx,
			    PRI_KERN | PCATCH, "seed",
			    tries < JITTER_TRIES ? MSEC_TO_NSEC(1) : INFSLP);
		mtx_leave(&rnd.mtx);
		if (tries++ < JITTER_TRIES)
			rnd_jitter(last);
	}
	return (rnd_seeded() ? 0 : error);
}

void
rnd_init(void)
{
	rnd_feed_cpu();
}
