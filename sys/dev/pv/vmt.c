/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vmt(4): what VMware's tools do for a guest: its keys and values, its time,
 * and the requests of who runs it.
 *
 * The host cannot interrupt.  It wants to be asked for requests all the time,
 * which is done once a second, with the answer to the last one.
 */

#include <sys/errno.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/pvreq.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/pv/pvvar.h>
#include <dev/pv/vmtvar.h>
#include <net/if_var.h>
#include <netinet/in.h>

#define VMT_POLL	SEC_TO_NSEC(1)
#define VMT_AGAIN	SEC_TO_NSEC(10)	/* after a failure */
#define VMT_INFO	15		/* polls between looks at ourselves */
#define VMT_REFUSAL	64		/* of a request, with its reason */
#define VMT_NTOLD	10		/* times that its silence is told */
#define VMT_TEXT	512		/* of a request to the tools */

struct vmt_softc {
	struct device		 sc_dev;
	struct pvbus_hv		*sc_hv;
	struct mutex		 sc_mtx;
	struct thread		*sc_thread;
	struct todr		 sc_todr;
	struct time_sensor	 sc_sensor;
	struct pvbus_store	 sc_store;
	struct vmt_chan		 sc_tclo;	/* the thread's, as all below */
	uint64_t		 sc_lines;	/* ratelimit() */
	u_int			 sc_nlost;	/* times */
	char			 sc_text[VMT_TEXT];
	char			 sc_host[64], sc_ip[16];	/* last told */
	const char		*sc_reply;
	u_int			 sc_polls;
	bool			 sc_known;	/* the host asked what we are */
	bool			 sc_lost, sc_told;
	bool			 sc_exit;
	bool			 sc_attached;
};

static int	vmt_match(struct device *, const struct cfdata *,
		    const void *);
static int	vmt_attach(struct device *, struct device *, void *);
static int	vmt_detach(struct device *, int);

CFDRIVER_DECL(vmt, DV_DULL);
CFATTACH_DECL(vmt, pvbus, vmt_softc, .ca_match = vmt_match,
    .ca_attach = vmt_attach, .ca_detach = vmt_detach);

/* --- keys and values ---------------------------------------------------- */

