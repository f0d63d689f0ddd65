/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_MBUF_H_
#define _SYS_MBUF_H_

/*
 * Packets and other data on their way through the network.
 *
 * An mbuf holds a little data itself, for headers, or points into external
 * storage, which several mbufs may share: so data that a program wrote once
 * lies in the send buffer, in a packet on its way, and in a retransmission
 * at the same time, and is never copied.  Storage that is shared is not
 * written to.
 *
 * m_next leads to the rest of the packet, m_nextpkt to the next packet of a
 * queue.  The first mbuf of a packet has M_PKTHDR and a valid m_pkthdr.
 *
 * All in any context up to IPL_NET.  What allocates never sleeps and returns
 * NULL, or ENOBUFS, where there is no memory, or where packets have taken
 * their share of it (see m_limit()).
 */

#include <sys/types.h>

struct ifnet;
struct uio;

/* what is in the packet, and what is still to be done to it */
struct pkthdr {
	uint32_t	 ph_len;	/* of the whole packet */
	uint16_t	 ph_flags;	/* PH_* */
	uint8_t		 ph_gso;	/* GSO_* */
	uint8_t		 ph_spare;
	uint16_t	 ph_gso_size;	/* payload of each segment */
	uint16_t	 ph_gso_hdrlen;	/* from m_data to the payload */
	uint16_t	 ph_csum_start;	/* from m_data, see PH_CSUM_PARTIAL */
	uint16_t	 ph_csum_off;	/* from there to the field */
	u_int		 ph_ifidx;	/* interface it came from; 0: none */
	uint32_t	 ph_hash;	/* PH_HASH: of its flow */
};

/*
 * On the way out: the field at start + off holds the sum of the pseudo header,
 * and the sum from start to the end must be added to it.  On the way in: the
 * packet never was on a wire, the same is true, and it is as good as checked.
 */
#define PH_CSUM_PARTIAL	0x0001
#define PH_CSUM_GOOD	0x0002		/* in: the transport's sum was checked */
#define PH_HASH		0x0004
#define PH_MCAST	0x0008		/* in: link-layer multicast */
#define PH_BCAST	0x0010		/* in: link-layer broadcast */
#define PH_LOOP		0x0020		/* in: from this machine */
#define PH_GSO_ECN	0x0040		/* CWR is set in the first segment */

/*
 * More than a link's packet: to be cut into segments of gso_size bytes, each
 * with the headers.  On the way in it is a packet that was put together.
 */
enum gso { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP4, GSO_UDP6 };

/* storage outside; whoever makes one for itself sets me_free */
struct mext {
	uint8_t		*me_buf;
	uint32_t	 me_size;
	u_int		 me_refs;	/* atomic */
	void		(*me_free)(struct mext *);
};

struct mbuf {
	struct mbuf	*m_next;
	struct mbuf	*m_nextpkt;
	uint8_t		*m_data;
	uint32_t	 m_len;
	uint16_t	 m_flags;
	uint16_t	 m_type;	/* of a record in a socket buffer */
	struct mext	*m_ext;		/* NULL: data is in m_buf */
	struct pkthdr	 m_pkthdr;
	uint8_t		 m_buf[] __aligned(8);
};
#define M_PKTHDR	0x0001
#define M_EOR		0x0002

#define MSIZE		248		/* a piece of kmem(9) of 256 bytes */
#define MLEN		(MSIZE - offsetof(struct mbuf, m_buf))
/* room for the headers of all layers, and a device's, before the payload */
#define MAX_HDR		128
/* sizes of storage; physically contiguous */
#define MCLBYTES	2000		/* a frame of Ethernet; half a page */
#define MCL4K		4096
#define MCL16K		16384
#define MCL32K		32768

void	 mbuf_init(void);

/*
 * m_get: empty, data at the start of m_buf.  m_gethdr: with M_PKTHDR, cleared,
 *	data at the end of m_buf, for headers to be put before it.
 * m_getcl: with external storage of at least that size (MCLBYTES ... MCL32K),
 *	and M_PKTHDR if asked; a smaller one (MCL4K) if there is no such.
 * m_extget: storage alone, with one reference.
 * m_extadd: the mbuf takes over that reference; data is the whole of it.
 */
struct mbuf *m_get(void);
struct mbuf *m_gethdr(void);
struct mbuf *m_getcl(size_t, bool pkthdr);
struct mext *m_extget(size_t);
void	 m_extadd(struct mbuf *, struct mext *);
void	 m_extfree(struct mext *);	/* drops a reference */

struct mbuf *m_free(struct mbuf *);	/* one; returns m_next */
void	 m_freem(struct mbuf *);	/* a packet; NULL is allowed */
void	 m_freeq(struct mbuf *);	/* packets, by m_nextpkt */

