/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* rtc: the clock of a PC against a model of its two registers. */

#include "test.h"

#include <sys/errno.h>
#include <sys/md.h>

#include <dev/ic/mc146818var.h>
#include "sim/sim.h"

#define B_24		0x02
#define B_BINARY	0x04
#define CENTURY		0x32

static uint8_t	cmos[128], selected;
static u_int	busy;			/* reads of A that say so */
static bool	turning;		/* a second begins while it is read */

static uint32_t
port_read(struct sim_ports *so, u_int off, u_int width)
{
	uint8_t v;

	if (off != 1 || width != 1)
		sim_fault("a read of %u at %u", width, off);
	v = cmos[selected];
	if (selected == 0x0a && busy > 0) {
		busy--;
		return (v | 0x80);
	}
	/* 59 is followed by 0 of the next minute */
	if (selected == 0 && turning) {
		turning = false;
		cmos[0] = 0;
		cmos[2]++;
	}
	return (v);
}

static void
port_write(struct sim_ports *so, u_int off, u_int width, uint32_t v)
{
	if (off != 0 || width != 1)
		sim_fault("a write of %u at %u", width, off);
	selected = v & 0x7f;
}

static struct sim_ports ports = {
	.so_port = 0x70, .so_n = 2, .so_read = port_read,
	.so_write = port_write,
};

static struct mc146818_softc sc;

static int
setup(void **state)
{
	sim_init();
	memset(cmos, 0, sizeof(cmos));
	memset(&sc, 0, sizeof(sc));
	busy = 0;
	turning = false;
	sim_ports_add(&ports);
	assert_int_equal(br_map(&sc.sc_regs, md_bus_io, 0x70, MC146818_NREGS,
	    0), 0);
	mc146818_attach(&sc);
	return (0);
}

static int
teardown(void **state)
{
	todr_detach(&sc.sc_todr);
	br_unmap(&sc.sc_regs);
	sim_ports_remove(&ports);
	return (sim_fini());
}

/* as the registers have them */
static void
set(u_int year, u_int month, u_int day, u_int hour, u_int min, u_int sec)
{
	cmos[9] = year;
	cmos[8] = month;
	cmos[7] = day;
	cmos[4] = hour;
	cmos[2] = min;
	cmos[0] = sec;
}

static uint64_t
get(void)
{
	uint64_t ns = 0;

	assert_int_equal(sc.sc_todr.td_get(sc.sc_todr.td_arg, &ns), 0);
	assert_int_equal(ns % NSEC_PER_SEC, 0);
	return (ns / NSEC_PER_SEC);
}

static void
decimal_digits_are_a_time(void **state)
{
	cmos[0x0b] = B_24;
	set(0x26, 0x11, 0x21, 0x23, 0x07, 0x59);
	assert_int_equal(get(), 1795302479);
}

static void
binary_numbers_are_a_time(void **state)
{
	cmos[0x0b] = B_24 | B_BINARY;
	set(26, 11, 21, 23, 7, 59);
	assert_int_equal(get(), 1795302479);
}

static void
twelve_hours_have_an_afternoon(void **state)
{
	set(0x26, 0x11, 0x21, 0x91, 0x07, 0x59);
	assert_int_equal(get(), 1795302479);
	set(0x26, 0x11, 0x21, 0x92, 0x07, 0x59);	/* noon */
	assert_int_equal(get(), 1795302479 - 11 * 3600);
}

/* kvmtool's counts to 24 and does not say so. */
static void
an_hour_above_twelve_is_one_of_24(void **state)
{
	set(0x26, 0x11, 0x21, 0x23, 0x07, 0x59);
	assert_int_equal(get(), 1795302479);
	set(0x26, 0x11, 0x21, 0x12, 0x07, 0x59);
	assert_int_equal(get(), 1795302479 - 11 * 3600);
	set(0x26, 0x11, 0x21, 0x00, 0x07, 0x59);
	assert_int_equal(get(), 1795302479 - 23 * 3600);
}

static void
the_century_is_minded_where_there_is_one(void **state)
{
	cmos[0x0b] = B_24;
	cmos[CENTURY] = 0x21;
	set(0x26, 0x11, 0x21, 0x23, 0x07, 0x59);
	assert_int_equal(get(), 1795302479);
	sc.sc_century = CENTURY;
	assert_int_equal(get(), 1795302479 + 36524 * 86400ULL);
	sc.sc_century = 200;
	assert_int_equal(get(), 1795302479);
}

static void
an_update_is_waited_for(void **state)
{
	cmos[0x0b] = B_24;
	set(0x26, 0x11, 0x21, 0x23, 0x07, 0x59);
	busy = 5;
	assert_int_equal(get(), 1795302479);
	assert_int_equal(busy, 0);
}

static void
a_clock_that_turns_while_it_is_read_is_read_again(void **state)
{
	cmos[0x0b] = B_24;
	set(0x26, 0x11, 0x21, 0x23, 0x07, 0x59);
	turning = true;
	assert_int_equal(get(), 1795302480);
}

static void
what_is_no_date_is_no_time(void **state)
{
	static const uint8_t bad[][3] = {	/* month, day, hour */
		{ 0, 1, 0 }, { 0x13, 1, 0 }, { 1, 0, 0 }, { 1, 0x32, 0 },
		{ 1, 1, 0x24 }, { 0xff, 0xff, 0xff },
	};
	uint64_t ns;
	u_int i;

	cmos[0x0b] = B_24;
	for (i = 0; i < nitems(bad); i++) {
		set(0x26, bad[i][0], bad[i][1], bad[i][2], 0, 0);
		assert_int_equal(sc.sc_todr.td_get(sc.sc_todr.td_arg, &ns),
		    EINVAL);
	}
}

static void
it_is_probed_for(void **state)
{
	assert_true(mc146818_probe(&sc.sc_regs));
	cmos[0x0a] = 0xff;
	assert_false(mc146818_probe(&sc.sc_regs));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(decimal_digits_are_a_time),
		TEST(binary_numbers_are_a_time),
		TEST(twelve_hours_have_an_afternoon),
		TEST(an_hour_above_twelve_is_one_of_24),
		TEST(the_century_is_minded_where_there_is_one),
		TEST(an_update_is_waited_for),
		TEST(a_clock_that_turns_while_it_is_read_is_read_again),
		TEST(what_is_no_date_is_no_time),
		TEST(it_is_probed_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
