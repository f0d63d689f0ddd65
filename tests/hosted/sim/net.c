/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A network device and the link behind it: VIRTIO 1.4, 5.1. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define F_CSUM		(1ULL << 0)
#define F_GUEST_CSUM	(1ULL << 1)
#define F_OFFLOADS	(1ULL << 2)
#define F_MTU		(1ULL << 3)
#define F_MAC		(1ULL << 5)
#define F_HOST_TSO4	(1ULL << 11)
#define F_HOST_TSO6	(1ULL << 12)
#define F_HOST_ECN	(1ULL << 13)
#define F_MRG_RXBUF	(1ULL << 15)
#define F_CTRL_VQ	(1ULL << 17)
#define F_CTRL_RX	(1ULL << 18)
#define F_CTRL_VLAN	(1ULL << 19)
#define F_CTRL_RX_EXTRA	(1ULL << 20)
#define F_ANNOUNCE	(1ULL << 21)
#define F_MQ		(1ULL << 22)
#define F_CTRL_MAC_ADDR	(1ULL << 23)
#define F_ANY_LAYOUT	(1ULL << 27)
#define F_VERSION_1	(1ULL << 32)
#define F_VQ_NOTF_COAL	(1ULL << 52)
#define F_NOTF_COAL	(1ULL << 53)
#define F_HOST_USO	(1ULL << 56)
#define F_HASH_REPORT	(1ULL << 57)
#define F_GUEST_HDRLEN	(1ULL << 59)
#define F_RSS		(1ULL << 60)
/* what makes packets of 64 KB arrive: TSO4, TSO6, UFO, USO4, USO6 */
#define F_GUEST_GSO	(1ULL << 7 | 1ULL << 8 | 1ULL << 10 | 1ULL << 54 | \
	1ULL << 55)
/* what OFFLOADS_SET can be about: CSUM, GSO, ECN */
#define F_OFFLOAD	(F_GUEST_CSUM | F_GUEST_GSO | 1ULL << 9)

enum { GSO_TYPE_TCP4 = 1, GSO_TYPE_TCP6 = 4, GSO_TYPE_UDP = 5,
    GSO_TYPE_ECN = 0x80 };
enum { RX, MAC, VLAN, ANNOUNCE, MQ, OFFLOADS, COAL };

static bool
has(const struct sim_net *nt, uint64_t feature)
{
	return ((nt->nt_sv->sv_features & feature) != 0);
}

/* 5.1.6 */
u_int
sim_net_hdrlen(const struct sim_net *nt)
{
	if (has(nt, F_HASH_REPORT))
		return (20);
	return (has(nt, F_VERSION_1 | F_MRG_RXBUF) ? 12 : 10);
}

static bool
strict_layout(const struct sim_net *nt)
{
	return (!has(nt, F_ANY_LAYOUT | F_VERSION_1));
}

static void
header_get(struct sim_nethdr *nh, const uint8_t *p, u_int len)
{
	*nh = (struct sim_nethdr){ .nh_flags = p[0], .nh_gso = p[1],
	    .nh_hdrlen = sim_get(p + 2, 2), .nh_gsosize = sim_get(p + 4, 2),
	    .nh_start = sim_get(p + 6, 2), .nh_off = sim_get(p + 8, 2) };
	if (len >= 12)
		nh->nh_nbuf = sim_get(p + 10, 2);
	if (len >= 20) {
		nh->nh_hash = sim_get(p + 12, 2) | sim_get(p + 14, 2) << 16;
		nh->nh_report = sim_get(p + 16, 2);
		nh->nh_pad = sim_get(p + 18, 2);
	}
}

void
sim_net_header(const struct sim_net *nt, const struct sim_nethdr *nh,
    uint8_t *p)
{
	u_int len = sim_net_hdrlen(nt);

	p[0] = nh->nh_flags;
	p[1] = nh->nh_gso;
	sim_put(p + 2, 2, nh->nh_hdrlen);
	sim_put(p + 4, 2, nh->nh_gsosize);
	sim_put(p + 6, 2, nh->nh_start);
	sim_put(p + 8, 2, nh->nh_off);
	if (len >= 12)
		sim_put(p + 10, 2, nh->nh_nbuf);
	if (len >= 20) {
		/* halves, as it is not aligned to more in all buffers */
		sim_put(p + 12, 2, nh->nh_hash);
		sim_put(p + 14, 2, nh->nh_hash >> 16);
		sim_put(p + 16, 2, nh->nh_report);
		sim_put(p + 18, 2, nh->nh_pad);
	}
}

