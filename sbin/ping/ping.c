/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/net.h"
#include "../../bin/crunch/util.h"
#include <time.h>

#define USAGE	"[-46fnq] [-c count] [-i seconds] [-s size] [-t ttl] " \
		"[-W seconds] host"
#define HDR	8
#define MAXSIZE	65507

static struct {
	struct addr	to;
	int		fd, v6, quiet, flood;
	unsigned long long size, count, interval, wait;	/* ms */
	unsigned long long sent, got, dup, bad;
	uint64_t	min, max, sum;			/* ns */
	uint8_t		seen[65536 / 8];
} pg;

static volatile sig_atomic_t	stop;

static void
on_int(int sig __attribute__((__unused__)))
{
	stop = 1;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000000000ULL + ts.tv_nsec);
}

static void
fill(uint8_t *p, size_t n, unsigned int seq)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = i + seq;
}

/* The kernel puts in the identifier and the sum. */
static void
send_one(void)
{
	unsigned int seq = pg.sent & 0xffff;
	uint8_t *p = (uint8_t *)iobuf;
	uint64_t t = now_ns();

	memset(p, 0, HDR);
	p[0] = pg.v6 ? 128 : 8;
	p[6] = seq >> 8;
	p[7] = seq;
	fill(p + HDR, pg.size, seq);
	if (pg.size >= sizeof(t))
		memcpy(p + HDR, &t, sizeof(t));
	pg.seen[seq / 8] &= ~(1 << seq % 8);
	pg.sent++;
	if (send(pg.fd, p, HDR + pg.size, 0) == -1 && errno != ENOBUFS)
		warn("send");
	else if (pg.flood && !pg.quiet)
		out_ch('.');
}

static int
check(const uint8_t *p, size_t n, unsigned int seq)
{
	size_t i, from = pg.size >= 8 ? 8 : 0;

	if (n != HDR + pg.size)
		return (0);
	for (i = from; i < pg.size; i++) {
		if (p[HDR + i] != (uint8_t)(i + seq))
			return (0);
	}
	return (1);
}

static void
count_time(const uint8_t *p)
{
	uint64_t t;

	memcpy(&t, p + HDR, sizeof(t));
	t = now_ns() - t;
	pg.min = pg.got == 1 || t < pg.min ? t : pg.min;
	pg.max = t > pg.max ? t : pg.max;
	pg.sum += t;
	if (!pg.quiet && !pg.flood)
		outf(" time=%llu.%03llu ms", (unsigned long long)t / 1000000,
		    (unsigned long long)t / 1000 % 1000);
}

static int
cmsg_ttl(struct msghdr *mh)
{
	struct cmsghdr *c;
	int ttl = -1;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	}
	return (ttl);
}

static void
receive_one(void)
{
	uint8_t *p = (uint8_t *)iobuf;
	struct sockaddr_storage from;
	union {
		char		 buf[64];
		struct cmsghdr	 align;
	} control;
	struct iovec iov = { iobuf, IOBUFSZ };
	struct msghdr mh = { .msg_name = &from, .msg_namelen = sizeof(from),
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
	    .msg_controllen = sizeof(control) };
	char buf[ADDR_STRLEN];
	unsigned int seq;
	int dup, good;
	ssize_t n;

	if ((n = recvmsg(pg.fd, &mh, 0)) == -1) {
		if (errno != EINTR && errno != EAGAIN)
			warn("receive");
		return;
	}
	if (n < HDR || p[0] != (pg.v6 ? 129 : 0))
		return;
	seq = p[6] << 8 | p[7];
	dup = (pg.seen[seq / 8] >> seq % 8) & 1;
	pg.seen[seq / 8] |= 1 << seq % 8;
	good = check(p, n, seq);
	pg.dup += dup;
	pg.got += !dup;
	pg.bad += !good;
	if (pg.flood) {
		if (!pg.quiet)
			out_str("\b \b");
	} else if (!pg.quiet)
		outf("%zd bytes from %s: icmp_seq=%u ttl=%d", n,
		    addr_format(&pg.to, buf, sizeof(buf)), seq,
		    cmsg_ttl(&mh));
	if (good && !dup && pg.size >= 8)
		count_time(p);
	if (!pg.quiet && !pg.flood)
		outf("%s%s\n", dup ? " DUP!" : "", good ? "" : " BAD DATA!");
}

