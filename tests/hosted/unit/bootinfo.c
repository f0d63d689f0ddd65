/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>

#include <machine/bootinfo.h>
#include "unit/mutate.h"

#define BASE	0x10000
static uint8_t	*memory;		/* ends where its memory ends */
static size_t	 memsize;
static struct bootinfo	bi;

static const void *
map(paddr_t pa, size_t n)
{
	if (pa < BASE || pa - BASE > memsize || n > memsize - (pa - BASE))
		return (NULL);
	return (memory + (pa - BASE));
}

static void
assert_sound(void)
{
	u_int i;

	assert_true(memchr(bi.bi_cmdline, '\0', sizeof(bi.bi_cmdline)) !=
	    NULL);
	assert_true(bi.bi_memory.ml_n <= MEMLIST_MAX);
	assert_true(bi.bi_initrd_end >= bi.bi_initrd);
	if (bi.bi_fb.gf_bits != 0)
		assert_true(bi.bi_fbwhy == NULL && bi.bi_fb.gf_addr +
		    GENFB_SIZE(&bi.bi_fb) > bi.bi_fb.gf_addr &&
		    GENFB_BYTES(&bi.bi_fb) * bi.bi_fb.gf_width <=
		    bi.bi_fb.gf_pitch);
	for (i = 0; i < bi.bi_memory.ml_n; i++)
		assert_true(bi.bi_memory.ml_range[i].mr_end >
		    bi.bi_memory.ml_range[i].mr_start);
}

/* --- PVH ----------------------------------------------------------------- */

static struct {
	uint32_t	magic, version, flags, nmods;
	uint64_t	modlist, cmdline, rsdp, memmap;
	uint32_t	nmemmap, reserved;
	uint64_t	mod[4];
	struct { uint64_t addr, size; uint32_t type, rsvd; } map[3];
	char		line[40];
} pvh;

static void
make_pvh(void)
{
	memset(&pvh, 0, sizeof(pvh));
	pvh.magic = 0x336ec578;
	pvh.version = 1;
	pvh.nmods = 1;
	pvh.modlist = BASE + offsetof(__typeof__(pvh), mod);
	pvh.cmdline = BASE + offsetof(__typeof__(pvh), line);
	pvh.rsdp = 0xf0000;
	pvh.memmap = BASE + offsetof(__typeof__(pvh), map);
	pvh.nmemmap = 3;
	pvh.mod[0] = 0x1000000;
	pvh.mod[1] = 0x2000;
	pvh.map[0].size = 0x9fc00;
	pvh.map[0].type = 1;
	pvh.map[1].addr = 0xf0000;
	pvh.map[1].size = 0x10000;
	pvh.map[1].type = 2;
	pvh.map[2].addr = 0x100000;
	pvh.map[2].size = 0x7f00000;
	pvh.map[2].type = 1;
	strlcpy(pvh.line, "console=com0 -- ls", sizeof(pvh.line));
}

static int
parse(const void *p, size_t n, bool multiboot)
{
	int error;

	memory = (void *)(uintptr_t)p;
	memsize = n;
	memset(&bi, 0, sizeof(bi));
	error = multiboot ? bootinfo_multiboot2(&bi, BASE, map) :
	    bootinfo_pvh(&bi, BASE, map);
	assert_sound();
	return (error);
}

static void
pvh_is_understood(void **state)
{
	make_pvh();
	assert_int_equal(parse(&pvh, sizeof(pvh), false), 0);
	assert_string_equal(bi.bi_cmdline, "console=com0 -- ls");
	assert_int_equal(bi.bi_memory.ml_n, 2);
	assert_int_equal(bi.bi_memory.ml_range[1].mr_end, 0x8000000);
	assert_int_equal(bi.bi_initrd, 0x1000000);
	assert_int_equal(bi.bi_initrd_end, 0x1002000);
	assert_int_equal(bi.bi_rsdp_pa, 0xf0000);
}

static void
pvh_that_cannot_be_is_refused(void **state)
{
	make_pvh();
	pvh.magic ^= 1;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), EINVAL);
	make_pvh();
	pvh.version = 0;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), EINVAL);
	make_pvh();
	pvh.nmemmap = 0xffffffff;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), EINVAL);
	make_pvh();
	pvh.memmap = -8ULL;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), EINVAL);
}

