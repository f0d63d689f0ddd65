/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * pvbus(4): the hypervisors that this machine is a guest of, and what they
 * have to tell by key and value.  There may be several: KVM can look like
 * Hyper-V besides being itself.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>

#define PVBUS_MAXHV	8
#define PVBUS_MAXEVIDENCE 16
#define PVBUS_WORDS	1024		/* all of one's features */
#define PVBUS_LINE	54		/* of them in a line */

struct pvbus_softc {
	struct device		 sc_dev;
	struct cdev		*sc_cdev[PVBUS_MAXHV];
	struct sysctl_oid	 sc_oid;
	struct sysctl_oid	 sc_features[PVBUS_MAXHV];
	bool			 sc_hasoid;
};

int	pvbus_attach(struct device *, struct device *, void *);
int	pvbus_detach(struct device *, int);

CFDRIVER_DECL(pvbus, DV_BUS);
CFATTACH_DECL(pvbus, mainbus, pvbus_softc, .ca_match = mainbus_child_match,
    .ca_attach = pvbus_attach, .ca_detach = pvbus_detach);

/* The order of /dev/pvbusN; then those of pv_other.c. */
static const struct pvbus_hvtype *const pvbus_hvtypes[] = {
	&pv_kvm,
	&pv_hyperv,
	&pv_vmware,
	&pv_xen,
	&pv_bhyve,
	&pv_vmm,
	&pv_tcg,
};

static struct pv_evidence pvbus_evidence[PVBUS_MAXEVIDENCE];
static u_int		pvbus_nevidence;
static struct pvbus_hv	pvbus_hvs[PVBUS_MAXHV];
static u_int		pvbus_nhv;
static bool		pvbus_identified;

/* --- who is there ------------------------------------------------------- */

static bool
pvbus_match_type(const struct pvbus_hvtype *ht, const struct pv_evidence *pe)
{
	if (ht->ht_match != NULL)
		return (ht->ht_match(pe));
	return (pe->pe_kind == PVE_CPUID &&
	    memcmp(pe->pe_sig, ht->ht_sig, PVE_SIGLEN) == 0);
}

/* The first evidence of this type, if there is any. */
static void
pvbus_look_for(const struct pvbus_hvtype *ht)
{
	struct pvbus_hv *hv = &pvbus_hvs[pvbus_nhv];
	u_int i;

	for (i = 0; i < pvbus_nevidence && pvbus_nhv < PVBUS_MAXHV; i++) {
		if (!pvbus_match_type(ht, &pvbus_evidence[i]))
			continue;
		memset(hv, 0, sizeof(*hv));
		hv->hv_type = ht;
		hv->hv_evidence = &pvbus_evidence[i];
		hv->hv_unit = pvbus_nhv++;
		mtx_init(&hv->hv_mtx, IPL_NONE);
		TAILQ_INIT(&hv->hv_stores);
		if (ht->ht_init != NULL)
			ht->ht_init(hv);
		return;
	}
}

/* Whether it is that of a hypervisor with a name here. */
static bool
pvbus_known(const struct pv_evidence *pe)
{
	const struct pvbus_hvtype *ht;
	u_int i;

	for (i = 0; i < nitems(pvbus_hvtypes); i++) {
		if (pvbus_match_type(pvbus_hvtypes[i], pe))
			return (true);
	}
	for (ht = pv_other; ht->ht_name != NULL; ht++) {
		if (pvbus_match_type(ht, pe))
			return (true);
	}
	return (false);
}

/* Each question to the machine may be an exit: all are asked once. */
void
pvbus_identify(void)
{
	const struct pvbus_hvtype *ht;
	struct pv_evidence *pe;
	u_int i;

	if (pvbus_identified)
		return;
	pvbus_identified = true;
	pvbus_nevidence = 0;
	for (i = 0; pvbus_nevidence < PVBUS_MAXEVIDENCE; i++) {
		pe = &pvbus_evidence[pvbus_nevidence];
		memset(pe, 0, sizeof(*pe));
		if (md_pv_evidence(i, pe) != 0)
			break;
		if (pvbus_known(pe))
			pvbus_nevidence++;
	}
	for (i = 0; i < nitems(pvbus_hvtypes); i++)
		pvbus_look_for(pvbus_hvtypes[i]);
	for (ht = pv_other; ht->ht_name != NULL; ht++)
		pvbus_look_for(ht);
}

