/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What programs expect of sockets: "sockets NAME" runs one, prints "ok" or
 * what is wrong.  It needs nothing but the loopback interface, so that another
 * kernel can be asked whether the expectation is right.
 */

#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(x)	do { if (!(x)) errx(1, "line %d: %s (errno %d)", \
			    __LINE__, #x, errno); } while (0)
#define FAILS(x, e)	do { errno = 0; if ((x) != -1 || errno != (e)) \
			    errx(1, "line %d: %s: errno %d", __LINE__, #x, \
			    errno); } while (0)
#define SA(p)		((struct sockaddr *)(p))

static struct sockaddr_in
v4(uint32_t addr, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr.s_addr = htonl(addr) };

	return (sin);
}

static struct sockaddr_in6
v6(const char *addr, int port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(port) };

	CHECK(inet_pton(AF_INET6, addr, &sin6.sin6_addr) == 1);
	return (sin6);
}

/* Bound to a free port of 127.0.0.1; where it is goes to *sin. */
static int
bound(int type, struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, type, 0);

	CHECK(fd != -1);
	*sin = v4(INADDR_LOOPBACK, 0);
	CHECK(bind(fd, SA(sin), sizeof(*sin)) == 0);
	CHECK(getsockname(fd, SA(sin), &len) == 0);
	CHECK(len == sizeof(*sin) && sin->sin_port != 0);
	return (fd);
}

static int
listening(struct sockaddr_in *sin)
{
	int fd = bound(SOCK_STREAM, sin);

	CHECK(listen(fd, 5) == 0);
	return (fd);
}

static int
connected(const struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd != -1 && connect(fd, SA(sin), sizeof(*sin)) == 0);
	return (fd);
}

/* Both ends of a connection. */
static void
pair(int *a, int *b)
{
	struct sockaddr_in sin;
	int l = listening(&sin);

	*a = connected(&sin);
	CHECK((*b = accept(l, NULL, NULL)) != -1);
	close(l);
}

static int
events(int fd, int want, int msec)
{
	struct pollfd p = { .fd = fd, .events = want };

	CHECK(poll(&p, 1, msec) >= 0);
	return (p.revents);
}

static void
nonblocking(int fd)
{
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

/* --- datagrams ------------------------------------------------------------------- */

static void
udp_there_and_back(void)
{
	struct sockaddr_in a, b, from;
	int fa = bound(SOCK_DGRAM, &a), fb = bound(SOCK_DGRAM, &b);
	socklen_t len = sizeof(from);
	char buf[100];

	CHECK(sendto(fa, "hello", 5, 0, SA(&b), sizeof(b)) == 5);
	CHECK(recvfrom(fb, buf, sizeof(buf), 0, SA(&from), &len) == 5);
	CHECK(memcmp(buf, "hello", 5) == 0 && len == sizeof(from));
	CHECK(from.sin_port == a.sin_port &&
	    from.sin_addr.s_addr == a.sin_addr.s_addr);
	CHECK(sendto(fb, "you", 3, 0, SA(&from), len) == 3);
	CHECK(recv(fa, buf, sizeof(buf), 0) == 3);
}

static void
udp_keeps_boundaries_and_cuts_what_does_not_fit(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), fa = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[10];
	struct iovec iov = { buf, 4 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	CHECK(connect(fa, SA(&b), sizeof(b)) == 0);
	CHECK(send(fa, "12345678", 8, 0) == 8 && send(fa, "ab", 2, 0) == 2 &&
	    send(fa, "", 0, 0) == 0 && send(fa, "12345678", 8, 0) == 8);
	CHECK(recvmsg(fb, &mh, 0) == 4 && (mh.msg_flags & MSG_TRUNC));
	CHECK(recv(fb, buf, sizeof(buf), 0) == 2);
	CHECK(recv(fb, buf, sizeof(buf), 0) == 0);
	CHECK(recv(fb, buf, 3, MSG_TRUNC) == 8);
}

static void
udp_peek_leaves_it(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), n;
	char buf[10];

	CHECK(sendto(fb, "abc", 3, 0, SA(&b), sizeof(b)) == 3);
	CHECK(ioctl(fb, FIONREAD, &n) == 0 && n == 3);
	CHECK(recv(fb, buf, 10, MSG_PEEK) == 3);
	CHECK(recv(fb, buf, 10, 0) == 3);
	FAILS(recv(fb, buf, 10, MSG_DONTWAIT), EAGAIN);
	CHECK(ioctl(fb, FIONREAD, &n) == 0 && n == 0);
}

static void
udp_connected_hears_its_peer_only(void)
{
	struct sockaddr_in a, b, c, none = { .sin_family = AF_UNSPEC };
	int fa = bound(SOCK_DGRAM, &a), fb = bound(SOCK_DGRAM, &b);
	int fc = bound(SOCK_DGRAM, &c);
	char buf[10];

	CHECK(connect(fa, SA(&b), sizeof(b)) == 0);
	CHECK(sendto(fc, "c", 1, 0, SA(&a), sizeof(a)) == 1);
	CHECK(sendto(fb, "b", 1, 0, SA(&a), sizeof(a)) == 1);
	CHECK(recv(fa, buf, 10, 0) == 1 && buf[0] == 'b');
	FAILS(recv(fa, buf, 10, MSG_DONTWAIT), EAGAIN);
	CHECK(connect(fa, SA(&none), sizeof(none)) == 0);
	FAILS(send(fa, "x", 1, 0), EDESTADDRREQ);
}

