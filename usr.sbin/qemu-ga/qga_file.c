/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qga.h"

#define NFILES		32
#define FIRST_HANDLE	1000
#define READ_DEFAULT	4096
#define READ_MAX	(48 * 1024 * 1024)	/* that may be asked for */
#define READ_LIMIT	(1024 * 1024)		/* that is given at a time */

static struct {
	int64_t	handle;			/* 0: free; never the same again */
	int	fd;
} files[NFILES];

/* The entry of the handle; NULL, and an error: there is none. */
static int *
find(struct request *r)
{
	int64_t handle = req_int(r, "handle", 0);
	size_t i;

	for (i = 0; i < NFILES && handle > 0; i++) {
		if (files[i].handle == handle)
			return (&files[i].fd);
	}
	req_error(r, "handle '%lld' has not been found", (long long)handle);
	return (NULL);
}

/* A mode of fopen(3); -1: it is none. */
static int
mode_flags(const char *mode)
{
	static const struct {
		char	c;
		int	plain, plus;
	} modes[] = {
		{ 'r', O_RDONLY, O_RDWR },
		{ 'w', O_WRONLY | O_CREAT | O_TRUNC,
		    O_RDWR | O_CREAT | O_TRUNC },
		{ 'a', O_WRONLY | O_CREAT | O_APPEND,
		    O_RDWR | O_CREAT | O_APPEND },
	};
	const char *rest = mode + 1;
	bool plus;
	size_t i;

	for (i = 0; i < nitems(modes) && modes[i].c != *mode; i++)
		continue;
	if (i == nitems(modes))
		return (-1);
	plus = strcmp(rest, "+") == 0 || strcmp(rest, "+b") == 0 ||
	    strcmp(rest, "b+") == 0;
	if (!plus && *rest != '\0' && strcmp(rest, "b") != 0)
		return (-1);
	return (plus ? modes[i].plus : modes[i].plain);
}

/* Without waiting, as a pipe or a terminal would stop all else. */
void
qga_file_open(struct request *r)
{
	static int64_t last = FIRST_HANDLE - 1;
	const char *path = req_str(r, "path", "");
	const char *mode = req_str(r, "mode", "r");
	int flags = mode_flags(mode);
	size_t i;

	for (i = 0; i < NFILES && files[i].handle != 0; i++)
		continue;
	if (flags == -1)
		req_error(r, "invalid file open mode '%.16s'", mode);
	else if (i == NFILES)
		req_error(r, "too many open files");
	else if ((files[i].fd = open(path, flags | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC, 0666)) == -1)
		req_errno(r, "open file", path);
	else {
		files[i].handle = ++last;
		jw_int(r->r_out, last);
	}
}

void
qga_file_close(struct request *r)
{
	int *fd = find(r), error;
	size_t i;

	if (fd == NULL)
		return;
	error = close(*fd);
	for (i = 0; i < NFILES; i++) {
		if (&files[i].fd == fd)
			files[i].handle = 0;
	}
	if (error == -1)
		req_error(r, "failed to close handle: %s", errstr(errno));
	else
		req_none(r);
}

/* Until there is so much, or no more; -1: not even one byte. */
static ssize_t
read_all(int fd, char *buf, size_t n)
{
	size_t at = 0;
	ssize_t got;

	while (at < n) {
		got = read(fd, buf + at, n - at);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1 && at == 0)
			return (-1);
		if (got <= 0)
			break;
		at += got;
	}
	return (at);
}

void
qga_file_read(struct request *r)
{
	int64_t count = req_int(r, "count", READ_DEFAULT);
	struct jwriter *w = r->r_out;
	int *fd = find(r);
	char *buf;
	ssize_t n;

	if (fd == NULL)
		return;
	if (count < 0 || count > READ_MAX) {
		req_error(r, "value '%lld' is invalid for argument count",
		    (long long)count);
		return;
	}
	if (count > READ_LIMIT)
		count = READ_LIMIT;
	if ((buf = malloc(count + 1)) == NULL) {
		req_error(r, "out of memory");
		return;
	}
	if ((n = read_all(*fd, buf, count)) == -1)
		req_error(r, "failed to read file: %s", errstr(errno));
	else {
		jw_open(w, '{');
		jw_kint(w, "count", n);
		jw_key(w, "buf-b64");
		jw_base64(w, buf, n);
		jw_kbool(w, "eof", n < count);
		jw_close(w, '}');
	}
	free(buf);
}

/* What went before an error counts; who asks again will hear of it. */
void
qga_file_write(struct request *r)
{
	int *fd = find(r);
	int64_t count;
	ssize_t n = 0, w;
	char *data;
	long len;

	if (fd == NULL || (len = req_base64(r, "buf-b64", &data)) == -1)
		return;
	count = req_int(r, "count", len);
	if (count < 0 || count > len) {
		req_error(r, "value '%lld' is invalid for argument count",
		    (long long)count);
		return;
	}
	while (n < count) {
		w = write(*fd, data + n, count - n);
		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (n == 0) {
				req_error(r, "failed to write to file: %s",
				    errstr(errno));
				return;
			}
			break;
		}
		n += w;
	}
	jw_open(r->r_out, '{');
	jw_kint(r->r_out, "count", n);
	jw_kbool(r->r_out, "eof", false);
	jw_close(r->r_out, '}');
}

/* set, cur, end, or 0, 1, 2; -1 and an error */
static int
get_whence(struct request *r)
{
	static const char *const names[] = { "set", "cur", "end" };
	const struct json *j = req_arg(r, "whence");
	size_t i;

	if (j->j_type == J_INT) {
		if (j->j_int >= 0 && j->j_int <= 2)
			return (j->j_int);
		req_error(r, "invalid whence code %lld",
		    (long long)j->j_int);
	} else if (j->j_type == J_STRING) {
		for (i = 0; i < nitems(names); i++) {
			if (strcmp(j->j_str, names[i]) == 0)
				return (i);
		}
		req_error(r, "Parameter 'whence' does not accept value "
		    "'%.64s'", j->j_str);
	} else
		req_error(r, "Invalid parameter type for 'whence', "
		    "expected: GuestFileWhence");
	return (-1);
}

void
qga_file_seek(struct request *r)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END };
	int *fd, whence;
	off_t at;

	if ((whence = get_whence(r)) == -1 || (fd = find(r)) == NULL)
		return;
	at = lseek(*fd, req_int(r, "offset", 0), whences[whence]);
	if (at == -1) {
		req_error(r, "failed to seek file: %s", errstr(errno));
		return;
	}
	jw_open(r->r_out, '{');
	jw_kint(r->r_out, "position", at);
	jw_kbool(r->r_out, "eof", false);
	jw_close(r->r_out, '}');
}

/* Nothing is kept here, so what remains is the disk; not all is on one. */
void
qga_file_flush(struct request *r)
{
	int *fd = find(r);

	if (fd == NULL)
		return;
	if (fsync(*fd) == -1 && errno != EINVAL && errno != EROFS)
		req_error(r, "failed to flush file: %s", errstr(errno));
	else
		req_none(r);
}
