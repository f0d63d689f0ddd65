/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * DHCP (RFC 2131, RFC 2132): an address, routes and servers of names for an
 * Ethernet interface, kept as long as the server allows.
 */

#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/net.h"
#include "../../bin/crunch/util.h"

#define USAGE	"[-1d] [-t seconds] -a | interface"

#define SERVER_PORT	67
#define CLIENT_PORT	68
#define BOOTP_LEN	236		/* before the options */
#define DISCOVER	1
#define OFFER		2
#define REQUEST		3
#define ACK		5
#define NAK		6
#define NSERVERS	3
#define NROUTES		8
#define LEASE_MIN	60		/* seconds */

enum option { OPT_PAD = 0, OPT_MASK = 1, OPT_ROUTER = 3, OPT_DNS = 6,
	OPT_HOSTNAME = 12, OPT_DOMAIN = 15, OPT_MTU = 26, OPT_BCAST = 28,
	OPT_WANT = 50, OPT_LEASE = 51, OPT_OVERLOAD = 52, OPT_TYPE = 53,
	OPT_SERVER = 54, OPT_LIST = 55, OPT_MAXSIZE = 57, OPT_T1 = 58,
	OPT_T2 = 59, OPT_CLIENTID = 61, OPT_ROUTES = 121, OPT_END = 255 };

struct lease {
	uint32_t	l_addr, l_mask, l_server, l_router;
	uint32_t	l_dns[NSERVERS];
	struct {
		uint32_t	dst, gw;
		int		plen;
	}		l_routes[NROUTES];
	int		l_ndns, l_nroutes;
	uint32_t	l_time, l_t1, l_t2;	/* seconds */
	uint32_t	l_mtu;
	char		l_domain[128];
};

static const char	*ifname;
static uint8_t		hwaddr[6];
static uint32_t		xid;
static uint64_t		started;
static uint8_t		packet[1500];

/* --- packets ----------------------------------------------------------------------- */

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static uint8_t *
opt_put(uint8_t *p, int opt, const void *data, size_t n)
{
	*p++ = opt;
	*p++ = n;
	memcpy(p, data, n);
	return (p + n);
}

static uint8_t *
opt_put32(uint8_t *p, int opt, uint32_t v)
{
	uint8_t b[4];

	put32(b, v);
	return (opt_put(p, opt, b, 4));
}

static size_t
build(int type, const struct lease *l, int renewing)
{
	static const uint8_t want[] = { OPT_MASK, OPT_ROUTES, OPT_ROUTER,
	    OPT_DNS, OPT_DOMAIN, OPT_MTU, OPT_LEASE, OPT_T1, OPT_T2,
	    OPT_SERVER };
	uint8_t *p = packet, id[7] = { 1 }, t = type;
	unsigned int secs = (net_msec() - started) / 1000;

	memset(packet, 0, sizeof(packet));
	p[0] = 1;			/* a request */
	p[1] = 1;			/* Ethernet */
	p[2] = 6;
	put32(p + 4, xid);
	p[8] = secs >> 8;
	p[9] = secs;
	/* until we have an address the answer must be broadcast */
	if (!renewing)
		p[10] = 0x80;
	else
		put32(p + 12, l->l_addr);
	memcpy(p + 28, hwaddr, 6);
	memcpy(id + 1, hwaddr, 6);
	p += BOOTP_LEN;
	put32(p, 0x63825363);
	p = opt_put(p + 4, OPT_TYPE, &t, 1);
	p = opt_put(p, OPT_CLIENTID, id, sizeof(id));
	if (type == REQUEST && !renewing) {
		p = opt_put32(p, OPT_WANT, l->l_addr);
		p = opt_put32(p, OPT_SERVER, l->l_server);
	}
	p = opt_put(p, OPT_MAXSIZE, "\005\334", 2);
	p = opt_put(p, OPT_LIST, want, sizeof(want));
	*p++ = OPT_END;
	/* some servers drop what is shorter than BOOTP was */
	return (p - packet < 300 ? 300 : p - packet);
}

