/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/net.h"
#include "../../bin/crunch/util.h"

#define USAGE	"[-a | interface [parameter ...]]"

/* the kernel's own: see net/if.h there */
#define SIOCGIFDESCR	0x89f0
#define SIOCSIFCAP	0x89f1

struct ifdescr {
	char	ifd_name[IFNAMSIZ];
	char	ifd_text[1008];
};

struct in6_ifreq_ {
	uint8_t		addr[16];
	uint32_t	plen;
	int		ifindex;
};

static int	fd4;

/* --- showing ----------------------------------------------------------------------- */

static const struct {
	unsigned int	 bit;
	const char	*name;
} flagnames[] = {
	{ IFF_UP, "UP" }, { IFF_BROADCAST, "BROADCAST" },
	{ IFF_DEBUG, "DEBUG" }, { IFF_LOOPBACK, "LOOPBACK" },
	{ IFF_POINTOPOINT, "POINTOPOINT" }, { IFF_RUNNING, "RUNNING" },
	{ IFF_NOARP, "NOARP" }, { IFF_PROMISC, "PROMISC" },
	{ IFF_ALLMULTI, "ALLMULTI" }, { IFF_MULTICAST, "MULTICAST" },
};

static void
show_flags(const char *name)
{
	unsigned int flags, i;
	struct ifreq ifr;
	const char *sep = "";

	if (net_ifreq(fd4, SIOCGIFFLAGS, name, &ifr) == -1)
		err(1, "%s", name);
	flags = (unsigned short)ifr.ifr_flags;
	outf("%s: flags=%x<", name, flags);
	for (i = 0; i < nitems(flagnames); i++) {
		if (flags & flagnames[i].bit) {
			outf("%s%s", sep, flagnames[i].name);
			sep = ",";
		}
	}
	outf(">");
	if (net_ifreq(fd4, SIOCGIFMTU, name, &ifr) == 0)
		outf(" mtu %d", ifr.ifr_mtu);
	outf("\n");
}

static void
show_lladdr(const char *name)
{
	const uint8_t *a;
	struct ifreq ifr;

	if (net_ifreq(fd4, SIOCGIFHWADDR, name, &ifr) == 0 &&
	    ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER) {
		a = (const uint8_t *)ifr.ifr_hwaddr.sa_data;
		outf("\tlladdr %02x:%02x:%02x:%02x:%02x:%02x\n", a[0], a[1],
		    a[2], a[3], a[4], a[5]);
	}
	if (net_ifreq(fd4, SIOCGIFINDEX, name, &ifr) == 0)
		outf("\tindex %d\n", ifr.ifr_ifindex);
}

/* What the device says of itself, a line each. */
static void
show_device(const char *name)
{
	struct ifdescr d;
	char *p, *end;

	memset(&d, 0, sizeof(d));
	snfmt(d.ifd_name, sizeof(d.ifd_name), "%s", name);
	if (ioctl(fd4, SIOCGIFDESCR, &d) == -1)
		return;
	for (p = d.ifd_text; *p != '\0'; p = end) {
		if ((end = strchr(p, '\n')) != NULL)
			*end++ = '\0';
		else
			end = p + strlen(p);
		if (*p != '\0')
			outf("\t%s\n", p);
	}
}

static void
show_inet(const char *name)
{
	char buf[ADDR_STRLEN];
	struct addr a;

	if (net_inet(fd4, SIOCGIFADDR, name, &a) == -1)
		return;
	outf("\tinet %s", addr_format(&a, buf, sizeof(buf)));
	if (net_inet(fd4, SIOCGIFNETMASK, name, &a) == 0)
		outf(" netmask %s", addr_format(&a, buf, sizeof(buf)));
	if (net_inet(fd4, SIOCGIFBRDADDR, name, &a) == 0 && in4_host(&a) != 0)
		outf(" broadcast %s", addr_format(&a, buf, sizeof(buf)));
	outf("\n");
}

static int
hex(const char *s, int n)
{
	int v = 0;

	while (n-- > 0 && *s != '\0') {
		v = v * 16 + (*s >= 'a' ? *s - 'a' + 10 : *s - '0');
		s++;
	}
	return (v);
}

