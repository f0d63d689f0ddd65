/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: tables of partitions, of the old kind (MBR, with logical partitions
 * in a chain) and of UEFI's (GPT).
 *
 * They are somebody else's data.  A GPT must have its checksums and agree
 * with itself, or its copy at the end of the disk must; a partition must lie
 * within the disk; whatever is in the way of that is left out.  Nothing is
 * ever written.
 */

#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/wire.h>

/* the first block of a disk */
#define MBR_ENTRIES	446
#define MBR_SIGNATURE	510
#define MBR_BOOT	0x80		/* the only flag there is */
#define MBR_GPT		0xee		/* type: a GPT is here */
#define MBR_NLOGICAL	(PART_MAX - 4)

struct mbr_entry {
	uint8_t		me_flag;
	uint8_t		me_first[3];
	uint8_t		me_type;
	uint8_t		me_last[3];
	uint8_t		me_start[4];	/* blocks; not aligned */
	uint8_t		me_size[4];
};
_Static_assert(sizeof(struct mbr_entry) == 16, "mbr_entry");

/* UEFI 2.10, 5.3.2 GPT Header */
struct gpt_header {
	char		gh_signature[8];
	le32_w		gh_revision;
	le32_w		gh_size;
	le32_w		gh_crc;		/* of gh_size bytes, this being 0 */
	le32_w		gh_reserved;
	le64_w		gh_self;
	le64_w		gh_other;
	le64_w		gh_first;	/* what partitions may have */
	le64_w		gh_last;
	uint8_t		gh_guid[16];
	le64_w		gh_table;
	le32_w		gh_nentries;
	le32_w		gh_entsize;
	le32_w		gh_tablecrc;
	uint32_t	gh_pad;
};
_Static_assert(offsetof(struct gpt_header, gh_tablecrc) == 88, "gpt_header");
#define GPT_HEADER	92
#define GPT_MAXBYTES	(1024 * 1024)	/* of entries; usual are 16 KB */

/* 5.3.3 GPT Partition Entry Array */
struct gpt_entry {
	uint8_t		ge_type[16];
	uint8_t		ge_guid[16];
	le64_w		ge_first, ge_last;
	le64_w		ge_attributes;
	uint8_t		ge_name[72];
};
_Static_assert(sizeof(struct gpt_entry) == 128, "gpt_entry");

struct scan {
	const struct partsrc	 *s_src;
	void			(*s_found)(void *, const struct partent *);
	void			 *s_arg;
	u_int			  s_n;		/* found */
	u_int			  s_bad;	/* and not used */
	char			 *s_block;	/* one block */
};

/* --- common ------------------------------------------------------------- */

static int
scan_read(struct scan *s, uint64_t block)
{
	return (s->s_src->ps_read(s->s_src->ps_arg, block, s->s_block, 1));
}

static void
scan_found(struct scan *s, u_int index, uint64_t start, uint64_t size)
{
	struct partent pe = { index, start, size };

	if (size == 0 || start >= s->s_src->ps_nblocks ||
	    size > s->s_src->ps_nblocks - start || index > PART_MAX) {
		s->s_bad++;
		return;
	}
	s->s_n++;
	s->s_found(s->s_arg, &pe);
}

/* --- MBR ---------------------------------------------------------------- */