static void
parse_dns(struct lease *l, const uint8_t *v, size_t n)
{
	for (l->l_ndns = 0; n >= 4 && l->l_ndns < NSERVERS; n -= 4, v += 4)
		l->l_dns[l->l_ndns++] = get32(v);
}

/* RFC 3442 */
static void
parse_routes(struct lease *l, const uint8_t *v, size_t n)
{
	size_t bytes, at = 0, i;
	uint32_t dst;
	int plen;

	l->l_nroutes = 0;
	while (at < n && l->l_nroutes < NROUTES) {
		plen = v[at++];
		bytes = (plen + 7) / 8;
		if (plen > 32 || at + bytes + 4 > n)
			break;
		for (dst = i = 0; i < bytes; i++)
			dst |= (uint32_t)v[at + i] << (24 - 8 * i);
		l->l_routes[l->l_nroutes].dst = plen == 0 ? 0 :
		    dst & 0xffffffffU << (32 - plen);
		l->l_routes[l->l_nroutes].plen = plen;
		l->l_routes[l->l_nroutes++].gw = get32(v + at + bytes);
		at += bytes + 4;
	}
}

/* A name that may stand in resolv.conf; else nothing. */
static void
parse_domain(struct lease *l, const uint8_t *v, size_t n)
{
	size_t i;

	if (n >= sizeof(l->l_domain))
		return;
	for (i = 0; i < n; i++) {
		if (!((v[i] >= 'a' && v[i] <= 'z') || v[i] == '-' ||
		    (v[i] >= 'A' && v[i] <= 'Z') || v[i] == '.' ||
		    (v[i] >= '0' && v[i] <= '9')))
			return;
		l->l_domain[i] = v[i];
	}
	l->l_domain[n] = '\0';
}

static void
parse_option(struct lease *l, int opt, const uint8_t *v, size_t n, int *type)
{
	switch (opt) {
	case OPT_TYPE:
		*type = n == 1 ? v[0] : 0;
		return;
	case OPT_DNS:
		parse_dns(l, v, n);
		return;
	case OPT_ROUTES:
		parse_routes(l, v, n);
		return;
	case OPT_DOMAIN:
		parse_domain(l, v, n);
		return;
	case OPT_MTU:
		l->l_mtu = n == 2 ? v[0] << 8 | v[1] : 0;
		return;
	}
	if (n < 4)
		return;
	switch (opt) {
	case OPT_MASK:
		l->l_mask = get32(v);
		break;
	case OPT_ROUTER:
		l->l_router = get32(v);
		break;
	case OPT_SERVER:
		l->l_server = get32(v);
		break;
	case OPT_LEASE:
		l->l_time = get32(v);
		break;
	case OPT_T1:
		l->l_t1 = get32(v);
		break;
	case OPT_T2:
		l->l_t2 = get32(v);
		break;
	}
}

static void
parse_options(struct lease *l, const uint8_t *p, const uint8_t *end,
    int *type, int *overload)
{
	while (p < end && *p != OPT_END) {
		if (*p == OPT_PAD) {
			p++;
			continue;
		}
		if (end - p < 2 || end - p < 2 + p[1])
			return;
		if (*p == OPT_OVERLOAD && p[1] == 1)
			*overload = p[2];
		parse_option(l, *p, p + 2, p[1], type);
		p += 2 + p[1];
	}
}

/* The type of an answer to us; 0: it is none. */
static int
parse(struct lease *l, size_t n)
{
	int type = 0, overload = 0;

	if (n < BOOTP_LEN + 4 || packet[0] != 2 ||
	    get32(packet + 4) != xid ||
	    memcmp(packet + 28, hwaddr, 6) != 0 ||
	    get32(packet + BOOTP_LEN) != 0x63825363)
		return (0);
	memset(l, 0, sizeof(*l));
	l->l_addr = get32(packet + 16);
	parse_options(l, packet + BOOTP_LEN + 4, packet + n, &type,
	    &overload);
	if (overload & 1)		/* the file's name holds more */
		parse_options(l, packet + 108, packet + 236, &type,
		    &(int){ 0 });
	if (overload & 2)
		parse_options(l, packet + 44, packet + 108, &type,
		    &(int){ 0 });
	return (type);
}

