/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What programs ask of interfaces, and set: the ioctls of ifconfig(8),
 * route(8) and their like.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <net/if_var.h>

#define ALLONES		0xffffffffU

static uint32_t
mask_of(u_int plen)				/* of 32 */
{
	return (plen == 0 ? 0 : ALLONES << (32 - plen));
}

/* EINVAL: it has holes. */
static int
plen_of(uint32_t mask, u_int *plenp)
{
	for (*plenp = 0; *plenp < 32 && (mask & 1U << (31 - *plenp));)
		++*plenp;
	return (mask_of(*plenp) == mask ? 0 : EINVAL);
}

static uint32_t
sin_get(const struct sockaddr *sa)
{
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	return (be32_get(sin.sin_addr.s_addr));
}

static void
sin_put(struct sockaddr *sa, uint32_t addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = be32_make(addr) };

	memcpy(sa, &sin, sizeof(sin));
}

/* --- addresses of IPv4 ----------------------------------------------------------- */

/* The first, which is the one that these commands know. */
static bool
first4(struct ifnet *ifp, struct ifaddr *copy)
{
	struct ifaddr *ifa;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (in_is4(&ifa->ifa_addr))
			break;
	}
	if (ifa != NULL)
		*copy = *ifa;
	mtx_leave(&net_mtx);
	return (ifa != NULL);
}

static int
addr_get(struct ifnet *ifp, u_long cmd, struct ifreq *ifr)
{
	struct ifaddr ifa;

	if (!first4(ifp, &ifa))
		return (EADDRNOTAVAIL);
	sin_put(&ifr->ifr_addr,
	    cmd == SIOCGIFNETMASK ? mask_of(ifa.ifa_plen - 96) :
	    cmd == SIOCGIFBRDADDR ? in4_get(&ifa.ifa_bcast) :
	    in4_get(&ifa.ifa_addr));
	return (0);
}

static void
bcast_default(struct ifaddr *ifa)
{
	uint32_t mask = mask_of(ifa->ifa_plen - 96);

	ifa->ifa_bcast = ifa->ifa_plen >= 127 ? in4_make(0) :
	    in4_make(in4_get(&ifa->ifa_addr) | ~mask);
}

/* The prefix that an address had before there were prefixes. */
static u_int
class_plen(uint32_t addr)
{
	return (addr >> 31 == 0 ? 8 : addr >> 30 == 2 ? 16 : 24);
}

static int
addr_set(struct ifnet *ifp, const struct ifreq *ifr)
{
	uint32_t addr = sin_get(&ifr->ifr_addr);
	struct ifaddr ifa = { .ifa_preferred = INFSLP, .ifa_valid = INFSLP };
	struct ifaddr old;

	if (ifr->ifr_addr.sa_family != AF_INET)
		return (EAFNOSUPPORT);
	if (first4(ifp, &old))
		(void)ifa_del(ifp, &old.ifa_addr);
	if (addr == 0)
		return (0);
	ifa.ifa_addr = in4_make(addr);
	if (in_ismulticast(&ifa.ifa_addr) || addr == INADDR_BROADCAST)
		return (EINVAL);
	ifa.ifa_plen = 96 + class_plen(addr);
	bcast_default(&ifa);
	/* as everywhere: what has an address is meant to be used */
	if (!(ifp->if_flags & IFF_UP))
		(void)if_setflags(ifp, ifp->if_flags | IFF_UP);
	return (ifa_add(ifp, &ifa));
}

static int
addr_change(struct ifnet *ifp, u_long cmd, const struct ifreq *ifr)
{
	uint32_t v = sin_get(&ifr->ifr_addr);
	struct ifaddr ifa;
	u_int plen;
	int error;

	if (!first4(ifp, &ifa))
		return (EADDRNOTAVAIL);
	if (cmd == SIOCSIFBRDADDR)
		ifa.ifa_bcast = in4_make(v);
	else if (cmd == SIOCSIFNETMASK) {
		if ((error = plen_of(v, &plen)) != 0)
			return (error);
		ifa.ifa_plen = 96 + plen;
		bcast_default(&ifa);
	}
	return (ifa_add(ifp, &ifa));
}

/* --- routes and neighbours of IPv4 --------------------------------------------------- */

