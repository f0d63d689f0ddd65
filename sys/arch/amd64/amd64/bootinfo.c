/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the loader tells: hvm_start_info of PVH (Xen's public headers,
 * arch-x86/hvm/start_info.h) and the boot information of Multiboot2.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <machine/bootinfo.h>

#define E820_RAM	1

static void
bootinfo_cmdline(struct bootinfo *bi, const char *s, size_t max)
{
	size_t n = MIN(strnlen(s, max), CMDLINE_MAX);

	memcpy(bi->bi_cmdline, s, n);
	bi->bi_cmdline[n] = '\0';
}

static void
bootinfo_memory(struct bootinfo *bi, uint64_t addr, uint64_t size,
    uint32_t type)
{
	uint64_t end;

	if (__builtin_add_overflow(addr, size, &end))
		end = UINT64_MAX;
	if (type == E820_RAM)
		(void)memlist_add(&bi->bi_memory, addr, end);
}

/* --- PVH ------------------------------------------------------------------------ */

#define PVH_MAGIC	0x336ec578

struct pvh_start {
	uint32_t	ps_magic;
	uint32_t	ps_version;
	uint32_t	ps_flags;
	uint32_t	ps_nmods;
	uint64_t	ps_modlist;
	uint64_t	ps_cmdline;
	uint64_t	ps_rsdp;
	/* version 1 */
	uint64_t	ps_memmap;
	uint32_t	ps_nmemmap;
	uint32_t	ps_reserved;
};

struct pvh_module {
	uint64_t	pm_addr;
	uint64_t	pm_size;
	uint64_t	pm_cmdline;
	uint64_t	pm_reserved;
};

struct pvh_memmap {
	uint64_t	pm_addr;
	uint64_t	pm_size;
	uint32_t	pm_type;
	uint32_t	pm_reserved;
};

/* A string of unknown length: as much of it as can be mapped. */
static void
pvh_cmdline(struct bootinfo *bi, paddr_t pa, boot_map_t map)
{
	const char *s;
	size_t max;

	for (max = CMDLINE_MAX + 1; max > 0; max /= 2) {
		if ((s = map(pa, max)) != NULL) {
			bootinfo_cmdline(bi, s, max);
			return;
		}
	}
}

int
bootinfo_pvh(struct bootinfo *bi, paddr_t pa, boot_map_t map)
{
	const struct pvh_start *ps;
	const struct pvh_module *mod;
	const struct pvh_memmap *mm;
	uint32_t i;

	if ((ps = map(pa, sizeof(*ps))) == NULL || ps->ps_magic != PVH_MAGIC ||
	    ps->ps_version < 1 || ps->ps_nmemmap > 4096)
		return (EINVAL);
	bi->bi_loader = "PVH";
	bi->bi_rsdp_pa = ps->ps_rsdp;
	if (ps->ps_cmdline != 0)
		pvh_cmdline(bi, ps->ps_cmdline, map);
	if (ps->ps_nmods > 0 &&
	    (mod = map(ps->ps_modlist, sizeof(*mod))) != NULL &&
	    mod->pm_size != 0 && mod->pm_addr + mod->pm_size > mod->pm_addr) {
		bi->bi_initrd = mod->pm_addr;
		bi->bi_initrd_end = mod->pm_addr + mod->pm_size;
	}
	if ((mm = map(ps->ps_memmap, ps->ps_nmemmap * sizeof(*mm))) == NULL)
		return (EINVAL);
	for (i = 0; i < ps->ps_nmemmap; i++)
		bootinfo_memory(bi, mm[i].pm_addr, mm[i].pm_size,
		    mm[i].pm_type);
	return (0);
}

/* --- Multiboot2 -------------------------------------------------------------------- */

struct mb2_tag {
	uint32_t	mt_type;
	uint32_t	mt_size;	/* with this header, without padding */
};
#define MB2_END		0
#define MB2_CMDLINE	1
#define MB2_MODULE	3
#define MB2_MMAP	6
#define MB2_RSDP_OLD	14
#define MB2_RSDP_NEW	15

struct mb2_module {
	struct mb2_tag	mm_tag;
	uint32_t	mm_start;
	uint32_t	mm_end;
};

struct mb2_mmap {
	struct mb2_tag	mm_tag;
	uint32_t	mm_entsize;
	uint32_t	mm_version;
};

struct mb2_mmapent {
	uint64_t	me_addr;
	uint64_t	me_size;
	uint32_t	me_type;
	uint32_t	me_reserved;
};

static void
mb2_mmap(struct bootinfo *bi, const struct mb2_mmap *mm)
{
	const struct mb2_mmapent *me;
	size_t off;

	if (mm->mm_entsize < sizeof(*me))
		return;
	for (off = sizeof(*mm); off <= mm->mm_tag.mt_size - sizeof(*me);
	    off += mm->mm_entsize) {
		me = (const struct mb2_mmapent *)((const char *)mm + off);
		bootinfo_memory(bi, me->me_addr, me->me_size, me->me_type);
	}
}

static void
mb2_tag(struct bootinfo *bi, const struct mb2_tag *mt)
{
	const struct mb2_module *mod = (const void *)mt;
	size_t size = mt->mt_size - sizeof(*mt);

	switch (mt->mt_type) {
	case MB2_CMDLINE:
		bootinfo_cmdline(bi, (const char *)(mt + 1), size);
		break;
	case MB2_MODULE:
		if (mt->mt_size >= sizeof(*mod) && bi->bi_initrd == 0 &&
		    mod->mm_end > mod->mm_start) {
			bi->bi_initrd = mod->mm_start;
			bi->bi_initrd_end = mod->mm_end;
		}
		break;
	case MB2_MMAP:
		if (mt->mt_size >= sizeof(struct mb2_mmap) +
		    sizeof(struct mb2_mmapent))
			mb2_mmap(bi, (const void *)mt);
		break;
	case MB2_RSDP_OLD:
	case MB2_RSDP_NEW:
		/* the newer one, where there are both */
		if (size < 20 || (bi->bi_hasrsdp &&
		    mt->mt_type == MB2_RSDP_OLD))
			break;
		memcpy(bi->bi_rsdp, mt + 1, MIN(size, sizeof(bi->bi_rsdp)));
		bi->bi_hasrsdp = true;
		break;
	}
}

int
bootinfo_multiboot2(struct bootinfo *bi, paddr_t pa, boot_map_t map)
{
	const uint32_t *total;
	const char *info;
	const struct mb2_tag *mt;
	uint32_t off, left;

	if ((total = map(pa, 8)) == NULL || *total < 16 ||
	    (info = map(pa, *total)) == NULL)
		return (EINVAL);
	bi->bi_loader = "Multiboot2";
	for (off = 8; (left = *total - off) >= sizeof(*mt);
	    off += roundup2(mt->mt_size, 8)) {
		mt = (const struct mb2_tag *)(info + off);
		if (mt->mt_type == MB2_END)
			return (0);
		if (mt->mt_size < sizeof(*mt) || mt->mt_size > left ||
		    left < roundup2(mt->mt_size, 8))
			break;
		mb2_tag(bi, mt);
	}
	return (EINVAL);
}
