/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_BOOTINFO_H_
#define _MACHINE_BOOTINFO_H_

/* What a loader tells, whichever it was. */

#include <sys/cmdline.h>
#include <sys/memlist.h>

#include <dev/ic/genfbvar.h>

struct bootinfo {
	struct memlist	 bi_memory;		/* usable, nothing taken out */
	const char	*bi_loader;
	paddr_t		 bi_initrd, bi_initrd_end;	/* 0: none */
	u_char		 bi_rsdp[36];		/* a copy, see bi_hasrsdp */
	bool		 bi_hasrsdp;
	paddr_t		 bi_rsdp_pa;		/* or its address; 0: search */
	struct genfb_conf bi_fb;		/* gf_bits 0: none */
	const char	*bi_fbwhy;	/* NULL, or why there is none */
	bool		 bi_grub;	/* quotes what is on the line */
	/* too long a one is seen to be so, also when GRUB has quoted it */
	char		 bi_cmdline[2 * CMDLINE_MAX + 2];
};

/*
 * Physical memory as the caller has it mapped: NULL if not all of it is.
 */
typedef const void *(*boot_map_t)(paddr_t, size_t);

/* EINVAL: that is no boot information, or it is torn */
int	bootinfo_pvh(struct bootinfo *, paddr_t, boot_map_t);
int	bootinfo_multiboot2(struct bootinfo *, paddr_t, boot_map_t);

#endif /* _MACHINE_BOOTINFO_H_ */
