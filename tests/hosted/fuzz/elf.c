/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "fuzz.h"

#include <sys/exec_elf.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image ei;
	u_int i;

	(void)fuzz_again();
	if (elf_parse(data, size, size, 62, &ei) != 0)
		return (0);
	fuzz_check(ei.ei_nload >= 1 && ei.ei_nload <= ELF_NLOAD, "segments");
	for (i = 0; i < ei.ei_nload; i++) {
		const struct elf_load *el = &ei.ei_load[i];

		fuzz_check(el->el_filesz <= el->el_memsz &&
		    el->el_offset <= size &&
		    el->el_filesz <= size - el->el_offset, "file");
		fuzz_check(el->el_addr + el->el_memsz >= el->el_addr &&
		    el->el_addr >= ei.ei_start &&
		    el->el_addr + el->el_memsz <= ei.ei_end, "memory");
	}
	return (0);
}
