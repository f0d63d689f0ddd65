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
	size_t n = MIN(strnlen(s, max), sizeof(bi->bi_cmdline) - 1);

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

	for (max = sizeof(bi->bi_cmdline); max > 0; max /= 2) {
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
#define MB2_LOADER	2
#define MB2_MODULE	3
#define MB2_MMAP	6
#define MB2_FB		8
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

/*
 * 3.6.12 has one reserved byte where GRUB, and the header file that comes with
 * the text, have two.
 */
struct mb2_fb {
	struct mb2_tag	mf_tag;
	uint64_t	mf_addr;
	uint32_t	mf_pitch;
	uint32_t	mf_width;
	uint32_t	mf_height;
	uint8_t		mf_bits;
	uint8_t		mf_type;
	uint16_t	mf_reserved;
	/* of MB2_FB_RGB */
	struct genfb_channel	mf_red, mf_green, mf_blue;
} __packed;
#define MB2_FB_PALETTE	0
#define MB2_FB_RGB	1
#define MB2_FB_TEXT	2

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
mb2_fb(struct bootinfo *bi, const struct mb2_fb *mf)
{
	if (mf->mf_tag.mt_size < offsetof(struct mb2_fb, mf_red))
		return;
	if (mf->mf_type == MB2_FB_TEXT)
		bi->bi_fbwhy = "text";
	else if (mf->mf_type == MB2_FB_PALETTE)
		bi->bi_fbwhy = "colours of a palette";
	else if (mf->mf_type != MB2_FB_RGB ||
	    mf->mf_tag.mt_size < sizeof(*mf) || mf->mf_bits == 0)
		bi->bi_fbwhy = "a kind that is not known";
	else
		bi->bi_fb = (struct genfb_conf){ .gf_addr = mf->mf_addr,
		    .gf_pitch = mf->mf_pitch, .gf_width = mf->mf_width,
		    .gf_height = mf->mf_height, .gf_bits = mf->mf_bits,
		    .gf_red = mf->mf_red, .gf_green = mf->mf_green,
		    .gf_blue = mf->mf_blue };
}

/*
 * GRUB writes a backslash before each quote and backslash, and quotes around a
 * word of its language that has a blank in it.  The line is to be what the
 * menu has.
 */
static void
mb2_unquote(char *s)
{
	char *d = s;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && (s[1] == '\\' || s[1] == '\'' ||
		    s[1] == '"'))
			*d++ = *++s;
		else if (*s != '"')
			*d++ = *s;
	}
	*d = '\0';
}

static bool
fb_channel_ok(const struct genfb_conf *gf, const struct genfb_channel *gc)
{
	return (gc->gc_size >= 1 && gc->gc_size <= 16 &&
	    gc->gc_pos + gc->gc_size <= gf->gf_bits);
}

/* Why it cannot be used, or NULL. */
static const char *
fb_check(const struct genfb_conf *gf)
{
	if (gf->gf_bits != 15 && gf->gf_bits != 16 && gf->gf_bits != 24 &&
	    gf->gf_bits != 32)
		return ("not 15, 16, 24 or 32 bits a pixel");
	if (!fb_size_ok(gf->gf_width, gf->gf_height))
		return ("a size that cannot be");
	if (gf->gf_pitch < gf->gf_width * GENFB_BYTES(gf) ||
	    gf->gf_pitch > GENFB_PITCH_MAX)
		return ("lines of a length that cannot be");
	if (!fb_channel_ok(gf, &gf->gf_red) ||
	    !fb_channel_ok(gf, &gf->gf_green) ||
	    !fb_channel_ok(gf, &gf->gf_blue) ||
	    (genfb_mask(&gf->gf_red) & genfb_mask(&gf->gf_green)) != 0 ||
	    (genfb_mask(&gf->gf_green) & genfb_mask(&gf->gf_blue)) != 0 ||
	    (genfb_mask(&gf->gf_blue) & genfb_mask(&gf->gf_red)) != 0)
		return ("colours that cannot be");
	/* firmware that draws by itself */
	if (gf->gf_addr == 0)
		return ("not in memory");
	if (gf->gf_addr > UINT64_MAX - GENFB_SIZE(gf))
		return ("an address that cannot be");
	return (NULL);
}

/* It must not be memory that we are going to use. */
static void
bootinfo_fb(struct bootinfo *bi)
{
	const struct genfb_conf *gf = &bi->bi_fb;
	const struct memrange *mr = bi->bi_memory.ml_range;
	u_int i;

	if (gf->gf_bits == 0)
		return;
	bi->bi_fbwhy = fb_check(gf);
	for (i = 0; i < bi->bi_memory.ml_n && bi->bi_fbwhy == NULL; i++) {
		if (gf->gf_addr < mr[i].mr_end &&
		    gf->gf_addr + GENFB_SIZE(gf) > mr[i].mr_start)
			bi->bi_fbwhy = "usable memory";
	}
	if (bi->bi_fbwhy != NULL)
		bi->bi_fb.gf_bits = 0;
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
	case MB2_LOADER:
		bi->bi_grub = size >= 4 && memcmp(mt + 1, "GRUB", 4) == 0;
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
	case MB2_FB:
		mb2_fb(bi, (const void *)mt);
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
		if (mt->mt_type == MB2_END) {
			bootinfo_fb(bi);
			if (bi->bi_grub)
				mb2_unquote(bi->bi_cmdline);
			return (0);
		}
		if (mt->mt_size < sizeof(*mt) || mt->mt_size > left ||
		    left < roundup2(mt->mt_size, 8))
			break;
		mb2_tag(bi, mt);
	}
	bi->bi_fb.gf_bits = 0;
	return (EINVAL);
}
