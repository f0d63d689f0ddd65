/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/cmdline.h>
#include <sys/device.h>
#include <sys/errno.h>

struct thing_softc {
	struct device	sc_dev;
	int		sc_data;
};

struct args {
	const char	*a_name;
	int		 a_locator;
};

static char	trace[400];
static int	attach_error, detach_error;
static const char *children[8];

static void
note(const char *what, const char *name)
{
	strlcat(trace, what, sizeof(trace));
	strlcat(trace, name, sizeof(trace));
	strlcat(trace, " ", sizeof(trace));
}

static int
thing_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	const struct args *a = aux;
	long loc = DEVICE_LOCATOR(cf, 0);

	if (strcmp(cf->cf_driver->cd_name, a->a_name) != 0 ||
	    (loc != -1 && loc != a->a_locator))
		return (0);
	return (loc != -1 ? 2 : 1);
}

static void
thing_print(const void *aux, struct cfident *id)
{
	const struct args *a = aux;

	strlcpy(id->ci_what, a->a_name, sizeof(id->ci_what));
	snprintf(id->ci_loc, sizeof(id->ci_loc), " place %d", a->a_locator);
}

static int
thing_attach(struct device *parent, struct device *self, void *aux)
{
	note("+", self->dv_xname);
	device_describe(self, "here");
	return (attach_error);
}

static int
thing_detach(struct device *self, int flags)
{
	if (detach_error != 0 && !(flags & DETACH_FORCE))
		return (detach_error);
	note("-", self->dv_xname);
	return (0);
}

static int
bus_attach(struct device *parent, struct device *self, void *aux)
{
	struct args a;
	u_int i;

	note("+", self->dv_xname);
	device_describe(self, "bus");
	for (i = 0; children[i] != NULL; i++) {
		a = (struct args){ children[i], i };
		(void)config_found(self, &a, thing_print);
	}
	return (0);
}

CFDRIVER_DECL(bus, DV_BUS);
CFDRIVER_DECL(thing, DV_DULL);
CFDRIVER_DECL(fixed, DV_DULL);
CFATTACH_DECL(bus, root, thing_softc, .ca_attach = bus_attach,
    .ca_detach = thing_detach, .ca_match = thing_match);
CFATTACH_DECL(thing, bus, thing_softc, .ca_match = thing_match,
    .ca_attach = thing_attach, .ca_detach = thing_detach);
static bool	fixed_stays = true;

static int
fixed_detach(struct device *self, int flags)
{
	return (fixed_stays ? EOPNOTSUPP : thing_detach(self, flags));
}

CFATTACH_DECL(fixed, bus, thing_softc, .ca_match = thing_match,
    .ca_attach = thing_attach, .ca_detach = fixed_detach);

static const short none[] = { -1 }, bus[] = { 0, -1 };
static const long anywhere[] = { -1 }, third[] = { 3 };

const struct cfdata cfdata[] = {
	{ &bus_root_ca, &bus_cd, none, NULL, 0, 0, false },
	{ &thing_bus_ca, &thing_cd, bus, anywhere, 0, 0, true },
	{ &thing_bus_ca, &thing_cd, bus, third, 7, 0, false },
	{ &fixed_bus_ca, &fixed_cd, bus, anywhere, 0, 0, false },
	{ .cf_driver = NULL }
};

static struct device	*root;

static int
setup(void **state)
{
	hosted_init();
	cmdline_init("", 0);
	config_init();
	trace[0] = '\0';
	attach_error = detach_error = 0;
	memset(children, 0, sizeof(children));
	root = NULL;
	return (0);
}

static int
teardown(void **state)
{
	return (hosted_fini());
}

static void
attach(const char *a, const char *b, const char *c, const char *d)
{
	children[0] = a;
	children[1] = b;
	children[2] = c;
	children[3] = d;
	root = config_rootfound("bus", NULL);
	assert_non_null(root);
}

static void
detach(void)
{
	assert_int_equal(config_detach(root, DETACH_QUIET), 0);
}

static void
children_attach_in_order_and_detach_in_the_other(void **state)
{
	attach("thing", "thing", "thing", NULL);
	assert_string_equal(trace, "+bus0 +thing0 +thing1 +thing2 ");
	trace[0] = '\0';
	detach();
	assert_string_equal(trace, "-thing2 -thing1 -thing0 -bus0 ");
}

static void
what_nobody_wants_is_named(void **state)
{
	attach("thing", "other", NULL, NULL);
	assert_string_equal(hosted_console(), "bus0 at root: bus\n"
	    "thing0 at bus0 place 0: here\n"
	    "other at bus0 place 1 not configured\n");
	detach();
}

static void
the_line_that_fits_best_is_taken(void **state)
{
	attach("thing", "thing", "thing", "thing");
	assert_string_equal(trace, "+bus0 +thing0 +thing1 +thing2 +thing7 ");
	detach();
}

