/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * fwctl(4): what bhyve tells its guest's firmware, as pvbus(4)'s store.  It
 * has the ports of QEMU's fw_cfg, but a protocol of its own: 32-bit words of
 * a request to the first, those of the answer from the second.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/rwlock.h>
#include <sys/systm.h>

#include <dev/pv/fwcfgreg.h>
#include <dev/pv/pvvar.h>

#define FWCTL_OUT	0		/* 16 W: 0 begins anew; 32 W */
#define FWCTL_IN	1		/* 8 R: signature; 32 R */
#define FWCTL_NPORTS	5		/* four bytes from the second */
#define FWCTL_OP_GET	3

#define FWCTL_KEY_MAX	76		/* with the NUL */
#define FWCTL_VALUE_MAX	4096
#define FWCTL_HEADER	16		/* size, op, id, error */

struct fwctl_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	struct pvbus_hv		*sc_hv;
	struct rwlock		 sc_lock;	/* one request at a time */
	struct pvbus_store	 sc_store;
	uint32_t		 sc_id;
};

static int	fwctl_match(struct device *, const struct cfdata *,
		    const void *);
static int	fwctl_attach(struct device *, struct device *, void *);
static int	fwctl_detach(struct device *, int);

CFDRIVER_DECL(fwctl, DV_DULL);
CFATTACH_DECL(fwctl, pvbus, fwctl_softc, .ca_match = fwctl_match,
    .ca_attach = fwctl_attach, .ca_detach = fwctl_detach);

/* --- requests ----------------------------------------------------------- */

/* From whatever state: it tells who it is, and then takes requests. */
static bool
fwctl_begin(const struct bus_region *br)
{
	char sig[4];
	u_int i;

	br_write_2(br, FWCTL_OUT, 0);
	for (i = 0; i < sizeof(sig); i++)
		sig[i] = br_read_1(br, FWCTL_IN);
	return (memcmp(sig, "BHYV", sizeof(sig)) == 0);
}

static void
fwctl_ask(struct fwctl_softc *sc, const char *key)
{
	size_t len = strlen(key) + 1, i, j;
	uint32_t word;

	br_write_4(&sc->sc_regs, FWCTL_OUT, 12 + roundup(len, 4));
	br_write_4(&sc->sc_regs, FWCTL_OUT, FWCTL_OP_GET);
	br_write_4(&sc->sc_regs, FWCTL_OUT, ++sc->sc_id);
	for (i = 0; i < len; i += 4) {
		for (word = 0, j = i; j < MIN(i + 4, len); j++)
			word |= (uint32_t)(uint8_t)key[j] << 8 * (j - i);
		br_write_4(&sc->sc_regs, FWCTL_OUT, word);
	}
}

static uint32_t
fwctl_word(struct fwctl_softc *sc)
{
	return (br_read_4(&sc->sc_regs, FWCTL_IN));
}

/* A value of four bytes is a number. */
static int
fwctl_value(struct fwctl_softc *sc, size_t len, char *value, size_t *lenp)
{
	size_t room = *lenp, i, j;
	char number[12];
	uint32_t word;

	if (len == 4) {
		(void)snprintf(number, sizeof(number), "%u", fwctl_word(sc));
		*lenp = strlen(number);
		if (*lenp > room)
			return (ERANGE);
		memcpy(value, number, *lenp);
		return (0);
	}
	for (i = 0; i < len; i += 4) {
		word = fwctl_word(sc);
		for (j = i; j < MIN(i + 4, MIN(len, room)); j++)
			value[j] = word >> 8 * (j - i);
	}
	*lenp = len;
	return (len > room ? ERANGE : 0);
}

static int
fwctl_answer(struct fwctl_softc *sc, char *value, size_t *lenp)
{
	uint32_t size = fwctl_word(sc), op = fwctl_word(sc),
	    id = fwctl_word(sc), error = fwctl_word(sc), len;

	if (size < FWCTL_HEADER || op != FWCTL_OP_GET || id != sc->sc_id)
		return (EIO);
	if (error != 0)
		return (size == FWCTL_HEADER ? ENOENT : EIO);
	/* 64 bits of length, and so many bytes */
	if (size < FWCTL_HEADER + 8)
		return (EIO);
	len = fwctl_word(sc);
	if (fwctl_word(sc) != 0 || len > FWCTL_VALUE_MAX ||
	    size != FWCTL_HEADER + 8 + roundup(len, 4))
		return (EIO);
	return (fwctl_value(sc, len, value, lenp));
}

static int
fwctl_read(void *arg, const char *key, void *value, size_t *lenp)
{
	struct fwctl_softc *sc = arg;
	int error;

	if (strlen(key) >= FWCTL_KEY_MAX || key[0] == '\0')
		return (ENOENT);
	rw_enter_write(&sc->sc_lock);
	/* what is left of an answer that made no sense is thrown away */
	if (!fwctl_begin(&sc->sc_regs))
		error = EIO;
	else {
		fwctl_ask(sc, key);
		error = fwctl_answer(sc, value, lenp);
	}
	rw_exit(&sc->sc_lock);
	return (error);
}

static const struct pvbus_kvops fwctl_kvops = {
	.kv_read = fwctl_read,
};

/* --- attachment --------------------------------------------------------- */

static int
fwctl_map(struct bus_region *br)
{
	bus_addr_t addr;
	bool mem;

	if (md_fwcfg(&addr, &mem) != 0 || mem)
		return (ENXIO);
	return (br_map(br, md_bus_io, addr, FWCTL_NPORTS, 0));
}

static int
fwctl_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;
	struct bus_region br;
	bool there;

	if (strcmp(pva->pva_name, cf->cf_driver->cd_name) != 0 ||
	    fwctl_map(&br) != 0)
		return (0);
	there = fwctl_begin(&br);
	br_unmap(&br);
	return (there);
}

static int
fwctl_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct fwctl_softc *sc = (struct fwctl_softc *)self;
	const struct pv_attach_args *pva = aux;
	int error;

	if ((error = fwctl_map(&sc->sc_regs)) != 0)
		return (error);
	sc->sc_hv = pva->pva_hv;
	rw_init(&sc->sc_lock, "fwctl");
	sc->sc_store.ps_ops = &fwctl_kvops;
	sc->sc_store.ps_arg = sc;
	pvbus_kv_attach(sc->sc_hv, &sc->sc_store);
	device_describe(self, "firmware control");
	return (0);
}

static int
fwctl_detach(struct device *self, int flags __unused)
{
	struct fwctl_softc *sc = (struct fwctl_softc *)self;

	pvbus_kv_detach(sc->sc_hv, &sc->sc_store);
	br_unmap(&sc->sc_regs);
	return (0);
}