static int
vmt_kv(const char *word, const char *key, const char *sep, const char *value,
    char *buf, size_t size, size_t *lenp)
{
	size_t len = strlen(word) + strlen(key) + strlen(sep) +
	    strlen(value) + 1;
	char *req;
	int error;

	if ((req = kmem_alloc(len, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	(void)snprintf(req, len, "%s%s%s%s", word, key, sep, value);
	error = vmt_rpc(req, len - 1, buf, size, lenp);
	kmem_free(req, len);
	return (error);
}

/* No key that the host could have: too long for a message, or two words. */
static bool
vmt_nokey(const char *key)
{
	return (key[0] == '\0' || strchr(key, ' ') != NULL ||
	    strlen(key) > GUESTMSG_MAX_IN_SIZE - strlen("info-get "));
}

static int
vmt_read(void *arg __unused, const char *key, void *value, size_t *lenp)
{
	/* a refusal must fit, however short the value may be */
	size_t room = *lenp, size = MAX(room + sizeof("1 "), VMT_REFUSAL);
	char *buf;
	int error;

	if (vmt_nokey(key))
		return (EINVAL);
	if ((buf = kmem_alloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = vmt_kv("info-get ", key, "", "", buf, size, lenp);
	if (error == 0 && *lenp > room)
		error = ERANGE;
	if (error == 0)
		memcpy(value, buf, *lenp);
	kmem_free(buf, size);
	return (error);
}

/* What the host has to say to it replaces the value. */
static int
vmt_write(void *arg __unused, const char *key, char *value, size_t size)
{
	char buf[VMT_REFUSAL];
	size_t len = 0;
	int error;

	if (vmt_nokey(key))
		return (EINVAL);
	error = vmt_kv("info-set ", key, " ", value, buf, sizeof(buf), &len);
	if (error == ERANGE && len >= sizeof(buf))
		error = EIO;		/* a speech, not an answer */
	else if (error == 0 && strlcpy(value, buf, size) >= size)
		error = ERANGE;
	return (error);
}

static const struct pvbus_kvops vmt_kvops = {
	.kv_read = vmt_read,
	.kv_write = vmt_write,
};

/* --- the host's time ---------------------------------------------------- */

/* Since when the host has another way to tell it, the older ones say less. */
static int
vmt_time(void *arg __unused, uint64_t *ns)
{
	static const uint16_t full[] = { BDOOR_CMD_GETTIMEFULL_WITH_LAG,
	    BDOOR_CMD_GETTIMEFULL };
	struct backdoor bd;
	uint64_t sec = 0;
	u_int i;

	for (i = 0; i < nitems(full) && sec == 0; i++) {
		memset(&bd, 0, sizeof(bd));
		backdoor_cmd(&bd, full[i], 0);
		if ((uint32_t)bd.bd_ax == BDOOR_MAGIC)
			sec = bd.bd_si << 32 | (uint32_t)bd.bd_dx;
	}
	if (sec == 0) {
		memset(&bd, 0, sizeof(bd));
		backdoor_cmd(&bd, BDOOR_CMD_GETTIME, 0);
		if ((uint32_t)bd.bd_ax != UINT32_MAX)
			sec = (uint32_t)bd.bd_ax;
	}
	if (sec == 0 || sec > INT64_MAX / NSEC_PER_SEC ||
	    (uint32_t)bd.bd_bx >= 1000000)
		return (EINVAL);
	*ns = SEC_TO_NSEC(sec) + (uint32_t)bd.bd_bx * 1000ULL;
	return (0);
}

/* --- what the host is told ---------------------------------------------- */

/* What it answers is of no use, only that it did. */
static int	vmt_tell(struct vmt_softc *, const char *, ...)
		    __printflike(2, 3);

static int
vmt_tell(struct vmt_softc *sc, const char *fmt, ...)
{
	char reply[64];
	va_list ap;
	size_t len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(sc->sc_text, sizeof(sc->sc_text), fmt, ap);
	va_end(ap);
	KASSERT(n < (int)sizeof(sc->sc_text));
	return (vmt_rpc(sc->sc_text, n, reply, sizeof(reply), &len));
}

static bool
vmt_address(char *buf, size_t size)
{
	const struct ifaddr *ifa;
	struct ifnet *ifp;
	bool found = false;
	uint32_t a;

	buf[0] = '\0';
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (found || ifp->if_index == loop_ifidx ||
			    !in_is4(&ifa->ifa_addr))
				continue;
			a = in4_get(&ifa->ifa_addr);
			(void)snprintf(buf, size, "%u.%u.%u.%u", a >> 24,
			    a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
			found = true;
		}
	}
	mtx_leave(&net_mtx);
	return (found);
}

static bool
vmt_tell_address(struct vmt_softc *sc)
{
	char ip[sizeof(sc->sc_ip)];

	if (!vmt_address(ip, sizeof(ip)))
		return (false);
	if (strcmp(ip, sc->sc_ip) != 0 &&
	    vmt_tell(sc, "info-set guestinfo.ip %s", ip) == 0)
		strlcpy(sc->sc_ip, ip, sizeof(sc->sc_ip));
	return (true);
}

/* Only what is new. */
static void
vmt_info(struct vmt_softc *sc)
{
	char name[sizeof(sc->sc_host)];

	strlcpy(name, hostname, sizeof(name));
	if (strcmp(name, sc->sc_host) != 0 && vmt_tell(sc,
	    "SetGuestInfo  %d %s", VMT_INFO_DNS_NAME, name) == 0)
		strlcpy(sc->sc_host, name, sizeof(sc->sc_host));
	(void)vmt_tell_address(sc);
}

/* --- what the host asks ------------------------------------------------- */

static void
vmt_state(struct vmt_softc *sc, int state)
{
	(void)vmt_tell(sc, "tools.os.statechange.status 1 %d", state);
}

static const char *
vmt_reset(struct vmt_softc *sc __unused)
{
	return ("OK ATR toolbox");
}

static const char *
vmt_ping(struct vmt_softc *sc __unused)
{
	return ("OK ");
}

static const char *
vmt_halt(struct vmt_softc *sc)
{
	vmt_state(sc, VMT_STATE_HALT);
	host_request(&sc->sc_dev, HOST_POWEROFF);
	return ("OK ");
}

static const char *
vmt_reboot(struct vmt_softc *sc)
{
	vmt_state(sc, VMT_STATE_REBOOT);
	host_request(&sc->sc_dev, HOST_REBOOT);
	return ("OK ");
}

static const char *
vmt_poweron(struct vmt_softc *sc)
{
	vmt_state(sc, VMT_STATE_POWERON);
	return ("OK ");
}

static const char *
vmt_suspend(struct vmt_softc *sc)
{
	vmt_state(sc, VMT_STATE_SUSPEND);
	return ("OK ");
}

static const char *
vmt_resume(struct vmt_softc *sc)
{
	if (time_resync() == 0 && ratelimit(&sc->sc_lines, 5, 1))
		device_printf(&sc->sc_dev, "resumed, clock set\n");
	vmt_state(sc, VMT_STATE_RESUME);
	return ("OK ");
}

static const char *
vmt_capabilities(struct vmt_softc *sc)
{
	sc->sc_known = true;
	sc->sc_host[0] = sc->sc_ip[0] = '\0';
	if (vmt_tell(sc, "vmx.capability.unified_loop toolbox") != 0 ||
	    vmt_tell(sc, "tools.capability.statechange ") != 0 ||
	    vmt_tell(sc, "tools.set.version %u", VMT_VERSION_UNMANAGED) != 0 ||
	    vmt_tell(sc, "SetGuestInfo  %d %s", VMT_INFO_OS_NAME_FULL,
	    version) != 0 ||
	    vmt_tell(sc, "SetGuestInfo  %d other-64", VMT_INFO_OS_NAME) != 0)
		return ("ERROR Capabilities were refused");
	vmt_info(sc);
	return ("OK ");
}

static const char *
vmt_broadcastip(struct vmt_softc *sc)
{
	sc->sc_ip[0] = '\0';
	return (vmt_tell_address(sc) ? "OK " :
	    "ERROR Unable to find guest IP address");
}

static const struct {
	const char	 *name;
	const char	*(*fn)(struct vmt_softc *);
} vmt_requests[] = {
	{ "reset", vmt_reset },
	{ "ping", vmt_ping },
	{ "Capabilities_Register", vmt_capabilities },
	{ "Set_Option broadcastIP 1", vmt_broadcastip },
	{ "OS_Halt", vmt_halt },
	{ "OS_Reboot", vmt_reboot },
	{ "OS_PowerOn", vmt_poweron },
	{ "OS_Suspend", vmt_suspend },
	{ "OS_Resume", vmt_resume },
};

static const char *
vmt_request(struct vmt_softc *sc, const char *text)
{
	u_int i;

	for (i = 0; i < nitems(vmt_requests); i++) {
		if (strcmp(vmt_requests[i].name, text) == 0)
			return (vmt_requests[i].fn(sc));
	}
	return ("ERROR Unknown command");
}

/* The answer to the last request, and the next one, if there is one. */
static int
vmt_poll(struct vmt_softc *sc)
{
	char text[VMT_TEXT];
	size_t len;
	int error;

	if (!sc->sc_tclo.vc_open) {
		sc->sc_reply = "";
		if ((error = vmt_open(&sc->sc_tclo, VMT_PROTO_TCLO)) != 0)
			return (error);
	}
	if ((error = vmt_send(&sc->sc_tclo, sc->sc_reply,
	    strlen(sc->sc_reply))) != 0)
		return (error);
	sc->sc_reply = "";
	switch (error = vmt_receive(&sc->sc_tclo, text, sizeof(text), &len)) {
	case 0:
		sc->sc_reply = vmt_request(sc, text);
		break;
	case ENOENT:
		break;
	case ERANGE:
		sc->sc_reply = "ERROR Unknown command";
		break;
	default:
		return (error);
	}
	if (sc->sc_known && ++sc->sc_polls % VMT_INFO == 0)
		vmt_info(sc);
	return (0);
}

static uint64_t
vmt_round(struct vmt_softc *sc)
{
	if (vmt_poll(sc) == 0) {
		if (sc->sc_lost && sc->sc_told)
			device_printf(&sc->sc_dev, "the host is back\n");
		sc->sc_lost = false;
		/* it waits for the answer */
		return (sc->sc_reply[0] != '\0' ? MSEC_TO_NSEC(10) : VMT_POLL);
	}
	vmt_close(&sc->sc_tclo);
	if (!sc->sc_lost &&
	    (sc->sc_told = sc->sc_nlost++ < VMT_NTOLD))
		device_printf(&sc->sc_dev, "the host does not talk to us\n");
	sc->sc_lost = true;
	sc->sc_known = false;
	return (VMT_AGAIN);
}

static void
vmt_thread(void *arg)
{
	struct vmt_softc *sc = arg;
	uint64_t wait;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_exit) {
		mtx_leave(&sc->sc_mtx);
		wait = vmt_round(sc);
		mtx_enter(&sc->sc_mtx);
		if (!sc->sc_exit)
			(void)msleep_nsec(sc, &sc->sc_mtx, PRI_KERN, "vmt",
			    wait);
	}
	mtx_leave(&sc->sc_mtx);
	vmt_close(&sc->sc_tclo);
}

/* --- attachment --------------------------------------------------------- */

static bool
vmt_version(uint32_t *vers, uint32_t *type)
{
	struct backdoor bd = { .bd_ax = 0 };

	backdoor_cmd(&bd, BDOOR_CMD_GETVERSION, ~(uint32_t)BDOOR_MAGIC);
	*vers = bd.bd_ax;
	*type = bd.bd_cx;
	return ((uint32_t)bd.bd_ax != UINT32_MAX &&
	    (uint32_t)bd.bd_bx == BDOOR_MAGIC);
}

static int
vmt_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;
	uint32_t vers, type;

	return (strcmp(pva->pva_name, cf->cf_driver->cd_name) == 0 &&
	    vmt_version(&vers, &type));
}

static const char *
vmt_product(uint32_t type)
{
	switch (type) {
	case BDOOR_TYPE_EXPRESS:
		return ("Express");
	case BDOOR_TYPE_ESX:
		return ("ESX");
	case BDOOR_TYPE_GSX:
		return ("Server");
	case BDOOR_TYPE_WORKSTATION:
		return ("Workstation");
	default:
		return ("VMware");
	}
}

static void
vmt_teardown(struct vmt_softc *sc)
{
	if (!sc->sc_attached)
		return;
	sc->sc_attached = false;
	pvbus_kv_detach(sc->sc_hv, &sc->sc_store);
	todr_detach(&sc->sc_todr);
	time_sensor_detach(&sc->sc_sensor);
	mtx_enter(&sc->sc_mtx);
	sc->sc_exit = true;
	wakeup(sc);
	mtx_leave(&sc->sc_mtx);
	kthread_join(sc->sc_thread);
}

static int
vmt_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct vmt_softc *sc = (struct vmt_softc *)self;
	const struct pv_attach_args *pva = aux;
	uint32_t vers, type;
	int error;

	sc->sc_hv = pva->pva_hv;
	mtx_init(&sc->sc_mtx, IPL_NONE);
	(void)vmt_version(&vers, &type);
	device_describe(self, "%s, backdoor version %u", vmt_product(type),
	    vers);
	sc->sc_sensor.ts_get = vmt_time;
	sc->sc_sensor.ts_arg = sc;
	if ((error = time_sensor_attach(&sc->sc_sensor,
	    self->dv_xname)) != 0)
		return (error);
	if ((error = kthread_create(vmt_thread, sc, PRI_KERN, "vmt",
	    &sc->sc_thread)) != 0) {
		time_sensor_detach(&sc->sc_sensor);
		return (error);
	}
	sc->sc_todr.td_flags = TODR_FINE;
	sc->sc_todr.td_get = vmt_time;
	todr_attach(&sc->sc_todr);
	sc->sc_store.ps_ops = &vmt_kvops;
	sc->sc_store.ps_arg = sc;
	pvbus_kv_attach(sc->sc_hv, &sc->sc_store);
	sc->sc_attached = true;
	return (0);
}

static int
vmt_detach(struct device *self, int flags __unused)
{
	vmt_teardown((struct vmt_softc *)self);
	return (0);
}