static void
a_range_around_the_end_is_cut(void **state)
{
	make_pvh();
	pvh.map[2].size = ~0ULL;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), 0);
	assert_int_equal(bi.bi_memory.ml_range[1].mr_end, ~0ULL);
}

static void
a_module_around_the_end_is_none(void **state)
{
	make_pvh();
	pvh.mod[1] = -0x1000ULL;
	assert_int_equal(parse(&pvh, sizeof(pvh), false), 0);
	assert_int_equal(bi.bi_initrd, 0);
}

static void
pvh_cut_or_changed_is_not_read_beyond(void **state)
{
	size_t n;
	u_int i;
	void *p;

	make_pvh();
	for (n = 0; n <= sizeof(pvh); n++) {
		p = mutate_cut(&pvh, n);
		(void)parse(p, n, false);
		host_free(p);
	}
	for (i = 0; i < 20000; i++) {
		p = mutate_cut(&pvh, sizeof(pvh));
		mutate(p, sizeof(pvh));
		(void)parse(p, sizeof(pvh), false);
		host_free(p);
	}
}

/* --- Multiboot2 ---------------------------------------------------------- */

static struct {
	uint32_t	total, rsvd;
	struct { uint32_t type, size; char text[32]; } cmdline;
	struct { uint32_t type, size, start, end; } mod;
	struct {
		uint32_t type, size, entsize, version;
		struct { uint64_t addr, size; uint32_t type, rsvd; } ent[2];
	} mmap;
	struct { uint32_t type, size; char rsdp[40]; } acpi;
	struct {
		uint32_t type, size;
		uint32_t addr[2];
		uint32_t pitch, width, height;
		uint8_t bits, kind, rsvd[2];
		uint8_t red[2], green[2], blue[2], pad[2];
	} fb;
	struct { uint32_t type, size; char name[16]; } loader;
	struct { uint32_t type, size; } end;
} mb;

static void
make_mb(void)
{
	memset(&mb, 0, sizeof(mb));
	mb.total = sizeof(mb);
	mb.cmdline.type = 1;
	mb.cmdline.size = 8 + 6;
	strlcpy(mb.cmdline.text, "a=1 b", 32);
	mb.cmdline.size = sizeof(mb.cmdline);
	mb.mod.type = 3;
	mb.mod.size = sizeof(mb.mod);
	mb.mod.start = 0x200000;
	mb.mod.end = 0x201000;
	mb.mmap.type = 6;
	mb.mmap.size = sizeof(mb.mmap);
	mb.mmap.entsize = 24;
	mb.mmap.ent[0].size = 0x9f000;
	mb.mmap.ent[0].type = 1;
	mb.mmap.ent[1].addr = 0x100000;
	mb.mmap.ent[1].size = 0x100000;
	mb.mmap.ent[1].type = 1;
	mb.acpi.type = 15;
	mb.acpi.size = sizeof(mb.acpi);
	memcpy(mb.acpi.rsdp, "RSD PTR ", 8);
	mb.fb.type = 8;
	mb.fb.size = 38;
	mb.fb.addr[0] = 0xe0000000;
	mb.fb.pitch = 1024 * 4;
	mb.fb.width = 1024;
	mb.fb.height = 768;
	mb.fb.bits = 32;
	mb.fb.kind = 1;
	memcpy(mb.fb.red, "\20\10\10\10\0\10", 6);
	mb.loader.type = 2;
	mb.loader.size = sizeof(mb.loader);
	strlcpy(mb.loader.name, "Other 1.0", 16);
	mb.end.size = 8;
}

