/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): what the header of a packet that arrives may say, and what it means.
 * VIRTIO 1.4, 5.1.9.4.
 *
 * Each field is fetched once.  A packet that cannot be is dropped, and counted
 * by the reason; nothing is printed, since a device could do that for ever.
 */

#include <sys/systm.h>

#include <dev/pv/if_viovar.h>

/* The header of the packet that begins in this slot. */
enum vio_rxstat
vio_rx_header(struct vio_rxq *q, const struct vio_rxslot *rs, uint32_t len,
    struct vio_rxhdr *rh)
{
	const struct vio_softc *sc = q->rq_sc;
	const struct virtio_net_hdr *vnh = (const void *)
	    (rs->rs_ext[0]->me_buf + sc->sc_rxoff);
	uint16_t report;

	*rh = (struct vio_rxhdr){ .rh_nbufs = 1 };
	if (vq_was_cut(q->rq_vq))
		return (RX_LONG);
	if (len < sc->sc_hdrlen)
		return (RX_SHORT);
	rh->rh_flags = le8_load(&vnh->vnh_flags);
	rh->rh_gso = le8_load(&vnh->vnh_gso_type);
	if (rh->rh_gso != VIRTIO_NET_HDR_GSO_NONE)
		rh->rh_gso_size = le16_load(&vnh->vnh_gso_size);
	if (rh->rh_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		rh->rh_csum_start = le16_load(&vnh->vnh_csum_start);
		rh->rh_csum_offset = le16_load(&vnh->vnh_csum_offset);
	}
	if (sc->sc_hdrlen == VIRTIO_NET_HDR_HASH) {
		report = le16_load(&vnh->vnh_hash_report);
		rh->rh_hash = le16_load(&vnh->vnh_hash_low) |
		    (uint32_t)le16_load(&vnh->vnh_hash_high) << 16;
		rh->rh_hashed = report != VIRTIO_NET_HASH_REPORT_NONE &&
		    report <= VIRTIO_NET_HASH_REPORT_MAX;
	}
	if (!sc->sc_merge)
		return (RX_GOOD);
	rh->rh_nbufs = le16_load(&vnh->vnh_num_buffers);
	if (rh->rh_nbufs == 0 || rh->rh_nbufs - 1U > q->rq_lent) {
		rh->rh_nbufs = 1;
		return (RX_NUM_BUFFERS);
	}
	return (RX_GOOD);
}

