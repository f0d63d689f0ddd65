/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What monitors say of themselves: VESA E-EDID, CTA-861, DisplayID. */

#include "test.h"

#include <dev/pv/viogpuvar.h>

static uint8_t		 e[1024];
static struct viogpu_edid ve;

static void
sum(u_int block)
{
	uint8_t *p = e + 128 * block, s = 0;
	u_int i;

	for (i = 0; i < 127; i++)
		s += p[i];
	p[127] = -s;
}

/* A detailed timing, progressive. */
static void
timing(uint8_t *p, u_int w, u_int h)
{
	memset(p, 0, 18);
	p[0] = 1;
	p[2] = w;
	p[4] = w >> 8 << 4;
	p[5] = h;
	p[7] = h >> 8 << 4;
}

static void
base(void)
{
	static const uint8_t magic[] = { 0, 255, 255, 255, 255, 255, 255, 0 };

	memset(e, 0, sizeof(e));
	memcpy(e, magic, 8);
	e[18] = 1;
	e[19] = 4;
	e[21] = 52;
	e[22] = 29;
	memset(e + 38, 1, 16);
	timing(e + 54, 1920, 1080);
	sum(0);
}

static bool
read_edid(size_t len)
{
	return (viogpu_edid(e, len, &ve));
}

static bool
has(u_int w, u_int h)
{
	u_int i;

	for (i = 0; i < ve.ve_nmodes; i++) {
		if (ve.ve_mode[i].vm_width == w && ve.ve_mode[i].vm_height == h)
			return (true);
	}
	return (false);
}

static void
assert_best(u_int w, u_int h)
{
	assert_true(ve.ve_nmodes > 0);
	assert_int_equal(ve.ve_mode[0].vm_width, w);
	assert_int_equal(ve.ve_mode[0].vm_height, h);
}

static void
the_first_timing_is_the_best(void **state)
{
	base();
	timing(e + 72, 1280, 720);
	sum(0);
	assert_true(read_edid(128));
	assert_best(1920, 1080);
	assert_true(has(1280, 720));
	assert_int_equal(ve.ve_mm[0], 520);
	assert_int_equal(ve.ve_mm[1], 290);
}

static void
interlaced_lines_are_of_both_halves(void **state)
{
	base();
	timing(e + 54, 1920, 540);
	e[54 + 17] = 0x80;
	sum(0);
	assert_true(read_edid(128));
	assert_best(1920, 1080);
}

static void
standard_timings_have_four_shapes(void **state)
{
	static const struct { uint8_t a, b; u_int w, h; } t[] = {
		{ 129, 0x00, 1280, 800 }, { 129, 0x40, 1280, 960 },
		{ 129, 0x80, 1280, 1024 }, { 129, 0xc0, 1280, 720 },
		{ 255, 0xc0, 2288, 1287 },
	};
	u_int i;

	for (i = 0; i < nitems(t); i++) {
		base();
		e[38 + 2 * (i % 8)] = t[i].a;
		e[39 + 2 * (i % 8)] = t[i].b;
		sum(0);
		assert_true(read_edid(128));
		assert_true(has(t[i].w, t[i].h));
	}
	/* before 1.3 the first is a square */
	base();
	e[19] = 2;
	e[38] = 129;
	e[39] = 0;
	sum(0);
	assert_true(read_edid(128));
	assert_true(has(1280, 1280));
}

static void
established_timings_are_bits(void **state)
{
	base();
	e[35] = 0x21;
	e[36] = 0x09;
	e[37] = 0x80;
	sum(0);
	assert_true(read_edid(128));
	assert_true(has(640, 480));
	assert_true(has(800, 600));
	assert_true(has(1024, 768));
	assert_true(has(1280, 1024));
	assert_true(has(1152, 870));
	assert_false(has(720, 400));
	assert_int_equal(ve.ve_nmodes, 6);
}

