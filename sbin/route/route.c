/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <net/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/net.h"
#include "../../bin/crunch/util.h"

#define USAGE	"[show | add | delete destination[/length] gateway | " \
		"-interface name [-metric n]]"

/* --- showing ----------------------------------------------------------------------- */

static void
show_flags(unsigned int flags)
{
	outf("U%s%s%s", flags & RTF_GATEWAY ? "G" : "",
	    flags & RTF_HOST ? "H" : "", flags & RTF_REJECT ? "R" : "");
}

/* The next word of a line between blanks; "" at its end. */
static char *
word(char **pp)
{
	char *s, *p = *pp;

	while (*p == ' ' || *p == '\t')
		p++;
	for (s = p; *p != '\0' && *p != ' ' && *p != '\t'; p++)
		continue;
	if (*p != '\0')
		*p++ = '\0';
	*pp = p;
	return (s);
}

static unsigned long long
hexword(char **pp)
{
	unsigned long long v = 0;

	(void)num_parse(word(pp), 16, ~0ULL, &v);
	return (v);
}

/* The kernel prints the bytes of memory as a number. */
static void
addr_raw(struct addr *a, unsigned long long v)
{
	uint32_t w = v;

	memset(a, 0, sizeof(*a));
	a->a_family = AF_INET;
	memcpy(a->a_bytes, &w, 4);
}

static void
line4(char *p)
{
	char buf[ADDR_STRLEN], text[ADDR_STRLEN + 8];
	char *name = word(&p);
	unsigned int flags, plen;
	struct addr dst, gw, mask;
	unsigned long long metric = 0;

	addr_raw(&dst, hexword(&p));
	addr_raw(&gw, hexword(&p));
	flags = hexword(&p);
	(void)word(&p);
	(void)word(&p);
	(void)num_parse(word(&p), 10, ~0U, &metric);
	addr_raw(&mask, hexword(&p));
	for (plen = 0; plen < 32 && (in4_host(&mask) << plen) >> 31; plen++)
		continue;
	if (plen == 0)
		snfmt(text, sizeof(text), "default");
	else
		snfmt(text, sizeof(text), "%s/%u",
		    addr_format(&dst, buf, sizeof(buf)), plen);
	outf("%-34s ", text);
	outf("%-26s ", flags & RTF_GATEWAY ?
	    addr_format(&gw, buf, sizeof(buf)) : "link");
	show_flags(flags);
	outf("\t%llu\t%s\n", metric, name);
}

static void
hexaddr(const char *s, struct addr *a)
{
	char two[3] = "";
	unsigned long long v;
	int i;

	memset(a, 0, sizeof(*a));
	a->a_family = AF_INET6;
	for (i = 0; i < 16 && s[0] != '\0' && s[1] != '\0'; i++, s += 2) {
		two[0] = s[0];
		two[1] = s[1];
		if (num_parse(two, 16, 255, &v) == 0)
			a->a_bytes[i] = v;
	}
}

static void
line6(char *p)
{
	char buf[ADDR_STRLEN], text[ADDR_STRLEN + 8];
	unsigned long long plen, metric, flags;
	struct addr dst, gw;

	hexaddr(word(&p), &dst);
	plen = hexword(&p);
	(void)word(&p);
	(void)word(&p);
	hexaddr(word(&p), &gw);
	metric = hexword(&p);
	(void)word(&p);
	(void)word(&p);
	flags = hexword(&p);
	if (plen == 0)
		snfmt(text, sizeof(text), "default");
	else
		snfmt(text, sizeof(text), "%s/%llu",
		    addr_format(&dst, buf, sizeof(buf)), plen);
	outf("%-34s ", text);
	outf("%-26s ", flags & RTF_GATEWAY ?
	    addr_format(&gw, buf, sizeof(buf)) : "link");
	show_flags(flags);
	outf("\t%llu\t%s\n", metric, word(&p));
}

static void
show_file(const char *path, int heads, void (*line)(char *))
{
	char *p, *end;

	if (file_read(path, iobuf, IOBUFSZ) == -1)
		err(1, "%s", path);
	for (p = iobuf; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		*end = '\0';
		if (heads-- <= 0)
			line(p);
	}
}

static void
show(void)
{
	outf("%-34s %-26s Flags\tMetric\tInterface\n", "Destination",
	    "Gateway");
	show_file("/proc/net/route", 1, line4);
	show_file("/proc/net/ipv6_route", 0, line6);
}

/* --- setting ----------------------------------------------------------------------- */

struct request {
	struct addr	 dst, gw;
	int		 plen, has_gw;
	char		*ifname;
	unsigned int	 metric;
};

