/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): variables of a screen, hw.viogpuN.M.*.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>

static int
sysctl_mode_read(void *arg, char *buf, size_t size)
{
	struct viogpu_scanout *so = arg;
	u_int w, h;

	rw_enter_read(&so->so_fb.fb_lock);
	w = so->so_fb.fb_width;
	h = so->so_fb.fb_height;
	rw_exit(&so->so_fb.fb_lock);
	return (snprintf(buf, size, "%ux%u", w, h));
}

static bool
number(const char **s, u_int *v)
{
	const char *p = *s;

	for (*v = 0; *p >= '0' && *p <= '9' && *v <= FB_SIDE_MAX; p++)
		*v = *v * 10 + (*p - '0');
	if (p == *s)
		return (false);
	*s = p;
	return (true);
}

/* "1024x768", or "auto": what the host wants. */
static int
sysctl_mode_write(void *arg, const char *s)
{
	struct viogpu_scanout *so = arg;
	u_int w = 0, h = 0;

	if (strcmp(s, "auto") != 0 && (!number(&s, &w) || *s++ != 'x' ||
	    !number(&s, &h) || *s != '\0' || w == 0 || h == 0))
		return (EINVAL);
	return (viogpu_mode(&so->so_fb, w, h));
}

static int
sysctl_modes(void *arg, char *buf, size_t size)
{
	struct viogpu_scanout *so = arg;
	const struct viogpu_edid *ve = &so->so_edid;
	size_t n = 0;
	u_int i;

	if (size != 0)
		buf[0] = '\0';
	rw_enter_write(&so->so_sc->sc_lock);
	for (i = 0; i < ve->ve_nmodes; i++)
		n += snprintf(n < size ? buf + n : NULL,
		    n < size ? size - n : 0, "%s%ux%u", i == 0 ? "" : ",",
		    ve->ve_mode[i].vm_width, ve->ve_mode[i].vm_height);
	rw_exit(&so->so_sc->sc_lock);
	return (n);
}

static int
sysctl_monitor(void *arg, char *buf, size_t size)
{
	struct viogpu_scanout *so = arg;
	int n;

	rw_enter_write(&so->so_sc->sc_lock);
	n = snprintf(buf, size, "%s", so->so_wantw == 0 ? "" :
	    so->so_edid.ve_name[0] == '\0' ? "unknown" : so->so_edid.ve_name);
	rw_exit(&so->so_sc->sc_lock);
	return (n);
}

void
viogpu_sysctl_attach(struct viogpu_scanout *so)
{
	static const struct {
		const char *name;
		int (*read)(void *, char *, size_t);
		int (*write)(void *, const char *);
	} vars[] = {
		{ "mode", sysctl_mode_read, sysctl_mode_write },
		{ "modes", sysctl_modes, NULL },
		{ "monitor", sysctl_monitor, NULL },
	};
	struct sysctl_oid *oid;

	_Static_assert(nitems(vars) == nitems(so->so_oid), "variables");
	for (; so->so_noids < nitems(vars); so->so_noids++) {
		oid = &so->so_oid[so->so_noids];
		snprintf(oid->so_name, sizeof(oid->so_name), "hw.%s.%u.%s",
		    so->so_sc->sc_dev.dv_xname, so->so_id,
		    vars[so->so_noids].name);
		oid->so_read = vars[so->so_noids].read;
		oid->so_write = vars[so->so_noids].write;
		oid->so_arg = so;
		if (sysctl_register(oid) != 0)
			break;
	}
}

void
viogpu_sysctl_detach(struct viogpu_scanout *so)
{
	while (so->so_noids > 0)
		sysctl_unregister(&so->so_oid[--so->so_noids]);
}