/* --- what the driver sends: 5.1.6.2 -------------------------------------- */

static void
check_gso(struct sim_net *nt, const struct sim_frame *fr)
{
	const struct sim_nethdr *nh = &fr->fr_hdr;
	u_int type = nh->nh_gso & ~GSO_TYPE_ECN, l4;

	if (!(type == GSO_TYPE_TCP4 && has(nt, F_HOST_TSO4)) &&
	    !(type == GSO_TYPE_TCP6 && has(nt, F_HOST_TSO6)) &&
	    !(type == GSO_TYPE_UDP && has(nt, F_HOST_USO)))
		sim_fault("gso_type %#x was not negotiated", nh->nh_gso);
	if ((nh->nh_gso & GSO_TYPE_ECN) && (!has(nt, F_HOST_ECN) ||
	    type == GSO_TYPE_UDP))
		sim_fault("gso_type %#x with ECN", nh->nh_gso);
	if (!(nh->nh_flags & 1) || nh->nh_gsosize == 0)
		sim_fault("gso_type %#x: flags %#x, gso_size %u", nh->nh_gso,
		    nh->nh_flags, nh->nh_gsosize);
	if ((uint32_t)nh->nh_start + 20 > fr->fr_len)
		return;
	l4 = type == GSO_TYPE_UDP ? 8 : 4 * (fr->fr_data[nh->nh_start + 12] >>
	    4);
	if (has(nt, F_GUEST_HDRLEN) ? nh->nh_hdrlen != nh->nh_start + l4 :
	    nh->nh_hdrlen < nh->nh_start + l4)
		sim_fault("hdr_len %u, headers of %u", nh->nh_hdrlen,
		    nh->nh_start + l4);
}

/* What a VLAN adds to the header of Ethernet. */
static u_int
tagged(const struct sim_frame *fr)
{
	return (fr->fr_len >= 14 && fr->fr_data[12] == 0x81 &&
	    fr->fr_data[13] == 0 ? 4 : 0);
}

static void
check_header(struct sim_net *nt, const struct sim_frame *fr)
{
	const struct sim_nethdr *nh = &fr->fr_hdr;

	if (nh->nh_nbuf != 0)
		sim_fault("num_buffers is %u on the way out", nh->nh_nbuf);
	if (nh->nh_hash != 0 || nh->nh_report != 0 || nh->nh_pad != 0)
		sim_fault("fields of the hash are not cleared");
	if (nh->nh_flags & ~(has(nt, F_CSUM) ? 1 : 0))
		sim_fault("flags %#x on the way out", nh->nh_flags);
	if ((nh->nh_flags & 1) && ((uint32_t)nh->nh_start + nh->nh_off + 2 >
	    fr->fr_len || nh->nh_start < 14))
		sim_fault("checksum at %u + %u of %u", nh->nh_start,
		    nh->nh_off, fr->fr_len);
	if (nh->nh_gso != 0)
		check_gso(nt, fr);
	else if (has(nt, F_MTU) && fr->fr_len > 14U + tagged(fr) +
	    sim_get_le(nt->nt_sv->sv_config + 10, 2))
		sim_fault("a frame of %u bytes, more than the MTU",
		    fr->fr_len);
	if (fr->fr_len < 14 || fr->fr_len > 65589)
		sim_fault("a frame of %u bytes", fr->fr_len);
}

