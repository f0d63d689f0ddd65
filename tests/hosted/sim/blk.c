/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A block device, its disk in memory: VIRTIO 1.4, 5.2. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define F_SIZE_MAX	(1ULL << 1)
#define F_SEG_MAX	(1ULL << 2)
#define F_RO		(1ULL << 5)
#define F_FLUSH		(1ULL << 9)
#define F_DISCARD	(1ULL << 13)
#define F_WRITE_ZEROES	(1ULL << 14)
#define F_LIFETIME	(1ULL << 15)
#define F_SECURE_ERASE	(1ULL << 16)
#define F_ZONED		(1ULL << 17)
#define F_ANY_LAYOUT	(1ULL << 27)
#define F_VERSION_1	(1ULL << 32)

enum {
	T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_GET_LIFETIME = 10,
	T_DISCARD = 11, T_WRITE_ZEROES = 13, T_SECURE_ERASE = 14
};
enum { S_OK, S_IOERR, S_UNSUPP };

static void
check_limits(struct sim_virtio *sv, struct sim_chain *ch)
{
	uint32_t size_max = sim_get_le(sv->sv_config + 8, 4);
	uint32_t seg_max = sim_get_le(sv->sv_config + 12, 4);
	u_int i;

	if ((sv->sv_features & F_SEG_MAX) && seg_max != 0 &&
	    ch->ch_nout + ch->ch_nin > seg_max + 2)
		sim_fault("more than SEG_MAX segments");
	for (i = 0; i < ch->ch_nout + ch->ch_nin; i++) {
		if ((sv->sv_features & F_SIZE_MAX) && size_max != 0 &&
		    ch->ch_seg[i].ss_len > size_max)
			sim_fault("a segment of more than SIZE_MAX");
	}
	if (!(sv->sv_features & (F_ANY_LAYOUT | F_VERSION_1)) &&
	    (ch->ch_seg[0].ss_len != 16 || ch->ch_seg[ch->ch_nout +
	    ch->ch_nin - 1].ss_len != 1))
		sim_fault("layout of a legacy request");
}

/*
 * 5.2.6.2: ranges of 16 bytes each, within the limits of the configuration,
 * whose place is given.
 */
static u_int
serve_ranges(struct sim_blk *bk, struct sim_chain *ch, uint64_t feature,
    u_int limits, uint32_t flags, int fill)
{
	uint32_t max = sim_get_le(bk->bk_sv->sv_config + limits, 4), n, fl;
	uint64_t len = ch->ch_outlen - 16, off, sector;
	uint8_t r[16];

	if (!(bk->bk_sv->sv_features & feature))
		sim_fault("a range for what was not negotiated");
	if (len == 0 || len % sizeof(r) != 0 || len / sizeof(r) >
	    MAX(sim_get_le(bk->bk_sv->sv_config + limits + 4, 4), 1))
		sim_fault("%u bytes of ranges", (u_int)len);
	for (off = 16; off < 16 + len; off += sizeof(r)) {
		if (!sim_chain_read(ch, off, r, sizeof(r)))
			return (S_IOERR);
		sector = sim_get(r, 8);
		n = sim_get(r + 8, 4);
		fl = sim_get(r + 12, 4);
		if (n == 0 || n > max)
			sim_fault("a range of %u sectors", n);
		if (fl & ~flags)
			sim_fault("flags 0x%x of a range", fl);
		if (sector > bk->bk_size / 512 ||
		    n > bk->bk_size / 512 - sector) {
			sim_fault("a range beyond the end of the disk");
			return (S_IOERR);
		}
		bk->bk_nrange++;
		memset(bk->bk_disk + 512 * sector, fill, 512 * (uint64_t)n);
	}
	return (bk->bk_sv->sv_offered & F_RO ? S_IOERR : S_OK);
}

