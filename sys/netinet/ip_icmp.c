/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * ICMP (RFC 792, RFC 1122, 3.2.2): echo, and errors both ways.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#define QUOTE		548		/* of what an error is about */

static uint64_t	icmp_errors;		/* ratelimit() */

static void
icmp_send(struct mbuf *m, const struct inaddr *src, const struct inaddr *dst,
    uint8_t tos)
{
	struct ip_out io = { .io_src = src, .io_dst = dst,
	    .io_proto = IPPROTO_ICMP, .io_tos = tos };
	uint16_t sum = 0;

	memcpy(m->m_data + offsetof(struct icmp, icmp_cksum), &sum, 2);
	sum = ~cksum_fold(m_cksum(m, 0, m->m_pkthdr.ph_len, 0));
	memcpy(m->m_data + offsetof(struct icmp, icmp_cksum), &sum, 2);
	(void)ip_send(m, &io);
}

/* The packet itself goes back. */
static void
icmp_echo(struct mbuf *m, const struct ip_in *ii)
{
	struct pkthdr *ph;

	/* nor to a group: that would be a lever for others (RFC 1122) */
	if (ii->ii_mcast || in_isany(&ii->ii_src) ||
	    (m = m_pullup(m, sizeof(struct icmp), true)) == NULL) {
		if (m != NULL)
			m_freem(m);
		return;
	}
	ph = &m->m_pkthdr;
	*ph = (struct pkthdr){ .ph_len = ph->ph_len };
	m->m_data[0] = ICMP_ECHOREPLY;
	icmp_send(m, &ii->ii_dst, &ii->ii_src, ii->ii_tos);
}

/* --- errors about what we sent ------------------------------------------------------ */

static bool
icmp_meaning(u_int type, u_int code, int *error, bool *hard)
{
	static const int unreach[] = {
		ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED,
		EMSGSIZE, EOPNOTSUPP, ENETUNREACH, EHOSTDOWN, ENETUNREACH,
		ENETUNREACH, EHOSTUNREACH, ENETUNREACH, EHOSTUNREACH,
		EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH
	};

	switch (type) {
	case ICMP_UNREACH:
		if (code >= nitems(unreach))
			return (false);
		*error = unreach[code];
		*hard = code == ICMP_UNREACH_PROTOCOL ||
		    code == ICMP_UNREACH_PORT;
		return (true);
	case ICMP_TIMXCEED:
		*error = EHOSTUNREACH;
		*hard = false;
		return (code == 0);
	case ICMP_PARAMPROB:
		*error = EPROTO;
		*hard = true;
		return (true);
	default:
		return (false);
	}
}

/* Routers of before RFC 1191 say no size: the next smaller usual one. */
static u_int
mtu_below(u_int len)
{
	static const uint16_t usual[] = {
		32000, 17914, 8166, 4352, 2002, 1492, 1280, 1006, 576 };
	u_int i;

	for (i = 0; i < nitems(usual) - 1 && usual[i] >= len; i++)
		continue;
	return (usual[i]);
}

static void
icmp_error(struct mbuf *m, const struct icmp *ic)
{
	struct inaddr src, dst;
	uint8_t quoted[8];
	u_int hlen, mtu;
	struct ip ip;
	bool hard;
	int error;

	if (!icmp_meaning(ic->icmp_type, ic->icmp_code, &error, &hard) ||
	    !m_copydata(m, sizeof(*ic), sizeof(ip), &ip) ||
	    ip.ip_vhl >> 4 != 4 ||
	    (hlen = (ip.ip_vhl & 15) * 4) < sizeof(ip) ||
	    (be16_get(ip.ip_off) & IP_OFFMASK) != 0 ||
	    !m_copydata(m, sizeof(*ic) + hlen, sizeof(quoted), quoted))
		return;
	src = in4_make(be32_get(ip.ip_src));
	dst = in4_make(be32_get(ip.ip_dst));
	if (!ip_islocal(&src, 0))
		return;
	mtu = be16_get(ic->icmp_seq);
	if (mtu == 0)
		mtu = mtu_below(be16_get(ip.ip_len));
	/* one who claims that nothing goes through is not believed */
	mtu = MAX(mtu, IP_MINMTU);
	ip_ctlerror(ip.ip_p, error, mtu, hard, &src, &dst, quoted);
}

void
icmp_input(struct mbuf *m, const struct ip_in *ii)
{
	uint32_t len = m->m_pkthdr.ph_len;
	struct icmp ic;

	/* a device's word is about TCP and UDP; here we look ourselves */
	if (!m_copydata(m, 0, sizeof(ic), &ic) ||
	    (!(m->m_pkthdr.ph_flags & PH_LOOP) &&
	    cksum_fold(m_cksum(m, 0, len, 0)) != 0xffff)) {
		m_freem(m);
		return;
	}
	if (ic.icmp_type == ICMP_ECHO) {
		icmp_echo(m, ii);
		return;
	}
	icmp_error(m, &ic);
	m_freem(m);
}

/* --- errors about what we got ------------------------------------------------------- */

/*
 * The packet as it came, from its header on: still there before m_data, unless
 * it was put together from fragments.
 */
static struct mbuf *
icmp_original(struct mbuf *m, const struct ip_in *ii)
{
	struct mbuf *q;
	uint32_t n = QUOTE - MIN(QUOTE, ii->ii_hdrlen);

	n = MIN(n, m->m_pkthdr.ph_len);
	if (ii->ii_hdrlen == 0 || m_before(m) < ii->ii_hdrlen ||
	    (q = m_getcl(MCLBYTES, true)) == NULL) {
		m_freem(m);
		return (NULL);
	}
	q->m_data += MAX_HDR;
	memcpy(q->m_data, m->m_data - ii->ii_hdrlen, ii->ii_hdrlen);
	(void)m_copydata(m, 0, n, q->m_data + ii->ii_hdrlen);
	q->m_len = q->m_pkthdr.ph_len = ii->ii_hdrlen + n;
	m_freem(m);
	return (q);
}

void
icmp_unreachable(struct mbuf *m, const struct ip_in *ii, enum ip_unreach why)
{
	struct icmp ic = { .icmp_type = ICMP_UNREACH,
	    .icmp_code = why == UNREACH_PORT ? ICMP_UNREACH_PORT :
	    ICMP_UNREACH_PROTOCOL };

	/* RFC 1122, 3.2.2: not to groups, nor from nowhere */
	if (ii->ii_mcast || (m->m_pkthdr.ph_flags & (PH_MCAST | PH_BCAST)) ||
	    in_isany(&ii->ii_src) || in_ismulticast(&ii->ii_src) ||
	    !ratelimit(&icmp_errors, 50, 100)) {
		m_freem(m);
		return;
	}
	if ((m = icmp_original(m, ii)) == NULL ||
	    (m = m_prepend(m, sizeof(ic))) == NULL)
		return;
	memcpy(m->m_data, &ic, sizeof(ic));
	icmp_send(m, &ii->ii_dst, &ii->ii_src, 0);
}