static void
show_inet6(const char *name)
{
	char *lines = file_lines("/proc/net/if_inet6"), buf[ADDR_STRLEN];
	struct inet6_line il;
	int local;

	while (net_inet6(&lines, name, &il) == 0) {
		local = il.il_addr.a_bytes[0] == 0xfe &&
		    (il.il_addr.a_bytes[1] & 0xc0) == 0x80;
		outf("\tinet6 %s", addr_format(&il.il_addr, buf,
		    sizeof(buf)));
		if (local)
			outf("%%%s", name);
		outf(" prefixlen %u", il.il_plen);
		if (local)
			outf(" scopeid 0x%x", il.il_index);
		outf("%s%s%s%s\n", il.il_flags & 0x40 ? " tentative" : "",
		    il.il_flags & 0x08 ? " duplicated" : "",
		    il.il_flags & 0x20 ? " deprecated" : "",
		    il.il_flags & 0x80 ? "" : " autoconf");
	}
}

static void
show_counters(const char *name)
{
	unsigned long long v[NET_NCOUNTERS];

	if (net_counters(name, v) == -1)
		return;
	outf("\tinput %llu packets, %llu bytes, %llu errors, %llu dropped\n"
	    "\toutput %llu packets, %llu bytes, %llu errors, %llu dropped\n",
	    v[NET_RX + 1], v[NET_RX], v[NET_RX + 2], v[NET_RX + 3],
	    v[NET_TX + 1], v[NET_TX], v[NET_TX + 2], v[NET_TX + 3]);
}

static void
show(const char *name)
{
	show_flags(name);
	show_lladdr(name);
	show_device(name);
	show_inet(name);
	show_inet6(name);
	show_counters(name);
}

/* --- setting ----------------------------------------------------------------------- */

static void
set_flag(const char *name, unsigned int flag, int on)
{
	struct ifreq ifr;

	if (net_ifreq(fd4, SIOCGIFFLAGS, name, &ifr) == -1)
		err(1, "%s", name);
	if (on)
		ifr.ifr_flags |= flag;
	else
		ifr.ifr_flags &= ~flag;
	if (net_ifreq(fd4, SIOCSIFFLAGS, name, &ifr) == -1)
		err(1, "%s", name);
}

static void
put_inet(const char *name, unsigned long cmd, const struct addr *a)
{
	struct sockaddr_storage ss;
	struct ifreq ifr;

	addr_sockaddr(a, 0, &ss);
	memcpy(&ifr.ifr_addr, &ss, sizeof(struct sockaddr_in));
	if (net_ifreq(fd4, cmd, name, &ifr) == -1)
		err(1, "%s", name);
}

static void
set_inet(const char *name, const struct addr *a, int plen)
{
	struct addr mask;

	put_inet(name, SIOCSIFADDR, a);
	if (plen >= 0) {
		in4_set(&mask, plen == 0 ? 0 : 0xffffffffU << (32 - plen));
		put_inet(name, SIOCSIFNETMASK, &mask);
	}
}

static void
set_inet6(const char *name, const struct addr *a, int plen, int add)
{
	struct in6_ifreq_ req;
	struct ifreq ifr;
	int fd;

	if (net_ifreq(fd4, SIOCGIFINDEX, name, &ifr) == -1)
		err(1, "%s", name);
	memcpy(req.addr, a->a_bytes, 16);
	req.plen = plen < 0 ? 64 : plen;
	req.ifindex = ifr.ifr_ifindex;
	fd = net_socket(AF_INET6);
	if (ioctl(fd, add ? SIOCSIFADDR : SIOCDIFADDR, &req) == -1)
		err(1, "%s", name);
	close(fd);
}

static void
set_addr(const char *name, const char *text, int family, int add)
{
	struct addr a;
	int plen;

	if (addr_parse_prefix(text, &a, &plen) == -1 ||
	    (family != 0 && a.a_family != family))
		errx(1, "%s: bad address or parameter", text);
	if (a.a_family == AF_INET6)
		set_inet6(name, &a, plen, add);
	else {
		if (!add)
			in4_set(&a, 0);
		set_inet(name, &a, add ? plen : -1);
	}
}

static void
set_mask(const char *name, unsigned long cmd, const char *text)
{
	unsigned long long v;
	struct addr a;

	if (cmd == SIOCSIFNETMASK && strncmp(text, "0x", 2) == 0 &&
	    num_parse(text + 2, 16, 0xffffffff, &v) == 0)
		in4_set(&a, v);
	else if (addr_parse(text, &a) == -1 || a.a_family != AF_INET)
		errx(1, "%s: bad address", text);
	put_inet(name, cmd, &a);
}

