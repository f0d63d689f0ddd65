/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): what sysctl(8) and ifconfig(8) show of it, and what can be set.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pv/if_viovar.h>

static const char *const vio_rxnames[RX_NSTATS] = {
	[RX_PACKETS] = "packets", [RX_BYTES] = "bytes",
	[RX_INTERRUPTS] = "interrupts", [RX_POLLS] = "polls",
	[RX_COPIED] = "copied", [RX_MERGED] = "merged", [RX_GSO] = "gso",
	[RX_PARTIAL_CSUM] = "partial_csum", [RX_GOOD_CSUM] = "good_csum",
	[RX_FLAGS] = "unknown_flags", [RX_STALE] = "stale",
	[RX_NOMEM] = "no_memory", [RX_LEND_FAILED] = "lend_failed",
	[RX_SHORT] = "bad_short", [RX_LONG] = "bad_long",
	[RX_NUM_BUFFERS] = "bad_num_buffers", [RX_MISSING] = "bad_missing",
	[RX_NOT_FULL] = "bad_not_full", [RX_RUNT] = "bad_runt",
	[RX_GIANT] = "bad_giant", [RX_CSUM_REFUSED] = "bad_csum_refused",
	[RX_CSUM_OFFSETS] = "bad_csum_offsets",
	[RX_GSO_TYPE] = "bad_gso_type", [RX_GSO_SIZE] = "bad_gso_size",
	[RX_GSO_CSUM] = "bad_gso_csum", [RX_GSO_HEADER] = "bad_gso_header",
};

static const char *const vio_txnames[TX_NSTATS] = {
	[TX_PACKETS] = "packets", [TX_BYTES] = "bytes",
	[TX_INTERRUPTS] = "interrupts", [TX_NOTIFIES] = "batches",
	[TX_TIMEOUTS] = "timeouts", [TX_GSO] = "gso", [TX_CSUM] = "csum",
	[TX_QUEUED] = "queued", [TX_RING_FULL] = "ring_full",
	[TX_COPIED] = "copied", [TX_QUEUE_FULL] = "drop_queue_full",
	[TX_DOWN] = "drop_down", [TX_NOMEM] = "drop_no_memory",
	[TX_TOO_LONG] = "drop_too_long", [TX_REFUSED] = "drop_refused",
	[TX_ERROR] = "drop_error", [TX_LOST] = "drop_lost",
};

static const char *const vio_ctlnames[CTL_NSTATS] = {
	[CTL_COMMANDS] = "commands", [CTL_REFUSED] = "refused",
	[CTL_FAILED] = "failed", [CTL_ANNOUNCES] = "announces",
	[CTL_CHANGES] = "changes",
};

/* Text that grows in a buffer. */
struct vio_text {
	char	*vt_buf;
	size_t	 vt_size;
	size_t	 vt_len;		/* wanted so far */
};

static void __printflike(2, 3)
vio_text(struct vio_text *vt, const char *fmt, ...)
{
	size_t off = MIN(vt->vt_len, vt->vt_size);
	va_list ap;

	va_start(ap, fmt);
	vt->vt_len += vsnprintf(off < vt->vt_size ? vt->vt_buf + off : NULL,
	    vt->vt_size - off, fmt, ap);
	va_end(ap);
}

/* --- counters ------------------------------------------------------------ */

/* Of all queues together. */
static void
vio_sum(struct vio_softc *sc, uint64_t rx[RX_NSTATS], uint64_t tx[TX_NSTATS])
{
	u_int i, j;

	memset(rx, 0, RX_NSTATS * sizeof(rx[0]));
	memset(tx, 0, TX_NSTATS * sizeof(tx[0]));
	for (i = 0; i < sc->sc_npairs; i++) {
		mtx_enter(&sc->sc_rxq[i].rq_mtx);
		for (j = 0; j < RX_NSTATS; j++)
			rx[j] += sc->sc_rxq[i].rq_stat[j];
		mtx_leave(&sc->sc_rxq[i].rq_mtx);
		mtx_enter(&sc->sc_txq[i].tq_mtx);
		for (j = 0; j < TX_NSTATS; j++)
			tx[j] += sc->sc_txq[i].tq_stat[j];
		mtx_leave(&sc->sc_txq[i].tq_mtx);
	}
}

