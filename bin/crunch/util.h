/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the programs of the root image share.  They do without stdio and
 * without the locale machinery, which would be most of the binary and most
 * of the time it takes to start.
 *
 * Standard output goes through out_*(); the dispatcher flushes it when a
 * program's main returns, die() flushes it when a program ends elsewhere.
 * Messages go to standard error, each in one write.
 */

#ifndef CRUNCH_UTIL_H
#define CRUNCH_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#define IOBUFSZ		65536
#define nitems(a)	(sizeof(a) / sizeof((a)[0]))
#define FMTLIKE(a, b)	__attribute__((__format__(__printf__, a, b)))
#define DEAD		__attribute__((__noreturn__))

extern const char	*progname;
extern char		 iobuf[IOBUFSZ];	/* scratch, for bulk copies */

/* Formats: %[-0][width|*][.precision|.*][l|ll|z]{c,d,o,s,u,x,%}. */
void	outf(const char *, ...) FMTLIKE(1, 2);
void	voutf(const char *, va_list);
void	out_ch(int);
void	out_mem(const char *, size_t);
void	out_str(const char *);
int	out_flush(void);		/* -1 and errno if a write failed */
void	out_to(int);			/* flush, then write to this one */
void	errf(const char *, ...) FMTLIKE(1, 2);
size_t	vsnfmt(char *, size_t, const char *, va_list);
size_t	snfmt(char *, size_t, const char *, ...) FMTLIKE(3, 4);

void	warn(const char *, ...) FMTLIKE(1, 2);	/* with the text of errno */
void	warnx(const char *, ...) FMTLIKE(1, 2);
void	err(int, const char *, ...) FMTLIKE(2, 3) DEAD;
void	errx(int, const char *, ...) FMTLIKE(2, 3) DEAD;
void	usage(const char *) DEAD;		/* exits with 1 */
void	die(int) DEAD;				/* flush and exit */
const char *errstr(int);

/* Options, in the manner of getopt(3). */
extern int	 opt_ind;
extern char	*opt_arg;
int	opt_get(int, char **, const char *);
void	opt_reset(void);

/* Numbers: 0, or -1 if the text is not wholly a number of that range. */
int	num_parse(const char *, unsigned int, unsigned long long,
	    unsigned long long *);
int	num_size(const char *, unsigned long long *);	/* 4k, 2x512 */

pid_t	fork_plain(void);
int	full_write(int, const void *, size_t);
ssize_t	file_read(const char *, char *, size_t);	/* NUL-terminates */
int	copy_out(int, const char *, int);

/*
 * A file of text, line by line and word by word, in iobuf.  file_lines: NULL
 * if it cannot be read.  line_next: NULL at the end.  word_next: "" if there
 * is none.
 */
char	*file_lines(const char *);
char	*line_next(char **);
char	*word_next(char **);

void	*xmalloc(size_t);
void	*xrealloc(void *, size_t);
char	*xstrdup(const char *);

typedef int (*strcmp_fn)(const char *, const char *);
void	sort_strs(char **, size_t, strcmp_fn);
char	**dir_names(const char *, size_t *);	/* sorted, without . and .. */
void	dir_free(char **);

const char *sig_name(int);		/* "INT", or NULL */
int	sig_num(const char *);		/* "INT", "SIGINT", "2"; or -1 */

struct civil {
	long	c_year;
	int	c_mon, c_day, c_hour, c_min;	/* months and days from 1 */
};
void	civil_time(long long, struct civil *);	/* UTC */

#endif /* CRUNCH_UTIL_H */
