/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "pager.h"
#include "util.h"

#define ROWS	24		/* of a terminal that does not tell */

static const char	**lines;
static size_t		 nlines;

static void
find_lines(const char *text)
{
	const char *p;
	size_t size = 1;

	for (p = text; *p != '\0'; p++)
		size += *p == '\n';
	lines = xmalloc((size + 1) * sizeof(*lines));
	for (p = text, nlines = 0; *p != '\0'; p = strchr(p, '\n') + 1) {
		lines[nlines++] = p;
		if (strchr(p, '\n') == NULL)
			break;
	}
}

/* "c\bc" is bold, "_\bc" underlined. */
static void
show_line(const char *p, int fancy)
{
	int now = 0, want;

	for (; *p != '\0' && *p != '\n'; p++) {
		want = 0;
		if (p[1] == '\b' && p[2] != '\0') {
			want = *p == '_' ? 4 : 1;
			p += 2;
		} else if (*p == ' ' && now == 1)
			want = now;	/* between two bold words */
		if (fancy && want != now)
			outf("\033[%dm", want);
		now = want;
		out_ch(*p);
	}
	if (fancy && now != 0)
		out_str("\033[m");
	out_ch('\n');
}

static size_t
rows(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_row < 3)
		return (ROWS);
	return (ws.ws_row);
}

/* How far the key takes us from there; 0: away. */
static size_t
next_top(int key, size_t top, size_t page)
{
	size_t last = nlines > page ? nlines - page : 0;

	switch (key) {
	case 'b':
		return (top > page ? top - page : 0);
	case 'k':
		return (top > 0 ? top - 1 : 0);
	case 'g':
		return (0);
	case 'G':
		return (last);
	case '\n':
	case '\r':
	case 'j':
		return (top + 1);
	default:
		return (top + page);
	}
}

static int
get_key(int fd)
{
	unsigned char c;

	return (read(fd, &c, 1) == 1 ? c : 'q');
}

/* From what was shown before, below it if we go forward by less than all. */
static size_t
show_from(size_t top, size_t shown, size_t page)
{
	size_t i = shown > top && shown < top + page ? shown : top;

	for (; i < top + page && i < nlines; i++)
		show_line(lines[i], 1);
	return (i);
}

static void
browse(int fd)
{
	size_t top = 0, shown = 0, page = rows() - 1, new;
	int key;

	for (;;) {
		shown = show_from(top, shown, page);
		if (shown >= nlines && top + page >= nlines)
			return;
		out_str("\033[7m--more--\033[m");
		(void)out_flush();
		key = get_key(fd);
		out_str("\r\033[K");
		if (key == 'q' || key == '\003' || key == '\004')
			return;
		page = rows() - 1;
		new = next_top(key, top, page);
		if (new < top)
			shown = 0;
		top = new;
	}
}

void
page_text(const char *text)
{
	struct termios tio, raw;
	size_t i;
	int fd;

	find_lines(text);
	fd = isatty(STDOUT_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
	if (fd == -1 || nlines < rows() || tcgetattr(fd, &tio) == -1) {
		for (i = 0; i < nlines; i++)
			show_line(lines[i], fd != -1);
	} else {
		raw = tio;
		raw.c_lflag &= ~(ICANON | ECHO | ISIG);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		(void)tcsetattr(fd, TCSANOW, &raw);
		browse(fd);
		(void)out_flush();
		(void)tcsetattr(fd, TCSANOW, &tio);
	}
	if (fd != -1)
		close(fd);
	free(lines);
}
