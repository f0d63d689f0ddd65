/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * xencons(4) against a model of Xen: its hypercalls, the two pages, events,
 * and a host that reads and writes the console when it likes.
 */

#include "test.h"

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/todr.h>
#include <sys/tty.h>

#include <dev/pv/pvclockvar.h>
#include <dev/pv/pvvar.h>
#include <dev/pv/xenreg.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

#define ENOSYS_XEN	(-38L)
#define CONSOLE_PFN	0xfeff8ULL
#define PORT		70U		/* in the second word of events */
#define S		1000000000ULL

static const struct pv_evidence evidence = {
	.pe_kind = PVE_CPUID, .pe_base = 0x40000000, .pe_sig = "XenVMMXenVMM",
	.pe_regs = { 4 << 16 | 20 },
};

static struct xencons_page	 page;
static struct xen_shared	 shared;
static bool	is64, is_shared;	/* the shared page's form, is it there */
static u_int	vector;			/* 0: events do not interrupt */
static uint64_t	pfn, port;		/* what the parameters say */
static bool	reads;			/* the host takes output */
static bool	yields_only;		/* but only when the guest waits */
static u_int	nsent, nyields;
static char	heard[32768];		/* by the host */
static u_int	nheard;
static int	refuse;			/* this operation of XEN_HVM_OP */
static struct cdev *node;

/* --- Xen -------------------------------------------------------------- */

/* event_2l.c: one interrupt until the guest has taken all bits back */
static void
event(void)
{
	struct xen_vcpu *xv = &shared.vcpu[0];
	uint64_t v = le64_load(&shared.pending[PORT / 64]), sel;

	if (!is_shared || (v & 1ULL << PORT % 64))
		return;
	le64_store(&shared.pending[PORT / 64], v | 1ULL << PORT % 64);
	sel = le64_load(&xv->pending_sel);
	if (sel & 1ULL << PORT / 64)
		return;
	le64_store(&xv->pending_sel, sel | 1ULL << PORT / 64);
	if (le8_load(&xv->upcall_pending) != 0)
		return;
	le8_store(&xv->upcall_pending, 1);
	if (vector != 0)
		hosted_irq_raise(vector);
}

static void
host_reads(void)
{
	uint32_t cons = le32_load(&page.out_cons),
	    prod = le32_load(&page.out_prod);

	if (!reads || cons == prod)
		return;
	if (prod - cons > XENCONS_OUT)
		sim_fault("%u bytes of output", prod - cons);
	while (cons != prod && nheard < sizeof(heard) - 1)
		heard[nheard++] = page.out[cons++ % XENCONS_OUT];
	heard[nheard] = '\0';
	le32_store(&page.out_cons, cons);
	event();
}

/* how many bytes there was room for */
static u_int
host_writes(const char *s, u_int n)
{
	uint32_t cons = le32_load(&page.in_cons),
	    prod = le32_load(&page.in_prod);
	u_int i;

	if (prod - cons > XENCONS_IN)
		sim_fault("%u bytes of input", prod - cons);
	for (i = 0; i < n && prod - cons < XENCONS_IN; i++)
		page.in[prod++ % XENCONS_IN] = s[i];
	le32_store(&page.in_prod, prod);
	event();
	return (i);
}

static long
hvm_op(u_int op, void *arg)
{
	struct xen_hvm_param *xp = arg;
	struct xen_upcall_vector *xu = arg;

	if ((int)op == refuse)
		return (ENOSYS_XEN);
	if (op == XEN_HVM_SET_UPCALL_VECTOR) {
		if (xu->vcpu != 0)
			sim_fault("a vector of processor %u", xu->vcpu);
		vector = xu->vector;
		if (vector != 0 && is_shared &&
		    le8_load(&shared.vcpu[0].upcall_pending) != 0)
			hosted_irq_raise(vector);
		return (0);
	}
	if (xp->domid != XEN_DOMID_SELF)
		sim_fault("a parameter of domain %u", xp->domid);
	if (op == XEN_HVM_SET_PARAM && xp->index == XEN_PARAM_CALLBACK_IRQ) {
		is64 = true;
		return (0);
	}
	if (op != XEN_HVM_GET_PARAM)
		return (ENOSYS_XEN);
	if (xp->index == XEN_PARAM_CONSOLE_PFN)
		xp->value = pfn;
	else if (xp->index == XEN_PARAM_CONSOLE_EVTCHN)
		xp->value = port;
	else
		return (-22);
	return (0);
}

