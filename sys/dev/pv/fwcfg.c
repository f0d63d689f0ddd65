/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * fwcfg(4): the files that QEMU has for its guest's firmware, which may be
 * any that a user names on its command line, as pvbus(4)'s store.
 *
 * There is one selector and one position for everybody, hence one lock.  What
 * is selected is read from its start, by bytes or, where QEMU offers it, by
 * DMA.  The directory is not read before somebody asks.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/rwlock.h>
#include <sys/systm.h>

#include <dev/pv/fwcfgreg.h>
#include <dev/pv/pvvar.h>

#define FWCFG_MAXFILES	4096
#define FWCFG_MAXSIZE	(1U << 30)	/* of one that can be believed */
#define FWCFG_DMA_SIZE	4096
#define FWCFG_DMA_DATA	64		/* behind the control block */
#define FWCFG_DMA_CHUNK	(FWCFG_DMA_SIZE - FWCFG_DMA_DATA)
#define FWCFG_DMA_USEC	1000000
#define FWCFG_NOKEY	UINT32_MAX

struct fwcfg_regs {
	struct bus_region	 fr_br;
	bool			 fr_mem;
};

struct fwcfg_softc {
	struct device		 sc_dev;
	struct pvbus_hv		*sc_hv;
	struct fwcfg_regs	 sc_regs;
	struct rwlock		 sc_lock;	/* the position, sc_mem */
	struct dmamem		 sc_mem;
	bool			 sc_dma;
	bool			 sc_lost;	/* DMA did not end */
	uint32_t		 sc_key;	/* to be selected by DMA */
	struct pvbus_store	 sc_store;
	bool			 sc_attached;
};

/* An entry of the directory, checked. */
struct fwcfg_file {
	uint32_t	ff_size;
	uint16_t	ff_key;
	char		ff_name[FWCFG_NAMELEN];
};

int	fwcfg_match(struct device *, const struct cfdata *, const void *);
int	fwcfg_attach(struct device *, struct device *, void *);
int	fwcfg_detach(struct device *, int);

CFDRIVER_DECL(fwcfg, DV_DULL);
CFATTACH_DECL(fwcfg, pvbus, fwcfg_softc, .ca_match = fwcfg_match,
    .ca_attach = fwcfg_attach, .ca_detach = fwcfg_detach);

static int	fwcfg_read(void *, const char *, void *, size_t *);
static int	fwcfg_write(void *, const char *, char *, size_t);
static int	fwcfg_list(void *, const char *, void *, size_t *);

static const struct pvbus_kvops fwcfg_kvops = {
	.kv_read = fwcfg_read,
	.kv_write = fwcfg_write,
	.kv_list = fwcfg_list,
};

/* --- bytes -------------------------------------------------------------- */

static int
fwcfg_map(struct fwcfg_regs *fr)
{
	bus_addr_t addr;

	if (md_fwcfg(&addr, &fr->fr_mem) != 0)
		return (ENXIO);
	return (br_map(&fr->fr_br, fr->fr_mem ? &md_bus_mem : md_bus_io, addr,
	    fr->fr_mem ? FWCFG_MEM_SIZE : FWCFG_NPORTS, 0));
}

static void
fwcfg_selector(const struct fwcfg_regs *fr, uint16_t key)
{
	if (fr->fr_mem)
		br_write_2(&fr->fr_br, FWCFG_MEM_SELECTOR, bswap16(key));
	else
		br_write_2(&fr->fr_br, FWCFG_SELECTOR, key);
}

static void
fwcfg_data(const struct fwcfg_regs *fr, void *buf, size_t len)
{
	bus_size_t reg = fr->fr_mem ? FWCFG_MEM_DATA : FWCFG_DATA;
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = br_read_1(&fr->fr_br, reg);
}

static void
fwcfg_dma_start(const struct fwcfg_regs *fr, bus_addr_t addr)
{
	br_write_4(&fr->fr_br, fr->fr_mem ? FWCFG_MEM_DMA_HIGH :
	    FWCFG_DMA_HIGH, bswap32(addr >> 32));
	br_write_4(&fr->fr_br, fr->fr_mem ? FWCFG_MEM_DMA_LOW :
	    FWCFG_DMA_LOW, bswap32((uint32_t)addr));
}

static void
fwcfg_item(const struct fwcfg_regs *fr, uint16_t key, void *buf, size_t len)
{
	fwcfg_selector(fr, key);
	fwcfg_data(fr, buf, len);
}