static void
transmit(struct sim_net *nt, struct sim_chain *ch)
{
	u_int hlen = sim_net_hdrlen(nt), pair = ch->ch_vq->sq_index / 2;
	struct sim_frame *fr;
	uint8_t head[20];
	uint32_t len;

	if (ch->ch_nin != 0 || ch->ch_outlen < hlen) {
		sim_fault("not a packet: %u out, %u in",
		    (u_int)ch->ch_outlen, (u_int)ch->ch_inlen);
		return;
	}
	if (pair >= nt->nt_pairs)
		sim_fault("sent on pair %u of %u", pair, nt->nt_pairs);
	if (strict_layout(nt) && ch->ch_seg[0].ss_len != hlen)
		sim_fault("layout of a legacy packet");
	len = ch->ch_outlen - hlen;
	if ((fr = host_alloc(sizeof(*fr) + len)) == NULL)
		host_fail("no memory");
	fr->fr_pair = pair;
	fr->fr_len = len;
	if (sim_chain_read(ch, 0, head, hlen) &&
	    sim_chain_read(ch, hlen, fr->fr_data, len)) {
		header_get(&fr->fr_hdr, head, hlen);
		check_header(nt, fr);
	}
	TAILQ_INSERT_TAIL(&nt->nt_sent, fr, fr_link);
	nt->nt_nsent++;
}

/* The oldest that was sent; the caller frees it. */
struct sim_frame *
sim_net_sent(struct sim_net *nt)
{
	struct sim_frame *fr = TAILQ_FIRST(&nt->nt_sent);

	if (fr != NULL)
		TAILQ_REMOVE(&nt->nt_sent, fr, fr_link);
	return (fr);
}

/* What was held goes back. */
void
sim_net_release(struct sim_net *nt, u_int most)
{
	struct sim_vq *sq;
	u_int i;

	for (i = 1; i < 2 * nt->nt_maxpairs; i += 2) {
		sq = &nt->nt_sv->sv_vq[i];
		while (sq->sq_nheld > 0 && most-- > 0)
			sim_chain_done(TAILQ_FIRST(&sq->sq_held), 0);
	}
}

/* --- what it receives: 5.1.6.3, 5.1.6.4 ---------------------------------- */

static void
check_buffer(struct sim_net *nt, struct sim_chain *ch)
{
	u_int hlen = sim_net_hdrlen(nt), need = hlen;

	if (ch->ch_nout != 0)
		sim_fault("a receive buffer has something to read");
	if (strict_layout(nt) && ch->ch_seg[0].ss_len != hlen)
		sim_fault("layout of a legacy receive buffer");
	if (!has(nt, F_MRG_RXBUF)) {
		need += has(nt, F_GUEST_GSO) ? 65589 : 1514;
		if (has(nt, F_MTU))
			need = MAX(need, hlen + 14 +
			    sim_get_le(nt->nt_sv->sv_config + 10, 2));
	}
	if (ch->ch_inlen < need)
		sim_fault("a receive buffer of %u bytes, not %u",
		    (u_int)ch->ch_inlen, need);
}

static struct sim_chain *
buffer(struct sim_net *nt, u_int pair)
{
	struct sim_vq *sq = &nt->nt_sv->sv_vq[2 * pair];

	if (TAILQ_EMPTY(&sq->sq_held) && !nt->nt_sv->sv_running)
		(void)sim_virtio_run(nt->nt_sv);
	return (TAILQ_FIRST(&sq->sq_held));
}

/* Into one buffer, whatever it is, and of any length as is said. */
bool
sim_net_raw(struct sim_net *nt, u_int pair, const void *p, size_t n,
    uint32_t said)
{
	struct sim_chain *ch;

	if ((ch = buffer(nt, pair)) == NULL)
		return (false);
	(void)sim_chain_write(ch, 0, p, MIN(n, ch->ch_inlen));
	sim_chain_done(ch, said);
	sim_vq_flush(&nt->nt_sv->sv_vq[2 * pair]);
	return (true);
}

/* Buffers that a packet of so many bytes with its header takes; 0: too few */
static u_int
buffers(struct sim_net *nt, u_int pair, uint64_t len)
{
	struct sim_chain *ch = buffer(nt, pair);
	u_int n = 0;

	for (; ch != NULL; ch = TAILQ_NEXT(ch, ch_link)) {
		n++;
		if (ch->ch_inlen >= len)
			return (n);
		if (!has(nt, F_MRG_RXBUF))
			return (0);
		len -= ch->ch_inlen;
	}
	return (0);
}

/*
 * A packet from the link; num_buffers is set here, if it is 0.  All of its
 * buffers are used before the driver does anything.  false: no room.
 */