static int
route_ioctl(u_long cmd, void *data)
{
	struct route r = { .r_flags = RTF_UP, .r_expire = INFSLP };
	struct rtentry rt;
	char name[IFNAMSIZ];
	u_int plen = 32;
	int error;

	if ((error = copyin(data, &rt, sizeof(rt))) != 0)
		return (error);
	if (rt.rt_dst.sa_family != AF_INET)
		return (EAFNOSUPPORT);
	if (!(rt.rt_flags & RTF_HOST) && (error = plen_of(
	    sin_get(&rt.rt_genmask), &plen)) != 0)
		return (error);
	if (rt.rt_dev != NULL) {
		error = copyinstr(rt.rt_dev, name, sizeof(name), NULL);
		if (error != 0)
			return (error);
		if ((r.r_ifidx = if_nametoindex(name)) == 0)
			return (ENODEV);
	}
	r.r_dst = in4_make(sin_get(&rt.rt_dst));
	if ((in4_get(&r.r_dst) & ~mask_of(plen)) != 0)
		return (EINVAL);
	r.r_plen = 96 + plen;
	r.r_metric = rt.rt_metric > 0 ? rt.rt_metric - 1 : 0;
	if (rt.rt_flags & RTF_REJECT)
		r.r_flags |= RTF_REJECT;
	if (rt.rt_flags & RTF_HOST)
		r.r_flags |= RTF_HOST;
	if ((rt.rt_flags & RTF_GATEWAY) || (cmd == SIOCDELRT &&
	    rt.rt_gateway.sa_family == AF_INET &&
	    sin_get(&rt.rt_gateway) != 0)) {
		r.r_flags |= RTF_GATEWAY;
		r.r_gateway = in4_make(sin_get(&rt.rt_gateway));
	} else if (r.r_ifidx == 0 && cmd == SIOCADDRT) {
		if (!(r.r_flags & RTF_REJECT))
			return (ENODEV);
		r.r_ifidx = loop_ifidx;
	}
	return (cmd == SIOCADDRT ? route_add(&r) : route_del(&r));
}

static int
arp_ioctl(u_long cmd, void *data)
{
	struct inaddr addr;
	struct arpreq ar;
	struct ip_route ir = { .ir_gen = 0 };
	struct neigh n;
	struct ifnet *ifp;
	u_int i;
	int error;

	if ((error = copyin(data, &ar, sizeof(ar))) != 0)
		return (error);
	if (ar.arp_pa.sa_family != AF_INET)
		return (EPFNOSUPPORT);
	addr = in4_make(sin_get(&ar.arp_pa));
	ar.arp_dev[sizeof(ar.arp_dev) - 1] = '\0';
	if (ar.arp_dev[0] != '\0')
		ifp = if_byname(ar.arp_dev);
	else
		ifp = ip_route_get(&ir, &addr, NULL, 0) == 0 ?
		    if_get(ir.ir_ifidx) : NULL;
	if (ifp == NULL)
		return (ENODEV);
	switch (cmd) {
	case SIOCSARP:
		error = neigh_set(ifp, &addr,
		    (const uint8_t *)ar.arp_ha.sa_data);
		break;
	case SIOCDARP:
		error = neigh_delete(ifp, &addr);
		break;
	default:
		error = ENXIO;
		for (i = 0; error == ENXIO && neigh_nth(i, &n); i++) {
			if (n.n_ifidx != ifp->if_index ||
			    !in_equal(&n.n_addr, &addr))
				continue;
			memcpy(ar.arp_ha.sa_data, n.n_lladdr,
			    ETHER_ADDR_LEN);
			ar.arp_ha.sa_family = ARPHRD_ETHER;
			ar.arp_flags = (n.n_state == NEIGH_INCOMPLETE ? 0 :
			    ATF_COM) | (n.n_state == NEIGH_PERMANENT ?
			    ATF_PERM : 0);
			error = copyout(&ar, data, sizeof(ar));
		}
	}
	if_put(ifp);
	return (error);
}

/* --- interfaces ------------------------------------------------------------------------ */

