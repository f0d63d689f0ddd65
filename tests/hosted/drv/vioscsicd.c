/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* cd(4): discs that are there, that are not, and that are other ones. */

#include "test.h"

#include "sim/scsinode.h"

static void
cd_make(void)
{
	make();
	lu = sim_lu_new(sh, 2, 0, SIM_CDROM, 1000, 2048);
}

static int
cd_open(int flags)
{
	struct cdev *cd = dev_lookup("cd0");
	int error;

	assert_non_null(cd);
	if ((error = dev_open(cd, flags)) != 0)
		dev_release(cd);
	else {
		node = cd;
		nodeflags = flags;
	}
	return (error);
}

static void
cd_close(void)
{
	node_close(node, nodeflags);
	node = NULL;
}

static void
cd_attach(void)
{
	cd_make();
	sim_attach();
	hosted_run(10 * SEC);
	assert_int_equal(cd_open(FREAD), 0);
}

/* The status; arguments are values, not addresses. */
static u_int
cd_do(u_long cmd, uintptr_t arg)
{
	return (io(cmd, (void *)arg));
}

static int
cd_status(void)
{
	return (io_value(CDROM_DRIVE_STATUS, 0x7fffffff));
}

static void
a_disc_is_read_at_any_offset(void **state)
{
	static const uint64_t at[][2] = { { 0, 2048 }, { 1, 1 }, { 2047, 2 },
	    { 100000, 50000 }, { 2048000 - 1, 1 }, { 4096, 65536 } };
	u_int i;

	cd_attach();
	assert_int_equal(dev_size(node), 2048000);
	for (i = 0; i < nitems(at); i++) {
		assert_int_equal(rd(at[i][0], at[i][1], NULL), 0);
		assert_data(at[i][0], at[i][1]);
	}
}

static void
a_disc_is_not_written_to(void **state)
{
	static uint32_t v;

	cd_attach();
	assert_int_equal(io(BLKROGET, &v), 0);
	assert_int_equal(v, 1);
	assert_int_not_equal(wr(0, 2048, NULL), 0);
	cd_close();
	assert_int_equal(cd_open(FREAD | FWRITE), EROFS);
	assert_int_equal(lu->lu_op[0x2a] + lu->lu_op[0xaa] + lu->lu_op[0x0a],
	    0);
}

static void
a_drive_without_a_disc_is_there(void **state)
{
	cd_make();
	lu->lu_disc = false;
	sim_attach();
	hosted_run(60 * SEC);
	assert_int_equal(cd_open(FREAD), ENOMEDIUM);
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_status(), 1);
	assert_int_equal(rd(0, 2048, NULL), ENOMEDIUM);
}

static void
a_disc_that_is_put_in_is_found(void **state)
{
	cd_make();
	lu->lu_disc = false;
	sim_attach();
	hosted_run(60 * SEC);
	sim_lu_insert(lu, 777, 99);
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(dev_size(node), 777 * 2048);
	assert_int_equal(rd(5000, 5000, NULL), 0);
	assert_data(5000, 5000);
}

static void
the_drive_tells_its_status(void **state)
{
	cd_attach();
	assert_int_equal(cd_status(), 4);
	cd_close();
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_int_equal(cd_status(), 2);
	lu->lu_tray = false;
	lu->lu_disc = false;
	assert_int_equal(cd_status(), 1);
	sim_lu_insert(lu, 777, 99);
	lu->lu_readyat = hosted_now + 100 * SEC;
	assert_int_equal(cd_status(), 3);
}

static void
a_disc_can_be_ejected_and_loaded(void **state)
{
	cd_attach();
	cd_close();
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_true(lu->lu_tray);
	assert_int_equal(rd(0, 2048, NULL), ENOMEDIUM);
	assert_int_equal(cd_do(CDROMCLOSETRAY, 0), 0);
	assert_false(lu->lu_tray);
	cd_close();
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(0, 2048, NULL), 0);
	assert_data(0, 2048);
}

static void
a_locked_door_does_not_open(void **state)
{
	cd_attach();
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 1), 0);
	assert_true(lu->lu_locked);
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 0), 0);
	assert_false(lu->lu_locked);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_true(lu->lu_tray);
}

/* Whoever ends without unlocking it leaves a door that can be opened. */
static void
after_the_last_close_the_door_is_not_locked(void **state)
{
	cd_attach();
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 1), 0);
	cd_close();
	hosted_run(10 * SEC);
	assert_false(lu->lu_locked);
}

