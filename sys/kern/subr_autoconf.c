/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Autoconfiguration.  See device.h.
 *
 * Attach and detach exclude each other by autoconf_lock, which is held while
 * a driver's attach or detach runs; they nest, so it counts.
 */

#include <sys/cmdline.h>
#include <sys/device.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

struct deferral {
	TAILQ_ENTRY(deferral)	  df_link;
	struct device		 *df_dev;
	void			(*df_fn)(struct device *);
};

static TAILQ_HEAD(, device) alldevs = TAILQ_HEAD_INITIALIZER(alldevs);
static TAILQ_HEAD(, deferral) deferrals = TAILQ_HEAD_INITIALIZER(deferrals);
static struct mutex	dev_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static struct thread	*autoconf_owner;
static u_int		autoconf_depth;

#define ENTER_MSEC	20	/* between two looks at *stop */

static void
autoconf_enter(void)
{
	mtx_enter(&dev_mtx);
	while (autoconf_owner != NULL && autoconf_owner != curthread)
		(void)msleep_nsec(&autoconf_owner, &dev_mtx, PRI_KERN,
		    "autoconf", INFSLP);
	autoconf_owner = curthread;
	autoconf_depth++;
	mtx_leave(&dev_mtx);
}

static void
autoconf_leave(void)
{
	mtx_enter(&dev_mtx);
	if (--autoconf_depth == 0) {
		autoconf_owner = NULL;
		wakeup(&autoconf_owner);
	}
	mtx_leave(&dev_mtx);
}

bool
config_enter(const bool *stop)
{
	bool mine = true;

	mtx_enter(&dev_mtx);
	while (mine && autoconf_owner != NULL &&
	    autoconf_owner != curthread) {
		mine = !__atomic_load_n(stop, __ATOMIC_RELAXED);
		if (mine)
			(void)msleep_nsec(&autoconf_owner, &dev_mtx, PRI_KERN,
			    "autoconf", MSEC_TO_NSEC(ENTER_MSEC));
	}
	if (mine) {
		autoconf_owner = curthread;
		autoconf_depth++;
	}
	mtx_leave(&dev_mtx);
	return (mine);
}

void
config_leave(void)
{
	autoconf_leave();
}

/* --- messages ------------------------------------------------------------------ */

static void
device_vdescribe(struct device *dev, const char *fmt, va_list ap)
{
	char text[160];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (dev->dv_parent == NULL)
		printf("%s at root: %s\n", dev->dv_xname, text);
	else
		printf("%s at %s%s: %s\n", dev->dv_xname,
		    dev->dv_parent->dv_xname, dev->dv_loc, text);
	dev->dv_flags |= DVF_DESCRIBED;
}

void
device_describe(struct device *dev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	device_vdescribe(dev, fmt, ap);
	va_end(ap);
}

void
device_printf(const struct device *dev, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) >= (int)sizeof(text))
		text[sizeof(text) - 2] = '\n';	/* what is cut is still a line */
	va_end(ap);
	printf("%s: %s", dev->dv_xname, text);
}

/* --- search ---------------------------------------------------------------------- */

static bool
parent_fits(const struct cfdata *cf, const struct device *parent)
{
	const short *p;

	if (parent == NULL)
		return (cf->cf_parents[0] == -1);
	for (p = cf->cf_parents; *p != -1; p++) {
		const struct cfdata *pcf = &cfdata[*p];

		if (pcf->cf_driver == parent->dv_cfdata->cf_driver &&
		    (pcf->cf_star || pcf->cf_unit == parent->dv_unit))
			return (true);
	}
	return (false);
}

static bool
unit_taken(const struct cfdata *cf)
{
	return (!cf->cf_star && cf->cf_unit < cf->cf_driver->cd_ndevs &&
	    cf->cf_driver->cd_devs[cf->cf_unit] != NULL);
}

/* empty: a driver knows the place, and that nothing is there */
static const struct cfdata *
config_search(struct device *parent, const void *aux, bool *empty)
{
	const struct cfdata *cf, *best = NULL;
	int pri, bestpri = 0;

	*empty = false;
	for (cf = cfdata; cf->cf_driver != NULL; cf++) {
		if (parent == NULL || !parent_fits(cf, parent) ||
		    unit_taken(cf))
			continue;
		pri = cf->cf_attach->ca_match(parent, cf, aux);
		if (pri == CFMATCH_EMPTY)
			*empty = true;
		else if (pri > bestpri) {
			best = cf;
			bestpri = pri;
		}
	}
	return (best);
}

/* --- units ------------------------------------------------------------------------ */

