/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Multicast Listener Discovery, version 2 (RFC 3810): routers and bridges are
 * told which groups we listen to.
 */

#include <sys/rnd.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>

#define RECORDS_MAX	32
/* record types (5.2.12) */
#define IS_EXCLUDE	2
#define TO_INCLUDE	3
#define TO_EXCLUDE	4

struct mld_record {
	uint8_t		mr_type, mr_auxlen;
	be16_w		mr_nsources;
	uint8_t		mr_group[16];
} __packed __aligned(2);
_Static_assert(sizeof(struct mld_record) == 20, "on the wire");

static const struct inaddr	mld_routers = {
	.ia_b = { 0xff, 2, [15] = 0x16 } };
static struct timeout	mld_to;

static void	mld_answer(void *);

void
mld_init(void)
{
	timeout_set(&mld_to, mld_answer, NULL);
}

static void
mld_send(struct ifnet *ifp, const struct mld_record *rec, u_int n)
{
	uint8_t buf[sizeof(struct icmp6) + RECORDS_MAX * sizeof(*rec)];
	struct icmp6 ic = { .icmp6_type = MLD2_REPORT,
	    .icmp6_data = be32_make(n) };
	struct inaddr src;

	memcpy(buf, &ic, sizeof(ic));
	memcpy(buf + sizeof(ic), rec, n * sizeof(*rec));
	/* from nowhere while our address is not proved (5.2.13) */
	if (ifa_source(ifp, &mld_routers, &src) != 0)
		src = in6_any;
	icmp6_send(ifp, &src, &mld_routers, buf,
	    sizeof(ic) + n * sizeof(*rec), 1, true);
}

void
mld_change(struct ifnet *ifp, const struct inaddr *group, bool joined)
{
	struct mld_record rec = { .mr_type = joined ? TO_EXCLUDE :
	    TO_INCLUDE };

	memcpy(rec.mr_group, group, 16);
	/* nothing of the interface's own scope (6) */
	if (if_usable(ifp) && (group->ia_b[1] & 15) > 1)
		mld_send(ifp, &rec, 1);
}

static void
mld_report_all(struct ifnet *ifp)
{
	struct mld_record rec[RECORDS_MAX];
	struct inaddr a;
	u_int i, n = 0;

	for (i = 0; in_group_nth(ifp, true, i, &a); i++) {
		if (in_equal(&a, &in6_allnodes) || (a.ia_b[1] & 15) < 2)
			continue;
		rec[n] = (struct mld_record){ .mr_type = IS_EXCLUDE };
		memcpy(rec[n++].mr_group, &a, 16);
		if (n == RECORDS_MAX) {
			mld_send(ifp, rec, n);
			n = 0;
		}
	}
	if (n != 0)
		mld_send(ifp, rec, n);
}

static void
mld_answer(void *arg __unused)
{
	in_group_answer(mld_report_all);
}

/* A query: answered after a while of our own; the packet stays the caller's. */
void
mld_input(struct mbuf *m, const struct ip_in *ii)
{
	uint32_t r;
	be16_w code;
	u_int msec;

	if (!in6_islinklocal(&ii->ii_src) || ii->ii_ttl != 1 ||
	    !m_copydata(m, 4, sizeof(code), &code) ||
	    timeout_pending(&mld_to))
		return;
	/* from 32768 on they mean more still: earlier will do */
	msec = MIN(MAX(be16_get(code), 1), 32768);
	rnd_bytes(&r, sizeof(r));
	timeout_add_msec(&mld_to, r % msec);
}