struct pvbus_hv *
pvbus_hv_byname(const char *name)
{
	u_int i;

	for (i = 0; i < pvbus_nhv; i++) {
		if (strcmp(pvbus_hvs[i].hv_type->ht_name, name) == 0)
			return (&pvbus_hvs[i]);
	}
	return (NULL);
}

/* "KVM, Hyper-V 10.0" */
static void
pvbus_describe(char *buf, size_t size)
{
	const struct pvbus_hv *hv;
	char one[32];
	u_int i;

	buf[0] = '\0';
	for (i = 0; i < pvbus_nhv; i++) {
		hv = &pvbus_hvs[i];
		strlcpy(one, hv->hv_type->ht_name, sizeof(one));
		if (hv->hv_type->ht_describe != NULL)
			hv->hv_type->ht_describe(hv, one, sizeof(one));
		if (i != 0)
			strlcat(buf, ", ", size);
		strlcat(buf, one, size);
	}
}

static int
pvbus_sysctl(void *arg __unused, char *buf, size_t size)
{
	char text[128];

	pvbus_describe(text, sizeof(text));
	return (snprintf(buf, size, "%s", text[0] != '\0' ? text : "none"));
}

/* --- stores ------------------------------------------------------------- */

void
pvbus_kv_attach(struct pvbus_hv *hv, struct pvbus_store *ps)
{
	ps->ps_busy = 0;
	ps->ps_gone = false;
	mtx_enter(&hv->hv_mtx);
	TAILQ_INSERT_TAIL(&hv->hv_stores, ps, ps_link);
	mtx_leave(&hv->hv_mtx);
}

void
pvbus_kv_detach(struct pvbus_hv *hv, struct pvbus_store *ps)
{
	mtx_enter(&hv->hv_mtx);
	ps->ps_gone = true;
	while (ps->ps_busy != 0)
		(void)msleep_nsec(&ps->ps_busy, &hv->hv_mtx, PRI_KERN,
		    "pvbuskv", INFSLP);
	TAILQ_REMOVE(&hv->hv_stores, ps, ps_link);
	mtx_leave(&hv->hv_mtx);
}

static void
pvbus_put(struct pvbus_store *ps)
{
	if (--ps->ps_busy == 0)
		wakeup(&ps->ps_busy);
}

/* From one store, or NULL, to the next, which stays while it is used. */
static struct pvbus_store *
pvbus_next(struct pvbus_hv *hv, struct pvbus_store *ps)
{
	struct pvbus_store *next;

	mtx_enter(&hv->hv_mtx);
	next = ps == NULL ? TAILQ_FIRST(&hv->hv_stores) :
	    TAILQ_NEXT(ps, ps_link);
	while (next != NULL && next->ps_gone)
		next = TAILQ_NEXT(next, ps_link);
	if (next != NULL)
		next->ps_busy++;
	if (ps != NULL)
		pvbus_put(ps);
	mtx_leave(&hv->hv_mtx);
	return (next);
}

static void
pvbus_leave(struct pvbus_hv *hv, struct pvbus_store *ps)
{
	mtx_enter(&hv->hv_mtx);
	pvbus_put(ps);
	mtx_leave(&hv->hv_mtx);
}

/* Whether the next store may know what this one does not. */
static bool
pvbus_not_here(int error)
{
	return (error == ENOENT || error == EOPNOTSUPP);
}

int
pvbus_kv_read(struct pvbus_hv *hv, const char *key, char *value, size_t size,
    size_t *lenp)
{
	struct pvbus_store *ps = NULL;
	int error = ENXIO;

	while ((ps = pvbus_next(hv, ps)) != NULL) {
		if (ps->ps_ops->kv_read == NULL) {
			if (error == ENXIO)
				error = EOPNOTSUPP;
			continue;
		}
		*lenp = size - 1;
		error = ps->ps_ops->kv_read(ps->ps_arg, key, value, lenp);
		if (!pvbus_not_here(error)) {
			pvbus_leave(hv, ps);
			break;
		}
	}
	return (error);
}

