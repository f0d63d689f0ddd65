/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Buffers of sockets: see socketvar.h.
 */

#include <sys/socketvar.h>
#include <sys/systm.h>

/*
 * Memory that a buffer may keep for each byte that it is meant to hold: small
 * packets lie in large storage.
 */
#define SB_OVERHEAD	4

void
sb_reserve(struct sockbuf *sb, uint32_t n)
{
	sb->sb_hiwat = MIN(MAX(n, 2048), SB_MAX);
	sb->sb_lowat = MAX(MIN(sb->sb_lowat, sb->sb_hiwat), 1);
}

static uint32_t
sb_memmax(const struct sockbuf *sb)
{
	return (sb->sb_hiwat * SB_OVERHEAD);
}

uint32_t
sb_space(const struct sockbuf *sb)
{
	if (sb->sb_cc >= sb->sb_hiwat || sb->sb_mem >= sb_memmax(sb))
		return (0);
	return (sb->sb_hiwat - sb->sb_cc);
}

/*
 * Into the room behind the last data, where these are few: else a peer who
 * sends single bytes would make us keep a buffer of a device for each.
 */
#define COMPRESS_MAX	512

static bool
sb_compress(struct sockbuf *sb, const struct mbuf *m)
{
	struct mbuf *last = sb->sb_last;

	if (last == NULL || m->m_len > COMPRESS_MAX ||
	    m_trailing(last) < m->m_len)
		return (false);
	memcpy(last->m_data + last->m_len, m->m_data, m->m_len);
	last->m_len += m->m_len;
	return (true);
}

/* A few bytes in large storage: move them into small. */
static struct mbuf *
sb_shrink(struct mbuf *m)
{
	struct mbuf *n;

	if (m->m_ext == NULL || m->m_len > MLEN / 2 ||
	    (n = m_get()) == NULL)
		return (m);
	memcpy(n->m_data, m->m_data, m->m_len);
	n->m_len = m->m_len;
	n->m_next = m_free(m);
	return (n);
}

void
sb_append(struct sockbuf *sb, struct mbuf *m)
{
	while (m != NULL) {
		m->m_flags &= ~M_PKTHDR;
		sb->sb_cc += m->m_len;
		if (m->m_len == 0 || sb_compress(sb, m)) {
			m = m_free(m);
			continue;
		}
		m = sb_shrink(m);
		sb->sb_mem += m_truesize(m);
		if (sb->sb_last == NULL)
			sb->sb_head = m;
		else
			sb->sb_last->m_next = m;
		sb->sb_last = m;
		m = m->m_next;
		sb->sb_last->m_next = NULL;
	}
}

bool
sb_appenddgram(struct sockbuf *sb, const struct dgram_info *di,
    struct mbuf *m)
{
	uint32_t mem = 0, len = m_length(m);
	struct mbuf *info, *p;

	_Static_assert(sizeof(struct dgram_info) <= MLEN, "fits");
	if (len > MLEN / 2 || m->m_next != NULL)
		p = m;
	else {
		m->m_flags &= ~M_PKTHDR;
		p = m = sb_shrink(m);
	}
	for (; p != NULL; p = p->m_next)
		mem += m_truesize(p);
	info = m_get();
	if (info == NULL || sb->sb_cc + len > sb->sb_hiwat ||
	    sb->sb_mem + mem > sb_memmax(sb)) {
		m_freem(info);
		m_freem(m);
		return (false);
	}
	memcpy(info->m_data, di, sizeof(*di));
	info->m_len = sizeof(*di);
	info->m_type = M_TYPE_INFO;
	info->m_next = m;
	sb->sb_cc += len;
	sb->sb_mem += mem + m_truesize(info);
	if (sb->sb_last == NULL)
		sb->sb_head = info;
	else
		sb->sb_last->m_nextpkt = info;
	sb->sb_last = info;
	return (true);
}

void
sb_drop(struct sockbuf *sb, uint32_t n)
{
	struct mbuf *m;

	KASSERT(n <= sb->sb_cc);
	sb->sb_cc -= n;
	while ((m = sb->sb_head) != NULL && m->m_len <= n) {
		n -= m->m_len;
		sb->sb_mem -= m_truesize(m);
		sb->sb_head = m_free(m);
	}
	if (m == NULL)
		sb->sb_last = NULL;
	else {
		m->m_data += n;
		m->m_len -= n;
	}
}

void
sb_flush(struct sockbuf *sb)
{
	struct mbuf *m, *next;

	for (m = sb->sb_head; m != NULL; m = next) {
		next = m->m_nextpkt;
		m_freem(m);
	}
	sb->sb_head = sb->sb_last = NULL;
	sb->sb_cc = sb->sb_mem = 0;
}