static void
udp_nobody_there_is_told_with_the_next_call(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), fa = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[10];

	close(fb);
	CHECK(connect(fa, SA(&b), sizeof(b)) == 0);
	CHECK(send(fa, "x", 1, 0) == 1);
	CHECK(events(fa, POLLIN, 1000) & POLLERR);
	FAILS(recv(fa, buf, 10, 0), ECONNREFUSED);
	FAILS(recv(fa, buf, 10, MSG_DONTWAIT), EAGAIN);
}

static void
udp_limits(void)
{
	struct sockaddr_in b, all = v4(INADDR_BROADCAST, 9);
	int fb = bound(SOCK_DGRAM, &b), fa = socket(AF_INET, SOCK_DGRAM, 0);
	static char big[70000];
	int n = 1 << 20;

	CHECK(setsockopt(fb, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)) == 0);
	FAILS(sendto(fa, big, 65508, 0, SA(&b), sizeof(b)), EMSGSIZE);
	memset(big, 'x', 65507);
	CHECK(sendto(fa, big, 65507, 0, SA(&b), sizeof(b)) == 65507);
	CHECK(recv(fb, big, sizeof(big), 0) == 65507 && big[65506] == 'x');
	n = sendto(fa, "x", 1, 0, SA(&all), sizeof(all));
	CHECK(n == -1 && (errno == EACCES || errno == ENETUNREACH));
	FAILS(send(fa, "x", 1, 0), EDESTADDRREQ);
}

static void
udp_full_buffer_drops(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), fa = socket(AF_INET, SOCK_DGRAM, 0);
	int n = 4096, i;
	char buf[1000] = "";

	CHECK(setsockopt(fb, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)) == 0);
	for (i = 0; i < 100; i++)
		CHECK(sendto(fa, buf, 1000, 0, SA(&b), sizeof(b)) == 1000);
	for (i = 0; recv(fb, buf, 1000, MSG_DONTWAIT) == 1000; i++)
		continue;
	CHECK(i > 0 && i < 20);
	CHECK(sendto(fa, buf, 1000, 0, SA(&b), sizeof(b)) == 1000);
	CHECK(recv(fb, buf, 1000, 0) == 1000);
}

static void
udp_tells_where_a_datagram_went(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), on = 1, seen = 0, v;
	char control[200], buf[10];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	struct in_pktinfo pi;

	CHECK(setsockopt(fb, IPPROTO_IP, IP_PKTINFO, &on, 4) == 0);
	CHECK(setsockopt(fb, IPPROTO_IP, IP_RECVTTL, &on, 4) == 0);
	v = 33;
	CHECK(setsockopt(fb, IPPROTO_IP, IP_TTL, &v, 4) == 0);
	CHECK(sendto(fb, "x", 1, 0, SA(&b), sizeof(b)) == 1);
	CHECK(recvmsg(fb, &mh, 0) == 1);
	for (c = CMSG_FIRSTHDR(&mh); c != NULL; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type ==
		    IP_PKTINFO) {
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			CHECK(pi.ipi_addr.s_addr == b.sin_addr.s_addr);
			seen |= 1;
		} else if (c->cmsg_type == IP_TTL) {
			memcpy(&v, CMSG_DATA(c), 4);
			CHECK(v == 33);
			seen |= 2;
		}
	}
	CHECK(seen == 3);
	mh.msg_controllen = 8;		/* too small for any */
	CHECK(sendto(fb, "x", 1, 0, SA(&b), sizeof(b)) == 1);
	CHECK(recvmsg(fb, &mh, 0) == 1 && (mh.msg_flags & MSG_CTRUNC));
}

static void
udp_of_ipv6_takes_both(void)
{
	struct sockaddr_in6 any = v6("::", 0), from;
	struct sockaddr_in b;
	socklen_t len = sizeof(any);
	int f6 = socket(AF_INET6, SOCK_DGRAM, 0);
	int f4 = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	char buf[10];

	CHECK(bind(f6, SA(&any), sizeof(any)) == 0);
	CHECK(getsockname(f6, SA(&any), &len) == 0);
	b = v4(INADDR_LOOPBACK, ntohs(any.sin6_port));
	CHECK(sendto(f4, "4", 1, 0, SA(&b), sizeof(b)) == 1);
	len = sizeof(from);
	CHECK(recvfrom(f6, buf, 10, 0, SA(&from), &len) == 1);
	CHECK(from.sin6_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	CHECK(sendto(f6, "6", 1, 0, SA(&from), len) == 1);
	CHECK(recv(f4, buf, 10, 0) == 1);
	FAILS(setsockopt(f6, IPPROTO_IPV6, IPV6_V6ONLY, &on, 4), EINVAL);
	from = v6("::1", ntohs(any.sin6_port));
	CHECK(sendto(f6, "self", 4, 0, SA(&from), sizeof(from)) == 4);
	CHECK(recv(f6, buf, 10, 0) == 4);
}

static void
udp_of_ipv6_only_leaves_ipv4_alone(void)
{
	struct sockaddr_in6 any = v6("::", 0);
	struct sockaddr_in b;
	socklen_t len = sizeof(any);
	int f6 = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;
	int f4 = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(setsockopt(f6, IPPROTO_IPV6, IPV6_V6ONLY, &on, 4) == 0);
	CHECK(bind(f6, SA(&any), sizeof(any)) == 0);
	CHECK(getsockname(f6, SA(&any), &len) == 0);
	b = v4(INADDR_ANY, ntohs(any.sin6_port));
	CHECK(bind(f4, SA(&b), sizeof(b)) == 0);
}

static void
udp_several_in_one_call(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), i;
	char buf[4][10];
	struct iovec iov[4];
	struct mmsghdr mm[4];

	memset(mm, 0, sizeof(mm));
	for (i = 0; i < 4; i++) {
		snprintf(buf[i], 10, "number %d", i);
		iov[i] = (struct iovec){ buf[i], 9 };
		mm[i].msg_hdr = (struct msghdr){ .msg_name = &b,
		    .msg_namelen = sizeof(b), .msg_iov = &iov[i],
		    .msg_iovlen = 1 };
	}
	CHECK(sendmmsg(fb, mm, 3, 0) == 3 && mm[2].msg_len == 9);
	memset(buf, 0, sizeof(buf));
	for (i = 0; i < 4; i++)
		mm[i].msg_hdr.msg_name = NULL;
	CHECK(recvmmsg(fb, mm, 4, MSG_WAITFORONE, NULL) == 3);
	CHECK(strcmp(buf[2], "number 2") == 0);
}

