/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A traditional memory balloon: VIRTIO 1.4, 5.5.  It changes each page that
 * it may change, at the first moment that it may, and faults a driver that
 * wrote to one that was not its own.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

/* configuration: 5.5.4 */
#define C_NUM_PAGES	0
#define C_ACTUAL	4
#define C_CMD		8
#define C_POISON	12

#define CMD_STOP	0
#define CMD_DONE	1

#define STAT_LEN	10

#define PFN_SHIFT	12		/* whatever the guest's pages are */
#define PFN_SIZE	(1UL << PFN_SHIFT)

#define DRIVER_OK	0x04

/* a page */
#define P_ASKED		0x01		/* an inflate request has it */
#define P_IN		0x02		/* in the balloon */
#define P_LEAVING	0x04		/* a deflate request, too */
#define P_REPORT	0x08		/* a report has it */

static bool
has(const struct sim_balloon *bn, uint64_t feature)
{
	return ((bn->bn_sv->sv_features & feature) != 0);
}

/* --- pages --------------------------------------------------------------- */

static uint8_t *
page_of(struct sim_balloon *bn, uint64_t pa)
{
	if (pa < bn->bn_lo || pa >= bn->bn_hi) {
		sim_fault("page %#llx is not in memory",
		    (unsigned long long)pa);
		return (NULL);
	}
	return (&bn->bn_page[(pa - bn->bn_lo) >> PFN_SHIFT]);
}

static void
fill(uint64_t pa, uint8_t byte, uint64_t len)
{
	memset((uint8_t *)VM_DIRECT_BASE + pa, byte, len);
}

static bool
is_filled(uint64_t pa, uint8_t byte, uint64_t len)
{
	const uint8_t *p = (uint8_t *)VM_DIRECT_BASE + pa;

	return (p[0] == byte && memcmp(p, p + 1, len - 1) == 0);
}

static void
expect(uint64_t pa, uint8_t byte, uint64_t len, const char *what)
{
	/* who is gone has no say any more */
	if (!sim_gone && !is_filled(pa, byte, len))
		sim_fault("page %#llx was used %s", (unsigned long long)pa,
		    what);
}

static void
check_all(struct sim_balloon *bn)
{
	uint64_t pa;
	uint8_t p;

	for (pa = bn->bn_lo; pa < bn->bn_hi; pa += PFN_SIZE) {
		p = bn->bn_page[(pa - bn->bn_lo) >> PFN_SHIFT];
		if ((p & P_ASKED) || ((p & P_IN) && (!(p & P_LEAVING) ||
		    has(bn, SIM_BN_F_TELL))))
			expect(pa, SIM_BN_FILL, PFN_SIZE,
			    "while the balloon had it");
		if (p & P_REPORT)
			expect(pa, has(bn, SIM_BN_F_POISON) ? bn->bn_poison :
			    SIM_BN_REPORTED, PFN_SIZE,
			    "while its report was the device's");
	}
}

/* --- inflation and deflation: 5.5.6 -------------------------------------- */

static void
inflate(struct sim_balloon *bn, uint64_t pa, bool end)
{
	uint8_t *p = page_of(bn, pa);

	if (p == NULL)
		return;
	if (!end) {
		if (*p != 0) {
			sim_fault("page %#llx is inflated, and is %#x",
			    (unsigned long long)pa, *p);
			return;
		}
		*p = P_ASKED;
		fill(pa, SIM_BN_FILL, PFN_SIZE);
	} else if (*p == P_ASKED) {
		*p = P_IN;
		bn->bn_npages++;
		expect(pa, SIM_BN_FILL, PFN_SIZE,
		    "before its inflation was acknowledged");
	}
}

static void
deflate(struct sim_balloon *bn, uint64_t pa, bool end)
{
	uint8_t *p = page_of(bn, pa);

	if (p == NULL)
		return;
	if (!end) {
		if (*p != P_IN) {
			sim_fault("page %#llx is deflated, and is %#x",
			    (unsigned long long)pa, *p);
			return;
		}
		*p |= P_LEAVING;
	} else if (*p == (P_IN | P_LEAVING)) {
		*p = 0;
		bn->bn_npages--;
		/* without TELL it may be in use since it was asked for */
		if (!has(bn, SIM_BN_F_TELL))
			return;
		expect(pa, SIM_BN_FILL, PFN_SIZE,
		    "before its deflation was acknowledged");
		fill(pa, SIM_BN_DEFLATED, PFN_SIZE);
	}
}

