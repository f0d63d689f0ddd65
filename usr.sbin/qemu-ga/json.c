/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <stdlib.h>
#include <string.h>

#include "json.h"

struct parser {
	char		*p_at, *p_end;
	const char	*p_what;	/* the first error */
	struct json	*p_free;	/* there are enough: see count() */
	int		 p_depth;
};

static struct json *value(struct parser *);

static void *
fail(struct parser *p, const char *what)
{
	if (p->p_what == NULL)
		p->p_what = what;
	return (NULL);
}

static int
peek(struct parser *p)
{
	while (p->p_at < p->p_end && (*p->p_at == ' ' || *p->p_at == '\t' ||
	    *p->p_at == '\n' || *p->p_at == '\r'))
		p->p_at++;
	return (p->p_at < p->p_end ? (unsigned char)*p->p_at : -1);
}

/* --- strings ------------------------------------------------------------- */

long
json_utf8(const char *s, size_t n, size_t *lenp)
{
	static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t i, len;
	long c;

	*lenp = 1;
	if (*p < 0x80)
		return (*p);
	len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	if (*p < 0xc2 || *p > 0xf4)
		return (-1);
	c = *p & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if (i == n || (p[i] & 0xc0) != 0x80)
			return (-1);
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return (-1);
	*lenp = len;
	return (c);
}

static char *
put_utf8(char *to, long c)
{
	if (c < 0x80) {
		*to++ = c;
		return (to);
	}
	if (c < 0x800)
		*to++ = 0xc0 | c >> 6;
	else {
		if (c < 0x10000)
			*to++ = 0xe0 | c >> 12;
		else {
			*to++ = 0xf0 | c >> 18;
			*to++ = 0x80 | (c >> 12 & 0x3f);
		}
		*to++ = 0x80 | (c >> 6 & 0x3f);
	}
	*to++ = 0x80 | (c & 0x3f);
	return (to);
}

/* The four digits behind \u. */
static long
hex4(struct parser *p)
{
	long c = 0;
	int i, d;

	if (p->p_end - p->p_at < 4)
		return (-1);
	for (i = 0; i < 4; i++) {
		d = (unsigned char)*p->p_at++;
		if (d >= '0' && d <= '9')
			d -= '0';
		else if ((d | 0x20) >= 'a' && (d | 0x20) <= 'f')
			d = (d | 0x20) - 'a' + 10;
		else
			return (-1);
		c = c << 4 | d;
	}
	return (c);
}

/* Behind \u: two of them where it takes a pair of surrogates. */
static long
escape_u(struct parser *p)
{
	long c, low;

	if ((c = hex4(p)) < 0xd800 || c > 0xdfff)
		return (c);
	if (c > 0xdbff || p->p_end - p->p_at < 6 || p->p_at[0] != '\\' ||
	    p->p_at[1] != 'u')
		return (-1);
	p->p_at += 2;
	if ((low = hex4(p)) < 0xdc00 || low > 0xdfff)
		return (-1);
	return (0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)));
}

static long
escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *q;
	int c;

	if (p->p_at == p->p_end || (c = *p->p_at++) == '\0')
		return (-1);
	if (c == 'u')
		return (escape_u(p));
	return ((q = strchr(from, c)) != NULL ? to[q - from] : -1);
}

/* Decodes in place, as nothing gets longer.  Strings here have no NUL. */
static char *
string(struct parser *p, size_t *lenp)
{
	char *start, *to;
	size_t n;
	long c;

	start = to = ++p->p_at;
	for (;;) {
		if (p->p_at >= p->p_end)
			return (fail(p, "a string does not end"));
		if (*p->p_at == '"')
			break;
		if (*p->p_at == '\\') {
			p->p_at++;
			if ((c = escape(p)) <= 0)
				return (fail(p, "bad escape in a string"));
			to = put_utf8(to, c);
			continue;
		}
		c = json_utf8(p->p_at, p->p_end - p->p_at, &n);
		if (c < 0)
			return (fail(p, "a string is not UTF-8"));
		if (c < ' ')
			return (fail(p, "control character in a string"));
		while (n-- != 0)
			*to++ = *p->p_at++;
	}
	p->p_at++;
	*lenp = to - start;
	*to = '\0';
	return (start);
}

/* --- numbers, words ------------------------------------------------------ */

static bool
digits(struct parser *p)
{
	char *start = p->p_at;

	while (p->p_at < p->p_end && *p->p_at >= '0' && *p->p_at <= '9')
		p->p_at++;
	return (p->p_at != start);
}

/* Whether those digits are a number of 64 bits with a sign. */
static bool
integer(const char *s, const char *end, int64_t *vp)
{
	bool neg = *s == '-';
	uint64_t v = 0, max = (uint64_t)INT64_MAX + neg;

	for (s += neg; s < end; s++) {
		if (v > (max - (*s - '0')) / 10)
			return (false);
		v = v * 10 + (*s - '0');
	}
	*vp = neg ? (int64_t)(0 - v) : (int64_t)v;
	return (true);
}