/* One that cannot write at all is a better reason than one without the key. */
static int
pvbus_write(struct pvbus_hv *hv, const char *key, char *value, size_t size)
{
	struct pvbus_store *ps = NULL;
	int error = ENXIO, e;

	while ((ps = pvbus_next(hv, ps)) != NULL) {
		e = ps->ps_ops->kv_write == NULL ? EOPNOTSUPP :
		    ps->ps_ops->kv_write(ps->ps_arg, key, value, size);
		if (!pvbus_not_here(e)) {
			pvbus_leave(hv, ps);
			return (e);
		}
		if (e == EOPNOTSUPP || error == ENXIO)
			error = e;
	}
	return (error);
}

void
pvbus_list_add(char *buf, size_t room, size_t *len, const char *name)
{
	size_t n = strlen(name), sep = *len != 0 ? 1 : 0;

	if (*len <= room && sep + n <= room - *len) {
		if (sep != 0)
			buf[*len] = '\n';
		memcpy(buf + *len + sep, name, n);
	}
	*len += sep + n;
}

/* The keys of all stores, as pvbus_kv_read(). */
static int
pvbus_list(struct pvbus_hv *hv, const char *prefix, char *value, size_t size,
    size_t *lenp)
{
	struct pvbus_store *ps = NULL;
	size_t len = 0, n, sep;
	int error = ENXIO, e;

	while ((ps = pvbus_next(hv, ps)) != NULL) {
		if (error == ENXIO)
			error = EOPNOTSUPP;
		if (ps->ps_ops->kv_list == NULL)
			continue;
		sep = len != 0 ? 1 : 0;
		n = len + sep < size ? size - 1 - len - sep : 0;
		e = ps->ps_ops->kv_list(ps->ps_arg, prefix, len + sep < size ?
		    value + len + sep : NULL, &n);
		if (e == 0 || e == ERANGE) {
			if (sep != 0 && len < size)
				value[len] = '\n';
			len += sep + n;
			if (error != ERANGE)
				error = e;
		} else if (!pvbus_not_here(e)) {
			pvbus_leave(hv, ps);
			return (e);
		} else if (error == EOPNOTSUPP)
			error = e;
	}
	*lenp = len;
	return (error == 0 && len >= size ? ERANGE : error);
}

/* --- /dev/pvbusN -------------------------------------------------------- */

static int
pvbus_length(size_t len)
{
	return (len == 0 ? EINVAL : len > PVBUS_KV_MAX ? ENAMETOOLONG : 0);
}