static void
pages(struct sim_balloon *bn, struct sim_chain *ch, bool in, bool end)
{
	uint64_t off, n = ch->ch_outlen / 4;
	uint8_t b[4];

	if (!end) {
		if (ch->ch_nin != 0)
			sim_fault("an array of pages has something to write");
		if (n == 0 || ch->ch_outlen % 4 != 0)
			sim_fault("an array of pages of %llu bytes",
			    (unsigned long long)ch->ch_outlen);
		bn->bn_most = MAX(bn->bn_most, n);
	}
	for (off = 0; off < 4 * n; off += 4) {
		if (!sim_chain_read(ch, off, b, 4))
			return;
		if (in)
			inflate(bn, sim_get(b, 4) << PFN_SHIFT, end);
		else
			deflate(bn, sim_get(b, 4) << PFN_SHIFT, end);
	}
	/* "MUST NOT use pages ... less than or equal to the actual number" */
	if (end && !in && bn->bn_npages < bn->bn_low && !bn->bn_leaving &&
	    !has(bn, SIM_BN_F_OOM))
		sim_fault("%u pages are left, the device wants %u",
		    bn->bn_npages, bn->bn_low);
}

/* --- statistics: 5.5.6.3 ------------------------------------------------- */

static void
stats(struct sim_balloon *bn, struct sim_chain *ch)
{
	uint32_t tags = 0;
	uint8_t b[STAT_LEN];
	uint64_t off;
	u_int tag;

	if (ch->ch_nin != 0 || ch->ch_outlen % STAT_LEN != 0)
		sim_fault("statistics of %llu bytes, %u to write",
		    (unsigned long long)ch->ch_outlen, ch->ch_nin);
	if (ch->ch_vq->sq_nheld > 1)
		sim_fault("more than one buffer of statistics");
	for (off = 0; off + STAT_LEN <= ch->ch_outlen; off += STAT_LEN) {
		if (!sim_chain_read(ch, off, b, STAT_LEN))
			return;
		if ((tag = sim_get(b, 2)) >= nitems(bn->bn_stat) ||
		    (tags & 1U << tag)) {
			sim_fault("statistics: tag %u", tag);
			continue;
		}
		tags |= 1U << tag;
		bn->bn_stat[tag] = sim_get(b + 2, 8);
	}
	/* the first may be empty */
	if (bn->bn_nstats > 1 && tags != bn->bn_tags)
		sim_fault("statistics: tags %#x, before %#x", tags,
		    bn->bn_tags);
	bn->bn_nstats++;
	bn->bn_tags = tags;
}

/* --- blocks -------------------------------------------------------------- */

/* The memory itself behind a buffer; 0: not that. */
static uint64_t
block(struct sim_balloon *bn, const struct sim_seg *ss)
{
	uint64_t pa, off;
	uint8_t *p;
	void *own;

	if ((own = sim_dma_own(ss->ss_addr, ss->ss_len)) == NULL)
		return (0);
	pa = (uint64_t)own - VM_DIRECT_BASE;
	if (pa % PFN_SIZE != 0 || ss->ss_len % PFN_SIZE != 0) {
		sim_fault("a block at %#llx of %u bytes",
		    (unsigned long long)pa, ss->ss_len);
		return (0);
	}
	for (off = 0; off < ss->ss_len; off += PFN_SIZE) {
		if ((p = page_of(bn, pa + off)) == NULL)
			return (0);
		if (*p & ~P_REPORT)
			sim_fault("page %#llx is free, and is %#x",
			    (unsigned long long)(pa + off), *p);
	}
	return (pa);
}

static void
report(struct sim_balloon *bn, struct sim_chain *ch, bool end)
{
	uint8_t byte, *p;
	uint64_t pa, off;
	u_int i;

	if (!end && ch->ch_nout != 0)
		sim_fault("a report has something to read");
	byte = has(bn, SIM_BN_F_POISON) ? bn->bn_poison : SIM_BN_REPORTED;
	for (i = ch->ch_nout; i < ch->ch_nout + ch->ch_nin; i++) {
		if ((pa = block(bn, &ch->ch_seg[i])) == 0)
			continue;
		for (off = 0; off < ch->ch_seg[i].ss_len; off += PFN_SIZE) {
			p = page_of(bn, pa + off);
			if (!end && (*p & P_REPORT))
				sim_fault("page %#llx is reported twice",
				    (unsigned long long)(pa + off));
			*p = end ? 0 : P_REPORT;
		}
		if (!end && has(bn, SIM_BN_F_POISON))
			expect(pa, byte, ch->ch_seg[i].ss_len,
			    "not filled, as it was said, and reported");
		else if (!end)
			fill(pa, byte, ch->ch_seg[i].ss_len);
		else
			expect(pa, byte, ch->ch_seg[i].ss_len,
			    "before its report was acknowledged");
		if (end)
			bn->bn_reported += ch->ch_seg[i].ss_len;
	}
	if (end)
		bn->bn_nreports++;
}

