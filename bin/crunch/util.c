/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

const char	*progname = "crunch";
char		 iobuf[IOBUFSZ];

int		 opt_ind = 1;
char		*opt_arg;
static const char *opt_pos;

/*
 * Formatting.  A sink with a file descriptor is flushed when it is full, one
 * without drops what does not fit but goes on counting.
 */
struct sink {
	char	*s_buf;
	size_t	 s_size, s_len;
	size_t	 s_total;
	int	 s_fd;
	int	 s_errno;
};

static char		outbuf[4096];
static struct sink	out = {
	.s_buf = outbuf, .s_size = sizeof(outbuf), .s_fd = STDOUT_FILENO
};

static void
sink_flush(struct sink *s)
{
	if (s->s_len != 0 && full_write(s->s_fd, s->s_buf, s->s_len) == -1)
		s->s_errno = errno;
	s->s_len = 0;
}

static void
sink_put(struct sink *s, const char *p, size_t n)
{
	size_t chunk;

	s->s_total += n;
	while (n != 0) {
		if (s->s_len == s->s_size) {
			if (s->s_fd == -1)
				return;
			sink_flush(s);
		}
		chunk = s->s_size - s->s_len;
		if (chunk > n)
			chunk = n;
		memcpy(s->s_buf + s->s_len, p, chunk);
		s->s_len += chunk;
		p += chunk;
		n -= chunk;
	}
}

static void
sink_pad(struct sink *s, int c, int n)
{
	char ch = c;

	while (n-- > 0)
		sink_put(s, &ch, 1);
}

/* The digits of n, written downwards from end; returns where they begin. */
static char *
digits(char *end, unsigned long long n, unsigned int base)
{
	do {
		*--end = "0123456789abcdef"[n % base];
		n /= base;
	} while (n != 0);
	return (end);
}

static unsigned long long
fetch(va_list *ap, int size, int sign)
{
	long long v;

	if (size == 0)
		return (sign ? (unsigned long long)va_arg(*ap, int) :
		    va_arg(*ap, unsigned int));
	v = size == 1 ? va_arg(*ap, long) : va_arg(*ap, long long);
	return ((unsigned long long)v);
}

static void
sink_fmt(struct sink *s, const char *fmt, va_list ap0)
{
	va_list ap;
	const char *p, *str;
	char buf[24], sign;
	unsigned long long n;
	int left, zero, width, prec, size, len;

	va_copy(ap, ap0);
	for (; *fmt != '\0'; fmt++) {
		for (p = fmt; *p != '\0' && *p != '%'; p++)
			continue;
		sink_put(s, fmt, p - fmt);
		if (*(fmt = p) == '\0')
			break;
		left = zero = width = size = 0;
		prec = -1;
		sign = 0;
		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			if (*fmt == '-')
				left = 1;
			else
				zero = 1;
		}
		if (*fmt == '*') {
			width = va_arg(ap, int);
			fmt++;
		} else
			for (; *fmt >= '0' && *fmt <= '9'; fmt++)
				width = width * 10 + *fmt - '0';
		if (*fmt == '.' && *++fmt == '*') {
			prec = va_arg(ap, int);
			fmt++;
		} else if (fmt[-1] == '.')
			for (prec = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
				prec = prec * 10 + *fmt - '0';
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			size++;
		switch (*fmt) {
		case 's':
			if ((str = va_arg(ap, const char *)) == NULL)
				str = "(null)";
			for (len = 0; len != prec && str[len] != '\0'; len++)
				continue;
			break;
		case 'c':
			buf[0] = va_arg(ap, int);
			str = buf;
			len = 1;
			break;
		case '%':
			str = "%";
			len = 1;
			break;
		default:
			n = fetch(&ap, size, *fmt == 'd');
			if (*fmt == 'd' && (long long)n < 0) {
				sign = '-';
				n = -n;
			}
			str = digits(buf + sizeof(buf), n, *fmt == 'x' ? 16 :
			    *fmt == 'o' ? 8 : 10);
			len = buf + sizeof(buf) - str;
			break;
		}
		width -= len + (sign != 0);
		if (!left && !zero)
			sink_pad(s, ' ', width);
		if (sign != 0)
			sink_put(s, &sign, 1);
		if (!left && zero)
			sink_pad(s, '0', width);
		sink_put(s, str, len);
		if (left)
			sink_pad(s, ' ', width);
	}
	va_end(ap);
}

