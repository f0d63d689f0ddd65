/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Packets: see mbuf.h.
 *
 * Memory of packets is limited to a part of the machine's, so that a flood
 * ends in dropped packets and not in a kernel without memory.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mbuf.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <vm/vm_page.h>

/* of the machine's memory */
#define M_SHARE		4

_Static_assert(MLEN >= MAX_HDR, "headers fit into an mbuf");

static size_t	m_max = 64UL << 20;		/* until mbuf_init() */
static size_t	m_used;				/* atomic; bytes */
static uint64_t	m_denied;			/* atomic */

static int
m_used_read(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%zu",
	    __atomic_load_n(&m_used, __ATOMIC_RELAXED)));
}

static int
m_limit_read(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%zu", m_limit()));
}

static int
m_limit_write(void *arg __unused, const char *text)
{
	const char *end;
	uint64_t v;

	if (strtonum64(text, &end, &v) != 0 || *end != '\0' || v < 1 << 20)
		return (EINVAL);
	__atomic_store_n(&m_max, v, __ATOMIC_RELAXED);
	return (0);
}

static int
m_denied_read(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%llu", (unsigned long long)
	    __atomic_load_n(&m_denied, __ATOMIC_RELAXED)));
}

static struct sysctl_oid m_oids[] = {
	{ .so_name = "net.mbuf.used", .so_read = m_used_read },
	{ .so_name = "net.mbuf.limit", .so_read = m_limit_read,
	    .so_write = m_limit_write },
	{ .so_name = "net.mbuf.denied", .so_read = m_denied_read },
};

void
mbuf_init(void)
{
	size_t i;

	if (vm_page_total() != 0)
		m_max = vm_page_total() * PAGE_SIZE / M_SHARE;
	for (i = 0; i < nitems(m_oids); i++)
		(void)sysctl_register(&m_oids[i]);
}

size_t
m_limit(void)
{
	return (__atomic_load_n(&m_max, __ATOMIC_RELAXED));
}

/* --- memory ----------------------------------------------------------------- */

/*
 * What is small may go beyond the limit: without headers nothing that is kept
 * could be sent, or acknowledged, and so be given back.
 */
static void *
m_memget(size_t size)
{
	size_t most = m_limit();
	void *p = NULL;

	if (size <= MSIZE)
		most += most / 4;
	if (__atomic_add_fetch(&m_used, size, __ATOMIC_RELAXED) <= most)
		p = kmem_alloc(size, KM_NOSLEEP);
	if (p == NULL) {
		__atomic_fetch_sub(&m_used, size, __ATOMIC_RELAXED);
		__atomic_fetch_add(&m_denied, 1, __ATOMIC_RELAXED);
	}
	return (p);
}

static void
m_memfree(void *p, size_t size)
{
	kmem_free(p, size);
	__atomic_fetch_sub(&m_used, size, __ATOMIC_RELAXED);
}

struct mbuf *
m_get(void)
{
	struct mbuf *m;

	if ((m = m_memget(MSIZE)) != NULL) {
		m->m_next = m->m_nextpkt = NULL;
		m->m_data = m->m_buf;
		m->m_len = 0;
		m->m_flags = m->m_type = 0;
		m->m_ext = NULL;
	}
	return (m);
}

struct mbuf *
m_gethdr(void)
{
	struct mbuf *m;

	if ((m = m_get()) != NULL) {
		m->m_flags = M_PKTHDR;
		m->m_pkthdr = (struct pkthdr){ .ph_len = 0 };
		m->m_data = m->m_buf + MLEN;
	}
	return (m);
}

struct mext *
m_extget(size_t size)
{
	struct mext *me;

	KASSERT(size != 0 && size <= MCL32K);
	if ((me = m_memget(sizeof(*me))) == NULL)
		return (NULL);
	me->me_size = size <= MCLBYTES ? MCLBYTES : size <= MCL4K ? MCL4K :
	    size <= MCL16K ? MCL16K : MCL32K;
	if ((me->me_buf = m_memget(me->me_size)) == NULL) {
		m_memfree(me, sizeof(*me));
		return (NULL);
	}
	me->me_refs = 1;
	me->me_free = NULL;
	return (me);
}