/* 5.5.6.5: an ID first, then blocks, then the ID STOP. */
static void
hint(struct sim_balloon *bn, struct sim_chain *ch)
{
	uint8_t b[4];
	uint32_t id;
	uint64_t pa;
	u_int i;

	if (ch->ch_nout != 0) {
		if (ch->ch_outlen != 4)
			sim_fault("a command ID of %llu bytes",
			    (unsigned long long)ch->ch_outlen);
		if (!sim_chain_read(ch, 0, b, 4))
			return;
		id = sim_get(b, 4);
		if (id == CMD_DONE)
			sim_fault("the command ID DONE");
		else if (id == CMD_STOP)
			bn->bn_nstops++;
		else {
			if (id == bn->bn_said)
				sim_fault("command ID %u twice", id);
			if (id > bn->bn_cmd && bn->bn_cmd > CMD_DONE)
				sim_fault("command ID %u, which there was "
				    "not", id);
			bn->bn_nstarts++;
			bn->bn_hinted = 0;
		}
		bn->bn_said = id;
	}
	for (i = ch->ch_nout; i < ch->ch_nout + ch->ch_nin; i++) {
		if (bn->bn_said <= CMD_DONE)
			sim_fault("a hint without a command ID");
		if ((pa = block(bn, &ch->ch_seg[i])) == 0)
			continue;
		/* "MUST ignore pages" of another command */
		if (bn->bn_said != bn->bn_cmd)
			continue;
		bn->bn_hinted += ch->ch_seg[i].ss_len;
		fill(pa, SIM_BN_HINTED, ch->ch_seg[i].ss_len);
	}
}

/* --- requests ------------------------------------------------------------ */

static void
finish(struct sim_balloon *bn, struct sim_chain *ch)
{
	uint32_t len = 0;

	switch (bn->bn_kind[ch->ch_vq->sq_index]) {
	case SIM_BN_INFLATE:
		pages(bn, ch, true, true);
		break;
	case SIM_BN_DEFLATE:
		pages(bn, ch, false, true);
		break;
	case SIM_BN_REPORT:
		report(bn, ch, true);
		/* some say what they wrote */
		len = sim_random(2) ? ch->ch_inlen : 0;
		break;
	default:
		break;
	}
	sim_chain_done(ch, len);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	static const uint64_t feature[SIM_BN_NQUEUE] = {
		[SIM_BN_STATS] = SIM_BN_F_STATS,
		[SIM_BN_HINT] = SIM_BN_F_HINT,
		[SIM_BN_REPORT] = SIM_BN_F_REPORT,
	};
	struct sim_balloon *bn = sv->sv_priv;
	enum sim_bn_queue kind = bn->bn_kind[ch->ch_vq->sq_index];

	if (feature[kind] != 0 && !has(bn, feature[kind]))
		sim_fault("queue %u, which was not negotiated", kind);
	/* 5.5.3.1: SHOULD */
	if ((sv->sv_offered & ~sv->sv_features) & SIM_BN_F_TELL)
		sim_fault("MUST_TELL_HOST was not accepted");
	switch (kind) {
	case SIM_BN_INFLATE:
		bn->bn_ninflate++;
		pages(bn, ch, true, false);
		break;
	case SIM_BN_DEFLATE:
		bn->bn_ndeflate++;
		pages(bn, ch, false, false);
		break;
	case SIM_BN_STATS:
		stats(bn, ch);
		return;			/* until it asks */
	case SIM_BN_HINT:
		hint(bn, ch);
		break;
	default:
		report(bn, ch, false);
		break;
	}
	if (!(bn->bn_hold & 1 << kind))
		finish(bn, ch);
}

struct sim_vq *
sim_balloon_vq(struct sim_balloon *bn, enum sim_bn_queue kind)
{
	u_int i;

	for (i = 0; i < bn->bn_sv->sv_c.vc_nvq; i++) {
		if (bn->bn_kind[i] == kind)
			return (&bn->bn_sv->sv_vq[i]);
	}
	host_fail("the balloon has no such queue");
}

void
sim_balloon_release(struct sim_balloon *bn)
{
	struct sim_chain *ch;
	struct sim_vq *sq;
	u_int i;

	bn->bn_hold = 0;
	for (i = 0; i < bn->bn_sv->sv_c.vc_nvq; i++) {
		sq = &bn->bn_sv->sv_vq[i];
		while (bn->bn_kind[i] != SIM_BN_STATS &&
		    (ch = TAILQ_FIRST(&sq->sq_held)) != NULL)
			finish(bn, ch);
	}
}

