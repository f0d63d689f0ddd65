/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): commands.  VIRTIO 1.4, 5.1.9.5 Control Virtqueue.
 *
 * One at a time, in memory that holds nothing else.  The descriptors are those
 * that the oldest devices insist on (5.1.9.8): class and command, data in one
 * or two pieces, answer.
 */

#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <dev/pv/if_viovar.h>

#include <net/if.h>

#define CTRL_MSEC	10000	/* no answer: the device has failed */
#define CTRL_SEGS	4

/* where in sc_cmem: the device reads all but the answer */
#define CTRL_HEADER	0
#define CTRL_ANSWER	16
#define CTRL_DATA	64
#define CTRL_MORE	1024		/* second piece of data */
#define CTRL_SIZE	2048
#define ANSWER_NONE	0xff		/* the device has not said anything */

_Static_assert(CTRL_DATA + sizeof(struct virtio_net_rss_config) +
    VIRTIO_NET_RSS_TABLE * sizeof(le16_w) +
    sizeof(struct virtio_net_rss_tail) <= CTRL_MORE, "CTRL_DATA");
_Static_assert(CTRL_MORE + sizeof(struct virtio_net_ctrl_mac) +
    VIO_MAXMCAST * ETHER_ADDR_LEN <= CTRL_SIZE, "CTRL_MORE");

/* --- a command ----------------------------------------------------------- */

static void *
vio_ctrl_mem(struct vio_softc *sc, size_t off)
{
	return ((char *)sc->sc_cmem.dmm_kva + off);
}

/* Class and command; the lengths of what was put into CTRL_DATA, CTRL_MORE. */
static int
vio_ctrl(struct vio_softc *sc, uint8_t class, uint8_t command, size_t len,
    size_t more)
{
	struct virtio_net_ctrl *vnc = vio_ctrl_mem(sc, CTRL_HEADER);
	le8_w *answer = vio_ctrl_mem(sc, CTRL_ANSWER);
	VQ_SG_DECL(sg, CTRL_SEGS, virtio_dmat(sc->sc_vsc));
	uint32_t got;
	int error;

	KASSERT(rw_write_held(&sc->sc_ctrl) && sc->sc_cvq != NULL);
	le8_store(&vnc->vnc_class, class);
	le8_store(&vnc->vnc_command, command);
	le8_store(answer, ANSWER_NONE);
	mtx_enter(&sc->sc_cmtx);
	if ((error = vq_sg_out_mem(&sg, &sc->sc_cmem, CTRL_HEADER,
	    sizeof(*vnc))) == 0 && len != 0)
		error = vq_sg_out_mem(&sg, &sc->sc_cmem, CTRL_DATA, len);
	if (error == 0 && more != 0)
		error = vq_sg_out_mem(&sg, &sc->sc_cmem, CTRL_MORE, more);
	if (error == 0)
		error = vq_sg_in_mem(&sg, &sc->sc_cmem, CTRL_ANSWER, 1);
	if (error == 0)
		error = vq_call(sc->sc_cvq, &sg, &got, CTRL_MSEC);
	mtx_leave(&sc->sc_cmtx);
	sc->sc_stat[CTL_COMMANDS]++;
	if (error != 0) {
		sc->sc_stat[CTL_FAILED]++;
		return (EIO);
	}
	/* some devices are wrong about the length: the answer decides */
	if (le8_load(answer) == VIRTIO_NET_OK)
		return (0);
	sc->sc_stat[CTL_REFUSED]++;
	return (EOPNOTSUPP);
}

void
vio_ctrl_intr(void *arg)
{
	struct vio_softc *sc = arg;
	uint32_t len;

	mtx_enter(&sc->sc_cmtx);
	do {
		/* all are of vq_call(), which this wakes */
		while (vq_dequeue(sc->sc_cvq, &len) != NULL)
			;
	} while (vq_intr_enable(sc->sc_cvq, 0));
	mtx_leave(&sc->sc_cmtx);
}

void
vio_ctrl_stopped(struct vio_softc *sc)
{
	mtx_enter(&sc->sc_cmtx);
	while (sc->sc_cvq != NULL && vq_drain(sc->sc_cvq) != NULL)
		;
	mtx_leave(&sc->sc_cmtx);
}

int
vio_ctrl_attach(struct vio_softc *sc)
{
	rnd_bytes(sc->sc_key, sizeof(sc->sc_key));
	return (dmamem_alloc(&sc->sc_cmem, virtio_dmat(sc->sc_vsc), CTRL_SIZE,
	    0, BUS_DMA_NOWAIT));
}

