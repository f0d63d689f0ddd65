/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Devices that misbehave in every field that they can write.  There is no
 * right answer; but nothing crashes, each request comes back once, a length
 * is never beyond the room there was, and detach gives everything back.
 */

#include "test.h"

#include <sys/selinfo.h>

#include "sim/nodes.h"
#include "sim/traffic.h"

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)

static enum sim_lie	lie;
static u_int		lie_rarely;
static struct sim_virtio *liar;
static void		(*next_step)(void);

static void
mischief(void)
{
	if (liar != NULL && sim_random(lie_rarely) == 0)
		sim_lie(liar, lie);
}

static void
mischief_step(void)
{
	if (liar != NULL && sim_random(lie_rarely * 64) == 0)
		sim_lie(liar, lie);
	next_step();
}

static int
mischief_idle(void)
{
	mischief();
	return (sim_virtio_runall());
}

static int
setup(void **state)
{
	sim_init();
	sim_lenient = true;
	liar = NULL;
	next_step = hosted_step_fn;
	hosted_step_fn = mischief_step;
	hosted_device = mischief_idle;
	memset(&traffic, 0, sizeof(traffic));
	return (0);
}

static int
teardown(void **state)
{
	liar = NULL;
	return (sim_fini());
}

/* A fresh console each time, for it is not endless. */
static void
again(uint64_t seed)
{
	liar = NULL;
	hosted_init();
	hosted_step_fn = mischief_step;
	hosted_device = mischief_idle;
	sim_seed(seed);
	lie_rarely = 1 + sim_random(20);
}

/* --- the virtqueue core -------------------------------------------------- */

static void
queue_run(uint64_t seed)
{
	struct sim_virtio_conf vc = { .vc_cfgsize = 16 };

	again(seed);
	vc.vc_features = (sim_random(2) ? F_INDIRECT : 0) |
	    (sim_random(2) ? F_EVENT_IDX : 0) |
	    (sim_random(2) ? VIRTIO_F_RING_PACKED : 0) |
	    (sim_random(3) ? 0 : VIRTIO_F_IN_ORDER) |
	    (sim_random(4) ? 0 : VIRTIO_F_NOTIFICATION_DATA) |
	    (sim_random(4) ? 0 : VIRTIO_F_RING_RESET);
	vc.vc_batch = vc.vc_features & VIRTIO_F_IN_ORDER ? sim_random(9) : 0;
	vc.vc_nvec = sim_random(4);
	vc.vc_qsize[0] = vc.vc_features & VIRTIO_F_RING_PACKED ?
	    1 + sim_random(130) : 1U << sim_random(8);
	vc.vc_when = sim_random(2) ? SIM_LATER : SIM_AT_ONCE;
	vc.vc_suppress = sim_random(4);
	vc.vc_random_order = sim_random(2);
	traffic.tr_hostile = true;
	traffic.tr_want = 40;
	traffic.tr_mischief = mischief;
	traffic_start(&vc, 1 + sim_random(MIN(vc.vc_qsize[0], 6U)), 0);
	traffic.tr_patience = 1;
	if (traffic.tr_error == 0 && traffic.tr_vq != NULL) {
		liar = traffic.tr_sv;
		traffic_run(200);
	}
	hosted_run(1000000);
	/* sometimes it goes on to lie while it is taken away */
	if (sim_random(2))
		liar = NULL;
	traffic_end();
	liar = NULL;
	if (hosted_nallocs != 0 || sim_nsegs != 0 || sim_nmaps != 0)
		fail_msg("seed %u: something was left", (u_int)seed);
}

static void
queue_runs(enum sim_lie what, u_int n)
{
	u_int i;

	lie = what;
	for (i = 0; i < n; i++)
		queue_run(1000 * what + i);
}

#define LIE(name, what, n)						\
static void								\
lies_about_##name(void **state)						\
{									\
	queue_runs(what, n);						\
}
LIE(the_used_index, SIM_LIE_USED_IDX, 60)
LIE(the_used_flags, SIM_LIE_USED_FLAGS, 60)
LIE(the_used_id, SIM_LIE_ID, 60)
LIE(the_used_length, SIM_LIE_LEN, 60)
LIE(the_available_event, SIM_LIE_AVAIL_EVENT, 60)
LIE(what_it_has_used_already, SIM_LIE_TWICE, 60)
LIE(the_whole_used_ring, SIM_LIE_RING, 60)
LIE(what_the_driver_wrote, SIM_LIE_DESC, 60)
LIE(its_configuration, SIM_LIE_CONFIG, 60)
LIE(its_status, SIM_LIE_NEEDS_RESET, 60)
LIE(the_reason_of_an_interrupt, SIM_LIE_ISR, 60)
LIE(interrupts_that_it_has, SIM_LIE_INTERRUPT, 60)
LIE(its_registers, SIM_LIE_GARBAGE, 60)
LIE(what_it_took, SIM_LIE_SKIP, 60)
LIE(the_round_it_is_in, SIM_LIE_WRAP, 60)
LIE(what_was_not_available, SIM_LIE_UNAVAIL, 60)
LIE(a_batch, SIM_LIE_BATCH, 60)
LIE(anything, SIM_LIE_ANY, 800)

