/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NET_ETHERNET_H_
#define _NET_ETHERNET_H_

#include <sys/wire.h>

#define ETHER_ADDR_LEN	6
#define ETHER_HDR_LEN	14
#define ETHER_VLAN_LEN	4
#define ETHER_CRC_LEN	4
#define ETHERMTU	1500
#define ETHER_MIN_LEN	60		/* without the check sum */

struct ether_header {
	uint8_t	ether_dhost[ETHER_ADDR_LEN];
	uint8_t	ether_shost[ETHER_ADDR_LEN];
	be16_w	ether_type;
};
_Static_assert(sizeof(struct ether_header) == ETHER_HDR_LEN, "on the wire");

#define ETHERTYPE_IP	0x0800
#define ETHERTYPE_ARP	0x0806
#define ETHERTYPE_VLAN	0x8100
#define ETHERTYPE_IPV6	0x86dd

#define ETHER_IS_MULTICAST(a)	(((a)[0] & 1) != 0)

#endif /* _NET_ETHERNET_H_ */
