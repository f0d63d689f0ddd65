/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "qga.h"

#define NSEC		1000000000LL
#define OS_RELEASE	"/etc/os-release"

/* --- time ---------------------------------------------------------------- */

void
qga_get_time(struct request *r)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	jw_int(r->r_out, (uint64_t)ts.tv_sec * NSEC + ts.tv_nsec);
}

/* By the clock that the machine has: the kernel reads it. */
static void
set_by_clock(struct request *r)
{
	int fd = open("/proc/sys/kern/timecounter/resync",
	    O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, "1", 1) != 1)
		req_error(r, "failed to set the time by the clock: %s",
		    errstr(errno));
	else
		req_none(r);
	if (fd != -1)
		close(fd);
}

void
qga_set_time(struct request *r)
{
	int64_t ns = req_int(r, "time", -1);
	struct timespec ts = { .tv_sec = ns / NSEC, .tv_nsec = ns % NSEC };

	if (req_arg(r, "time") == NULL)
		set_by_clock(r);
	else if (ns < 0)
		req_error(r, "Time %lld is before 1970", (long long)ns);
	else if (syscall(SYS_clock_settime, (long)CLOCK_REALTIME, &ts) == -1)
		req_error(r, "failed to set the time: %s", errstr(errno));
	else
		req_none(r);
}

/* All here is in UTC. */
void
qga_get_timezone(struct request *r)
{
	jw_open(r->r_out, '{');
	jw_kstr(r->r_out, "zone", "UTC");
	jw_kint(r->r_out, "offset", 0);
	jw_close(r->r_out, '}');
}

/* --- names --------------------------------------------------------------- */

static bool
get_names(struct request *r, struct utsname *u)
{
	if (syscall(SYS_uname, u) == 0)
		return (true);
	req_error(r, "failed to ask for names: %s", errstr(errno));
	return (false);
}

