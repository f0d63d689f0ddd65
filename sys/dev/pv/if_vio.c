/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): virtio network interfaces.  VIRTIO 1.4, 5.1 Network Device.
 *
 * This file has what the device is, as far as it can be known, and its life;
 * see if_viovar.h for the others.
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <dev/pv/if_viovar.h>

#include <net/if.h>

#define VIO_MTU_MAX	65535
#define VIO_TSO_MAX	(65535 + ETHER_HDR_LEN)
#define VIO_TSO_SEGS	8		/* a queue must take as many */
#define VIO_CTRL_SIZE	64

int	vio_attach(struct device *, struct device *, void *);
int	vio_detach(struct device *, int);

VIRTIO_ATTACH_DECL(vio, vio_softc, VIRTIO_ID_NETWORK, "network");

static void	vio_config(void *);
static void	vio_event(void *, enum virtio_event);
static int	vio_up(struct ifnet *);
static void	vio_down(struct ifnet *);
static void	vio_rxfilter(struct ifnet *);
static int	vio_setlladdr(struct ifnet *, const uint8_t *);
static int	vio_setmtu(struct ifnet *, u_int);
static int	vio_setcaps(struct ifnet *, uint32_t);

static const struct ifnet_ops vio_ops = {
	.ifo_up = vio_up,
	.ifo_down = vio_down,
	.ifo_transmit = vio_transmit,
	.ifo_rxfilter = vio_rxfilter,
	.ifo_setlladdr = vio_setlladdr,
	.ifo_setmtu = vio_setmtu,
	.ifo_setcaps = vio_setcaps,
	.ifo_counters = vio_counters,
	.ifo_describe = vio_describe,
};

/* --- features ------------------------------------------------------------ */

/*
 * 5.1.3.1 Feature bit requirements; where one of two bits will do, see
 * vio_lacking().  Three need the control queue though that does not say so:
 * they are of no use without (5.1.4.2, 5.1.9.5.9).
 */