static long
memory_op(u_int op, void *arg)
{
	struct xen_add_to_physmap *xa = arg;
	struct xen_remove_from_physmap *xr = arg;

	if (op == XENMEM_ADD_TO_PHYSMAP && xa->domid == XEN_DOMID_SELF &&
	    xa->space == 0 && xa->idx == 0 && !is_shared &&
	    xa->gpfn == XEN_SHARED_ADDR / XEN_PAGE) {
		is_shared = true;
		return (0);
	}
	if (op == XENMEM_REMOVE_FROM_PHYSMAP && is_shared &&
	    xr->domid == XEN_DOMID_SELF &&
	    xr->gpfn == XEN_SHARED_ADDR / XEN_PAGE) {
		is_shared = false;
		return (0);
	}
	sim_fault("memory operation %u", op);
	return (ENOSYS_XEN);
}

static long
xen(u_int op, u_long a1, u_long a2)
{
	struct xen_evtchn_send *xs = (void *)a2;

	switch (op) {
	case XEN_HVM_OP:
		return (hvm_op(a1, (void *)a2));
	case XEN_MEMORY_OP:
		return (memory_op(a1, (void *)a2));
	case XEN_SCHED_OP:
		nyields++;
		host_reads();
		return (a1 == XEN_SCHED_YIELD ? 0 : ENOSYS_XEN);
	case XEN_EVENT_CHANNEL_OP:
		if (a1 != XEN_EVTCHN_SEND || xs->port != PORT)
			sim_fault("event operation %lu, port %u", a1,
			    xs->port);
		nsent++;
		if (!yields_only)
			host_reads();
		return (0);
	default:
		sim_fault("hypercall %u", op);
		return (ENOSYS_XEN);
	}
}

static void *
map(uint64_t pa, size_t size)
{
	if (pa == CONSOLE_PFN * XEN_PAGE && size == XEN_PAGE)
		return (&page);
	if (pa == XEN_SHARED_ADDR && size == XEN_PAGE && is_shared)
		return (&shared);
	sim_fault("0x%llx is mapped", (unsigned long long)pa);
	return (NULL);
}

static void
unmap(void *p, size_t size)
{
}

/* --- the guest -------------------------------------------------------- */

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pvbus" };

	(void)config_found(mainbus, &ma, NULL);
}

static int
setup(void **st)
{
	sim_init();
	cmdline_init("", 0);
	sim_mainbus_children = children;
	sim_evidence = &evidence;
	sim_nevidence = 1;
	sim_xen = xen;
	hosted_map = map;
	hosted_unmap = unmap;
	memset(&page, 0, sizeof(page));
	memset(&shared, 0, sizeof(shared));
	is64 = is_shared = yields_only = false;
	reads = true;
	vector = nsent = nyields = nheard = 0;
	heard[0] = '\0';
	pfn = CONSOLE_PFN;
	port = PORT;
	refuse = -1;
	node = NULL;
	return (0);
}

static void
end(void)
{
	node_close(node, FREAD | FWRITE);
	node = NULL;
	sim_detach();
	assert_false(is_shared);
	assert_int_equal(vector, 0);
}

static int
teardown(void **st)
{
	end();
	hosted_map = NULL;
	hosted_unmap = NULL;
	sim_xen = NULL;
	sim_nevidence = 0;
	return (sim_fini());
}

static void
attach(void)
{
	sim_attach();
	assert_true(sim_said("xencons0 at pvbus0: console, event 70\n"));
	nheard = nsent = 0;
	heard[0] = '\0';
}

static void
open_it(void)
{
	node = node_open("xencons0", FREAD | FWRITE);
	assert_non_null(node);
}

static size_t
from_guest(const char *s, size_t n)
{
	size_t done;

	(void)node_rdwr(node, UIO_WRITE, (void *)(vaddr_t)s, n, 0,
	    FNONBLOCK, &done);
	return (done);
}

