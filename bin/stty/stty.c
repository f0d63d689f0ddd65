/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <fcntl.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

#define USAGE	"[-a] [-f file] [argument ...]"

static struct termios	tio;
static struct winsize	win;
static int		fd = STDIN_FILENO;
static int		tio_set, win_set;

enum group { IFLAG, OFLAG, CFLAG, LFLAG };

static const struct mode {
	char		 m_name[9];
	unsigned char	 m_group;
	unsigned char	 m_sane;	/* is it on after "sane" */
	tcflag_t	 m_bit;
} modes[] = {
	{ "icanon", LFLAG, 1, ICANON },	{ "isig", LFLAG, 1, ISIG },
	{ "iexten", LFLAG, 1, IEXTEN },	{ "echo", LFLAG, 1, ECHO },
	{ "echoe", LFLAG, 1, ECHOE },	{ "echok", LFLAG, 1, ECHOK },
	{ "echoke", LFLAG, 1, ECHOKE },	{ "echonl", LFLAG, 0, ECHONL },
	{ "echoctl", LFLAG, 1, ECHOCTL }, { "noflsh", LFLAG, 0, NOFLSH },
	{ "tostop", LFLAG, 0, TOSTOP },
	{ "ignbrk", IFLAG, 0, IGNBRK },	{ "brkint", IFLAG, 1, BRKINT },
	{ "ignpar", IFLAG, 0, IGNPAR },	{ "parmrk", IFLAG, 0, PARMRK },
	{ "inpck", IFLAG, 0, INPCK },	{ "istrip", IFLAG, 0, ISTRIP },
	{ "inlcr", IFLAG, 0, INLCR },	{ "igncr", IFLAG, 0, IGNCR },
	{ "icrnl", IFLAG, 1, ICRNL },	{ "ixon", IFLAG, 1, IXON },
	{ "ixoff", IFLAG, 0, IXOFF },	{ "ixany", IFLAG, 0, IXANY },
	{ "imaxbel", IFLAG, 1, IMAXBEL },
	{ "opost", OFLAG, 1, OPOST },	{ "onlcr", OFLAG, 1, ONLCR },
	{ "ocrnl", OFLAG, 0, OCRNL },	{ "onocr", OFLAG, 0, ONOCR },
	{ "onlret", OFLAG, 0, ONLRET },
	{ "cread", CFLAG, 1, CREAD },	{ "cstopb", CFLAG, 0, CSTOPB },
	{ "parenb", CFLAG, 0, PARENB },	{ "parodd", CFLAG, 0, PARODD },
	{ "hupcl", CFLAG, 1, HUPCL },	{ "clocal", CFLAG, 0, CLOCAL },
	{ "crtscts", CFLAG, 0, CRTSCTS },
};

static const struct cc {
	char		c_name[8];
	unsigned char	c_index;
	unsigned char	c_sane;
} ccs[] = {
	{ "intr", VINTR, 'C' & 037 },	{ "quit", VQUIT, '\\' & 037 },
	{ "erase", VERASE, 0177 },	{ "kill", VKILL, 'U' & 037 },
	{ "eof", VEOF, 'D' & 037 },	{ "eol", VEOL, 0 },
	{ "start", VSTART, 'Q' & 037 },	{ "stop", VSTOP, 'S' & 037 },
	{ "susp", VSUSP, 'Z' & 037 },	{ "werase", VWERASE, 'W' & 037 },
	{ "lnext", VLNEXT, 'V' & 037 },	{ "reprint", VREPRINT, 'R' & 037 },
};