static void
udp_one_call_is_cut_into_segments(void)
{
	struct sockaddr_in b;
	int fb = bound(SOCK_DGRAM, &b), fa = socket(AF_INET, SOCK_DGRAM, 0);
	int size = 1000, n = 1 << 18, i;
	char big[3500], buf[2000];

	for (i = 0; i < (int)sizeof(big); i++)
		big[i] = i / 1000;
	CHECK(setsockopt(fb, SOL_SOCKET, SO_RCVBUF, &n, 4) == 0);
	CHECK(setsockopt(fa, IPPROTO_UDP, UDP_SEGMENT, &size, 4) == 0);
	CHECK(sendto(fa, big, sizeof(big), 0, SA(&b), sizeof(b)) == 3500);
	for (i = 0; i < 4; i++) {
		CHECK(recv(fb, buf, sizeof(buf), 0) == (i < 3 ? 1000 : 500));
		CHECK(buf[0] == i && buf[499] == i);
	}
}

static void
udp_groups_come_back_to_who_listens(void)
{
	struct sockaddr_in any = v4(INADDR_ANY, 0), g;
	struct ip_mreqn mr = { .imr_multiaddr.s_addr = htonl(0xefffff07),
	    .imr_ifindex = 1 };
	socklen_t len = sizeof(any);
	int fb = socket(AF_INET, SOCK_DGRAM, 0);
	int fa = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[10];

	CHECK(bind(fb, SA(&any), sizeof(any)) == 0);
	CHECK(getsockname(fb, SA(&any), &len) == 0);
	g = v4(0xefffff07, ntohs(any.sin_port));
	CHECK(setsockopt(fa, IPPROTO_IP, IP_MULTICAST_IF, &mr,
	    sizeof(mr)) == 0);
	CHECK(setsockopt(fb, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr,
	    sizeof(mr)) == 0);
	FAILS(setsockopt(fb, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr,
	    sizeof(mr)), EADDRINUSE);
	CHECK(sendto(fa, "all", 3, 0, SA(&g), sizeof(g)) == 3);
	CHECK(events(fb, POLLIN, 1000) == POLLIN);
	CHECK(recv(fb, buf, 10, 0) == 3);
	CHECK(setsockopt(fb, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mr,
	    sizeof(mr)) == 0);
	FAILS(setsockopt(fb, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mr,
	    sizeof(mr)), EADDRNOTAVAIL);
}

/* --- streams --------------------------------------------------------------------- */

static void
tcp_there_and_back(void)
{
	struct sockaddr_in sin, me, peer;
	socklen_t len = sizeof(me);
	int l = listening(&sin), a = connected(&sin), b;
	char buf[10];

	CHECK(getsockname(a, SA(&me), &len) == 0);
	CHECK((b = accept(l, SA(&peer), &len)) != -1);
	CHECK(len == sizeof(peer) && peer.sin_port == me.sin_port &&
	    peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK(getpeername(a, SA(&peer), &len) == 0);
	CHECK(peer.sin_port == sin.sin_port);
	CHECK(write(a, "ping", 4) == 4 && read(b, buf, 10) == 4);
	CHECK(write(b, "pong!", 5) == 5 && read(a, buf, 10) == 5);
	CHECK(memcmp(buf, "pong!", 5) == 0);
}

static void
tcp_nobody_listens(void)
{
	struct sockaddr_in sin;
	int l = bound(SOCK_STREAM, &sin), a = socket(AF_INET, SOCK_STREAM, 0);

	FAILS(connect(a, SA(&sin), sizeof(sin)), ECONNREFUSED);
	close(l);
	FAILS(connect(a, SA(&sin), sizeof(sin)), ECONNREFUSED);
	FAILS(accept(a, NULL, NULL), EINVAL);
}

static void
tcp_addresses_in_use(void)
{
	struct sockaddr_in sin, any;
	int l = listening(&sin), a = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	FAILS(bind(a, SA(&sin), sizeof(sin)), EADDRINUSE);
	any = v4(INADDR_ANY, ntohs(sin.sin_port));
	FAILS(bind(a, SA(&any), sizeof(any)), EADDRINUSE);
	CHECK(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, 4) == 0);
	FAILS(bind(a, SA(&sin), sizeof(sin)), EADDRINUSE);
	any = v4(0x0a090807, 0);
	FAILS(bind(a, SA(&any), sizeof(any)), EADDRNOTAVAIL);
	close(l);
	CHECK(bind(a, SA(&sin), sizeof(sin)) == 0);
	FAILS(bind(a, SA(&sin), sizeof(sin)), EINVAL);
}