/*
 * m_prepend: n bytes before the data, in place where there is room that is
 *	nobody else's; else in a new mbuf.  The offsets in the packet header
 *	are moved along.  NULL: no memory, the packet is freed.
 * m_adj: takes n bytes off the front (n > 0) or the end (n < 0); offsets in
 *	the packet header are moved along, and no longer valid if they would
 *	be negative.
 * m_pullup: the first n bytes in one piece, and in memory that is ours alone
 *	to write if own is set.  NULL: no memory or less than n bytes; freed.
 * m_copym: a packet that shares the storage; from off, len bytes
 *	(M_COPYALL: to the end), with a packet header if hdr is set.
 * m_copydata: copies out; false: the packet is not that long.
 * m_copyback: copies in, within the packet's length, into memory that is ours
 *	alone (after m_pullup); false: it is not.
 * m_append: copies to the end of the packet.  ENOBUFS.
 * m_cat: a chain behind a chain; ph_len of the first is not changed.
 * m_split: the chain from off on is returned; NULL: no memory.
 * m_uiomove: copies between a uio and len bytes of the chain from off on.
 *	Thread context for user memory.  EFAULT.
 * m_fromuio: a chain of up to len bytes out of a uio, in large storage, with
 *	room for headers before it if hdr is set; all or nothing then.
 *	ENOBUFS, EFAULT.
 * m_length: the sum of m_len.
 */
#define M_COPYALL	UINT32_MAX
struct mbuf *m_prepend(struct mbuf *, u_int);
void	 m_adj(struct mbuf *, int);
struct mbuf *m_pullup(struct mbuf *, u_int, bool own);
struct mbuf *m_copym(struct mbuf *, uint32_t, uint32_t, bool hdr);
bool	 m_copydata(const struct mbuf *, uint32_t, uint32_t, void *);
bool	 m_copyback(struct mbuf *, uint32_t, uint32_t, const void *);
int	 m_append(struct mbuf *, const void *, uint32_t);
void	 m_cat(struct mbuf *, struct mbuf *);
struct mbuf *m_split(struct mbuf *, uint32_t);
int	 m_uiomove(struct mbuf *, uint32_t, uint32_t, struct uio *);
int	 m_fromuio(struct uio *, size_t, bool hdr, struct mbuf **);
uint32_t m_length(const struct mbuf *);
u_int	 m_count(const struct mbuf *);		/* mbufs in the chain */
/* memory that it keeps, for the limits of socket buffers */
uint32_t m_truesize(const struct mbuf *);	/* of this mbuf */

/* Room in this mbuf that nobody else sees. */
bool	 m_writable(const struct mbuf *);
uint32_t m_leading(const struct mbuf *);
uint32_t m_trailing(const struct mbuf *);
/* bytes of its storage before the data, anybody's */
uint32_t m_before(const struct mbuf *);

#define mtod(m, type)	((type)(void *)(m)->m_data)

/* the most bytes that packets may take; sysctl net.mbuf.* shows and sets it */
size_t	 m_limit(void);

/* --- queues of packets ------------------------------------------------------ */

struct mbufq {
	struct mbuf	*mq_head;
	struct mbuf	**mq_tailp;
	u_int		 mq_len;
};

static inline void
mq_init(struct mbufq *mq)
{
	mq->mq_head = NULL;
	mq->mq_tailp = &mq->mq_head;
	mq->mq_len = 0;
}

static inline void
mq_put(struct mbufq *mq, struct mbuf *m)
{
	m->m_nextpkt = NULL;
	*mq->mq_tailp = m;
	mq->mq_tailp = &m->m_nextpkt;
	mq->mq_len++;
}

static inline struct mbuf *
mq_get(struct mbufq *mq)
{
	struct mbuf *m = mq->mq_head;

	if (m != NULL) {
		if ((mq->mq_head = m->m_nextpkt) == NULL)
			mq->mq_tailp = &mq->mq_head;
		m->m_nextpkt = NULL;
		mq->mq_len--;
	}
	return (m);
}

/* --- the Internet checksum (RFC 1071) --------------------------------------- */

/*
 * A sum is kept unfolded; cksum_fold() gives the 16 bits, not complemented.
 * They are in the order of memory: stored as they are they are right on any
 * machine.
 * cksum_add: of len bytes that begin at an even offset.
 * m_cksum: of len bytes of the chain from off on; the packet has them.
 * cksum_partial: does what PH_CSUM_PARTIAL asks.  ENOBUFS; EINVAL: the
 *	offsets are outside the packet.
 */
uint64_t cksum_add(uint64_t, const void *, size_t);
uint64_t m_cksum(const struct mbuf *, uint32_t, uint32_t, uint64_t);
int	 cksum_partial(struct mbuf **);

static inline uint16_t
cksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum);
}

#endif /* _SYS_MBUF_H_ */