static struct json *
number(struct parser *p, struct json *j)
{
	bool whole = true;
	int c;

	j->j_str = p->p_at;
	p->p_at += *p->p_at == '-';
	if (p->p_at < p->p_end && *p->p_at == '0')
		p->p_at++;
	else if (!digits(p))
		return (fail(p, "bad number"));
	if (p->p_at < p->p_end && *p->p_at == '.') {
		whole = false;
		p->p_at++;
		if (!digits(p))
			return (fail(p, "bad number"));
	}
	if (p->p_at < p->p_end && (*p->p_at | 0x20) == 'e') {
		whole = false;
		if (++p->p_at < p->p_end && ((c = *p->p_at) == '+' ||
		    c == '-'))
			p->p_at++;
		if (!digits(p))
			return (fail(p, "bad number"));
	}
	j->j_len = p->p_at - j->j_str;
	j->j_type = whole && integer(j->j_str, p->p_at, &j->j_int) ?
	    J_INT : J_NUMBER;
	return (j);
}

static struct json *
word(struct parser *p, struct json *j)
{
	static const struct {
		const char	*text;
		enum json_type	 type;
		int		 v;
	} words[] = {
		{ "null", J_NULL, 0 }, { "false", J_BOOL, 0 },
		{ "true", J_BOOL, 1 },
	};
	size_t i, n;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i].text);
		if ((size_t)(p->p_end - p->p_at) < n ||
		    memcmp(p->p_at, words[i].text, n) != 0)
			continue;
		p->p_at += n;
		j->j_type = words[i].type;
		j->j_int = words[i].v;
		return (j);
	}
	return (fail(p, "unknown word"));
}

/* --- arrays, objects ----------------------------------------------------- */

static const char *
key(struct parser *p, const struct json *of)
{
	const char *k;
	size_t n;

	if (peek(p) != '"')
		return (fail(p, "no key in an object"));
	if ((k = string(p, &n)) == NULL)
		return (NULL);
	if (json_member(of, k) != NULL)
		return (fail(p, "duplicate key"));
	if (peek(p) != ':')
		return (fail(p, "no colon behind a key"));
	p->p_at++;
	return (k);
}

static struct json *
group(struct parser *p, struct json *j, int close)
{
	struct json **tail = &j->j_child, *v;
	const char *k = NULL;
	int c;

	j->j_type = close == ']' ? J_ARRAY : J_OBJECT;
	p->p_at++;
	if (peek(p) == close) {
		p->p_at++;
		return (j);
	}
	if (++p->p_depth > JSON_MAXDEPTH)
		return (fail(p, "too deep"));
	do {
		if (close == '}' && (k = key(p, j)) == NULL)
			return (NULL);
		if ((v = value(p)) == NULL)
			return (NULL);
		v->j_key = k;
		*tail = v;
		tail = &v->j_next;
		if ((c = peek(p)) != ',' && c != close)
			return (fail(p, "no comma or end behind a value"));
		p->p_at++;
	} while (c == ',');
	p->p_depth--;
	return (j);
}

static struct json *
value(struct parser *p)
{
	struct json *j = p->p_free++;

	switch (peek(p)) {
	case '{':
		return (group(p, j, '}'));
	case '[':
		return (group(p, j, ']'));
	case '"':
		j->j_type = J_STRING;
		j->j_str = string(p, &j->j_len);
		return (j->j_str != NULL ? j : NULL);
	case '-':
	case '0' ... '9':
		return (number(p, j));
	case -1:
		return (fail(p, "a value is missing"));
	default:
		return (word(p, j));
	}
}

/*
 * How many values there can be at most: each but the outermost has a comma
 * or the beginning of a group before it.
 */
static size_t
count(const char *s, const char *end)
{
	bool quoted = false;
	size_t n = 1;

	for (; s < end; s++) {
		if (quoted && *s == '\\')
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (!quoted && (*s == ',' || *s == '[' || *s == '{'))
			n++;
	}
	return (n);
}

struct json *
json_parse(char *text, size_t len, const char **what)
{
	struct parser p = { .p_at = text, .p_end = text + len };
	size_t n = count(text, text + len);
	struct json *all, *j;

	if (n > JSON_MAXVALUES) {
		*what = "too many values";
		return (NULL);
	}
	/* one more, for who asks for the value behind a last comma */
	if ((all = calloc(n + 1, sizeof(*all))) == NULL) {
		*what = "out of memory";
		return (NULL);
	}
	p.p_free = all;
	if ((j = value(&p)) != NULL && peek(&p) != -1)
		j = fail(&p, "more behind the value");
	if (j == NULL) {
		free(all);
		*what = p.p_what;
	}
	return (j);
}

struct json *
json_member(const struct json *of, const char *k)
{
	struct json *j;

	for (j = of->j_child; j != NULL; j = j->j_next) {
		if (strcmp(j->j_key, k) == 0)
			break;
	}
	return (j);
}