static void
set_lladdr(const char *name, const char *text)
{
	struct ifreq ifr;
	uint8_t b[6];
	const char *p;
	int i;

	for (i = 0, p = text; i < 6; i++) {
		if (strlen(p) < 2 || (i < 5 ? p[2] != ':' : p[2] != '\0'))
			errx(1, "%s: bad link-layer address", text);
		b[i] = hex(p, 2);
		p += 3;
	}
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, b, 6);
	if (net_ifreq(fd4, SIOCSIFHWADDR, name, &ifr) == -1)
		err(1, "%s", name);
}

static void
set_mtu(const char *name, const char *text)
{
	unsigned long long v;
	struct ifreq ifr;

	if (num_parse(text, 10, 65535, &v) == -1)
		errx(1, "%s: bad mtu", text);
	ifr.ifr_mtu = v;
	if (net_ifreq(fd4, SIOCSIFMTU, name, &ifr) == -1)
		err(1, "%s", name);
}

/* false: not a word for an offload that there is. */
static int
set_cap(const char *name, const char *word)
{
	struct ifdescr d;

	memset(&d, 0, sizeof(d));
	snfmt(d.ifd_name, sizeof(d.ifd_name), "%s", name);
	snfmt(d.ifd_text, sizeof(d.ifd_text), "%s", word);
	return (ioctl(fd4, SIOCSIFCAP, &d) == 0);
}

static int
is_cap(const char *word)
{
	static const char *const words[] = {
	    "csum", "rxcsum", "tso", "tso4", "tso6", "uso", "lro" };
	size_t i;

	for (i = 0; i < nitems(words); i++) {
		if (strcmp(word + (*word == '-'), words[i]) == 0)
			return (1);
	}
	return (0);
}

/* One parameter; those that have an argument take the next word. */
static int
set_one(const char *name, char **argv)
{
	const char *w = argv[0], *arg = argv[1];
	static const char *const with[] = { "mtu", "netmask", "broadcast",
	    "lladdr", "inet", "inet6", "delete" };
	size_t i;

	for (i = 0; i < nitems(with) && strcmp(w, with[i]) != 0; i++)
		continue;
	if (i < nitems(with) && arg == NULL)
		errx(1, "%s: an argument is missing", w);
	if (strcmp(w, "up") == 0 || strcmp(w, "down") == 0)
		set_flag(name, IFF_UP, *w == 'u');
	else if (strcmp(w + (*w == '-'), "promisc") == 0)
		set_flag(name, IFF_PROMISC, *w != '-');
	else if (strcmp(w + (*w == '-'), "allmulti") == 0)
		set_flag(name, IFF_ALLMULTI, *w != '-');
	else if (is_cap(w)) {
		if (!set_cap(name, w))
			err(1, "%s: %s", name, w);
	} else if (strcmp(w, "mtu") == 0)
		set_mtu(name, arg);
	else if (strcmp(w, "netmask") == 0)
		set_mask(name, SIOCSIFNETMASK, arg);
	else if (strcmp(w, "broadcast") == 0)
		set_mask(name, SIOCSIFBRDADDR, arg);
	else if (strcmp(w, "lladdr") == 0)
		set_lladdr(name, arg);
	else if (strcmp(w, "inet") == 0)
		set_addr(name, arg, AF_INET, 1);
	else if (strcmp(w, "inet6") == 0)
		set_addr(name, arg, AF_INET6, 1);
	else if (strcmp(w, "delete") == 0)
		set_addr(name, arg, 0, 0);
	else {
		set_addr(name, w, 0, 1);
		return (1);
	}
	return (i < nitems(with) ? 2 : 1);
}

int
ifconfig_main(int argc, char **argv)
{
	char **names;
	size_t i, n;
	int ch;

	while ((ch = opt_get(argc, argv, "a")) != -1) {
		if (ch != 'a')
			usage(USAGE);
	}
	argv += opt_ind;
	argc -= opt_ind;
	fd4 = net_socket(AF_INET);
	if (argc == 0) {
		names = net_names(&n);
		for (i = 0; i < n; i++)
			show(names[i]);
		return (0);
	}
	if (argc == 1) {
		show(argv[0]);
		return (0);
	}
	for (i = 1; argv[i] != NULL;)
		i += set_one(argv[0], argv + i);
	return (0);
}
