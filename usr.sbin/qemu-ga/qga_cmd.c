/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qga.h"

#define VERSION		"10.0.0"	/* the protocol that is spoken */

static qga_fn	qga_sync, qga_sync_delimited, qga_info;

/*
 * The arguments of a command: NAME:TYPE, with a question mark behind it if it
 * may be missing.  i: an integer, s: a string, S: strings, l: anything in an
 * array, a: what the command sees to.
 */
static struct command {
	const char	*c_name;
	qga_fn		*c_fn;
	const char	*c_args;
	enum {
		BLOCKED = 1,		/* unless the file allows it */
		SILENT = 2,		/* no reply if it succeeds */
		LARGE = 4		/* carries data */
	}		 c_flags;
} commands[] = {
	{ "guest-sync", qga_sync, "id:i", 0 },
	{ "guest-sync-delimited", qga_sync_delimited, "id:i", 0 },
	{ "guest-ping", req_none, "", 0 },
	{ "guest-info", qga_info, "", 0 },
	{ "guest-get-time", qga_get_time, "", 0 },
	{ "guest-set-time", qga_set_time, "time:i?", 0 },
	{ "guest-get-osinfo", qga_get_osinfo, "", 0 },
	{ "guest-get-host-name", qga_get_host_name, "", 0 },
	{ "guest-get-timezone", qga_get_timezone, "", 0 },
	{ "guest-get-users", qga_get_users, "", 0 },
	{ "guest-get-load", qga_get_load, "", 0 },
	{ "guest-get-vcpus", qga_get_vcpus, "", 0 },
	{ "guest-set-vcpus", qga_set_vcpus, "vcpus:l", 0 },
	{ "guest-get-memory-blocks", qga_get_memory_blocks, "", 0 },
	{ "guest-get-memory-block-info", qga_get_memory_block_info, "", 0 },
	{ "guest-network-get-interfaces", qga_network, "", 0 },
	{ "guest-get-disks", qga_get_disks, "", 0 },
	{ "guest-get-fsinfo", qga_get_fsinfo, "", 0 },
	{ "guest-shutdown", qga_shutdown, "mode:s?", SILENT },
	{ "guest-exec", qga_exec,
	    "path:s arg:S? env:S? input-data:s? capture-output:a?",
	    BLOCKED | LARGE },
	{ "guest-exec-status", qga_exec_status, "pid:i", BLOCKED },
	{ "guest-file-open", qga_file_open, "path:s mode:s?", BLOCKED },
	{ "guest-file-close", qga_file_close, "handle:i", BLOCKED },
	{ "guest-file-read", qga_file_read, "handle:i count:i?", BLOCKED },
	{ "guest-file-write", qga_file_write,
	    "handle:i buf-b64:s count:i?", BLOCKED | LARGE },
	{ "guest-file-seek", qga_file_seek, "handle:i offset:i whence:a",
	    BLOCKED },
	{ "guest-file-flush", qga_file_flush, "handle:i", BLOCKED },
};

static struct command *
find(const char *name)
{
	size_t i;

	for (i = 0; i < nitems(commands); i++) {
		if (strcmp(commands[i].c_name, name) == 0)
			return (&commands[i]);
	}
	return (NULL);
}

/* --- what commands use --------------------------------------------------- */