static void
multiboot2_is_understood(void **state)
{
	make_mb();
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_string_equal(bi.bi_cmdline, "a=1 b");
	assert_int_equal(bi.bi_memory.ml_n, 2);
	assert_int_equal(bi.bi_initrd, 0x200000);
	assert_true(bi.bi_hasrsdp);
	assert_memory_equal(bi.bi_rsdp, "RSD PTR ", 8);
	assert_null(bi.bi_fbwhy);
	assert_int_equal(bi.bi_fb.gf_addr, 0xe0000000);
	assert_int_equal(bi.bi_fb.gf_pitch, 4096);
	assert_int_equal(bi.bi_fb.gf_width, 1024);
	assert_int_equal(bi.bi_fb.gf_height, 768);
	assert_int_equal(bi.bi_fb.gf_bits, 32);
	assert_int_equal(bi.bi_fb.gf_red.gc_pos, 16);
	assert_int_equal(bi.bi_fb.gf_green.gc_pos, 8);
	assert_int_equal(bi.bi_fb.gf_blue.gc_size, 8);
}

static void
assert_no_fb(const char *why)
{
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_int_equal(bi.bi_fb.gf_bits, 0);
	assert_non_null(bi.bi_fbwhy);
	assert_string_equal(bi.bi_fbwhy, why);
	make_mb();
}

static void
a_frame_buffer_that_cannot_be_is_not_used(void **state)
{
	make_mb();
	mb.fb.kind = 0;
	assert_no_fb("colours of a palette");
	mb.fb.kind = 2;
	assert_no_fb("text");
	mb.fb.kind = 3;
	assert_no_fb("a kind that is not known");
	mb.fb.size = 37;
	assert_no_fb("a kind that is not known");
	mb.fb.bits = 8;
	assert_no_fb("not 15, 16, 24 or 32 bits a pixel");
	mb.fb.bits = 255;
	assert_no_fb("not 15, 16, 24 or 32 bits a pixel");
	mb.fb.width = 0;
	assert_no_fb("a size that cannot be");
	mb.fb.width = 0x40000001;
	assert_no_fb("a size that cannot be");
	mb.fb.height = 16385;
	assert_no_fb("a size that cannot be");
	mb.fb.pitch = 4095;
	assert_no_fb("lines of a length that cannot be");
	mb.fb.pitch = 0xffffffff;
	assert_no_fb("lines of a length that cannot be");
	mb.fb.addr[0] = 0;
	assert_no_fb("not in memory");
	mb.fb.addr[1] = mb.fb.addr[0] = 0xffffffff;
	assert_no_fb("an address that cannot be");
	mb.fb.red[1] = 0;
	assert_no_fb("colours that cannot be");
	mb.fb.red[1] = 17;
	assert_no_fb("colours that cannot be");
	mb.fb.red[0] = 25;
	assert_no_fb("colours that cannot be");
	mb.fb.blue[0] = 255;
	assert_no_fb("colours that cannot be");
	mb.fb.green[0] = 7;
	assert_no_fb("colours that cannot be");
	mb.fb.blue[0] = 15;
	assert_no_fb("colours that cannot be");
}

static void
a_frame_buffer_in_usable_memory_is_not_used(void **state)
{
	make_mb();
	mb.fb.addr[0] = 0x1ff000;
	assert_no_fb("usable memory");
	/* 3 MB, of which the last bytes are */
	mb.fb.addr[0] = 0x10;
	assert_no_fb("usable memory");
	mb.mmap.ent[1].addr = 0xe02ff000;
	assert_no_fb("usable memory");
	mb.mmap.ent[1].addr = 0xe0300000;
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_null(bi.bi_fbwhy);
	/* whatever comes first of the two */
	mb.mmap.ent[1].addr = 0xe0000000;
	mb.mmap.ent[1].type = 2;
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_null(bi.bi_fbwhy);
}

static void
a_tag_that_is_too_short_is_no_frame_buffer(void **state)
{
	make_mb();
	mb.fb.size = 31;
	assert_int_equal(parse(&mb, sizeof(mb), true), EINVAL);
	assert_int_equal(bi.bi_fb.gf_bits, 0);
}

/* What GRUB makes of: x "a  b" 'c' \ */
static void
what_grub_quotes_is_as_it_was(void **state)
{
	static const char quoted[] = "\"x \\\"a  b\\\" \\'c\\'\" \\\\";

	make_mb();
	assert_true(sizeof(quoted) <= sizeof(mb.cmdline.text));
	memcpy(mb.cmdline.text, quoted, sizeof(quoted));
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_string_equal(bi.bi_cmdline, quoted);
	strlcpy(mb.loader.name, "GRUB 2.06", 16);
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_string_equal(bi.bi_cmdline, "x \"a  b\" 'c' \\");
}