/* Registers that are rubbish from the beginning. */
static void
attaching_to_rubbish(void **state)
{
	struct sim_virtio_conf vc = { .vc_cfgsize = 16, .vc_nvec = 2,
	    .vc_nvq = 1, .vc_qsize = { 16 }, .vc_devid = SIM_ID_TEST };
	u_int i;

	viotest_attach_hook = NULL;
	viotest_detach_hook = NULL;
	for (i = 0; i < 200; i++) {
		again(i);
		vc.vc_devid = 2 + sim_random(3);
		vc.vc_nvq = 1 + sim_random(2);
		vc.vc_qsize[1] = 8;
		vc.vc_cfgsize = sim_random(2) * 64;
		vc.vc_legacy = sim_random(2);
		vc.vc_nomodern = vc.vc_legacy && sim_random(2);
		liar = sim_virtio_new(&vc);
		liar->sv_garbage = 1 + sim_random(60);
		lie = SIM_LIE_ANY;
		sim_attach();
		hosted_run(1000000);
		sim_detach();
		sim_virtio_free(liar);
		liar = NULL;
		assert_int_equal(hosted_nallocs, 0);
	}
}

/* --- the drivers --------------------------------------------------------- */

static const char *worker_node;
static u_int	worker_left;

static void
worker(void *arg)
{
	static uint8_t buf[8][20000];
	u_int i, me = *(u_int *)arg;
	struct cdev *cd;
	size_t done;

	for (i = 0; i < 12; i++) {
		if ((cd = node_open(worker_node, FREAD | FWRITE)) == NULL)
			break;
		(void)node_rdwr(cd, sim_random(2) ? UIO_READ : UIO_WRITE,
		    buf[me], 1 + sim_random(sizeof(buf[0])),
		    sim_random(1 << 20), FNONBLOCK, &done);
		if (sim_random(4) == 0)
			(void)dev_fsync(cd);
		node_close(cd, FREAD | FWRITE);
		mischief();
	}
	worker_left--;
}

static void
work_on(const char *name, u_int n)
{
	static u_int number[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct thread *td[8];
	u_int i;

	worker_node = name;
	worker_left = n;
	for (i = 0; i < n; i++) {
		if (kthread_create(worker, &number[i], PRI_KERN, "worker",
		    &td[i]) != 0)
			fail();
	}
	/* sometimes the device goes while they are at it */
	hosted_run(sim_random(50) * 1000000);
	if (sim_random(3) == 0)
		sim_detach();
	for (i = 0; i < n; i++)
		kthread_join(td[i]);
}

static void
random_conf(struct sim_virtio_conf *vc)
{
	*vc = (struct sim_virtio_conf){ .vc_nvec = sim_random(4) };
	vc->vc_features = sim_random(~0U);
	vc->vc_when = sim_random(2) ? SIM_LATER : SIM_AT_ONCE;
	vc->vc_suppress = sim_random(4);
	vc->vc_random_order = sim_random(2);
	vc->vc_legacy = sim_random(4) == 0;
	vc->vc_nomodern = vc->vc_legacy && sim_random(2);
}

static void
disks(void **state)
{
	struct sim_virtio_conf vc;
	struct sim_blk *bk;
	u_int i;

	for (i = 0; i < 150; i++) {
		again(i);
		random_conf(&vc);
		lie = sim_random(3) ? SIM_LIE_ANY : sim_random(SIM_LIE_ANY);
		bk = sim_blk_new(&vc, 1 << 20);
		sim_config_put(bk->bk_sv, 8, 4, 4096);
		sim_config_put(bk->bk_sv, 12, 4, 10);
		sim_config_put(bk->bk_sv, 20, 4, 512);
		liar = sim_random(4) ? NULL : bk->bk_sv;
		sim_attach();
		liar = bk->bk_sv;
		work_on("vioblk0", 4);
		sim_detach();
		liar = NULL;
		sim_blk_free(bk);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nmaps, 0);
	}
}

