/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the programs about the network share: see net.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "util.h"

/* --- addresses ------------------------------------------------------------------- */

static int
digit(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* Four numbers; what is behind them goes to *end.  NULL: there are not. */
static const char *
parse4(const char *s, uint8_t *b)
{
	unsigned int v;
	int i, n;

	for (i = 0; i < 4; i++) {
		for (v = n = 0; n < 4 && *s >= '0' && *s <= '9'; s++, n++)
			v = v * 10 + (*s - '0');
		if (n == 0 || n > 3 || v > 255 || (i < 3 && *s++ != '.'))
			return (NULL);
		b[i] = v;
	}
	return (s);
}

/* RFC 4291, 2.2 */
static const char *
parse6(const char *s, uint8_t *b)
{
	uint8_t words[16] = { 0 };
	int at = 0, gap = -1, v, n;
	const char *end;

	if (s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
	}
	while (at < 16 && digit(*s) >= 0) {
		if (at <= 12 && (end = parse4(s, words + at)) != NULL &&
		    digit(*end) < 0 && *end != ':') {
			at += 4;
			s = end;
			break;
		}
		for (v = n = 0; n < 4 && digit(*s) >= 0; s++, n++)
			v = v * 16 + digit(*s);
		words[at++] = v >> 8;
		words[at++] = v;
		if (*s != ':')
			break;
		if (s[1] == ':') {
			if (gap >= 0)
				return (NULL);
			gap = at;
			s += 2;
		} else if (digit(s[1]) >= 0)
			s++;
		else
			return (NULL);
	}
	if (gap < 0 ? at != 16 : at > 14)
		return (NULL);
	if (gap < 0)
		gap = at;
	memset(b, 0, 16);
	memcpy(b, words, gap);
	memcpy(b + 16 - (at - gap), words + gap, at - gap);
	return (s);
}

/* What is behind it; NULL: no address. */
static const char *
parse(const char *s, struct addr *a)
{
	const char *end;

	memset(a, 0, sizeof(*a));
	if ((end = parse4(s, a->a_bytes)) != NULL && *end != ':') {
		a->a_family = AF_INET;
		return (end);
	}
	if ((end = parse6(s, a->a_bytes)) != NULL)
		a->a_family = AF_INET6;
	return (end);
}

int
addr_parse(const char *s, struct addr *a)
{
	struct ifreq ifr;
	const char *end;
	int fd;

	if ((end = parse(s, a)) == NULL)
		return (-1);
	if (*end == '%' && a->a_family == AF_INET6) {
		fd = net_socket(AF_INET);
		if (net_ifreq(fd, SIOCGIFINDEX, end + 1, &ifr) == -1) {
			close(fd);
			return (-1);
		}
		close(fd);
		a->a_scope = ifr.ifr_ifindex;
		return (0);
	}
	return (*end == '\0' ? 0 : -1);
}

int
addr_parse_prefix(const char *s, struct addr *a, int *plen)
{
	unsigned long long v;
	const char *end;

	*plen = -1;
	if ((end = parse(s, a)) == NULL)
		return (-1);
	if (*end == '\0')
		return (0);
	if (*end != '/' || num_parse(end + 1, 10,
	    a->a_family == AF_INET ? 32 : 128, &v) == -1)
		return (-1);
	*plen = v;
	return (0);
}

static unsigned int
word(const uint8_t *b, int i)
{
	return (b[2 * i] << 8 | b[2 * i + 1]);
}

/* The longest run of zeros, of two words or more, is left out. */
static void
format6(const uint8_t *b, char *buf, size_t size)
{
	int i, n, best = -1, len = 1;
	size_t at = 0;

	for (i = 0; i < 8; i++) {
		for (n = 0; i + n < 8 && word(b, i + n) == 0; n++)
			continue;
		if (n > len) {
			best = i;
			len = n;
		}
	}
	buf[0] = '\0';
	for (i = 0; i < 8 && at < size; i++) {
		if (i == best) {
			at += snfmt(buf + at, size - at, "::");
			i += len - 1;
			continue;
		}
		at += snfmt(buf + at, size - at, "%s%x",
		    i > 0 && i != best + len ? ":" : "", word(b, i));
	}
}

char *
addr_format(const struct addr *a, char *buf, size_t size)
{
	const uint8_t *b = a->a_bytes;

	if (a->a_family == AF_INET)
		snfmt(buf, size, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else
		format6(b, buf, size);
	return (buf);
}

uint32_t
in4_host(const struct addr *a)
{
	return ((uint32_t)a->a_bytes[0] << 24 | a->a_bytes[1] << 16 |
	    a->a_bytes[2] << 8 | a->a_bytes[3]);
}

void
in4_set(struct addr *a, uint32_t v)
{
	memset(a, 0, sizeof(*a));
	a->a_family = AF_INET;
	a->a_bytes[0] = v >> 24;
	a->a_bytes[1] = v >> 16;
	a->a_bytes[2] = v >> 8;
	a->a_bytes[3] = v;
}

static uint16_t
net16(unsigned int v)
{
	uint8_t b[2] = { v >> 8, v };
	uint16_t w;

	memcpy(&w, b, 2);
	return (w);
}

socklen_t
addr_sockaddr(const struct addr *a, unsigned int port,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->a_family == AF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = net16(port);
		memcpy(&sin->sin_addr, a->a_bytes, 4);
		return (sizeof(*sin));
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = net16(port);
	memcpy(&sin6->sin6_addr, a->a_bytes, 16);
	sin6->sin6_scope_id = a->a_scope;
	return (sizeof(*sin6));
}

/* --- interfaces --------------------------------------------------------------------- */

int
net_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(1, "socket");
	return (fd);
}

int
net_ifreq(int fd, unsigned long cmd, const char *name, struct ifreq *ifr)
{
	if (strlen(name) >= sizeof(ifr->ifr_name)) {
		errno = ENODEV;
		return (-1);
	}
	memset(ifr->ifr_name, 0, sizeof(ifr->ifr_name));
	memcpy(ifr->ifr_name, name, strlen(name));
	return (ioctl(fd, cmd, ifr));
}

int
net_inet(int fd, unsigned long cmd, const char *name, struct addr *a)
{
	struct sockaddr_in sin;
	struct ifreq ifr;

	if (net_ifreq(fd, cmd, name, &ifr) == -1)
		return (-1);
	memcpy(&sin, &ifr.ifr_addr, sizeof(sin));
	memset(a, 0, sizeof(*a));
	a->a_family = AF_INET;
	memcpy(a->a_bytes, &sin.sin_addr, 4);
	return (0);
}

/* Below two lines of heading, before the colon. */
char **
net_names(size_t *np)
{
	char **names = NULL, *p, *end;
	size_t n = 0, line;

	if (file_read("/proc/net/dev", iobuf, IOBUFSZ) == -1)
		err(1, "/proc/net/dev");
	for (p = iobuf, line = 0; *p != '\0'; p = end + 1, line++) {
		if ((end = strchr(p, '\n')) == NULL)
			break;
		while (*p == ' ')
			p++;
		if (line < 2 || strchr(p, ':') == NULL)
			continue;
		*strchr(p, ':') = '\0';
		names = xrealloc(names, (n + 2) * sizeof(*names));
		names[n++] = xstrdup(p);
		names[n] = NULL;
	}
	*np = n;
	return (names);
}

int
net_counters(const char *name, unsigned long long *v)
{
	char *lines = file_lines("/proc/net/dev"), *line;
	size_t n = strlen(name), i;

	while ((line = line_next(&lines)) != NULL) {
		while (*line == ' ')
			line++;
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			break;
	}
	if (line == NULL)
		return (-1);
	for (line += n + 1, i = 0; i < NET_NCOUNTERS; i++) {
		if (num_parse(word_next(&line), 10, ~0ULL, &v[i]) == -1)
			v[i] = 0;
	}
	return (0);
}

static unsigned int
hex(const char *s, size_t n)
{
	unsigned long long v = 0;
	char buf[9];

	snfmt(buf, sizeof(buf), "%.*s", (int)n, s);
	(void)num_parse(buf, 16, ~0U, &v);
	return (v);
}

/* address index prefix scope flags name */
int
net_inet6(char **lines, const char *name, struct inet6_line *il)
{
	char *line, *digits;
	size_t i;

	while ((line = line_next(lines)) != NULL) {
		memset(il, 0, sizeof(*il));
		digits = word_next(&line);
		il->il_index = hex(word_next(&line), 8);
		il->il_plen = hex(word_next(&line), 8);
		(void)word_next(&line);
		il->il_flags = hex(word_next(&line), 8);
		if (strcmp(word_next(&line), name) != 0 ||
		    strlen(digits) != 32)
			continue;
		il->il_addr.a_family = AF_INET6;
		for (i = 0; i < 16; i++)
			il->il_addr.a_bytes[i] = hex(digits + 2 * i, 2);
		return (0);
	}
	return (-1);
}

uint64_t
net_msec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000);
}

