/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>
#include <sys/exec_elf.h>

#include "unit/mutate.h"

#define MACHINE	62

static struct {
	struct elf_ehdr	eh;
	struct elf_phdr	ph[4];
	char		interp[8];
	char		rest[0x3000];
} prog;
static struct elf_image	ei;

static int
setup(void **state)
{
	memset(&prog, 0, sizeof(prog));
	memcpy(prog.eh.e_ident, "\177ELF\2\1\1", 7);
	prog.eh.e_type = ET_EXEC;
	prog.eh.e_machine = MACHINE;
	prog.eh.e_phoff = sizeof(prog.eh);
	prog.eh.e_phentsize = sizeof(prog.ph[0]);
	prog.eh.e_phnum = 3;
	prog.eh.e_entry = 0x400100;
	prog.ph[0] = (struct elf_phdr){ .p_type = PT_LOAD,
	    .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = 0x1000,
	    .p_memsz = 0x1000 };
	prog.ph[1] = (struct elf_phdr){ .p_type = PT_LOAD,
	    .p_flags = PF_R | PF_W, .p_vaddr = 0x402800, .p_offset = 0x1800,
	    .p_filesz = 0x100, .p_memsz = 0x5000 };
	prog.ph[2] = (struct elf_phdr){ .p_type = PT_INTERP,
	    .p_offset = offsetof(__typeof__(prog), interp), .p_filesz = 8 };
	memcpy(prog.interp, "/lib/ld", 8);
	return (0);
}

static int
parse(void)
{
	return (elf_parse(&prog, sizeof(prog), sizeof(prog), MACHINE, &ei));
}

static void
segments_are_told(void **state)
{
	assert_int_equal(parse(), 0);
	assert_int_equal(ei.ei_nload, 2);
	assert_int_equal(ei.ei_start, 0x400000);
	assert_int_equal(ei.ei_end, 0x408000);
	assert_int_equal(ei.ei_phdr, 0x400040);
	assert_int_equal(ei.ei_entry, 0x400100);
	assert_string_equal(ei.ei_interp, "/lib/ld");
	assert_false(ei.ei_pie);
}

static void
others_are_refused(void **state)
{
	static const struct { u_int off; uint8_t v; } other[] = {
		{ 0, 0 }, { 3, 'f' }, { EI_CLASS, 1 }, { EI_DATA, 2 },
		{ offsetof(struct elf_ehdr, e_type), 1 },
		{ offsetof(struct elf_ehdr, e_machine), 3 },
		{ offsetof(struct elf_ehdr, e_phentsize), 32 },
	};
	u_int i;

	for (i = 0; i < nitems(other); i++) {
		setup(NULL);
		((uint8_t *)&prog)[other[i].off] = other[i].v;
		assert_int_equal(parse(), ENOEXEC);
	}
}

static void
segments_that_cannot_be_are_refused(void **state)
{
	static const struct elf_phdr bad[] = {
		/* beyond the file */
		{ PT_LOAD, PF_R, 0x3000, 0x500000, 0, 0x9000, 0x9000, 0 },
		{ PT_LOAD, PF_R, 0x100000, 0x500000, 0, 1, 1, 0 },
		{ PT_LOAD, PF_R, -0x1000ULL, 0x500000, 0, 0x2000, 0x2000, 0 },
		/* more of the file than of memory */
		{ PT_LOAD, PF_R, 0, 0x500000, 0, 0x200, 0x100, 0 },
		/* in the kernel's half, or around the end */
		{ PT_LOAD, PF_R, 0, 0x800000000000, 0, 1, 0x1000, 0 },
		{ PT_LOAD, PF_R, 0, -0x1000ULL, 0, 1, 0x2000, 0 },
		/* not at the same place in a page */
		{ PT_LOAD, PF_R, 0x10, 0x500000, 0, 1, 1, 0 },
		/* below the one before */
		{ PT_LOAD, PF_R, 0, 0x1000, 0, 1, 1, 0 },
		{ PT_LOAD, PF_R, 0, 0x400000, 0, 1, 1, 0 },
	};
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		setup(NULL);
		prog.ph[1] = bad[i];
		assert_int_equal(parse(), ENOEXEC);
	}
	setup(NULL);
	prog.eh.e_phnum = 0;
	assert_int_equal(parse(), ENOEXEC);
	prog.eh.e_phnum = 0xffff;
	assert_int_equal(parse(), ENOEXEC);
	prog.eh.e_phnum = 3;
	prog.eh.e_phoff = -32ULL;
	assert_int_equal(parse(), ENOEXEC);
}

static void
an_interpreter_ends_with_its_room(void **state)
{
	memset(prog.interp, 'x', 8);
	assert_int_equal(parse(), 0);
	assert_string_equal(ei.ei_interp, "xxxxxxx");
	prog.ph[2].p_filesz = ELF_INTERP_MAX + 1;
	assert_int_equal(parse(), ENOEXEC);
	prog.ph[2].p_filesz = 1;
	assert_int_equal(parse(), ENOEXEC);
}

static void
assert_sound(uint64_t filesize)
{
	u_int i;

	assert_in_range(ei.ei_nload, 1, ELF_NLOAD);
	assert_true(memchr(ei.ei_interp, '\0', ELF_INTERP_MAX) != NULL);
	for (i = 0; i < ei.ei_nload; i++) {
		struct elf_load *el = &ei.ei_load[i];

		assert_true(el->el_filesz <= el->el_memsz);
		assert_true(el->el_offset <= filesize &&
		    el->el_filesz <= filesize - el->el_offset);
		assert_true(el->el_addr + el->el_memsz >= el->el_addr &&
		    el->el_addr + el->el_memsz <= VM_MAX_USER);
		assert_true(el->el_addr >= ei.ei_start &&
		    el->el_addr + el->el_memsz <= ei.ei_end);
		assert_true(i == 0 || el->el_addr >= el[-1].el_addr +
		    el[-1].el_memsz);
	}
}

static void
cut_at_any_length_it_is_refused_or_sound(void **state)
{
	size_t n;
	void *p;

	for (n = 0; n < sizeof(prog); n += n < 400 ? 1 : 97) {
		p = mutate_cut(&prog, n);
		if (elf_parse(p, n, n, MACHINE, &ei) == 0)
			assert_sound(n);
		host_free(p);
	}
}

static void
changed_at_random_it_is_refused_or_sound(void **state)
{
	u_int i;
	size_t n = offsetof(__typeof__(prog), rest);
	void *p;

	for (i = 0; i < 30000; i++) {
		p = mutate_cut(&prog, n);
		mutate(p, n);
		if (elf_parse(p, n, sizeof(prog), MACHINE, &ei) == 0)
			assert_sound(sizeof(prog));
		host_free(p);
	}
}

#define TEST(fn)	cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_are_told),
		TEST(others_are_refused),
		TEST(segments_that_cannot_be_are_refused),
		TEST(an_interpreter_ends_with_its_room),
		TEST(cut_at_any_length_it_is_refused_or_sound),
		TEST(changed_at_random_it_is_refused_or_sound),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