void
vio_ctrl_detach(struct vio_softc *sc)
{
	dmamem_free(&sc->sc_cmem);
}

/* --- what is received: 5.1.9.5.1, 5.1.9.5.2 ------------------------------ */

static int
vio_ctrl_rx(struct vio_softc *sc, uint8_t command, bool on)
{
	le8_store(vio_ctrl_mem(sc, CTRL_DATA), on);
	return (vio_ctrl(sc, VIRTIO_NET_CTRL_RX, command, 1, 0));
}

/* The address itself passes; of others these groups. */
static int
vio_ctrl_table(struct vio_softc *sc, uint8_t (*addr)[ETHER_ADDR_LEN], u_int n)
{
	struct virtio_net_ctrl_mac *none = vio_ctrl_mem(sc, CTRL_DATA);
	struct virtio_net_ctrl_mac *groups = vio_ctrl_mem(sc, CTRL_MORE);
	u_int i, j;

	le32_store(&none->vcm_entries, 0);
	le32_store(&groups->vcm_entries, n);
	for (i = 0; i < n; i++) {
		for (j = 0; j < ETHER_ADDR_LEN; j++)
			le8_store(&groups->vcm_macs[i][j], addr[i][j]);
	}
	return (vio_ctrl(sc, VIRTIO_NET_CTRL_MAC,
	    VIRTIO_NET_CTRL_MAC_TABLE_SET, sizeof(*none),
	    sizeof(*groups) + n * ETHER_ADDR_LEN));
}

/*
 * First what lets more through, so that there is no gap.  What the device
 * refuses to tell apart it is to let through, and the network drops it.
 */
void
vio_ctrl_filter(struct vio_softc *sc)
{
	uint8_t addr[VIO_MAXMCAST][ETHER_ADDR_LEN];
	u_int flags = sc->sc_if.if_flags, n;
	bool promisc, all;

	if (!virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_RX))
		return;			/* it passes everything */
	rw_enter_write(&sc->sc_ctrl);
	n = if_mcast_get(&sc->sc_if, addr, nitems(addr));
	promisc = (flags & IFF_PROMISC) || (sc->sc_flags & VIO_FLAG_PROMISC);
	all = (flags & IFF_ALLMULTI) || n > nitems(addr);
	if (!promisc ||
	    vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_PROMISC, true) != 0) {
		if (!all)
			all = vio_ctrl_table(sc, addr, n) == EOPNOTSUPP;
		if (vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_ALLMULTI, all) ==
		    EOPNOTSUPP && all)
			promisc = true;
		(void)vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_PROMISC, promisc);
	}
	rw_exit(&sc->sc_ctrl);
}

/* Buffers stay lent while the interface is down: let nobody fill them. */
void
vio_ctrl_quiet(struct vio_softc *sc, bool quiet)
{
	if (!virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_RX_EXTRA))
		return;
	rw_enter_write(&sc->sc_ctrl);
	if (sc->sc_quiet != quiet) {
		(void)vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_NOUNI, quiet);
		(void)vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_NOMULTI, quiet);
		(void)vio_ctrl_rx(sc, VIRTIO_NET_CTRL_RX_NOBCAST, quiet);
		sc->sc_quiet = quiet;
	}
	rw_exit(&sc->sc_ctrl);
}

/*
 * The address that the device lets through.  Before there was a command for
 * it, it was written to the configuration, which 1.x forbids.
 */
static int
vio_ctrl_address(struct vio_softc *sc, const uint8_t *addr)
{
	static const struct virtio_field field[] = {
		VIRTIO_FIELD_ARRAY(virtio_net_config, mac, 0),
	};
	struct virtio_net_config conf;
	le8_w *data;
	u_int i;

	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_MAC_ADDR)) {
		data = vio_ctrl_mem(sc, CTRL_DATA);
		for (i = 0; i < ETHER_ADDR_LEN; i++)
			le8_store(&data[i], addr[i]);
		return (vio_ctrl(sc, VIRTIO_NET_CTRL_MAC,
		    VIRTIO_NET_CTRL_MAC_ADDR_SET, ETHER_ADDR_LEN, 0));
	}
	if (virtio_has(sc->sc_vsc, VIRTIO_F_VERSION_1))
		return (EOPNOTSUPP);
	memcpy(conf.mac, addr, ETHER_ADDR_LEN);
	return (virtio_config_write(sc->sc_vsc, field, nitems(field), &conf));
}