/* A string of the program's, which must end within its length. */
static int
pvbus_string(const char *from, size_t len, char **sp)
{
	int error;

	if ((*sp = kmem_alloc(len, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = copyinstr(from, *sp, len, NULL)) != 0) {
		kmem_free(*sp, len);
		*sp = NULL;
	}
	return (error == ENAMETOOLONG ? EFAULT : error);
}

/* A value or a list, with a NUL behind it; its length goes to the program. */
static int
pvbus_fetch(struct pvbus_hv *hv, int (*op)(struct pvbus_hv *, const char *,
    char *, size_t, size_t *), const char *key, struct pvbus_req *pvr)
{
	size_t size = pvr->pvr_valuelen, len;
	char *value;
	int error;

	if ((value = kmem_zalloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = op(hv, key, value, size, &len)) == 0) {
		KASSERT(len < size);
		value[len] = '\0';
		error = copyout(value, pvr->pvr_value, len + 1);
		pvr->pvr_valuelen = len;
	}
	kmem_free(value, size);
	return (error);
}

/* What the host answered is where the value was. */
static int
pvbus_store(struct pvbus_hv *hv, const char *key, const struct pvbus_req *pvr)
{
	char *value;
	int error;

	if ((error = pvbus_string(pvr->pvr_value, pvr->pvr_valuelen,
	    &value)) != 0)
		return (error);
	if ((error = pvbus_write(hv, key, value, pvr->pvr_valuelen)) == 0)
		error = copyout(value, pvr->pvr_value, strlen(value) + 1);
	kmem_free(value, pvr->pvr_valuelen);
	return (error);
}

static int
pvbus_kv(struct pvbus_hv *hv, u_long cmd, struct pvbus_req *pvr)
{
	size_t keylen = pvr->pvr_keylen;
	char *key;
	int error;

	if ((error = pvbus_length(keylen)) != 0 ||
	    (error = pvbus_length(pvr->pvr_valuelen)) != 0 ||
	    (error = pvbus_string(pvr->pvr_key, keylen, &key)) != 0)
		return (error);
	switch (cmd) {
	case PVBUSIOC_KVREAD:
		error = pvbus_fetch(hv, pvbus_kv_read, key, pvr);
		break;
	case PVBUSIOC_KVLIST:
		error = pvbus_fetch(hv, pvbus_list, key, pvr);
		break;
	default:
		error = pvbus_store(hv, key, pvr);
		break;
	}
	kmem_free(key, keylen);
	return (error);
}

static int
pvbus_kvtype(const struct pvbus_hv *hv, const struct pvbus_req *pvr)
{
	const char *name = hv->hv_type->ht_name;
	size_t size = strlen(name) + 1;

	if (size > pvr->pvr_keylen)
		return (ENOMEM);
	return (copyout(name, pvr->pvr_key, size));
}

/* The order of the checks is part of the interface: see pvbus(4). */
static int
pvbus_ioctl(struct cdev *dev, u_long cmd, void *data, int flags)
{
	struct pvbus_hv *hv = dev_arg(dev);
	struct pvbus_req pvr;
	int error;

	if (cmd == PVBUSIOC_KVWRITE && !(flags & FWRITE))
		return (EPERM);
	if (hv == NULL)
		return (ENXIO);
	if (cmd != PVBUSIOC_KVTYPE && cmd != PVBUSIOC_KVREAD &&
	    cmd != PVBUSIOC_KVWRITE && cmd != PVBUSIOC_KVLIST)
		return (ENOTTY);
	if (cmd != PVBUSIOC_KVTYPE && TAILQ_EMPTY(&hv->hv_stores))
		return (ENXIO);
	if ((error = copyin(data, &pvr, sizeof(pvr))) == 0) {
		error = cmd == PVBUSIOC_KVTYPE ? pvbus_kvtype(hv, &pvr) :
		    pvbus_kv(hv, cmd, &pvr);
	}
	if (error == 0)
		error = copyout(&pvr, data, sizeof(pvr));
	return (error);
}

static const struct cdevsw pvbus_cdevsw = {
	.d_name = "pvbus",
	.d_ioctl = pvbus_ioctl,
	.d_flags = D_RAWIOCTL,
};

/* --- attachment --------------------------------------------------------- */

/* A device is that of the first hypervisor that may have it. */
static bool
pvbus_had(const char *name, u_int before)
{
	const char *const *child;
	u_int i;

	for (i = 0; i < before; i++) {
		for (child = pvbus_hvs[i].hv_type->ht_children; *child != NULL;
		    child++) {
			if (strcmp(*child, name) == 0)
				return (true);
		}
	}
	return (false);
}

static void
pvbus_children(struct device *self)
{
	struct pv_attach_args pva = { .pva_dmat = &md_dma };
	const char *const *child;
	u_int i;

	for (i = 0; i < pvbus_nhv; i++) {
		pva.pva_hv = &pvbus_hvs[i];
		for (child = pva.pva_hv->hv_type->ht_children; *child != NULL;
		    child++) {
			pva.pva_name = *child;
			if (!pvbus_had(*child, i))
				(void)config_found(self, &pva, NULL);
		}
	}
}

static void
pvbus_word(const struct pvbus_hv *hv, u_int bit, char *buf, size_t size)
{
	const struct pv_word *pw = hv->hv_type->ht_words;
	char number[8];

	while (pw->pw_name != NULL && pw->pw_bit != bit)
		pw++;
	(void)snprintf(number, sizeof(number), "bit%u", bit);
	if (buf[0] != '\0')
		strlcat(buf, ",", size);
	strlcat(buf, pw->pw_name != NULL ? pw->pw_name : number, size);
}

/* What it offers, in its own words; bits that have none by number. */
static int
pvbus_words(void *arg, char *buf, size_t size)
{
	const struct pvbus_hv *hv = arg;
	char text[PVBUS_WORDS];
	u_int bit;

	text[0] = '\0';
	for (bit = 0; bit < 64; bit++) {
		if (hv->hv_features >> bit & 1)
			pvbus_word(hv, bit, text, sizeof(text));
	}
	return (snprintf(buf, size, "%s", text));
}

/* Lines no longer than a screen is wide, broken between words. */
static void
pvbus_print_words(struct device *self, const char *name, const char *words)
{
	size_t n;

	while (*words != '\0') {
		n = strlen(words);
		if (n > PVBUS_LINE) {
			for (n = PVBUS_LINE; n > 0 && words[n] != ','; n--)
				;
			if (n == 0)
				n = PVBUS_LINE;
		}
		device_printf(self, "%s offers %.*s\n", name, (int)n, words);
		words += n;
		if (*words == ',')
			words++;
	}
}

static void
pvbus_features(struct pvbus_softc *sc, u_int i)
{
	struct pvbus_hv *hv = &pvbus_hvs[i];
	struct sysctl_oid *oid = &sc->sc_features[i];
	char text[PVBUS_WORDS];

	if (hv->hv_type->ht_words == NULL)
		return;
	(void)pvbus_words(hv, text, sizeof(text));
	pvbus_print_words(&sc->sc_dev, hv->hv_type->ht_name, text);
	(void)snprintf(oid->so_name, sizeof(oid->so_name),
	    "hw.pvbus.%u.features", i);
	oid->so_read = pvbus_words;
	oid->so_arg = hv;
	if (sysctl_register(oid) != 0)
		oid->so_read = NULL;
}

int
pvbus_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct pvbus_softc *sc = (struct pvbus_softc *)self;
	char text[128];
	u_int i;
	int error;

	pvbus_identify();
	pvbus_describe(text, sizeof(text));
	device_describe(self, "%s", text[0] != '\0' ? text : "no hypervisor");
	/* one node in any case, to get an error from */
	for (i = 0; i < MAX(pvbus_nhv, 1); i++) {
		error = dev_create(&sc->sc_cdev[i], &pvbus_cdevsw,
		    i < pvbus_nhv ? &pvbus_hvs[i] : NULL, 0600, "pvbus%u", i);
		if (error != 0) {
			(void)pvbus_detach(self, 0);
			return (error);
		}
	}
	strlcpy(sc->sc_oid.so_name, "hw.hypervisor",
	    sizeof(sc->sc_oid.so_name));
	sc->sc_oid.so_read = pvbus_sysctl;
	sc->sc_hasoid = sysctl_register(&sc->sc_oid) == 0;
	for (i = 0; i < pvbus_nhv; i++)
		pvbus_features(sc, i);
	pvbus_children(self);
	return (0);
}

int
pvbus_detach(struct device *self, int flags __unused)
{
	struct pvbus_softc *sc = (struct pvbus_softc *)self;
	u_int i;

	if (sc->sc_hasoid)
		sysctl_unregister(&sc->sc_oid);
	sc->sc_hasoid = false;
	for (i = 0; i < nitems(sc->sc_features); i++) {
		if (sc->sc_features[i].so_read != NULL)
			sysctl_unregister(&sc->sc_features[i]);
		sc->sc_features[i].so_read = NULL;
	}
	for (i = 0; i < nitems(sc->sc_cdev); i++) {
		dev_destroy(sc->sc_cdev[i]);
		sc->sc_cdev[i] = NULL;
	}
	pvbus_nhv = 0;
	pvbus_identified = false;
	return (0);
}