int
net_wait(int fd, int msec)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return (poll(&p, 1, msec < 0 ? 0 : msec));
}

/* --- names --------------------------------------------------------------------------- */

#define DNS_PORT	53
#define DNS_TRIES	2
#define DNS_MSEC	3000
#define TYPE_A		1
#define TYPE_AAAA	28

/* The next line without its comment; NULL: there is none. */
static char *
conf_next(char **lines)
{
	char *line = line_next(lines);

	if (line != NULL)
		line[strcspn(line, "#")] = '\0';
	return (line);
}

static int
resolve_hosts(const char *name, int family, struct addr *a)
{
	char *lines = file_lines("/etc/hosts"), *line, *w;

	while ((line = conf_next(&lines)) != NULL) {
		if (addr_parse(word_next(&line), a) == -1 ||
		    (family != 0 && a->a_family != family))
			continue;
		while (*(w = word_next(&line)) != '\0') {
			if (strcmp(w, name) == 0)
				return (0);
		}
	}
	return (-1);
}

/* The nth server. */
static int
dns_server(int nth, struct addr *a)
{
	char *lines = file_lines("/etc/resolv.conf"), *line;

	while ((line = conf_next(&lines)) != NULL) {
		if (strcmp(word_next(&line), "nameserver") == 0 &&
		    addr_parse(word_next(&line), a) == 0 && nth-- == 0)
			return (0);
	}
	return (-1);
}

