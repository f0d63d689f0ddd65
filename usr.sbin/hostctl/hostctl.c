/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"
/* By its path: the C library has a <sys/> of its own. */
#include "../../sys/sys/pvbusio.h"

#define USAGE								\
	"[-qt] [-f device] [-i input] [-o output] key [value]\n"	\
	"       hostctl -l [-f device] [-o output] [key]"

#define KVSTART	4096		/* enough for nearly every value */

/*
 * Encodes as vis(3) does with VIS_SAFE and VIS_CSTYLE: what could do
 * something unexpected to a terminal becomes readable, while blanks and
 * newlines stay.  With strict, blanks and double quotes are encoded too and
 * nothing passes as safe (VIS_WHITE, VIS_DQ and no VIS_SAFE).
 */
static int
plain(int c, int strict)
{
	if (c > ' ' && c < 0x7f)
		return (!strict || c != '"');
	if (strict)
		return (0);
	return (c == ' ' || c == '\t' || c == '\n' || c == '\b' ||
	    c == '\007' || c == '\r');
}

/* At most four characters and a NUL for one. */
static char *
vis_char(char *p, int c, int next, int strict)
{
	static const char from[] = "\n\r\b\a\v\t\f \"", to[] = "nrbavtfs\"";
	const char *q;

	if (plain(c, strict)) {
		*p++ = c;
		if (c == '\\')
			*p++ = '\\';
		return (p);
	}
	*p++ = '\\';
	if (c == '\0') {
		*p++ = '0';
		/* "\01" would be read as one octal number. */
		if (next >= '0' && next <= '7') {
			*p++ = '0';
			*p++ = '0';
		}
		return (p);
	}
	if ((q = strchr(from, c)) != NULL) {
		*p++ = to[q - from];
		return (p);
	}
	if ((c & 0x7f) == ' ') {
		*p++ = '2';
		*p++ = '4';
		*p++ = '0';
		return (p);
	}
	if (c & 0x80) {
		*p++ = 'M';
		c &= 0x7f;
	}
	if (c < ' ' || c == 0x7f) {
		*p++ = '^';
		*p++ = c == 0x7f ? '?' : c + '@';
	} else {
		*p++ = '-';
		*p++ = c;
	}
	return (p);
}

static char *
vis(const char *s, size_t n, int strict)
{
	char *buf, *p;
	size_t i;

	p = buf = xmalloc(n * 4 + 1);
	for (i = 0; i < n; i++)
		p = vis_char(p, (unsigned char)s[i],
		    i + 1 < n ? (unsigned char)s[i + 1] : 0, strict);
	*p = '\0';
	return (buf);
}

/*
 * What is sent to the host is encoded as well, ends at its first newline,
 * and must fit what the kernel takes.  NULL if it does not.
 */
static char *
sanitize(const char *s)
{
	char *v = vis(s, strlen(s), 0);

	v[strcspn(v, "\n")] = '\0';
	if (strlen(v) >= PVBUS_KV_MAX) {
		free(v);
		return (NULL);
	}
	return (v);
}

