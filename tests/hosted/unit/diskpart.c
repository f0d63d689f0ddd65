/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/wire.h>

#define BLOCKS		4096
#define MAXFOUND	200

static uint8_t		disk[BLOCKS * 4096];
static uint32_t		blksize;
static uint64_t		nblocks;
static uint64_t		bad_block;	/* cannot be read */
static struct partent	found[MAXFOUND];
static u_int		nfound, nreads;
static char		text[80];

static int
setup(void **state)
{
	hosted_init();
	memset(disk, 0, sizeof(disk));
	blksize = 512;
	nblocks = BLOCKS;
	bad_block = UINT64_MAX;
	return (0);
}

static int
read_blocks(void *arg, uint64_t block, void *buf, u_int n)
{
	nreads++;
	assert_true(block < nblocks && n <= nblocks - block && n > 0);
	if (bad_block >= block && bad_block < block + n)
		return (EIO);
	memcpy(buf, disk + block * blksize, (size_t)n * blksize);
	return (0);
}

static void
take(void *arg, const struct partent *pe)
{
	assert_true(nfound < MAXFOUND);
	found[nfound++] = *pe;
}

static int
scan(void)
{
	const struct partsrc src = { .ps_read = read_blocks,
	    .ps_blksize = blksize, .ps_nblocks = nblocks };

	nfound = nreads = 0;
	return (part_scan(&src, take, NULL, text, sizeof(text)));
}

static void
assert_part(u_int i, u_int index, uint64_t start, uint64_t size)
{
	assert_true(i < nfound);
	assert_int_equal(found[i].pe_index, index);
	assert_int_equal(found[i].pe_start, start);
	assert_int_equal(found[i].pe_size, size);
}

/* --- building ------------------------------------------------------------ */

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

static void
mbr(uint64_t block, u_int slot, uint8_t type, uint32_t start, uint32_t size)
{
	uint8_t *b = disk + block * blksize, *e = b + 446 + slot * 16;

	b[510] = 0x55;
	b[511] = 0xaa;
	e[4] = type;
	put32(e + 8, start);
	put32(e + 12, size);
}

/* The wire has another order in one of the builds; the table follows it. */
static void
w32(uint8_t *p, uint32_t v)
{
	le32_store((le32_w *)(void *)p, v);
}

static void
w64(uint8_t *p, uint64_t v)
{
	le64_store((le64_w *)(void *)p, v);
}

static uint8_t *
gpt_entries(uint64_t table)
{
	return (disk + table * blksize);
}

static void
gpt_entry(uint64_t table, u_int i, u_int size, uint64_t first, uint64_t last)
{
	uint8_t *e = gpt_entries(table) + i * size;

	memset(e, 0x11, 16);
	memset(e + 16, 0x22, 16);
	w64(e + 32, first);
	w64(e + 40, last);
}

struct gpt {
	uint64_t self, table;
	uint32_t n, size;
};

static void
gpt_seal(const struct gpt *g)
{
	uint8_t *h = disk + g->self * blksize;

	memcpy(h, "EFI PART", 8);
	w32(h + 8, 0x10000);
	w32(h + 12, 92);
	w64(h + 24, g->self);
	w64(h + 32, g->self == 1 ? nblocks - 1 : 1);
	w64(h + 40, 34);
	w64(h + 48, nblocks - 35);
	w64(h + 72, g->table);
	w32(h + 80, g->n);
	w32(h + 84, g->size);
	w32(h + 88, crc32(0, gpt_entries(g->table), g->n * g->size));
	w32(h + 16, 0);
	w32(h + 16, crc32(0, h, 92));
}

static void
gpt_both(void)
{
	mbr(0, 0, 0xee, 1, 0xffffffff);
	gpt_entry(2, 0, 128, 100, 199);
	gpt_entry(2, 3, 128, 200, 299);
	gpt_seal(&(struct gpt){ 1, 2, 128, 128 });
	memcpy(gpt_entries(nblocks - 33), gpt_entries(2), 128 * 128);
	gpt_seal(&(struct gpt){ nblocks - 1, nblocks - 33, 128, 128 });
}

/* --- MBR ------------------------------------------------------------------ */

static void
an_empty_disk_has_none_and_costs_one_read(void **state)
{
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 0);
	assert_int_equal(nreads, 1);
	assert_string_equal(text, "");
}

