/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Words to arguments.  A field under construction is kept as a pattern:
 * what was quoted has a backslash before each character that would mean
 * something there, so one text serves for matching and, with the
 * backslashes taken out, as the argument.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../crunch/util.h"
#include "sh.h"

struct field {
	char		*f_buf;
	size_t		 f_len, f_max;
	int		 f_quoted;	/* exists even if it is empty */
	int		 f_glob;	/* has an active * ? or [ */
	int		 f_blank;	/* the last one ended with a blank */
	int		 f_noargs;	/* "$@" without arguments was in it */
	struct list	*f_list;	/* NULL: one field, never split */
};

/* How the text is quoted. */
enum quoting {
	Q_NONE,
	Q_DOUBLE,	/* ends at a double quote */
	Q_WORD,		/* in ${} within double quotes */
	Q_DOCUMENT	/* as in double quotes, which mean nothing */
};

static const char	*walk(struct field *, const char *, enum quoting);

static void
push(struct field *f, int c)
{
	char *buf;

	if (f->f_len + 1 >= f->f_max) {
		f->f_max = f->f_max == 0 ? 64 : 2 * f->f_max;
		buf = arena_alloc(f->f_max);
		if (f->f_len != 0)
			memcpy(buf, f->f_buf, f->f_len);
		f->f_buf = buf;
	}
	f->f_buf[f->f_len++] = c;
	f->f_buf[f->f_len] = '\0';
}

static void
put(struct field *f, int c, int literal)
{
	f->f_blank = 0;
	if (literal || c == '\\') {
		if (strchr("*?[]\\!-^", c) != NULL)
			push(f, '\\');
	} else if (c == '*' || c == '?' || c == '[')
		f->f_glob = 1;
	push(f, c);
}

static void
puts_literal(struct field *f, const char *s)
{
	while (*s != '\0')
		put(f, (unsigned char)*s++, 1);
}

/* In place. */
static char *
unescape(char *s)
{
	char *from, *to;

	for (from = to = s; *from != '\0'; *to++ = *from++)
		if (*from == '\\' && from[1] != '\0')
			from++;
	*to = '\0';
	return (s);
}

/* Patterns. */

static int
class(const char **pp, int c)
{
	static const struct {
		const char	*name;
		const char	*ranges;	/* pairs */
	} classes[] = {
		{ "[:alpha:]", "azAZ" }, { "[:digit:]", "09" },
		{ "[:alnum:]", "azAZ09" }, { "[:upper:]", "AZ" },
		{ "[:lower:]", "az" }, { "[:space:]", "  \t\r" },
		{ "[:xdigit:]", "09afAF" }, { "[:punct:]", "!/:@[`{~" }
	};
	const char *r;
	size_t i;

	for (i = 0; i < nitems(classes); i++)
		if (strncmp(*pp, classes[i].name, strlen(classes[i].name)) ==
		    0)
			break;
	if (i == nitems(classes))
		return (-1);
	*pp += strlen(classes[i].name);
	for (r = classes[i].ranges; *r != '\0'; r += 2)
		if (c >= r[0] && c <= r[1])
			return (1);
	return (0);
}

/*
 * p is behind the bracket; returns what is behind the closing one, or NULL
 * if there is none and the bracket is an ordinary character.
 */