/* The first PVBUS_KV_MAX bytes of a file, or NULL. */
static char *
slurp(const char *name)
{
	size_t n = 0;
	ssize_t r;
	int fd = STDIN_FILENO;
	char *buf;

	if (strcmp(name, "-") != 0 && (fd = open(name, O_RDONLY)) == -1)
		return (NULL);
	buf = xmalloc(PVBUS_KV_MAX);
	while (n < PVBUS_KV_MAX - 1 &&
	    (r = read(fd, buf + n, PVBUS_KV_MAX - 1 - n)) != 0) {
		if (r == -1) {
			n = 0;
			break;
		}
		n += r;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	if (n == 0)
		return (NULL);
	buf[n] = '\0';
	return (buf);
}

static char *
kv_buffer(const char *s, size_t *lenp)
{
	size_t n = s == NULL ? 0 : strlen(s) + 1;
	char *buf;

	*lenp = n > KVSTART ? n : KVSTART;
	if ((buf = calloc(1, *lenp)) == NULL)
		errx(1, "out of memory");
	if (n != 0)
		memcpy(buf, s, n);
	return (buf);
}

/*
 * A value that does not fit is asked for again with twice the room.  Only
 * reading may be repeated: a write has happened, or not, the first time.
 */
static int
request(int fd, unsigned long cmd, struct pvbus_req *pvr)
{
	while (ioctl(fd, cmd, pvr) == -1) {
		if (errno != ERANGE || cmd == PVBUSIOC_KVWRITE ||
		    pvr->pvr_valuelen >= PVBUS_KV_MAX)
			return (-1);
		pvr->pvr_valuelen *= 2;
		if (pvr->pvr_valuelen > PVBUS_KV_MAX)
			pvr->pvr_valuelen = PVBUS_KV_MAX;
		pvr->pvr_value = xrealloc(pvr->pvr_value, pvr->pvr_valuelen);
		pvr->pvr_value[0] = '\0';
	}
	return (0);
}

static void
show_type(int fd, const char *device)
{
	struct pvbus_req pvr;

	memset(&pvr, 0, sizeof(pvr));
	pvr.pvr_key = kv_buffer(NULL, &pvr.pvr_keylen);
	pvr.pvr_value = kv_buffer(NULL, &pvr.pvr_valuelen);
	if (ioctl(fd, PVBUSIOC_KVTYPE, &pvr) == -1)
		err(1, "ioctl");
	outf("%s: %s\n", device, vis(pvr.pvr_key, strlen(pvr.pvr_key), 1));
}

static void
transfer(int fd, unsigned long cmd, const char *key, const char *value,
    int quiet)
{
	struct pvbus_req pvr;

	memset(&pvr, 0, sizeof(pvr));
	pvr.pvr_key = kv_buffer(key, &pvr.pvr_keylen);
	pvr.pvr_value = kv_buffer(value, &pvr.pvr_valuelen);
	if (request(fd, cmd, &pvr) == -1)
		err(1, "ioctl");
	if (!quiet && pvr.pvr_value[0] != '\0')
		outf("%s\n", vis(pvr.pvr_value, strlen(pvr.pvr_value), 0));
}

/* The command that the arguments ask for, and the value to write. */
static unsigned long
command(int argc, char **argv, int lflag, const char *in, char **value)
{
	char *raw;
	size_t n;

	if (lflag) {
		if (argc > 1 || in != NULL)
			usage(USAGE);
		return (PVBUSIOC_KVLIST);
	}
	if (argc < 1 || argc > 2 || (argc == 2 && in != NULL))
		usage(USAGE);
	if (argc == 2) {
		if ((*value = sanitize(argv[1])) == NULL)
			errx(1, "value too long");
		return (PVBUSIOC_KVWRITE);
	}
	if (in != NULL) {
		if ((raw = slurp(in)) == NULL ||
		    (*value = sanitize(raw)) == NULL)
			errx(1, "input file");
		return (PVBUSIOC_KVWRITE);
	}
	n = strlen(argv[0]);
	return (n != 0 && argv[0][n - 1] == '/' ? PVBUSIOC_KVLIST :
	    PVBUSIOC_KVREAD);
}

int
hostctl_main(int argc, char **argv)
{
	const char *device = "/dev/pvbus0", *in = NULL, *outname = NULL;
	char *key, *value = NULL;
	unsigned long cmd;
	int ch, fd, outfd, lflag = 0, qflag = 0, tflag = 0;

	while ((ch = opt_get(argc, argv, "f:i:lo:qt")) != -1)
		switch (ch) {
		case 'f':
			device = opt_arg;
			break;
		case 'i':
			in = opt_arg;
			break;
		case 'l':
			lflag = 1;
			break;
		case 'o':
			outname = opt_arg;
			break;
		case 'q':
			qflag = 1;
			break;
		case 't':
			tflag = 1;
			break;
		default:
			usage(USAGE);
		}
	argc -= opt_ind;
	argv += opt_ind;

	/* Before the device: a wrong command line is wrong without one. */
	cmd = tflag ? PVBUSIOC_KVTYPE : command(argc, argv, lflag, in, &value);
	key = sanitize(argc > 0 ? argv[0] : "");
	if (key == NULL)
		errx(1, "key too long");
	fd = open(device, cmd == PVBUSIOC_KVWRITE ? O_RDWR : O_RDONLY);
	if (fd == -1)
		err(1, "open: %s", device);
	if (outname != NULL && strcmp(outname, "-") != 0) {
		outfd = open(outname, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		if (outfd == -1)
			err(1, "open: %s", outname);
		out_to(outfd);
	}
	if (tflag)
		show_type(fd, device);
	else
		transfer(fd, cmd, key, value, qflag);
	return (0);
}
