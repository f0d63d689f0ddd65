/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory.  The guest has all of it at the addresses that it really has, but
 * for the shim's own; the shim sees it at these addresses too.
 */

#include "shim.h"

#define PAGE		4096ULL
#define TABLES		160		/* for what lies above 4 GB */

#define PTE_PRESENT	0x001ULL
#define PTE_WRITE	0x002ULL
#define PTE_USER	0x004ULL
#define PTE_ACCESSED	0x020ULL
#define PTE_DIRTY	0x040ULL
#define PTE_LARGE	0x080ULL
#define PTE_FRAME	0x000ffffffffff000ULL
#define PTE_ALL		(PTE_PRESENT | PTE_WRITE | PTE_USER)

#define CR0_PG		0x80000000ULL
#define CR4_PSE		0x00000010ULL
#define CR4_PAE		0x00000020ULL
#define CR4_LA57	0x00001000ULL
#define EFER_LMA	0x00000400ULL

#define FAULT_PRESENT	0x1
#define FAULT_WRITE	0x2
#define FAULT_USER	0x4

struct range	ranges[RANGES];
unsigned int	nranges;
uint64_t	shim_base, shim_size;

uint64_t	pml4[512] __attribute__((aligned(4096)));

static uint64_t	tables[TABLES][512] __attribute__((aligned(4096)));
static unsigned int ntables;
static uint64_t	nested[512] __attribute__((aligned(4096)));

uint64_t
pa(const void *p)
{
	return ((uint64_t)p - (uint64_t)image_start + shim_base);
}

static void *
va(uint64_t address)
{
	return ((void *)address);
}

/* The table below an entry, made if there is none; NULL: none is left. */
static uint64_t *
table_below(uint64_t *entry)
{
	if ((*entry & PTE_PRESENT) == 0) {
		if (ntables == TABLES)
			return (NULL);
		*entry = pa(tables[ntables++]) | PTE_ALL;
	}
	return (va(*entry & PTE_FRAME));
}

/* Maps the large page that this address is in to itself. */
static bool
map_large(uint64_t *root, uint64_t address)
{
	uint64_t *t;

	t = table_below(&root[address >> 39 & 511]);
	if (t != NULL)
		t = table_below(&t[address >> 30 & 511]);
	if (t == NULL)
		return (false);
	t[address >> 21 & 511] = (address & ~(LARGE_PAGE - 1)) | PTE_LARGE |
	    PTE_ALL;
	return (true);
}

static bool
is_shim(uint64_t address)
{
	return (address - shim_base < shim_size);
}

void
mem_init(void)
{
	uint64_t a;

	for (a = 0; a < 1ULL << 32; a += LARGE_PAGE)
		if (!is_shim(a) && !map_large(nested, a))
			die("no page tables are left");
}

uint64_t
nested_root(void)
{
	return (pa(nested));
}

bool
nested_fault(uint64_t gpa)
{
	return (!is_shim(gpa) && gpa >> 48 == 0 && map_large(nested, gpa));
}

void *
hv_gpa(uint64_t gpa, size_t len)
{
	unsigned int i;
	uint64_t a;

	for (i = 0; i < nranges; i++)
		if (ranges[i].type == 1 && gpa >= ranges[i].base &&
		    len <= ranges[i].size &&
		    gpa - ranges[i].base <= ranges[i].size - len)
			break;
	if (i == nranges)
		return (NULL);
	for (a = gpa & ~(LARGE_PAGE - 1); a < gpa + len; a += LARGE_PAGE)
		if (a >> 32 != 0 && !map_large(pml4, a))
			return (NULL);
	return (va(gpa));
}

/* --- the guest's own page tables ---------------------------------------- */

/*
 * One level: the entry at index of the table, as long as size bytes.  0 if it
 * does not let this access through; *code then has why.
 */