/* All of them, with an address of IPv4 where there is one. */
static int
ifconf_ioctl(void *data)
{
	struct ifconf ifc;
	struct ifnet *ifp;
	struct ifaddr ifa;
	struct ifreq ifr;
	int error, done = 0;
	u_int i;

	if ((error = copyin(data, &ifc, sizeof(ifc))) != 0)
		return (error);
	for (i = 1; i < IF_MAX; i++) {
		if ((ifp = if_get(i)) == NULL)
			continue;
		memset(&ifr, 0, sizeof(ifr));
		strlcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
		if (!first4(ifp, &ifa)) {
			if_put(ifp);
			continue;
		}
		sin_put(&ifr.ifr_addr, in4_get(&ifa.ifa_addr));
		if_put(ifp);
		if (ifc.ifc_buf == NULL)
			done += sizeof(ifr);
		else if (ifc.ifc_len - done >= (int)sizeof(ifr)) {
			error = copyout(&ifr, (char *)ifc.ifc_buf + done,
			    sizeof(ifr));
			if (error != 0)
				return (error);
			done += sizeof(ifr);
		}
	}
	ifc.ifc_len = done;
	return (copyout(&ifc, data, sizeof(ifc)));
}

static int
lladdr_set(struct ifnet *ifp, const struct ifreq *ifr)
{
	const uint8_t *a = ifr->ifr_addr.sa_data;
	int error;

	if (ifr->ifr_addr.sa_family != ARPHRD_ETHER ||
	    ifp->if_type != ARPHRD_ETHER || ETHER_IS_MULTICAST(a))
		return (EINVAL);
	if (ifp->if_ops->ifo_setlladdr == NULL)
		return (EOPNOTSUPP);
	rw_enter_write(&ifp->if_lock);
	if ((error = ifp->if_ops->ifo_setlladdr(ifp, a)) == 0)
		memcpy(ifp->if_lladdr, a, ETHER_ADDR_LEN);
	rw_exit(&ifp->if_lock);
	if (error == 0 && if_usable(ifp))
		if_announce(ifp);
	return (error);
}

static int
mtu_set(struct ifnet *ifp, int mtu)
{
	int error = 0;

	if (mtu < 68 || (u_int)mtu > ifp->if_hardmtu)
		return (EINVAL);
	rw_enter_write(&ifp->if_lock);
	if (ifp->if_ops->ifo_setmtu != NULL)
		error = ifp->if_ops->ifo_setmtu(ifp, mtu);
	if (error == 0)
		ifp->if_mtu = mtu;
	rw_exit(&ifp->if_lock);
	route_changed();
	return (error);
}

static int
ifr_get(struct ifnet *ifp, u_long cmd, struct ifreq *ifr)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		ifr->ifr_flags = ifp->if_flags & ~IFF_RUNNING;
		if (if_usable(ifp))
			ifr->ifr_flags |= IFF_RUNNING;
		return (0);
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return (addr_get(ifp, cmd, ifr));
	case SIOCGIFMETRIC:
		ifr->ifr_int = 0;
		return (0);
	case SIOCGIFMTU:
		ifr->ifr_int = ifp->if_mtu;
		return (0);
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_addr, 0, sizeof(ifr->ifr_addr));
		ifr->ifr_addr.sa_family = ifp->if_type;
		memcpy(ifr->ifr_addr.sa_data, ifp->if_lladdr,
		    ETHER_ADDR_LEN);
		return (0);
	case SIOCGIFINDEX:
		ifr->ifr_int = ifp->if_index;
		return (0);
	case SIOCGIFTXQLEN:
		ifr->ifr_int = 1000;
		return (0);
	case SIOCGIFMAP:
		memset(&ifr->ifr_map, 0, sizeof(ifr->ifr_map));
		return (0);
	default:
		return (ENOIOCTL);
	}
}

static int
ifr_set(struct ifnet *ifp, u_long cmd, const struct ifreq *ifr)
{
	switch (cmd) {
	case SIOCSIFFLAGS:
		return (if_setflags(ifp, ifr->ifr_flags));
	case SIOCSIFADDR:
		return (addr_set(ifp, ifr));
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFDSTADDR:
		return (addr_change(ifp, cmd, ifr));
	case SIOCSIFMETRIC:
		return (ifr->ifr_int == 0 ? 0 : EOPNOTSUPP);
	case SIOCSIFMTU:
		return (mtu_set(ifp, ifr->ifr_int));
	case SIOCSIFHWADDR:
		return (lladdr_set(ifp, ifr));
	case SIOCADDMULTI:
		return (if_mcast_add(ifp,
		    (const uint8_t *)ifr->ifr_addr.sa_data));
	case SIOCDELMULTI:
		if_mcast_del(ifp, (const uint8_t *)ifr->ifr_addr.sa_data);
		return (0);
	case SIOCSIFTXQLEN:
		return (ifr->ifr_int >= 0 ? 0 : EINVAL);
	default:
		return (ENOTTY);
	}
}