static const char *
bracket(const char *p, int c, int *hit)
{
	const char *first;
	int lo, hi, not = 0, n;

	if (*p == '!' || *p == '^') {
		not = 1;
		p++;
	}
	*hit = 0;
	for (first = p; *p != ']' || p == first; ) {
		if (*p == '\0')
			return (NULL);
		if (*p == '[' && p[1] == ':' && (n = class(&p, c)) != -1) {
			*hit |= n;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		lo = hi = (unsigned char)*p++;
		if (*p == '-' && p[1] != ']' && p[1] != '\0') {
			if (*++p == '\\' && p[1] != '\0')
				p++;
			hi = (unsigned char)*p++;
		}
		*hit |= c >= lo && c <= hi;
	}
	*hit ^= not;
	return (p + 1);
}

int
match(const char *p, const char *s)
{
	const char *end;
	int hit;

	for (;; s++)
		switch (*p) {
		case '\0':
			return (*s == '\0');
		case '*':
			while (*p == '*')
				p++;
			if (*p == '\0')
				return (1);
			for (; !match(p, s); s++)
				if (*s == '\0')
					return (0);
			return (1);
		case '?':
			if (*s == '\0')
				return (0);
			p++;
			break;
		case '[':
			end = bracket(p + 1, (unsigned char)*s, &hit);
			if (end != NULL) {
				if (*s == '\0' || !hit)
					return (0);
				p = end;
				break;
			}
			if (*s != *p++)
				return (0);
			break;
		case '\\':
			if (p[1] != '\0')
				p++;
			/* FALLTHROUGH */
		default:
			if (*s != *p++)
				return (0);
			break;
		}
}

static int
active(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '*' || *p == '?' || *p == '[')
			return (1);
	}
	return (0);
}

static char *
concat(const char *a, const char *b, size_t n)
{
	size_t len = strlen(a);
	char *s = arena_alloc(len + n + 1);

	memcpy(s, a, len);
	memcpy(s + len, b, n);
	s[len + n] = '\0';
	return (s);
}

/* The files that begin with dir, which is plain, and go on as pat does. */
static void
glob(struct list *l, const char *dir, const char *pat)
{
	struct stat st;
	const char *end;
	char *comp, *path, **names;
	size_t i, n;

	for (;;) {
		for (end = pat; *end != '\0' && *end != '/'; end++)
			continue;
		if (active(pat, end))
			break;
		while (*end == '/')
			end++;
		comp = unescape(arena_strn(pat, end - pat));
		dir = concat(dir, comp, strlen(comp));
		if (*(pat = end) == '\0') {
			if (lstat(dir, &st) == 0)
				list_add(l, (char *)dir);
			return;
		}
	}
	comp = arena_strn(pat, end - pat);
	for (pat = end; *end == '/'; end++)
		continue;
	if ((names = dir_names(*dir == '\0' ? "." : dir, &n)) == NULL)
		return;
	for (i = 0; i < n; i++) {
		if ((names[i][0] == '.' && comp[0] != '.' &&
		    strncmp(comp, "\\.", 2) != 0) || !match(comp, names[i]))
			continue;
		path = concat(dir, names[i], strlen(names[i]));
		if (*pat == '\0')
			list_add(l, path);
		else
			glob(l, concat(path, pat, end - pat), end);
	}
	dir_free(names);
}

/* Fields. */

static void
field_end(struct field *f)
{
	size_t before;
	char *s;

	s = arena_strn(f->f_buf == NULL ? "" : f->f_buf, f->f_len);
	before = f->f_list->l_n;
	if (f->f_glob)
		glob(f->f_list, "", s);
	if (f->f_list->l_n == before)
		list_add(f->f_list, unescape(s));
	f->f_len = 0;
	f->f_quoted = f->f_glob = 0;
}

/* What an expansion gave. */
static void
value(struct field *f, const char *v, enum quoting q)
{
	const char *ifs;
	int c;

	if (q != Q_NONE) {
		puts_literal(f, v);
		return;
	}
	if (f->f_list == NULL) {
		while (*v != '\0')
			put(f, (unsigned char)*v++, 0);
		return;
	}
	if ((ifs = var_get("IFS")) == NULL)
		ifs = " \t\n";
	for (; (c = (unsigned char)*v) != '\0'; v++) {
		if (strchr(ifs, c) == NULL)
			put(f, c, 0);
		else if (c == ' ' || c == '\t' || c == '\n') {
			if (f->f_len != 0 || f->f_quoted) {
				field_end(f);
				f->f_blank = 1;
			}
		} else if (f->f_blank)
			f->f_blank = 0;		/* "a : b" is two fields */
		else
			field_end(f);
	}
}

