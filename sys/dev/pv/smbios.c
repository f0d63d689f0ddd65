/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * smbios(4): the strings that a hypervisor puts into the tables of its
 * guest's firmware, as pvbus(4)'s store.  System Management BIOS Reference
 * Specification, DSP0134.
 *
 * The tables are where the firmware of a PC leaves them, or in QEMU's fw_cfg
 * for machines without firmware.  They are copied, and checked there.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/wire.h>

#include <dev/pv/pvvar.h>

#define SMBIOS_FWCFG	"etc/smbios/smbios-tables"
#define SMBIOS_PREFIX	"smbios/"
#define SMBIOS_MAX	(1U << 20)	/* of the tables */
#define SMBIOS_STEP	16		/* where an entry point may be */
#define SMBIOS_OEM	11
#define SMBIOS_SYSTEM	1
#define SMBIOS_END	127

/* 5.2.1 SMBIOS 2.1 (32-bit) Entry Point, 5.2.2 SMBIOS 3.0 (64-bit) */
#define EPS2_LENGTH	0x05
#define EPS2_DMI	0x10		/* "_DMI_" */
#define EPS2_SIZE	0x16
#define EPS2_ADDR	0x18
#define EPS2_MIN	0x1e
#define EPS3_LENGTH	0x06
#define EPS3_SIZE	0x0c
#define EPS3_ADDR	0x10
#define EPS3_MIN	0x18

/* 6.1.2 Structure header format */
#define SMB_TYPE	0
#define SMB_LENGTH	1
#define SMB_HEADER	4

struct smbios_softc {
	struct device		 sc_dev;
	struct pvbus_hv		*sc_hv;
	struct pvbus_store	 sc_store;
	uint8_t			*sc_table;
	size_t			 sc_size;
};

/* A structure, checked: its strings begin at ss_text and end with a NUL. */
struct smbios_struct {
	const uint8_t	*ss_data;
	size_t		 ss_len;		/* without the strings */
	const char	*ss_text, *ss_end;
};

static int	smbios_match(struct device *, const struct cfdata *,
		    const void *);
static int	smbios_attach(struct device *, struct device *, void *);
static int	smbios_detach(struct device *, int);

CFDRIVER_DECL(smbios, DV_DULL);
CFATTACH_DECL(smbios, pvbus, smbios_softc, .ca_match = smbios_match,
    .ca_attach = smbios_attach, .ca_detach = smbios_detach);

/* --- where the tables are ----------------------------------------------- */

static bool
smbios_sum(const uint8_t *p, u_int len)
{
	uint8_t sum = 0;

	while (len-- > 0)
		sum += *p++;
	return (sum == 0);
}

/* One entry point, of so many bytes at the most. */
static bool
smbios_entry(const uint8_t *p, size_t room, paddr_t *addr, size_t *size)
{
	if (room >= EPS3_MIN && memcmp(p, "_SM3_", 5) == 0 &&
	    p[EPS3_LENGTH] >= EPS3_MIN && p[EPS3_LENGTH] <= room &&
	    smbios_sum(p, p[EPS3_LENGTH])) {
		*addr = le64_load((const le64_w *)(p + EPS3_ADDR));
		*size = le32_load((const le32_w *)(p + EPS3_SIZE));
		return (true);
	}
	if (room >= EPS2_MIN && memcmp(p, "_SM_", 4) == 0 &&
	    p[EPS2_LENGTH] >= EPS2_MIN && p[EPS2_LENGTH] <= room &&
	    smbios_sum(p, p[EPS2_LENGTH]) &&
	    memcmp(p + EPS2_DMI, "_DMI_", 5) == 0) {
		*addr = le32_load((const le32_w *)(p + EPS2_ADDR));
		*size = le16_load((const le16_w *)(p + EPS2_SIZE));
		return (true);
	}
	return (false);
}

/* In the memory that the machine keeps for them: ENXIO. */
static int
smbios_search(paddr_t *addr, size_t *size)
{
	size_t room, off;
	const char *rom;
	paddr_t base;
	bool found = false;

	if (md_smbios(&base, &room) != 0 ||
	    (rom = md_map(base, room, MD_MAP_RDONLY)) == NULL)
		return (ENXIO);
	for (off = 0; off < room && !found; off += SMBIOS_STEP) {
		if (rom[off] == '_')
			found = smbios_entry((const uint8_t *)rom + off,
			    room - off, addr, size);
	}
	md_unmap((void *)(vaddr_t)rom, room);
	return (found && *size != 0 && *size <= SMBIOS_MAX ? 0 : ENXIO);
}