/* --- asking ------------------------------------------------------------------------- */

static int
open_socket(uint32_t from)
{
	struct sockaddr_storage ss;
	struct addr any;
	socklen_t len;
	int fd = net_socket(AF_INET), on = 1;

	in4_set(&any, from);
	len = addr_sockaddr(&any, CLIENT_PORT, &ss);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname,
	    strlen(ifname) + 1) == -1 ||
	    bind(fd, (struct sockaddr *)&ss, len) == -1)
		err(1, "%s: socket", ifname);
	return (fd);
}

static void
send_packet(int fd, uint32_t to, size_t n)
{
	struct sockaddr_storage ss;
	struct addr a;
	socklen_t len;

	in4_set(&a, to);
	len = addr_sockaddr(&a, SERVER_PORT, &ss);
	/* an interface that is not up yet: there is another try */
	(void)sendto(fd, packet, n, 0, (struct sockaddr *)&ss, len);
}

/* An answer of one of two types until that time; 0: none. */
static int
answer(int fd, uint64_t until, int want, int other, struct lease *l)
{
	uint64_t now;
	ssize_t n;
	int type;

	while ((now = net_msec()) < until) {
		if (net_wait(fd, until - now) != 1)
			continue;
		if ((n = recv(fd, packet, sizeof(packet), 0)) <= 0)
			continue;
		type = parse(l, n);
		if (type == NAK || ((type == want || type == other) &&
		    l->l_addr != 0))
			return (type);
	}
	return (0);
}

static uint32_t
random32(void)
{
	struct timespec ts;
	uint32_t v;
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	v = ts.tv_nsec ^ get32(hwaddr + 2);
	if ((fd = open("/dev/urandom", O_RDONLY)) != -1) {
		(void)!read(fd, &v, sizeof(v));
		close(fd);
	}
	return (v);
}

/* 4.1: longer from try to try, and not with all others at once. */
static uint64_t
patience(int try)
{
	uint64_t ms = 1000ULL << (try < 6 ? try : 6);

	return (ms + random32() % 500);
}

/* The whole exchange; 0, or -1: nobody answers in that time (0: for ever). */
static int
acquire(struct lease *l, uint64_t limit)
{
	struct lease offer;
	uint64_t now, until;
	int fd = open_socket(0), try, type;

	for (try = 0;; try++) {
		now = net_msec();
		if (limit != 0 && now - started >= limit)
			break;
		if (try == 0 || try > 3)
			xid = random32();
		until = now + patience(try);
		send_packet(fd, INADDR_BROADCAST, build(DISCOVER, NULL, 0));
		if (answer(fd, until, OFFER, OFFER, &offer) != OFFER)
			continue;
		send_packet(fd, INADDR_BROADCAST, build(REQUEST, &offer, 0));
		type = answer(fd, net_msec() + patience(try), ACK, ACK, l);
		if (type == ACK) {
			close(fd);
			return (0);
		}
	}
	close(fd);
	return (-1);
}

/* --- what was agreed ------------------------------------------------------------------ */

static int	ioctl_fd;

static void
set_inet(unsigned long cmd, uint32_t v)
{
	struct sockaddr_storage ss;
	struct ifreq ifr;
	struct addr a;

	in4_set(&a, v);
	addr_sockaddr(&a, 0, &ss);
	memcpy(&ifr.ifr_addr, &ss, sizeof(struct sockaddr_in));
	if (net_ifreq(ioctl_fd, cmd, ifname, &ifr) == -1)
		warn("%s", ifname);
}