void
m_extfree(struct mext *me)
{
	if (__atomic_sub_fetch(&me->me_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (me->me_free != NULL) {
		me->me_free(me);
		return;
	}
	m_memfree(me->me_buf, me->me_size);
	m_memfree(me, sizeof(*me));
}

void
m_extadd(struct mbuf *m, struct mext *me)
{
	KASSERT(m->m_ext == NULL);
	m->m_ext = me;
	m->m_data = me->me_buf;
	m->m_len = me->me_size;
}

struct mbuf *
m_getcl(size_t size, bool pkthdr)
{
	struct mbuf *m = pkthdr ? m_gethdr() : m_get();
	struct mext *me;

	if (m == NULL)
		return (NULL);
	if ((me = m_extget(size)) == NULL && size > MCL4K)
		me = m_extget(MCL4K);	/* large pieces may be scarce */
	if (me == NULL)
		return (m_free(m));
	m_extadd(m, me);
	m->m_len = 0;
	return (m);
}

struct mbuf *
m_free(struct mbuf *m)
{
	struct mbuf *next = m->m_next;

	if (m->m_ext != NULL)
		m_extfree(m->m_ext);
	m_memfree(m, MSIZE);
	return (next);
}

void
m_freem(struct mbuf *m)
{
	while (m != NULL)
		m = m_free(m);
}

void
m_freeq(struct mbuf *m)
{
	struct mbuf *next;

	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m_freem(m);
	}
}

/* --- room ------------------------------------------------------------------- */

bool
m_writable(const struct mbuf *m)
{
	return (m->m_ext == NULL ||
	    __atomic_load_n(&m->m_ext->me_refs, __ATOMIC_ACQUIRE) == 1);
}

static uint8_t *
m_base(const struct mbuf *m)
{
	return (m->m_ext == NULL ? (uint8_t *)(uintptr_t)m->m_buf :
	    m->m_ext->me_buf);
}

static uint32_t
m_room(const struct mbuf *m)
{
	return (m->m_ext == NULL ? MLEN : m->m_ext->me_size);
}

uint32_t
m_before(const struct mbuf *m)
{
	return (m->m_data - m_base(m));
}

uint32_t
m_leading(const struct mbuf *m)
{
	return (m_writable(m) ? m_before(m) : 0);
}

uint32_t
m_trailing(const struct mbuf *m)
{
	return (m_writable(m) ?
	    m_base(m) + m_room(m) - (m->m_data + m->m_len) : 0);
}

uint32_t
m_truesize(const struct mbuf *m)
{
	return (MSIZE + (m->m_ext == NULL ? 0 : m->m_ext->me_size));
}

uint32_t
m_length(const struct mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->m_next)
		n += m->m_len;
	return (n);
}

u_int
m_count(const struct mbuf *m)
{
	u_int n = 0;

	for (; m != NULL; m = m->m_next)
		n++;
	return (n);
}

/* --- shape ------------------------------------------------------------------ */

/* The front of a packet has moved by n bytes. */
static void
m_moved(struct pkthdr *ph, int n)
{
	ph->ph_len += n;
	if (ph->ph_flags & PH_CSUM_PARTIAL) {
		if (n < 0 && ph->ph_csum_start < -n)
			ph->ph_flags &= ~PH_CSUM_PARTIAL;
		else
			ph->ph_csum_start += n;
	}
	if (ph->ph_gso != GSO_NONE)
		ph->ph_gso_hdrlen = MAX((int)ph->ph_gso_hdrlen + n, 0);
}

struct mbuf *
m_prepend(struct mbuf *m, u_int n)
{
	struct mbuf *h;

	if (m_leading(m) >= n) {
		m->m_data -= n;
		m->m_len += n;
		if (m->m_flags & M_PKTHDR)
			m_moved(&m->m_pkthdr, n);
		return (m);
	}
	KASSERT(n <= MLEN);
	if ((h = m_gethdr()) == NULL) {
		m_freem(m);
		return (NULL);
	}
	h->m_flags = m->m_flags;
	if (m->m_flags & M_PKTHDR) {
		h->m_pkthdr = m->m_pkthdr;
		m_moved(&h->m_pkthdr, n);
		m->m_flags &= ~M_PKTHDR;
	}
	h->m_nextpkt = m->m_nextpkt;
	m->m_nextpkt = NULL;
	h->m_next = m;
	h->m_data -= n;
	h->m_len = n;
	return (h);
}

