/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * JSON (RFC 8259) for qemu-ga(8).  The reader takes one whole value and is
 * strict and bounded; the writer appends to a buffer that grows.
 */

#ifndef QGA_JSON_H
#define QGA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAXDEPTH	64
#define JSON_MAXVALUES	4096

enum json_type {
	J_NULL, J_BOOL, J_INT, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT
};

struct json {
	enum json_type	 j_type;
	struct json	*j_next;	/* in the array or object */
	struct json	*j_child;	/* the first of an array or object */
	const char	*j_key;		/* in an object */
	char		*j_str;		/* of a string, with a NUL behind it; a
					   number as it was written */
	size_t		 j_len;
	int64_t		 j_int;		/* J_INT, J_BOOL */
};

/*
 * json_parse: the value that is the text.  The text is changed, and has to
 *	stay as long as the value, which is freed with free(3).  NULL, and
 *	why in *what: it is not JSON, or there is too much of it.
 * json_member: that member of an object, or NULL.
 * json_utf8: the character at p, and how long it is in *n; -1: that is not
 *	UTF-8, of which *n bytes are bad.
 * base64_decode: in place; the length, or -1: it is not base64.
 */
struct json *json_parse(char *, size_t, const char **);
struct json *json_member(const struct json *, const char *);
long	json_utf8(const char *, size_t, size_t *);
long	base64_decode(char *, size_t);

struct jwriter {
	char	*w_buf;
	size_t	 w_len, w_size;
	bool	 w_comma;		/* there is one before this */
	bool	 w_failed;		/* no memory: all is lost */
};

/* Values, and keys before those of an object. */
void	jw_key(struct jwriter *, const char *);
void	jw_str(struct jwriter *, const char *);
void	jw_mem(struct jwriter *, const char *, size_t);	/* a string */
void	jw_int(struct jwriter *, int64_t);
void	jw_uint(struct jwriter *, uint64_t);
void	jw_bool(struct jwriter *, bool);
void	jw_base64(struct jwriter *, const void *, size_t);
void	jw_json(struct jwriter *, const struct json *);
void	jw_open(struct jwriter *, int);			/* '{' or '[' */
void	jw_close(struct jwriter *, int);
void	jw_raw(struct jwriter *, const char *, size_t);	/* as it is */
void	jw_value(struct jwriter *, const char *, size_t); /* a value's text */

/* a key and its value */
void	jw_kstr(struct jwriter *, const char *, const char *);
void	jw_kint(struct jwriter *, const char *, int64_t);
void	jw_kuint(struct jwriter *, const char *, uint64_t);
void	jw_kbool(struct jwriter *, const char *, bool);

#endif /* QGA_JSON_H */
