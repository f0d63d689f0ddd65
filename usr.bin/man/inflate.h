/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef INFLATE_H
#define INFLATE_H

#include <stddef.h>

/*
 * Unpack a gzip file (RFC 1952) of one member.  The result is xmalloc()ed and
 * has a NUL behind it; its length goes to *lenp.  NULL: it is no such file, or
 * is damaged.
 */
char	*gunzip(const unsigned char *, size_t, size_t *lenp);

#endif /* INFLATE_H */