bool
sim_net_receive(struct sim_net *nt, u_int pair, const struct sim_nethdr *given,
    const void *frame, uint32_t len)
{
	u_int hlen = sim_net_hdrlen(nt), n, i;
	struct sim_nethdr nh = *given;
	uint8_t *all, *p;
	uint32_t part;

	if (!(nt->nt_sv->sv_status & 0x04) ||
	    (n = buffers(nt, pair, hlen + len)) == 0)
		return (false);
	if (nh.nh_nbuf == 0)
		nh.nh_nbuf = n;
	if ((p = all = host_alloc(hlen + len)) == NULL)
		host_fail("no memory");
	sim_net_header(nt, &nh, all);
	memcpy(all + hlen, frame, len);
	len += hlen;
	nt->nt_most = MAX(nt->nt_most, n);
	for (i = 0; i < n; i++) {
		part = MIN(len, buffer(nt, pair)->ch_inlen);
		(void)sim_net_raw(nt, pair, p, part, part);
		p += part;
		len -= part;
	}
	host_free(all);
	nt->nt_nreceived++;
	return (true);
}

/* For sim_net_feed(): what is on the link, and will come. */
void
sim_net_queue(struct sim_net *nt, u_int pair, const struct sim_nethdr *nh,
    const void *frame, uint32_t len)
{
	struct sim_frame *fr = host_alloc(sizeof(*fr) + len);

	if (fr == NULL)
		host_fail("no memory");
	fr->fr_pair = pair;
	fr->fr_hdr = *nh;
	fr->fr_len = len;
	memcpy(fr->fr_data, frame, len);
	TAILQ_INSERT_TAIL(&nt->nt_link, fr, fr_link);
}

/* One packet, if there is a buffer for it. */
bool
sim_net_feed(struct sim_net *nt)
{
	struct sim_frame *fr = TAILQ_FIRST(&nt->nt_link);

	if (fr == NULL || nt->nt_sv->sv_running ||
	    !sim_net_receive(nt, fr->fr_pair, &fr->fr_hdr, fr->fr_data,
	    fr->fr_len))
		return (false);
	TAILQ_REMOVE(&nt->nt_link, fr, fr_link);
	host_free(fr);
	return (true);
}

/* Would the filter let in a packet to that address? */
bool
sim_net_wants(const struct sim_net *nt, const uint8_t *to)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	const uint8_t *mode = nt->nt_mode;
	u_int i;

	if (mode[0])				/* PROMISC */
		return (true);
	if (memcmp(to, all, 6) == 0)
		return (!mode[5]);		/* NOBCAST */
	if (mode[(to[0] & 1) ? 3 : 4])		/* NOMULTI, NOUNI */
		return (false);
	if (mode[(to[0] & 1) ? 1 : 2])		/* ALLMULTI, ALLUNI */
		return (true);
	for (i = 0; i < nt->nt_nuni + nt->nt_nmulti; i++) {
		if (memcmp(nt->nt_table[i], to, 6) == 0)
			return (true);
	}
	return (memcmp(nt->nt_mac, to, 6) == 0);
}

/* --- commands: 5.1.6.5 --------------------------------------------------- */

static bool
ctrl_rx(struct sim_net *nt, u_int cmd, const uint8_t *p, u_int len)
{
	if (cmd > 5 || !has(nt, cmd < 2 ? F_CTRL_RX : F_CTRL_RX_EXTRA) ||
	    len != 1 || p[0] > 1) {
		sim_fault("receive mode %u of %u bytes", cmd, len);
		return (false);
	}
	nt->nt_mode[cmd] = p[0];
	return (true);
}

/* Of one table, its addresses all of one kind; bytes that it takes. */
static u_int
mac_table(struct sim_net *nt, const uint8_t *p, u_int len, bool multi,
    u_int *np)
{
	u_int i, n;

	if (len < 4 || (n = sim_get(p, 4)) > nitems(nt->nt_table) / 2 ||
	    4 + 6 * n > len)
		return (0);
	for (i = 0; i < n; i++) {
		if (!!(p[4 + 6 * i] & 1) != multi)
			return (0);
		memcpy(nt->nt_table[(multi ? nt->nt_nuni : 0) + i],
		    p + 4 + 6 * i, 6);
	}
	*np = n;
	return (4 + 6 * n);
}