static void
a_line_without_a_star_is_taken_once(void **state)
{
	struct args a = { "fixed", 9 };
	struct device *dev;

	attach("thing", NULL, NULL, NULL);
	dev = config_found(root, &a, thing_print);
	assert_non_null(dev);
	assert_null(config_found(root, &a, thing_print));
	/* that one does not want to go, and keeps the bus */
	assert_int_equal(config_detach(dev, 0), EOPNOTSUPP);
	assert_int_equal(config_detach(root, 0), EOPNOTSUPP);
	fixed_stays = false;
	detach();
	fixed_stays = true;
}

static void
a_unit_that_became_free_is_used_again(void **state)
{
	struct args a = { "thing", 9 };
	struct device *dev;

	attach("thing", "thing", "thing", NULL);
	dev = device_lookup(&thing_cd, 1);
	assert_non_null(dev);
	device_unref(dev);
	assert_int_equal(config_detach(dev, 0), 0);
	assert_null(device_lookup(&thing_cd, 1));
	dev = config_found(root, &a, thing_print);
	assert_int_equal(dev->dv_unit, 1);
	detach();
}

static void
many_units_find_room(void **state)
{
	struct args a = { "thing", 9 };
	u_int i;

	attach(NULL, NULL, NULL, NULL);
	for (i = 0; i < 100; i++)
		assert_non_null(config_found(root, &a, NULL));
	assert_int_equal(strcmp(config_found(root, &a, NULL)->dv_xname,
	    "thing100"), 0);
	trace[0] = '\0';
	detach();
}

static void
an_attach_that_fails_leaves_nothing(void **state)
{
	attach_error = ENXIO;
	attach("thing", NULL, NULL, NULL);
	assert_null(device_lookup(&thing_cd, 0));
	detach();
	assert_string_equal(trace, "+bus0 +thing0 -bus0 ");
}

static void
a_refused_detach_leaves_the_device(void **state)
{
	struct device *dev;

	attach("thing", NULL, NULL, NULL);
	dev = device_lookup(&thing_cd, 0);
	device_unref(dev);
	detach_error = EBUSY;
	assert_int_equal(config_detach(root, 0), EBUSY);
	assert_non_null(dev = device_lookup(&thing_cd, 0));
	device_unref(dev);
	assert_int_equal(config_detach(root, DETACH_FORCE | DETACH_QUIET), 0);
}

static void
disabled_by_unit_and_by_driver(void **state)
{
	cmdline_init("disable=thing1", 14);
	attach("thing", "thing", "thing", NULL);
	assert_null(strchr(trace, '9'));
	assert_string_equal(trace, "+bus0 +thing0 +thing2 ");
	detach();
	trace[0] = '\0';
	cmdline_init("disable=thing", 13);
	attach("thing", "thing", NULL, NULL);
	assert_string_equal(trace, "+bus0 ");
	detach();
}

static void
a_reference_keeps_the_memory(void **state)
{
	struct device *dev;

	attach("thing", NULL, NULL, NULL);
	dev = device_lookup(&thing_cd, 0);
	detach();
	assert_string_equal(dev->dv_xname, "thing0");
	device_unref(dev);
}

static void
gone_marks_all_below(void **state)
{
	struct device *dev;

	attach("thing", "thing", NULL, NULL);
	config_gone(root);
	dev = device_lookup(&thing_cd, 1);
	assert_true(dev->dv_flags & DVF_GONE);
	device_unref(dev);
	detach();
}

static u_int	ndeferred;

static void
deferred(struct device *dev)
{
	ndeferred++;
}

static void
what_was_put_off_is_not_done_for_who_has_gone(void **state)
{
	struct device *dev;

	attach("thing", "thing", NULL, NULL);
	ndeferred = 0;
	dev = device_lookup(&thing_cd, 0);
	config_defer(dev, deferred);
	device_unref(dev);
	dev = device_lookup(&thing_cd, 1);
	config_defer(dev, deferred);
	device_unref(dev);
	assert_int_equal(config_detach(dev, DETACH_QUIET), 0);
	config_deferred();
	assert_int_equal(ndeferred, 1);
	detach();
}

static void
every_failure_leaves_nothing(void **state)
{
	u_int n;

	children[0] = children[1] = "thing";
	for (n = 1; n < 50; n++) {
		hosted_fail_at = n;
		root = config_rootfound("bus", NULL);
		if (hosted_fail_at != 0)
			break;
		if (root != NULL)
			detach();
		assert_int_equal(hosted_nallocs, 0);
	}
	hosted_fail_at = 0;
	assert_true(n > 4 && n < 50);
	detach();
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(children_attach_in_order_and_detach_in_the_other),
		TEST(what_nobody_wants_is_named),
		TEST(the_line_that_fits_best_is_taken),
		TEST(a_line_without_a_star_is_taken_once),
		TEST(a_unit_that_became_free_is_used_again),
		TEST(many_units_find_room),
		TEST(an_attach_that_fails_leaves_nothing),
		TEST(a_refused_detach_leaves_the_device),
		TEST(disabled_by_unit_and_by_driver),
		TEST(a_reference_keeps_the_memory),
		TEST(gone_marks_all_below),
		TEST(what_was_put_off_is_not_done_for_who_has_gone),
		TEST(every_failure_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
