/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qga.h"

#define NDISKS	256

/* --- disks --------------------------------------------------------------- */

/*
 * Partitions are vioblk0p1 of vioblk0; elsewhere vda1 of vda.  The name of
 * the disk, or NULL: it is one.
 */
static const char *
disk_of(char **names, size_t n, const char *name)
{
	const char *rest;
	size_t i, len;
	unsigned long long nr;

	for (i = 0; i < n; i++) {
		len = strlen(names[i]);
		if (strncmp(name, names[i], len) != 0)
			continue;
		rest = name + len;
		if (*rest == 'p')
			rest++;
		else if (len == 0 || (name[len - 1] >= '0' &&
		    name[len - 1] <= '9'))
			continue;
		if (num_parse(rest, 10, 0xffff, &nr) == 0)
			return (names[i]);
	}
	return (NULL);
}

static const char *
bus_type(const char *name)
{
	if (strncmp(name, "vioblk", 6) == 0 || strncmp(name, "vd", 2) == 0)
		return ("virtio");
	if (strncmp(name, "sd", 2) == 0 || strncmp(name, "cd", 2) == 0)
		return ("scsi");
	return ("unknown");
}

/* What the kernel shows of it, if it has one. */
static void
put_serial(struct jwriter *w, const char *name)
{
	char path[128], serial[256];

	snfmt(path, sizeof(path), "/proc/sys/hw/%s/serial", name);
	if (file_read(path, serial, sizeof(serial)) == -1)
		return;
	serial[strcspn(serial, "\n")] = '\0';
	if (*serial != '\0')
		jw_kstr(w, "serial", serial);
}

/* Where it is on its bus is not told to programs: -1 is "not known". */
static void
put_disk_address(struct jwriter *w, const char *name, const char *dev)
{
	static const char *const pci[] = {
		"domain", "bus", "slot", "function"
	};
	size_t i;

	jw_open(w, '{');
	jw_key(w, "pci-controller");
	jw_open(w, '{');
	for (i = 0; i < nitems(pci); i++)
		jw_kint(w, pci[i], -1);
	jw_close(w, '}');
	jw_kstr(w, "bus-type", bus_type(name));
	jw_kint(w, "bus", 0);
	jw_kint(w, "target", 0);
	jw_kint(w, "unit", 0);
	put_serial(w, name);
	jw_kstr(w, "dev", dev);
	jw_close(w, '}');
}

static void
put_disk(struct jwriter *w, const char *name, const char *of)
{
	char dev[128];

	jw_open(w, '{');
	snfmt(dev, sizeof(dev), "/dev/%s", name);
	jw_kstr(w, "name", dev);
	jw_kbool(w, "partition", of != NULL);
	jw_key(w, "dependencies");
	jw_open(w, '[');
	if (of != NULL) {
		snfmt(dev, sizeof(dev), "/dev/%s", of);
		jw_str(w, dev);
	}
	jw_close(w, ']');
	if (of == NULL) {
		jw_key(w, "address");
		put_disk_address(w, name, dev);
	}
	jw_close(w, '}');
}

/* Lines of /proc/partitions: major minor blocks name. */
void
qga_get_disks(struct request *r)
{
	char *lines, *line, *word, *names[NDISKS];
	unsigned long long v;
	size_t i, n = 0;
	int c;

	if ((lines = file_lines("/proc/partitions")) == NULL) {
		req_error(r, "failed to list the disks: %s", errstr(errno));
		return;
	}
	while ((line = line_next(&lines)) != NULL && n < NDISKS) {
		for (c = 0; c < 3; c++) {
			word = word_next(&line);
			if (num_parse(word, 10, ~0ULL, &v) == -1)
				break;
		}
		word = word_next(&line);
		if (c == 3 && *word != '\0')
			names[n++] = word;
	}
	jw_open(r->r_out, '[');
	for (i = 0; i < n; i++)
		put_disk(r->r_out, names[i], disk_of(names, n, names[i]));
	jw_close(r->r_out, ']');
}

/* --- file systems -------------------------------------------------------- */

/* Spaces and the like are written as \040 in /proc/mounts. */
static char *
unescape(char *s)
{
	char *from, *to;
	int i, v;

	for (from = to = s; *from != '\0'; ) {
		for (i = 1, v = 0; i < 4 && *from == '\\'; i++) {
			if (from[i] < '0' || from[i] > '7')
				break;
			v = v * 8 + (from[i] - '0');
		}
		*to++ = i == 4 ? v : *from;
		from += i == 4 ? 4 : 1;
	}
	*to = '\0';
	return (s);
}

/* Those that keep nothing, such as /proc, have no blocks and are left out. */
static void
put_filesystem(struct jwriter *w, char *line)
{
	char *from = unescape(word_next(&line));
	char *on = unescape(word_next(&line));
	const char *type = word_next(&line), *name;
	struct statfs sf;
	uint64_t size;

	if (syscall(SYS_statfs, on, &sf) == -1 || sf.f_blocks == 0)
		return;
	size = sf.f_frsize != 0 ? sf.f_frsize : sf.f_bsize;
	name = strncmp(from, "/dev/", 5) == 0 ? from + 5 : from;
	jw_open(w, '{');
	jw_kstr(w, "name", name);
	jw_kstr(w, "mountpoint", on);
	jw_kstr(w, "type", type);
	jw_kuint(w, "used-bytes", (sf.f_blocks - sf.f_bfree) * size);
	jw_kuint(w, "total-bytes", (sf.f_blocks - sf.f_bfree +
	    sf.f_bavail) * size);
	jw_kuint(w, "total-bytes-privileged", sf.f_blocks * size);
	jw_key(w, "disk");
	jw_open(w, '[');
	if (name != from)
		put_disk_address(w, name, from);
	jw_close(w, ']');
	jw_close(w, '}');
}

void
qga_get_fsinfo(struct request *r)
{
	char *lines, *line;

	if ((lines = file_lines("/proc/mounts")) == NULL) {
		req_error(r, "failed to list the file systems: %s",
		    errstr(errno));
		return;
	}
	jw_open(r->r_out, '[');
	while ((line = line_next(&lines)) != NULL)
		put_filesystem(r->r_out, line);
	jw_close(r->r_out, ']');
}