/* $@ and $*. */
static void
arguments(struct field *f, int which, enum quoting q)
{
	const char *ifs = var_get("IFS");
	char sep[2] = " ";
	int i;

	if (which == '*' && ifs != NULL)
		sep[0] = ifs[0];
	if (sh_nargs == 0)
		f->f_noargs = 1;
	for (i = 0; i < sh_nargs; i++) {
		if (i != 0) {
			if (f->f_list == NULL || (q != Q_NONE && which == '*'))
				puts_literal(f, sep);
			else if (q != Q_NONE || f->f_len != 0 || f->f_quoted)
				field_end(f);
		}
		if (q != Q_NONE)
			f->f_quoted = 1;
		value(f, sh_args[i], q);
	}
}

/* Parameters. */

static const char *
number(long long n)
{
	char *s = arena_alloc(24);

	snfmt(s, 24, "%lld", n);
	return (s);
}

static const char *
param(const char *name, size_t len)
{
	unsigned long long n;
	char *s;

	if (is_name((unsigned char)*name, 1))
		return (var_getn(name, len));
	switch (*name) {
	case '?':
		return (number(sh_status));
	case '$':
		return (number(sh_pid()));
	case '!':
		return (sh_lastbg == 0 ? NULL : number(sh_lastbg));
	case '#':
		return (number(sh_nargs));
	case '-':
		s = arena_alloc(5);
		snfmt(s, 5, "%s%s%s%s", sh_errexit ? "e" : "",
		    sh_interactive ? "i" : "", sh_nounset ? "u" : "",
		    sh_trace ? "x" : "");
		return (s);
	case '@':
	case '*':
		return (sh_nargs == 0 ? NULL : sh_args[0]);
	}
	if (num_parse(arena_strn(name, len), 10, 1 << 30, &n) == -1)
		return (NULL);
	if (n == 0)
		return (sh_arg0);
	return (n > (unsigned long long)sh_nargs ? NULL : sh_args[n - 1]);
}

/* The end of the parameter's name, or s itself if there is none. */
static const char *
param_end(const char *s, int braces)
{
	const char *p;

	if (is_name((unsigned char)*s, 1))
		return (name_end(s));
	if (*s >= '0' && *s <= '9') {
		for (p = s + 1; braces && *p >= '0' && *p <= '9'; p++)
			continue;
		return (p);
	}
	return (*s != '\0' && strchr("?$!#-@*", *s) != NULL ? s + 1 : s);
}

static void
unset_check(const char *name, size_t len, const char *v)
{
	if (v == NULL && sh_nounset && *name != '@' && *name != '*')
		sh_fail(1, "%.*s: parameter not set", (int)len, name);
}

/* A value without what matches at its beginning or end. */
static const char *
trim(const char *v, int op, int longest, const char *pat)
{
	size_t n = strlen(v), i, k;
	char *s;

	for (i = 0; i <= n; i++) {
		/* From the shortest piece, or from the longest. */
		k = longest ? n - i : i;
		if (op == '#') {
			s = arena_strn(v, k);
			if (match(pat, s))
				return (v + k);
		} else if (match(pat, v + n - k))
			return (arena_strn(v, n - k));
	}
	return (v);
}

static void
brace_op(struct field *f, const char *name, size_t len, const char *op,
    enum quoting q)
{
	const char *v = param(name, len), *word;
	char *set;
	int colon = *op == ':', null, longest;

	if (*op == '#' || *op == '%') {
		longest = op[1] == *op;
		word = expand_pattern(op + 1 + longest);
		unset_check(name, len, v);
		value(f, trim(v == NULL ? "" : v, *op, longest, word), q);
		return;
	}
	op += colon;
	word = op + 1;
	null = v == NULL || (colon && *v == '\0');
	switch (*op) {
	case '-':
		if (!null)
			break;
		walk(f, word, q == Q_NONE ? q : Q_WORD);
		return;
	case '+':
		if (!null)
			walk(f, word, q == Q_NONE ? q : Q_WORD);
		return;
	case '=':
		if (!null)
			break;
		v = expand_one(word);
		set = concat(arena_strn(name, len), "=", 1);
		var_assign(concat(set, v, strlen(v)), 0);
		break;
	case '?':
		if (!null)
			break;
		word = expand_one(word);
		sh_fail(1, "%.*s: %s", (int)len, name,
		    *word != '\0' ? word : "parameter not set");
	default:
		sh_fail(2, "bad substitution: ${%s", name);
	}
	if (*name == '@' || *name == '*')
		arguments(f, *name, q);
	else
		value(f, v, q);
}

