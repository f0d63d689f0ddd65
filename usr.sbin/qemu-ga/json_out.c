/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <stdlib.h>
#include <string.h>

#include "../../bin/crunch/util.h"
#include "json.h"

static bool
room(struct jwriter *w, size_t n)
{
	size_t size = w->w_size;
	char *buf;

	if (w->w_failed)
		return (false);
	if (n <= size - w->w_len)
		return (true);
	while (size - w->w_len < n)
		size = size == 0 ? 4096 : size * 2;
	if ((buf = realloc(w->w_buf, size)) == NULL) {
		w->w_failed = true;
		return (false);
	}
	w->w_buf = buf;
	w->w_size = size;
	return (true);
}

void
jw_raw(struct jwriter *w, const char *p, size_t n)
{
	if (room(w, n)) {
		memcpy(w->w_buf + w->w_len, p, n);
		w->w_len += n;
	}
}

static void
before(struct jwriter *w)
{
	if (w->w_comma)
		jw_raw(w, ", ", 2);
	w->w_comma = true;
}

void
jw_value(struct jwriter *w, const char *p, size_t n)
{
	before(w);
	jw_raw(w, p, n);
}

static void
put_u(struct jwriter *w, unsigned int c)
{
	char buf[8];

	jw_raw(w, buf, snfmt(buf, sizeof(buf), "\\u%04x", c));
}

/* All that is not plain ASCII is escaped, so that no byte is above 0x7e. */
static void
put_char(struct jwriter *w, long c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *q;
	char buf[2];

	if (c > 0xffff) {
		put_u(w, 0xd800 + ((c - 0x10000) >> 10));
		put_u(w, 0xdc00 + (c & 0x3ff));
	} else if (c != 0 && c < 0x7f && (q = strchr(from, c)) != NULL) {
		buf[0] = '\\';
		buf[1] = to[q - from];
		jw_raw(w, buf, 2);
	} else if (c < ' ' || c > 0x7e)
		put_u(w, c);
	else {
		buf[0] = c;
		jw_raw(w, buf, 1);
	}
}

/* What is not UTF-8, such as a name in a file system, is replaced. */
void
jw_mem(struct jwriter *w, const char *p, size_t n)
{
	size_t len;
	long c;

	before(w);
	jw_raw(w, "\"", 1);
	for (; n != 0; p += len, n -= len) {
		c = json_utf8(p, n, &len);
		put_char(w, c < 0 ? 0xfffd : c);
	}
	jw_raw(w, "\"", 1);
}

void
jw_str(struct jwriter *w, const char *s)
{
	jw_mem(w, s, strlen(s));
}

void
jw_key(struct jwriter *w, const char *k)
{
	jw_str(w, k);
	jw_raw(w, ": ", 2);
	w->w_comma = false;
}

void
jw_int(struct jwriter *w, int64_t v)
{
	char buf[24];

	jw_value(w, buf, snfmt(buf, sizeof(buf), "%lld", (long long)v));
}

void
jw_uint(struct jwriter *w, uint64_t v)
{
	char buf[24];

	jw_value(w, buf, snfmt(buf, sizeof(buf), "%llu",
	    (unsigned long long)v));
}

void
jw_bool(struct jwriter *w, bool v)
{
	jw_value(w, v ? "true" : "false", v ? 4 : 5);
}

void
jw_open(struct jwriter *w, int c)
{
	char ch = c;

	jw_value(w, &ch, 1);
	w->w_comma = false;
}

void
jw_close(struct jwriter *w, int c)
{
	char ch = c;

	jw_raw(w, &ch, 1);
	w->w_comma = true;
}

/* As deep as the reader lets it be. */
void
jw_json(struct jwriter *w, const struct json *j)
{
	const struct json *v;

	switch (j->j_type) {
	case J_NULL:
		jw_value(w, "null", 4);
		break;
	case J_BOOL:
		jw_bool(w, j->j_int != 0);
		break;
	case J_INT:
	case J_NUMBER:
		jw_value(w, j->j_str, j->j_len);
		break;
	case J_STRING:
		jw_mem(w, j->j_str, j->j_len);
		break;
	case J_ARRAY:
	case J_OBJECT:
		jw_open(w, j->j_type == J_ARRAY ? '[' : '{');
		for (v = j->j_child; v != NULL; v = v->j_next) {
			if (j->j_type == J_OBJECT)
				jw_key(w, v->j_key);
			jw_json(w, v);
		}
		jw_close(w, j->j_type == J_ARRAY ? ']' : '}');
		break;
	}
}

void
jw_kstr(struct jwriter *w, const char *k, const char *s)
{
	jw_key(w, k);
	jw_str(w, s);
}

void
jw_kint(struct jwriter *w, const char *k, int64_t v)
{
	jw_key(w, k);
	jw_int(w, v);
}

void
jw_kuint(struct jwriter *w, const char *k, uint64_t v)
{
	jw_key(w, k);
	jw_uint(w, v);
}

void
jw_kbool(struct jwriter *w, const char *k, bool v)
{
	jw_key(w, k);
	jw_bool(w, v);
}

/* --- base64 (RFC 4648, 4) ------------------------------------------------ */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
jw_base64(struct jwriter *w, const void *data, size_t n)
{
	const unsigned char *p = data;
	unsigned int v;
	size_t i;
	char *to;

	jw_value(w, "\"", 1);
	if (!room(w, (n + 2) / 3 * 4))
		return;
	to = w->w_buf + w->w_len;
	for (; n != 0; p += i, n -= i) {
		i = n < 3 ? n : 3;
		v = p[0] << 16 | (i > 1 ? p[1] << 8 : 0) | (i > 2 ? p[2] : 0);
		*to++ = alphabet[v >> 18];
		*to++ = alphabet[v >> 12 & 63];
		*to++ = i > 1 ? alphabet[v >> 6 & 63] : '=';
		*to++ = i > 2 ? alphabet[v & 63] : '=';
	}
	w->w_len = to - w->w_buf;
	jw_raw(w, "\"", 1);
}

long
base64_decode(char *s, size_t n)
{
	const char *q, *end = s + n;
	char *to = s, *start = s;
	unsigned int v = 0, bits = 0;
	int pad = 0;

	if (n % 4 != 0)
		return (-1);
	while (pad < 2 && end > s && end[-1] == '=') {
		end--;
		pad++;
	}
	for (; s < end; s++) {
		if (*s == '\0' || (q = strchr(alphabet, *s)) == NULL)
			return (-1);
		v = (v << 6 | (q - alphabet)) & 0xfff;
		if ((bits += 6) >= 8) {
			bits -= 8;
			*to++ = v >> bits;
		}
	}
	/* bits that no byte has are 0 */
	return ((v & ((1U << bits) - 1)) != 0 ? -1 : to - start);
}
