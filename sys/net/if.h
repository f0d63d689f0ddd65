/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NET_IF_H_
#define _NET_IF_H_

/*
 * Interfaces, as programs see them: the values and layouts of the Linux
 * convention, with which ifconfig(8) and route(8) of any origin work.
 */

#include <sys/socket.h>

#define IFNAMSIZ	16

#define IFF_UP		0x0001
#define IFF_BROADCAST	0x0002
#define IFF_DEBUG	0x0004
#define IFF_LOOPBACK	0x0008
#define IFF_POINTOPOINT	0x0010
#define IFF_RUNNING	0x0040
#define IFF_NOARP	0x0080
#define IFF_PROMISC	0x0100
#define IFF_ALLMULTI	0x0200
#define IFF_MULTICAST	0x1000
#define IFF_LOWER_UP	0x10000
/* what a program may change */
#define IFF_CHANGE	(IFF_UP | IFF_DEBUG | IFF_PROMISC | IFF_ALLMULTI)

#define ARPHRD_ETHER	1
#define ARPHRD_LOOPBACK	772

struct ifmap {
	unsigned long	mem_start, mem_end;
	uint16_t	base_addr;
	uint8_t		irq, dma, port;
};

struct ifreq {
	char		ifr_name[IFNAMSIZ];
	union {
		struct sockaddr	 ifr_addr;
		int		 ifr_int;	/* index, metric, mtu, qlen */
		uint16_t	 ifr_flags;
		struct ifmap	 ifr_map;
		char		 ifr_newname[IFNAMSIZ];
		void		*ifr_data;
	};
};
_Static_assert(sizeof(struct ifreq) == 40, "as programs know it");

struct ifconf {
	int		 ifc_len;
	void		*ifc_buf;		/* of struct ifreq */
};

struct in6_ifreq {
	uint8_t		 ifr6_addr[16];
	uint32_t	 ifr6_prefixlen;
	int		 ifr6_ifindex;
};

struct rtentry {
	unsigned long	 rt_pad1;
	struct sockaddr	 rt_dst, rt_gateway, rt_genmask;
	uint16_t	 rt_flags;
	int16_t		 rt_pad2;
	unsigned long	 rt_pad3;
	void		*rt_pad4;
	int16_t		 rt_metric;		/* one more than it is */
	char		*rt_dev;
	unsigned long	 rt_mtu, rt_window;
	uint16_t	 rt_irtt;
};

struct in6_rtmsg {
	uint8_t		 rtmsg_dst[16], rtmsg_src[16], rtmsg_gateway[16];
	uint32_t	 rtmsg_type;
	uint16_t	 rtmsg_dst_len, rtmsg_src_len;
	uint32_t	 rtmsg_metric;
	unsigned long	 rtmsg_info;
	uint32_t	 rtmsg_flags;
	int		 rtmsg_ifindex;
};
#define RTF_UP		0x0001
#define RTF_GATEWAY	0x0002
#define RTF_HOST	0x0004
#define RTF_DYNAMIC	0x0010
#define RTF_REJECT	0x0200

struct arpreq {
	struct sockaddr	 arp_pa, arp_ha;
	int		 arp_flags;
	struct sockaddr	 arp_netmask;
	char		 arp_dev[16];
};
#define ATF_COM		0x02
#define ATF_PERM	0x04

#define SIOCADDRT	0x890b
#define SIOCDELRT	0x890c
#define SIOCGIFNAME	0x8910
#define SIOCGIFCONF	0x8912
#define SIOCGIFFLAGS	0x8913
#define SIOCSIFFLAGS	0x8914
#define SIOCGIFADDR	0x8915
#define SIOCSIFADDR	0x8916
#define SIOCGIFDSTADDR	0x8917
#define SIOCSIFDSTADDR	0x8918
#define SIOCGIFBRDADDR	0x8919
#define SIOCSIFBRDADDR	0x891a
#define SIOCGIFNETMASK	0x891b
#define SIOCSIFNETMASK	0x891c
#define SIOCGIFMETRIC	0x891d
#define SIOCSIFMETRIC	0x891e
#define SIOCGIFMTU	0x8921
#define SIOCSIFMTU	0x8922
#define SIOCSIFHWADDR	0x8924
#define SIOCGIFHWADDR	0x8927
#define SIOCADDMULTI	0x8931
#define SIOCDELMULTI	0x8932
#define SIOCGIFINDEX	0x8933
#define SIOCDIFADDR	0x8936
#define SIOCGIFCOUNT	0x8938
#define SIOCGIFTXQLEN	0x8942
#define SIOCSIFTXQLEN	0x8943
#define SIOCDARP	0x8953
#define SIOCGARP	0x8954
#define SIOCSARP	0x8955
#define SIOCGIFMAP	0x8970
#define SIOCSIFMAP	0x8971
/* our own: a text about the device; a word such as "tso" or "-tso" */
#define SIOCGIFDESCR	0x89f0
#define SIOCSIFCAP	0x89f1

struct ifdescr {
	char		 ifd_name[IFNAMSIZ];
	char		 ifd_text[1008];
};

/* for a socket that has no use for the command itself; thread context */
int	 if_ioctl(u_long, void *);
int	 in6_ioctl(u_long, void *);	/* of AF_INET6; ENOIOCTL */
void	 route_changed(void);
u_int	 if_nametoindex(const char *);		/* 0: no such */

#endif /* _NET_IF_H_ */
