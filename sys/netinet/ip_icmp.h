/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IP_ICMP_H_
#define _NETINET_IP_ICMP_H_

#include <netinet/ip_var.h>

/* softint all; they take the packet over */
void	icmp_input(struct mbuf *, const struct ip_in *);
void	icmp_unreachable(struct mbuf *, const struct ip_in *,
	    enum ip_unreach);

#endif /* _NETINET_IP_ICMP_H_ */
