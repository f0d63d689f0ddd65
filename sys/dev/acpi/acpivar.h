/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_ACPI_ACPIVAR_H_
#define _DEV_ACPI_ACPIVAR_H_

/*
 * ACPI tables, without an interpreter for AML.  ACPI specification 6.5,
 * chapter 5.2.
 */

#include <sys/types.h>

struct acpi_header {
	char		ah_sig[4];
	uint32_t	ah_length;	/* with this header */
	uint8_t		ah_revision;
	uint8_t		ah_checksum;
	char		ah_oemid[6];
	char		ah_oemtable[8];
	uint32_t	ah_oemrev;
	char		ah_creator[4];
	uint32_t	ah_creatorrev;
} __packed;

struct acpi_gas {			/* generic address structure */
	uint8_t		ga_space;
	uint8_t		ga_width;
	uint8_t		ga_offset;
	uint8_t		ga_access;
	uint64_t	ga_addr;
} __packed;
#define GAS_MEMORY	0
#define GAS_IO		1

struct acpi_fadt {
	struct acpi_header fa_header;
	uint32_t	fa_facs;
	uint32_t	fa_dsdt;
	uint8_t		fa_rsvd0;
	uint8_t		fa_profile;
	uint16_t	fa_sci_int;
	uint32_t	fa_smi_cmd;
	uint8_t		fa_acpi_enable;
	uint8_t		fa_rsvd1[3];
	uint32_t	fa_pm1a_evt;
	uint32_t	fa_pm1b_evt;
	uint32_t	fa_pm1a_cnt;
	uint32_t	fa_pm1b_cnt;
	uint32_t	fa_pm2_cnt;
	uint32_t	fa_pm_tmr;
	uint32_t	fa_gpe0;
	uint32_t	fa_gpe1;
	uint8_t		fa_pm1_evt_len;
	uint8_t		fa_rsvd3[3];
	uint8_t		fa_gpe0_len;	/* status, and as much to enable */
	uint8_t		fa_rsvd6[15];
	uint8_t		fa_century;	/* register of the RTC, or 0 */
	uint16_t	fa_bootarch;
	uint8_t		fa_rsvd4;
	uint32_t	fa_flags;
	struct acpi_gas	fa_reset_reg;
	uint8_t		fa_reset_value;
	uint8_t		fa_rsvd5[3];
	uint64_t	fa_x_facs;
	uint64_t	fa_x_dsdt;
	uint8_t		fa_rsvd7[96];
	struct acpi_gas	fa_sleep_control;
	struct acpi_gas	fa_sleep_status;
} __packed;
_Static_assert(offsetof(struct acpi_fadt, fa_century) == 108, "FADT");
_Static_assert(offsetof(struct acpi_fadt, fa_reset_reg) == 116, "FADT");
_Static_assert(offsetof(struct acpi_fadt, fa_sleep_control) == 244, "FADT");
#define FADT_TMR_EXT	(1U << 8)
#define FADT_RESET_REG	(1U << 10)
#define FADT_HW_REDUCED	(1U << 20)
#define FADT_BOOT_8042	(1U << 1)	/* fa_bootarch */
#define FADT_BOOT_NORTC	(1U << 5)

struct acpi_subtable {			/* of the MADT and others */
	uint8_t		as_type;
	uint8_t		as_length;
} __packed;

#define ACPI_MAXTABLES	32

struct acpi_softc {
	struct device		*sc_dev;
	const struct acpi_header *sc_table[ACPI_MAXTABLES];
	u_int			 sc_ntables;
	const struct acpi_header *sc_dsdt;
	struct acpi_fadt	 sc_fadt;	/* zero where the table is short */
	bool			 sc_hasfadt;
};
extern struct acpi_softc	acpi_sc;

/*
 * acpi_init: boot; finds and checks the tables.  Either a copy of the root
 *	pointer or its address.  ENXIO: there is no (sound) table.
 * acpi_table: the nth table of that name, or NULL.  Its length and checksum
 *	are right.
 * acpi_subtable: the next of a table's entries of variable length behind the
 *	first hdrlen bytes; NULL before the first.  NULL: no more, or the rest
 *	is torn.
 * acpi_sleep_type: the value for the sleep type registers that the DSDT has
 *	for _S5.  ENOENT.
 * acpi_method_int: what the first method of that name returns, where it does
 *	nothing but return a constant.  ENOENT.
 */
int	acpi_init(const u_char *, paddr_t);
const struct acpi_header *acpi_table(const char *, u_int);
const struct acpi_subtable *acpi_subtable(const struct acpi_header *, size_t,
	    const struct acpi_subtable *);
int	acpi_sleep_type(const struct acpi_header *, uint8_t *, uint8_t *);
/*
 * The interrupt of pin 0 to 3 of a device on the root PCI bus, where the _PRT
 * is plain data.  ENOENT.
 */
struct acpi_gsi {
	uint32_t	ag_gsi;
	bool		ag_level, ag_low;
};
int	acpi_prt(const struct acpi_header *, u_int, u_int, struct acpi_gsi *);
/*
 * The nth virtio device over MMIO whose _CRS is plain data.  ENOENT: there
 * are not so many.
 */
struct acpi_mmio {
	uint32_t	am_addr, am_size;
	struct acpi_gsi	am_gsi;
};
int	acpi_virtio_mmio(const struct acpi_header *, u_int,
	    struct acpi_mmio *);
/* an AML constant at *pp, which moves behind it; false: there is none */
bool	acpi_aml_int(const u_char **, const u_char *, uint64_t *);
int	acpi_method_int(const struct acpi_header *, const char *, uint64_t *);

#endif /* _DEV_ACPI_ACPIVAR_H_ */