static void
tcp_port_is_free_again_with_reuseaddr(void)
{
	struct sockaddr_in sin;
	int l = bound(SOCK_STREAM, &sin), a, b, on = 1;
	char c;

	CHECK(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, 4) == 0);
	CHECK(listen(l, 1) == 0);
	a = connected(&sin);
	b = accept(l, NULL, NULL);
	/* the side that closes first has the TIME_WAIT */
	close(b);
	CHECK(read(a, &c, 1) == 0);
	close(a);
	close(l);
	usleep(20000);
	l = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, 4) == 0);
	CHECK(bind(l, SA(&sin), sizeof(sin)) == 0 && listen(l, 1) == 0);
	close(connected(&sin));
}

static void
tcp_connects_without_waiting(void)
{
	struct sockaddr_in sin;
	int l = listening(&sin), a, n = -1;
	socklen_t len = sizeof(n);

	a = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(fcntl(a, F_GETFD) == FD_CLOEXEC);
	n = connect(a, SA(&sin), sizeof(sin));
	CHECK(n == 0 || errno == EINPROGRESS);
	CHECK(events(a, POLLOUT, 1000) == POLLOUT);
	CHECK(getsockopt(a, SOL_SOCKET, SO_ERROR, &n, &len) == 0 && n == 0);
	/* some say 0 once, when they tell that it is done */
	(void)connect(a, SA(&sin), sizeof(sin));
	FAILS(connect(a, SA(&sin), sizeof(sin)), EISCONN);
	close(l);
	a = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	n = connect(a, SA(&sin), sizeof(sin));
	CHECK(n == -1);
	if (errno == EINPROGRESS) {
		CHECK(events(a, POLLOUT, 1000) & POLLOUT);
		CHECK(getsockopt(a, SOL_SOCKET, SO_ERROR, &n, &len) == 0);
		CHECK(n == ECONNREFUSED);
	} else
		CHECK(errno == ECONNREFUSED);
}

static void
tcp_accepts_without_waiting(void)
{
	struct sockaddr_in sin;
	int l = listening(&sin), a, b;

	nonblocking(l);
	FAILS(accept(l, NULL, NULL), EAGAIN);
	CHECK(events(l, POLLIN, 0) == 0);
	a = connected(&sin);
	CHECK(events(l, POLLIN, 1000) == POLLIN);
	CHECK((b = accept4(l, NULL, NULL, SOCK_NONBLOCK)) != -1);
	CHECK(fcntl(b, F_GETFL) & O_NONBLOCK);
	FAILS(read(b, &a, 1), EAGAIN);
	FAILS(accept4(l, NULL, NULL, 0x1234), EINVAL);
}

static void
tcp_ends_one_way(void)
{
	char buf[10];
	int a, b;

	pair(&a, &b);
	CHECK(write(a, "last", 4) == 4 && shutdown(a, SHUT_WR) == 0);
	CHECK(read(b, buf, 10) == 4 && read(b, buf, 10) == 0);
	CHECK(events(b, POLLIN | POLLRDHUP, 0) == (POLLIN | POLLRDHUP));
	CHECK(write(b, "more", 4) == 4 && read(a, buf, 10) == 4);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(a, "x", 1), EPIPE);
	CHECK(shutdown(b, SHUT_WR) == 0 && read(a, buf, 10) == 0);
	CHECK(events(a, POLLIN, 1000) & POLLHUP);
}

static volatile sig_atomic_t	pipes;

static void
on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void
tcp_writing_to_nobody(void)
{
	int a, b;
	char c;

	signal(SIGPIPE, on_pipe);
	pair(&a, &b);
	close(b);
	CHECK(read(a, &c, 1) == 0);
	CHECK(write(a, "x", 1) == 1);	/* is answered with a reset */
	CHECK(events(a, POLLIN, 1000) & POLLHUP);
	usleep(10000);
	CHECK(send(a, "x", 1, MSG_NOSIGNAL) == -1 &&
	    (errno == EPIPE || errno == ECONNRESET));
	CHECK(pipes == 0);
	FAILS(write(a, "x", 1), EPIPE);
	CHECK(pipes == 1);
}