/* The text between the braces of ${}. */
static void
brace(struct field *f, const char *s, enum quoting q)
{
	const char *end, *v;

	if (*s == '#' && s[1] != '\0' && (end = param_end(s + 1, 1)) != s + 1 &&
	    *end == '\0') {
		v = param(s + 1, end - s - 1);
		unset_check(s + 1, end - s - 1, v);
		puts_literal(f, number(v == NULL ? 0 : strlen(v)));
		return;
	}
	end = param_end(s, 1);
	if (end == s)
		sh_fail(2, "bad substitution: ${%s}", s);
	if (*end != '\0') {
		brace_op(f, s, end - s, end, q);
		return;
	}
	if (*s == '@' || *s == '*') {
		arguments(f, *s, q);
		return;
	}
	v = param(s, end - s);
	unset_check(s, end - s, v);
	if (v != NULL)
		value(f, v, q);
}

/* What a command wrote, without the newlines at its end. */
static void
command(struct field *f, struct node *n, enum quoting q)
{
	size_t len = 0, max = 512, i, j;
	ssize_t r;
	pid_t pid;
	char *buf;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		sh_fail(2, "pipe: %s", errstr(errno));
	if ((pid = sh_fork()) == -1)
		sh_fail(2, "fork: %s", errstr(errno));
	if (pid == 0) {
		close(fds[0]);
		substitution(n, fds[1]);
	}
	close(fds[1]);
	buf = xmalloc(max);
	while ((r = read(fds[0], buf + len, max - len - 1)) != 0) {
		if (r == -1 && errno != EINTR)
			break;
		if (r > 0 && (len += r) == max - 1)
			buf = xrealloc(buf, max *= 2);
	}
	close(fds[0]);
	for (i = j = 0; i < len; i++)
		if (buf[i] != '\0')
			buf[j++] = buf[i];
	while (j > 0 && buf[j - 1] == '\n')
		j--;
	buf[j] = '\0';
	sh_status = wait_pid(pid);
	value(f, buf, q);
	free(buf);
}

static const char *
backquote(struct field *f, const char *s, enum quoting q)
{
	struct node *n;
	const char *end;
	char *text, *p;

	p = text = arena_alloc(strlen(s) + 3);
	for (end = s; *end != '`' && *end != '\0'; end++) {
		if (*end == '\\' && end[1] != '\0' &&
		    strchr(q == Q_NONE ? "$`\\" : "$`\\\"", end[1]) != NULL)
			end++;
		*p++ = *end;
	}
	/* Parsed as what it stands for, $(...). */
	*p++ = '\n';
	*p++ = ')';
	*p = '\0';
	n = parse_substitution(text, &s);
	command(f, n, q);
	return (*end == '`' ? end + 1 : end);
}

static const char *
skip_dollar(const char *s, int dq)
{
	struct source in;

	src_string(&in, s, strlen(s));
	lex_dollar(dq);
	s += in.s_pos;
	src_pop();
	return (s);
}

/* s is behind the dollar sign. */
static const char *
dollar(struct field *f, const char *s, enum quoting q)
{
	struct node *n;
	const char *end, *v;

	if (s[0] == '(' && s[1] == '(') {
		end = skip_dollar(s, 1);
		v = expand_document(arena_strn(s + 2, end - s - 4));
		value(f, number(arith(v)), q);
		return (end);
	}
	if (s[0] == '(') {
		n = parse_substitution(s + 1, &end);
		command(f, n, q);
		return (end);
	}
	if (s[0] == '{') {
		end = skip_dollar(s, q != Q_NONE);
		brace(f, arena_strn(s + 1, end - s - 2), q);
		return (end);
	}
	if ((end = param_end(s, 0)) == s) {
		put(f, '$', 1);
		return (s);
	}
	brace(f, arena_strn(s, end - s), q);
	return (end);
}