void
voutf(const char *fmt, va_list ap)
{
	sink_fmt(&out, fmt, ap);
}

void
outf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	voutf(fmt, ap);
	va_end(ap);
}

void
out_ch(int c)
{
	char ch = c;

	sink_put(&out, &ch, 1);
}

void
out_mem(const char *p, size_t n)
{
	sink_put(&out, p, n);
}

void
out_str(const char *p)
{
	sink_put(&out, p, strlen(p));
}

int
out_flush(void)
{
	sink_flush(&out);
	if (out.s_errno != 0) {
		errno = out.s_errno;
		out.s_errno = 0;
		return (-1);
	}
	return (0);
}

void
out_to(int fd)
{
	sink_flush(&out);
	out.s_fd = fd;
}

size_t
vsnfmt(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { .s_buf = buf, .s_size = size - 1, .s_fd = -1 };

	sink_fmt(&s, fmt, ap);
	buf[s.s_len] = '\0';
	return (s.s_total);
}

size_t
snfmt(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vsnfmt(buf, size, fmt, ap);
	va_end(ap);
	return (n);
}

/*
 * What was printed before a message should also appear before it, so the
 * output is flushed first.
 */
static void
message(const char *fmt, va_list ap, int plain, int error)
{
	char buf[512];
	struct sink s = {
		.s_buf = buf, .s_size = sizeof(buf), .s_fd = STDERR_FILENO
	};

	sink_flush(&out);
	if (!plain) {
		sink_put(&s, progname, strlen(progname));
		sink_put(&s, ": ", 2);
	}
	sink_fmt(&s, fmt, ap);
	if (error != 0) {
		sink_put(&s, ": ", 2);
		sink_put(&s, errstr(error), strlen(errstr(error)));
	}
	if (!plain)
		sink_put(&s, "\n", 1);
	sink_flush(&s);
}

void
errf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap, 1, 0);
	va_end(ap);
}

void
warn(const char *fmt, ...)
{
	va_list ap;
	int error = errno;

	va_start(ap, fmt);
	message(fmt, ap, 0, error);
	va_end(ap);
}

void
warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap, 0, 0);
	va_end(ap);
}

void
err(int status, const char *fmt, ...)
{
	va_list ap;
	int error = errno;

	va_start(ap, fmt);
	message(fmt, ap, 0, error);
	va_end(ap);
	die(status);
}

void
errx(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap, 0, 0);
	va_end(ap);
	die(status);
}

void
usage(const char *synopsis)
{
	errf("usage: %s %s\n", progname, synopsis);
	die(1);
}

/*
 * exit(3) would run through the C library's own list of things to do, of
 * which there are none here.
 */
void
die(int status)
{
	if (out_flush() == -1 && status == 0) {
		status = 1;
		warn("write");
	}
	_exit(status);
}

const char *
errstr(int error)
{
	const char *s;

	return ((s = strerrordesc_np(error)) != NULL ? s : "Unknown error");
}

void
opt_reset(void)
{
	opt_ind = 1;
	opt_pos = NULL;
}

int
opt_get(int argc, char **argv, const char *spec)
{
	const char *p;
	int c;

	if (opt_pos == NULL || *opt_pos == '\0') {
		if (opt_ind >= argc || argv[opt_ind][0] != '-' ||
		    argv[opt_ind][1] == '\0')
			return (-1);
		opt_pos = argv[opt_ind++] + 1;
		if (opt_pos[0] == '-' && opt_pos[1] == '\0')
			return (-1);
	}
	c = *opt_pos++;
	if (c == ':' || (p = strchr(spec, c)) == NULL) {
		warnx("unknown option -- %c", c);
		return ('?');
	}
	if (p[1] != ':')
		return (c);
	if (*opt_pos != '\0')
		opt_arg = (char *)opt_pos;
	else if (opt_ind < argc)
		opt_arg = argv[opt_ind++];
	else {
		warnx("option requires an argument -- %c", c);
		return ('?');
	}
	opt_pos = NULL;
	return (c);
}