/* False: it has no buffer. */
bool
sim_balloon_ask(struct sim_balloon *bn)
{
	struct sim_chain *ch;

	ch = TAILQ_FIRST(&sim_balloon_vq(bn, SIM_BN_STATS)->sq_held);
	if (ch != NULL)
		sim_chain_done(ch, 0);
	return (ch != NULL);
}

/* --- configuration ------------------------------------------------------- */

void
sim_balloon_want(struct sim_balloon *bn, uint32_t n)
{
	bn->bn_want = n;
	bn->bn_low = MIN(bn->bn_low, n);
	sim_config_put(bn->bn_sv, C_NUM_PAGES, 4, n);
	sim_virtio_changed(bn->bn_sv);
}

void
sim_balloon_command(struct sim_balloon *bn, uint32_t id)
{
	bn->bn_cmd = id;
	sim_config_put(bn->bn_sv, C_CMD, 4, id);
	sim_virtio_changed(bn->bn_sv);
}

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	struct sim_balloon *bn = sv->sv_priv;

	/* also by the legacy interface, as a whole: 5.5.6.2 */
	if (width != 4 || (off != C_ACTUAL && off != C_POISON)) {
		sim_fault("%u bytes of configuration written at %u", width,
		    off);
		return;
	}
	if (off == C_ACTUAL) {
		bn->bn_actual = sim_get_le(sv->sv_config + off, 4);
		bn->bn_nactual++;
		return;
	}
	bn->bn_poison = sim_get_le(sv->sv_config + off, 4);
	bn->bn_npoison++;
	if (!has(bn, SIM_BN_F_POISON))
		sim_fault("poison_val without PAGE_POISON");
	if (sv->sv_status & DRIVER_OK)
		sim_fault("poison_val written after DRIVER_OK");
}

/* All pages are the guest's again; what it told of them is as it was. */
static void
reset(struct sim_virtio *sv)
{
	struct sim_balloon *bn = sv->sv_priv;

	if (bn == NULL)
		return;
	check_all(bn);
	memset(bn->bn_page, 0, (bn->bn_hi - bn->bn_lo) >> PFN_SHIFT);
	bn->bn_npages = 0;
	bn->bn_said = CMD_STOP;
	bn->bn_nstats = 0;
	bn->bn_npoison = 0;
}

/* Nothing is on its way. */
void
sim_balloon_settled(struct sim_balloon *bn)
{
	if (bn->bn_actual != bn->bn_npages)
		sim_fault("actual is %u, and %u are in the balloon",
		    bn->bn_actual, bn->bn_npages);
	bn->bn_low = bn->bn_want;
	check_all(bn);
}

struct sim_balloon *
sim_balloon_new(const struct sim_virtio_conf *given, uint64_t lo,
    uint64_t hi, bool dense)
{
	static const uint64_t feature[SIM_BN_NQUEUE] = {
		~0ULL, ~0ULL, SIM_BN_F_STATS, SIM_BN_F_HINT, SIM_BN_F_REPORT
	};
	struct sim_virtio_conf vc = *given;
	struct sim_balloon *bn;
	u_int kind, n = 0;

	if ((bn = host_alloc(sizeof(*bn))) == NULL ||
	    (bn->bn_page = host_alloc((hi - lo) >> PFN_SHIFT)) == NULL)
		host_fail("no memory");
	bn->bn_lo = lo;
	bn->bn_hi = hi;
	vc.vc_devid = 5;
	for (kind = 0; kind < SIM_BN_NQUEUE; kind++) {
		if (kind > SIM_BN_DEFLATE &&
		    !(vc.vc_features & feature[kind])) {
			if (!dense) {
				bn->bn_kind[n] = kind;
				vc.vc_qsize[n++] = 0;
			}
			continue;
		}
		bn->bn_kind[n] = kind;
		if (vc.vc_qsize[n] == 0)
			vc.vc_qsize[n] = 32;
		n++;
	}
	vc.vc_nvq = n;
	vc.vc_cfgsize = (vc.vc_features & SIM_BN_F_POISON) ? 16 :
	    (vc.vc_features & SIM_BN_F_HINT) ? 12 : 8;
	vc.vc_request = request;
	vc.vc_config_written = config_written;
	vc.vc_reset = reset;
	bn->bn_sv = sim_virtio_new(&vc);
	bn->bn_sv->sv_priv = bn;
	return (bn);
}

void
sim_balloon_free(struct sim_balloon *bn)
{
	sim_virtio_free(bn->bn_sv);
	host_free(bn->bn_page);
	host_free(bn);
}