static bool
ctrl_mac(struct sim_net *nt, u_int cmd, const uint8_t *p, u_int len)
{
	u_int n;

	if (!has(nt, F_CTRL_RX))
		sim_fault("MAC command %u without CTRL_RX", cmd);
	if (cmd == 1 && len == 6 && has(nt, F_CTRL_MAC_ADDR)) {
		memcpy(nt->nt_mac, p, 6);
		if (has(nt, F_MAC))
			memcpy(nt->nt_sv->sv_config, p, 6);
		return (true);
	}
	nt->nt_nuni = nt->nt_nmulti = 0;
	if (cmd == 0 && has(nt, F_CTRL_RX) &&
	    (n = mac_table(nt, p, len, false, &nt->nt_nuni)) != 0 &&
	    n + mac_table(nt, p + n, len - n, true, &nt->nt_nmulti) == len &&
	    n != len)
		return (true);
	sim_fault("MAC command %u of %u bytes", cmd, len);
	return (false);
}

static bool
ctrl_rss(struct sim_net *nt, const uint8_t *p, u_int len)
{
	uint32_t types = sim_get_le(nt->nt_sv->sv_config + 20, 4);
	u_int n, i, max = sim_get_le(nt->nt_sv->sv_config + 18, 2), keylen;

	if (!has(nt, F_RSS) || len < 8)
		return (false);
	n = sim_get(p + 4, 2) + 1;
	if ((n & (n - 1)) != 0 || n > max || len < 8 + 2 * n + 3 ||
	    (sim_get(p, 4) & ~types) != 0)
		return (false);
	for (i = 0; i <= n; i++) {
		if (sim_get(p + 6 + 2 * i, 2) >= nt->nt_maxpairs)
			return (false);
	}
	nt->nt_pairs = sim_get(p + 8 + 2 * n, 2);
	keylen = p[10 + 2 * n];
	nt->nt_hashtypes = sim_get(p, 4);
	return (nt->nt_pairs >= 1 && nt->nt_pairs <= nt->nt_maxpairs &&
	    keylen <= nt->nt_sv->sv_config[17] && len == 11 + 2 * n + keylen);
}

static bool
ctrl_hash(struct sim_net *nt, const uint8_t *p, u_int len)
{
	static const uint8_t zero[8];

	if (!has(nt, F_HASH_REPORT) || len < 13 ||
	    memcmp(p + 4, zero, 8) != 0 ||
	    p[12] > nt->nt_sv->sv_config[17] || len != 13U + p[12] ||
	    (sim_get(p, 4) & ~sim_get_le(nt->nt_sv->sv_config + 20, 4)) != 0)
		return (false);
	nt->nt_hashtypes = sim_get(p, 4);
	return (true);
}

static bool
ctrl_mq(struct sim_net *nt, u_int cmd, const uint8_t *p, u_int len)
{
	bool ok = false;

	if (cmd == 0 && len == 2 && has(nt, F_MQ)) {
		nt->nt_pairs = sim_get(p, 2);
		ok = nt->nt_pairs >= 1 && nt->nt_pairs <= nt->nt_maxpairs;
	} else if (cmd == 1)
		ok = ctrl_rss(nt, p, len);
	else if (cmd == 2)
		ok = ctrl_hash(nt, p, len);
	if (!ok)
		sim_fault("MQ command %u of %u bytes", cmd, len);
	return (ok);
}

static bool
ctrl_offloads(struct sim_net *nt, u_int cmd, const uint8_t *p, u_int len)
{
	uint64_t v;

	if (cmd != 0 || len != 8 || !has(nt, F_OFFLOADS)) {
		sim_fault("offloads command %u of %u bytes", cmd, len);
		return (false);
	}
	v = sim_get(p, 8);
	if (v & ~(nt->nt_sv->sv_features & F_OFFLOAD)) {
		sim_fault("offloads %#llx were not negotiated",
		    (unsigned long long)v);
		return (false);
	}
	nt->nt_off = nt->nt_sv->sv_features & F_OFFLOAD & ~v;
	return (true);
}

