/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the programs about the network share: addresses as text, names, and
 * requests to interfaces.
 */

#ifndef CRUNCH_NET_H
#define CRUNCH_NET_H

#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address of either family, with a scope for IPv6. */
struct addr {
	int		a_family;		/* AF_INET, AF_INET6 */
	uint8_t		a_bytes[16];
	unsigned int	a_scope;
};
#define ADDR_STRLEN	64

/*
 * addr_parse: "10.0.2.2", "fe80::1%vio0"; 0, or -1: it is none.
 * addr_parse_prefix: with "/LENGTH" behind it, which is -1 if there is none.
 * addr_format: the shortest usual form (RFC 5952); returns buf.
 * addr_resolve: an address, or a name by /etc/hosts and the servers of
 *	/etc/resolv.conf; family 0: the first there is.  0, or -1: no such.
 * addr_sockaddr: for the kernel; returns the length.
 * in4_host, in4_set: IPv4 as a number in the machine's order.
 */
int	addr_parse(const char *, struct addr *);
int	addr_parse_prefix(const char *, struct addr *, int *);
char	*addr_format(const struct addr *, char *, size_t);
int	addr_resolve(const char *, int, struct addr *);
socklen_t addr_sockaddr(const struct addr *, unsigned int,
	    struct sockaddr_storage *);
uint32_t in4_host(const struct addr *);
void	in4_set(struct addr *, uint32_t);

/* a socket to ask of interfaces; does not return if there is none */
int	net_socket(int);
/* fills in the name, which must fit; -1 and errno */
int	net_ifreq(int, unsigned long, const char *, struct ifreq *);
/* an address of IPv4 by such a request; -1 and errno */
int	net_inet(int, unsigned long, const char *, struct addr *);
/* the names of all interfaces, into one list as dir_names() makes */
char	**net_names(size_t *);

/*
 * net_counters: those of /proc/net/dev for an interface, received ones and
 *	then sent ones.  -1: there is no such.
 * net_inet6: the next address of an interface among the lines of
 *	/proc/net/if_inet6; -1: there is none.
 */
#define NET_NCOUNTERS	16
#define NET_RX		0
#define NET_TX		8		/* and bytes, packets, errors, dropped */
struct inet6_line {
	struct addr	il_addr;
	unsigned int	il_index, il_plen, il_flags;
};
int	net_counters(const char *, unsigned long long *);
int	net_inet6(char **, const char *, struct inet6_line *);

uint64_t net_msec(void);			/* a clock that only goes on */
int	net_wait(int, int);			/* readable in so many ms: 1 */

#endif /* CRUNCH_NET_H */