static int
unit_alloc(struct device *dev, const struct cfdata *cf)
{
	struct cfdriver *cd = cf->cf_driver;
	struct device **devs;
	int unit = cf->cf_star ? MAX(cf->cf_unit, cd->cd_minunit) :
	    cf->cf_unit, n;

	while (cf->cf_star && unit < cd->cd_ndevs &&
	    cd->cd_devs[unit] != NULL)
		unit++;
	if (unit >= cd->cd_ndevs) {
		n = MAX(4, 2 * unit);
		devs = kmem_reallocarray(cd->cd_devs, cd->cd_ndevs, n,
		    sizeof(*devs), KM_NOSLEEP);
		if (devs == NULL)
			return (ENOMEM);
		memset(devs + cd->cd_ndevs, 0,
		    (n - cd->cd_ndevs) * sizeof(*devs));
		cd->cd_devs = devs;
		cd->cd_ndevs = n;
	}
	cd->cd_devs[unit] = dev;
	dev->dv_unit = unit;
	snprintf(dev->dv_xname, sizeof(dev->dv_xname), "%s%d", cd->cd_name,
	    unit);
	return (0);
}

static void
unit_free(struct device *dev)
{
	struct cfdriver *cd = dev->dv_cfdata->cf_driver;
	struct device **devs = NULL;
	int i, n = cd->cd_ndevs;

	mtx_enter(&dev_mtx);
	dev->dv_flags &= ~DVF_ACTIVE;
	cd->cd_devs[dev->dv_unit] = NULL;
	for (i = 0; i < n && cd->cd_devs[i] == NULL; i++)
		;
	if (i == n) {
		devs = cd->cd_devs;
		cd->cd_devs = NULL;
		cd->cd_ndevs = 0;
	}
	mtx_leave(&dev_mtx);
	kmem_free(devs, n * sizeof(*devs));
}

static void
dev_unlink(struct device *dev)
{
	mtx_enter(&dev_mtx);
	TAILQ_REMOVE(&alldevs, dev, dv_list);
	mtx_leave(&dev_mtx);
	unit_free(dev);
	if (dev->dv_parent != NULL)
		device_unref(dev->dv_parent);
	device_unref(dev);
}

/* --- attach ------------------------------------------------------------------------- */

void
config_init(void)
{
	struct cfdriver *cd;
	const struct cfdata *cf;

	for (cf = cfdata; cf->cf_driver != NULL; cf++) {
		cd = cf->cf_driver;
		cd->cd_devs = NULL;
		cd->cd_ndevs = 0;
		cd->cd_minunit = 0;
	}
}

int
config_attach(struct device *parent, const struct cfdata *cf, void *aux,
    cfprint_t print, struct device **devp)
{
	struct cfident id = { "", "" };
	struct device *dev;
	int error;

	if ((dev = kmem_zalloc(cf->cf_attach->ca_devsize, KM_NOSLEEP)) ==
	    NULL)
		return (ENOMEM);
	dev->dv_parent = parent;
	dev->dv_cfdata = cf;
	dev->dv_ref = 1;
	autoconf_enter();
	if ((error = unit_alloc(dev, cf)) != 0) {
		autoconf_leave();
		kmem_free(dev, cf->cf_attach->ca_devsize);
		return (error);
	}
	if (print != NULL)
		print(aux, &id);
	strlcpy(dev->dv_loc, id.ci_loc, sizeof(dev->dv_loc));
	if (parent != NULL)
		device_ref(parent);
	mtx_enter(&dev_mtx);
	TAILQ_INSERT_TAIL(&alldevs, dev, dv_list);
	mtx_leave(&dev_mtx);

	if (cmdline_disabled(dev->dv_xname) ||
	    cmdline_disabled(cf->cf_driver->cd_name)) {
		device_printf(dev, "disabled on the command line\n");
		error = ENXIO;
	} else if ((error = cf->cf_attach->ca_attach(parent, dev, aux)) != 0 &&
	    !(dev->dv_flags & DVF_DESCRIBED))
		device_describe(dev, "cannot attach, error %d", error);
	if (error != 0) {
		/* the names of those behind it do not depend on its failure */
		cf->cf_driver->cd_minunit = MAX(cf->cf_driver->cd_minunit,
		    dev->dv_unit + 1);
		dev_unlink(dev);
	} else {
		dev->dv_flags |= DVF_ACTIVE;
		if (devp != NULL)
			*devp = dev;
	}
	autoconf_leave();
	return (error);
}

struct device *
config_found(struct device *parent, void *aux, cfprint_t print)
{
	struct cfident id = { "", "" };
	const struct cfdata *cf;
	struct device *dev = NULL;
	bool empty;

	autoconf_enter();
	if ((cf = config_search(parent, aux, &empty)) != NULL)
		(void)config_attach(parent, cf, aux, print, &dev);
	else if (print != NULL && !empty) {
		print(aux, &id);
		printf("%s at %s%s not configured\n", id.ci_what,
		    parent->dv_xname, id.ci_loc);
	}
	autoconf_leave();
	return (dev);
}