#define FEATURE(f, needs, flags)					\
	{ VIRTIO_NET_F_##f, (needs), (flags), #f }
static const struct virtio_feature vio_features[] = {
	FEATURE(CSUM, 0, 0),
	FEATURE(GUEST_CSUM, 0, 0),
	FEATURE(CTRL_GUEST_OFFLOADS, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(MTU, 0, 0),
	FEATURE(MAC, 0, 0),
	FEATURE(GSO, 0, VFF_UNUSED),
	FEATURE(GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM, 0),
	FEATURE(GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM, 0),
	FEATURE(GUEST_ECN, VIRTIO_NET_F_GUEST_CSUM, 0),
	FEATURE(GUEST_UFO, VIRTIO_NET_F_GUEST_CSUM, VFF_UNUSED),
	FEATURE(HOST_TSO4, VIRTIO_NET_F_CSUM, 0),
	FEATURE(HOST_TSO6, VIRTIO_NET_F_CSUM, 0),
	FEATURE(HOST_ECN, VIRTIO_NET_F_CSUM, 0),
	FEATURE(HOST_UFO, VIRTIO_NET_F_CSUM, VFF_UNUSED),
	FEATURE(MRG_RXBUF, 0, 0),
	FEATURE(STATUS, 0, 0),
	FEATURE(CTRL_VQ, 0, 0),
	FEATURE(CTRL_RX, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(CTRL_RX_EXTRA, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(MQ, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX, 0),
	FEATURE(GUEST_RSC4, 0, VFF_UNUSED),
	FEATURE(GUEST_RSC6, 0, VFF_UNUSED),
	FEATURE(DEVICE_STATS, VIRTIO_NET_F_CTRL_VQ, VFF_UNUSED),
	FEATURE(HASH_TUNNEL, VIRTIO_NET_F_CTRL_VQ, VFF_UNUSED),
	FEATURE(VQ_NOTF_COAL, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(NOTF_COAL, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(GUEST_USO4, VIRTIO_NET_F_GUEST_CSUM, 0),
	FEATURE(GUEST_USO6, VIRTIO_NET_F_GUEST_CSUM, 0),
	FEATURE(HOST_USO, VIRTIO_NET_F_CSUM, 0),
	FEATURE(HASH_REPORT, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(GUEST_HDRLEN, 0, 0),
	FEATURE(RSS, VIRTIO_NET_F_CTRL_VQ, 0),
	FEATURE(RSC_EXT, 0, VFF_UNUSED),
	FEATURE(STANDBY, 0, VFF_UNUSED),
	FEATURE(SPEED_DUPLEX, 0, 0),
	FEATURE(RSS_CONTEXT, VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_RSS,
	    VFF_UNUSED),
	FEATURE(GUEST_UDP_TUNNEL_GSO, VIO_GUEST_TSO | VIO_GUEST_USO,
	    VFF_UNUSED),
	FEATURE(GUEST_UDP_TUNNEL_GSO_CSUM,
	    VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO, VFF_UNUSED),
	FEATURE(HOST_UDP_TUNNEL_GSO, VIRTIO_NET_F_HOST_TSO4 |
	    VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_USO, VFF_UNUSED),
	FEATURE(HOST_UDP_TUNNEL_GSO_CSUM, VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO,
	    VFF_UNUSED),
	FEATURE(OUT_NET_HEADER, 0, VFF_UNUSED),
	FEATURE(IPSEC, 0, VFF_UNUSED),
};
#undef FEATURE

static const struct virtio_field vio_fields[] = {
	VIRTIO_FIELD_ARRAY(virtio_net_config, mac, 0),
	VIRTIO_FIELD(virtio_net_config, status, VIRTIO_NET_F_STATUS),
	/* there with MQ or RSS: vio_check() looks which there is */
	VIRTIO_FIELD(virtio_net_config, max_virtqueue_pairs, 0),
	VIRTIO_FIELD(virtio_net_config, mtu, VIRTIO_NET_F_MTU),
	VIRTIO_FIELD(virtio_net_config, rss_max_key_size, 0),
	VIRTIO_FIELD(virtio_net_config, rss_max_indirection_table_length,
	    VIRTIO_NET_F_RSS),
	VIRTIO_FIELD(virtio_net_config, supported_hash_types, 0),
};
/* what may change */
static const struct virtio_field vio_status[] = {
	VIRTIO_FIELD(virtio_net_config, status, VIRTIO_NET_F_STATUS),
	VIRTIO_FIELD(virtio_net_config, speed, VIRTIO_NET_F_SPEED_DUPLEX),
	VIRTIO_FIELD(virtio_net_config, duplex, VIRTIO_NET_F_SPEED_DUPLEX),
};

/* Of what needs one of two others: does it lack both? */
static virtio_bits_t
vio_lacking(const struct vio_softc *sc, virtio_bits_t refuse)
{
	static const struct {
		virtio_bits_t	bit, sum, one, other;
	} needs[] = {
		{ VIRTIO_NET_F_HOST_ECN, VIRTIO_NET_F_CSUM,
		    VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_GUEST_CSUM,
		    VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6 },
	};
	virtio_bits_t lacking = 0, a, b;
	u_int i;

	for (i = 0; i < nitems(needs); i++) {
		a = needs[i].sum | needs[i].one;
		b = needs[i].sum | needs[i].other;
		if (!(virtio_offered(sc->sc_vsc, a) && !(refuse & a)) &&
		    !(virtio_offered(sc->sc_vsc, b) && !(refuse & b)))
			lacking |= needs[i].bit;
	}
	return (lacking);
}

static int
vio_negotiate(struct vio_softc *sc, virtio_bits_t refuse)
{
	return (virtio_negotiate(sc->sc_vsc, &sc->sc_dev, vio_features,
	    nitems(vio_features), refuse | vio_lacking(sc, refuse)));
}

/* The flags of the configuration, or of the kernel command line. */
static int
vio_flags(const struct device *dev)
{
	int flags = dev->dv_cfdata->cf_flags;
	const char *v, *end;
	uint64_t n;
	u_int i;

	for (i = 0; (v = cmdline_get("vio.flags", i)) != NULL; i++) {
		if (strtonum64(v, &end, &n) == 0 && *end == '\0' &&
		    n <= INT32_MAX)
			flags = n;
		else
			cmdline_bad("vio.flags", v);
	}
	return (flags);
}

/* What not to accept even if it is offered. */
static virtio_bits_t
vio_refused(const struct vio_softc *sc)
{
	virtio_bits_t refuse = 0;

	/*
	 * A packet of several buffers that lies across the end of the ring
	 * comes to pieces in QEMU if these must be used in their order.
	 */
	if (virtio_offered(sc->sc_vsc, VIRTIO_NET_F_MRG_RXBUF))
		refuse |= VIRTIO_F_IN_ORDER;
	if (sc->sc_flags & VIO_FLAG_NO_OFFLOAD)
		refuse |= VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM;
	if (sc->sc_flags & VIO_FLAG_NO_EVENT_IDX)
		refuse |= VIRTIO_F_EVENT_IDX;
	if (sc->sc_flags & VIO_FLAG_ONE_PAIR)
		refuse |= VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS;
	return (refuse);
}

/* --- what the device says of itself -------------------------------------- */

/* Is it so?  *refuse: features whose numbers make no sense. */
static int
vio_check(struct vio_softc *sc, const struct virtio_net_config *conf,
    virtio_bits_t *refuse)
{
	bool rss = virtio_has(sc->sc_vsc, VIRTIO_NET_F_RSS);

	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_MTU) &&
	    conf->mtu < VIRTIO_NET_MTU_MIN) {
		device_describe(&sc->sc_dev, "MTU is %u, not used",
		    conf->mtu);
		return (ENXIO);
	}
	sc->sc_maxpairs = 1;
	if (rss || virtio_has(sc->sc_vsc, VIRTIO_NET_F_MQ))
		sc->sc_maxpairs = conf->max_virtqueue_pairs;
	/* it also tells where the control queue is */
	if (sc->sc_maxpairs == 0 || sc->sc_maxpairs > VIRTIO_NET_PAIRS_MAX) {
		device_describe(&sc->sc_dev, "%u queue pairs, not used",
		    sc->sc_maxpairs);
		return (ENXIO);
	}
	sc->sc_hashtypes = conf->supported_hash_types &
	    VIRTIO_NET_HASH_TYPES;
	*refuse = 0;
	if (conf->rss_max_key_size < VIRTIO_NET_RSS_KEY)
		*refuse |= VIRTIO_NET_F_RSS | VIRTIO_NET_F_HASH_REPORT;
	if (conf->rss_max_indirection_table_length < VIRTIO_NET_RSS_TABLE)
		*refuse |= VIRTIO_NET_F_RSS;
	return (0);
}

static void
vio_address(struct vio_softc *sc, const struct virtio_net_config *conf)
{
	static const uint8_t zero[ETHER_ADDR_LEN];
	uint8_t *addr = sc->sc_if.if_lladdr;

	memcpy(sc->sc_hwaddr, conf->mac, ETHER_ADDR_LEN);
	sc->sc_hwaddrok = virtio_has(sc->sc_vsc, VIRTIO_NET_F_MAC) &&
	    !ETHER_IS_MULTICAST(conf->mac) &&
	    memcmp(conf->mac, zero, ETHER_ADDR_LEN) != 0;
	if (sc->sc_hwaddrok) {
		memcpy(addr, sc->sc_hwaddr, ETHER_ADDR_LEN);
		return;
	}
	rnd_bytes(addr, ETHER_ADDR_LEN);
	addr[0] = (addr[0] & ~0x01) | 0x02;	/* locally administered */
}

/* What follows from the features. */
static void
vio_facts(struct vio_softc *sc, const struct virtio_net_config *conf)
{
	struct virtio_softc *vsc = sc->sc_vsc;
	bool modern = virtio_has(vsc, VIRTIO_F_VERSION_1);
	struct ifnet *ifp = &sc->sc_if;
	uint64_t bits;

	sc->sc_merge = virtio_has(vsc, VIRTIO_NET_F_MRG_RXBUF);
	sc->sc_hdrlen = virtio_has(vsc, VIRTIO_NET_F_HASH_REPORT) ?
	    VIRTIO_NET_HDR_HASH : modern || sc->sc_merge ?
	    VIRTIO_NET_HDR_SIZE : VIRTIO_NET_HDR_LEGACY;
	sc->sc_hdrapart = !modern && !virtio_has(vsc, VIRTIO_F_ANY_LAYOUT);
	/* so that the IP header is aligned to 4 */
	sc->sc_rxoff = -(sc->sc_hdrlen + ETHER_HDR_LEN) & 3;
	sc->sc_guest = 0;
	for (bits = VIO_GUEST_ALL; bits != 0; bits &= bits - 1) {
		if (virtio_has(vsc, bits & -bits))
			sc->sc_guest |= bits & -bits;
	}
	sc->sc_offloads = sc->sc_guest;
	sc->sc_bigrx = (sc->sc_guest & (VIO_GUEST_TSO | VIO_GUEST_USO)) != 0;

	ifp->if_mtu = ETHERMTU;
	if (virtio_has(vsc, VIRTIO_NET_F_MTU))
		ifp->if_mtu = ifp->if_hardmtu = conf->mtu;
	else if (sc->sc_merge || sc->sc_bigrx)
		ifp->if_hardmtu = VIO_MTU_MAX;
	else
		ifp->if_hardmtu = ETHERMTU;
	sc->sc_maxframe = ifp->if_hardmtu + ETHER_HDR_LEN + ETHER_VLAN_LEN;
	ifp->if_tsomax = VIO_TSO_MAX;
	vio_rx_shape(sc);
}

static void
vio_capabilities(struct vio_softc *sc)
{
	static const struct {
		uint64_t	bit;
		uint32_t	cap;
	} caps[] = {
		{ VIRTIO_NET_F_CSUM, IFCAP_CSUM },
		{ VIRTIO_NET_F_HOST_TSO4, IFCAP_TSO4 },
		{ VIRTIO_NET_F_HOST_TSO6, IFCAP_TSO6 },
		{ VIRTIO_NET_F_HOST_ECN, IFCAP_TSO_ECN },
		{ VIRTIO_NET_F_HOST_USO, IFCAP_USO },
		{ VIRTIO_NET_F_GUEST_CSUM, IFCAP_RXCSUM },
	};
	struct ifnet *ifp = &sc->sc_if;
	u_int i, segs = VIO_TXSEGS;

	ifp->if_capabilities = IFCAP_VLAN_MTU;
	for (i = 0; i < nitems(caps); i++) {
		if (virtio_has(sc->sc_vsc, caps[i].bit))
			ifp->if_capabilities |= caps[i].cap;
	}
	if (sc->sc_bigrx)
		ifp->if_capabilities |= IFCAP_LRO;
	for (i = 0; i < sc->sc_npairs; i++)
		segs = MIN(segs, vq_maxsegs(sc->sc_txq[i].tq_vq));
	if (segs < VIO_TSO_SEGS)
		ifp->if_capabilities &= ~(IFCAP_TSO4 | IFCAP_TSO6 |
		    IFCAP_TSO_ECN | IFCAP_USO);
	/* without header, and what begins in the middle of a page */
	ifp->if_tsosegs = segs < VIO_TSO_SEGS ? 1 : segs - 2;
	ifp->if_capenable = ifp->if_capabilities;
}

/* --- link: 5.1.4 --------------------------------------------------------- */

/* The state, which may be asked for at any time.  Status bits, or 0. */
static uint16_t
vio_link(struct vio_softc *sc)
{
	struct virtio_net_config conf;
	struct ifnet *ifp = &sc->sc_if;
	enum link_state link = LINK_UP;
	uint64_t rate = 0;

	memset(&conf, 0, sizeof(conf));
	if (virtio_config_read(sc->sc_vsc, vio_status, nitems(vio_status),
	    &conf) != 0)
		return (0);
	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_STATUS) &&
	    !(conf.status & VIRTIO_NET_S_LINK_UP))
		link = LINK_DOWN;
	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_SPEED_DUPLEX) &&
	    conf.speed <= VIRTIO_NET_SPEED_MAX)
		rate = conf.speed * 1000000ULL;
	/* 5.1.4 has it in two ways; this is the one that devices have */
	ifp->if_fullduplex =
	    !virtio_has(sc->sc_vsc, VIRTIO_NET_F_SPEED_DUPLEX) ||
	    conf.duplex != VIRTIO_NET_DUPLEX_HALF;
	if (link != ifp->if_link || rate != ifp->if_baudrate) {
		ifp->if_link = link;
		ifp->if_baudrate = rate;
		if_link_changed(ifp);
	}
	return (conf.status);
}

/* The device's configuration has changed. */
static void
vio_config(void *arg)
{
	struct vio_softc *sc = arg;
	uint16_t status;

	if (!sc->sc_attached || sc->sc_dead)
		return;
	sc->sc_stat[CTL_CHANGES]++;
	status = vio_link(sc);
	/* 5.1.9.5.4 Gratuitous Packet Sending */
	if (!virtio_has(sc->sc_vsc, VIRTIO_NET_F_GUEST_ANNOUNCE) ||
	    !(status & VIRTIO_NET_S_ANNOUNCE))
		return;
	sc->sc_stat[CTL_ANNOUNCES]++;
	if (sc->sc_if.if_flags & IFF_UP)
		if_announce(&sc->sc_if);
	vio_ctrl_announced(sc);
}

/* --- what the network asks for ------------------------------------------- */

static int
vio_up(struct ifnet *ifp)
{
	struct vio_softc *sc = ifp->if_softc;
	u_int i;

	if (sc->sc_dead)
		return (EIO);
	for (i = 0; i < sc->sc_npairs; i++) {
		vio_rx_up(&sc->sc_rxq[i]);
		vio_tx_up(&sc->sc_txq[i]);
	}
	vio_ctrl_quiet(sc, false);
	return (0);
}

static void
vio_down(struct ifnet *ifp)
{
	struct vio_softc *sc = ifp->if_softc;
	u_int i;

	vio_ctrl_quiet(sc, true);
	for (i = 0; i < sc->sc_npairs; i++) {
		vio_rx_down(&sc->sc_rxq[i]);
		vio_tx_down(&sc->sc_txq[i]);
	}
}

static void
vio_rxfilter(struct ifnet *ifp)
{
	vio_ctrl_filter(ifp->if_softc);
}

static int
vio_setlladdr(struct ifnet *ifp, const uint8_t *addr)
{
	return (vio_ctrl_lladdr(ifp->if_softc, addr));
}

static int
vio_setmtu(struct ifnet *ifp, u_int mtu)
{
	if (mtu < VIRTIO_NET_MTU_MIN || mtu > ifp->if_hardmtu)
		return (EINVAL);
	return (0);
}

/* What goes out is the network's choice; what comes in the device's. */
static int
vio_setcaps(struct ifnet *ifp, uint32_t caps)
{
	const uint32_t gso = IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_USO;
	struct vio_softc *sc = ifp->if_softc;
	uint64_t guest = sc->sc_guest;
	int error = 0;

	if (caps & ~ifp->if_capabilities)
		return (EOPNOTSUPP);
	if (((caps & gso) && !(caps & IFCAP_CSUM)) ||
	    ((caps & IFCAP_LRO) && !(caps & IFCAP_RXCSUM)))
		return (EINVAL);
	if (!(caps & IFCAP_LRO))
		guest &= ~VIO_GUEST_GSO;
	if (!(caps & IFCAP_RXCSUM))
		guest &= ~VIRTIO_NET_F_GUEST_CSUM;
	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		error = vio_ctrl_offloads(sc, guest);
	else if ((caps ^ ifp->if_capenable) & IFCAP_LRO)
		error = EOPNOTSUPP;
	if (error == 0)
		ifp->if_capenable = caps;
	return (error);
}

/* --- failure ------------------------------------------------------------- */

static void
vio_stopped(struct vio_softc *sc)
{
	u_int i;

	/* 5.1.9.5.6: only the first pair, until the device is told otherwise */
	__atomic_store_n(&sc->sc_nactive, 1, __ATOMIC_RELAXED);
	for (i = 0; i < sc->sc_npairs; i++) {
		vio_rx_stopped(&sc->sc_rxq[i]);
		vio_tx_stopped(&sc->sc_txq[i]);
	}
	vio_ctrl_stopped(sc);
}

static void
vio_resumed(struct vio_softc *sc)
{
	u_int i;

	for (i = 0; i < sc->sc_npairs; i++)
		vio_rx_resumed(&sc->sc_rxq[i]);
	vio_ctrl_setup(sc);
	if (sc->sc_if.if_flags & IFF_UP)
		vio_ctrl_filter(sc);
	for (i = 0; i < sc->sc_npairs; i++)
		vio_tx_resumed(&sc->sc_txq[i]);
	(void)vio_link(sc);
}

static void
vio_dead(struct vio_softc *sc)
{
	sc->sc_dead = true;
	vio_down(&sc->sc_if);
	sc->sc_if.if_link = LINK_DOWN;
	if_link_changed(&sc->sc_if);
}

static void
vio_event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		vio_stopped(arg);
		break;
	case VIRTIO_RESUMED:
		vio_resumed(arg);
		break;
	case VIRTIO_DEAD:
		vio_dead(arg);
		break;
	}
}

