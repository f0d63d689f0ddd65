/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio devices over MMIO, as QEMU's microvm tells of them: a _HID of
 * "LNRO0005" and a _CRS that is a plain buffer with a place and an interrupt.
 * ACPI 6.4.3.4 and 6.4.3.6; names 20.2.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>

#define HID		"\010_HID\015LNRO0005"	/* Name (_HID, "LNRO0005") */
#define HID_LEN		(sizeof(HID))		/* with its NUL */
#define NEAR		256			/* a device is no longer */

#define MEMORY32FIXED	0x86			/* 9 bytes: info, base, len */
#define INTERRUPT	0x89			/* flags, count, numbers */

/* The place and the interrupt, of one device. */
static bool
mmio_resources(const u_char *p, const u_char *end, struct acpi_mmio *am)
{
	bool memory = false;

	for (; end - p >= 12; p++) {
		if (memcmp(p, "\010_HID", 5) == 0)
			return (false);		/* that is another one */
		if (p[0] == MEMORY32FIXED && p[1] == 9 && p[2] == 0) {
			memcpy(&am->am_addr, p + 4, 4);
			memcpy(&am->am_size, p + 8, 4);
			memory = true;
			p += 11;
		} else if (memory && p[0] == INTERRUPT && p[2] == 0 &&
		    p[1] >= 6 && p[4] != 0) {
			am->am_gsi.ag_level = !(p[3] & 0x02);
			am->am_gsi.ag_low = (p[3] & 0x04) != 0;
			memcpy(&am->am_gsi.ag_gsi, p + 5, 4);
			return (true);
		}
	}
	return (false);
}

int
acpi_virtio_mmio(const struct acpi_header *dsdt, u_int nth,
    struct acpi_mmio *am)
{
	const u_char *p = (const u_char *)dsdt, *end;

	if (dsdt == NULL)
		return (ENOENT);
	end = p + dsdt->ah_length;
	for (p += sizeof(*dsdt); (size_t)(end - p) > HID_LEN; p++) {
		if (memcmp(p, HID, HID_LEN) != 0)
			continue;
		p += HID_LEN - 1;
		if (mmio_resources(p + 1, MIN(end, p + NEAR), am) &&
		    nth-- == 0)
			return (0);
	}
	return (ENOENT);
}