static void
add_route(uint32_t dst, int plen, uint32_t gw)
{
	struct sockaddr_storage ss;
	struct rtentry rt;
	struct addr a;

	memset(&rt, 0, sizeof(rt));
	in4_set(&a, dst);
	addr_sockaddr(&a, 0, &ss);
	memcpy(&rt.rt_dst, &ss, sizeof(rt.rt_dst));
	in4_set(&a, plen == 0 ? 0 : 0xffffffffU << (32 - plen));
	addr_sockaddr(&a, 0, &ss);
	memcpy(&rt.rt_genmask, &ss, sizeof(rt.rt_genmask));
	in4_set(&a, gw);
	addr_sockaddr(&a, 0, &ss);
	memcpy(&rt.rt_gateway, &ss, sizeof(rt.rt_gateway));
	rt.rt_flags = RTF_UP | (gw != 0 ? RTF_GATEWAY : 0);
	rt.rt_dev = (char *)(uintptr_t)ifname;
	if (ioctl(ioctl_fd, SIOCADDRT, &rt) == -1 && errno != EEXIST)
		warn("route");
}

static void
write_resolv(const struct lease *l)
{
	char buf[ADDR_STRLEN], rdnss[256], *p, *next;
	struct addr a;
	int i, fd;

	if (l->l_ndns == 0)
		return;
	fd = open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd == -1) {
		warn("/etc/resolv.conf");
		return;
	}
	out_to(fd);
	if (l->l_domain[0] != '\0')
		outf("search %s\n", l->l_domain);
	for (i = 0; i < l->l_ndns; i++) {
		in4_set(&a, l->l_dns[i]);
		outf("nameserver %s\n", addr_format(&a, buf, sizeof(buf)));
	}
	/* and what routers of IPv6 said */
	if (file_read("/proc/sys/net/inet6/rdnss", rdnss, sizeof(rdnss)) > 0)
		for (p = rdnss; p != NULL && *p != '\0' && *p != '\n';
		    p = next) {
			if ((next = strchr(p, ' ')) != NULL)
				*next++ = '\0';
			else if (strchr(p, '\n') != NULL)
				*strchr(p, '\n') = '\0';
			outf("nameserver %s\n", p);
		}
	out_to(1);
	close(fd);
}

static void
configure(const struct lease *l)
{
	struct ifreq ifr;
	uint32_t mask = l->l_mask;
	int i;

	set_inet(SIOCSIFADDR, l->l_addr);
	if (mask != 0)
		set_inet(SIOCSIFNETMASK, mask);
	if (l->l_mtu >= 576) {
		ifr.ifr_mtu = l->l_mtu;
		(void)net_ifreq(ioctl_fd, SIOCSIFMTU, ifname, &ifr);
	}
	for (i = 0; i < l->l_nroutes; i++)
		add_route(l->l_routes[i].dst, l->l_routes[i].plen,
		    l->l_routes[i].gw);
	/* the routes replace the router where both are given (RFC 3442) */
	if (l->l_nroutes == 0 && l->l_router != 0)
		add_route(0, 0, l->l_router);
	write_resolv(l);
}

static void
report(const struct lease *l)
{
	char a[ADDR_STRLEN], s[ADDR_STRLEN];
	struct addr addr;

	in4_set(&addr, l->l_addr);
	addr_format(&addr, a, sizeof(a));
	in4_set(&addr, l->l_server);
	outf("%s: %s for %u seconds from %s\n", ifname, a,
	    (unsigned int)l->l_time, addr_format(&addr, s, sizeof(s)));
	out_flush();
}

/* Times that make no sense get the usual ones (4.4.5). */
static void
lease_times(struct lease *l)
{
	if (l->l_time < LEASE_MIN)
		l->l_time = LEASE_MIN;
	if (l->l_t2 == 0 || l->l_t2 >= l->l_time)
		l->l_t2 = l->l_time / 8 * 7;
	if (l->l_t1 == 0 || l->l_t1 >= l->l_t2)
		l->l_t1 = l->l_time / 2;
}

static void
sleep_until(uint64_t when)
{
	struct timespec ts;
	uint64_t now;

	while ((now = net_msec()) < when) {
		ts.tv_sec = (when - now) / 1000;
		ts.tv_nsec = (when - now) % 1000 * 1000000;
		(void)nanosleep(&ts, NULL);
	}
}