/* --- attachment ---------------------------------------------------------- */

/* The queues of pairs, then that of commands: 5.1.2. */
static int
vio_queues(struct vio_softc *sc)
{
	struct virtqueue_conf conf[2 * VIO_MAXPAIRS + 1];
	struct virtqueue *vq[2 * VIO_MAXPAIRS + 1];
	char name[2 * VIO_MAXPAIRS][8];
	u_int i, n = 2 * sc->sc_npairs;
	int error;

	for (i = 0; i < n; i++) {
		struct vio_rxq *rq = &sc->sc_rxq[i / 2];
		struct vio_txq *tq = &sc->sc_txq[i / 2];
		bool tx = i % 2 != 0;

		snprintf(name[i], sizeof(name[i]), "%s%u", tx ? "tx" : "rx",
		    i / 2);
		conf[i] = (struct virtqueue_conf){
			.vqc_name = name[i], .vqc_index = i,
			.vqc_size = VIO_QSIZE,
			.vqc_nsegs = tx ? VIO_TXSEGS : vio_rx_nsegs(sc),
			.vqc_mtx = tx ? &tq->tq_mtx : &rq->rq_mtx,
			.vqc_intr = tx ? vio_tx_intr : vio_rx_intr,
			.vqc_arg = tx ? (void *)tq : (void *)rq,
		};
	}
	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_VQ))
		conf[n++] = (struct virtqueue_conf){
			.vqc_name = "ctrl", .vqc_index = 2 * sc->sc_maxpairs,
			.vqc_size = VIO_CTRL_SIZE, .vqc_nsegs = 4,
			.vqc_mtx = &sc->sc_cmtx,
			.vqc_intr = vio_ctrl_intr, .vqc_arg = sc,
		};
	if ((error = virtio_queues(sc->sc_vsc, IPL_NET, conf, n, vq)) != 0)
		return (error);
	for (i = 0; i < sc->sc_npairs; i++) {
		sc->sc_rxq[i].rq_vq = vq[2 * i];
		sc->sc_txq[i].tq_vq = vq[2 * i + 1];
	}
	if (n > 2 * sc->sc_npairs)
		sc->sc_cvq = vq[n - 1];
	return (0);
}