struct device *
config_rootfound(const char *name, void *aux)
{
	const struct cfdata *cf;
	struct device *dev = NULL;

	for (cf = cfdata; cf->cf_driver != NULL; cf++) {
		if (parent_fits(cf, NULL) &&
		    strcmp(cf->cf_driver->cd_name, name) == 0) {
			(void)config_attach(NULL, cf, aux, NULL, &dev);
			break;
		}
	}
	return (dev);
}

void
config_defer(struct device *dev, void (*fn)(struct device *))
{
	struct deferral *df = kmem_alloc(sizeof(*df), KM_SLEEP);

	device_ref(dev);
	df->df_dev = dev;
	df->df_fn = fn;
	mtx_enter(&dev_mtx);
	TAILQ_INSERT_TAIL(&deferrals, df, df_link);
	mtx_leave(&dev_mtx);
}

void
config_deferred(void)
{
	struct deferral *df;

	for (;;) {
		mtx_enter(&dev_mtx);
		if ((df = TAILQ_FIRST(&deferrals)) != NULL)
			TAILQ_REMOVE(&deferrals, df, df_link);
		mtx_leave(&dev_mtx);
		if (df == NULL)
			return;
		if (df->df_dev->dv_flags & DVF_ACTIVE)
			df->df_fn(df->df_dev);
		device_unref(df->df_dev);
		kmem_free(df, sizeof(*df));
	}
}

/* --- detach -------------------------------------------------------------------------- */

int
config_detach(struct device *dev, int flags)
{
	const struct cfattach *ca = dev->dv_cfdata->cf_attach;
	int error;

	autoconf_enter();
	mtx_enter(&dev_mtx);
	dev->dv_flags &= ~DVF_ACTIVE;
	mtx_leave(&dev_mtx);
	if (ca->ca_detach == NULL)
		error = EOPNOTSUPP;
	else if ((error = config_detach_children(dev, flags)) == 0)
		error = ca->ca_detach(dev, flags);
	if (error != 0) {
		if (flags & DETACH_FORCE)
			panic("%s: forced detach refused, error %d",
			    dev->dv_xname, error);
		mtx_enter(&dev_mtx);
		dev->dv_flags |= DVF_ACTIVE;
		mtx_leave(&dev_mtx);
	} else {
		if (!(flags & DETACH_QUIET))
			device_printf(dev, "detached\n");
		dev_unlink(dev);
	}
	autoconf_leave();
	return (error);
}

/* The last child of a device: children follow their parents in the list. */
static struct device *
last_child(struct device *parent)
{
	struct device *dev, *last = NULL;

	mtx_enter(&dev_mtx);
	TAILQ_FOREACH(dev, &alldevs, dv_list) {
		if (dev->dv_parent == parent)
			last = dev;
	}
	mtx_leave(&dev_mtx);
	return (last);
}

int
config_detach_children(struct device *parent, int flags)
{
	struct device *dev;
	int error;

	while ((dev = last_child(parent)) != NULL) {
		if ((error = config_detach(dev, flags)) != 0)
			return (error);
	}
	return (0);
}

int
config_activate_children(struct device *parent, enum devact act)
{
	struct device *dev;
	int error = 0, rv;

	TAILQ_FOREACH(dev, &alldevs, dv_list) {
		if (dev->dv_parent != parent ||
		    dev->dv_cfdata->cf_attach->ca_activate == NULL)
			continue;
		rv = dev->dv_cfdata->cf_attach->ca_activate(dev, act);
		if (rv != 0)
			error = rv;
	}
	return (error);
}

void
config_gone(struct device *top)
{
	struct device *dev;

	mtx_enter(&dev_mtx);
	top->dv_flags |= DVF_GONE;
	TAILQ_FOREACH(dev, &alldevs, dv_list) {
		if (dev->dv_parent != NULL &&
		    (dev->dv_parent->dv_flags & DVF_GONE))
			dev->dv_flags |= DVF_GONE;
	}
	mtx_leave(&dev_mtx);
}

/* --- references ----------------------------------------------------------------------- */

struct device *
device_lookup(struct cfdriver *cd, int unit)
{
	struct device *dev = NULL;

	mtx_enter(&dev_mtx);
	if (unit >= 0 && unit < cd->cd_ndevs && cd->cd_devs[unit] != NULL &&
	    (cd->cd_devs[unit]->dv_flags & DVF_ACTIVE)) {
		dev = cd->cd_devs[unit];
		dev->dv_ref++;
	}
	mtx_leave(&dev_mtx);
	return (dev);
}

void
device_ref(struct device *dev)
{
	mtx_enter(&dev_mtx);
	dev->dv_ref++;
	mtx_leave(&dev_mtx);
}

void
device_unref(struct device *dev)
{
	u_int ref;

	mtx_enter(&dev_mtx);
	KASSERT(dev->dv_ref != 0);
	ref = --dev->dv_ref;
	mtx_leave(&dev_mtx);
	if (ref == 0)
		kmem_free(dev, dev->dv_cfdata->cf_attach->ca_devsize);
}