static void
a_name_ends_with_a_line(void **state)
{
	base();
	e[90 + 3] = 0xfc;
	memcpy(e + 95, "QEMU Monitor\n", 13);
	sum(0);
	assert_true(read_edid(128));
	assert_string_equal(ve.ve_name, "QEMU Monitor");
	memcpy(e + 95, "thirteen char", 13);
	sum(0);
	assert_true(read_edid(128));
	assert_string_equal(ve.ve_name, "thirteen char");
	memcpy(e + 95, "blanks   \xff\xff\xff\xff", 13);
	sum(0);
	assert_true(read_edid(128));
	assert_string_equal(ve.ve_name, "blanks");
}

static void
extensions_add_timings(void **state)
{
	base();
	e[126] = 2;
	sum(0);
	e[128] = 0x02;
	e[128 + 2] = 10;
	timing(e + 128 + 10, 2560, 1440);
	timing(e + 128 + 28, 3840, 2160);
	sum(1);
	e[256] = 0x70;
	e[257] = 0x12;
	e[258] = 23;
	e[261] = 0x03;
	e[263] = 20;
	e[261 + 3 + 3] = 0x80;
	e[261 + 3 + 4] = (5120 - 1) & 0xff;
	e[261 + 3 + 5] = (5120 - 1) >> 8;
	e[261 + 3 + 12] = (2880 - 1) & 0xff;
	e[261 + 3 + 13] = (2880 - 1) >> 8;
	sum(2);
	assert_true(read_edid(384));
	assert_true(has(2560, 1440));
	assert_true(has(3840, 2160));
	assert_true(has(1920, 1080));
	assert_best(5120, 2880);		/* it says that it prefers it */
	/* what is not there is not read */
	assert_true(read_edid(256));
	assert_best(1920, 1080);
	assert_true(has(3840, 2160));
	assert_true(read_edid(255));
	assert_false(has(3840, 2160));
	/* nor what has another sum */
	e[128 + 11] ^= 1;
	assert_true(read_edid(384));
	assert_false(has(3840, 2160));
	assert_best(5120, 2880);
}

static void
offsets_of_extensions_may_be_anything(void **state)
{
	u_int off, len;

	base();
	e[126] = 2;
	sum(0);
	for (off = 0; off < 256; off++) {
		memset(e + 128, 0xff, 256);
		e[128] = 0x02;
		e[130] = off;
		sum(1);
		e[256] = 0x70;
		e[258] = off;
		for (len = 261; len < 384; len++)
			e[len] = len & 1 ? 0x03 : off;
		sum(2);
		assert_true(read_edid(384));
		assert_true(ve.ve_nmodes <= VIOGPU_NMODES);
	}
}

static void
modes_that_cannot_be_are_left_out(void **state)
{
	base();
	timing(e + 54, 1, 4095);
	timing(e + 72, 4095, 63);
	timing(e + 90, 0, 0);
	timing(e + 108, 4095, 4095);
	sum(0);
	assert_true(read_edid(128));
	assert_int_equal(ve.ve_nmodes, 1);
	assert_best(4095, 4095);
}

static void
what_is_no_edid_is_refused(void **state)
{
	u_int i;

	base();
	for (i = 0; i < 128; i++)
		assert_false(read_edid(i));
	for (i = 0; i < 128 * 8; i++) {
		e[i / 8] ^= 1 << i % 8;
		assert_false(read_edid(128));
		assert_int_equal(ve.ve_nmodes, 0);
		e[i / 8] ^= 1 << i % 8;
	}
	assert_true(read_edid(128));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_timing_is_the_best),
		cmocka_unit_test(interlaced_lines_are_of_both_halves),
		cmocka_unit_test(standard_timings_have_four_shapes),
		cmocka_unit_test(established_timings_are_bits),
		cmocka_unit_test(a_name_ends_with_a_line),
		cmocka_unit_test(extensions_add_timings),
		cmocka_unit_test(offsets_of_extensions_may_be_anything),
		cmocka_unit_test(modes_that_cannot_be_are_left_out),
		cmocka_unit_test(what_is_no_edid_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