static int
vio_alloc(struct vio_softc *sc)
{
	u_int i, n;
	int error;

	n = MIN(MIN(sc->sc_maxpairs, md_ncpus()), VIO_MAXPAIRS);
	sc->sc_rxq = kmem_zalloc(n * sizeof(*sc->sc_rxq), KM_NOSLEEP);
	sc->sc_txq = kmem_zalloc(n * sizeof(*sc->sc_txq), KM_NOSLEEP);
	sc->sc_npairs = n;
	if (sc->sc_rxq == NULL || sc->sc_txq == NULL)
		return (ENOMEM);
	for (i = 0; i < n; i++) {
		vio_rx_init(sc, &sc->sc_rxq[i]);
		vio_tx_init(sc, &sc->sc_txq[i]);
	}
	if ((error = vio_ctrl_attach(sc)) != 0 ||
	    (error = vio_queues(sc)) != 0)
		return (error);
	for (i = 0; i < n && error == 0; i++) {
		if ((error = vio_rx_alloc(sc, &sc->sc_rxq[i])) == 0)
			error = vio_tx_alloc(sc, &sc->sc_txq[i]);
	}
	return (error);
}

/* All that vio_setup() did, and what is left in the queues. */
static void
vio_undo(struct vio_softc *sc)
{
	u_int i, n = sc->sc_rxq == NULL || sc->sc_txq == NULL ? 0 :
	    sc->sc_npairs;

	virtio_stop(sc->sc_vsc);
	for (i = 0; i < n; i++) {
		vio_rx_stopped(&sc->sc_rxq[i]);
		vio_tx_stopped(&sc->sc_txq[i]);
		vio_rx_free(&sc->sc_rxq[i]);
		vio_tx_free(&sc->sc_txq[i]);
	}
	vio_ctrl_stopped(sc);
	virtio_end(sc->sc_vsc);
	vio_ctrl_detach(sc);
	sc->sc_cvq = NULL;
	kmem_free(sc->sc_rxq, sc->sc_npairs * sizeof(*sc->sc_rxq));
	kmem_free(sc->sc_txq, sc->sc_npairs * sizeof(*sc->sc_txq));
	sc->sc_rxq = NULL;
	sc->sc_txq = NULL;
	sc->sc_npairs = 0;
}

