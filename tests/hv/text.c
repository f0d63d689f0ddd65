/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Numbers, escapes and options, for the models and for what drives them. */

#include "hv.h"
#include "lib.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (16);
}

bool
hv_number(const char *s, uint64_t *value)
{
	uint64_t n = 0;
	int base = 10;
	bool negative = *s == '-';

	s += negative;
	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	if (digit(*s) >= base)
		return (false);
	for (; digit(*s) < base; s++)
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit(*s), &n))
			return (false);
	switch (*s) {
	case 'G':
		n <<= 10;
		/* FALLTHROUGH */
	case 'M':
		n <<= 10;
		/* FALLTHROUGH */
	case 'K':
		n <<= 10;
		s++;
	}
	*value = negative ? -n : n;
	return (*s == '\0');
}

size_t
hv_unescape(char *s)
{
	char *out = s, *start = s;

	while (*s != '\0') {
		if (*s != '\\') {
			*out++ = *s++;
		} else if (s[1] == 'x' && digit(s[2]) < 16 &&
		    digit(s[3]) < 16) {
			*out++ = digit(s[2]) << 4 | digit(s[3]);
			s += 4;
		} else {
			switch (s[1]) {
			case 'n':
				*out++ = '\n';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 's':
				*out++ = ' ';
				break;
			case '0':
				*out++ = '\0';
				break;
			case '\0':
				*out++ = '\\';
				s--;
				break;
			default:
				*out++ = s[1];
			}
			s += 2;
		}
	}
	*out = '\0';
	return (out - start);
}

size_t
hv_escape(char *out, size_t size, const void *data, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t n = 0;

	for (; len > 0 && n + 5 <= size; p++, len--) {
		if (*p == '\\' || *p == '"') {
			out[n++] = '\\';
			out[n++] = *p;
		} else if (*p == '\n') {
			out[n++] = '\\';
			out[n++] = 'n';
		} else if (*p < ' ' || *p > '~') {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[*p >> 4];
			out[n++] = hex[*p & 15];
		} else
			out[n++] = *p;
	}
	if (size > 0)
		out[n] = '\0';
	return (n);
}

bool
hv_prefix(const char *s, const char *prefix)
{
	return (strncmp(s, prefix, strlen(prefix)) == 0);
}

bool
hv_options(const struct hv_option *options, size_t n, const char *name,
    const char *value)
{
	for (; n > 0; options++, n--)
		if (strcmp(options->name, name) == 0)
			return (hv_number(value, options->value));
	return (false);
}

uint64_t
hv_div128(uint64_t hi, uint64_t lo, uint64_t div)
{
	uint64_t q = 0;
	bool carry;
	int i;

	for (i = 0; i < 64; i++) {
		carry = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		q <<= 1;
		if (carry || hi >= div) {
			hi -= div;
			q |= 1;
		}
	}
	return (q);
}

uint64_t
hv_mulhi(uint64_t a, uint64_t b)
{
	return ((unsigned __int128)a * b >> 64);
}
