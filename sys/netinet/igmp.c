/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IGMP: routers and bridges are told which groups we listen to, in the form of
 * version 3 (RFC 3376), which never excludes a source here.
 */

#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <net/if_var.h>
#include <netinet/ip.h>

#define IGMP_QUERY	0x11
#define IGMP_V3_REPORT	0x22
#define IGMP_ROUTERS	IN4(224, 0, 0, 22)
/* record types (4.2.12) */
#define IS_EXCLUDE	2
#define TO_INCLUDE	3
#define TO_EXCLUDE	4
#define RECORDS_MAX	32		/* in one report */

struct igmp_report {
	uint8_t		ir_type, ir_pad;
	uint16_t	ir_cksum;
	be16_w		ir_pad2, ir_n;
} __packed __aligned(2);

struct igmp_record {
	uint8_t		ig_type, ig_auxlen;
	be16_w		ig_nsources;
	be32_w		ig_group;
} __packed __aligned(2);

static struct timeout	igmp_to;	/* an answer to a query is due */

static void	igmp_answer(void *);

void
igmp_init(void)
{
	timeout_set(&igmp_to, igmp_answer, NULL);
}

static void
igmp_send(struct ifnet *ifp, const struct igmp_record *rec, u_int n)
{
	struct igmp_report r = { .ir_type = IGMP_V3_REPORT,
	    .ir_n = be16_make(n) };
	struct inaddr dst = in4_make(IGMP_ROUTERS);
	struct ip_out io = { .io_dst = &dst, .io_ifidx = ifp->if_index,
	    .io_proto = IPPROTO_IGMP, .io_ttl = 1, .io_tos = 0xc0,
	    .io_alert = true };
	struct mbuf *m;
	uint16_t sum;

	if ((m = m_getcl(MCLBYTES, true)) == NULL)
		return;
	m->m_data += MAX_HDR;
	memcpy(m->m_data, &r, sizeof(r));
	memcpy(m->m_data + sizeof(r), rec, n * sizeof(*rec));
	m->m_len = m->m_pkthdr.ph_len = sizeof(r) + n * sizeof(*rec);
	sum = ~cksum_fold(cksum_add(0, m->m_data, m->m_len));
	memcpy(m->m_data + offsetof(struct igmp_report, ir_cksum), &sum, 2);
	(void)ip_send(m, &io);
}

void
igmp_change(struct ifnet *ifp, const struct inaddr *group, bool joined)
{
	struct igmp_record rec = { .ig_type = joined ? TO_EXCLUDE :
	    TO_INCLUDE, .ig_group = group->ia_l[3] };

	if (if_usable(ifp))
		igmp_send(ifp, &rec, 1);
}

static void
igmp_report_all(struct ifnet *ifp)
{
	struct igmp_record rec[RECORDS_MAX];
	struct inaddr a;
	u_int i, n = 0;

	for (i = 0; in_group_nth(ifp, false, i, &a); i++) {
		if (in4_get(&a) == INADDR_ALLHOSTS_GROUP)
			continue;
		rec[n++] = (struct igmp_record){ .ig_type = IS_EXCLUDE,
		    .ig_group = a.ia_l[3] };
		if (n == RECORDS_MAX) {
			igmp_send(ifp, rec, n);
			n = 0;
		}
	}
	if (n != 0)
		igmp_send(ifp, rec, n);
}

static void
igmp_answer(void *arg __unused)
{
	in_group_answer(igmp_report_all);
}

/* A router asks: all that we listen to, after a while that is our own. */
void
igmp_input(struct mbuf *m, const struct ip_in *ii __unused)
{
	uint8_t h[8];
	uint32_t r;
	u_int tenths;

	if (m_copydata(m, 0, sizeof(h), h) && h[0] == IGMP_QUERY &&
	    cksum_fold(m_cksum(m, 0, m->m_pkthdr.ph_len, 0)) == 0xffff &&
	    !timeout_pending(&igmp_to)) {
		/* codes from 128 on are larger still: earlier will do */
		tenths = MIN(MAX(h[1], 1), 128);
		rnd_bytes(&r, sizeof(r));
		timeout_add_msec(&igmp_to, r % (tenths * 100));
	}
	m_freem(m);
}