/* One transfer, no larger than a chunk, to or from the bytes behind it. */
static int
fwcfg_transfer(struct fwcfg_softc *sc, uint32_t control, size_t len)
{
	struct fwcfg_dma *fa = sc->sc_mem.dmm_kva;
	bus_addr_t addr = sc->sc_mem.dmm_seg.ds_addr;
	u_int usec;

	if (sc->sc_key != FWCFG_NOKEY)
		control |= FWCFG_DMA_SELECT | sc->sc_key << 16;
	sc->sc_key = FWCFG_NOKEY;
	be32_store(&fa->fa_length, len);
	be64_store(&fa->fa_address, addr + FWCFG_DMA_DATA);
	be32_store(&fa->fa_control, control);
	/* the block before the register that makes QEMU read it */
	bus_dma_barrier(sc->sc_mem.dmm_tag, BUS_DMA_BARRIER_WRITE);
	fwcfg_dma_start(&sc->sc_regs, addr);
	for (usec = 0; (control = be32_load(&fa->fa_control)) != 0; usec++) {
		if (control == FWCFG_DMA_ERROR)
			return (EIO);
		if (usec == FWCFG_DMA_USEC) {
			sc->sc_lost = true;
			return (EIO);
		}
		delay(1);
	}
	/* the word that says it is done before the data */
	bus_dma_barrier(sc->sc_mem.dmm_tag, BUS_DMA_BARRIER_READ);
	return (0);
}

static void
fwcfg_select(struct fwcfg_softc *sc, uint16_t key)
{
	if (sc->sc_dma)
		sc->sc_key = key;
	else
		fwcfg_selector(&sc->sc_regs, key);
}

/* The next bytes of what is selected. */
static int
fwcfg_bytes(struct fwcfg_softc *sc, void *buf, size_t len)
{
	char *p = buf;
	size_t n;
	int error;

	if (sc->sc_lost)
		return (EIO);
	if (!sc->sc_dma) {
		fwcfg_data(&sc->sc_regs, buf, len);
		return (0);
	}
	for (; len > 0; len -= n, p += n) {
		n = MIN(len, FWCFG_DMA_CHUNK);
		if ((error = fwcfg_transfer(sc, FWCFG_DMA_READ, n)) != 0)
			return (error);
		memcpy(p, (char *)sc->sc_mem.dmm_kva + FWCFG_DMA_DATA, n);
	}
	return (0);
}

/* --- files -------------------------------------------------------------- */

static int
fwcfg_dir(struct fwcfg_softc *sc, u_int *np)
{
	be32_w n;
	int error;

	fwcfg_select(sc, FWCFG_KEY_DIR);
	if ((error = fwcfg_bytes(sc, &n, sizeof(n))) != 0)
		return (error);
	*np = be32_get(n);
	return (*np > FWCFG_MAXFILES ? EIO : 0);
}

/* One that makes no sense gets an empty name. */
static int
fwcfg_dir_next(struct fwcfg_softc *sc, struct fwcfg_file *ff)
{
	struct fwcfg_dirent fd;
	const char *p;
	int error;

	if ((error = fwcfg_bytes(sc, &fd, sizeof(fd))) != 0)
		return (error);
	ff->ff_size = be32_get(fd.fd_size);
	ff->ff_key = be16_get(fd.fd_key);
	memcpy(ff->ff_name, fd.fd_name, sizeof(ff->ff_name));
	for (p = ff->ff_name; p < ff->ff_name + FWCFG_NAMELEN; p++) {
		if (*p == '\0')
			break;
		if (*p <= ' ' || *p > '~')
			p = ff->ff_name + FWCFG_NAMELEN - 1;
	}
	if (p == ff->ff_name + FWCFG_NAMELEN || ff->ff_key < FWCFG_KEY_FIRST ||
	    ff->ff_size > FWCFG_MAXSIZE)
		ff->ff_name[0] = '\0';
	return (0);
}

static int
fwcfg_find(struct fwcfg_softc *sc, const char *name, struct fwcfg_file *ff)
{
	u_int i, n;
	int error;

	if (name[0] == '\0')
		return (ENOENT);
	if ((error = fwcfg_dir(sc, &n)) != 0)
		return (error);
	for (i = 0; i < n; i++) {
		if ((error = fwcfg_dir_next(sc, ff)) != 0)
			return (error);
		if (strcmp(ff->ff_name, name) == 0)
			return (0);
	}
	return (ENOENT);
}

static int
fwcfg_read(void *arg, const char *key, void *buf, size_t *lenp)
{
	struct fwcfg_softc *sc = arg;
	struct fwcfg_file ff;
	int error;

	rw_enter_write(&sc->sc_lock);
	if ((error = fwcfg_find(sc, key, &ff)) == 0) {
		if (ff.ff_size > *lenp)
			error = ERANGE;
		else {
			fwcfg_select(sc, ff.ff_key);
			error = fwcfg_bytes(sc, buf, ff.ff_size);
		}
		*lenp = ff.ff_size;
	}
	rw_exit(&sc->sc_lock);
	return (error);
}

/*
 * From its start, as much as was given.  QEMU lets only a few be written, by
 * DMA, and says of the others that the transfer failed.
 */
