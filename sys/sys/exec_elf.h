/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_EXEC_ELF_H_
#define _SYS_EXEC_ELF_H_

#include <sys/param.h>

#include <vm/pmap.h>

struct elf_ehdr {
	uint8_t		e_ident[16];
	uint16_t	e_type, e_machine;
	uint32_t	e_version;
	uint64_t	e_entry, e_phoff, e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize, e_phentsize, e_phnum;
	uint16_t	e_shentsize, e_shnum, e_shstrndx;
};
#define EI_CLASS	4
#define ELFCLASS64	2
#define EI_DATA		5
#define ELFDATA_HOST	(_BYTE_ORDER == _LITTLE_ENDIAN ? 1 : 2)
#define ET_EXEC		2
#define ET_DYN		3

struct elf_phdr {
	uint32_t	p_type, p_flags;
	uint64_t	p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
#define PT_LOAD		1
#define PT_INTERP	3
#define PF_X		0x1
#define PF_W		0x2
#define PF_R		0x4

#define ELF_NLOAD	16
#define ELF_INTERP_MAX	256

struct elf_load {
	uint64_t	el_addr, el_offset, el_filesz, el_memsz;
	int		el_prot;
};

/* What a program wants, checked; addresses before relocation. */
struct elf_image {
	bool		ei_pie;
	uint64_t	ei_entry;
	uint64_t	ei_start, ei_end;	/* of all segments, pages */
	uint64_t	ei_phdr;		/* 0: not mapped */
	u_int		ei_phnum;
	u_int		ei_nload;
	struct elf_load	ei_load[ELF_NLOAD];	/* ascending, no overlap */
	char		ei_interp[ELF_INTERP_MAX];	/* "": static */
};

/*
 * The first len bytes of a file of filesize bytes, for a machine.  Any
 * context.  ENOEXEC: it is not for us, or not sound.
 */
int	elf_parse(const void *, size_t, uint64_t, uint16_t,
	    struct elf_image *);

#endif /* _SYS_EXEC_ELF_H_ */