/* A value as the shell would read it: quotes around it, backslashes. */
static char *
unquote(char *s)
{
	char *to = s, *from = s, quote = 0;

	if (*from == '"' || *from == '\'')
		quote = *from++;
	while (*from != '\0' && *from != quote) {
		if (*from == '\\' && quote != '\'' && from[1] != '\0')
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return (s);
}

static void
os_line(struct request *r, char *line)
{
	static const char *const keys[][2] = {
		{ "ID", "id" }, { "NAME", "name" },
		{ "PRETTY_NAME", "pretty-name" }, { "VERSION", "version" },
		{ "VERSION_ID", "version-id" }, { "VARIANT", "variant" },
		{ "VARIANT_ID", "variant-id" },
	};
	char *v;
	size_t i;

	if ((v = strchr(line, '=')) == NULL)
		return;
	*v++ = '\0';
	for (i = 0; i < nitems(keys); i++) {
		if (strcmp(line, keys[i][0]) == 0)
			jw_kstr(r->r_out, keys[i][1], unquote(v));
	}
}

/* What the kernel calls itself, if nobody has said more. */
static void
os_default(struct request *r, const struct utsname *u)
{
	char buf[2 * sizeof(u->release)];
	size_t i;

	snfmt(buf, sizeof(buf), "%s", u->sysname);
	for (i = 0; buf[i] != '\0'; i++)
		buf[i] |= buf[i] >= 'A' && buf[i] <= 'Z' ? 0x20 : 0;
	jw_kstr(r->r_out, "id", buf);
	jw_kstr(r->r_out, "name", u->sysname);
	snfmt(buf, sizeof(buf), "%s %s", u->sysname, u->release);
	jw_kstr(r->r_out, "pretty-name", buf);
	jw_kstr(r->r_out, "version", u->release);
	jw_kstr(r->r_out, "version-id", u->release);
}

void
qga_get_osinfo(struct request *r)
{
	char *lines, *line;
	struct utsname u;

	if (!get_names(r, &u))
		return;
	jw_open(r->r_out, '{');
	jw_kstr(r->r_out, "kernel-release", u.release);
	jw_kstr(r->r_out, "kernel-version", u.version);
	jw_kstr(r->r_out, "machine", u.machine);
	if ((lines = file_lines(OS_RELEASE)) == NULL)
		os_default(r, &u);
	while ((line = line_next(&lines)) != NULL)
		os_line(r, line);
	jw_close(r->r_out, '}');
}

void
qga_get_host_name(struct request *r)
{
	struct utsname u;

	if (!get_names(r, &u))
		return;
	jw_open(r->r_out, '{');
	jw_kstr(r->r_out, "host-name", u.nodename);
	jw_close(r->r_out, '}');
}

/* Nobody logs in. */
void
qga_get_users(struct request *r)
{
	jw_open(r->r_out, '[');
	jw_close(r->r_out, ']');
}

/* --- load, processors, memory -------------------------------------------- */

/* Is that a number such as 0.25, which can be passed on as it is? */
static bool
is_decimal(const char *s)
{
	size_t n = 0;

	while (s[n] >= '0' && s[n] <= '9')
		n++;
	if (n == 0 || s[n] != '.')
		return (false);
	for (s += n + 1; *s >= '0' && *s <= '9'; s++)
		n = 0;
	return (n == 0 && *s == '\0');
}

void
qga_get_load(struct request *r)
{
	static const char *const keys[] = { "load1m", "load5m", "load15m" };
	char *line, *word;
	size_t i;

	if ((line = file_lines("/proc/loadavg")) == NULL) {
		req_error(r, "failed to read the load: %s", errstr(errno));
		return;
	}
	jw_open(r->r_out, '{');
	for (i = 0; i < nitems(keys); i++) {
		word = word_next(&line);
		if (!is_decimal(word))
			req_error(r, "the load is not known");
		jw_key(r->r_out, keys[i]);
		jw_value(r->r_out, word, strlen(word));
	}
	jw_close(r->r_out, '}');
}

/* 0, and an error: it is not known. */
static int
processors(struct request *r)
{
	char *lines, *line;
	int n = 0;

	lines = file_lines("/proc/cpuinfo");
	while ((line = line_next(&lines)) != NULL)
		n += strncmp(line, "processor", 9) == 0;
	if (n == 0)
		req_error(r, "the processors are not known");
	return (n);
}

void
qga_get_vcpus(struct request *r)
{
	int i, n = processors(r);

	jw_open(r->r_out, '[');
	for (i = 0; i < n; i++) {
		jw_open(r->r_out, '{');
		jw_kint(r->r_out, "logical-id", i);
		jw_kbool(r->r_out, "online", true);
		jw_kbool(r->r_out, "can-offline", false);
		jw_close(r->r_out, '}');
	}
	jw_close(r->r_out, ']');
}

/* A member of an element of the list. */
static int64_t
vcpu_member(struct request *r, const struct json *v, int nr,
    const char *name, enum json_type type)
{
	const struct json *j = json_member(v, name);

	if (j == NULL)
		req_error(r, "Parameter 'vcpus[%d].%s' is missing", nr, name);
	else if (j->j_type != type)
		req_error(r, "Invalid parameter type for 'vcpus[%d].%s', "
		    "expected: %s", nr, name, type == J_INT ? "integer" :
		    "boolean");
	return (r->r_error[0] == '\0' ? j->j_int : 0);
}

static void
vcpu_form(struct request *r, const struct json *v, int nr)
{
	const struct json *j;

	if (v->j_type != J_OBJECT) {
		req_error(r, "Invalid parameter type for 'vcpus[%d]', "
		    "expected: object", nr);
		return;
	}
	vcpu_member(r, v, nr, "logical-id", J_INT);
	vcpu_member(r, v, nr, "online", J_BOOL);
	if (json_member(v, "can-offline") != NULL)
		vcpu_member(r, v, nr, "can-offline", J_BOOL);
	for (j = v->j_child; j != NULL; j = j->j_next) {
		if (strcmp(j->j_key, "logical-id") != 0 &&
		    strcmp(j->j_key, "online") != 0 &&
		    strcmp(j->j_key, "can-offline") != 0)
			req_error(r, "Parameter 'vcpus[%d].%.128s' is "
			    "unexpected", nr, j->j_key);
	}
}

/* How many of the list are as they should be: none can be changed. */
void
qga_set_vcpus(struct request *r)
{
	const struct json *list = req_arg(r, "vcpus"), *v;
	int n = processors(r), nr = 0, done = 0;
	int64_t id;

	for (v = list->j_child; v != NULL; v = v->j_next)
		vcpu_form(r, v, nr++);
	for (v = list->j_child; v != NULL && r->r_error[0] == '\0';
	    v = v->j_next, done++) {
		id = json_member(v, "logical-id")->j_int;
		if (id >= 0 && id < n && json_member(v, "online")->j_int)
			continue;
		if (done != 0)
			break;
		req_error(r, id < 0 || id >= n ?
		    "there is no logical processor #%lld" :
		    "logical processor #%lld can't be offlined",
		    (long long)id);
	}
	jw_int(r->r_out, done);
}

/* It cannot be taken or given in parts, so all of it is one block. */
void
qga_get_memory_blocks(struct request *r)
{
	jw_open(r->r_out, '[');
	jw_open(r->r_out, '{');
	jw_kint(r->r_out, "phys-index", 0);
	jw_kbool(r->r_out, "online", true);
	jw_kbool(r->r_out, "can-offline", false);
	jw_close(r->r_out, '}');
	jw_close(r->r_out, ']');
}

void
qga_get_memory_block_info(struct request *r)
{
	unsigned long long kb;
	char *lines, *line;

	lines = file_lines("/proc/meminfo");
	while ((line = line_next(&lines)) != NULL) {
		if (strcmp(word_next(&line), "MemTotal:") != 0 ||
		    num_parse(word_next(&line), 10, ~0ULL >> 11,
		    &kb) == -1)
			continue;
		jw_open(r->r_out, '{');
		jw_kuint(r->r_out, "size", kb * 1024);
		jw_close(r->r_out, '}');
		return;
	}
	req_error(r, "the memory is not known");
}

/* --- shutdown ------------------------------------------------------------ */

/* As halt(8) has it, a guest that is halted is powered off: see init(8). */
void
qga_shutdown(struct request *r)
{
	const char *mode = req_str(r, "mode", "powerdown");
	int sig;

	if (strcmp(mode, "powerdown") == 0 || strcmp(mode, "halt") == 0)
		sig = SIGUSR2;
	else if (strcmp(mode, "reboot") == 0)
		sig = SIGTERM;
	else {
		req_error(r, "mode is invalid (valid values are: "
		    "halt|powerdown|reboot)");
		return;
	}
	if (kill(1, sig) == -1)
		req_error(r, "failed to tell init: %s", errstr(errno));
}