/* EFBIG: a queue is too small. */
static int
vio_setup(struct vio_softc *sc, virtio_bits_t refuse)
{
	struct virtio_net_config conf;
	virtio_bits_t senseless;
	int error;

	memset(&conf, 0, sizeof(conf));
	if ((error = vio_negotiate(sc, refuse)) != 0 ||
	    (error = virtio_config_read(sc->sc_vsc, vio_fields,
	    nitems(vio_fields), &conf)) != 0 ||
	    (error = vio_check(sc, &conf, &senseless)) != 0)
		return (error);
	if (vio_has_any(sc, senseless)) {
		if ((error = vio_negotiate(sc, refuse | senseless)) != 0 ||
		    (error = vio_check(sc, &conf, &senseless)) != 0)
			return (error);
	}
	vio_address(sc, &conf);
	vio_facts(sc, &conf);
	return (vio_alloc(sc));
}

/*
 * If the queues turn out too small for what they may have to take, or memory
 * is too little for it, then without that.
 */
static int
vio_setup_all(struct vio_softc *sc)
{
	virtio_bits_t refuse = vio_refused(sc);
	int error;

	if ((error = vio_setup(sc, refuse)) == EFBIG && sc->sc_bigrx) {
		vio_undo(sc);
		error = vio_setup(sc, refuse | VIO_GUEST_GSO);
	}
	if (error == EFBIG)
		device_describe(&sc->sc_dev, "queues of size %u and %u, not "
		    "used", vq_size(sc->sc_rxq[0].rq_vq),
		    vq_size(sc->sc_txq[0].tq_vq));
	return (error == EFBIG ? ENXIO : error);
}