static void
primary_partitions_have_the_numbers_of_their_entries(void **state)
{
	mbr(0, 1, 0x83, 63, 100);
	mbr(0, 3, 0x07, 200, 300);
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	assert_part(0, 2, 63, 100);
	assert_part(1, 4, 200, 300);
	assert_string_equal(text, "MBR, 2 partitions");
}

static void
logical_partitions_are_counted_from_five(void **state)
{
	mbr(0, 0, 0x05, 1000, 2000);
	mbr(1000, 0, 0x83, 10, 100);
	mbr(1000, 1, 0x05, 500, 600);
	mbr(1500, 0, 0x83, 20, 200);
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	assert_part(0, 5, 1010, 100);
	assert_part(1, 6, 1520, 200);
}

static void
a_chain_that_comes_back_ends(void **state)
{
	mbr(0, 0, 0x0f, 1000, 2000);
	mbr(1000, 0, 0x83, 10, 100);
	mbr(1000, 1, 0x05, 500, 600);
	mbr(1500, 0, 0x83, 20, 200);
	mbr(1500, 1, 0x05, 0, 600);	/* nothing: the end */
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	mbr(1500, 1, 0x05, 500, 600);	/* itself */
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	mbr(1500, 1, 0x05, 400, 600);	/* back */
	mbr(1400, 1, 0x05, 500, 600);
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
}

static void
an_extended_partition_beyond_the_disk_is_left_alone(void **state)
{
	mbr(0, 0, 0x05, BLOCKS + 5, 100);
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 0);
}

static void
partitions_outside_of_the_disk_are_left_out_and_counted(void **state)
{
	mbr(0, 0, 0x83, 1, BLOCKS - 1);
	mbr(0, 1, 0x83, 1, BLOCKS);
	mbr(0, 2, 0x83, BLOCKS, 1);
	mbr(0, 3, 0x83, 0xffffffff, 0xffffffff);
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 1);
	assert_part(0, 1, 1, BLOCKS - 1);
	assert_string_equal(text, "MBR, 1 partition, 3 not used");
}

static void
the_boot_block_of_a_file_system_is_no_table(void **state)
{
	mbr(0, 0, 0x83, 1, 10);
	disk[446] = 'F';
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 0);
	disk[446] = 0x80;
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 1);
}

static void
units_are_blocks_of_the_disk(void **state)
{
	blksize = 4096;
	mbr(0, 0, 0x83, 256, 100);
	assert_int_equal(scan(), 0);
	assert_part(0, 1, 256, 100);
}

static void
an_error_of_reading_is_told(void **state)
{
	bad_block = 0;
	assert_int_equal(scan(), EIO);
	bad_block = 1000;
	mbr(0, 0, 0x83, 1, 10);
	mbr(0, 1, 0x05, 1000, 100);
	assert_int_equal(scan(), EIO);
	assert_int_equal(nfound, 1);
}

/* --- GPT ------------------------------------------------------------------ */

static void
a_gpt_is_read(void **state)
{
	gpt_both();
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	assert_part(0, 1, 100, 100);
	assert_part(1, 4, 200, 100);
	assert_string_equal(text, "GPT, 2 partitions");
}

static void
a_gpt_on_large_blocks_is_read(void **state)
{
	blksize = 4096;
	nblocks = 1024;
	gpt_both();
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	assert_part(1, 4, 200, 100);
}

static void
its_copy_is_used_if_any_bit_is_wrong(void **state)
{
	static const u_int at[] = { 512, 512 + 24, 512 + 40, 512 + 80,
	    512 + 91, 1024, 1024 + 127, 1024 + 16383 };
	u_int i;

	for (i = 0; i < nitems(at); i++) {
		setup(NULL);
		gpt_both();
		disk[at[i]] ^= 0x10;
		assert_int_equal(scan(), 0);
		assert_int_equal(nfound, 2);
		assert_string_equal(text,
		    "GPT damaged, its copy used, 2 partitions");
	}
}

static void
the_copy_is_used_if_the_first_cannot_be_read(void **state)
{
	gpt_both();
	bad_block = 1;
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
}

static void
without_either_there_are_none(void **state)
{
	gpt_both();
	disk[512] = 0;
	disk[(BLOCKS - 1) * 512] = 0;
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 0);
	assert_string_equal(text, "GPT damaged, 0 partitions");
}