static int
change4(const struct request *r, int add)
{
	struct sockaddr_storage ss;
	struct rtentry rt;
	struct addr mask;
	int fd = net_socket(AF_INET), n;

	memset(&rt, 0, sizeof(rt));
	addr_sockaddr(&r->dst, 0, &ss);
	memcpy(&rt.rt_dst, &ss, sizeof(rt.rt_dst));
	in4_set(&mask, r->plen == 0 ? 0 : 0xffffffffU << (32 - r->plen));
	addr_sockaddr(&mask, 0, &ss);
	memcpy(&rt.rt_genmask, &ss, sizeof(rt.rt_genmask));
	rt.rt_flags = RTF_UP;
	if (r->has_gw) {
		addr_sockaddr(&r->gw, 0, &ss);
		memcpy(&rt.rt_gateway, &ss, sizeof(rt.rt_gateway));
		rt.rt_flags |= RTF_GATEWAY;
	}
	rt.rt_metric = r->metric + 1;
	rt.rt_dev = r->ifname;
	n = ioctl(fd, add ? SIOCADDRT : SIOCDELRT, &rt);
	close(fd);
	return (n);
}

static int
change6(const struct request *r, int add)
{
	struct {
		uint8_t		dst[16], src[16], gw[16];
		uint32_t	type;
		uint16_t	dstlen, srclen;
		uint32_t	metric;
		unsigned long	info;
		uint32_t	flags;
		int		ifindex;
	} rt;
	struct ifreq ifr;
	int fd = net_socket(AF_INET6), n;

	memset(&rt, 0, sizeof(rt));
	memcpy(rt.dst, r->dst.a_bytes, 16);
	rt.dstlen = r->plen;
	rt.metric = r->metric;
	rt.flags = RTF_UP;
	rt.ifindex = r->has_gw ? (int)r->gw.a_scope : 0;
	if (r->has_gw) {
		memcpy(rt.gw, r->gw.a_bytes, 16);
		rt.flags |= RTF_GATEWAY;
	}
	if (r->ifname != NULL) {
		if (net_ifreq(fd, SIOCGIFINDEX, r->ifname, &ifr) == -1)
			err(1, "%s", r->ifname);
		rt.ifindex = ifr.ifr_ifindex;
	}
	n = ioctl(fd, add ? SIOCADDRT : SIOCDELRT, &rt);
	close(fd);
	return (n);
}

static void
parse_dst(char *text, int family, struct request *r)
{
	if (strcmp(text, "default") == 0) {
		memset(&r->dst, 0, sizeof(r->dst));
		r->dst.a_family = family;
		r->plen = 0;
		return;
	}
	if (addr_parse_prefix(text, &r->dst, &r->plen) == -1)
		errx(1, "%s: bad destination", text);
	if (r->plen == -1)
		r->plen = r->dst.a_family == AF_INET ? 32 : 128;
}

static void
change(int add, int argc, char **argv)
{
	struct request r = { .metric = 0 };
	unsigned long long v;
	int i, family = AF_INET;

	if (argc < 1)
		usage(USAGE);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-interface") == 0 && i + 1 < argc)
			r.ifname = argv[++i];
		else if (strcmp(argv[i], "-metric") == 0 && i + 1 < argc &&
		    num_parse(argv[i + 1], 10, 30000, &v) == 0) {
			r.metric = v;
			i++;
		} else if (strcmp(argv[i], "-inet6") == 0)
			family = AF_INET6;
		else if (!r.has_gw && addr_parse(argv[i], &r.gw) == 0) {
			r.has_gw = 1;
			family = r.gw.a_family;
		} else
			errx(1, "%s: bad gateway or option", argv[i]);
	}
	parse_dst(argv[0], family, &r);
	if (r.has_gw && r.gw.a_family != r.dst.a_family)
		errx(1, "destination and gateway are of different families");
	if (add && !r.has_gw && r.ifname == NULL)
		errx(1, "a gateway or an interface is missing");
	if ((r.dst.a_family == AF_INET ? change4(&r, add) :
	    change6(&r, add)) == -1)
		err(1, "%s", argv[0]);
}

int
route_main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "show";

	if (strcmp(cmd, "show") == 0 || strcmp(cmd, "-n") == 0)
		show();
	else if (strcmp(cmd, "add") == 0)
		change(1, argc - 2, argv + 2);
	else if (strcmp(cmd, "delete") == 0 || strcmp(cmd, "del") == 0)
		change(0, argc - 2, argv + 2);
	else
		usage(USAGE);
	return (0);
}