static uint32_t
mbr_word(const uint8_t *p)
{
	return (p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
}

static bool
mbr_extended(uint8_t type)
{
	return (type == 0x05 || type == 0x0f || type == 0x85);
}

static bool
mbr_used(const struct mbr_entry *me)
{
	return (me->me_type != 0 && mbr_word(me->me_size) != 0);
}

/* A loader of a file system has the signature too, but no flags there. */
static bool
mbr_valid(const char *block, struct mbr_entry *me)
{
	u_int i;

	if ((uint8_t)block[MBR_SIGNATURE] != 0x55 ||
	    (uint8_t)block[MBR_SIGNATURE + 1] != 0xaa)
		return (false);
	memcpy(me, block + MBR_ENTRIES, 4 * sizeof(*me));
	for (i = 0; i < 4; i++) {
		if ((me[i].me_flag & ~MBR_BOOT) != 0)
			return (false);
	}
	return (true);
}

/*
 * The chain within an extended partition: each link has one partition, its
 * place told from the link, and the next link, told from the beginning of
 * the whole.  It must come to an end.
 */
static int
mbr_chain(struct scan *s, uint64_t base, uint64_t size)
{
	struct mbr_entry me[4];
	uint64_t link = base, off = 0;
	u_int i, index = 5;
	int error;

	while (index < 5 + MBR_NLOGICAL && link < s->s_src->ps_nblocks) {
		if ((error = scan_read(s, link)) != 0)
			return (error);
		if (!mbr_valid(s->s_block, me))
			return (0);
		off = 0;
		for (i = 0; i < 4; i++) {
			if (!mbr_used(&me[i]))
				continue;
			if (mbr_extended(me[i].me_type))
				off = off != 0 ? off :
				    mbr_word(me[i].me_start);
			else
				scan_found(s, index++, link +
				    mbr_word(me[i].me_start),
				    mbr_word(me[i].me_size));
		}
		/* links are in rising order, so that there is no circle */
		if (off == 0 || off >= size || base + off <= link)
			return (0);
		link = base + off;
	}
	return (0);
}

static int
mbr_scan(struct scan *s, const struct mbr_entry *me)
{
	bool chain = false;
	u_int i;
	int error = 0;

	for (i = 0; i < 4; i++) {
		if (mbr_used(&me[i]) && !mbr_extended(me[i].me_type))
			scan_found(s, i + 1, mbr_word(me[i].me_start),
			    mbr_word(me[i].me_size));
	}
	for (i = 0; i < 4 && error == 0; i++) {
		if (!mbr_used(&me[i]) || !mbr_extended(me[i].me_type) || chain)
			continue;
		chain = true;
		error = mbr_chain(s, mbr_word(me[i].me_start),
		    mbr_word(me[i].me_size));
	}
	return (error);
}

/* --- GPT ---------------------------------------------------------------- */

static bool
gpt_sane(const struct scan *s, const struct gpt_header *gh, uint64_t self)
{
	uint64_t n = s->s_src->ps_nblocks, table = le64_load(&gh->gh_table);
	uint32_t count = le32_load(&gh->gh_nentries);
	uint32_t size = le32_load(&gh->gh_entsize);

	return (le32_load(&gh->gh_revision) >> 16 == 1 &&
	    le64_load(&gh->gh_self) == self &&
	    le64_load(&gh->gh_first) <= le64_load(&gh->gh_last) &&
	    le64_load(&gh->gh_last) < n &&
	    size >= sizeof(struct gpt_entry) && powerof2(size) &&
	    count != 0 && (uint64_t)count * size <= GPT_MAXBYTES &&
	    table > 0 && table < n && howmany((uint64_t)count * size,
	    s->s_src->ps_blksize) <= n - table);
}

/* ENOENT: there is none that is whole. */
static int
gpt_header(struct scan *s, uint64_t self, struct gpt_header *gh)
{
	struct gpt_header *here = (struct gpt_header *)s->s_block;
	uint32_t size;
	int error;

	if ((error = scan_read(s, self)) != 0)
		return (error);
	memcpy(gh, s->s_block, GPT_HEADER);
	size = le32_load(&gh->gh_size);
	if (memcmp(gh->gh_signature, "EFI PART", 8) != 0 ||
	    size < GPT_HEADER || size > s->s_src->ps_blksize)
		return (ENOENT);
	le32_store(&here->gh_crc, 0);
	if (crc32(0, here, size) != le32_load(&gh->gh_crc) ||
	    !gpt_sane(s, gh, self))
		return (ENOENT);
	return (0);
}

static void
gpt_entry(struct scan *s, const struct gpt_header *gh, u_int index,
    const char *p)
{
	static const uint8_t unused[16];
	struct gpt_entry ge;
	uint64_t first, last;

	memcpy(&ge, p, sizeof(ge));
	if (memcmp(ge.ge_type, unused, sizeof(unused)) == 0)
		return;
	first = le64_load(&ge.ge_first);
	last = le64_load(&ge.ge_last);
	if (first < le64_load(&gh->gh_first) || last < first ||
	    last > le64_load(&gh->gh_last))
		s->s_bad++;
	else
		scan_found(s, index, first, last - first + 1);
}

/* All of it is looked at before any of it is believed. */
static int
gpt_table(struct scan *s, const struct gpt_header *gh)
{
	uint32_t count = le32_load(&gh->gh_nentries);
	uint32_t size = le32_load(&gh->gh_entsize), i;
	size_t bytes = roundup2((size_t)count * size,
	    (size_t)s->s_src->ps_blksize);
	char *table;
	int error;

	if ((table = kmem_alloc(bytes, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = s->s_src->ps_read(s->s_src->ps_arg,
	    le64_load(&gh->gh_table), table, bytes / s->s_src->ps_blksize);
	if (error == 0 && crc32(0, table, (size_t)count * size) !=
	    le32_load(&gh->gh_tablecrc))
		error = ENOENT;
	for (i = 0; i < count && error == 0; i++)
		gpt_entry(s, gh, i + 1, table + (size_t)i * size);
	kmem_free(table, bytes);
	return (error);
}

static int
gpt_copy(struct scan *s, uint64_t self)
{
	struct gpt_header gh;
	int error;

	if ((error = gpt_header(s, self, &gh)) == 0)
		error = gpt_table(s, &gh);
	return (error);
}

static int
gpt_scan(struct scan *s, const char **what)
{
	int error, e;

	*what = "GPT";
	if ((error = gpt_copy(s, 1)) == 0)
		return (0);
	*what = "GPT damaged, its copy used";
	if ((e = gpt_copy(s, s->s_src->ps_nblocks - 1)) == 0)
		return (0);
	*what = "GPT damaged";
	return (error != ENOENT ? error : e != ENOENT ? e : 0);
}

/* --- which -------------------------------------------------------------- */

static int
scan_any(struct scan *s, const char **what)
{
	struct mbr_entry me[4];
	u_int i;
	int error;

	if ((error = scan_read(s, 0)) != 0 || !mbr_valid(s->s_block, me))
		return (error);
	for (i = 0; i < 4; i++) {
		if (me[i].me_type == MBR_GPT && s->s_src->ps_nblocks > 2)
			return (gpt_scan(s, what));
	}
	if ((error = mbr_scan(s, me)) == 0 && s->s_n + s->s_bad > 0)
		*what = "MBR";
	return (error);
}

int
part_scan(const struct partsrc *src, void (*found)(void *,
    const struct partent *), void *arg, char *text, size_t size)
{
	struct scan s = { .s_src = src, .s_found = found, .s_arg = arg };
	const char *what = NULL;
	size_t n;
	int error;

	text[0] = '\0';
	if (src->ps_nblocks == 0)
		return (0);
	s.s_block = kmem_alloc(src->ps_blksize, KM_NOSLEEP);
	if (s.s_block == NULL)
		return (ENOMEM);
	error = scan_any(&s, &what);
	kmem_free(s.s_block, src->ps_blksize);
	if (what == NULL)
		return (error);
	n = snprintf(text, size, "%s, %u partition%s", what, s.s_n,
	    s.s_n == 1 ? "" : "s");
	if (s.s_bad != 0 && n < size)
		snprintf(text + n, size - n, ", %u not used", s.s_bad);
	return (error);
}