static const struct {
	unsigned int	baud;
	speed_t		code;
} speeds[] = {
	{ 0, B0 }, { 50, B50 }, { 75, B75 }, { 110, B110 }, { 134, B134 },
	{ 150, B150 }, { 200, B200 }, { 300, B300 }, { 600, B600 },
	{ 1200, B1200 }, { 1800, B1800 }, { 2400, B2400 }, { 4800, B4800 },
	{ 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 },
	{ 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
	{ 460800, B460800 }, { 921600, B921600 }, { 1000000, B1000000 },
	{ 1500000, B1500000 }, { 2000000, B2000000 }, { 3000000, B3000000 },
	{ 4000000, B4000000 }
};

static tcflag_t *
flags(int group)
{
	switch (group) {
	case IFLAG:
		return (&tio.c_iflag);
	case OFLAG:
		return (&tio.c_oflag);
	case CFLAG:
		return (&tio.c_cflag);
	default:
		return (&tio.c_lflag);
	}
}

static void
mode_set(const struct mode *m, int on)
{
	if (on)
		*flags(m->m_group) |= m->m_bit;
	else
		*flags(m->m_group) &= ~m->m_bit;
}

static unsigned int
baud(void)
{
	speed_t code = cfgetospeed(&tio);
	size_t i;

	for (i = 0; i < nitems(speeds); i++)
		if (speeds[i].code == code)
			return (speeds[i].baud);
	return (0);
}

static void
print_modes(int group, const char *title, int all)
{
	const struct mode *m;
	int any = 0, on;

	for (m = modes; m < modes + nitems(modes); m++) {
		if (m->m_group != group)
			continue;
		on = (*flags(group) & m->m_bit) != 0;
		if (!all && on == m->m_sane)
			continue;
		outf("%s%s%s", any++ ? " " : title, on ? "" : "-", m->m_name);
	}
	if (group == CFLAG && (all || (tio.c_cflag & CSIZE) != CS8)) {
		static const char size[] = "5678";

		outf("%scs%c", any++ ? " " : title,
		    size[(tio.c_cflag & CSIZE) / CS6 & 3]);
	}
	if (any)
		out_ch('\n');
}

static void
print_char(int c)
{
	if (c == _POSIX_VDISABLE)
		out_str("<undef>");
	else if (c < ' ' || c == 0177)
		outf("^%c", c ^ 0100);
	else
		outf("%c", c);
}

static void
print_chars(int all)
{
	const struct cc *c;
	int any = 0;

	for (c = ccs; c < ccs + nitems(ccs); c++) {
		if (!all && tio.c_cc[c->c_index] == c->c_sane)
			continue;
		outf("%s%s = ", any++ ? "; " : "cchars: ", c->c_name);
		print_char(tio.c_cc[c->c_index]);
	}
	if (all || !(tio.c_lflag & ICANON))
		outf("%smin = %d; time = %d", any++ ? "; " : "cchars: ",
		    tio.c_cc[VMIN], tio.c_cc[VTIME]);
	if (any)
		out_str(";\n");
}

/* All, or what differs from "sane". */
static void
print(int all)
{
	outf("speed %u baud;", baud());
	if (all)
		outf(" %d rows; %d columns;", win.ws_row, win.ws_col);
	out_ch('\n');
	print_modes(LFLAG, "lflags: ", all);
	print_modes(IFLAG, "iflags: ", all);
	print_modes(OFLAG, "oflags: ", all);
	print_modes(CFLAG, "cflags: ", all);
	print_chars(all);
}

static void
sane(void)
{
	const struct mode *m;
	const struct cc *c;

	for (m = modes; m < modes + nitems(modes); m++)
		mode_set(m, m->m_sane);
	tio.c_cflag = (tio.c_cflag & ~CSIZE) | CS8;
	for (c = ccs; c < ccs + nitems(ccs); c++)
		tio.c_cc[c->c_index] = c->c_sane;
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
}

static void
raw(void)
{
	tio.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR |
	    ICRNL | IXON);
	tio.c_oflag &= ~OPOST;
	tio.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	tio.c_cflag = (tio.c_cflag & ~(CSIZE | PARENB)) | CS8;
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
}

static void
cooked(void)
{
	tio.c_iflag |= BRKINT | ICRNL | IXON;
	tio.c_oflag |= OPOST;
	tio.c_lflag |= ICANON | ISIG | IEXTEN | ECHO;
	tio.c_cc[VEOF] = 'D' & 037;	/* shares its place with min */
	tio.c_cc[VEOL] = 0;
}