static void
entropy(void **state)
{
	struct sim_virtio_conf vc;
	struct sim_rnd *rn;
	u_int i;

	for (i = 0; i < 150; i++) {
		again(i);
		random_conf(&vc);
		lie = sim_random(3) ? SIM_LIE_ANY : sim_random(SIM_LIE_ANY);
		rn = sim_rnd_new(&vc);
		liar = sim_random(4) ? NULL : rn->rn_sv;
		sim_attach();
		liar = rn->rn_sv;
		work_on("hwrng", 3);
		sim_detach();
		liar = NULL;
		sim_rnd_free(rn);
		assert_int_equal(hosted_nallocs, 0);
	}
}

static void
consoles(void **state)
{
	struct sim_virtio_conf vc;
	struct sim_con *cn;
	char text[300];
	u_int i, k;

	for (i = 0; i < 150; i++) {
		again(i);
		random_conf(&vc);
		vc.vc_features &= ~0xffULL;
		lie = sim_random(3) ? SIM_LIE_ANY : sim_random(SIM_LIE_ANY);
		cn = sim_con_new(&vc);
		liar = sim_random(4) ? NULL : cn->cn_sv;
		sim_attach();
		liar = cn->cn_sv;
		for (k = 0; k < 10; k++) {
			memset(text, 'a' + k, sizeof(text));
			(void)sim_con_type(cn, text, sim_random(300));
			mischief();
			printf("line %u of the kernel's\n", k);
			hosted_run(1000);
		}
		work_on("viocon0", 2);
		sim_detach();
		liar = NULL;
		sim_con_free(cn);
		assert_int_equal(hosted_nallocs, 0);
	}
}

static void
use_port(struct cdev *node, char *text, size_t n)
{
	if (node == NULL)
		return;
	(void)node_rdwr(node, UIO_WRITE, text, n, 0, FNONBLOCK, NULL);
	(void)node_rdwr(node, UIO_READ, text, n, 0, FNONBLOCK, NULL);
	(void)dev_poll(node, POLLIN | POLLOUT, NULL);
}

static void
ports(void **state)
{
	struct sim_virtio_conf vc;
	static char text[20000];
	struct sim_con *cn;
	struct cdev *node;
	u_int i, k;

	for (i = 0; i < 100; i++) {
		again(i);
		random_conf(&vc);
		vc.vc_features = (vc.vc_features & ~0xffULL) |
		    SIM_CON_F_MULTIPORT | (vc.vc_legacy || sim_random(2) ? 0 :
		    VIRTIO_F_RING_PACKED);
		lie = sim_random(3) ? SIM_LIE_ANY : sim_random(SIM_LIE_ANY);
		cn = sim_con_new(&vc);
		sim_con_plug(cn, 0, true, NULL);
		sim_con_plug(cn, 1, false, "test");
		sim_con_open(cn, 1, true);
		liar = sim_random(4) ? NULL : cn->cn_sv;
		sim_attach();
		liar = cn->cn_sv;
		node = node_open("vport/test", FREAD | FWRITE);
		for (k = 0; k < 15; k++) {
			(void)sim_con_send(cn, 1, text, sim_random(9000));
			use_port(node, text, sim_random(sizeof(text)));
			mischief();
			if (k % 4 == 1)
				sim_con_plug(cn, 2, k % 8 == 1, "more");
			else if (k % 4 == 3)
				sim_con_unplug(cn, 2);
			hosted_run(100000);
		}
		node_close(node, FREAD | FWRITE);
		sim_detach();
		liar = NULL;
		sim_con_free(cn);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lies_about_the_used_index),
		TEST(lies_about_the_used_flags),
		TEST(lies_about_the_used_id),
		TEST(lies_about_the_used_length),
		TEST(lies_about_the_available_event),
		TEST(lies_about_what_it_has_used_already),
		TEST(lies_about_the_whole_used_ring),
		TEST(lies_about_what_the_driver_wrote),
		TEST(lies_about_its_configuration),
		TEST(lies_about_its_status),
		TEST(lies_about_the_reason_of_an_interrupt),
		TEST(lies_about_interrupts_that_it_has),
		TEST(lies_about_its_registers),
		TEST(lies_about_what_it_took),
		TEST(lies_about_the_round_it_is_in),
		TEST(lies_about_what_was_not_available),
		TEST(lies_about_a_batch),
		TEST(lies_about_anything),
		TEST(attaching_to_rubbish),
		TEST(disks),
		TEST(entropy),
		TEST(consoles),
		TEST(ports),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