static void
tcp_linger_0_resets(void)
{
	struct linger l = { 1, 0 };
	int a, b;
	char c;

	pair(&a, &b);
	CHECK(setsockopt(a, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	close(a);
	CHECK(events(b, POLLIN, 1000) & POLLERR);
	FAILS(read(b, &c, 1), ECONNRESET);
	CHECK(read(b, &c, 1) == 0);
}

static void
tcp_unread_data_reset_the_peer(void)
{
	int a, b;
	char c;

	pair(&a, &b);
	CHECK(write(a, "data", 4) == 4);
	CHECK(events(b, POLLIN, 1000) == POLLIN);
	close(b);
	CHECK(events(a, POLLIN, 1000) & (POLLERR | POLLHUP));
	FAILS(read(a, &c, 1), ECONNRESET);
}

static void
tcp_large_transfer(void)
{
	static uint32_t out[65536], in[65536];
	size_t total = 24 << 20, at, got;
	uint32_t x = 1, y = 1;
	ssize_t n;
	size_t i;
	int a, b;

	pair(&a, &b);
	if (fork() == 0) {
		close(b);
		for (at = 0; at < total; at += sizeof(out)) {
			for (i = 0; i < 65536; i++)
				out[i] = x = x * 1664525 + 1013904223;
			for (got = 0; got < sizeof(out); got += n)
				CHECK((n = write(a, (char *)out + got,
				    sizeof(out) - got)) > 0);
		}
		_exit(0);
	}
	close(a);
	for (at = 0; at < total; at += sizeof(in)) {
		for (got = 0; got < sizeof(in); got += n)
			CHECK((n = read(b, (char *)in + got,
			    sizeof(in) - got)) > 0);
		for (i = 0; i < 65536; i++)
			CHECK(in[i] == (y = y * 1664525 + 1013904223));
	}
	CHECK(read(b, in, 1) == 0);
}

static void
tcp_a_full_peer_stops_the_writer(void)
{
	static char buf[65536];
	size_t put = 0, got = 0;
	ssize_t n;
	int a, b, q;

	pair(&a, &b);
	nonblocking(a);
	while ((n = write(a, buf, sizeof(buf))) > 0)
		put += n;
	CHECK(errno == EAGAIN && put > 65536 && put < 64 << 20);
	CHECK(events(a, POLLOUT, 0) == 0);
	CHECK(ioctl(a, TIOCOUTQ, &q) == 0 && q > 0);
	while (got < put) {
		CHECK((n = read(b, buf, sizeof(buf))) > 0);
		got += n;
	}
	CHECK(events(a, POLLOUT, 1000) == POLLOUT);
}

static void
tcp_flags_of_recv(void)
{
	char buf[10];
	int a, b, n;

	pair(&a, &b);
	CHECK(write(a, "abcdef", 6) == 6);
	CHECK(events(b, POLLIN, 1000) == POLLIN);
	CHECK(recv(b, buf, 3, MSG_PEEK) == 3 && memcmp(buf, "abc", 3) == 0);
	CHECK(ioctl(b, FIONREAD, &n) == 0 && n == 6);
	CHECK(recv(b, buf, 10, 0) == 6);
	FAILS(recv(b, buf, 10, MSG_DONTWAIT), EAGAIN);
	if (fork() == 0) {
		write(a, "12", 2);
		usleep(50000);
		write(a, "345", 3);
		_exit(0);
	}
	CHECK(recv(b, buf, 5, MSG_WAITALL) == 5);
	CHECK(memcmp(buf, "12345", 5) == 0);
	wait(NULL);
	CHECK(write(a, "abcdef", 6) == 6);
	CHECK(recv(b, NULL, 4, MSG_TRUNC) == 4);
	CHECK(recv(b, buf, 10, 0) == 2 && buf[0] == 'e');
}

static void
tcp_time_limits(void)
{
	struct timeval tv = { 0, 50000 }, is;
	socklen_t len = sizeof(is);
	int a, b;
	char c;

	pair(&a, &b);
	CHECK(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	FAILS(read(a, &c, 1), EAGAIN);
	CHECK(getsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &is, &len) == 0);
	CHECK(len == sizeof(is) && is.tv_sec == 0 && is.tv_usec >= 50000);
	tv.tv_usec = 1000000;
	FAILS(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
}

static void
tcp_urgent_byte(void)
{
	char buf[10];
	int a, b, on = 1;

	pair(&a, &b);
	FAILS(recv(b, buf, 1, MSG_OOB), EINVAL);
	CHECK(write(a, "ab", 2) == 2 && send(a, "!", 1, MSG_OOB) == 1 &&
	    write(a, "cd", 2) == 2);
	CHECK(events(b, POLLPRI, 1000) == POLLPRI);
	CHECK(recv(b, buf, 10, MSG_OOB) == 1 && buf[0] == '!');
	usleep(20000);
	CHECK(read(b, buf, 10) == 2 && memcmp(buf, "ab", 2) == 0);
	CHECK(read(b, buf, 10) == 2 && memcmp(buf, "cd", 2) == 0);
	CHECK(setsockopt(b, SOL_SOCKET, SO_OOBINLINE, &on, 4) == 0);
	CHECK(send(a, "x", 1, MSG_OOB) == 1);
	CHECK(events(b, POLLIN, 1000) & POLLIN);
	CHECK(read(b, buf, 10) == 1 && buf[0] == 'x');
}

static void
tcp_options(void)
{
	struct tcp_info ti;
	socklen_t len;
	char name[16];
	int a, b, v;

	pair(&a, &b);
	v = 1;
	CHECK(setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &v, 4) == 0);
	v = 0;
	len = 4;
	CHECK(getsockopt(a, IPPROTO_TCP, TCP_NODELAY, &v, &len) == 0 &&
	    v == 1 && len == 4);
	len = sizeof(ti);
	CHECK(getsockopt(a, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0);
	CHECK(len >= 104 && ti.tcpi_state == TCP_ESTABLISHED &&
	    ti.tcpi_snd_mss >= 500 && ti.tcpi_snd_cwnd >= 2);
	len = 4;
	CHECK(getsockopt(a, IPPROTO_TCP, TCP_MAXSEG, &v, &len) == 0 &&
	    v > 500);
	len = sizeof(name);
	CHECK(getsockopt(a, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0);
	CHECK(strcmp(name, "cubic") == 0 || strcmp(name, "bbr") == 0 ||
	    strcmp(name, "reno") == 0);
	v = 30000;
	CHECK(setsockopt(a, SOL_SOCKET, SO_RCVBUF, &v, 4) == 0);
	len = 4;
	CHECK(getsockopt(a, SOL_SOCKET, SO_RCVBUF, &v, &len) == 0 &&
	    v == 60000);
	CHECK(getsockopt(a, SOL_SOCKET, SO_TYPE, &v, &len) == 0 &&
	    v == SOCK_STREAM);
	CHECK(getsockopt(a, SOL_SOCKET, SO_ACCEPTCONN, &v, &len) == 0 &&
	    v == 0);
	FAILS(setsockopt(a, IPPROTO_TCP, 4711, &v, 4), ENOPROTOOPT);
	FAILS(setsockopt(a, SOL_SOCKET, SO_KEEPALIVE, &v, 2), EINVAL);
	FAILS(setsockopt(a, 4711, 1, &v, 4), ENOPROTOOPT);
}

static void
tcp_a_connection_that_ended_before_accept(void)
{
	struct sockaddr_in sin;
	int l = listening(&sin), a = connected(&sin), b;
	char buf[10];

	CHECK(write(a, "bye", 3) == 3);
	close(a);
	usleep(20000);
	CHECK((b = accept(l, NULL, NULL)) != -1);
	CHECK(read(b, buf, 10) == 3 && read(b, buf, 10) == 0);
}

static void
tcp_shutdown_wakes_who_accepts(void)
{
	struct sockaddr_in sin;
	int l = listening(&sin), status;

	if (fork() == 0) {
		usleep(50000);
		shutdown(l, SHUT_RDWR);
		_exit(0);
	}
	FAILS(accept(l, NULL, NULL), EINVAL);
	CHECK(wait(&status) != -1);
}

static void
tcp_of_ipv6_takes_both(void)
{
	struct sockaddr_in6 any = v6("::", 0), peer;
	struct sockaddr_in sin;
	socklen_t len = sizeof(any);
	int l = socket(AF_INET6, SOCK_STREAM, 0), a, b;
	char c;

	CHECK(bind(l, SA(&any), sizeof(any)) == 0 && listen(l, 2) == 0);
	CHECK(getsockname(l, SA(&any), &len) == 0);
	sin = v4(INADDR_LOOPBACK, ntohs(any.sin6_port));
	a = connected(&sin);
	len = sizeof(peer);
	CHECK((b = accept(l, SA(&peer), &len)) != -1);
	CHECK(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
	CHECK(write(b, "x", 1) == 1 && read(a, &c, 1) == 1);
	any = v6("::1", ntohs(any.sin6_port));
	a = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK(connect(a, SA(&any), sizeof(any)) == 0);
	CHECK((b = accept(l, SA(&peer), &len)) != -1);
	CHECK(IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
	CHECK(write(b, "x", 1) == 1 && read(a, &c, 1) == 1);
}

static void
tcp_listens_where_it_was_not_bound(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(listen(l, 1) == 0 && getsockname(l, SA(&sin), &len) == 0);
	CHECK(sin.sin_port != 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	close(connected(&sin));
}

static void
tcp_many_at_once(void)
{
	struct sockaddr_in sin;
	int l = listening(&sin), a[100], b[100], i;
	char c;

	CHECK(listen(l, 128) == 0);
	for (i = 0; i < 100; i++)
		a[i] = connected(&sin);
	for (i = 0; i < 100; i++)
		CHECK((b[i] = accept(l, NULL, NULL)) != -1);
	for (i = 0; i < 100; i++)
		CHECK(write(a[i], &(char){ i }, 1) == 1);
	for (i = 0; i < 100; i++)
		CHECK(read(b[i], &c, 1) == 1);
}

static void
tcp_scattered_messages(void)
{
	struct iovec iov[3] = { { "one ", 4 }, { "two ", 4 }, { "three", 5 } };
	char x[6], y[20];
	struct iovec in[2] = { { x, 6 }, { y, 20 } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 3 };
	int a, b;

	pair(&a, &b);
	CHECK(sendmsg(a, &mh, 0) == 13);
	mh = (struct msghdr){ .msg_iov = in, .msg_iovlen = 2 };
	CHECK(recvmsg(b, &mh, 0) == 13);
	CHECK(memcmp(x, "one tw", 6) == 0 && memcmp(y, "o three", 7) == 0);
	mh.msg_iovlen = 2000;
	FAILS(sendmsg(a, &mh, 0), EMSGSIZE);
}

/* --- errors ---------------------------------------------------------------------- */

static void
sockets_that_are_none(void)
{
	struct sockaddr_in sin = v4(INADDR_LOOPBACK, 1);
	int fd[2];

	CHECK(pipe(fd) == 0);
	FAILS(bind(fd[0], SA(&sin), sizeof(sin)), ENOTSOCK);
	FAILS(listen(77, 1), EBADF);
	FAILS(socket(AF_INET, 77, 0), EINVAL);
	FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	FAILS(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(AF_INET, SOCK_STREAM | 0x10000, 0), EINVAL);
	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	FAILS(listen(fd[0], 1), EOPNOTSUPP);
	FAILS(accept(fd[0], NULL, NULL), EOPNOTSUPP);
	FAILS(bind(fd[0], SA(&sin), 3), EINVAL);
	FAILS(bind(fd[0], (void *)1, sizeof(sin)), EFAULT);
	FAILS(connect(fd[0], SA(&sin), 0xffff), EINVAL);
	FAILS(shutdown(fd[0], SHUT_WR), ENOTCONN);
	FAILS(getpeername(fd[0], SA(&sin), &(socklen_t){ sizeof(sin) }),
	    ENOTCONN);
	sin.sin_family = AF_INET6;
	FAILS(connect(fd[0], SA(&sin), sizeof(sin)), EAFNOSUPPORT);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	FAILS(shutdown(fd[0], SHUT_WR), ENOTCONN);
	FAILS(read(fd[0], &sin, 1), ENOTCONN);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(fd[0], &sin, 1), EPIPE);
	FAILS(lseek(fd[0], 0, SEEK_SET), ESPIPE);
}

/* --- epoll and eventfd -------------------------------------------------------------- */

static int
ep_wait(int ep, struct epoll_event *e, int msec)
{
	int n = epoll_wait(ep, e, 8, msec);

	CHECK(n >= 0);
	return (n);
}

static void
ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	CHECK(epoll_ctl(ep, op, fd, &e) == 0);
}

static void
epoll_levels(void)
{
	struct epoll_event e[8];
	int ep = epoll_create1(EPOLL_CLOEXEC), a, b;
	char c;

	pair(&a, &b);
	CHECK(ep != -1 && fcntl(ep, F_GETFD) == FD_CLOEXEC);
	ep_ctl(ep, EPOLL_CTL_ADD, b, EPOLLIN, 0x1122334455667788);
	CHECK(ep_wait(ep, e, 0) == 0);
	CHECK(write(a, "xy", 2) == 2);
	CHECK(ep_wait(ep, e, 1000) == 1 && e[0].events == EPOLLIN &&
	    e[0].data.u64 == 0x1122334455667788);
	CHECK(read(b, &c, 1) == 1);
	CHECK(ep_wait(ep, e, 0) == 1);
	CHECK(read(b, &c, 1) == 1);
	CHECK(ep_wait(ep, e, 20) == 0);
	ep_ctl(ep, EPOLL_CTL_MOD, b, EPOLLIN | EPOLLOUT, 5);
	CHECK(ep_wait(ep, e, 0) == 1 && e[0].events == EPOLLOUT &&
	    e[0].data.u64 == 5);
}

static void
epoll_edges(void)
{
	struct epoll_event e[8];
	int ep = epoll_create1(0), a, b;
	char c;

	pair(&a, &b);
	ep_ctl(ep, EPOLL_CTL_ADD, b, EPOLLIN | EPOLLET, 1);
	CHECK(write(a, "xy", 2) == 2);
	CHECK(ep_wait(ep, e, 1000) == 1);
	CHECK(ep_wait(ep, e, 20) == 0);
	CHECK(read(b, &c, 1) == 1);
	CHECK(ep_wait(ep, e, 20) == 0);
	CHECK(write(a, "z", 1) == 1);
	CHECK(ep_wait(ep, e, 1000) == 1);
	close(a);
	CHECK(ep_wait(ep, e, 1000) == 1 && (e[0].events & EPOLLIN));
}

static void
epoll_once(void)
{
	struct epoll_event e[8];
	int ep = epoll_create1(0), a, b;

	pair(&a, &b);
	ep_ctl(ep, EPOLL_CTL_ADD, b, EPOLLIN | EPOLLONESHOT, 1);
	CHECK(write(a, "x", 1) == 1);
	CHECK(ep_wait(ep, e, 1000) == 1);
	CHECK(ep_wait(ep, e, 20) == 0);
	CHECK(write(a, "x", 1) == 1);
	CHECK(ep_wait(ep, e, 20) == 0);
	ep_ctl(ep, EPOLL_CTL_MOD, b, EPOLLIN | EPOLLONESHOT, 2);
	CHECK(ep_wait(ep, e, 1000) == 1 && e[0].data.u64 == 2);
}

static void
epoll_forgets_what_is_closed(void)
{
	struct epoll_event e[8] = { { 0 } };
	int ep = epoll_create1(0), a, b, c;

	pair(&a, &b);
	CHECK((c = dup(b)) != -1);
	ep_ctl(ep, EPOLL_CTL_ADD, b, EPOLLIN, 1);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, b, e), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, c, e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, e), EINVAL);
	FAILS(epoll_ctl(b, EPOLL_CTL_ADD, a, e), EINVAL);
	FAILS(epoll_ctl(ep, 9, a, e), EINVAL);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 99, e), EBADF);
	close(b);
	CHECK(write(a, "x", 1) == 1);
	CHECK(ep_wait(ep, e, 1000) == 1);	/* the other one is open */
	close(c);
	CHECK(ep_wait(ep, e, 20) == 0);
	FAILS(epoll_wait(ep, e, 0, 0), EINVAL);
}