int
vio_ctrl_lladdr(struct vio_softc *sc, const uint8_t *addr)
{
	int error;

	rw_enter_write(&sc->sc_ctrl);
	error = vio_ctrl_address(sc, addr);
	rw_exit(&sc->sc_ctrl);
	return (error);
}

/* --- queues: 5.1.9.5.6, 5.1.9.5.7 ---------------------------------------- */

static void
vio_ctrl_key(const struct vio_softc *sc, le8_w *len, le8_w *key)
{
	u_int i;

	le8_store(len, VIRTIO_NET_RSS_KEY);
	for (i = 0; i < VIRTIO_NET_RSS_KEY; i++)
		le8_store(&key[i], sc->sc_key[i]);
}

/* Which hashes lead to which of n queues: in turn. */
static int
vio_ctrl_rss(struct vio_softc *sc, u_int n)
{
	struct virtio_net_rss_config *vrc = vio_ctrl_mem(sc, CTRL_DATA);
	struct virtio_net_rss_tail *vrt;
	u_int i;

	le32_store(&vrc->vrc_hash_types, sc->sc_hashtypes);
	le16_store(&vrc->vrc_table_mask, VIRTIO_NET_RSS_TABLE - 1);
	le16_store(&vrc->vrc_unclassified, 0);
	for (i = 0; i < VIRTIO_NET_RSS_TABLE; i++)
		le16_store(&vrc->vrc_table[i], i % n);
	vrt = (void *)&vrc->vrc_table[VIRTIO_NET_RSS_TABLE];
	le16_store(&vrt->vrt_max_tx_vq, n);
	vio_ctrl_key(sc, &vrt->vrt_key_len, vrt->vrt_key);
	return (vio_ctrl(sc, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG,
	    sizeof(*vrc) + VIRTIO_NET_RSS_TABLE * sizeof(le16_w) +
	    VIRTIO_NET_RSS_TAIL_SIZE, 0));
}

static int
vio_ctrl_hash(struct vio_softc *sc)
{
	struct virtio_net_hash_config *vhc = vio_ctrl_mem(sc, CTRL_DATA);

	memset(vhc, 0, sizeof(*vhc));
	le32_store(&vhc->vhc_hash_types, sc->sc_hashtypes);
	vio_ctrl_key(sc, &vhc->vhc_key_len, vhc->vhc_key);
	return (vio_ctrl(sc, VIRTIO_NET_CTRL_MQ,
	    VIRTIO_NET_CTRL_MQ_HASH_CONFIG, VIRTIO_NET_HASH_CONFIG_SIZE, 0));
}

static int
vio_ctrl_pairs(struct vio_softc *sc, u_int n)
{
	le16_store(vio_ctrl_mem(sc, CTRL_DATA), n);
	return (vio_ctrl(sc, VIRTIO_NET_CTRL_MQ,
	    VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, sizeof(le16_w), 0));
}

/*
 * After a reset only the first pair is used.  Which queue a packet arrives on
 * is decided by the device, or by a hash and a table of ours.  The first is as
 * good here; and where QEMU computes the hash itself, to choose or only to
 * report it, a packet for a queue without buffers is stuck until something
 * comes on another.  So there is a hash for one pair, or if asked for.
 */
static void
vio_ctrl_queues(struct vio_softc *sc)
{
	bool mq = virtio_has(sc->sc_vsc, VIRTIO_NET_F_MQ);
	bool rss = virtio_has(sc->sc_vsc, VIRTIO_NET_F_RSS);
	bool hash = virtio_has(sc->sc_vsc, VIRTIO_NET_F_HASH_REPORT);
	u_int n = sc->sc_npairs, active = 1;

	if (rss && (sc->sc_flags & VIO_FLAG_RSS))
		mq = false;
	if (n > 1 && mq && vio_ctrl_pairs(sc, n) == 0)
		active = n;
	else if (rss && (n > 1 || hash) && vio_ctrl_rss(sc, n) == 0)
		active = n;
	else if (hash && !rss)
		(void)vio_ctrl_hash(sc);
	__atomic_store_n(&sc->sc_nactive, active, __ATOMIC_RELAXED);
}

/* --- offloads: 5.1.9.5.9 ------------------------------------------------- */

