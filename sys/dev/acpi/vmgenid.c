/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vmgenid(4): the generation of a virtual machine.  When the host restores a
 * snapshot or makes a copy it changes a number in our memory.  Two copies
 * have the same random numbers to give from then on, so that number, which is
 * not the same for both, goes into the generator at once.
 *
 * The table that QEMU makes for it holds the address in a name of its own,
 * which is looked for: that does without running AML.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>
#include <dev/acpi/vmgenidvar.h>

#define TABLE_ID	"VMGENID "	/* QEMU pads with blanks, or zeros */
#define TABLE_IDLEN	7
#define GUID_OFF	40		/* in the page, behind the name's address */
#define AML_NAME	0x08
#define AML_DWORD	0x0c
#define AML_QWORD	0x0e

static int
hexdigit(uint8_t c)
{
	return (c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

/* Name (VGIA, address) and the method \_GPE._Exx, wherever they are. */
static bool
vmgenid_parse(const uint8_t *p, size_t len, struct vmgenid_place *vp)
{
	paddr_t addr = 0;
	size_t i;
	u_int k;

	vp->vp_gpe = -1;
	for (i = 0; i + 14 <= len; i++) {
		if (p[i] == AML_NAME && memcmp(p + i + 1, "VGIA", 4) == 0 &&
		    (p[i + 5] == AML_DWORD || p[i + 5] == AML_QWORD)) {
			for (k = 0; k < (p[i + 5] == AML_DWORD ? 4 : 8); k++)
				addr |= (paddr_t)p[i + 6 + k] << 8 * k;
		}
	}
	for (i = 0; i + 4 <= len; i++) {
		if (p[i] == '_' && p[i + 1] == 'E' && hexdigit(p[i + 2]) >= 0 &&
		    hexdigit(p[i + 3]) >= 0)
			vp->vp_gpe = hexdigit(p[i + 2]) * 16 +
			    hexdigit(p[i + 3]);
	}
	vp->vp_addr = addr + GUID_OFF;
	return (addr != 0 && vp->vp_addr > addr);
}

bool
vmgenid_find(struct vmgenid_place *vp)
{
	const struct acpi_header *ah;
	u_int i;

	for (i = 0; i < acpi_sc.sc_ntables; i++) {
		ah = acpi_sc.sc_table[i];
		if (memcmp(ah->ah_sig, "SSDT", 4) == 0 &&
		    memcmp(ah->ah_oemtable, TABLE_ID, TABLE_IDLEN) == 0 &&
		    ah->ah_length > sizeof(*ah))
			return (vmgenid_parse((const uint8_t *)(ah + 1),
			    ah->ah_length - sizeof(*ah), vp));
	}
	return (false);
}

static void
vmgenid_read(struct vmgenid_softc *sc, uint8_t *guid)
{
	u_int i;

	for (i = 0; i < VMGENID_SIZE; i++)
		guid[i] = sc->sc_guid[i];
}

void
vmgenid_changed(void *arg)
{
	struct vmgenid_softc *sc = arg;
	uint8_t guid[VMGENID_SIZE];

	vmgenid_read(sc, guid);
	if (memcmp(guid, sc->sc_seen, sizeof(guid)) == 0)
		return;
	memcpy(sc->sc_seen, guid, sizeof(guid));
	rnd_forked(guid, sizeof(guid));
	device_printf(&sc->sc_dev, "this machine was copied or restored\n");
}

int
vmgenid_attach(struct vmgenid_softc *sc, const struct vmgenid_place *vp)
{
	if ((sc->sc_guid = md_map(vp->vp_addr, VMGENID_SIZE, 0)) == NULL)
		return (ENOMEM);
	vmgenid_read(sc, sc->sc_seen);
	rnd_feed(sc->sc_seen, sizeof(sc->sc_seen), 0);
	device_describe(&sc->sc_dev, "VM generation");
	return (0);
}
