/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * DEFLATE, RFC 1951, from memory to memory.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bin/crunch/util.h"
#include "inflate.h"

#define MAXBITS		15		/* of a code */
#define NLITERALS	288
#define NDISTANCES	32
#define OUT_MAX		(16U << 20)	/* more is no manual */

struct stream {
	const unsigned char	*in, *end;
	uint32_t		 bits;
	unsigned int		 nbits;
	unsigned char		*out;
	size_t			 len, size;
	int			 bad;
};

/* 3.2.2: how many codes there are of each length, and their symbols in order */
struct code {
	uint16_t	count[MAXBITS + 1];
	uint16_t	symbol[NLITERALS];
};

static unsigned int
take(struct stream *s, unsigned int n)
{
	unsigned int v;

	while (s->nbits < n) {
		if (s->in == s->end) {
			s->bad = 1;
			return (0);
		}
		s->bits |= (uint32_t)*s->in++ << s->nbits;
		s->nbits += 8;
	}
	v = s->bits & ((1U << n) - 1);
	s->bits >>= n;
	s->nbits -= n;
	return (v);
}

static void
put(struct stream *s, unsigned int c)
{
	if (s->len < s->size)
		s->out[s->len++] = c;
	else
		s->bad = 1;
}

/* --- codes --------------------------------------------------------------- */

static void
make_code(struct stream *s, struct code *c, const uint8_t *lengths,
    unsigned int n)
{
	uint16_t at[MAXBITS + 1];
	unsigned int i;
	int left = 1;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < n; i++)
		c->count[lengths[i]]++;
	c->count[0] = 0;
	at[1] = 0;
	for (i = 1; i <= MAXBITS; i++) {
		left = 2 * left - c->count[i];
		if (left < 0)
			s->bad = 1;	/* more codes than there can be */
		if (i < MAXBITS)
			at[i + 1] = at[i] + c->count[i];
	}
	for (i = 0; i < n; i++) {
		if (lengths[i] != 0)
			c->symbol[at[lengths[i]]++] = i;
	}
}

/* Codes of one length are numbers in a row, and so are longer ones behind. */
static unsigned int
take_symbol(struct stream *s, const struct code *c)
{
	unsigned int code = 0, first = 0, index = 0, len;

	for (len = 1; len <= MAXBITS && !s->bad; len++) {
		code |= take(s, 1);
		if (code - first < c->count[len])
			return (c->symbol[index + code - first]);
		index += c->count[len];
		first = (first + c->count[len]) << 1;
		code <<= 1;
	}
	s->bad = 1;
	return (0);
}

/* --- blocks -------------------------------------------------------------- */

/* 3.2.5 */
static void
copy(struct stream *s, unsigned int symbol, const struct code *distances)
{
	static const uint16_t bases[] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33,
	    49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
	    4097, 6145, 8193, 12289, 16385, 24577 };
	unsigned int extra, len, dist;

	symbol -= 257;
	if (symbol < 8)
		len = symbol + 3;
	else if (symbol < 28) {
		extra = symbol / 4 - 1;
		len = (4 + symbol % 4) << extra;
		len += take(s, extra) + 3;
	} else
		len = 258;
	symbol = take_symbol(s, distances);
	if (symbol >= nitems(bases) || len > 258) {
		s->bad = 1;
		return;
	}
	dist = bases[symbol] + (symbol > 3 ? take(s, symbol / 2 - 1) : 0);
	if (dist > s->len) {
		s->bad = 1;
		return;
	}
	for (; len > 0 && !s->bad; len--)
		put(s, s->out[s->len - dist]);
}

static void
coded(struct stream *s, const struct code *literals,
    const struct code *distances)
{
	unsigned int symbol;

	while (!s->bad) {
		symbol = take_symbol(s, literals);
		if (symbol < 256 && !s->bad)
			put(s, symbol);
		else if (symbol == 256)
			return;
		else
			copy(s, symbol, distances);
	}
}

/* 3.2.4 */
static void
stored(struct stream *s)
{
	unsigned int n;

	s->bits = s->nbits = 0;
	n = take(s, 16);
	if (take(s, 16) != (n ^ 0xffff) || (size_t)(s->end - s->in) < n) {
		s->bad = 1;
		return;
	}
	while (n-- > 0 && !s->bad)
		put(s, *s->in++);
}

/* 3.2.6 */
static void
fixed(struct stream *s)
{
	struct code literals, distances;
	uint8_t lengths[NLITERALS];
	unsigned int i;

	for (i = 0; i < NLITERALS; i++)
		lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	make_code(s, &literals, lengths, NLITERALS);
	memset(lengths, 5, NDISTANCES);
	make_code(s, &distances, lengths, NDISTANCES);
	coded(s, &literals, &distances);
}

/* 3.2.7: the lengths of the codes are coded themselves */
static void
dynamic(struct stream *s)
{
	static const uint8_t order[] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11,
	    4, 12, 3, 13, 2, 14, 1, 15 };
	struct code literals, distances;
	uint8_t lengths[NLITERALS + NDISTANCES];
	unsigned int nl, nd, nc, i, n, symbol, value;

	nl = take(s, 5) + 257;
	nd = take(s, 5) + 1;
	nc = take(s, 4) + 4;
	if (nl > NLITERALS) {
		s->bad = 1;
		return;
	}
	memset(lengths, 0, sizeof(order));
	for (i = 0; i < nc; i++)
		lengths[order[i]] = take(s, 3);
	make_code(s, &literals, lengths, sizeof(order));
	for (i = 0; i < nl + nd && !s->bad;) {
		symbol = take_symbol(s, &literals);
		if (symbol < 16) {
			lengths[i++] = symbol;
			continue;
		}
		value = symbol == 16 && i > 0 ? lengths[i - 1] : 0;
		n = symbol == 16 ? 3 + take(s, 2) :
		    symbol == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
		if (n > nl + nd - i || (symbol == 16 && i == 0)) {
			s->bad = 1;
			return;
		}
		memset(lengths + i, value, n);
		i += n;
	}
	make_code(s, &literals, lengths, nl);
	make_code(s, &distances, lengths + nl, nd);
	coded(s, &literals, &distances);
}

static void
inflate(struct stream *s)
{
	unsigned int last;

	do {
		last = take(s, 1);
		switch (take(s, 2)) {
		case 0:
			stored(s);
			break;
		case 1:
			fixed(s);
			break;
		case 2:
			dynamic(s);
			break;
		default:
			s->bad = 1;
		}
	} while (!last && !s->bad);
}

/* RFC 1952, 2.3, without what may stand between the header and the data. */
char *
gunzip(const unsigned char *p, size_t n, size_t *lenp)
{
	struct stream s = { .in = p + 10 };

	if (n < 18 || p[0] != 0x1f || p[1] != 0x8b || p[2] != 8 || p[3] != 0)
		return (NULL);
	s.end = p + n - 8;
	s.size = p[n - 4] | (size_t)p[n - 3] << 8 | (size_t)p[n - 2] << 16 |
	    (size_t)p[n - 1] << 24;
	if (s.size > OUT_MAX)
		return (NULL);
	s.out = xmalloc(s.size + 1);
	inflate(&s);
	if (s.bad || s.len != s.size) {
		free(s.out);
		return (NULL);
	}
	s.out[s.len] = '\0';
	*lenp = s.len;
	return ((char *)s.out);
}