static void
a_drive_that_cannot_lock_is_used(void **state)
{
	cd_make();
	lu->lu_without = SIM_NO_LOCK | SIM_NO_EVENTS;
	sim_attach();
	hosted_run(10 * SEC);
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(0, 2048, NULL), 0);
	assert_data(0, 2048);
	assert_int_equal(cd_status(), 4);
}

static void
after_the_disc_was_taken_out_there_is_no_medium(void **state)
{
	cd_attach();
	assert_int_equal(rd(0, 2048, NULL), 0);
	sim_lu_takeout(lu);
	hosted_run(10 * SEC);
	assert_int_equal(rd(204800, 2048, NULL), ENOMEDIUM);
	cd_close();
	assert_int_equal(cd_open(FREAD), ENOMEDIUM);
}

/* Nothing of the old one may be left anywhere. */
static void
other_disc(u_int nblocks)
{
	u_int i;
	int error;

	cd_attach();
	for (i = 0; i < 20; i++)
		assert_int_equal(rd(2048 * i, 2048, NULL), 0);
	hosted_run(SEC / 10);
	sim_lu_insert(lu, nblocks, 99);
	/* a drive says it with the next command that reaches it */
	(void)rd(2048 * 400, 2048, NULL);
	hosted_run(1000000);
	/* what was read, and what may have been read ahead */
	for (i = 0; i < 60; i++) {
		error = rd(2048 * i, 2048, NULL);
		if (error == 0)
			assert_data(2048 * i, 2048);
		else
			assert_true(error == EIO || error == ENOMEDIUM);
	}
	cd_close();
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(dev_size(node), nblocks * 2048);
	assert_int_equal(rd(2048, 8192, NULL), 0);
	assert_data(2048, 8192);
}

static void
a_smaller_disc_is_another_disc(void **state)
{
	other_disc(500);
}

static void
a_larger_disc_is_another_disc(void **state)
{
	other_disc(1500);
}

static void
a_disc_of_the_same_size_is_another_disc(void **state)
{
	other_disc(1000);
}

static void
a_disc_that_spins_up_is_waited_for(void **state)
{
	cd_make();
	sim_attach();
	hosted_run(10 * SEC);
	sim_lu_insert(lu, 500, 99);
	lu->lu_readyat = hosted_now + 5 * SEC;
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(2048, 8192, NULL), 0);
	assert_data(2048, 8192);
}

static void
discs_of_blocks_of_512_bytes(void **state)
{
	cd_make();
	lu->lu_blksize = 512;
	sim_attach();
	hosted_run(10 * SEC);
	if (cd_open(FREAD) == 0) {
		assert_int_equal(dev_size(node), 512000);
		assert_int_equal(rd(100, 5000, NULL), 0);
		assert_data(100, 5000);
	}
}

/* 5.6.4: max_sectors is a hint, and a block is the least that can be read. */
static void
a_hint_of_less_than_a_block_is_no_obstacle(void **state)
{
	cd_make();
	sim_scsi_set(sh, SIM_SCSI_MAX_SECTORS, 1);
	sim_attach();
	hosted_run(10 * SEC);
	assert_true(there("cd0"));
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(100, 5000, NULL), 0);
	assert_data(100, 5000);
}

static void
errors_of_a_disc_are_passed_on(void **state)
{
	cd_attach();
	inject_sense(SIM_OP_READ, SIM_ALL, 3, 0x11, 0x05);
	assert_int_equal(rd(204800, 2048, NULL), EIO);
	sim_scsi_forget(sh);
	assert_int_equal(rd(204800, 2048, NULL), 0);
	assert_data(204800, 2048);
}

#define TEST(fn)	{ #fn, fn }

static const struct test tests[] = {
	TEST(a_disc_is_read_at_any_offset),
	TEST(a_disc_is_not_written_to),
	TEST(a_drive_without_a_disc_is_there),
	TEST(a_disc_that_is_put_in_is_found),
	TEST(the_drive_tells_its_status),
	TEST(a_disc_can_be_ejected_and_loaded),
	TEST(a_locked_door_does_not_open),
	TEST(after_the_last_close_the_door_is_not_locked),
	TEST(a_drive_that_cannot_lock_is_used),
	TEST(after_the_disc_was_taken_out_there_is_no_medium),
	TEST(a_smaller_disc_is_another_disc),
	TEST(a_larger_disc_is_another_disc),
	TEST(a_disc_of_the_same_size_is_another_disc),
	TEST(a_disc_that_spins_up_is_waited_for),
	TEST(discs_of_blocks_of_512_bytes),
	TEST(a_hint_of_less_than_a_block_is_no_obstacle),
	TEST(errors_of_a_disc_are_passed_on),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}
