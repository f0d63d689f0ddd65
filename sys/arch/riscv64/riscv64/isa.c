/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The processor's extensions by the tree (binding of riscv cpus):
 * "riscv,isa-extensions", a list of names, or the older "riscv,isa", one string
 * such as "rv64imac_zicsr_sstc".
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

static fdt_node_t	cpu_node = FDT_NONE;

void
isa_init(uint64_t hartid)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t cpus = fdt_find(f, "/cpus"), node;
	uint64_t v;

	if (cpus == FDT_NONE)
		return;
	for (node = fdt_child(f, cpus); node != FDT_NONE;
	    node = fdt_next(f, node)) {
		if (fdt_compatible(f, node, "riscv") &&
		    fdt_number(f, node, "reg", &v) && v == hartid)
			cpu_node = node;
	}
}

fdt_node_t
isa_node(void)
{
	return (cpu_node);
}

static const char *
isa_string(const char *prop, u_int n)
{
	return (cpu_node == FDT_NONE ? NULL :
	    fdt_string(&fdt_machine, cpu_node, prop, n));
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* Behind a version such as "2p1"; none is one too. */
static const char *
skip_version(const char *s)
{
	while (is_digit(*s))
		s++;
	if (*s == 'p' && is_digit(s[1])) {
		for (s++; is_digit(*s); s++)
			;
	}
	return (s);
}

/* The letters of "rv64imac2p0_..." end where a longer name begins. */
static u_long
string_letters(const char *s)
{
	u_long bits = 0;

	if (strncmp(s, "rv64", 4) != 0)
		return (0);
	for (s += 4; *s >= 'a' && *s <= 'z' && *s != 's' && *s != 'x' &&
	    *s != 'z'; s = skip_version(s + 1))
		bits |= 1UL << (*s - 'a');
	if (bits & 1UL << ('g' - 'a'))
		bits |= 1UL << ('i' - 'a') | 1UL << ('m' - 'a') |
		    1UL << 0 | 1UL << ('f' - 'a') | 1UL << ('d' - 'a');
	return (bits);
}

u_long
isa_letters(void)
{
	const char *s;
	u_long bits = 0;
	u_int i;

	if (isa_string("riscv,isa-extensions", 0) == NULL)
		return ((s = isa_string("riscv,isa", 0)) == NULL ? 0 :
		    string_letters(s));
	for (i = 0; (s = isa_string("riscv,isa-extensions", i)) != NULL; i++) {
		if (s[0] >= 'a' && s[0] <= 'z' && s[1] == '\0')
			bits |= 1UL << (s[0] - 'a');
	}
	return (bits);
}

static bool
string_has(const char *s, const char *name)
{
	size_t len = strlen(name);

	while ((s = strchr(s, '_')) != NULL) {
		s++;
		if (strncmp(s, name, len) == 0 &&
		    (*skip_version(s + len) == '_' ||
		    *skip_version(s + len) == '\0'))
			return (true);
	}
	return (false);
}

bool
isa_has(const char *name)
{
	const char *s;
	u_int i;

	if (isa_string("riscv,isa-extensions", 0) == NULL)
		return ((s = isa_string("riscv,isa", 0)) != NULL &&
		    string_has(s, name));
	for (i = 0; (s = isa_string("riscv,isa-extensions", i)) != NULL; i++) {
		if (strcmp(s, name) == 0)
			return (true);
	}
	return (false);
}

int
isa_context(fdt_node_t controller, u_int *n)
{
	const struct fdt *f = &fdt_machine;
	struct fdt_interrupt fi;

	for (*n = 0; fdt_interrupt(f, controller, *n, &fi) == 0; (*n)++) {
		if (cpu_node != FDT_NONE &&
		    fdt_parent(f, fi.fi_controller) == cpu_node &&
		    fi.fi_ncells == 1 && fi.fi_cell[0] == INTR_EXTERNAL)
			return (0);
	}
	return (ENOENT);
}