/* Does it say only what was agreed on? */
enum vio_rxstat
vio_rx_agreed(struct vio_rxq *q, const struct vio_rxhdr *rh)
{
	uint64_t guest = q->rq_sc->sc_guest, need;

	if (__predict_false(rh->rh_flags & ~(VIRTIO_NET_HDR_F_NEEDS_CSUM |
	    VIRTIO_NET_HDR_F_DATA_VALID))) {
		/* 5.1.9.4.2: to be ignored, unless the offsets are others */
		q->rq_stat[RX_FLAGS]++;
		if ((rh->rh_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		    (rh->rh_flags & (VIRTIO_NET_HDR_F_RSC_INFO |
		    VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM)))
			return (RX_CSUM_REFUSED);
	}
	if ((rh->rh_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	    !(guest & VIRTIO_NET_F_GUEST_CSUM))
		return (RX_CSUM_REFUSED);
	if (__predict_true(rh->rh_gso == VIRTIO_NET_HDR_GSO_NONE))
		return (RX_GOOD);
	switch (rh->rh_gso & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		need = VIRTIO_NET_F_GUEST_TSO4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		need = VIRTIO_NET_F_GUEST_TSO6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		need = VIO_GUEST_USO;	/* which of them: see vio_rx_gso() */
		break;
	default:
		return (RX_GSO_TYPE);
	}
	if (!(guest & need) || ((rh->rh_gso & VIRTIO_NET_HDR_GSO_ECN) &&
	    (!(guest & VIRTIO_NET_F_GUEST_ECN) || need == VIO_GUEST_USO)))
		return (RX_GSO_TYPE);
	if (!(rh->rh_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return (RX_GSO_CSUM);
	return (rh->rh_gso_size == 0 ? RX_GSO_SIZE : RX_GOOD);
}

/* 5.1.9.4: where the sum is to be put is told by the device. */
static enum vio_rxstat
vio_rx_csum(struct vio_rxq *q, struct pkthdr *ph, const struct vio_rxhdr *rh)
{
	uint32_t end;

	if (!(rh->rh_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
		if ((rh->rh_flags & VIRTIO_NET_HDR_F_DATA_VALID) &&
		    (q->rq_sc->sc_if.if_capenable & IFCAP_RXCSUM)) {
			ph->ph_flags |= PH_CSUM_GOOD;
			q->rq_stat[RX_GOOD_CSUM]++;
		}
		return (RX_GOOD);
	}
	end = (uint32_t)rh->rh_csum_start + rh->rh_csum_offset + 2;
	if (rh->rh_csum_start < ETHER_HDR_LEN || end > ph->ph_len)
		return (RX_CSUM_OFFSETS);
	ph->ph_flags |= PH_CSUM_PARTIAL;
	ph->ph_csum_start = rh->rh_csum_start;
	ph->ph_csum_off = rh->rh_csum_offset;
	q->rq_stat[RX_PARTIAL_CSUM]++;
	return (RX_GOOD);
}

/*
 * The kind of segments, and how long their headers are: of hdr_len nothing is
 * known for certain (5.1.9.4.2), so the headers themselves must tell.
 */
static enum vio_rxstat
vio_rx_gso(struct vio_rxq *q, struct mbuf *m, const struct vio_rxhdr *rh)
{
	struct pkthdr *ph = &m->m_pkthdr;
	uint8_t type = rh->rh_gso & ~VIRTIO_NET_HDR_GSO_ECN, doff;
	uint32_t hdrlen;
	be16_w ether;
	bool v6;

	(void)m_copydata(m, offsetof(struct ether_header, ether_type),
	    sizeof(ether), &ether);
	v6 = be16_get(ether) == ETHERTYPE_IPV6;
	if (!v6 && be16_get(ether) != ETHERTYPE_IP)
		return (RX_GSO_HEADER);
	if (type == VIRTIO_NET_HDR_GSO_UDP_L4) {
		if (!(q->rq_sc->sc_guest & (v6 ? VIRTIO_NET_F_GUEST_USO6 :
		    VIRTIO_NET_F_GUEST_USO4)))
			return (RX_GSO_TYPE);
		if (ph->ph_csum_off != 6)
			return (RX_GSO_HEADER);
		ph->ph_gso = v6 ? GSO_UDP6 : GSO_UDP4;
		hdrlen = ph->ph_csum_start + 8;
	} else {
		if (ph->ph_csum_off != 16 ||
		    v6 != (type == VIRTIO_NET_HDR_GSO_TCPV6) ||
		    !m_copydata(m, ph->ph_csum_start + 12, 1, &doff) ||
		    doff >> 4 < 5)
			return (RX_GSO_HEADER);
		ph->ph_gso = v6 ? GSO_TCP6 : GSO_TCP4;
		hdrlen = ph->ph_csum_start + (doff >> 4) * 4;
	}
	if (hdrlen >= ph->ph_len)
		return (RX_GSO_HEADER);
	if (rh->rh_gso_size >= ph->ph_len - hdrlen) {
		ph->ph_gso = GSO_NONE;	/* all in one segment */
		return (RX_GOOD);
	}
	ph->ph_gso_size = rh->rh_gso_size;
	ph->ph_gso_hdrlen = hdrlen;
	if (rh->rh_gso & VIRTIO_NET_HDR_GSO_ECN)
		ph->ph_flags |= PH_GSO_ECN;
	q->rq_stat[RX_GSO]++;
	return (RX_GOOD);
}

/* A whole packet, in memory of ours. */
enum vio_rxstat
vio_rx_finish(struct vio_rxq *q, struct vio_rxpkt *rp)
{
	const struct vio_rxhdr *rh = &rp->rp_hdr;
	struct mbuf *m = rp->rp_m;
	struct pkthdr *ph = &m->m_pkthdr;
	enum vio_rxstat bad;

	if (rp->rp_len < ETHER_HDR_LEN)
		return (RX_RUNT);
	if (rh->rh_gso == VIRTIO_NET_HDR_GSO_NONE &&
	    rp->rp_len > q->rq_sc->sc_maxframe)
		return (RX_GIANT);
	ph->ph_len = rp->rp_len;
	if (rh->rh_flags != 0 && (bad = vio_rx_csum(q, ph, rh)) != RX_GOOD)
		return (bad);
	if (rh->rh_gso != VIRTIO_NET_HDR_GSO_NONE &&
	    (bad = vio_rx_gso(q, m, rh)) != RX_GOOD)
		return (bad);
	if (rh->rh_hashed) {
		ph->ph_flags |= PH_HASH;
		ph->ph_hash = rh->rh_hash;
	}
	return (RX_GOOD);
}