static const char *
walk_quoted(struct field *f, const char *s, enum quoting q)
{
	for (; *s != '\0'; )
		switch (*s) {
		case '"':
			if (q == Q_DOUBLE)
				return (s);
			if (q == Q_DOCUMENT)
				put(f, '"', 1);
			s++;
			break;
		case '\\':
			if (s[1] == '\n') {
				s += 2;
				break;
			}
			if (s[1] != '\0' && strchr(q == Q_DOCUMENT ? "$`\\" :
			    q == Q_WORD ? "$`\\\"}" : "$`\\\"", s[1]) != NULL)
				s++;
			put(f, (unsigned char)*s++, 1);
			break;
		case '$':
			s = dollar(f, s + 1, q);
			break;
		case '`':
			s = backquote(f, s + 1, q);
			break;
		default:
			put(f, (unsigned char)*s++, 1);
			break;
		}
	return (s);
}

static const char *
walk(struct field *f, const char *s, enum quoting q)
{
	if (q != Q_NONE)
		return (walk_quoted(f, s, q));
	while (*s != '\0')
		switch (*s) {
		case '\\':
			f->f_quoted = 1;
			if (s[1] != '\0')
				s++;
			put(f, (unsigned char)*s++, 1);
			break;
		case '\'':
			f->f_quoted = 1;
			for (s++; *s != '\'' && *s != '\0'; s++)
				put(f, (unsigned char)*s, 1);
			if (*s != '\0')
				s++;
			break;
		case '"':
			f->f_noargs = 0;
			s = walk_quoted(f, s + 1, Q_DOUBLE);
			if (!f->f_noargs)
				f->f_quoted = 1;
			if (*s != '\0')
				s++;
			break;
		case '$':
			s = dollar(f, s + 1, q);
			break;
		case '`':
			s = backquote(f, s + 1, q);
			break;
		default:
			put(f, (unsigned char)*s++, 0);
			break;
		}
	return (s);
}

static const char *
tilde(struct field *f, const char *s)
{
	const char *home;

	if (s[0] != '~' || (s[1] != '/' && s[1] != '\0') ||
	    (home = var_get("HOME")) == NULL)
		return (s);
	puts_literal(f, home);
	f->f_quoted = 1;
	return (s + 1);
}

/* Without anything that could expand, a word is its own argument. */
static int
simple(const char *s)
{
	return (s[strcspn(s, "\\'\"$`*?[~")] == '\0');
}

char **
expand_words(char **words)
{
	struct list l = { 0 };
	struct field f;

	for (; words != NULL && *words != NULL; words++) {
		if (simple(*words)) {
			list_add(&l, *words);
			continue;
		}
		memset(&f, 0, sizeof(f));
		f.f_list = &l;
		walk(&f, tilde(&f, *words), Q_NONE);
		if (f.f_len != 0 || f.f_quoted)
			field_end(&f);
	}
	if (l.l_v == NULL) {
		l.l_v = arena_alloc(sizeof(*l.l_v));
		l.l_v[0] = NULL;
	}
	return (l.l_v);
}

/* As a pattern, with its backslashes. */
char *
expand_pattern(const char *s)
{
	struct field f;

	memset(&f, 0, sizeof(f));
	walk(&f, tilde(&f, s), Q_NONE);
	return (f.f_buf == NULL ? arena_strn("", 0) : f.f_buf);
}

char *
expand_one(const char *s)
{
	if (simple(s))
		return ((char *)s);
	return (unescape(expand_pattern(s)));
}

/* As within double quotes, but that these stand for themselves. */
char *
expand_document(const char *s)
{
	struct field f;

	memset(&f, 0, sizeof(f));
	walk(&f, s, Q_DOCUMENT);
	return (f.f_buf == NULL ? arena_strn("", 0) : unescape(f.f_buf));
}
