/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioblk(4): variables
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pv/vioblkvar.h>

#define TIMEOUT_MAX	3600

static const struct virtio_field vioblk_writeback[] = {
	VIRTIO_FIELD(virtio_blk_config, writeback, VIRTIO_BLK_F_CONFIG_WCE),
};

/* --- the cache ---------------------------------------------------------- */

static int
sysctl_cache(void *arg, char *buf, size_t size)
{
	struct vioblk_softc *sc = arg;
	struct virtio_blk_config conf = { .writeback = 0 };

	(void)virtio_config_read(sc->sc_vsc, vioblk_writeback, 1, &conf);
	return (snprintf(buf, size, "%u", conf.writeback != 0));
}

static int
sysctl_set_cache(void *arg, const char *s)
{
	struct vioblk_softc *sc = arg;
	struct virtio_blk_config conf;
	int error;

	if (strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
		return (EINVAL);
	conf.writeback = s[0] - '0';
	error = virtio_config_write(sc->sc_vsc, vioblk_writeback, 1, &conf);
	if (error == 0)
		sc->sc_writeback = conf.writeback;
	return (error);
}

void
vioblk_restore(struct vioblk_softc *sc)
{
	struct virtio_blk_config conf = { .writeback = sc->sc_writeback };

	if (sc->sc_writeback >= 0)
		(void)virtio_config_write(sc->sc_vsc, vioblk_writeback, 1,
		    &conf);
}

/* --- patience ----------------------------------------------------------- */

static int
sysctl_timeout(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%u",
	    ((struct vioblk_softc *)arg)->sc_secs));
}

static int
sysctl_set_timeout(void *arg, const char *s)
{
	uint64_t n;

	if (strtonum64(s, &s, &n) != 0 || *s != '\0' || n == 0 ||
	    n > TIMEOUT_MAX)
		return (EINVAL);
	vioblk_set_timeout(arg, n);
	return (0);
}

/* --- how much longer it will live --------------------------------------- */

static const char *
eol_word(u_int n)
{
	static const char *const word[] = { "unknown", "normal", "warning",
	    "urgent" };

	return (n < nitems(word) ? word[n] : "unknown");
}

/* Each step of ten percent has a number, 11 is what should be over. */
static int
life_text(char *buf, size_t size, const char *name, u_int n)
{
	if (n == 0 || n > 11)
		return (snprintf(buf, size, ",%s=unknown", name));
	if (n == 11)
		return (snprintf(buf, size, ",%s=over", name));
	return (snprintf(buf, size, ",%s=%u%%", name, 10 * n));
}

static int
sysctl_lifetime(void *arg, char *buf, size_t size)
{
	struct virtio_blk_lifetime bl;
	char slc[24], mlc[24];
	int error, answer;

	error = vioblk_ask(arg, VIRTIO_BLK_T_GET_LIFETIME, &bl, sizeof(bl),
	    &answer);
	if (error != 0 || (error = answer) != 0)
		return (snprintf(buf, size, "error %d", error));
	life_text(slc, sizeof(slc), "slc", le16_load(&bl.bl_slc));
	life_text(mlc, sizeof(mlc), "mlc", le16_load(&bl.bl_mlc));
	return (snprintf(buf, size, "reserve=%s%s%s",
	    eol_word(le16_load(&bl.bl_eol)), slc, mlc));
}

/* --- all ---------------------------------------------------------------- */

static void
add(struct vioblk_softc *sc, const char *name, int (*read)(void *, char *,
    size_t), int (*write)(void *, const char *))
{
	struct sysctl_oid *so = &sc->sc_oid[sc->sc_noids];

	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.%s",
	    sc->sc_dev.dv_xname, name);
	so->so_read = read;
	so->so_write = write;
	so->so_arg = sc;
	if (sysctl_register(so) == 0)
		sc->sc_noids++;
}

void
vioblk_sysctl_attach(struct vioblk_softc *sc)
{
	add(sc, "timeout", sysctl_timeout, sysctl_set_timeout);
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_CONFIG_WCE))
		add(sc, "writeback", sysctl_cache, sysctl_set_cache);
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_LIFETIME))
		add(sc, "lifetime", sysctl_lifetime, NULL);
}

void
vioblk_sysctl_detach(struct vioblk_softc *sc)
{
	while (sc->sc_noids > 0)
		sysctl_unregister(&sc->sc_oid[--sc->sc_noids]);
}