/* Ask again, first the server, then everybody.  0: it goes on. */
static int
renew(struct lease *l, uint64_t got)
{
	uint64_t end = got + l->l_time * 1000ULL;
	uint64_t t2 = got + l->l_t2 * 1000ULL, now, wait;
	struct lease new;
	int fd, type;

	started = net_msec();
	xid = random32();
	fd = open_socket(l->l_addr);
	for (now = net_msec(); now < end; now = net_msec()) {
		/* half of what is left, a minute at least */
		wait = (now < t2 ? t2 - now : end - now) / 2;
		if (wait < 60000)
			wait = 60000;
		if (wait > end - now)
			wait = end - now;
		send_packet(fd, now < t2 ? l->l_server : INADDR_BROADCAST,
		    build(REQUEST, l, 1));
		type = answer(fd, now + wait, ACK, ACK, &new);
		if (type == ACK || type == NAK) {
			close(fd);
			if (type == NAK)
				return (-1);
			if (new.l_server == 0)
				new.l_server = l->l_server;
			*l = new;
			return (0);
		}
	}
	close(fd);
	return (-1);
}

/* As long as the machine runs. */
static void
keep(struct lease *l)
{
	uint64_t got = net_msec();
	uint32_t had = l->l_addr;

	for (;;) {
		lease_times(l);
		/* for ever */
		if (l->l_time == 0xffffffff)
			return;
		sleep_until(got + l->l_t1 * 1000ULL);
		if (renew(l, got) == -1) {
			set_inet(SIOCSIFADDR, 0);
			started = net_msec();
			(void)acquire(l, 0);
			had = 0;
		}
		got = net_msec();
		if (l->l_addr != had)
			configure(l);
		had = l->l_addr;
	}
}

static int
is_ethernet(const char *name)
{
	struct ifreq ifr;

	if (net_ifreq(ioctl_fd, SIOCGIFHWADDR, name, &ifr) == -1)
		err(1, "%s", name);
	memcpy(hwaddr, ifr.ifr_hwaddr.sa_data, 6);
	return (ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER);
}

static void
bring_up(void)
{
	struct ifreq ifr;

	if (net_ifreq(ioctl_fd, SIOCGIFFLAGS, ifname, &ifr) == -1)
		err(1, "%s", ifname);
	ifr.ifr_flags |= IFF_UP;
	if (net_ifreq(ioctl_fd, SIOCSIFFLAGS, ifname, &ifr) == -1)
		err(1, "%s", ifname);
}

static void
detach(void)
{
	int fd;

	if (fork_plain() != 0)
		die(0);
	setsid();
	if ((fd = open("/dev/null", O_RDWR)) != -1) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
}

static void
run(int once, int foreground, uint64_t limit)
{
	struct lease l;

	started = net_msec();
	bring_up();
	if (acquire(&l, limit) == -1)
		errx(1, "%s: no answer", ifname);
	configure(&l);
	report(&l);
	if (once)
		return;
	if (!foreground)
		detach();
	keep(&l);
}

/* One process for each, in the background, and silent. */
static void
run_all(void)
{
	char **names;
	size_t i, n;

	names = net_names(&n);
	for (i = 0; i < n; i++) {
		ifname = names[i];
		if (!is_ethernet(ifname) || fork_plain() != 0)
			continue;
		detach();
		run(0, 1, 0);
		die(0);
	}
}

int
dhclient_main(int argc, char **argv)
{
	int ch, all = 0, once = 0, foreground = 0;
	unsigned long long limit = 60;

	while ((ch = opt_get(argc, argv, "1adt:")) != -1) {
		switch (ch) {
		case '1':
			once = 1;
			break;
		case 'a':
			all = 1;
			break;
		case 'd':
			foreground = 1;
			break;
		case 't':
			if (num_parse(opt_arg, 10, 86400, &limit) == -1)
				usage(USAGE);
			break;
		default:
			usage(USAGE);
		}
	}
	if (argc - opt_ind != (all ? 0 : 1))
		usage(USAGE);
	ioctl_fd = net_socket(AF_INET);
	if (all) {
		run_all();
		return (0);
	}
	ifname = argv[opt_ind];
	if (!is_ethernet(ifname))
		errx(1, "%s: not Ethernet", ifname);
	run(once, foreground, limit * 1000);
	return (0);
}