void
vio_counters(struct ifnet *ifp, struct if_counters *ic)
{
	uint64_t rx[RX_NSTATS], tx[TX_NSTATS];
	u_int i;

	vio_sum(ifp->if_softc, rx, tx);
	ic->ic_ipackets += rx[RX_PACKETS];
	ic->ic_ibytes += rx[RX_BYTES];
	ic->ic_idrops += rx[RX_NOMEM];
	for (i = RX_FIRST_BAD; i < RX_NSTATS; i++)
		ic->ic_ierrors += rx[i];
	ic->ic_opackets += tx[TX_PACKETS];
	ic->ic_obytes += tx[TX_BYTES];
	ic->ic_odrops += tx[TX_QUEUE_FULL] + tx[TX_DOWN] + tx[TX_NOMEM];
	ic->ic_oerrors += tx[TX_TOO_LONG] + tx[TX_REFUSED] + tx[TX_ERROR] +
	    tx[TX_LOST];
}

static int
vio_sysctl_stats(void *arg, char *buf, size_t size)
{
	struct vio_softc *sc = arg;
	uint64_t rx[RX_NSTATS], tx[TX_NSTATS];
	struct vio_text vt = { buf, size, 0 };
	u_int i;

	vio_sum(sc, rx, tx);
	for (i = 0; i < RX_NSTATS; i++)
		vio_text(&vt, "rx_%s %llu\n", vio_rxnames[i],
		    (unsigned long long)rx[i]);
	for (i = 0; i < TX_NSTATS; i++)
		vio_text(&vt, "tx_%s %llu\n", vio_txnames[i],
		    (unsigned long long)tx[i]);
	for (i = 0; i < CTL_NSTATS; i++)
		vio_text(&vt, "ctrl_%s %llu%s", vio_ctlnames[i],
		    (unsigned long long)sc->sc_stat[i],
		    i + 1 < CTL_NSTATS ? "\n" : "");
	return (vt.vt_len);
}

/* --- a line for ifconfig(8) ---------------------------------------------- */

int
vio_describe(struct ifnet *ifp, char *buf, size_t size)
{
	static const struct {
		uint64_t	 bit;
		const char	*name;
	} offloads[] = {
		{ VIRTIO_NET_F_CSUM, "CSUM" },
		{ VIRTIO_NET_F_GUEST_CSUM, "GUEST_CSUM" },
		{ VIRTIO_NET_F_HOST_TSO4, "HOST_TSO4" },
		{ VIRTIO_NET_F_HOST_TSO6, "HOST_TSO6" },
		{ VIRTIO_NET_F_HOST_ECN, "HOST_ECN" },
		{ VIRTIO_NET_F_HOST_USO, "HOST_USO" },
		{ VIRTIO_NET_F_GUEST_TSO4, "GUEST_TSO4" },
		{ VIRTIO_NET_F_GUEST_TSO6, "GUEST_TSO6" },
		{ VIRTIO_NET_F_GUEST_ECN, "GUEST_ECN" },
		{ VIRTIO_NET_F_GUEST_USO4, "GUEST_USO4" },
		{ VIRTIO_NET_F_GUEST_USO6, "GUEST_USO6" },
		{ VIRTIO_NET_F_MRG_RXBUF, "MRG_RXBUF" },
		{ VIRTIO_NET_F_RSS, "RSS" },
		{ VIRTIO_NET_F_HASH_REPORT, "HASH_REPORT" },
	};
	struct vio_softc *sc = ifp->if_softc;
	struct vio_text vt = { buf, size, 0 };
	uint64_t off = sc->sc_guest & ~sc->sc_offloads;
	const char *sep = "";
	u_int i, n = sc->sc_nactive;

	for (i = 0; i < nitems(offloads); i++) {
		if (!virtio_has(sc->sc_vsc, offloads[i].bit) ||
		    (off & offloads[i].bit))
			continue;
		vio_text(&vt, "%s%s", sep, offloads[i].name);
		sep = ",";
	}
	vio_text(&vt, "%s%u queue pair%s", sep[0] != '\0' ? " " : "", n,
	    n == 1 ? "" : "s");
	if (ifp->if_baudrate != 0)
		vio_text(&vt, " %llu Mbit/s %s-duplex",
		    (unsigned long long)ifp->if_baudrate / 1000000,
		    ifp->if_fullduplex ? "full" : "half");
	return (vt.vt_len);
}

