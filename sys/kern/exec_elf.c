/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * ELF programs: headers, checked.  System V gABI chapters 4 and 5.
 */

#include <sys/errno.h>
#include <sys/exec_elf.h>
#include <sys/systm.h>

static int
elf_segment(const struct elf_phdr *ph, uint64_t filesize,
    struct elf_image *ei)
{
	struct elf_load *el;
	uint64_t end;

	if (ph->p_memsz == 0)
		return (0);
	if (ei->ei_nload == ELF_NLOAD || ph->p_filesz > ph->p_memsz ||
	    ph->p_offset > filesize || ph->p_filesz > filesize - ph->p_offset ||
	    (ph->p_offset & PAGE_MASK) != (ph->p_vaddr & PAGE_MASK) ||
	    __builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) ||
	    end > VM_MAX_USER)
		return (ENOEXEC);
	/* the rest of the last page is zeroed, so it must be writable */
	if (ph->p_memsz > ph->p_filesz && ph->p_filesz != 0 &&
	    !(ph->p_flags & PF_W))
		return (ENOEXEC);
	el = &ei->ei_load[ei->ei_nload];
	if (ei->ei_nload > 0 && trunc_page(ph->p_vaddr) <
	    round_page(el[-1].el_addr + el[-1].el_memsz))
		return (ENOEXEC);	/* they must ascend, a page apart */
	*el = (struct elf_load){ .el_addr = ph->p_vaddr,
	    .el_offset = ph->p_offset, .el_filesz = ph->p_filesz,
	    .el_memsz = ph->p_memsz,
	    .el_prot = (ph->p_flags & PF_R ? PROT_READ : 0) |
	    (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	    (ph->p_flags & PF_X ? PROT_EXEC : 0) };
	ei->ei_nload++;
	return (0);
}

int
elf_parse(const void *buf, size_t len, uint64_t filesize, uint16_t machine,
    struct elf_image *ei)
{
	struct elf_ehdr eh;
	struct elf_phdr ph;
	u_int i;
	int error;

	memset(ei, 0, sizeof(*ei));
	if (len < sizeof(eh))
		return (ENOEXEC);
	memcpy(&eh, buf, sizeof(eh));
	if (memcmp(eh.e_ident, "\177ELF", 4) != 0 ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA_HOST ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) ||
	    eh.e_machine != machine || eh.e_phentsize != sizeof(ph) ||
	    eh.e_phoff > len ||
	    (size_t)eh.e_phnum * sizeof(ph) > len - eh.e_phoff)
		return (ENOEXEC);
	ei->ei_pie = eh.e_type == ET_DYN;
	ei->ei_entry = eh.e_entry;
	ei->ei_phnum = eh.e_phnum;
	for (i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, (const char *)buf + eh.e_phoff + i * sizeof(ph),
		    sizeof(ph));
		if (ph.p_type == PT_INTERP) {
			if (ph.p_filesz < 2 || ph.p_filesz > ELF_INTERP_MAX ||
			    ph.p_offset > len ||
			    ph.p_filesz > len - ph.p_offset)
				return (ENOEXEC);
			memcpy(ei->ei_interp, (const char *)buf + ph.p_offset,
			    ph.p_filesz);
			ei->ei_interp[ph.p_filesz - 1] = '\0';
		} else if (ph.p_type == PT_LOAD &&
		    (error = elf_segment(&ph, filesize, ei)) != 0)
			return (error);
	}
	if (ei->ei_nload == 0)
		return (ENOEXEC);
	ei->ei_start = trunc_page(ei->ei_load[0].el_addr);
	ei->ei_end = round_page(ei->ei_load[ei->ei_nload - 1].el_addr +
	    ei->ei_load[ei->ei_nload - 1].el_memsz);
	if (!ei->ei_pie && ei->ei_start < VM_MIN_USER)
		return (ENOEXEC);
	/* where the program finds its headers, if a segment has them */
	for (i = 0; i < ei->ei_nload; i++) {
		struct elf_load *el = &ei->ei_load[i];

		if (eh.e_phoff >= el->el_offset && eh.e_phoff +
		    eh.e_phnum * sizeof(ph) <= el->el_offset + el->el_filesz)
			ei->ei_phdr = el->el_addr + eh.e_phoff -
			    el->el_offset;
	}
	return (0);
}