static void
sizes_of_entries_and_tables_are_checked(void **state)
{
	static const struct gpt bad[] = {
		{ 1, 2, 128, 127 }, { 1, 2, 128, 192 }, { 1, 2, 0, 128 },
		{ 1, 2, 128, 0 }, { 1, 0, 128, 128 },
		{ 1, BLOCKS - 1, 128, 128 },
		{ 1, 2, 16384, 128 },		/* 2 MB */
	};
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		setup(NULL);
		mbr(0, 0, 0xee, 1, 0xffffffff);
		gpt_entry(2, 0, 128, 100, 199);
		gpt_seal(&bad[i]);
		assert_int_equal(scan(), 0);
		assert_int_equal(nfound, 0);
	}
}

static void
larger_entries_are_read(void **state)
{
	mbr(0, 0, 0xee, 1, 0xffffffff);
	gpt_entry(2, 0, 512, 100, 199);
	gpt_entry(2, 5, 512, 200, 299);
	gpt_seal(&(struct gpt){ 1, 2, 8, 512 });
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 2);
	assert_part(1, 6, 200, 100);
}

static void
entries_outside_of_what_may_be_used_are_left_out(void **state)
{
	mbr(0, 0, 0xee, 1, 0xffffffff);
	gpt_entry(2, 0, 128, 33, 199);
	gpt_entry(2, 1, 128, 100, nblocks - 34);
	gpt_entry(2, 2, 128, 200, 199);
	gpt_entry(2, 3, 128, 0, UINT64_MAX);
	gpt_entry(2, 4, 128, 100, 100);
	gpt_seal(&(struct gpt){ 1, 2, 128, 128 });
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 1);
	assert_part(0, 5, 100, 1);
	assert_string_equal(text, "GPT, 1 partition, 4 not used");
}

static void
no_more_than_128_partitions_are_used(void **state)
{
	u_int i;

	mbr(0, 0, 0xee, 1, 0xffffffff);
	for (i = 0; i < 200; i++)
		gpt_entry(2, i, 128, 100 + i, 100 + i);
	gpt_seal(&(struct gpt){ 1, 2, 200, 128 });
	assert_int_equal(scan(), 0);
	assert_int_equal(nfound, 128);
	assert_string_equal(text, "GPT, 128 partitions, 72 not used");
}

static void
disks_too_small_for_a_table_are_no_harm(void **state)
{
	for (nblocks = 0; nblocks < 4; nblocks++) {
		memset(disk, 0, sizeof(disk));
		mbr(0, 0, 0xee, 1, 0xffffffff);
		assert_int_equal(scan(), 0);
		assert_int_equal(nfound, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    an_empty_disk_has_none_and_costs_one_read, setup),
		cmocka_unit_test_setup(
		    primary_partitions_have_the_numbers_of_their_entries,
		    setup),
		cmocka_unit_test_setup(
		    logical_partitions_are_counted_from_five, setup),
		cmocka_unit_test_setup(a_chain_that_comes_back_ends, setup),
		cmocka_unit_test_setup(
		    an_extended_partition_beyond_the_disk_is_left_alone,
		    setup),
		cmocka_unit_test_setup(
		    partitions_outside_of_the_disk_are_left_out_and_counted,
		    setup),
		cmocka_unit_test_setup(
		    the_boot_block_of_a_file_system_is_no_table, setup),
		cmocka_unit_test_setup(units_are_blocks_of_the_disk, setup),
		cmocka_unit_test_setup(an_error_of_reading_is_told, setup),
		cmocka_unit_test_setup(a_gpt_is_read, setup),
		cmocka_unit_test_setup(a_gpt_on_large_blocks_is_read, setup),
		cmocka_unit_test_setup(its_copy_is_used_if_any_bit_is_wrong,
		    setup),
		cmocka_unit_test_setup(
		    the_copy_is_used_if_the_first_cannot_be_read, setup),
		cmocka_unit_test_setup(without_either_there_are_none, setup),
		cmocka_unit_test_setup(
		    sizes_of_entries_and_tables_are_checked, setup),
		cmocka_unit_test_setup(larger_entries_are_read, setup),
		cmocka_unit_test_setup(
		    entries_outside_of_what_may_be_used_are_left_out, setup),
		cmocka_unit_test_setup(no_more_than_128_partitions_are_used,
		    setup),
		cmocka_unit_test_setup(
		    disks_too_small_for_a_table_are_no_harm, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
