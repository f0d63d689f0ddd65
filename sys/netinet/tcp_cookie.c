/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * SYN cookies (RFC 4987, 3.6): what would be kept of a SYN is in the sequence
 * number of our answer, and, if there are timestamps, in one of those; the
 * peer gives both back.
 *
 *	number		24 bits of a keyed hash, 5 of the time, 3 of the MSS
 *	timestamp	low bits: SACK, ECN, window scale
 *
 * The hash is over the addresses, the peer's number, the whole time, and the
 * MSS.
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define COOKIE_UNIT	SEC_TO_NSEC(64)
#define COOKIE_AGE	2		/* units */
#define TS_SACK		0x20
#define TS_ECN		0x10
#define TS_WSCALE	0x0f		/* 15: none */
#define TS_BITS		0x3f

static const uint16_t cookie_mss[8] = {
	216, 536, 1220, 1360, 1440, 1460, 4312, 8940
};
static uint64_t	cookie_last;		/* when one was made; atomic */

void
tcp_cookie_init(void)
{
	cookie_last = 0;
}

static uint32_t
cookie_hash(const struct tcp_syninfo *si, uint32_t count, u_int mss)
{
	return (tcp_hash4(TCP_KEY_COOKIE, &si->si_tuple, si->si_irs,
	    count << 3 | mss) & 0xffffff);
}

/* Our clock, a little slow: it must not go back after that. */
static uint32_t
cookie_stamp(const struct tcp_syninfo *si, uint64_t now)
{
	uint32_t clock = tcp_clock(now), bits;

	bits = (si->si_sack ? TS_SACK : 0) | (si->si_ecn ? TS_ECN : 0) |
	    (si->si_wscale == TCPWS_NONE ? TS_WSCALE : si->si_wscale);
	bits |= clock & ~TS_BITS;
	return (SEQ_GT(bits, clock) ? bits - TS_BITS - 1 : bits);
}

uint32_t
tcp_cookie_make(struct tcp_syninfo *si, uint32_t *tsval, uint64_t now)
{
	uint32_t count = now / COOKIE_UNIT;
	u_int mss = nitems(cookie_mss) - 1;

	while (mss > 0 && cookie_mss[mss] > si->si_mss)
		mss--;
	if (si->si_ts)
		*tsval = cookie_stamp(si, now) + si->si_tsoff;
	else {
		/* there is nowhere to keep them */
		si->si_sack = si->si_ecn = false;
		si->si_wscale = TCPWS_NONE;
	}
	__atomic_store_n(&cookie_last, now, __ATOMIC_RELAXED);
	return (cookie_hash(si, count, mss) << 8 | (count & 31) << 3 | mss);
}

/* None is accepted where none was given: that is less to guess at. */
bool
tcp_cookie_recent(uint64_t now)
{
	uint64_t last = __atomic_load_n(&cookie_last, __ATOMIC_RELAXED);

	return (last != 0 && now - last <= (COOKIE_AGE + 1) * COOKIE_UNIT);
}

bool
tcp_cookie_check(struct tcp_syninfo *si, const struct tcp_seg *sg,
    uint64_t now)
{
	uint32_t cookie = sg->sg_ack - 1, count = now / COOKIE_UNIT, age, bits;

	si->si_irs = sg->sg_seq - 1;
	si->si_iss = cookie;
	age = (count - (cookie >> 3)) & 31;
	if (age > COOKIE_AGE || cookie_hash(si, count - age, cookie & 7) !=
	    cookie >> 8) {
		TCPSTAT(cookies_invalid);
		return (false);
	}
	si->si_mss = cookie_mss[cookie & 7];
	si->si_time = 0;
	si->si_ts = sg->sg_ts && tcp_tun.tn_timestamps;
	si->si_sack = si->si_ecn = false;
	si->si_wscale = TCPWS_NONE;
	if (si->si_ts) {
		bits = sg->sg_tsecr - si->si_tsoff;
		si->si_tsrecent = sg->sg_tsval;
		si->si_sack = (bits & TS_SACK) != 0;
		si->si_ecn = (bits & TS_ECN) != 0;
		if ((bits & TS_WSCALE) != TS_WSCALE)
			si->si_wscale = MIN(bits & TS_WSCALE, TCP_MAXWSCALE);
	}
	return (true);
}
