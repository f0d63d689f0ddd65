/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The little of a C library that the shim needs. */

#include "shim.h"

void *
memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	__asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (n) : :
	    "memory");
	return (start);
}

void *
memmove(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + n)
		return (memcpy(to, from, n));
	t += n - 1;
	f += n - 1;
	__asm volatile("std; rep movsb; cld" : "+D" (t), "+S" (f), "+c" (n) : :
	    "memory");
	return (to);
}

void *
memset(void *to, int c, size_t n)
{
	void *start = to;

	__asm volatile("rep stosb" : "+D" (to), "+c" (n) : "a" (c) : "memory");
	return (start);
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n > 0; p++, q++, n--)
		if (*p != *q)
			return (*p - *q);
	return (0);
}

void *
memchr(const void *s, int c, size_t n)
{
	unsigned char *p = (unsigned char *)(uintptr_t)s;

	for (; n > 0; p++, n--)
		if (*p == (unsigned char)c)
			return (p);
	return (NULL);
}

size_t
strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (p - s);
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a != *b || *a == '\0')
			return ((unsigned char)*a - (unsigned char)*b);
	return (0);
}

int
strcmp(const char *a, const char *b)
{
	return (strncmp(a, b, SIZE_MAX));
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return ((char *)(uintptr_t)s);
		if (*s == '\0')
			return (NULL);
	}
}

struct buffer {
	char *at;
	size_t left;
	int len;
};

static void
put(struct buffer *b, char c)
{
	b->len++;
	if (b->left > 1) {
		*b->at++ = c;
		b->left--;
	}
}

static void
put_number(struct buffer *b, uint64_t n, unsigned int base, int width,
    char pad)
{
	char digits[24];
	int i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n != 0);
	for (; width > i; width--)
		put(b, pad);
	while (i > 0)
		put(b, digits[--i]);
}

static void
put_string(struct buffer *b, const char *s, int precision)
{
	for (; precision != 0 && *s != '\0'; s++, precision--)
		put(b, *s);
}

/* %c %s %.*s %d %u %x with a width and l, ll; the length that was wanted. */
int
format(char *out, size_t size, const char *f, va_list ap)
{
	struct buffer b = { out, size, 0 };
	int width, precision, longs;
	uint64_t n;
	char pad;

	for (; *f != '\0'; f++) {
		if (*f != '%') {
			put(&b, *f);
			continue;
		}
		pad = ' ';
		width = longs = 0;
		precision = -1;
		for (f++; *f == '0'; f++)
			pad = '0';
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + *f - '0';
		if (f[0] == '.' && f[1] == '*') {
			precision = va_arg(ap, int);
			f += 2;
		}
		for (; *f == 'l' || *f == 'z'; f++)
			longs++;
		switch (*f) {
		case 'c':
			put(&b, va_arg(ap, int));
			break;
		case 's':
			put_string(&b, va_arg(ap, const char *), precision);
			break;
		case 'd':
		case 'u':
		case 'x':
			n = longs ? va_arg(ap, uint64_t) : *f == 'd' ?
			    (uint64_t)va_arg(ap, int) :
			    va_arg(ap, unsigned int);
			if (*f == 'd' && (int64_t)n < 0) {
				put(&b, '-');
				n = -n;
			}
			put_number(&b, n, *f == 'x' ? 16 : 10, width, pad);
			break;
		default:
			put(&b, *f);
		}
	}
	if (size > 0)
		*b.at = '\0';
	return (b.len);
}
