/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Characters for the parser.  Sources form a stack: a file that is read by
 * "." or a string that is evaluated lies on top of what it came from.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../crunch/util.h"
#include "sh.h"

#define BUFSZ	1024

struct source	*src;
static int	 prompt = 1;
sigjmp_buf	 sh_readjmp;
volatile int	 sh_reading;	/* sh_readjmp may be jumped to */

void
src_string(struct source *s, const char *str, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->s_str = str;
	s->s_len = len;
	s->s_fd = -1;
	s->s_line = 1;
	s->s_prev = src;
	src = s;
}

/*
 * A command that is run shares standard input with the shell and is to find
 * what follows its own line.  A terminal gives a line at a time; in a file
 * the shell goes back (src_sync); in a pipe it must not read ahead.
 */
void
src_fd(struct source *s, int fd)
{
	src_string(s, "", 0);
	s->s_buf = xmalloc(BUFSZ);
	s->s_str = s->s_buf;
	s->s_fd = fd;
	s->s_step = BUFSZ;
	if (fd == STDIN_FILENO && !sh_interactive &&
	    lseek(fd, 0, SEEK_CUR) == -1)
		s->s_step = 1;
}

void
src_pop(void)
{
	struct source *s = src;

	src = s->s_prev;
	free(s->s_buf);
	free(s->s_rec);
}

void
src_prompt(int which)
{
	prompt = which;
}

static void
print_prompt(void)
{
	const char *p;

	if ((p = var_get(prompt == 1 ? "PS1" : "PS2")) == NULL)
		p = prompt == 1 ? "# " : "> ";
	full_write(STDERR_FILENO, p, strlen(p));
	prompt = 2;
}

/*
 * An interrupt must end the wait for a line also if it comes just before the
 * wait begins, or takes away the line that was there: so it jumps out.
 */
static ssize_t
read_line(struct source *s)
{
	ssize_t n;

	print_prompt();
	if (sigsetjmp(sh_readjmp, 1) != 0) {
		errno = EINTR;
		return (-1);
	}
	sh_reading = 1;
	if (sh_interrupted) {
		errno = EINTR;
		n = -1;
	} else
		n = read(s->s_fd, s->s_buf, s->s_step);
	sh_reading = 0;
	return (n);
}

static ssize_t
read_input(struct source *s)
{
	if (sh_interactive && s->s_fd == STDIN_FILENO)
		return (read_line(s));
	return (read(s->s_fd, s->s_buf, s->s_step));
}

static int
refill(struct source *s)
{
	ssize_t n;

	if (s->s_buf == NULL || s->s_eof)
		return (-1);
	for (;;) {
		if ((n = read_input(s)) > 0)
			break;
		if (n == -1 && errno == EINTR) {
			if (sh_interrupted)
				sh_interrupt();
			continue;
		}
		s->s_eof = 1;
		return (-1);
	}
	s->s_pos = 0;
	s->s_len = n;
	return (0);
}

static void
record(struct source *s, int c)
{
	if (s->s_reclen == s->s_recmax) {
		s->s_recmax = s->s_recmax == 0 ? 112 : 2 * s->s_recmax;
		s->s_rec = xrealloc(s->s_rec, s->s_recmax);
	}
	s->s_rec[s->s_reclen++] = c;
}

/* The next character, or -1.  NUL characters are passed over. */
int
src_get(void)
{
	struct source *s = src;
	int c;

	do {
		if (s->s_pos == s->s_len && refill(s) == -1)
			return (-1);
		c = (unsigned char)s->s_str[s->s_pos++];
	} while (c == '\0');
	if (c == '\n')
		s->s_line++;
	if (s->s_recording)
		record(s, c);
	return (c);
}

/* Gives back the character that was just got. */
void
src_unget(int c)
{
	if (c == -1)
		return;
	src->s_pos--;
	if (c == '\n')
		src->s_line--;
	if (src->s_recording)
		src->s_reclen--;
}

/* Lets a command that reads standard input start behind the shell's own. */
void
src_sync(void)
{
	struct source *s;

	for (s = src; s != NULL; s = s->s_prev)
		if (s->s_fd == STDIN_FILENO && !sh_interactive &&
		    s->s_step != 1 && s->s_pos != s->s_len) {
			lseek(s->s_fd, -(off_t)(s->s_len - s->s_pos),
			    SEEK_CUR);
			s->s_pos = s->s_len = 0;
		}
}

/* Is there nothing more to come?  Only a string can tell. */
int
src_rest_blank(void)
{
	const char *p;

	if (src->s_buf != NULL)
		return (0);
	for (p = src->s_str + src->s_pos; p < src->s_str + src->s_len; p++)
		if (*p != ' ' && *p != '\t' && *p != '\n')
			return (0);
	return (1);
}

/* Recordings nest: each ends with the text since its own beginning. */
size_t
src_record(void)
{
	src->s_recording++;
	return (src->s_reclen);
}

char *
src_recorded(size_t start)
{
	char *s;

	s = arena_strn(src->s_rec + start, src->s_reclen - start);
	if (--src->s_recording == 0)
		src->s_reclen = 0;
	return (s);
}