/* --- what can be set ----------------------------------------------------- */

static int
vio_coal_show(const struct vio_coal *vc, char *buf, size_t size)
{
	if (!vc->vc_set)
		return (snprintf(buf, size, "default"));
	return (snprintf(buf, size, "%u,%u", vc->vc_usecs, vc->vc_packets));
}

/* "usecs,packets" */
static int
vio_coal_set(struct vio_softc *sc, bool tx, const char *s)
{
	struct vio_coal vc = { .vc_set = true };
	uint64_t usecs, packets;

	if (strtonum64(s, &s, &usecs) != 0 || *s++ != ',' ||
	    strtonum64(s, &s, &packets) != 0 || *s != '\0' ||
	    usecs > UINT32_MAX || packets > UINT32_MAX)
		return (EINVAL);
	vc.vc_usecs = usecs;
	vc.vc_packets = packets;
	return (vio_ctrl_coalesce(sc, tx, &vc));
}

static int
vio_sysctl_rxcoal(void *arg, char *buf, size_t size)
{
	struct vio_softc *sc = arg;

	return (vio_coal_show(&sc->sc_rxcoal, buf, size));
}

static int
vio_sysctl_set_rxcoal(void *arg, const char *s)
{
	return (vio_coal_set(arg, false, s));
}

static int
vio_sysctl_txcoal(void *arg, char *buf, size_t size)
{
	struct vio_softc *sc = arg;

	return (vio_coal_show(&sc->sc_txcoal, buf, size));
}

static int
vio_sysctl_set_txcoal(void *arg, const char *s)
{
	return (vio_coal_set(arg, true, s));
}

static void
vio_sysctl_add(struct vio_softc *sc, const char *name,
    int (*get)(void *, char *, size_t), int (*set)(void *, const char *))
{
	struct sysctl_oid *so = &sc->sc_oid[sc->sc_noids];

	KASSERT(sc->sc_noids < nitems(sc->sc_oid));
	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.%s",
	    sc->sc_dev.dv_xname, name);
	so->so_read = get;
	so->so_write = set;
	so->so_arg = sc;
	if (sysctl_register(so) == 0)
		sc->sc_noids++;
}

void
vio_stat_attach(struct vio_softc *sc)
{
	vio_sysctl_add(sc, "stats", vio_sysctl_stats, NULL);
	if (!vio_has_any(sc, VIRTIO_NET_F_NOTF_COAL |
	    VIRTIO_NET_F_VQ_NOTF_COAL))
		return;
	vio_sysctl_add(sc, "rx_coalesce", vio_sysctl_rxcoal,
	    vio_sysctl_set_rxcoal);
	vio_sysctl_add(sc, "tx_coalesce", vio_sysctl_txcoal,
	    vio_sysctl_set_txcoal);
}

void
vio_stat_detach(struct vio_softc *sc)
{
	while (sc->sc_noids > 0)
		sysctl_unregister(&sc->sc_oid[--sc->sc_noids]);
}