static int
summary(void)
{
	unsigned long long lost = pg.sent - pg.got;
	char buf[ADDR_STRLEN];
	uint64_t avg;

	outf("\n--- %s ping statistics ---\n",
	    addr_format(&pg.to, buf, sizeof(buf)));
	outf("%llu packets transmitted, %llu packets received, ", pg.sent,
	    pg.got);
	if (pg.dup != 0)
		outf("%llu duplicates, ", pg.dup);
	if (pg.bad != 0)
		outf("%llu with bad data, ", pg.bad);
	outf("%llu.%llu%% packet loss\n",
	    pg.sent == 0 ? 0 : lost * 1000 / pg.sent / 10,
	    pg.sent == 0 ? 0 : lost * 1000 / pg.sent % 10);
	if (pg.got != 0 && pg.size >= 8) {
		avg = pg.sum / pg.got;
		outf("round-trip min/avg/max = %llu.%03llu/%llu.%03llu/"
		    "%llu.%03llu ms\n",
		    (unsigned long long)pg.min / 1000000,
		    (unsigned long long)pg.min / 1000 % 1000,
		    (unsigned long long)avg / 1000000,
		    (unsigned long long)avg / 1000 % 1000,
		    (unsigned long long)pg.max / 1000000,
		    (unsigned long long)pg.max / 1000 % 1000);
	}
	return (pg.got == 0 || pg.bad != 0);
}

static void
loop(void)
{
	uint64_t next = net_msec(), now, end = 0;
	unsigned long long before;

	while (!stop) {
		now = net_msec();
		if ((pg.count == 0 || pg.sent < pg.count) && now >= next) {
			send_one();
			next = now + pg.interval;
			end = now + pg.wait;
		}
		if (pg.count != 0 && pg.sent == pg.count &&
		    (pg.got >= pg.sent || now >= end))
			break;
		out_flush();
		before = pg.got;
		if (net_wait(pg.fd, pg.count != 0 && pg.sent == pg.count ?
		    end - now : next > now ? next - now : 0) == 1)
			receive_one();
		/* a flood goes as fast as answers come, but does not end */
		if (pg.flood && pg.got > before)
			next = 0;
	}
}

static void
open_socket(unsigned long long ttl)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_sockaddr(&pg.to, 0, &ss);
	int on = 1, hops = ttl;

	pg.v6 = pg.to.a_family == AF_INET6;
	pg.fd = socket(pg.to.a_family, SOCK_DGRAM,
	    pg.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (pg.fd == -1)
		err(1, "socket");
	setsockopt(pg.fd, pg.v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    pg.v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof(on));
	setsockopt(pg.fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (hops != 0 && setsockopt(pg.fd, pg.v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    pg.v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops)) == -1)
		err(1, "ttl");
	if (connect(pg.fd, (struct sockaddr *)&ss, len) == -1)
		err(1, "connect");
}

/* "0.2": seconds, to ms. */
static int
seconds(const char *s, unsigned long long *ms)
{
	unsigned long long v = 0, scale = 1000;

	if (*s == '\0')
		return (-1);
	for (; *s >= '0' && *s <= '9' && v < 1000000; s++)
		v = v * 10 + (*s - '0');
	v *= 1000;
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++) {
			scale /= 10;
			v += (*s - '0') * scale;
		}
	}
	*ms = v;
	return (*s == '\0' ? 0 : -1);
}

int
ping_main(int argc, char **argv)
{
	char buf[ADDR_STRLEN];
	unsigned long long ttl = 0;
	int ch, family = 0, ok = 0;

	pg.size = 56;
	pg.interval = 1000;
	pg.wait = 3000;
	while ((ch = opt_get(argc, argv, "46c:fi:nqs:t:W:")) != -1) {
		switch (ch) {
		case '4':
		case '6':
			family = ch == '4' ? AF_INET : AF_INET6;
			break;
		case 'c':
			ok |= num_parse(opt_arg, 10, 1ULL << 40, &pg.count);
			break;
		case 'f':
			pg.flood = 1;
			pg.interval = 10;
			break;
		case 'i':
			ok |= seconds(opt_arg, &pg.interval);
			break;
		case 'n':
			break;		/* names are not looked up anyway */
		case 'q':
			pg.quiet = 1;
			break;
		case 's':
			ok |= num_parse(opt_arg, 10, MAXSIZE, &pg.size);
			break;
		case 't':
			ok |= num_parse(opt_arg, 10, 255, &ttl);
			break;
		case 'W':
			ok |= seconds(opt_arg, &pg.wait);
			break;
		default:
			usage(USAGE);
		}
	}
	if (ok != 0 || argc != opt_ind + 1)
		usage(USAGE);
	if (addr_resolve(argv[opt_ind], family, &pg.to) == -1)
		errx(1, "%s: no such host", argv[opt_ind]);
	open_socket(ttl);
	signal(SIGINT, on_int);
	outf("PING %s (%s): %llu data bytes\n", argv[opt_ind],
	    addr_format(&pg.to, buf, sizeof(buf)), pg.size);
	loop();
	return (summary());
}