void
req_error(struct request *r, const char *fmt, ...)
{
	va_list ap;

	if (r->r_error[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnfmt(r->r_error, sizeof(r->r_error), fmt, ap);
	va_end(ap);
}

void
req_errno(struct request *r, const char *what, const char *name)
{
	int error = errno;

	req_error(r, "failed to %s '%.128s': %s", what, name, errstr(error));
}

const struct json *
req_arg(const struct request *r, const char *name)
{
	return (r->r_args != NULL ? json_member(r->r_args, name) : NULL);
}

int64_t
req_int(const struct request *r, const char *name, int64_t otherwise)
{
	const struct json *j = req_arg(r, name);

	return (j != NULL ? j->j_int : otherwise);
}

const char *
req_str(const struct request *r, const char *name, const char *otherwise)
{
	const struct json *j = req_arg(r, name);

	return (j != NULL ? j->j_str : otherwise);
}

/* Decodes an argument in place, once.  -1: it is wrong; 0: it is missing. */
long
req_base64(struct request *r, const char *name, char **p)
{
	const struct json *j = req_arg(r, name);
	long n;

	*p = NULL;
	if (j == NULL)
		return (0);
	*p = j->j_str;
	if ((n = base64_decode(j->j_str, j->j_len)) == -1)
		req_error(r, "Parameter '%s' is not valid base64", name);
	return (n);
}

void
req_none(struct request *r)
{
	jw_open(r->r_out, '{');
	jw_close(r->r_out, '}');
}

/* --- arguments ----------------------------------------------------------- */

static const char *
type_name(int type)
{
	return (type == 'i' ? "integer" : type == 's' ? "string" : "array");
}

static bool
type_fits(const struct json *j, int type)
{
	return (type == 'a' || j->j_type == (type == 'i' ? J_INT :
	    type == 's' ? J_STRING : J_ARRAY));
}

static void
check_strings(struct request *r, const struct json *list)
{
	const struct json *j;
	int i = 0;

	for (j = list->j_child; j != NULL; j = j->j_next, i++) {
		if (j->j_type != J_STRING)
			req_error(r, "Invalid parameter type for '%s[%d]', "
			    "expected: string", list->j_key, i);
	}
}

/* One of "NAME:TYPE? ..."; returns what follows. */
static const char *
check_one(struct request *r, const char *spec)
{
	size_t n = strcspn(spec, ":");
	const struct json *j;
	char name[32];
	int type;

	memcpy(name, spec, n);
	name[n] = '\0';
	type = spec[n + 1];
	spec += n + 2;
	if ((j = req_arg(r, name)) == NULL) {
		if (*spec != '?')
			req_error(r, "Parameter '%s' is missing", name);
	} else if (!type_fits(j, type))
		req_error(r, "Invalid parameter type for '%s', expected: %s",
		    name, type_name(type));
	else if (type == 'S')
		check_strings(r, j);
	spec += *spec == '?';
	return (*spec == ' ' ? spec + 1 : spec);
}

static bool
is_expected(const char *spec, const char *name)
{
	size_t n = strlen(name);

	for (; *spec != '\0'; spec += *spec == ' ') {
		if (strncmp(spec, name, n) == 0 && spec[n] == ':')
			return (true);
		spec += strcspn(spec, " ");
	}
	return (false);
}

static void
check(struct request *r, const char *spec)
{
	const struct json *j;
	const char *p;

	for (p = spec; *p != '\0'; )
		p = check_one(r, p);
	for (j = r->r_args != NULL ? r->r_args->j_child : NULL; j != NULL;
	    j = j->j_next) {
		if (!is_expected(spec, j->j_key))
			req_error(r, "Parameter '%.128s' is unexpected",
			    j->j_key);
	}
}

/* --- requests, replies --------------------------------------------------- */

static void
finish(struct jwriter *w, const struct json *id)
{
	if (id != NULL) {
		jw_key(w, "id");
		jw_json(w, id);
	}
	jw_close(w, '}');
	jw_raw(w, "\n", 1);
	w->w_comma = false;
}

/* In the place of whatever has been written. */
static void
put_error(struct jwriter *w, const char *class, const char *text,
    const struct json *id)
{
	w->w_len = 0;
	w->w_comma = w->w_failed = false;
	jw_open(w, '{');
	jw_key(w, "error");
	jw_open(w, '{');
	jw_kstr(w, "class", class);
	jw_kstr(w, "desc", text);
	jw_close(w, '}');
	finish(w, id);
}

void
qga_bad(struct jwriter *w, const char *what)
{
	char text[128];

	snfmt(text, sizeof(text), "JSON parse error, %s", what);
	put_error(w, "GenericError", text, NULL);
}

static void
run(const struct command *c, struct request *r, const struct json *id)
{
	struct jwriter *w = r->r_out;

	jw_open(w, '{');
	jw_key(w, "return");
	check(r, c->c_args);
	if (r->r_error[0] == '\0')
		c->c_fn(r);
	if (r->r_error[0] != '\0') {
		put_error(w, "GenericError", r->r_error, id);
		return;
	}
	if (c->c_flags & SILENT) {
		w->w_len = 0;
		w->w_comma = false;
		return;
	}
	finish(w, id);
	if (r->r_delimited) {
		jw_raw(w, "", 1);
		if (!w->w_failed) {
			memmove(w->w_buf + 1, w->w_buf, w->w_len - 1);
			w->w_buf[0] = (char)0xff;
		}
	}
	if (w->w_failed)
		put_error(w, "GenericError", "out of memory", NULL);
}

/* Is it a request by its form?  The command's name, or NULL. */
static const char *
check_form(struct request *r, const struct json *j)
{
	const struct json *m;
	const char *name = NULL;

	if (j->j_type != J_OBJECT) {
		req_error(r, "QMP input must be a JSON object");
		return (NULL);
	}
	for (m = j->j_child; m != NULL; m = m->j_next) {
		if (strcmp(m->j_key, "execute") == 0) {
			name = m->j_str;
			if (m->j_type != J_STRING)
				req_error(r, "QMP input member 'execute' "
				    "must be a string");
		} else if (strcmp(m->j_key, "arguments") == 0) {
			r->r_args = m;
			if (m->j_type != J_OBJECT)
				req_error(r, "QMP input member 'arguments' "
				    "must be an object");
		} else if (strcmp(m->j_key, "id") != 0)
			req_error(r, "QMP input member '%.128s' is "
			    "unexpected", m->j_key);
	}
	if (name == NULL)
		req_error(r, "QMP input lacks member 'execute'");
	return (r->r_error[0] == '\0' ? name : NULL);
}

void
qga_request(char *text, size_t len, struct jwriter *w)
{
	struct request r = { .r_out = w };
	const char *name, *what, *class = "GenericError";
	const struct command *c = NULL;
	struct json *j, *id;

	if ((j = json_parse(text, len, &what)) == NULL) {
		qga_bad(w, what);
		return;
	}
	id = j->j_type == J_OBJECT ? json_member(j, "id") : NULL;
	if ((name = check_form(&r, j)) != NULL) {
		c = find(name);
		if (c != NULL && len > QGA_SMALL && !(c->c_flags & LARGE))
			req_error(&r, "the request is too long");
		else if (c == NULL || c->c_flags & BLOCKED)
			class = "CommandNotFound";
		if (c == NULL)
			req_error(&r, "The command %.128s has not been found",
			    name);
		else if (c->c_flags & BLOCKED)
			req_error(&r, "Command %s has been disabled: "
			    "the command is not allowed", name);
	}
	if (r.r_error[0] != '\0')
		put_error(w, class, r.r_error, id);
	else
		run(c, &r, id);
	free(j);
}

/* --- commands about the agent -------------------------------------------- */

static void
qga_sync(struct request *r)
{
	jw_int(r->r_out, req_int(r, "id", 0));
}

static void
qga_sync_delimited(struct request *r)
{
	r->r_delimited = true;
	qga_sync(r);
}

static void
qga_info(struct request *r)
{
	struct jwriter *w = r->r_out;
	const struct command *c;

	jw_open(w, '{');
	jw_kstr(w, "version", VERSION);
	jw_key(w, "supported_commands");
	jw_open(w, '[');
	for (c = commands; c < commands + nitems(commands); c++) {
		jw_open(w, '{');
		jw_kstr(w, "name", c->c_name);
		jw_kbool(w, "enabled", !(c->c_flags & BLOCKED));
		jw_kbool(w, "success-response", !(c->c_flags & SILENT));
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_close(w, '}');
}

/* --- the file of what is allowed ----------------------------------------- */

static void
config_line(const char *path, int nr, char *line)
{
	struct command *c = NULL;
	char *verb, *name;
	bool allow;

	line[strcspn(line, "#")] = '\0';
	verb = word_next(&line);
	if (*verb == '\0')
		return;
	name = word_next(&line);
	allow = strcmp(verb, "allow") == 0;
	if ((allow || strcmp(verb, "block") == 0) &&
	    *word_next(&line) == '\0')
		c = find(name);
	if (c == NULL)
		warnx("%s:%d: not \"allow COMMAND\" or \"block COMMAND\"",
		    path, nr);
	else if (allow)
		c->c_flags &= ~BLOCKED;
	else
		c->c_flags |= BLOCKED;
}

void
qga_config(const char *path)
{
	char *lines, *line;
	int nr = 0;

	if ((lines = file_lines(path)) == NULL) {
		if (errno != ENOENT)
			err(1, "%s", path);
		return;
	}
	while ((line = line_next(&lines)) != NULL)
		config_line(path, ++nr, line);
}