static void
m_trim_end(struct mbuf *m, uint32_t n)
{
	uint32_t left = m_length(m);

	left = n < left ? left - n : 0;
	if (m->m_flags & M_PKTHDR)
		m->m_pkthdr.ph_len = left;
	for (; m->m_next != NULL && left > m->m_len; m = m->m_next)
		left -= m->m_len;
	m->m_len = MIN(m->m_len, left);
	m_freem(m->m_next);
	m->m_next = NULL;
}

void
m_adj(struct mbuf *m, int n)
{
	uint32_t left, k;
	struct mbuf *p;

	if (n < 0) {
		m_trim_end(m, -n);
		return;
	}
	for (p = m, left = n; p != NULL && left > 0; p = p->m_next) {
		k = MIN(left, p->m_len);
		p->m_data += k;
		p->m_len -= k;
		left -= k;
	}
	if (m->m_flags & M_PKTHDR)
		m_moved(&m->m_pkthdr, -(int)(n - left));
}

/* A new first mbuf with n bytes of the packet, which is that long. */
static struct mbuf *
m_gather(struct mbuf *m, u_int n)
{
	struct mbuf *h = n > MLEN ? m_getcl(n, true) : m_gethdr();

	if (h == NULL || n > m_room(h)) {
		if (h != NULL)
			m_freem(h);
		m_freem(m);
		return (NULL);
	}
	h->m_data = m_base(h) + (m_room(h) - n);
	h->m_len = n;
	if (!m_copydata(m, 0, n, h->m_data)) {
		m_freem(h);
		m_freem(m);
		return (NULL);
	}
	h->m_flags = m->m_flags;
	h->m_nextpkt = m->m_nextpkt;
	m->m_nextpkt = NULL;
	if (m->m_flags & M_PKTHDR) {
		h->m_pkthdr = m->m_pkthdr;
		m->m_flags &= ~M_PKTHDR;
	}
	m_adj(m, n);
	while (m != NULL && m->m_len == 0)
		m = m_free(m);
	h->m_next = m;
	return (h);
}

struct mbuf *
m_pullup(struct mbuf *m, u_int n, bool own)
{
	if (m->m_len >= n && (!own || m_writable(m)))
		return (m);
	if ((m->m_flags & M_PKTHDR) && m->m_pkthdr.ph_len < n) {
		m_freem(m);
		return (NULL);
	}
	return (m_gather(m, n));
}

/* The mbuf that holds the byte at *offp, which is made relative to it. */
static struct mbuf *
m_seek(struct mbuf *m, uint32_t *offp)
{
	for (; m != NULL && *offp >= m->m_len; m = m->m_next)
		*offp -= m->m_len;
	return (m);
}

struct mbuf *
m_copym(struct mbuf *m, uint32_t off, uint32_t len, bool hdr)
{
	struct mbuf *head = NULL, **tail = &head, *n;
	const struct pkthdr *ph = &m->m_pkthdr;
	uint32_t total = 0;

	KASSERT(!hdr || (m->m_flags & M_PKTHDR));
	for (m = m_seek(m, &off); m != NULL && len > 0; m = m->m_next) {
		if (m->m_len == 0)
			continue;
		if ((n = m_get()) == NULL) {
			m_freem(head);
			return (NULL);
		}
		*tail = n;
		tail = &n->m_next;
		n->m_len = MIN(len, m->m_len - off);
		if (m->m_ext != NULL) {
			__atomic_fetch_add(&m->m_ext->me_refs, 1,
			    __ATOMIC_RELAXED);
			n->m_ext = m->m_ext;
			n->m_data = m->m_data + off;
		} else {
			/* as far back, so that headers find their room */
			n->m_data = n->m_buf + (m->m_data - m->m_buf) + off;
			memcpy(n->m_data, m->m_data + off, n->m_len);
		}
		total += n->m_len;
		len -= len == M_COPYALL ? 0 : n->m_len;
		off = 0;
	}
	if (hdr && head != NULL) {
		head->m_flags |= M_PKTHDR;
		head->m_pkthdr = *ph;
		head->m_pkthdr.ph_len = total;
	}
	return (head);
}