static int
fwcfg_put(struct fwcfg_softc *sc, const struct fwcfg_file *ff,
    const char *value, size_t len)
{
	if (sc->sc_lost)
		return (EIO);
	if (!sc->sc_dma)
		return (EROFS);
	if (len == 0)			/* of nothing QEMU does not complain */
		return (EINVAL);
	if (len > ff->ff_size || len > FWCFG_DMA_CHUNK)
		return (ERANGE);
	fwcfg_select(sc, ff->ff_key);
	memcpy((char *)sc->sc_mem.dmm_kva + FWCFG_DMA_DATA, value, len);
	if (fwcfg_transfer(sc, FWCFG_DMA_WRITE, len) == 0)
		return (0);
	return (sc->sc_lost ? EIO : EROFS);
}

/* There is no way to make a new one. */
static int
fwcfg_write(void *arg, const char *key, char *value, size_t size)
{
	struct fwcfg_softc *sc = arg;
	struct fwcfg_file ff;
	int error;

	rw_enter_write(&sc->sc_lock);
	if ((error = fwcfg_find(sc, key, &ff)) == 0)
		error = fwcfg_put(sc, &ff, value, strlen(value));
	if (error == 0)
		strlcpy(value, "", size);	/* it has no answer */
	rw_exit(&sc->sc_lock);
	return (error == ENOENT ? EOPNOTSUPP : error);
}

static int
fwcfg_list(void *arg, const char *prefix, void *buf, size_t *lenp)
{
	struct fwcfg_softc *sc = arg;
	size_t len = 0, plen = strlen(prefix);
	struct fwcfg_file ff;
	u_int i, n = 0;
	int error;

	rw_enter_write(&sc->sc_lock);
	error = fwcfg_dir(sc, &n);
	for (i = 0; i < n && error == 0; i++) {
		error = fwcfg_dir_next(sc, &ff);
		if (error == 0 && ff.ff_name[0] != '\0' &&
		    strncmp(ff.ff_name, prefix, plen) == 0)
			pvbus_list_add(buf, *lenp, &len, ff.ff_name);
	}
	rw_exit(&sc->sc_lock);
	if (error == 0 && len == 0)
		error = ENOENT;
	else if (error == 0 && len > *lenp)
		error = ERANGE;
	*lenp = len;
	return (error);
}

/* --- attachment --------------------------------------------------------- */

int
fwcfg_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;
	struct fwcfg_regs fr;
	char sig[4];

	if (strcmp(pva->pva_name, cf->cf_driver->cd_name) != 0 ||
	    fwcfg_map(&fr) != 0)
		return (0);
	fwcfg_item(&fr, FWCFG_KEY_SIGNATURE, sig, sizeof(sig));
	br_unmap(&fr.fr_br);
	return (memcmp(sig, "QEMU", sizeof(sig)) == 0);
}

static void
fwcfg_teardown(struct fwcfg_softc *sc)
{
	if (sc->sc_attached)
		pvbus_kv_detach(sc->sc_hv, &sc->sc_store);
	sc->sc_attached = false;
	if (!sc->sc_lost)		/* QEMU may still write there */
		dmamem_free(&sc->sc_mem);
	br_unmap(&sc->sc_regs.fr_br);
}

int
fwcfg_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct fwcfg_softc *sc = (struct fwcfg_softc *)self;
	const struct pv_attach_args *pva = aux;
	le32_w id;
	be32_w n;
	int error;

	sc->sc_hv = pva->pva_hv;
	sc->sc_key = FWCFG_NOKEY;
	rw_init(&sc->sc_lock, "fwcfg");
	if ((error = fwcfg_map(&sc->sc_regs)) != 0)
		return (error);
	fwcfg_item(&sc->sc_regs, FWCFG_KEY_ID, &id, sizeof(id));
	fwcfg_item(&sc->sc_regs, FWCFG_KEY_DIR, &n, sizeof(n));
	if (be32_get(n) > FWCFG_MAXFILES) {
		device_describe(self, "%u files, not used", be32_get(n));
		error = ENXIO;
	} else if ((le32_get(id) & FWCFG_ID_DMA) &&
	    (error = dmamem_alloc(&sc->sc_mem, pva->pva_dmat, FWCFG_DMA_SIZE,
	    sizeof(struct fwcfg_dma), BUS_DMA_NOWAIT)) == 0)
		sc->sc_dma = true;
	if (error != 0) {
		fwcfg_teardown(sc);
		return (error);
	}
	sc->sc_store.ps_ops = &fwcfg_kvops;
	sc->sc_store.ps_arg = sc;
	pvbus_kv_attach(sc->sc_hv, &sc->sc_store);
	sc->sc_attached = true;
	device_describe(self, "%u files", be32_get(n));
	return (0);
}

int
fwcfg_detach(struct device *self, int flags __unused)
{
	fwcfg_teardown((struct fwcfg_softc *)self);
	return (0);
}