static void
epoll_of_many(void)
{
	struct epoll_event e[8];
	int ep = epoll_create1(0), a[50], b[50], i, n, seen = 0;
	uint64_t which = 0;

	for (i = 0; i < 50; i++) {
		pair(&a[i], &b[i]);
		ep_ctl(ep, EPOLL_CTL_ADD, b[i], EPOLLIN, i);
	}
	for (i = 0; i < 50; i += 3)
		CHECK(write(a[i], "x", 1) == 1);
	usleep(10000);
	while (seen < 17) {
		CHECK((n = ep_wait(ep, e, 1000)) > 0);
		for (i = 0; i < n; i++) {
			CHECK(e[i].data.u64 % 3 == 0);
			if (which & 1ULL << e[i].data.u64)
				continue;
			which |= 1ULL << e[i].data.u64;
			seen++;
		}
	}
}

static void
epoll_wakes_who_waits(void)
{
	struct epoll_event e[8];
	int ep = epoll_create1(0), fd[2];

	CHECK(pipe(fd) == 0);
	ep_ctl(ep, EPOLL_CTL_ADD, fd[0], EPOLLIN, 7);
	if (fork() == 0) {
		usleep(30000);
		CHECK(write(fd[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(ep_wait(ep, e, 5000) == 1 && e[0].data.u64 == 7);
	CHECK(events(ep, POLLIN, 0) == POLLIN);
}

static void
eventfd_counts(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), s = eventfd(2, EFD_SEMAPHORE);
	uint64_t v = 4;

	CHECK(write(fd, &v, 8) == 8);
	CHECK(events(fd, POLLIN | POLLOUT, 0) == (POLLIN | POLLOUT));
	CHECK(read(fd, &v, 8) == 8 && v == 7);
	FAILS(read(fd, &v, 8), EAGAIN);
	FAILS(read(fd, &v, 4), EINVAL);
	v = UINT64_MAX;
	FAILS(write(fd, &v, 8), EINVAL);
	v = UINT64_MAX - 1;
	CHECK(write(fd, &v, 8) == 8);
	CHECK(events(fd, POLLOUT, 0) == 0);
	v = 1;
	FAILS(write(fd, &v, 8), EAGAIN);
	CHECK(read(s, &v, 8) == 8 && v == 1);
	CHECK(read(s, &v, 8) == 8 && v == 1);
	CHECK(events(s, POLLIN, 0) == 0);
}

static const struct {
	const char	*name;
	void		(*fn)(void);
} tests[] = {
	{ "udp_there_and_back", udp_there_and_back },
	{ "udp_keeps_boundaries_and_cuts_what_does_not_fit",
	    udp_keeps_boundaries_and_cuts_what_does_not_fit },
	{ "udp_peek_leaves_it", udp_peek_leaves_it },
	{ "udp_connected_hears_its_peer_only",
	    udp_connected_hears_its_peer_only },
	{ "udp_nobody_there_is_told_with_the_next_call",
	    udp_nobody_there_is_told_with_the_next_call },
	{ "udp_limits", udp_limits },
	{ "udp_full_buffer_drops", udp_full_buffer_drops },
	{ "udp_tells_where_a_datagram_went",
	    udp_tells_where_a_datagram_went },
	{ "udp_of_ipv6_takes_both", udp_of_ipv6_takes_both },
	{ "udp_of_ipv6_only_leaves_ipv4_alone",
	    udp_of_ipv6_only_leaves_ipv4_alone },
	{ "udp_several_in_one_call", udp_several_in_one_call },
	{ "udp_one_call_is_cut_into_segments",
	    udp_one_call_is_cut_into_segments },
	{ "udp_groups_come_back_to_who_listens",
	    udp_groups_come_back_to_who_listens },
	{ "tcp_there_and_back", tcp_there_and_back },
	{ "tcp_nobody_listens", tcp_nobody_listens },
	{ "tcp_addresses_in_use", tcp_addresses_in_use },
	{ "tcp_port_is_free_again_with_reuseaddr",
	    tcp_port_is_free_again_with_reuseaddr },
	{ "tcp_connects_without_waiting", tcp_connects_without_waiting },
	{ "tcp_accepts_without_waiting", tcp_accepts_without_waiting },
	{ "tcp_ends_one_way", tcp_ends_one_way },
	{ "tcp_writing_to_nobody", tcp_writing_to_nobody },
	{ "tcp_linger_0_resets", tcp_linger_0_resets },
	{ "tcp_unread_data_reset_the_peer", tcp_unread_data_reset_the_peer },
	{ "tcp_large_transfer", tcp_large_transfer },
	{ "tcp_a_full_peer_stops_the_writer",
	    tcp_a_full_peer_stops_the_writer },
	{ "tcp_flags_of_recv", tcp_flags_of_recv },
	{ "tcp_time_limits", tcp_time_limits },
	{ "tcp_urgent_byte", tcp_urgent_byte },
	{ "tcp_options", tcp_options },
	{ "tcp_a_connection_that_ended_before_accept",
	    tcp_a_connection_that_ended_before_accept },
	{ "tcp_shutdown_wakes_who_accepts", tcp_shutdown_wakes_who_accepts },
	{ "tcp_of_ipv6_takes_both", tcp_of_ipv6_takes_both },
	{ "tcp_listens_where_it_was_not_bound",
	    tcp_listens_where_it_was_not_bound },
	{ "tcp_many_at_once", tcp_many_at_once },
	{ "tcp_scattered_messages", tcp_scattered_messages },
	{ "sockets_that_are_none", sockets_that_are_none },
	{ "epoll_levels", epoll_levels },
	{ "epoll_edges", epoll_edges },
	{ "epoll_once", epoll_once },
	{ "epoll_forgets_what_is_closed", epoll_forgets_what_is_closed },
	{ "epoll_of_many", epoll_of_many },
	{ "epoll_wakes_who_waits", epoll_wakes_who_waits },
	{ "eventfd_counts", eventfd_counts },
};

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].name) == 0) {
			tests[i].fn();
			puts("ok");
			return (0);
		}
	}
	errx(2, "no such test");
}