/* Status; *len: what was written before it. */
static u_int
serve(struct sim_blk *bk, struct sim_chain *ch, uint64_t *len)
{
	uint64_t sector, n;
	uint8_t head[16], *p;
	bool ro = (bk->bk_sv->sv_offered & F_RO) != 0;
	uint32_t type;

	*len = 0;
	if (!sim_chain_read(ch, 0, head, sizeof(head)) || ch->ch_inlen < 1) {
		sim_fault("not a block request: %u out, %u in",
		    (u_int)ch->ch_outlen, (u_int)ch->ch_inlen);
		return (S_IOERR);
	}
	type = sim_get(head, 4);
	sector = sim_get(head + 8, 8);
	n = type == T_OUT ? ch->ch_outlen - 16 : ch->ch_inlen - 1;
	if (bk->bk_nwell > 0)
		bk->bk_nwell--;
	else if (bk->bk_nerror > 0) {
		bk->bk_nerror--;
		return (bk->bk_error);
	}
	switch (type) {
	case T_GET_ID:
		bk->bk_nid++;
		if (n < 20)
			return (S_UNSUPP);
		*len = 20;
		return (sim_chain_write(ch, 0, bk->bk_id, 20) ? S_OK :
		    S_IOERR);
	case T_FLUSH:
		bk->bk_nflush++;
		if (!(bk->bk_sv->sv_features & F_FLUSH))
			sim_fault("flush, which was not negotiated");
		if (n != 0 || sector != 0)
			sim_fault("a flush with data");
		return (S_OK);
	case T_GET_LIFETIME:
		if (!(bk->bk_sv->sv_features & F_LIFETIME))
			sim_fault("lifetime, which was not negotiated");
		*len = 6;
		return (n == 6 && sim_chain_write(ch, 0, bk->bk_life, 6) ?
		    S_OK : S_IOERR);
	case T_DISCARD:
		return (serve_ranges(bk, ch, F_DISCARD, 36, 0, 0xdd));
	case T_WRITE_ZEROES:
		return (serve_ranges(bk, ch, F_WRITE_ZEROES, 48, 1, 0));
	case T_SECURE_ERASE:
		return (serve_ranges(bk, ch, F_SECURE_ERASE, 60, 0, 0xee));
	case T_IN:
	case T_OUT:
		break;
	default:
		sim_fault("block request %u", type);
		return (S_UNSUPP);
	}
	if (n == 0 || n % 512 != 0)
		sim_fault("%llu bytes of data", (unsigned long long)n);
	if (sector > bk->bk_size / 512 || n > bk->bk_size - 512 * sector) {
		sim_fault("beyond the end of the disk");
		return (S_IOERR);
	}
	p = bk->bk_disk + 512 * sector;
	if (type == T_IN) {
		bk->bk_nread++;
		*len = n;
		return (sim_chain_write(ch, 0, p, n) ? S_OK : S_IOERR);
	}
	bk->bk_nwrite++;
	if (ro)
		return (S_IOERR);
	return (sim_chain_read(ch, 16, p, n) ? S_OK : S_IOERR);
}

static void
finish(struct sim_blk *bk, struct sim_chain *ch)
{
	uint64_t len;
	uint8_t status;

	check_limits(bk->bk_sv, ch);
	status = serve(bk, ch, &len);
	if (ch->ch_inlen > 0)
		(void)sim_chain_write(ch, ch->ch_inlen - 1, &status, 1);
	/* without all that is before it the status is not counted */
	sim_chain_done(ch, len == ch->ch_inlen - 1 ? len + 1 : len);
}

static struct sim_chain *
pick(struct sim_vq *sq, bool random)
{
	struct sim_chain *ch = TAILQ_FIRST(&sq->sq_held);
	u_int n = random ? sim_random(sq->sq_nheld) : 0;

	while (n-- > 0)
		ch = TAILQ_NEXT(ch, ch_link);
	return (ch);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_blk *bk = sv->sv_priv;
	struct sim_vq *sq = ch->ch_vq;

	bk->bk_most = MAX(bk->bk_most, sq->sq_nheld);
	if (bk->bk_hold)
		return;
	if (!sv->sv_c.vc_random_order) {
		finish(bk, ch);
		return;
	}
	/* some of those that are there, in any order; never none at the end */
	while (sq->sq_nheld > 0 && (sq->sq_nheld > 3 || sim_random(3) != 0 ||
	    !sim_vq_more(sq)))
		finish(bk, pick(sq, true));
}

void
sim_blk_release(struct sim_blk *bk)
{
	struct sim_vq *sq;
	u_int i;

	bk->bk_hold = false;
	for (i = 0; i < bk->bk_sv->sv_c.vc_nvq; i++) {
		sq = &bk->bk_sv->sv_vq[i];
		while (sq->sq_nheld > 0)
			finish(bk, pick(sq, bk->bk_sv->sv_c.vc_random_order));
	}
}

struct sim_blk *
sim_blk_new(const struct sim_virtio_conf *given, uint64_t size)
{
	struct sim_virtio_conf vc = *given;
	struct sim_blk *bk;
	uint64_t i;

	if ((bk = host_alloc(sizeof(*bk))) == NULL ||
	    (bk->bk_disk = host_alloc(MAX(size, 1))) == NULL)
		host_fail("no memory");
	vc.vc_devid = 2;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = 1;
		vc.vc_qsize[0] = 64;
	}
	vc.vc_cfgsize = 0x60;
	vc.vc_request = request;
	bk->bk_size = size;
	for (i = 0; i < size; i++)
		bk->bk_disk[i] = i * 7 + (i >> 9) * 31 + (i >> 17);
	memcpy(bk->bk_id, "simulated-disk-0001", 20);
	bk->bk_sv = sim_virtio_new(&vc);
	bk->bk_sv->sv_priv = bk;
	sim_config_put(bk->bk_sv, 0, 8, size / 512);
	return (bk);
}

void
sim_blk_free(struct sim_blk *bk)
{
	sim_virtio_free(bk->bk_sv);
	host_free(bk->bk_disk);
	host_free(bk);
}