/* One word that stands alone; 0 if it is not known. */
static int
word(const char *s)
{
	const struct mode *m;
	unsigned long long n;
	size_t i;
	int off = *s == '-';

	if (strcmp(s, "sane") == 0)
		sane();
	else if (strcmp(s, "raw") == 0)
		raw();
	else if (strcmp(s, "cooked") == 0 || strcmp(s, "-raw") == 0)
		cooked();
	else if (strlen(s) == 3 && s[0] == 'c' && s[1] == 's' &&
	    s[2] >= '5' && s[2] <= '8')
		tio.c_cflag = (tio.c_cflag & ~CSIZE) |
		    (tcflag_t)(s[2] - '5') * CS6;
	else {
		for (m = modes; m < modes + nitems(modes); m++)
			if (strcmp(s + off, m->m_name) == 0) {
				mode_set(m, !off);
				return (tio_set = 1);
			}
		if (num_parse(s, 10, UINT_MAX, &n) == -1)
			return (0);
		for (i = 0; i < nitems(speeds); i++)
			if (speeds[i].baud == n) {
				cfsetispeed(&tio, speeds[i].code);
				cfsetospeed(&tio, speeds[i].code);
				return (tio_set = 1);
			}
		return (0);
	}
	return (tio_set = 1);
}

static unsigned int
number(const char *name, const char *s, unsigned int max)
{
	unsigned long long n;

	if (num_parse(s, 10, max, &n) == -1)
		errx(1, "%s: illegal value: %s", name, s);
	return (n);
}

/* A word with a value behind it; 0 if it is not one of those. */
static int
pair(const char *name, const char *val)
{
	const struct cc *c;

	if (strcmp(name, "rows") == 0) {
		win.ws_row = number(name, val, USHRT_MAX);
		return (win_set = 1);
	}
	if (strcmp(name, "cols") == 0 || strcmp(name, "columns") == 0) {
		win.ws_col = number(name, val, USHRT_MAX);
		return (win_set = 1);
	}
	if (strcmp(name, "min") == 0) {
		tio.c_cc[VMIN] = number(name, val, UCHAR_MAX);
		return (tio_set = 1);
	}
	if (strcmp(name, "time") == 0) {
		tio.c_cc[VTIME] = number(name, val, UCHAR_MAX);
		return (tio_set = 1);
	}
	for (c = ccs; c < ccs + nitems(ccs); c++) {
		if (strcmp(name, c->c_name) != 0)
			continue;
		if (strcmp(val, "undef") == 0 || strcmp(val, "^-") == 0)
			tio.c_cc[c->c_index] = _POSIX_VDISABLE;
		else if (val[0] == '^' && val[1] != '\0' && val[2] == '\0')
			tio.c_cc[c->c_index] = val[1] == '?' ? 0177 :
			    val[1] & 037;
		else if (val[0] != '\0' && val[1] == '\0')
			tio.c_cc[c->c_index] = val[0];
		else
			errx(1, "%s: illegal value: %s", name, val);
		return (tio_set = 1);
	}
	return (0);
}

static void
arguments(char **v)
{
	for (; *v != NULL; v++) {
		if (strcmp(*v, "size") == 0)
			outf("%d %d\n", win.ws_row, win.ws_col);
		else if (strcmp(*v, "speed") == 0)
			outf("%u\n", baud());
		else if (word(*v))
			continue;
		else if (v[1] != NULL && pair(v[0], v[1]))
			v++;
		else {
			warnx("illegal argument -- %s", *v);
			usage(USAGE);
		}
	}
}

int
stty_main(int argc, char **argv)
{
	int i = 1, all = 0;

	/* By hand: an argument such as -echo is no option. */
	for (; i < argc; i++)
		if (strcmp(argv[i], "-a") == 0)
			all = 1;
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc) {
			if ((fd = open(argv[++i], O_RDONLY | O_NONBLOCK)) ==
			    -1)
				err(1, "%s", argv[i]);
		} else
			break;
	if (tcgetattr(fd, &tio) == -1)
		err(1, "tcgetattr");
	if (ioctl(fd, TIOCGWINSZ, &win) == -1)
		memset(&win, 0, sizeof(win));
	if (all || i == argc)
		print(all);
	arguments(argv + i);
	if (tio_set && tcsetattr(fd, TCSADRAIN, &tio) == -1)
		err(1, "tcsetattr");
	if (win_set && ioctl(fd, TIOCSWINSZ, &win) == -1)
		err(1, "TIOCSWINSZ");
	return (0);
}