static void
vio_print(struct vio_softc *sc)
{
	const struct ifnet *ifp = &sc->sc_if;
	const uint8_t *a = ifp->if_lladdr;
	char mtu[16] = "", speed[24] = "";

	if (ifp->if_mtu != ETHERMTU)
		snprintf(mtu, sizeof(mtu), ", MTU %u", ifp->if_mtu);
	if (ifp->if_baudrate != 0)
		snprintf(speed, sizeof(speed), ", %llu Mbit/s",
		    (unsigned long long)ifp->if_baudrate / 1000000);
	device_describe(&sc->sc_dev,
	    "address %02x:%02x:%02x:%02x:%02x:%02x%s, %u queue pair%s%s%s",
	    a[0], a[1], a[2], a[3], a[4], a[5],
	    sc->sc_hwaddrok ? "" : " (random)", sc->sc_nactive,
	    sc->sc_nactive == 1 ? "" : "s", mtu, speed);
}

static int
vio_start(struct vio_softc *sc)
{
	int error;

	virtio_on_config(sc->sc_vsc, vio_config, sc);
	virtio_on_failure(sc->sc_vsc, vio_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		return (error);
	vio_resumed(sc);
	return (0);
}

/* Undo attach, however far it came. */
static void
vio_teardown(struct vio_softc *sc)
{
	u_int i;

	vio_stat_detach(sc);
	virtio_stop(sc->sc_vsc);		/* no interrupt after this, */
	for (i = 0; i < sc->sc_npairs && sc->sc_rxq != NULL; i++) {
		vio_rx_down(&sc->sc_rxq[i]);	/* and no packet after this */
		if_poll_stop(&sc->sc_rxq[i].rq_poll);
	}
	if (sc->sc_attached)
		ether_ifdetach(&sc->sc_if);
	sc->sc_attached = false;
	vio_undo(sc);
}

int
vio_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct vio_softc *sc = (struct vio_softc *)self;
	struct virtio_attach_args *va = aux;
	struct ifnet *ifp = &sc->sc_if;
	int error;

	sc->sc_vsc = va->va_vsc;
	sc->sc_flags = vio_flags(self);
	rw_init(&sc->sc_ctrl, "vioctrl");
	mtx_init(&sc->sc_cmtx, IPL_NET);
	strlcpy(ifp->if_xname, self->dv_xname, sizeof(ifp->if_xname));
	ifp->if_softc = sc;
	ifp->if_ops = &vio_ops;
	if ((error = vio_setup_all(sc)) != 0)
		goto fail;
	vio_capabilities(sc);
	if ((error = vio_start(sc)) != 0)
		goto fail;
	vio_print(sc);
	if ((error = ether_ifattach(ifp)) != 0)
		goto fail;
	sc->sc_attached = true;
	vio_stat_attach(sc);
	vio_config(sc);			/* in case it changed meanwhile */
	return (0);
fail:
	vio_teardown(sc);
	return (error);
}

int
vio_detach(struct device *self, int flags __unused)
{
	vio_teardown((struct vio_softc *)self);
	return (0);
}
