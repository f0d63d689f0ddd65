/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory and string functions.  memcpy, memmove and memset are the machine's.
 */

#include <sys/errno.h>
#include <sys/systm.h>

int
memcmp(const void *a, const void *b, size_t n)
{
	const u_char *p = a, *q = b;

	for (; n > 0; n--, p++, q++) {
		if (*p != *q)
			return (*p - *q);
	}
	return (0);
}

void *
memchr(const void *a, int c, size_t n)
{
	const u_char *p = a;

	for (; n > 0; n--, p++) {
		if (*p == (u_char)c)
			return ((void *)(vaddr_t)p);
	}
	return (NULL);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n;

	for (n = 0; n < max && s[n] != '\0'; n++)
		;
	return (n);
}

size_t
strlen(const char *s)
{
	return (strnlen(s, SIZE_MAX));
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++) {
		if (*a != *b)
			return ((u_char)*a - (u_char)*b);
		if (*a == '\0')
			break;
	}
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
			return ((char *)(vaddr_t)s);
		if (*s == '\0')
			return (NULL);
	}
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++ != '\0');
	return ((char *)(vaddr_t)last);
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src), n;

	if (size != 0) {
		n = MIN(len, size - 1);
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return (len);
}

size_t
strlcat(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(dst, size);

	return (n + strlcpy(dst + n, src, size - n));
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16);
}

int
strtonum64(const char *s, const char **endp, uint64_t *vp)
{
	const char *start;
	uint64_t v = 0, unit = 1;
	int base = 10;

	if (s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16) {
		base = 16;
		s += 2;
	} else if (s[0] == '0')
		base = 8;
	for (start = s; digit(*s) < base; s++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit(*s), &v))
			return (ERANGE);
	}
	if (s == start)
		return (EINVAL);
	switch (*s | 0x20) {
	case 'g': unit <<= 10;	/* FALLTHROUGH */
	case 'm': unit <<= 10;	/* FALLTHROUGH */
	case 'k': unit <<= 10; s++; break;
	}
	if (__builtin_mul_overflow(v, unit, vp))
		return (ERANGE);
	*endp = s;
	return (0);
}

uint32_t
crc32(uint32_t crc, const void *buf, size_t n)
{
	const u_char *p = buf;
	int i;

	for (crc = ~crc; n > 0; n--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return (~crc);
}
