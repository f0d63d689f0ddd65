/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * sh(1).  A command goes through these files in this order:
 *
 *	input.c		characters, from a string or a descriptor
 *	parse.c		characters to a tree of nodes; words stay as written
 *	expand.c	words to arguments: parameters, commands, patterns
 *	exec.c		runs a tree
 *	builtin.c	commands of the shell itself; test.c is one of them
 *	var.c		variables
 *
 * Trees and expanded words live in an arena.  Whoever runs something takes
 * a mark before and releases it after, so a loop does not grow.
 */

#ifndef SH_H
#define SH_H

#include <setjmp.h>
#include <stddef.h>
#include <sys/types.h>

/* Where commands come from, and the state of the parser on it. */
struct source {
	struct source	*s_prev;
	const char	*s_str;		/* the text, or what was read */
	size_t		 s_pos, s_len;
	char		*s_buf;		/* NULL: all there is is s_str */
	int		 s_fd;
	int		 s_step;	/* how much a read may take */
	int		 s_eof;
	int		 s_line;
	int		 s_tok;		/* a token looked at, not taken; or 0 */
	int		 s_num;		/* its descriptor, for a redirection */
	char		*s_word;	/* its text */
	struct redir	*s_docs;	/* those documents */
	char		*s_rec;		/* characters taken while recording */
	size_t		 s_reclen, s_recmax;
	int		 s_recording;
};

enum redir_type { R_IN, R_OUT, R_APPEND, R_RDWR, R_DUP, R_HERE };

struct redir {
	struct redir	*r_next;
	struct redir	*r_nextdoc;
	enum redir_type	 r_type;
	int		 r_fd;
	int		 r_literal;	/* document whose end was quoted */
	int		 r_tabs;	/* document that drops leading tabs */
	char		*r_word;	/* its text, for a document */
};

enum node_type {
	N_CMD, N_PIPE, N_NOT, N_AND, N_OR, N_SEQ, N_BG, N_SUBSHELL, N_GROUP,
	N_IF, N_WHILE, N_UNTIL, N_FOR, N_CASE, N_FUNC
};

struct node {
	enum node_type	 n_type;
	struct node	*n_a, *n_b, *n_c;
	struct node	*n_next;	/* of a pipeline, of a case's items */
	struct redir	*n_redir;
	char		**n_assign;
	char		**n_words;	/* NULL in a for without "in" */
	char		*n_name;
};

struct mark {
	struct chunk	*m_chunk;
	size_t		 m_pos;
};

/* sh.c */
extern int	 sh_status;		/* $? */
extern int	 sh_interactive;
extern int	 sh_errexit, sh_trace, sh_nounset;
extern int	 sh_child;		/* forked: errors end it */
extern pid_t	 sh_lastbg;		/* $! */
extern char	*sh_arg0;
extern char	**sh_args;		/* $1 ... */
extern int	 sh_nargs;
extern volatile int sh_interrupted;
extern volatile int sh_reading;
extern sigjmp_buf sh_readjmp;
pid_t	 sh_pid(void);
void	*arena_alloc(size_t);
char	*arena_strn(const char *, size_t);
void	 arena_mark(struct mark *);
void	 arena_release(const struct mark *);
void	 arena_keep(void);
void	 sh_interrupt(void) __attribute__((__noreturn__));
void	 sh_fail(int, const char *, ...)
	    __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
int	 sh_loop(int);
int	 sh_file(const char *);
int	 sh_string(const char *, int);

/* input.c */
extern struct source *src;
void	 src_string(struct source *, const char *, size_t);
void	 src_fd(struct source *, int);
void	 src_pop(void);
int	 src_get(void);
void	 src_unget(int);
void	 src_sync(void);
int	 src_rest_blank(void);
void	 src_prompt(int);
size_t	 src_record(void);
char	*src_recorded(size_t);

/* parse.c */
struct node *parse_command(int *);
struct node *parse_substitution(const char *, const char **);
void	 lex_dollar(int);
void	 lex_backquote(void);
void	 syntax(const char *, ...)
	    __attribute__((__noreturn__, __format__(__printf__, 1, 2)));
int	 is_name(int, int);
const char *name_end(const char *);

/* expand.c */
struct list {
	char	**l_v;
	size_t	 l_n, l_max;
};
void	 list_add(struct list *, char *);
char	**expand_words(char **);
char	*expand_one(const char *);
char	*expand_pattern(const char *);
char	*expand_document(const char *);
int	 match(const char *, const char *);

/* exec.c */
#define EX_TAIL	1		/* nothing follows: need not return */
#define EX_TEST	2		/* the status is looked at: no set -e */
extern int	 sk_what, sk_count;	/* break, continue, return */
#define SK_BREAK	1
#define SK_CONTINUE	2
#define SK_RETURN	3
int	 run(struct node *, int);
pid_t	 sh_fork(void);
void	 substitution(struct node *, int);
int	 wait_pid(pid_t);
int	 wait_all(void);
void	 reap_background(void);
void	 jobs_init(void);
int	 wait_background(pid_t);
void	 redirections_undo(void);
int	 exec_try(char **);		/* returns the status if it failed */
void	 function_unset(const char *);
extern int	 fn_depth, loop_depth;
extern struct saved *fn_locals;		/* what "local" has to restore */

/* builtin.c */
struct builtin {
	const char	*b_name;
	int		(*b_main)(int, char **);
	int		 b_special;	/* assignments before it stay */
};
const struct builtin *builtin_find(const char *);
int	 test_main(int, char **);
int	 set_flag(int, int);		/* -1: no such option */

/* var.c */
void	 var_init(char **);
const char *var_get(const char *);
const char *var_getn(const char *, size_t);
void	 var_set(const char *, const char *);
void	 var_assign(const char *, int);
void	 var_unset(const char *);
void	 var_export(const char *);
void	 var_print_exports(void);
void	 var_print_all(void);
char	**var_environ(void);
struct saved;
struct saved *var_save(const char *, struct saved *);
void	 var_restore(struct saved *);

long long arith(const char *);

#endif /* SH_H */
