/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../bin/crunch/net.h"
#include "qga.h"

/* That of a loopback is all zeroes; who asks wants to see one. */
static void
put_hardware(struct jwriter *w, int fd, const char *name)
{
	const uint8_t *a;
	struct ifreq ifr;
	char buf[20];

	if (net_ifreq(fd, SIOCGIFHWADDR, name, &ifr) == -1 ||
	    (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    ifr.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK))
		return;
	a = (const uint8_t *)ifr.ifr_hwaddr.sa_data;
	snfmt(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1],
	    a[2], a[3], a[4], a[5]);
	jw_kstr(w, "hardware-address", buf);
}

static void
put_address(struct jwriter *w, const struct addr *a, int prefix)
{
	char buf[ADDR_STRLEN];

	jw_open(w, '{');
	jw_kstr(w, "ip-address", addr_format(a, buf, sizeof(buf)));
	jw_kstr(w, "ip-address-type", a->a_family == AF_INET ? "ipv4" :
	    "ipv6");
	jw_kint(w, "prefix", prefix);
	jw_close(w, '}');
}

static void
put_inet(struct jwriter *w, int fd, const char *name)
{
	struct addr a, mask;
	int prefix = 32;

	if (net_inet(fd, SIOCGIFADDR, name, &a) == -1)
		return;
	if (net_inet(fd, SIOCGIFNETMASK, name, &mask) == 0)
		prefix = __builtin_popcount(in4_host(&mask));
	put_address(w, &a, prefix);
}

static void
put_addresses(struct jwriter *w, int fd, const char *name)
{
	struct inet6_line il;
	char *lines;

	jw_key(w, "ip-addresses");
	jw_open(w, '[');
	put_inet(w, fd, name);
	lines = file_lines("/proc/net/if_inet6");
	while (net_inet6(&lines, name, &il) == 0)
		put_address(w, &il.il_addr, il.il_plen);
	jw_close(w, ']');
}

static void
put_statistics(struct jwriter *w, const char *name)
{
	static const char *const keys[] = {
		"rx-bytes", "rx-packets", "rx-errs", "rx-dropped",
		NULL, NULL, NULL, NULL,
		"tx-bytes", "tx-packets", "tx-errs", "tx-dropped",
	};
	unsigned long long v[NET_NCOUNTERS];
	size_t i;

	if (net_counters(name, v) == -1)
		return;
	jw_key(w, "statistics");
	jw_open(w, '{');
	for (i = 0; i < nitems(keys); i++) {
		if (keys[i] != NULL)
			jw_kuint(w, keys[i], v[i]);
	}
	jw_close(w, '}');
}

void
qga_network(struct request *r)
{
	struct jwriter *w = r->r_out;
	char **names, **p;
	size_t n;
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || access("/proc/net/dev", R_OK) == -1) {
		req_error(r, "failed to list the interfaces: %s",
		    errstr(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	names = net_names(&n);
	jw_open(w, '[');
	for (p = names; n-- > 0; p++) {
		jw_open(w, '{');
		jw_kstr(w, "name", *p);
		put_hardware(w, fd, *p);
		put_addresses(w, fd, *p);
		put_statistics(w, *p);
		jw_close(w, '}');
	}
	jw_close(w, ']');
	if (names != NULL)
		dir_free(names);
	close(fd);
}