/*
 * As many digits as there are; base 0 means that 0x and 0 tell.  Returns
 * what follows, or NULL if there was no digit or the number is above max.
 */
static const char *
num_scan(const char *s, unsigned int base, unsigned long long max,
    unsigned long long *np)
{
	const char *start;
	unsigned long long n = 0;
	unsigned int d;

	if (base == 0) {
		base = 10;
		if (s[0] == '0' && (s[1] | 0x20) == 'x') {
			base = 16;
			s += 2;
		} else if (s[0] == '0')
			base = 8;
	}
	for (start = s; ; s++) {
		if (*s >= '0' && *s <= '9')
			d = *s - '0';
		else if ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f')
			d = (*s | 0x20) - 'a' + 10;
		else
			break;
		if (d >= base)
			break;
		if (n > (max - d) / base || d > max)
			return (NULL);
		n = n * base + d;
	}
	*np = n;
	return (s == start ? NULL : s);
}

int
num_parse(const char *s, unsigned int base, unsigned long long max,
    unsigned long long *np)
{
	return ((s = num_scan(s, base, max, np)) == NULL || *s != '\0' ?
	    -1 : 0);
}

int
num_size(const char *s, unsigned long long *np)
{
	static const struct {
		char	c;
		char	shift;
	} units[] = {
		{ 'b', 9 }, { 'k', 10 }, { 'm', 20 }, { 'g', 30 }, { 't', 40 }
	};
	unsigned long long n, total = 1;
	size_t i;
	int hex, shift;

	for (;; s++) {
		/* 0x before a number is hexadecimal, behind it multiplies. */
		hex = s[0] == '0' && (s[1] | 0x20) == 'x';
		s = num_scan(s + 2 * hex, hex ? 16 : 10,
		    0x7fffffffffffffffULL, &n);
		if (s == NULL)
			return (-1);
		shift = 0;
		for (i = 0; i < nitems(units); i++)
			if ((*s | 0x20) == units[i].c) {
				shift = units[i].shift;
				s++;
				break;
			}
		if (n > 0x7fffffffffffffffULL >> shift)
			return (-1);
		n <<= shift;
		if (n != 0 && total > 0x7fffffffffffffffULL / n)
			return (-1);
		total *= n;
		if (*s == '\0')
			break;
		if (*s != 'x' && *s != '*')
			return (-1);
	}
	*np = total;
	return (0);
}

/*
 * fork(2) of a process without threads: the library's own would link in
 * locks and handlers.  Both words of flags and stack are where each
 * architecture has them, as all others are 0.
 */