static bool
ctrl_coal(struct sim_net *nt, u_int cmd, const uint8_t *p, u_int len)
{
	if (cmd < 2 && len == 8 && has(nt, F_NOTF_COAL)) {
		nt->nt_packets[cmd] = sim_get(p, 4);
		nt->nt_usecs[cmd] = sim_get(p + 4, 4);
		return (true);
	}
	if (cmd == 2 && len == 12 && has(nt, F_VQ_NOTF_COAL) &&
	    sim_get(p, 2) < 2 * nt->nt_maxpairs) {
		nt->nt_packets[sim_get(p, 2) % 2 == 0] = sim_get(p + 4, 4);
		nt->nt_usecs[sim_get(p, 2) % 2 == 0] = sim_get(p + 8, 4);
		return (true);
	}
	sim_fault("coalescing command %u of %u bytes", cmd, len);
	return (false);
}

static bool
ctrl_small(struct sim_net *nt, u_int class, u_int cmd, const uint8_t *p,
    u_int len)
{
	if (class == VLAN && cmd < 2 && len == 2 && has(nt, F_CTRL_VLAN))
		return (true);
	if (class == ANNOUNCE && cmd == 0 && len == 0 && has(nt, F_ANNOUNCE)) {
		nt->nt_sv->sv_config[6] &= ~2;
		nt->nt_nannounced++;
		return (true);
	}
	sim_fault("command %u of class %u, of %u bytes", cmd, class, len);
	return (false);
}

static void
check_command(struct sim_net *nt, struct sim_chain *ch, const uint8_t *p)
{
	u_int want = ch->ch_outlen == 2 ? 1 : p[0] == MAC && p[1] == 0 ? 3 : 2;

	if (strict_layout(nt) && (ch->ch_nout != want ||
	    ch->ch_seg[0].ss_len != 2 || ch->ch_nin != 1))
		sim_fault("layout of a legacy command");
}

static bool
command(struct sim_net *nt, struct sim_chain *ch)
{
	uint8_t buf[1024], *p = buf + 2;
	u_int len = ch->ch_outlen - 2;

	if (ch->ch_outlen < 2 || ch->ch_outlen > sizeof(buf) ||
	    ch->ch_inlen < 1 || !sim_chain_read(ch, 0, buf, ch->ch_outlen)) {
		sim_fault("not a command: %u out, %u in",
		    (u_int)ch->ch_outlen, (u_int)ch->ch_inlen);
		return (false);
	}
	check_command(nt, ch, buf);
	nt->nt_log[nt->nt_ncommands++ % nitems(nt->nt_log)] =
	    buf[0] << 8 | buf[1];
	if (nt->nt_refuse & 1U << buf[0])
		return (false);
	switch (buf[0]) {
	case RX:
		return (ctrl_rx(nt, buf[1], p, len));
	case MAC:
		return (ctrl_mac(nt, buf[1], p, len));
	case MQ:
		return (ctrl_mq(nt, buf[1], p, len));
	case OFFLOADS:
		return (ctrl_offloads(nt, buf[1], p, len));
	case COAL:
		return (ctrl_coal(nt, buf[1], p, len));
	default:
		return (ctrl_small(nt, buf[0], buf[1], p, len));
	}
}

static void
answer(struct sim_net *nt, struct sim_chain *ch)
{
	uint8_t ack = command(nt, ch) ? 0 : 1;

	if (nt->nt_ack != 0)
		ack = nt->nt_ack;
	(void)sim_chain_write(ch, 0, &ack, 1);
	sim_chain_done(ch, nt->nt_ackless ? 0 : 1);
}

static struct sim_vq *
control_queue(struct sim_net *nt)
{
	u_int i = has(nt, F_MQ | F_RSS) ? 2 * nt->nt_maxpairs : 2;

	return (has(nt, F_CTRL_VQ) && i < nt->nt_sv->sv_c.vc_nvq ?
	    &nt->nt_sv->sv_vq[i] : NULL);
}

/* Commands that were held are answered. */
void
sim_net_answer(struct sim_net *nt)
{
	struct sim_vq *sq = control_queue(nt);

	nt->nt_ctrlhold = false;
	while (sq != NULL && sq->sq_nheld > 0)
		answer(nt, TAILQ_FIRST(&sq->sq_held));
}

