/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv6's own ioctls: addresses and routes, as ifconfig(8) and route(8) set
 * them.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet6/ip6_var.h>

u_int
in6_mtu(const struct ifnet *ifp)
{
	u_int mtu = ifp->if_in6 == NULL ? 0 : ifp->if_in6->ii_mtu;

	return (mtu != 0 ? MIN(mtu, ifp->if_mtu) : ifp->if_mtu);
}

static int
addr_ioctl(u_long cmd, void *data)
{
	struct ifaddr ifa = { .ifa_preferred = INFSLP, .ifa_valid = INFSLP };
	struct in6_ifreq ifr;
	struct ifnet *ifp;
	int error;

	if ((error = copyin(data, &ifr, sizeof(ifr))) != 0)
		return (error);
	memcpy(&ifa.ifa_addr, ifr.ifr6_addr, 16);
	if (ifr.ifr6_prefixlen > 128 || in_is4(&ifa.ifa_addr) ||
	    in_ismulticast(&ifa.ifa_addr) || in_isany(&ifa.ifa_addr))
		return (EINVAL);
	ifa.ifa_plen = ifr.ifr6_prefixlen;
	if ((ifp = if_get(ifr.ifr6_ifindex)) == NULL)
		return (ENODEV);
	if (cmd == SIOCDIFADDR)
		error = ifa_del(ifp, &ifa.ifa_addr);
	else if (ifa_find(&ifa.ifa_addr, ifp->if_index, NULL))
		error = EEXIST;
	else {
		if (ifp->if_type == ARPHRD_ETHER)
			ifa.ifa_flags = IFA_TENTATIVE;
		if (!(ifp->if_flags & IFF_UP))
			(void)if_setflags(ifp, ifp->if_flags | IFF_UP);
		error = ifa_add(ifp, &ifa);
	}
	if_put(ifp);
	return (error);
}

static int
route_ioctl(u_long cmd, void *data)
{
	struct route r = { .r_flags = RTF_UP, .r_expire = INFSLP };
	struct in6_rtmsg rt;
	u_int i;
	int error;

	if ((error = copyin(data, &rt, sizeof(rt))) != 0)
		return (error);
	if (rt.rtmsg_dst_len > 128)
		return (EINVAL);
	memcpy(&r.r_dst, rt.rtmsg_dst, 16);
	for (i = rt.rtmsg_dst_len; i < 128; i++)
		r.r_dst.ia_b[i / 8] &= ~(0x80 >> i % 8);
	r.r_plen = rt.rtmsg_dst_len;
	r.r_ifidx = rt.rtmsg_ifindex;
	r.r_metric = rt.rtmsg_metric;
	if (rt.rtmsg_flags & RTF_GATEWAY) {
		r.r_flags |= RTF_GATEWAY;
		memcpy(&r.r_gateway, rt.rtmsg_gateway, 16);
	} else if (r.r_ifidx == 0 && cmd == SIOCADDRT)
		return (ENODEV);
	return (cmd == SIOCADDRT ? route_add(&r) : route_del(&r));
}

int
in6_ioctl(u_long cmd, void *data)
{
	switch (cmd) {
	case SIOCSIFADDR:
	case SIOCDIFADDR:
		return (addr_ioctl(cmd, data));
	case SIOCADDRT:
	case SIOCDELRT:
		return (route_ioctl(cmd, data));
	default:
		return (ENOIOCTL);
	}
}