static size_t
to_guest(char *buf, size_t n)
{
	size_t done;

	(void)node_rdwr(node, UIO_READ, buf, n, 0, FNONBLOCK, &done);
	return (done);
}

static bool
host_heard(const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i + n <= nheard; i++) {
		if (memcmp(heard + i, s, n) == 0)
			return (true);
	}
	return (false);
}

/* --- what works ------------------------------------------------------- */

static void
it_is_the_console(void **st)
{
	attach();
	printf("one\ntwo\n");
	assert_string_equal(heard, "one\r\ntwo\r\n");
}

static void
linux_s_name_for_it_is_understood(void **st)
{
	cmdline_init("console=hvc0", 12);
	sim_attach();
	assert_true(host_heard("pvbus0 at mainbus0: Xen 4.20\r\n"));
	printf("hello\n");
	assert_true(host_heard("hello\r\n"));
}

static void
the_shared_page_is_of_64_bits(void **st)
{
	attach();
	assert_true(is64);
	assert_true(is_shared);
}

static void
a_program_writes_more_than_the_ring_holds(void **st)
{
	static char text[3 * XENCONS_OUT];
	size_t done = 0, n;
	u_int i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 'a' + i % 23;
	attach();
	open_it();
	while (done < sizeof(text)) {
		n = from_guest(text + done, sizeof(text) - done);
		assert_int_not_equal(n, 0);
		done += n;
		hosted_run(S);
	}
	assert_int_equal(nheard, sizeof(text));
	assert_memory_equal(heard, text, sizeof(text));
}

/* Output waits for a host that does not read, and goes on when it does. */
static void
a_full_ring_goes_on_when_it_is_read(void **st)
{
	static char text[XENCONS_OUT + 100];
	u_int i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 'a' + i % 23;
	attach();
	open_it();
	reads = false;
	assert_int_equal(from_guest(text, sizeof(text)), sizeof(text));
	hosted_run(S);
	assert_int_equal(le32_load(&page.out_prod) -
	    le32_load(&page.out_cons), XENCONS_OUT);
	reads = true;
	host_reads();
	hosted_run(S);
	host_reads();
	assert_int_equal(nheard, sizeof(text));
	assert_memory_equal(heard, text, sizeof(text));
}

static void
lines_are_read(void **st)
{
	char buf[64];
	u_int i;

	attach();
	open_it();
	for (i = 0; i < 300; i++) {		/* around the ring, twice */
		assert_int_equal(host_writes("hello\n", 6), 6);
		hosted_run(S);
		assert_int_equal(to_guest(buf, sizeof(buf)), 6);
		assert_memory_equal(buf, "hello\n", 6);
		assert_int_equal(le32_load(&page.in_cons),
		    le32_load(&page.in_prod));
	}
}