bool
m_copydata(const struct mbuf *m, uint32_t off, uint32_t len, void *buf)
{
	uint8_t *p = buf;
	uint32_t n;

	m = m_seek((struct mbuf *)(uintptr_t)m, &off);
	for (; m != NULL && len > 0; m = m->m_next, off = 0) {
		n = MIN(len, m->m_len - off);
		memcpy(p, m->m_data + off, n);
		p += n;
		len -= n;
	}
	return (len == 0);
}

bool
m_copyback(struct mbuf *m, uint32_t off, uint32_t len, const void *buf)
{
	const uint8_t *p = buf;
	uint32_t n;

	for (m = m_seek(m, &off); m != NULL && len > 0;
	    m = m->m_next, off = 0) {
		if (!m_writable(m))
			return (false);
		n = MIN(len, m->m_len - off);
		memcpy(m->m_data + off, p, n);
		p += n;
		len -= n;
	}
	return (len == 0);
}

int
m_append(struct mbuf *m, const void *buf, uint32_t len)
{
	struct mbuf *head = m, *n;
	const uint8_t *p = buf;
	uint32_t k;

	while (m->m_next != NULL)
		m = m->m_next;
	while (len > 0) {
		if (m_trailing(m) == 0) {
			n = len > MLEN ? m_getcl(MCLBYTES, false) : m_get();
			if (n == NULL)
				return (ENOBUFS);
			m = m->m_next = n;
		}
		k = MIN(len, m_trailing(m));
		memcpy(m->m_data + m->m_len, p, k);
		m->m_len += k;
		if (head->m_flags & M_PKTHDR)
			head->m_pkthdr.ph_len += k;
		p += k;
		len -= k;
	}
	return (0);
}

void
m_cat(struct mbuf *m, struct mbuf *n)
{
	while (m->m_next != NULL)
		m = m->m_next;
	m->m_next = n;
	if (n != NULL)
		n->m_flags &= ~M_PKTHDR;
}

struct mbuf *
m_split(struct mbuf *m, uint32_t off)
{
	struct mbuf *n, *p = m;
	uint32_t at = off;

	KASSERT(off > 0);
	while (p != NULL && at > p->m_len) {
		at -= p->m_len;
		p = p->m_next;
	}
	KASSERT(p != NULL);
	if (at < p->m_len) {
		if ((n = m_copym(p, at, p->m_len - at, false)) == NULL)
			return (NULL);
		n->m_next = p->m_next;
		p->m_len = at;
	} else
		n = p->m_next;
	p->m_next = NULL;
	if (m->m_flags & M_PKTHDR)
		m->m_pkthdr.ph_len = off;
	return (n);
}

/* --- programs ---------------------------------------------------------------- */

int
m_uiomove(struct mbuf *m, uint32_t off, uint32_t len, struct uio *uio)
{
	uint32_t n;
	int error;

	for (m = m_seek(m, &off); m != NULL && len > 0;
	    m = m->m_next, off = 0) {
		n = MIN(len, m->m_len - off);
		if ((error = uiomove(m->m_data + off, n, uio)) != 0)
			return (error);
		len -= n;
	}
	return (0);
}

int
m_fromuio(struct uio *uio, size_t len, bool hdr, struct mbuf **mp)
{
	struct mbuf *head = NULL, **tail = &head, *m;
	size_t room, total = 0;
	int error = 0;

	/* a part is for what arrives: programs wait before that is taken */
	if (__atomic_load_n(&m_used, __ATOMIC_RELAXED) > m_limit() / 4 * 3)
		return (ENOBUFS);
	len = MIN(len, uio->uio_resid);
	do {
		room = head == NULL && hdr ? MAX_HDR : 0;
		m = len - total + room > MLEN ?
		    m_getcl(MIN(len - total + room, MCL32K),
		    head == NULL && hdr) :
		    head == NULL && hdr ? m_gethdr() : m_get();
		if (m == NULL) {
			/* of a stream what there is can go, not lost */
			error = head != NULL && !hdr ? 0 : ENOBUFS;
			break;
		}
		m->m_data = m_base(m) + room;
		m->m_len = MIN(len - total, m_room(m) - room);
		*tail = m;
		tail = &m->m_next;
		error = uiomove(m->m_data, m->m_len, uio);
		total += m->m_len;
	} while (error == 0 && total < len);
	if (error != 0) {
		m_freem(head);
		return (error);
	}
	if (hdr)
		head->m_pkthdr.ph_len = total;
	*mp = head;
	return (0);
}