/* A question (RFC 1035, 4.1); its length, or 0: the name cannot be. */
static size_t
dns_question(uint8_t *q, const char *name, unsigned int id, int type)
{
	static const uint8_t head[12] = { [2] = 1, [5] = 1 };
	size_t at = sizeof(head), n;
	const char *dot;

	memcpy(q, head, sizeof(head));
	q[0] = id >> 8;
	q[1] = id;
	while (*name != '\0') {
		dot = strchr(name, '.');
		n = dot != NULL ? (size_t)(dot - name) : strlen(name);
		if (n == 0 || n > 63 || at + n > 255)
			return (0);
		q[at++] = n;
		memcpy(q + at, name, n);
		at += n;
		name += n + (dot != NULL);
	}
	q[at++] = 0;
	q[at++] = 0;
	q[at++] = type;
	q[at++] = 0;
	q[at++] = 1;
	return (at);
}

/* Behind a name, which may end in a pointer. */
static size_t
dns_skip(const uint8_t *r, size_t n, size_t at)
{
	while (at < n && r[at] != 0) {
		if (r[at] >= 0xc0)
			return (at + 2);
		at += r[at] + 1;
	}
	return (at + 1);
}

/* The first address in an answer to that question. */
static int
dns_answer(const uint8_t *r, size_t n, const uint8_t *q, size_t qlen,
    int type, struct addr *a)
{
	size_t at = qlen, len, want = type == TYPE_A ? 4 : 16;
	int left;

	/* the same id and question, an answer, no error */
	if (n < qlen || memcmp(r, q, 2) != 0 || !(r[2] & 0x80) ||
	    (r[3] & 15) != 0 || memcmp(r + 12, q + 12, qlen - 12) != 0)
		return (-1);
	for (left = r[6] << 8 | r[7]; left > 0; left--) {
		at = dns_skip(r, n, at);
		if (at + 10 > n)
			return (-1);
		len = r[at + 8] << 8 | r[at + 9];
		if (at + 10 + len > n)
			return (-1);
		if (r[at] == 0 && r[at + 1] == type && len == want) {
			memset(a, 0, sizeof(*a));
			a->a_family = type == TYPE_A ? AF_INET : AF_INET6;
			memcpy(a->a_bytes, r + at + 10, len);
			return (0);
		}
		at += 10 + len;
	}
	return (-1);
}

/* 0: found; 1: the server says no; -1: it says nothing. */
static int
dns_ask(const struct addr *server, const char *name, int type,
    struct addr *a)
{
	uint8_t q[512], r[1500];
	struct sockaddr_storage ss;
	struct timespec ts;
	socklen_t len = addr_sockaddr(server, DNS_PORT, &ss);
	int fd, got = -1;
	size_t qlen;
	ssize_t n;

	/* the port is random too (RFC 5452) */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	qlen = dns_question(q, name, ts.tv_nsec / 16 & 0xffff, type);
	if (qlen == 0)
		return (1);
	fd = net_socket(server->a_family);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 &&
	    write(fd, q, qlen) == (ssize_t)qlen &&
	    net_wait(fd, DNS_MSEC) == 1 &&
	    (n = read(fd, r, sizeof(r))) > 0)
		got = dns_answer(r, n, q, qlen, type, a) == 0 ? 0 : 1;
	close(fd);
	return (got);
}

static int
resolve_dns(const char *name, int type, struct addr *a)
{
	struct addr server;
	int i, n, got;

	for (n = 0; n < DNS_TRIES; n++) {
		for (i = 0; dns_server(i, &server) == 0; i++) {
			if ((got = dns_ask(&server, name, type, a)) != -1)
				return (got == 0 ? 0 : -1);
		}
	}
	return (-1);
}

int
addr_resolve(const char *name, int family, struct addr *a)
{
	if (addr_parse(name, a) == 0)
		return (family == 0 || a->a_family == family ? 0 : -1);
	if (resolve_hosts(name, family, a) == 0)
		return (0);
	if (family != AF_INET6 && resolve_dns(name, TYPE_A, a) == 0)
		return (0);
	return (family != AF_INET &&
	    resolve_dns(name, TYPE_AAAA, a) == 0 ? 0 : -1);
}