/* --- our own: the device in words, and its offloads ----------------------------------- */

static const struct {
	const char	*word;
	uint32_t	 caps;
} capwords[] = {
	{ "csum", IFCAP_CSUM },
	{ "rxcsum", IFCAP_RXCSUM },
	{ "tso4", IFCAP_TSO4 },
	{ "tso6", IFCAP_TSO6 },
	{ "tso", IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_TSO_ECN },
	{ "uso", IFCAP_USO },
	{ "lro", IFCAP_LRO },
};

static int
caps_set(struct ifnet *ifp, const char *word)
{
	bool off = word[0] == '-';
	uint32_t caps = 0;
	int error;
	size_t i;

	for (i = 0; i < nitems(capwords); i++) {
		if (strcmp(word + off, capwords[i].word) == 0)
			caps = capwords[i].caps & ifp->if_capabilities;
	}
	if (caps == 0 || ifp->if_ops->ifo_setcaps == NULL)
		return (EOPNOTSUPP);
	rw_enter_write(&ifp->if_lock);
	caps = off ? ifp->if_capenable & ~caps : ifp->if_capenable | caps;
	/* a segment is made with its sum, and put together with it */
	if (!(caps & IFCAP_CSUM))
		caps &= ~(IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_USO |
		    IFCAP_TSO_ECN);
	if (!(caps & IFCAP_RXCSUM))
		caps &= ~IFCAP_LRO;
	error = ifp->if_ops->ifo_setcaps(ifp, caps);
	rw_exit(&ifp->if_lock);
	route_changed();
	return (error);
}

static int
descr_ioctl(u_long cmd, void *data)
{
	struct ifdescr *d;
	struct ifnet *ifp = NULL;
	int error;

	if ((d = kmem_alloc(sizeof(*d), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = copyin(data, d, sizeof(*d))) == 0) {
		d->ifd_name[IFNAMSIZ - 1] = '\0';
		d->ifd_text[sizeof(d->ifd_text) - 1] = '\0';
		if ((ifp = if_byname(d->ifd_name)) == NULL)
			error = ENODEV;
		else if (cmd == SIOCSIFCAP)
			error = caps_set(ifp, d->ifd_text);
		else {
			memset(d->ifd_text, 0, sizeof(d->ifd_text));
			if (ifp->if_ops->ifo_describe != NULL)
				(void)ifp->if_ops->ifo_describe(ifp,
				    d->ifd_text, sizeof(d->ifd_text));
			error = copyout(d, data, sizeof(*d));
		}
	}
	if_put(ifp);
	kmem_free(d, sizeof(*d));
	return (error);
}

int
if_ioctl(u_long cmd, void *data)
{
	struct ifreq ifr;
	struct ifnet *ifp;
	int error;

	switch (cmd) {
	case SIOCADDRT:
	case SIOCDELRT:
		return (route_ioctl(cmd, data));
	case SIOCSARP:
	case SIOCDARP:
	case SIOCGARP:
		return (arp_ioctl(cmd, data));
	case SIOCGIFCONF:
		return (ifconf_ioctl(data));
	case SIOCGIFDESCR:
	case SIOCSIFCAP:
		return (descr_ioctl(cmd, data));
	}
	if (cmd < SIOCGIFNAME || cmd > SIOCSIFMAP)
		return (ENOTTY);
	if ((error = copyin(data, &ifr, sizeof(ifr))) != 0)
		return (error);
	if (cmd == SIOCGIFNAME)
		ifp = if_get(ifr.ifr_int);
	else {
		ifr.ifr_name[IFNAMSIZ - 1] = '\0';
		ifp = if_byname(ifr.ifr_name);
	}
	if (ifp == NULL)
		return (ENODEV);
	if (cmd == SIOCGIFNAME) {
		strlcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
		error = 0;
	} else
		error = ifr_get(ifp, cmd, &ifr);
	if (error == 0)
		error = copyout(&ifr, data, sizeof(ifr));
	else if (error == ENOIOCTL)
		error = ifr_set(ifp, cmd, &ifr);
	if_put(ifp);
	return (error);
}