pid_t
fork_plain(void)
{
	return (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

int
full_write(int fd, const void *buf, size_t n)
{
	const char *p = buf;
	ssize_t w;

	while (n != 0) {
		if ((w = write(fd, p, n)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		p += w;
		n -= w;
	}
	return (0);
}

ssize_t
file_read(const char *path, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;
	int error, fd;

	if ((fd = open(path, O_RDONLY)) == -1)
		return (-1);
	while (n < size - 1 && (r = read(fd, buf + n, size - 1 - n)) != 0) {
		if (r == -1) {
			error = errno;
			close(fd);
			errno = error;
			return (-1);
		}
		n += r;
	}
	close(fd);
	buf[n] = '\0';
	return (n);
}

/* Everything from fd to standard output; name is for the message. */
int
copy_out(int fd, const char *name, int outfd)
{
	ssize_t n;

	while ((n = read(fd, iobuf, IOBUFSZ)) != 0) {
		if (n == -1) {
			if (errno == EINTR)
				continue;
			warn("%s", name);
			return (1);
		}
		if (full_write(outfd, iobuf, n) == -1)
			err(1, "write");
	}
	return (0);
}

char *
file_lines(const char *path)
{
	return (file_read(path, iobuf, IOBUFSZ) == -1 ? NULL : iobuf);
}

char *
line_next(char **pp)
{
	char *line = *pp, *end;

	if (line == NULL || *line == '\0')
		return (NULL);
	end = line + strcspn(line, "\n");
	*pp = end + (*end != '\0');
	*end = '\0';
	return (line);
}

char *
word_next(char **pp)
{
	char *p = *pp, *word;

	while (*p == ' ' || *p == '\t')
		p++;
	word = p;
	p += strcspn(p, " \t");
	if (*p != '\0')
		*p++ = '\0';
	*pp = p;
	return (word);
}

void *
xmalloc(size_t n)
{
	void *p;

	if ((p = malloc(n)) == NULL)
		errx(2, "out of memory");
	return (p);
}

void *
xrealloc(void *p, size_t n)
{
	if ((p = realloc(p, n)) == NULL)
		errx(2, "out of memory");
	return (p);
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return (memcpy(xmalloc(n), s, n));
}

/* Shell's sort: small, and quick enough for the names of a directory. */
void
sort_strs(char **v, size_t n, strcmp_fn cmp)
{
	size_t gap, i, j;
	char *t;

	for (gap = 1; gap < n; gap = gap * 3 + 1)
		continue;
	while ((gap /= 3) != 0)
		for (i = gap; i < n; i++) {
			t = v[i];
			for (j = i; j >= gap && cmp(v[j - gap], t) > 0;
			    j -= gap)
				v[j] = v[j - gap];
			v[j] = t;
		}
}

char **
dir_names(const char *path, size_t *np)
{
	DIR *d;
	struct dirent *e;
	char **v;
	size_t n = 0, max = 32;
	int error;

	if ((d = opendir(path)) == NULL)
		return (NULL);
	v = xmalloc(max * sizeof(*v));
	while (errno = 0, (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (n + 1 == max)
			v = xrealloc(v, (max *= 2) * sizeof(*v));
		v[n++] = xstrdup(e->d_name);
	}
	error = errno;
	closedir(d);
	v[n] = NULL;
	if (error != 0) {
		dir_free(v);
		errno = error;
		return (NULL);
	}
	sort_strs(v, n, strcmp);
	*np = n;
	return (v);
}

void
dir_free(char **v)
{
	char **p;

	for (p = v; *p != NULL; p++)
		free(*p);
	free(v);
}

static const struct {
	char		name[8];
	unsigned char	num;
} signames[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
	{ "ILL", SIGILL }, { "TRAP", SIGTRAP }, { "ABRT", SIGABRT },
	{ "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL },
	{ "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM },
	{ "STKFLT", 16 }, { "CHLD", SIGCHLD }, { "CONT", SIGCONT },
	{ "STOP", SIGSTOP }, { "TSTP", SIGTSTP }, { "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU }, { "URG", SIGURG }, { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
	{ "WINCH", SIGWINCH }, { "IO", SIGIO }, { "PWR", SIGPWR },
	{ "SYS", SIGSYS }
};

const char *
sig_name(int sig)
{
	size_t i;

	for (i = 0; i < nitems(signames); i++)
		if (signames[i].num == sig)
			return (signames[i].name);
	return (NULL);
}

/* Letters compare without regard to case; the names have no others. */
static int
name_equal(const char *a, const char *b)
{
	for (; *a != '\0' && (*a | 0x20) == (*b | 0x20); a++, b++)
		continue;
	return (*a == *b);
}

int
sig_num(const char *s)
{
	unsigned long long n;
	size_t i;

	if (num_parse(s, 10, 64, &n) == 0)
		return (n);
	if ((s[0] | 0x20) == 's' && (s[1] | 0x20) == 'i' &&
	    (s[2] | 0x20) == 'g')
		s += 3;
	for (i = 0; i < nitems(signames); i++)
		if (name_equal(s, signames[i].name))
			return (signames[i].num);
	return (-1);
}

/*
 * Days are counted from 1 March of year 0, so that the day that comes and
 * goes is the last of its year.
 */
void
civil_time(long long t, struct civil *c)
{
	long long days, secs, era, doe, yoe, doy, mp;

	days = t / 86400;
	secs = t % 86400;
	if (secs < 0) {
		secs += 86400;
		days--;
	}
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c->c_day = doy - (153 * mp + 2) / 5 + 1;
	c->c_mon = mp < 10 ? mp + 3 : mp - 9;
	c->c_year = yoe + era * 400 + (c->c_mon <= 2);
	c->c_hour = secs / 3600;
	c->c_min = secs / 60 % 60;
}
