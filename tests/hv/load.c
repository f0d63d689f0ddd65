/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From Multiboot to a guest that starts the way PVH has it: the shim moves to
 * the end of memory, the guest's kernel goes where it wants to be.
 */

#include "shim.h"

#define MB_LOADER	0x2badb002

#define MB_CMDLINE	0x004
#define MB_MODULES	0x008
#define MB_MAP		0x040

struct mb_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper;
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
};

struct mb_module {
	uint32_t start, end, string, reserved;
};

struct mb_map {
	uint32_t size;
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

#define LOAD		0x200000ULL	/* where Multiboot has put us */

/* Xen's start_info.h: what a PVH guest finds at the address in EBX. */
#define PVH_MAGIC	0x336ec578
#define PVH_NOTE	18

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};

struct pvh_module {
	uint64_t start, size, cmdline, reserved;
};

struct pvh_range {
	uint64_t base, size;
	uint32_t type, reserved;
};

/* What the guest reads of the shim: a large page that is reserved. */
struct handoff {
	struct pvh_info info;
	struct pvh_module module;
	struct pvh_range ranges[RANGES];
	char	 cmdline[CMDLINE];
};

struct elf {
	uint8_t	 ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct note {
	uint32_t namesz, descsz, type;
};

struct boot boot;

static struct {
	uint64_t start, size;
} kernel, initrd;
static char	guest_cmdline[CMDLINE];
static struct handoff *handoff;

static void *
at(uint64_t address)
{
	return ((void *)address);
}

/* A string without its first word, which names the file. */
static void
copy_words(char *out, uint32_t string)
{
	const char *s = at(string);
	size_t len;

	while (*s != '\0' && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	len = strlen(s);
	if (len >= CMDLINE)
		die("the command line is too long");
	memcpy(out, s, len + 1);
}

void
read_multiboot(void)
{
	const struct mb_info *mb = at(multiboot_info);
	const struct mb_module *mod;
	const struct mb_map *m;
	uint64_t p;

	if (multiboot_magic != MB_LOADER)
		die("not loaded as Multiboot has it");
	if ((mb->flags & (MB_CMDLINE | MB_MODULES | MB_MAP)) !=
	    (MB_CMDLINE | MB_MODULES | MB_MAP) || mb->mods_count == 0)
		die("usage: -kernel shim -append 'pose=NAME ...' "
		    "-initrd 'KERNEL [words][,INITRD]'");
	copy_words(boot.cmdline, mb->cmdline);
	mod = at(mb->mods_addr);
	copy_words(guest_cmdline, mod[0].string);
	kernel.start = mod[0].start;
	kernel.size = mod[0].end - mod[0].start;
	if (mb->mods_count > 1) {
		initrd.start = mod[1].start;
		initrd.size = mod[1].end - mod[1].start;
	}
	if (mb->mods_count > 2)
		die("more than a kernel and an initrd");
	for (p = mb->mmap_addr; p < mb->mmap_addr + mb->mmap_length;
	    p += m->size + 4) {
		m = at(p);
		/* two for the shim itself */
		if (nranges == RANGES - 3)
			die("the memory map is too long");
		ranges[nranges].base = m->base;
		ranges[nranges].size = m->length;
		ranges[nranges++].type = m->type;
	}
}

/* Takes the end off the highest memory below 4 GB: where it is. */
static uint64_t
take(uint64_t size, uint64_t align, uint32_t type)
{
	struct range *r = NULL;
	uint64_t base, end;
	unsigned int i;

	for (i = 0; i < nranges; i++)
		if (ranges[i].type == 1 &&
		    ranges[i].base + ranges[i].size <= 1ULL << 32 &&
		    (r == NULL || ranges[i].base > r->base))
			r = &ranges[i];
	if (r == NULL || r->size < size + align)
		die("too little memory");
	end = r->base + r->size;
	base = (end - size) & ~(align - 1);
	if (base < r->base)
		die("too little memory");
	if (type != 1) {
		/* what the alignment left over goes with it */
		r->size = base - r->base;
		ranges[nranges].base = base;
		ranges[nranges].size = end - base;
		ranges[nranges++].type = type;
	}
	return (base);
}

/* Tables for the shim where it moves to: as those of boot.S. */
static uint64_t
new_tables(void)
{
	static uint64_t low[512] __attribute__((aligned(4096)));
	static uint64_t high[512] __attribute__((aligned(4096)));
	static uint64_t shim[512] __attribute__((aligned(4096)));
	uint64_t i;

	pml4[0] = pa(low) | 7;
	pml4[511] = pa(high) | 7;
	for (i = 0; i < 4; i++)
		low[i] = pa(pd_low + 512 * i) | 7;
	high[510] = pa(shim) | 7;
	for (i = 0; i < shim_size / LARGE_PAGE; i++)
		shim[LOAD / LARGE_PAGE + i] = (shim_base + i * LARGE_PAGE) |
		    0x87;
	return (pa(pml4));
}

void
relocate(void)
{
	shim_size = image_end - image_start;
	shim_base = take(shim_size, LARGE_PAGE, 2);
	handoff = at(take(sizeof(*handoff), 4096, 2));
	if (shim_base < kernel.start + kernel.size ||
	    shim_base < initrd.start + initrd.size)
		die("too little memory for the shim besides the guest");
	move_image(shim_base, LOAD, shim_size, new_tables());
}

static bool
overlap(uint64_t a, uint64_t asize, uint64_t b, uint64_t bsize)
{
	return (a < b + bsize && b < a + asize);
}

/* Out of the way of what is to be loaded: below the shim. */
static void
move_modules(void)
{
	uint64_t top = (uint64_t)handoff, to;

	to = (top - initrd.size) & ~4095ULL;
	if (initrd.size != 0) {
		if (to < initrd.start || overlap(to, initrd.size,
		    kernel.start, kernel.size))
			die("too little memory for the guest's initrd");
		memmove(at(to), at(initrd.start), initrd.size);
		initrd.start = top = to;
	}
	to = (top - kernel.size) & ~4095ULL;
	if (to < kernel.start)
		die("too little memory for the guest's kernel");
	memmove(at(to), at(kernel.start), kernel.size);
	kernel.start = to;
}

/* The place that a segment says, if it is memory that is free. */
static void *
segment(const struct phdr *ph)
{
	if (ph->filesz > ph->memsz || ph->offset > kernel.size ||
	    ph->filesz > kernel.size - ph->offset)
		die("the guest's kernel is broken");
	if (hv_gpa(ph->paddr, ph->memsz) == NULL)
		die("the guest's kernel wants 0x%llx bytes at 0x%llx: "
		    "no memory",
		    (unsigned long long)ph->memsz,
		    (unsigned long long)ph->paddr);
	if (ph->paddr + ph->memsz > kernel.start)
		die("too little memory to load the guest's kernel");
	return (at(ph->paddr));
}

static void
find_entry(const char *p, const char *end)
{
	const struct note *n;
	size_t name, desc;

	while ((size_t)(end - p) >= sizeof(*n)) {
		n = (const struct note *)p;
		name = (n->namesz + 3) & ~3U;
		desc = (n->descsz + 3) & ~3U;
		p += sizeof(*n);
		if ((size_t)(end - p) < name + desc)
			return;
		if (n->type == PVH_NOTE && n->namesz == 4 &&
		    n->descsz >= 4 && memcmp(p, "Xen", 4) == 0)
			memcpy(&boot.entry, p + name, 4);
		p += name + desc;
	}
}

static void
load_kernel(void)
{
	const struct elf *e = at(kernel.start);
	const struct phdr *ph;
	unsigned int i;
	void *p;

	if (kernel.size < sizeof(*e) ||
	    memcmp(e->ident, "\177ELF\002\001", 6) != 0)
		die("the guest's kernel is no 64-bit ELF");
	if (e->phoff > kernel.size ||
	    e->phnum * sizeof(*ph) > kernel.size - e->phoff)
		die("the guest's kernel is broken");
	ph = at(kernel.start + e->phoff);
	for (i = 0; i < e->phnum; i++, ph++) {
		if (ph->type == 4 && ph->offset <= kernel.size &&
		    ph->filesz <= kernel.size - ph->offset)
			find_entry(at(kernel.start + ph->offset),
			    at(kernel.start + ph->offset + ph->filesz));
		if (ph->type != 1 || ph->memsz == 0)
			continue;
		p = segment(ph);
		memcpy(p, at(kernel.start + ph->offset), ph->filesz);
		memset((char *)p + ph->filesz, 0, ph->memsz - ph->filesz);
	}
	if (boot.entry == 0)
		die("the guest's kernel has no PVH entry");
}

/* ACPI's root, where a BIOS has it. */
static uint64_t
find_rsdp(void)
{
	uint64_t p, ebda = *(volatile uint16_t *)at(0x40e) << 4;

	for (p = ebda; ebda >= 0x80000 && p < ebda + 1024; p += 16)
		if (memcmp(at(p), "RSD PTR ", 8) == 0)
			return (p);
	for (p = 0xe0000; p < 0x100000; p += 16)
		if (memcmp(at(p), "RSD PTR ", 8) == 0)
			return (p);
	return (0);
}

void
load_guest(void)
{
	unsigned int i;

	move_modules();
	load_kernel();
	memset(handoff, 0, sizeof(*handoff));
	memcpy(handoff->cmdline, guest_cmdline, sizeof(guest_cmdline));
	for (i = 0; i < nranges; i++) {
		handoff->ranges[i].base = ranges[i].base;
		handoff->ranges[i].size = ranges[i].size;
		handoff->ranges[i].type = ranges[i].type;
	}
	handoff->module.start = initrd.start;
	handoff->module.size = initrd.size;
	handoff->info.magic = PVH_MAGIC;
	handoff->info.version = 1;
	handoff->info.nr_modules = initrd.size != 0;
	handoff->info.modlist = (uint64_t)&handoff->module;
	handoff->info.cmdline = (uint64_t)handoff->cmdline;
	handoff->info.rsdp = find_rsdp();
	handoff->info.memmap = (uint64_t)handoff->ranges;
	handoff->info.memmap_entries = nranges;
	boot.start_info = (uint32_t)(uint64_t)handoff;
}

uint32_t
hv_memory_mb(void)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < nranges; i++)
		if (ranges[i].type == 1)
			sum += ranges[i].size;
	/* as configured: with what the firmware and the shim have */
	return ((sum + shim_size + 0x3fffff) / 0x400000 * 4);
}
