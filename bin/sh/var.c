/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Variables: "NAME=value" strings in a table.  Those of the environment
 * are used where they lie, so that starting costs next to nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "../crunch/util.h"
#include "sh.h"

struct var {
	char	*v_str;		/* NULL: exported or unset, no value */
	char	*v_name;	/* only without v_str */
	size_t	 v_len;		/* of the name */
	int	 v_export;
	int	 v_owned;	/* v_str is ours to free */
};

struct saved {
	struct saved	*s_next;
	char		*s_str;
	int		 s_export;
	char		 s_name[];
};

static struct var	*vars;
static size_t		 nvars, maxvars;

static struct var *
find(const char *name, size_t len)
{
	struct var *v;

	for (v = vars; v < vars + nvars; v++)
		if (v->v_len == len && memcmp(v->v_str != NULL ? v->v_str :
		    v->v_name, name, len) == 0)
			return (v);
	return (NULL);
}

static struct var *
add(size_t len)
{
	struct var *v;

	if (nvars == maxvars) {
		maxvars += 32;
		vars = xrealloc(vars, maxvars * sizeof(*vars));
	}
	v = &vars[nvars++];
	memset(v, 0, sizeof(*v));
	v->v_len = len;
	return (v);
}

void
var_init(char **env)
{
	struct var *v;
	const char *end;

	for (; env != NULL && *env != NULL; env++) {
		end = name_end(*env);
		if (end == *env || *end != '=')
			continue;
		v = add(end - *env);
		v->v_str = *env;
		v->v_export = 1;
	}
}

const char *
var_getn(const char *name, size_t len)
{
	struct var *v;

	if ((v = find(name, len)) == NULL || v->v_str == NULL)
		return (NULL);
	return (v->v_str + len + 1);
}

const char *
var_get(const char *name)
{
	return (var_getn(name, strlen(name)));
}

static void
drop(struct var *v)
{
	if (v->v_owned)
		free(v->v_str);
	free(v->v_name);
	v->v_str = v->v_name = NULL;
	v->v_owned = 0;
}

/* s is NAME=value. */
void
var_assign(const char *s, int export)
{
	size_t len = name_end(s) - s;
	char *copy = xstrdup(s);
	struct var *v;

	if ((v = find(s, len)) == NULL)
		v = add(len);
	drop(v);
	v->v_str = copy;
	v->v_owned = 1;
	v->v_export |= export;
}

void
var_set(const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 2;
	char *s = xmalloc(n);

	snfmt(s, n, "%s=%s", name, value);
	var_assign(s, 0);
	free(s);
}

void
var_unset(const char *name)
{
	struct var *v;

	if ((v = find(name, strlen(name))) == NULL)
		return;
	drop(v);
	*v = vars[--nvars];
}

void
var_export(const char *name)
{
	struct var *v;

	if ((v = find(name, strlen(name))) == NULL) {
		v = add(strlen(name));
		v->v_name = xstrdup(name);
	}
	v->v_export = 1;
}

static void
print(const char *how, const struct var *v)
{
	const char *p;

	if (v->v_str == NULL) {
		outf("%s%s\n", how, v->v_name);
		return;
	}
	outf("%s%.*s='", how, (int)v->v_len, v->v_str);
	for (p = v->v_str + v->v_len + 1; *p != '\0'; p++)
		if (*p == '\'')
			out_str("'\\''");
		else
			out_ch(*p);
	out_str("'\n");
}

void
var_print_exports(void)
{
	struct var *v;

	for (v = vars; v < vars + nvars; v++)
		if (v->v_export)
			print("export ", v);
}

void
var_print_all(void)
{
	struct var *v;

	for (v = vars; v < vars + nvars; v++)
		if (v->v_str != NULL)
			print("", v);
}

/* For execve(2); in the arena. */
char **
var_environ(void)
{
	char **env, **p;
	struct var *v;

	p = env = arena_alloc((nvars + 1) * sizeof(*env));
	for (v = vars; v < vars + nvars; v++)
		if (v->v_export && v->v_str != NULL)
			*p++ = v->v_str;
	*p = NULL;
	return (env);
}

/* Remembers a variable on top of others; var_restore() undoes all. */
struct saved *
var_save(const char *name, struct saved *next)
{
	size_t len = name_end(name) - name;
	struct saved *s = xmalloc(sizeof(*s) + len + 1);
	struct var *v = find(name, len);

	memcpy(s->s_name, name, len);
	s->s_name[len] = '\0';
	s->s_str = v != NULL && v->v_str != NULL ? xstrdup(v->v_str) : NULL;
	s->s_export = v != NULL && v->v_export;
	s->s_next = next;
	return (s);
}

void
var_restore(struct saved *s)
{
	struct saved *next;

	for (; s != NULL; s = next) {
		next = s->s_next;
		var_unset(s->s_name);
		if (s->s_str != NULL)
			var_assign(s->s_str, s->s_export);
		else if (s->s_export)
			var_export(s->s_name);
		free(s->s_str);
		free(s);
	}
}
