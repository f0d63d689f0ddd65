/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * $((...)): integers, by precedence climbing.  Parameters were expanded
 * before; a bare name is a variable all the same.
 */

#include <limits.h>
#include <string.h>

#include "../crunch/util.h"
#include "sh.h"

static const char	*pos;
static int		 depth;

static long long	expr(int);

/* Longer operators come before those they begin with. */
static const struct binop {
	char	b_text[3];
	char	b_prec;
	char	b_op;		/* how calculate() knows it */
} binops[] = {
	{ "||", 1, 'o' }, { "&&", 2, 'a' }, { "<<", 8, 'l' },
	{ ">>", 8, 'r' }, { "==", 6, '=' }, { "!=", 6, '!' },
	{ "<=", 7, '{' }, { ">=", 7, '}' }, { "<", 7, '<' },
	{ ">", 7, '>' }, { "|", 3, '|' }, { "^", 4, '^' }, { "&", 5, '&' },
	{ "+", 9, '+' }, { "-", 9, '-' }, { "*", 10, '*' },
	{ "/", 10, '/' }, { "%", 10, '%' }
};

static void
blanks(void)
{
	while (*pos == ' ' || *pos == '\t' || *pos == '\n')
		pos++;
}

static void __attribute__((__noreturn__))
bad(const char *what)
{
	depth = 0;
	sh_fail(2, "arithmetic: %s", what);
}

static long long
calculate(int op, long long a, long long b)
{
	typedef unsigned long long u;

	switch (op) {
	case 'o':
		return (a || b);
	case 'a':
		return (a && b);
	case '|':
		return (a | b);
	case '^':
		return (a ^ b);
	case '&':
		return (a & b);
	case '=':
		return (a == b);
	case '!':
		return (a != b);
	case '<':
		return (a < b);
	case '>':
		return (a > b);
	case '{':
		return (a <= b);
	case '}':
		return (a >= b);
	case 'l':
		return ((u)a << (b & 63));
	case 'r':
		return (a >> (b & 63));
	case '+':
		return ((u)a + (u)b);
	case '-':
		return ((u)a - (u)b);
	case '*':
		return ((u)a * (u)b);
	}
	if (b == 0)
		bad("division by zero");
	if (b == -1)		/* the least number has no opposite */
		return (op == '/' ? (long long)(0 - (u)a) : 0);
	return (op == '/' ? a / b : a % b);
}

static long long
constant(const char *s, size_t len)
{
	unsigned long long n;
	char *t = arena_strn(s, len);

	if (num_parse(t, 0, ULLONG_MAX, &n) == -1)
		bad("bad number");
	return (n);
}

static long long
variable(void)
{
	const char *name = pos, *v;
	size_t len;
	long long n;
	int neg;

	pos = name_end(pos);
	len = pos - name;
	blanks();
	if (*pos == '=' && pos[1] != '=') {
		pos++;
		n = expr(0);
		v = arena_strn(name, len);
		name = v;
		len = 24;
		v = arena_alloc(len);
		snfmt((char *)v, len, "%lld", n);
		var_set(name, v);
		return (n);
	}
	if ((v = var_getn(name, len)) == NULL || *v == '\0')
		return (0);
	neg = *v == '-';
	n = constant(v + neg, strlen(v + neg));
	return (neg ? -n : n);
}

static long long
primary(void)
{
	const char *p;
	long long n;

	blanks();
	switch (*pos) {
	case '(':
		pos++;
		n = expr(0);
		blanks();
		if (*pos != ')')
			bad("missing )");
		pos++;
		return (n);
	case '-':
		pos++;
		return (0 - (unsigned long long)primary());
	case '+':
		pos++;
		return (primary());
	case '!':
		pos++;
		return (!primary());
	case '~':
		pos++;
		return (~primary());
	}
	if (is_name((unsigned char)*pos, 1))
		return (variable());
	for (p = pos; is_name((unsigned char)*p, 0); p++)
		continue;
	if (p == pos)
		bad("syntax error");
	n = constant(pos, p - pos);
	pos = p;
	return (n);
}

static const struct binop *
binop(void)
{
	size_t i;

	blanks();
	for (i = 0; i < nitems(binops); i++)
		if (strncmp(pos, binops[i].b_text,
		    strlen(binops[i].b_text)) == 0)
			return (&binops[i]);
	return (NULL);
}

/*
 * Both sides of && || and ?: are worked out; they could differ from what
 * is asked only by an assignment or a division by zero in the other one.
 */
static long long
expr(int min)
{
	const struct binop *b;
	long long n, yes, no;

	if (++depth > 100)
		bad("too deep");
	n = primary();
	while ((b = binop()) != NULL && b->b_prec > min) {
		pos += strlen(b->b_text);
		n = calculate(b->b_op, n, expr(b->b_prec));
	}
	if (min == 0 && *pos == '?') {
		pos++;
		yes = expr(0);
		blanks();
		if (*pos++ != ':')
			bad("missing :");
		no = expr(0);
		n = n ? yes : no;
	}
	depth--;
	return (n);
}

long long
arith(const char *s)
{
	const char *outer = pos;
	long long n;

	pos = s;
	blanks();
	n = *pos == '\0' ? 0 : expr(0);
	blanks();
	if (*pos != '\0')
		bad("syntax error");
	pos = outer;
	return (n);
}
