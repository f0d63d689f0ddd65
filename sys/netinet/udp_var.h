/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_UDP_VAR_H_
#define _NETINET_UDP_VAR_H_

struct inpcb;

/* thread context: each socket in turn, as in_pcbforeach() */
void	udp_foreach(void (*)(struct inpcb *, void *), void *);

#endif /* _NETINET_UDP_VAR_H_ */