/* A copy from either place. */
static int
smbios_load(struct smbios_softc *sc)
{
	const void *p;
	paddr_t addr;
	size_t n = 0;
	int error;

	if (smbios_search(&addr, &sc->sc_size) == 0) {
		if ((sc->sc_table = kmem_alloc(sc->sc_size,
		    KM_NOSLEEP)) == NULL)
			return (ENOMEM);
		if ((p = md_map(addr, sc->sc_size, MD_MAP_RDONLY)) == NULL)
			return (ENXIO);
		memcpy(sc->sc_table, p, sc->sc_size);
		md_unmap((void *)(vaddr_t)p, sc->sc_size);
		return (0);
	}
	if (pvbus_kv_read(sc->sc_hv, SMBIOS_FWCFG, NULL, 1, &n) != ERANGE ||
	    n > SMBIOS_MAX)
		return (ENXIO);
	sc->sc_size = n + 1;		/* a store adds a NUL */
	if ((sc->sc_table = kmem_alloc(sc->sc_size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = pvbus_kv_read(sc->sc_hv, SMBIOS_FWCFG, (char *)sc->sc_table,
	    sc->sc_size, &n);
	if (error == 0 && n < sc->sc_size)
		memset(sc->sc_table + n, 0, sc->sc_size - n);
	return (error);
}

/* --- structures --------------------------------------------------------- */

/*
 * The one at this offset, which becomes that of the next; false: the end, or
 * what is left is no structure.
 */
static bool
smbios_next(const struct smbios_softc *sc, size_t *off,
    struct smbios_struct *ss)
{
	const uint8_t *p = sc->sc_table + *off;
	size_t room = sc->sc_size - *off, i;

	if (room < SMB_HEADER || p[SMB_LENGTH] < SMB_HEADER ||
	    p[SMB_LENGTH] > room || p[SMB_TYPE] == SMBIOS_END)
		return (false);
	ss->ss_data = p;
	ss->ss_len = p[SMB_LENGTH];
	/* 6.1.3: strings, and one that is empty */
	for (i = ss->ss_len; i + 1 < room && (p[i] != 0 || p[i + 1] != 0); i++)
		;
	if (i + 1 >= room)
		return (false);
	ss->ss_text = (const char *)p + ss->ss_len;
	ss->ss_end = (const char *)p + i + 1;
	*off += i + 2;
	return (true);
}

/* By its number, from 1 on; NULL: it is not there. */
static const char *
smbios_string(const struct smbios_struct *ss, u_int n)
{
	const char *s = ss->ss_text;

	if (n == 0)
		return (NULL);
	while (--n > 0 && s < ss->ss_end)
		s += strlen(s) + 1;
	return (s < ss->ss_end && *s != '\0' ? s : NULL);
}

/* --- keys --------------------------------------------------------------- */

/* 7.1 to 7.4: strings by the offset of their number */
static const struct {
	uint8_t		 type, off;
	const char	*name;
} fields[] = {
	{ 0, 0x04, "bios/vendor" },
	{ 0, 0x05, "bios/version" },
	{ 0, 0x08, "bios/date" },
	{ 1, 0x04, "system/manufacturer" },
	{ 1, 0x05, "system/product" },
	{ 1, 0x06, "system/version" },
	{ 1, 0x07, "system/serial" },
	{ 1, 0x19, "system/sku" },
	{ 1, 0x1a, "system/family" },
	{ 2, 0x04, "baseboard/manufacturer" },
	{ 2, 0x05, "baseboard/product" },
	{ 2, 0x06, "baseboard/version" },
	{ 2, 0x07, "baseboard/serial" },
	{ 2, 0x08, "baseboard/asset" },
	{ 3, 0x04, "chassis/manufacturer" },
	{ 3, 0x06, "chassis/version" },
	{ 3, 0x07, "chassis/serial" },
	{ 3, 0x08, "chassis/asset" },
};

typedef void smbios_fn(void *, const char *key, const char *value);

/* 7.2.1: the first three fields of the UUID are little-endian. */
static void
smbios_uuid(const struct smbios_struct *ss, smbios_fn *fn, void *arg)
{
	const uint8_t *u = ss->ss_data + 8;
	char text[40];
	u_int i;

	if (ss->ss_len < 8 + 16)
		return;
	/* all bits clear, or all set: there is none */
	for (i = 1; i < 16 && u[i] == u[0]; i++)
		;
	if (i == 16 && (u[0] == 0 || u[0] == 0xff))
		return;
	(void)snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-"
	    "%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[3], u[2], u[1],
	    u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12],
	    u[13], u[14], u[15]);
	fn(arg, SMBIOS_PREFIX "system/uuid", text);
}

/* Tell of all keys of a structure, the first of its type. */
static void
smbios_fields(const struct smbios_struct *ss, smbios_fn *fn, void *arg)
{
	const char *value;
	char key[64];
	u_int i;

	for (i = 0; i < nitems(fields); i++) {
		if (fields[i].type != ss->ss_data[SMB_TYPE] ||
		    fields[i].off >= ss->ss_len || (value = smbios_string(ss,
		    ss->ss_data[fields[i].off])) == NULL)
			continue;
		(void)snprintf(key, sizeof(key), SMBIOS_PREFIX "%s",
		    fields[i].name);
		fn(arg, key, value);
	}
	if (ss->ss_data[SMB_TYPE] == SMBIOS_SYSTEM)
		smbios_uuid(ss, fn, arg);
}

/* 7.12 OEM Strings, of all such structures, numbered in one row from 1 on. */
static void
smbios_oem(const struct smbios_struct *ss, u_int *n, smbios_fn *fn, void *arg)
{
	const char *value;
	char key[64];
	u_int i;

	if (ss->ss_len <= SMB_HEADER)
		return;
	for (i = 1; i <= ss->ss_data[SMB_HEADER]; i++) {
		if ((value = smbios_string(ss, i)) == NULL)
			break;
		(void)snprintf(key, sizeof(key), SMBIOS_PREFIX "oem/%u",
		    ++*n);
		fn(arg, key, value);
	}
}

static void
smbios_walk(const struct smbios_softc *sc, smbios_fn *fn, void *arg)
{
	struct smbios_struct ss;
	uint32_t seen = 0;
	size_t off = 0;
	u_int type, noem = 0;

	while (smbios_next(sc, &off, &ss)) {
		type = ss.ss_data[SMB_TYPE];
		if (type == SMBIOS_OEM)
			smbios_oem(&ss, &noem, fn, arg);
		else if (type < 32 && !(seen & 1U << type)) {
			seen |= 1U << type;
			smbios_fields(&ss, fn, arg);
		}
	}
}

/* --- the store ---------------------------------------------------------- */

struct smbios_get {
	const char	*key;
	char		*value;
	size_t		 room, len;
	int		 error;
};

static void
smbios_get(void *arg, const char *key, const char *value)
{
	struct smbios_get *sg = arg;

	if (sg->error != ENOENT || strcmp(key, sg->key) != 0)
		return;
	sg->len = strlen(value);
	sg->error = sg->len > sg->room ? ERANGE : 0;
	if (sg->error == 0)
		memcpy(sg->value, value, sg->len);
}

static int
smbios_read(void *arg, const char *key, void *value, size_t *lenp)
{
	struct smbios_get sg = { key, value, *lenp, 0, ENOENT };

	smbios_walk(arg, smbios_get, &sg);
	*lenp = sg.len;
	return (sg.error);
}

static int
smbios_write(void *arg, const char *key, char *value __unused,
    size_t size __unused)
{
	struct smbios_get sg = { key, NULL, 0, 0, ENOENT };

	smbios_walk(arg, smbios_get, &sg);
	return (sg.error == ENOENT ? EOPNOTSUPP : EROFS);
}

static void
smbios_add(void *arg, const char *key, const char *value __unused)
{
	struct smbios_get *sg = arg;

	if (strncmp(key, sg->key, strlen(sg->key)) == 0)
		pvbus_list_add(sg->value, sg->room, &sg->len, key);
}

static int
smbios_list(void *arg, const char *prefix, void *value, size_t *lenp)
{
	struct smbios_get sg = { prefix, value, *lenp, 0, 0 };

	smbios_walk(arg, smbios_add, &sg);
	*lenp = sg.len;
	return (sg.len == 0 ? ENOENT : sg.len > sg.room ? ERANGE : 0);
}

static const struct pvbus_kvops smbios_kvops = {
	.kv_read = smbios_read,
	.kv_write = smbios_write,
	.kv_list = smbios_list,
};

/* --- attachment --------------------------------------------------------- */

static int
smbios_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;
	paddr_t addr;
	size_t n;

	return (strcmp(pva->pva_name, cf->cf_driver->cd_name) == 0 &&
	    (smbios_search(&addr, &n) == 0 || pvbus_kv_read(pva->pva_hv,
	    SMBIOS_FWCFG, NULL, 1, &n) == ERANGE));
}

static int
smbios_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct smbios_softc *sc = (struct smbios_softc *)self;
	const struct pv_attach_args *pva = aux;
	struct smbios_struct ss;
	size_t off = 0;
	u_int n = 0;
	int error;

	sc->sc_hv = pva->pva_hv;
	if ((error = smbios_load(sc)) != 0) {
		kmem_free(sc->sc_table, sc->sc_size);
		return (error);
	}
	while (smbios_next(sc, &off, &ss))
		n++;
	device_describe(self, "%u structures", n);
	sc->sc_store.ps_ops = &smbios_kvops;
	sc->sc_store.ps_arg = sc;
	pvbus_kv_attach(sc->sc_hv, &sc->sc_store);
	return (0);
}

static int
smbios_detach(struct device *self, int flags __unused)
{
	struct smbios_softc *sc = (struct smbios_softc *)self;

	pvbus_kv_detach(sc->sc_hv, &sc->sc_store);
	kmem_free(sc->sc_table, sc->sc_size);
	sc->sc_table = NULL;
	return (0);
}
