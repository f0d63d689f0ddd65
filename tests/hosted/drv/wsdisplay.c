/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* wsdisplay(4) on a frame buffer in memory, with keyboards that type on it. */

#include "test.h"

#include <sys/errno.h>
#include <sys/msgbuf.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/tty.h>
#include <sys/ttycom.h>

#include <dev/wscons/wsdisplayvar.h>
#include <dev/wscons/wsfont.h>

#include "sim/fakefb.h"
#include "sim/nodes.h"
#include "sim/sim.h"

#define MSEC		1000000ULL
#define PLENTY		(100 * MSEC)

static struct cdev	*node;

static const struct fakefb_conf small = { 640, 480, 0 };

static void
run(void)
{
	hosted_run(PLENTY);
}

/* Let the frame buffer show all there is to show. */
static void
settle(void)
{
	u_int i;

	run();
	for (i = 0; i < 20 && !fakefb->ff_idle; i++) {
		fakefb_show(fakefb);
		run();
	}
	assert_true(fakefb->ff_idle);
}

static int
setup(void **state)
{
	static bool done;

	sim_init();
	if (!done) {
		done = true;
		/* what is made once is not counted */
		fakefb_new(&small);
		run();
		sim_detach();
		hosted_nallocs = 0;
	}
	node = NULL;
	return (0);
}

static void
start(const struct fakefb_conf *fc)
{
	fakefb_new(fc);
	node = node_open("ttyC0", FREAD | FWRITE);
	assert_non_null(node);
	settle();
}

static void
end(void)
{
	if (node != NULL)
		node_close(node, FREAD | FWRITE);
	node = NULL;
	if (sim_mainbus != NULL)
		sim_detach();
}

static int
teardown(void **state)
{
	end();
	return (sim_fini());
}

static void
say(const char *s)
{
	static char buf[256];

	strlcpy(buf, s, sizeof(buf));
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, strlen(buf), 0, 0,
	    NULL), 0);
	settle();
}

static void
the_mode_gives_the_size(void **state)
{
	start(&small);
	assert_true(sim_said("wsdisplay0 at fakefb0: console 80x30, "
	    "font 8x16\n"));
}

static void
output_is_drawn(void **state)
{
	start(&small);
	say("\033[2J\033[H\033[97mI");
	assert_int_equal(fakefb_pixel(fakefb, 3, 7), 0xffffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_mode_gives_the_size,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(output_is_drawn,
		    setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