/* Was such a command given since the device was made? */
bool
sim_net_commanded(const struct sim_net *nt, u_int class, u_int cmd)
{
	u_int i;

	for (i = 0; i < MIN(nt->nt_ncommands, nitems(nt->nt_log)); i++) {
		if (nt->nt_log[i] == (class << 8 | cmd))
			return (true);
	}
	return (false);
}

/* --- the device ---------------------------------------------------------- */

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_net *nt = sv->sv_priv;

	if (ch->ch_vq == control_queue(nt)) {
		if (!nt->nt_ctrlhold)
			answer(nt, ch);
	} else if (ch->ch_vq->sq_index % 2 == 0)
		check_buffer(nt, ch);
	else {
		transmit(nt, ch);
		if (!nt->nt_hold)
			sim_chain_done(ch, 0);
	}
}

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	struct sim_net *nt = sv->sv_priv;

	if (has(nt, F_VERSION_1) || off + width > 6)
		sim_fault("configuration written at %u", off);
	else
		memcpy(nt->nt_mac, sv->sv_config, 6);
}

static void
reset(struct sim_virtio *sv)
{
	struct sim_net *nt = sv->sv_priv;

	memset(nt->nt_mode, 0, sizeof(nt->nt_mode));
	nt->nt_nuni = nt->nt_nmulti = 0;
	nt->nt_pairs = 1;
	nt->nt_hashtypes = 0;
	nt->nt_off = 0;
	memset(nt->nt_packets, 0, sizeof(nt->nt_packets));
	memset(nt->nt_usecs, 0, sizeof(nt->nt_usecs));
	memcpy(nt->nt_mac, nt->nt_ownmac, 6);
	memcpy(sv->sv_config, nt->nt_ownmac, 6);
}

struct sim_net *
sim_net_new(const struct sim_virtio_conf *given, u_int pairs)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	struct sim_virtio_conf vc = *given;
	struct sim_net *nt;
	u_int i;

	if ((nt = host_alloc(sizeof(*nt))) == NULL)
		host_fail("no memory");
	vc.vc_devid = 1;
	if (vc.vc_nvq == 0)
		vc.vc_nvq = 2 * pairs + ((vc.vc_features & F_CTRL_VQ) != 0);
	for (i = 0; i < vc.vc_nvq; i++) {
		if (vc.vc_qsize[i] == 0)
			vc.vc_qsize[i] = i == 2 * pairs ? 16 : 32;
	}
	vc.vc_cfgsize = 28;
	vc.vc_request = request;
	vc.vc_config_written = config_written;
	vc.vc_reset = reset;
	TAILQ_INIT(&nt->nt_sent);
	TAILQ_INIT(&nt->nt_link);
	nt->nt_maxpairs = pairs;
	nt->nt_pairs = 1;
	nt->nt_sv = sim_virtio_new(&vc);
	nt->nt_sv->sv_priv = nt;
	memcpy(nt->nt_sv->sv_config, mac, 6);
	memcpy(nt->nt_mac, mac, 6);
	memcpy(nt->nt_ownmac, mac, 6);
	nt->nt_sv->sv_config[6] = 1;			/* status: up */
	sim_config_put(nt->nt_sv, 8, 2, pairs);
	sim_config_put(nt->nt_sv, 10, 2, 1500);		/* mtu */
	sim_config_put(nt->nt_sv, 12, 4, 10000);	/* speed */
	nt->nt_sv->sv_config[16] = 1;			/* duplex */
	nt->nt_sv->sv_config[17] = 40;			/* RSS: key, table */
	sim_config_put(nt->nt_sv, 18, 2, 128);
	sim_config_put(nt->nt_sv, 20, 4, 0x3f);		/* types of hashes */
	return (nt);
}

void
sim_net_free(struct sim_net *nt)
{
	struct sim_frame *fr;

	sim_virtio_free(nt->nt_sv);
	while ((fr = sim_net_sent(nt)) != NULL)
		host_free(fr);
	while ((fr = TAILQ_FIRST(&nt->nt_link)) != NULL) {
		TAILQ_REMOVE(&nt->nt_link, fr, fr_link);
		host_free(fr);
	}
	host_free(nt);
}
