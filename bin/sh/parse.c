/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Characters to a tree, by recursive descent with one token of lookahead.
 * Words are kept as they were written; expand.c looks at their quotes.
 */

#include <string.h>

#include "../crunch/util.h"
#include "sh.h"

enum {
	T_EOF = 1, T_WORD, T_NL, T_SEMI, T_DSEMI, T_AMP, T_AND, T_OR, T_PIPE,
	T_LP, T_RP, T_REDIR
};

static const char *const toknames[] = {
	"", "end of file", "", "newline", ";", ";;", "&", "&&", "||", "|",
	"(", ")", ""
};

static struct node	*list(int);
static struct node	*command(void);

static int
is_alpha(int c)
{
	return (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_');
}

/* May c be in a name, at its beginning or later? */
int
is_name(int c, int first)
{
	return (is_alpha(c) || (!first && c >= '0' && c <= '9'));
}

const char *
name_end(const char *s)
{
	const char *p;

	for (p = s; is_name((unsigned char)*p, p == s); p++)
		continue;
	return (p);
}

/* Characters to tokens. */

static void
lex_squote(void)
{
	int c;

	while ((c = src_get()) != '\'')
		if (c == -1)
			syntax("unterminated quoted string");
}

static void
lex_dquote(void)
{
	int c;

	while ((c = src_get()) != '"')
		switch (c) {
		case -1:
			syntax("unterminated quoted string");
		case '\\':
			src_get();
			break;
		case '$':
			lex_dollar(1);
			break;
		case '`':
			lex_backquote();
			break;
		}
}

void
lex_backquote(void)
{
	int c;

	while ((c = src_get()) != '`') {
		if (c == '\\')
			c = src_get();
		if (c == -1)
			syntax("unterminated `");
	}
}

static void
lex_brace(int dq)
{
	int c;

	while ((c = src_get()) != '}')
		switch (c) {
		case -1:
			syntax("unterminated ${");
		case '\\':
			src_get();
			break;
		case '\'':
			if (!dq)
				lex_squote();
			break;
		case '"':
			lex_dquote();
			break;
		case '$':
			lex_dollar(dq);
			break;
		case '`':
			lex_backquote();
			break;
		}
}

static void
lex_arith(void)
{
	int c, depth = 2;

	while (depth != 0) {
		if ((c = src_get()) == -1)
			syntax("unterminated $((");
		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else if (c == '$')
			lex_dollar(1);
	}
}

/*
 * To find the end of a command substitution takes the parser itself, called
 * in the middle of a word: no token is pending then.
 */
static struct node *
lex_command(void)
{
	struct redir *docs = src->s_docs;
	struct node *n;

	src->s_docs = NULL;
	n = list(1);
	if (src->s_tok == T_EOF)
		syntax("unterminated $(");
	if (src->s_tok != T_RP)
		syntax("unexpected `%s'", src->s_tok == T_WORD ?
		    src->s_word : toknames[src->s_tok]);
	src->s_tok = 0;
	src->s_docs = docs;
	return (n);
}

/* What follows a dollar sign. */
void
lex_dollar(int dq)
{
	int c;

	switch (c = src_get()) {
	case '(':
		if ((c = src_get()) == '(')
			lex_arith();
		else {
			src_unget(c);
			lex_command();
		}
		break;
	case '{':
		lex_brace(dq);
		break;
	default:
		src_unget(c);
		break;
	}
}

struct node *
parse_substitution(const char *s, const char **endp)
{
	struct source in;
	struct node *n;

	src_string(&in, s, strlen(s));
	n = lex_command();
	*endp = s + in.s_pos;
	src_pop();
	return (n);
}

static char *
lex_word(void)
{
	size_t start;
	int c;

	for (start = src_record();;)
		switch (c = src_get()) {
		case '\\':
			if (src_get() == '\n')
				src->s_reclen -= 2;
			break;
		case '\'':
			lex_squote();
			break;
		case '"':
			lex_dquote();
			break;
		case '$':
			lex_dollar(0);
			break;
		case '`':
			lex_backquote();
			break;
		case -1: case ' ': case '\t': case '\n': case ';': case '&':
		case '|': case '<': case '>': case '(': case ')':
			src_unget(c);
			return (src_recorded(start));
		}
}

/* The rest of an operator that begins with c; its text is put into op. */
static void
lex_redir(int c, char *op)
{
	int next = src_get();

	*op++ = c;
	if (next == '&' || next == c || (c == '<' && next == '>') ||
	    (c == '>' && next == '|')) {
		*op++ = next;
		if (c == '<' && next == '<') {
			if ((next = src_get()) == '-')
				*op++ = next;
			else
				src_unget(next);
		}
	} else
		src_unget(next);
	*op = '\0';
}

static int
pair(int second, int both, int one)
{
	int c = src_get();

	if (c == second)
		return (both);
	src_unget(c);
	return (one);
}

/* The text of the documents whose operators were on the line that ended. */
static void
lex_documents(void)
{
	struct redir *r;
	char *line;
	size_t start, from;
	int c;

	while ((r = src->s_docs) != NULL) {
		src->s_docs = r->r_nextdoc;
		start = src_record();
		for (;;) {
			from = src->s_reclen;
			while ((c = src_get()) != '\n' && c != -1)
				if (c == '\t' && r->r_tabs &&
				    src->s_reclen == from + 1)
					src->s_reclen = from;
			src->s_recording++;
			line = src_recorded(from);
			if (c == '\n')
				line[strlen(line) - 1] = '\0';
			if (strcmp(line, r->r_word) == 0 || c == -1)
				break;
		}
		line = src_recorded(start);
		if (from >= start && c != -1)
			line[from - start] = '\0';
		r->r_word = line;
	}
}

static int
redirection(int c, const char *digits)
{
	unsigned long long fd = c == '<' ? 0 : 1;

	if (digits != NULL)
		(void)num_parse(digits, 10, 255, &fd);
	src->s_num = fd;
	src->s_word = arena_alloc(4);
	lex_redir(c, src->s_word);
	return (T_REDIR);
}

static int
all_digits(const char *s)
{
	if (*s == '\0')
		return (0);
	for (; *s >= '0' && *s <= '9'; s++)
		continue;
	return (*s == '\0');
}

static int
lex(void)
{
	int c;

	for (;;) {
		c = src_get();
		if (c == '\\') {
			if ((c = src_get()) == '\n')
				continue;
			src_unget(c);
			c = '\\';
			break;
		}
		if (c == '#')
			while ((c = src_get()) != '\n' && c != -1)
				continue;
		if (c != ' ' && c != '\t' && c != '\r')
			break;
	}
	switch (c) {
	case -1:
		lex_documents();
		return (T_EOF);
	case '\n':
		lex_documents();
		return (T_NL);
	case ';':
		return (pair(';', T_DSEMI, T_SEMI));
	case '&':
		return (pair('&', T_AND, T_AMP));
	case '|':
		return (pair('|', T_OR, T_PIPE));
	case '(':
		return (T_LP);
	case ')':
		return (T_RP);
	case '<':
	case '>':
		return (redirection(c, NULL));
	}
	src_unget(c);
	src->s_word = lex_word();
	if (all_digits(src->s_word)) {
		c = src_get();
		if (c == '<' || c == '>')
			return (redirection(c, src->s_word));
		src_unget(c);
	}
	return (T_WORD);
}

static int
peek(void)
{
	if (src->s_tok == 0)
		src->s_tok = lex();
	return (src->s_tok);
}

static void
take(void)
{
	src->s_tok = 0;
}

static void __attribute__((__noreturn__))
unexpected(void)
{
	int t = peek();

	if (t == T_EOF)
		syntax("unexpected end of file");
	syntax("unexpected `%s'", t == T_WORD || t == T_REDIR ?
	    src->s_word : toknames[t]);
}

static int
at_word(const char *s)
{
	return (peek() == T_WORD && strcmp(src->s_word, s) == 0);
}

static void
expect(const char *s)
{
	if (!at_word(s))
		unexpected();
	take();
}

static char *
take_word(void)
{
	if (peek() != T_WORD)
		unexpected();
	take();
	return (src->s_word);
}

static void
skip_newlines(void)
{
	while (peek() == T_NL)
		take();
}

/* Tokens to nodes. */

static struct node *
node(enum node_type type, struct node *a, struct node *b)
{
	struct node *n = arena_alloc(sizeof(*n));

	memset(n, 0, sizeof(*n));
	n->n_type = type;
	n->n_a = a;
	n->n_b = b;
	return (n);
}

void
list_add(struct list *l, char *s)
{
	char **v;

	if (l->l_n + 1 >= l->l_max) {
		l->l_max = l->l_max == 0 ? 8 : 2 * l->l_max;
		v = arena_alloc(l->l_max * sizeof(*v));
		if (l->l_n != 0)
			memcpy(v, l->l_v, l->l_n * sizeof(*v));
		l->l_v = v;
	}
	l->l_v[l->l_n++] = s;
	l->l_v[l->l_n] = NULL;
}

/* The word that ends a document, without its quotes. */
static void
document(struct redir *r)
{
	char *from, *to;

	for (from = to = r->r_word; *from != '\0'; from++) {
		if (*from == '\'' || *from == '"' || *from == '\\') {
			r->r_literal = 1;
			if (*from != '\\' || *++from == '\0')
				continue;
		}
		*to++ = *from;
	}
	*to = '\0';
}

static void
redir(struct redir ***tailp)
{
	static const struct {
		char		op[4];
		enum redir_type	type;
	} ops[] = {
		{ "<", R_IN }, { ">", R_OUT }, { ">|", R_OUT },
		{ ">>", R_APPEND }, { "<>", R_RDWR }, { "<&", R_DUP },
		{ ">&", R_DUP }, { "<<", R_HERE }, { "<<-", R_HERE }
	};
	struct redir *r = arena_alloc(sizeof(*r)), **d;
	size_t i;

	memset(r, 0, sizeof(*r));
	r->r_fd = src->s_num;
	for (i = 0; strcmp(ops[i].op, src->s_word) != 0; i++)
		continue;
	r->r_type = ops[i].type;
	r->r_tabs = ops[i].op[2] == '-';
	take();
	/* The line may end right behind the word, so it must be known. */
	if (peek() != T_WORD)
		unexpected();
	r->r_word = src->s_word;
	if (r->r_type == R_HERE) {
		document(r);
		for (d = &src->s_docs; *d != NULL; d = &(*d)->r_nextdoc)
			continue;
		*d = r;
	}
	take();
	**tailp = r;
	*tailp = &r->r_next;
}

static struct node *
redirs(struct node *n)
{
	struct redir **tail;

	for (tail = &n->n_redir; *tail != NULL; tail = &(*tail)->r_next)
		continue;
	while (peek() == T_REDIR)
		redir(&tail);
	return (n);
}

static struct node *
body(void)
{
	struct node *n;

	if ((n = list(1)) == NULL)
		unexpected();
	return (n);
}

static struct node *
function(const char *name)
{
	struct node *n;
	const char *end = name_end(name);

	if (end == name || *end != '\0')
		unexpected();
	take();
	if (peek() != T_RP)
		unexpected();
	take();
	skip_newlines();
	n = node(N_FUNC, command(), NULL);
	n->n_name = (char *)name;
	return (n);
}

static struct node *
simple(void)
{
	struct node *n = node(N_CMD, NULL, NULL);
	struct list words = { 0 }, assigns = { 0 };
	struct redir **tail = &n->n_redir;
	const char *end;

	for (;;)
		switch (peek()) {
		case T_REDIR:
			redir(&tail);
			break;
		case T_WORD:
			end = name_end(src->s_word);
			if (words.l_n == 0 && end != src->s_word &&
			    *end == '=')
				list_add(&assigns, src->s_word);
			else
				list_add(&words, src->s_word);
			take();
			if (words.l_n == 1 && assigns.l_n == 0 &&
			    peek() == T_LP)
				return (function(words.l_v[0]));
			break;
		default:
			if (words.l_n == 0 && assigns.l_n == 0 &&
			    n->n_redir == NULL)
				unexpected();
			n->n_words = words.l_v;
			n->n_assign = assigns.l_v;
			return (n);
		}
}

/* Behind "if" or "elif". */
static struct node *
if_clause(void)
{
	struct node *n = node(N_IF, body(), NULL);

	expect("then");
	n->n_b = body();
	if (at_word("elif")) {
		take();
		n->n_c = if_clause();
		return (n);
	}
	if (at_word("else")) {
		take();
		n->n_c = body();
	}
	expect("fi");
	return (n);
}

static struct node *
do_group(void)
{
	struct node *n;

	expect("do");
	n = body();
	expect("done");
	return (n);
}

static struct node *
loop(enum node_type type)
{
	struct node *n = node(type, body(), NULL);

	n->n_b = do_group();
	return (n);
}

static struct node *
for_clause(void)
{
	struct node *n = node(N_FOR, NULL, NULL);
	struct list words = { 0 };
	const char *end;

	n->n_name = take_word();
	end = name_end(n->n_name);
	if (end == n->n_name || *end != '\0')
		syntax("bad name in for: `%s'", n->n_name);
	skip_newlines();
	if (at_word("in")) {
		take();
		/* An empty list is not the same as none. */
		words.l_v = arena_alloc(8 * sizeof(char *));
		words.l_v[0] = NULL;
		words.l_max = 8;
		while (peek() == T_WORD)
			list_add(&words, take_word());
		n->n_words = words.l_v;
		if (peek() != T_SEMI && peek() != T_NL)
			unexpected();
	}
	if (peek() == T_SEMI)
		take();
	skip_newlines();
	n->n_b = do_group();
	return (n);
}

static struct node *
case_item(void)
{
	struct node *n = node(N_CASE, NULL, NULL);
	struct list words = { 0 };

	if (peek() == T_LP)
		take();
	for (;;) {
		list_add(&words, take_word());
		if (peek() != T_PIPE)
			break;
		take();
	}
	if (peek() != T_RP)
		unexpected();
	take();
	n->n_words = words.l_v;
	n->n_a = list(1);
	return (n);
}

static struct node *
case_clause(void)
{
	struct node *n = node(N_CASE, NULL, NULL), **tail = &n->n_next;

	n->n_name = take_word();
	skip_newlines();
	expect("in");
	for (skip_newlines(); !at_word("esac"); skip_newlines()) {
		*tail = case_item();
		tail = &(*tail)->n_next;
		if (peek() == T_DSEMI)
			take();
		else if (!at_word("esac"))
			unexpected();
	}
	take();
	return (n);
}

static struct node *
group(void)
{
	struct node *n = node(N_GROUP, body(), NULL);

	expect("}");
	return (n);
}

static struct node *
command(void)
{
	struct node *n;

	if (peek() == T_LP) {
		take();
		n = node(N_SUBSHELL, body(), NULL);
		if (peek() != T_RP)
			unexpected();
		take();
		return (redirs(n));
	}
	if (at_word("if")) {
		take();
		n = if_clause();
	} else if (at_word("while")) {
		take();
		n = loop(N_WHILE);
	} else if (at_word("until")) {
		take();
		n = loop(N_UNTIL);
	} else if (at_word("for")) {
		take();
		n = for_clause();
	} else if (at_word("case")) {
		take();
		n = case_clause();
	} else if (at_word("{")) {
		take();
		n = group();
	} else
		return (simple());
	return (redirs(n));
}

/* Words that end a list where a command could stand. */
static int
closing(void)
{
	static const char words[][5] = {
		"then", "else", "elif", "fi", "do", "done", "esac", "}"
	};
	size_t i;

	for (i = 0; i < nitems(words); i++)
		if (strcmp(src->s_word, words[i]) == 0)
			return (1);
	return (0);
}

static struct node *
pipeline(void)
{
	struct node *n, **tail;
	int not = 0;

	while (at_word("!")) {
		take();
		not = !not;
	}
	if (peek() == T_WORD && closing())
		unexpected();
	n = command();
	if (peek() == T_PIPE) {
		n = node(N_PIPE, n, NULL);
		for (tail = &n->n_a->n_next; peek() == T_PIPE;
		    tail = &(*tail)->n_next) {
			take();
			skip_newlines();
			if (peek() == T_WORD && closing())
				unexpected();
			*tail = command();
		}
	}
	return (not ? node(N_NOT, n, NULL) : n);
}

static struct node *
and_or(void)
{
	struct node *n = pipeline();
	int t;

	while ((t = peek()) == T_AND || t == T_OR) {
		take();
		skip_newlines();
		n = node(t == T_AND ? N_AND : N_OR, n, pipeline());
	}
	return (n);
}

/*
 * Commands up to something that cannot begin one, which is left to be
 * judged by the caller.  A list that is not of several lines ends at the
 * first newline.
 */
static struct node *
list(int lines)
{
	struct node *n = NULL, **tail = &n, *m;
	int t;

	for (;;) {
		if (lines)
			skip_newlines();
		t = peek();
		if (t == T_EOF || t == T_RP || t == T_DSEMI || t == T_NL ||
		    (t == T_WORD && closing()))
			break;
		m = and_or();
		t = peek();
		if (t == T_AMP)
			m = node(N_BG, m, NULL);
		if (*tail == NULL)
			*tail = m;
		else {
			*tail = node(N_SEQ, *tail, m);
			tail = &(*tail)->n_b;
		}
		if (t == T_AMP || t == T_SEMI)
			take();
		else if (t != T_NL || !lines)
			break;
	}
	return (n);
}

/* One line, or as many as its commands need; NULL if it is empty. */
struct node *
parse_command(int *eof)
{
	struct node *n = NULL;

	if (peek() == T_EOF) {
		*eof = 1;
		return (NULL);
	}
	if (peek() != T_NL)
		n = list(0);
	if (peek() == T_NL)
		take();
	else if (peek() != T_EOF)
		unexpected();
	return (n);
}