static int
vio_ctrl_set_offloads(struct vio_softc *sc, uint64_t bits)
{
	int error;

	if (!virtio_has(sc->sc_vsc, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return (EOPNOTSUPP);
	le64_store(vio_ctrl_mem(sc, CTRL_DATA), bits);
	error = vio_ctrl(sc, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
	    VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, sizeof(le64_w), 0);
	if (error == 0)
		sc->sc_offloads = bits;
	return (error);
}

int
vio_ctrl_offloads(struct vio_softc *sc, uint64_t bits)
{
	int error = 0;

	rw_enter_write(&sc->sc_ctrl);
	if (bits != sc->sc_offloads)
		error = vio_ctrl_set_offloads(sc, bits);
	rw_exit(&sc->sc_ctrl);
	return (error);
}

/* --- interrupts that wait for company: 5.1.9.5.10 ------------------------ */

static void
vio_ctrl_coal_store(struct virtio_net_ctrl_coal *vcc,
    const struct vio_coal *vc)
{
	le32_store(&vcc->vcc_max_packets, vc->vc_packets);
	le32_store(&vcc->vcc_max_usecs, vc->vc_usecs);
}

static int
vio_ctrl_set_coal(struct vio_softc *sc, bool tx, const struct vio_coal *vc)
{
	struct virtio_net_ctrl_coal_vq *vcv = vio_ctrl_mem(sc, CTRL_DATA);
	u_int i;
	int error = 0;

	if (virtio_has(sc->sc_vsc, VIRTIO_NET_F_NOTF_COAL)) {
		vio_ctrl_coal_store(vio_ctrl_mem(sc, CTRL_DATA), vc);
		return (vio_ctrl(sc, VIRTIO_NET_CTRL_NOTF_COAL, tx ?
		    VIRTIO_NET_CTRL_NOTF_COAL_TX_SET :
		    VIRTIO_NET_CTRL_NOTF_COAL_RX_SET,
		    sizeof(struct virtio_net_ctrl_coal), 0));
	}
	if (!virtio_has(sc->sc_vsc, VIRTIO_NET_F_VQ_NOTF_COAL))
		return (EOPNOTSUPP);
	for (i = 0; i < sc->sc_nactive && error == 0; i++) {
		le16_store(&vcv->vcv_vq_index, 2 * i + (tx ? 1 : 0));
		le16_store(&vcv->vcv_reserved, 0);
		vio_ctrl_coal_store(&vcv->vcv_coal, vc);
		error = vio_ctrl(sc, VIRTIO_NET_CTRL_NOTF_COAL,
		    VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, sizeof(*vcv), 0);
	}
	return (error);
}

int
vio_ctrl_coalesce(struct vio_softc *sc, bool tx, const struct vio_coal *vc)
{
	int error;

	rw_enter_write(&sc->sc_ctrl);
	error = vio_ctrl_set_coal(sc, tx, vc);
	if (error == 0)
		*(tx ? &sc->sc_txcoal : &sc->sc_rxcoal) = *vc;
	rw_exit(&sc->sc_ctrl);
	return (error);
}

/* --- the rest ------------------------------------------------------------ */

/* 5.1.9.5.4: the wish to be announced has been seen. */
void
vio_ctrl_announced(struct vio_softc *sc)
{
	rw_enter_write(&sc->sc_ctrl);
	(void)vio_ctrl(sc, VIRTIO_NET_CTRL_ANNOUNCE,
	    VIRTIO_NET_CTRL_ANNOUNCE_ACK, 0, 0);
	rw_exit(&sc->sc_ctrl);
}

void
vio_ctrl_setup(struct vio_softc *sc)
{
	const uint8_t *addr = sc->sc_if.if_lladdr;

	sc->sc_nactive = 1;
	sc->sc_quiet = false;
	if (!sc->sc_hwaddrok ||
	    memcmp(addr, sc->sc_hwaddr, ETHER_ADDR_LEN) != 0)
		(void)vio_ctrl_lladdr(sc, addr);
	if (sc->sc_cvq == NULL)
		return;
	rw_enter_write(&sc->sc_ctrl);
	vio_ctrl_queues(sc);
	/* what was agreed on is on after a reset */
	if (sc->sc_offloads != sc->sc_guest)
		(void)vio_ctrl_set_offloads(sc, sc->sc_offloads);
	if (sc->sc_rxcoal.vc_set)
		(void)vio_ctrl_set_coal(sc, false, &sc->sc_rxcoal);
	if (sc->sc_txcoal.vc_set)
		(void)vio_ctrl_set_coal(sc, true, &sc->sc_txcoal);
	rw_exit(&sc->sc_ctrl);
}