static uint64_t
walk(uint64_t table, unsigned int index, unsigned int size, bool user,
    bool write, bool last, uint32_t *code)
{
	uint64_t e, mark;
	void *p = hv_gpa(table + index * size, size);

	if (p == NULL)
		return (0);
	e = size == 8 ? *(uint64_t *)p : *(uint32_t *)p;
	if ((e & PTE_PRESENT) == 0)
		return (0);
	if ((user && (e & PTE_USER) == 0) || (write && (e & PTE_WRITE) == 0)) {
		*code |= FAULT_PRESENT;
		return (0);
	}
	mark = PTE_ACCESSED | (write && last ? PTE_DIRTY : 0);
	if (size == 8)
		*(uint64_t *)p |= mark;
	else
		*(uint32_t *)p |= mark;
	return (e);
}

/* The physical address, and up to where its page goes; false: a page fault. */
static bool
translate(uint64_t la, bool write, uint64_t *gpa, uint64_t *left)
{
	struct paging g;
	uint64_t table, e, page;
	uint32_t code;
	unsigned int bits, shift, levels, size = 8;
	bool protect;

	guest_paging(&g);
	if ((g.cr0 & CR0_PG) == 0) {
		*gpa = la;
		*left = PAGE - (la & (PAGE - 1));
		return (true);
	}
	code = (write ? FAULT_WRITE : 0) | (g.user ? FAULT_USER : 0);
	/* the kernel may write to what is read-only unless CR0.WP */
	protect = write && (g.user || (g.cr0 & 0x10000) != 0);
	bits = 9;
	if (g.efer & EFER_LMA)
		levels = g.cr4 & CR4_LA57 ? 5 : 4;
	else if (g.cr4 & CR4_PAE)
		levels = 3;
	else {
		levels = 2;
		bits = 10;
		size = 4;
	}
	table = g.cr3 & (levels == 3 ? 0xffffffe0 : PTE_FRAME);
	for (shift = 12 + bits * (levels - 1);; shift -= bits) {
		bool pdpte = bits == 9 && shift == 30 &&
		    (g.efer & EFER_LMA) == 0;

		/* the first table of PAE has no rights in it */
		e = walk(table, la >> shift & ((1U << bits) - 1), size,
		    g.user && !pdpte, protect && !pdpte, shift == 12, &code);
		if (e == 0) {
			guest_page_fault(la, code);
			return (false);
		}
		if (shift == 12 || ((e & PTE_LARGE) && !pdpte &&
		    (size == 8 || (g.cr4 & CR4_PSE))))
			break;
		table = e & (size == 8 ? PTE_FRAME : 0xfffff000);
	}
	page = 1ULL << shift;
	*gpa = (e & (size == 8 ? PTE_FRAME : 0xfffff000) & ~(page - 1)) |
	    (la & (page - 1));
	*left = page - (la & (page - 1));
	return (true);
}

/* The pages of an access first, so that it happens in whole or not at all. */
static bool
touch(uint64_t la, size_t len, bool write)
{
	uint64_t gpa, left;

	for (; len > 0; la += left, len -= left) {
		if (!translate(la, write, &gpa, &left))
			return (false);
		if (left > len)
			left = len;
	}
	return (true);
}

static bool
copy(uint64_t la, void *buf, size_t len, bool write)
{
	uint64_t gpa, left;
	char *b = buf, *p;

	if (!touch(la, len, write))
		return (false);
	for (; len > 0; la += left, b += left, len -= left) {
		if (!translate(la, write, &gpa, &left))
			return (false);
		if (left > len)
			left = len;
		p = hv_gpa(gpa, left);
		if (p == NULL && !write)
			memset(b, 0xff, left);
		else if (p != NULL)
			memcpy(write ? p : b, write ? b : p, left);
	}
	return (true);
}

bool
hv_copyin(void *buf, uint64_t la, size_t len)
{
	return (copy(la, buf, len, false));
}

bool
hv_copyout(uint64_t la, const void *buf, size_t len)
{
	return (copy(la, (void *)(uintptr_t)buf, len, true));
}