static void
what_came_before_it_was_open_is_read_then(void **st)
{
	char buf[64];

	attach();
	assert_int_equal(host_writes("early\n", 6), 6);
	hosted_run(S);
	open_it();
	hosted_run(S);
	assert_int_equal(to_guest(buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "early\n", 6);
}

/* The host is told of the room, and no byte is lost. */
static void
more_input_than_fits_waits_in_the_ring(void **st)
{
	char buf[128], line[100];
	u_int sent = 0, got = 0, stalls = 0;
	size_t n;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	attach();
	open_it();
	while (host_writes(line, 0) == 0 && stalls < 3) {
		n = host_writes(line, sizeof(line));
		hosted_run(S);
		sent += n;
		if (n < sizeof(line)) {
			sent += host_writes("\n", 1);
			stalls++;
		}
	}
	assert_true(sent > XENCONS_IN);
	nsent = 0;
	while ((n = to_guest(buf, sizeof(buf))) != 0) {
		got += n;
		hosted_run(S);
	}
	assert_true(nsent > 0);
	assert_int_equal(le32_load(&page.in_cons), le32_load(&page.in_prod));
	assert_true(got >= XENCONS_IN);
}

static void
it_tells_the_time(void **st)
{
	struct pvclock_page *pc = (void *)shared.vcpu[0].time;
	struct pvclock_wall *pw = (void *)shared.wall;

	pc->pc_version = 2;
	pc->pc_time = 5 * S;
	pw->pw_version = 2;
	pw->pw_sec = 1795302479;
	attach();
	assert_int_equal(time_wall(hosted_now) / S, 1795302484);
}

static void
it_works_again_after_it_has_gone(void **st)
{
	attach();
	end();
	attach();
	printf("hello\n");
	assert_string_equal(heard, "hello\r\n");
}

/* --- what does not ----------------------------------------------------- */

static void
without_a_page_or_an_event_there_is_none(void **st)
{
	pfn = 0;
	sim_attach();
	assert_false(sim_said("xencons0"));
	end();
	pfn = CONSOLE_PFN;
	port = 0;
	sim_attach();
	assert_false(sim_said("xencons0"));
}

static void
without_hypercalls_there_is_none(void **st)
{
	sim_xen = NULL;
	sim_attach();
	assert_false(sim_said("xencons0"));
}

static void
a_xen_without_vectors_leaves_nothing_behind(void **st)
{
	refuse = XEN_HVM_SET_UPCALL_VECTOR;
	sim_attach();
	assert_true(sim_said("xencons0"));
	assert_null(node_open("xencons0", FREAD));
	assert_false(is_shared);
}

/* A message waits for a while, and the next ones do not. */
static void
a_host_that_does_not_read_is_waited_for_once(void **st)
{
	u_int i, first;

	attach();
	reads = false;
	nyields = 0;
	for (i = 0; i < 100; i++)
		printf("a line of some forty characters, no less\n");
	first = nyields;
	assert_true(first > 0);
	for (i = 0; i < 100; i++)
		printf("a line of some forty characters, no less\n");
	assert_int_equal(nyields, first);
	reads = true;
	host_reads();
	nheard = 0;
	printf("back\n");
	assert_string_equal(heard, "back\r\n");
}

/* Nothing is lost if the host is only slow. */
static void
a_message_longer_than_the_room_waits_for_the_host(void **st)
{
	u_int i;

	attach();
	yields_only = true;
	for (i = 0; i < 100; i++)
		printf("a line of some forty characters, no less\n");
	yields_only = false;
	printf("end\n");
	assert_int_equal(nheard, 100 * 42 + 5);
}

static void
indices_that_make_no_sense_do_no_harm(void **st)
{
	static const uint32_t bad[] = { 1025, 5000, 0x80000000, 0xffffff00 };
	char buf[64];
	u_int i;

	attach();
	open_it();
	for (i = 0; i < nitems(bad); i++) {
		le32_store(&page.in_prod, le32_load(&page.in_cons) + bad[i]);
		event();
		hosted_run(S);
		assert_int_equal(le32_load(&page.in_cons),
		    le32_load(&page.in_prod));
		assert_int_equal(host_writes("hello\n", 6), 6);
		hosted_run(S);
		assert_int_equal(to_guest(buf, sizeof(buf)), 6);
	}
	reads = false;
	for (i = 0; i < nitems(bad); i++) {
		le32_store(&page.out_cons, le32_load(&page.out_prod) + bad[i]);
		printf("hello\n");
		(void)from_guest("hello\n", 6);
		hosted_run(S);
	}
	le32_store(&page.out_cons, le32_load(&page.out_prod));
	reads = true;
	event();
	hosted_run(S);
	nheard = 0;
	printf("hello\n");
	assert_true(host_heard("hello\r\n"));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_the_console),
		TEST(linux_s_name_for_it_is_understood),
		TEST(the_shared_page_is_of_64_bits),
		TEST(a_program_writes_more_than_the_ring_holds),
		TEST(a_full_ring_goes_on_when_it_is_read),
		TEST(lines_are_read),
		TEST(what_came_before_it_was_open_is_read_then),
		TEST(more_input_than_fits_waits_in_the_ring),
		TEST(it_tells_the_time),
		TEST(it_works_again_after_it_has_gone),
		TEST(without_a_page_or_an_event_there_is_none),
		TEST(without_hypercalls_there_is_none),
		TEST(a_xen_without_vectors_leaves_nothing_behind),
		TEST(a_host_that_does_not_read_is_waited_for_once),
		TEST(a_message_longer_than_the_room_waits_for_the_host),
		TEST(indices_that_make_no_sense_do_no_harm),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