/* The kernel's part of it is whole, and what is left shows that it was cut. */
static void
a_line_that_is_too_long_is_seen_to_be_so(void **state)
{
	static struct {
		uint32_t	total, rsvd;
		struct {
			uint32_t type, size;
			char text[2 * CMDLINE_MAX + 2];
			char pad[6];
		} cmdline;
		struct { uint32_t type, size; char name[8]; } loader;
		struct { uint32_t type, size; } end;
	} info;
	u_int i;

	info.total = sizeof(info);
	info.cmdline.type = 1;
	info.cmdline.size = sizeof(info.cmdline);
	info.loader.type = 2;
	info.loader.size = sizeof(info.loader);
	info.end.size = 8;
	memset(info.cmdline.text, 'x', CMDLINE_MAX + 1);
	assert_int_equal(parse(&info, sizeof(info), true), 0);
	assert_int_equal(strlen(bi.bi_cmdline), CMDLINE_MAX + 1);
	/* as long as it may be, and longer only by what GRUB adds */
	memcpy(info.loader.name, "GRUB 2", 7);
	for (i = 0; i < CMDLINE_MAX; i++)
		memcpy(info.cmdline.text + 2 * i, "\\'", 2);
	assert_int_equal(parse(&info, sizeof(info), true), 0);
	assert_int_equal(strlen(bi.bi_cmdline), CMDLINE_MAX);
	for (i = 0; i < CMDLINE_MAX; i++)
		assert_int_equal(bi.bi_cmdline[i], '\'');
}

static void
multiboot2_without_an_end_is_torn(void **state)
{
	make_mb();
	mb.total -= 8;
	assert_int_equal(parse(&mb, sizeof(mb), true), EINVAL);
}

static void
tags_that_cannot_be_end_it(void **state)
{
	static const uint32_t bad[] = { 0, 7, 0x1000, 0xffffffff,
	    0xfffffff9 };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make_mb();
		mb.mod.size = bad[i];
		assert_int_equal(parse(&mb, sizeof(mb), true), EINVAL);
	}
}

static void
entries_of_no_size_are_left_out(void **state)
{
	make_mb();
	mb.mmap.entsize = 0;
	assert_int_equal(parse(&mb, sizeof(mb), true), 0);
	assert_int_equal(bi.bi_memory.ml_n, 0);
}

static void
multiboot2_cut_or_changed_is_not_read_beyond(void **state)
{
	size_t n;
	u_int i;
	void *p;

	make_mb();
	for (n = 0; n <= sizeof(mb); n++) {
		p = mutate_cut(&mb, n);
		(void)parse(p, n, true);
		/* and where the total agrees */
		if (n >= 4) {
			memcpy(p, &(uint32_t){ n }, 4);
			(void)parse(p, n, true);
		}
		host_free(p);
	}
	for (i = 0; i < 20000; i++) {
		p = mutate_cut(&mb, sizeof(mb));
		mutate(p, sizeof(mb));
		(void)parse(p, sizeof(mb), true);
		host_free(p);
	}
}

#define TEST(fn)	cmocka_unit_test(fn)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pvh_is_understood),
		TEST(pvh_that_cannot_be_is_refused),
		TEST(a_range_around_the_end_is_cut),
		TEST(a_module_around_the_end_is_none),
		TEST(pvh_cut_or_changed_is_not_read_beyond),
		TEST(multiboot2_is_understood),
		TEST(a_frame_buffer_that_cannot_be_is_not_used),
		TEST(a_frame_buffer_in_usable_memory_is_not_used),
		TEST(a_tag_that_is_too_short_is_no_frame_buffer),
		TEST(what_grub_quotes_is_as_it_was),
		TEST(a_line_that_is_too_long_is_seen_to_be_so),
		TEST(multiboot2_without_an_end_is_torn),
		TEST(tags_that_cannot_be_end_it),
		TEST(entries_of_no_size_are_left_out),
		TEST(multiboot2_cut_or_changed_is_not_read_beyond),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
