/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viomb(4), and the page allocator below it, against a simulated balloon. */

#include "test.h"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/sysctl.h>

#include <vm/vm_page.h>

#include "sim/sim.h"

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)
#define F_PACKED	(1ULL << 34)
#define F_IN_ORDER	(1ULL << 35)

#define LO		(4UL << 20)
#define HI		(64UL << 20)
#define BLOCK		(PAGE_SIZE << VM_ORDER_MAX)
#define SECOND		1000000000ULL

/* S_* of the statistics: 5.5.6.3 */
enum { SWAP_IN, SWAP_OUT, MAJFLT, MINFLT, MEMFREE, MEMTOT, AVAIL, CACHES };

static struct sim_balloon *bn;
static uint64_t		 avail;		/* before there was a balloon */

static const struct sim_virtio_conf plain = {
	.vc_features = SIM_BN_F_TELL | SIM_BN_F_STATS | F_INDIRECT,
	.vc_nvec = 3, .vc_when = SIM_LATER,
};

/* --- memory -------------------------------------------------------------- */

#define NHELD	(HI / PAGE_SIZE)
static struct { paddr_t pa; u_int order; } held[NHELD];
static u_int	nheld;

static void
hold_one(paddr_t pa, u_int order)
{
	held[nheld].pa = pa;
	held[nheld++].order = order;
}

static void
drop(u_int n)
{
	for (; n > 0 && nheld > 0; n--) {
		nheld--;
		vm_page_free(held[nheld].pa, held[nheld].order);
	}
}

/* Pages of so many, each for itself. */
static void
take_pages(u_int n)
{
	paddr_t pa;

	while (n-- > 0 && (pa = vm_page_alloc(0, VM_PAGE_USER)) != 0) {
		memset(vm_direct(pa), 0x11, PAGE_SIZE);
		hold_one(pa, 0);
	}
}

/* All but so many blocks of the largest size. */
static void
leave_blocks(u_int n)
{
	paddr_t pa;
	u_int i;

	while ((pa = vm_page_alloc(VM_ORDER_MAX, 0)) != 0)
		hold_one(pa, VM_ORDER_MAX);
	for (i = 0; i < n; i++)
		drop(1);
}

/* So that the host has not heard of them. */
static void
use_blocks(void)
{
	u_int n = nheld;
	paddr_t pa;

	while ((pa = vm_page_alloc(VM_ORDER_MAX, 0)) != 0)
		hold_one(pa, VM_ORDER_MAX);
	drop(nheld - n);
}

static int
setup(void **state)
{
	static bool done;

	sim_init();
	if (!done) {
		done = true;
		hosted_memory = (uintptr_t)host_pages(HOSTED_MEMORY_MAX);
		vm_page_range(LO, HI);
		/* what the first page asks for is made now */
		vm_page_free(vm_page_alloc(0, 0), 0);
	}
	sim_dma_segmax = 7 << 20;
	bn = NULL;
	nheld = 0;
	avail = vm_page_avail();
	return (0);
}

static void
end(void)
{
	if (bn == NULL)
		return;
	bn->bn_leaving = true;
	sim_detach();
	sim_balloon_free(bn);
	bn = NULL;
}

static int
teardown(void **state)
{
	end();
	drop(nheld);
	if (vm_page_avail() != avail) {
		host_complain("pages are lost");
		return (1);
	}
	return (sim_fini());
}

static void
seconds(u_int n)
{
	hosted_run(n * SECOND);
}

static uint64_t
value(const char *name)
{
	static char text[32];
	uint64_t v = 0;
	size_t len, i;

	assert_int_equal(sysctl_read(name, text, sizeof(text), &len), 0);
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		v = v * 10 + text[i] - '0';
	return (v);
}

static u_int
lines_with(const char *text)
{
	const char *p = hosted_console();
	size_t n = strlen(text);
	u_int lines = 0;

	for (; *p != '\0'; p++)
		lines += strncmp(p, text, n) == 0;
	return (lines);
}

static void
make(const struct sim_virtio_conf *vc, bool dense)
{
	bn = sim_balloon_new(vc, LO, HI, dense);
}

static void
attach(const struct sim_virtio_conf *vc)
{
	make(vc, true);
	sim_attach();
	if (!sim_said("viomb0 at virtio"))
		fail_msg("%s", hosted_console());
	seconds(1);
}

/* Wanted, given, said so, and not there for others. */
static void
assert_balloon(uint32_t n)
{
	seconds(1);
	sim_balloon_settled(bn);
	assert_int_equal(bn->bn_npages, n);
	assert_int_equal(bn->bn_actual, n);
	assert_int_equal(value("hw.viomb0.actual"), n);
	assert_int_equal(value("hw.viomb0.target"), bn->bn_want);
}

static void
want(uint32_t n)
{
	sim_balloon_want(bn, n);
	assert_balloon(n);
}

/* --- inflation and deflation --------------------------------------------- */

static void
inflation_reaches_the_target(void **state)
{
	attach(&plain);
	want(1);
	want(5000);
	assert_int_equal(vm_page_avail(), avail - 5000);
	assert_true(bn->bn_most > 100);
}

static void
deflation_gives_all_pages_back(void **state)
{
	attach(&plain);
	want(10000);
	want(0);
	assert_int_equal(vm_page_avail(), avail);
}

static void
up_and_down(const struct sim_virtio_conf *vc)
{
	u_int i;

	attach(vc);
	for (i = 0; i < 6; i++) {
		want(sim_random(4000));
		assert_int_equal(vm_page_avail(), avail - bn->bn_npages);
	}
	want(0);
	end();
}

static void
the_target_goes_up_and_down(void **state)
{
	up_and_down(&plain);
}

static void
the_same_on_every_kind_of_ring(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	for (i = 0; i < 32; i += 3) {
		vc.vc_features = (i & 1 ? SIM_BN_F_TELL : 0) |
		    (i & 2 ? F_INDIRECT : 0) | (i & 4 ? F_EVENT_IDX : 0) |
		    (i & 8 ? F_PACKED : 0) | (i & 16 ? F_IN_ORDER : 0);
		vc.vc_suppress = i & 3;
		vc.vc_when = i & 4 ? SIM_AT_ONCE : SIM_LATER;
		vc.vc_nvec = i % 7;
		up_and_down(&vc);
	}
}

static void
the_same_with_queues_of_one(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	for (i = 0; i < SIM_MAXVQ; i++)
		vc.vc_qsize[i] = 1;
	up_and_down(&vc);
}

static void
the_same_on_a_legacy_device(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	up_and_down(&vc);
	vc.vc_nvec = 3;
	up_and_down(&vc);
}

static void
a_balloon_wanted_before_attach_is_filled(void **state)
{
	make(&plain, true);
	sim_balloon_want(bn, 3000);
	sim_attach();
	assert_balloon(3000);
}

static void
the_target_moves_while_a_request_is_held(void **state)
{
	attach(&plain);
	bn->bn_hold = 1 << SIM_BN_INFLATE;
	sim_balloon_want(bn, 6000);
	seconds(2);
	assert_int_equal(bn->bn_ninflate, 1);
	assert_int_equal(bn->bn_actual, 0);
	sim_balloon_want(bn, 100);
	seconds(1);
	sim_balloon_release(bn);
	assert_balloon(100);
	bn->bn_hold = 1 << SIM_BN_DEFLATE;
	sim_balloon_want(bn, 10);
	seconds(1);
	sim_balloon_want(bn, 2000);
	seconds(1);
	sim_balloon_release(bn);
	assert_balloon(2000);
}

/* What comes back has no use before the host has heard of it. */
static void
pages_wait_for_the_answer_to_a_deflation(void **state)
{
	uint64_t before;

	attach(&plain);
	want(3000);
	before = vm_page_avail();
	bn->bn_hold = 1 << SIM_BN_DEFLATE;
	sim_balloon_want(bn, 0);
	seconds(3);
	assert_int_equal(bn->bn_ndeflate, 1);
	assert_int_equal(vm_page_avail(), before);
	take_pages(500);
	sim_balloon_release(bn);
	assert_balloon(0);
	drop(nheld);
	assert_int_equal(vm_page_avail(), avail);
}

static void
without_must_tell_host_it_works_too(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features &= ~SIM_BN_F_TELL;
	attach(&vc);
	want(3000);
	want(100);
	want(0);
	assert_int_equal(vm_page_avail(), avail);
}

/* --- too much ------------------------------------------------------------ */

static void
more_than_there_is(uint32_t n)
{
	u_int given;

	attach(&plain);
	sim_balloon_want(bn, n);
	seconds(60);
	sim_balloon_settled(bn);
	given = bn->bn_npages;
	assert_true(given > avail / 2 && given < avail - 500);
	assert_true(vm_page_avail() >= 500);
	assert_int_equal(lines_with("viomb0: "), 1);
	/* a program may still start */
	take_pages(100);
	assert_int_equal(nheld, 100);
	drop(nheld);
	seconds(60);
	assert_int_equal(lines_with("viomb0: "), 1);
	want(1000);
}

static void
a_target_beyond_memory_ends_at_a_floor_and_is_said_once(void **state)
{
	more_than_there_is(HI / PAGE_SIZE);
}

static void
a_target_of_all_ones_is_one_that_is_too_large(void **state)
{
	more_than_there_is(0xffffffff);
}

static void
memory_that_becomes_free_goes_to_who_asked(void **state)
{
	attach(&plain);
	take_pages(avail - 4000);
	sim_balloon_want(bn, 6000);
	seconds(30);
	sim_balloon_settled(bn);
	assert_true(bn->bn_npages > 0 && bn->bn_npages < 4000);
	assert_int_equal(lines_with("viomb0: "), 1);
	drop(4000);
	seconds(30);
	assert_balloon(6000);
	/* and the next time it is said again */
	sim_balloon_want(bn, 15000);
	seconds(30);
	assert_int_equal(lines_with("viomb0: "), 2);
	want(0);
}

/* --- want ---------------------------------------------------------------- */

static void
in_want_programs_get_pages_if_the_host_allows_it(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int n = 0;

	vc.vc_features |= SIM_BN_F_OOM;
	attach(&vc);
	want(8000);
	while (bn->bn_npages > 0 && n++ < 1000) {
		take_pages(8000);
		assert_true(vm_reclaim());
		seconds(1);
		sim_balloon_settled(bn);
		assert_true(vm_page_avail() > 60);
	}
	assert_int_equal(bn->bn_npages, 0);
	assert_false(vm_reclaim());
	/* what they give back is the host's again */
	drop(nheld);
	sim_balloon_want(bn, 8000);
	assert_balloon(8000);
}

static void
in_want_there_is_nothing_if_the_host_does_not(void **state)
{
	attach(&plain);
	want(8000);
	assert_false(vm_reclaim());
	assert_balloon(8000);
	assert_int_equal(bn->bn_ndeflate, 0);
}

static void
without_a_balloon_there_is_nothing_to_reclaim(void **state)
{
	assert_false(vm_reclaim());
	attach(&plain);
	end();
	assert_false(vm_reclaim());
}

/* --- statistics ---------------------------------------------------------- */

static void
ask(void)
{
	u_int n = bn->bn_nstats;

	assert_true(sim_balloon_ask(bn));
	seconds(1);
	assert_int_equal(bn->bn_nstats, n + 1);
}

static void
stats_with(const struct sim_virtio_conf *vc)
{
	attach(vc);
	assert_int_equal(bn->bn_nstats, 1);
	ask();
	assert_true(bn->bn_tags & 1 << MEMTOT);
	assert_true(bn->bn_tags & 1 << MEMFREE);
	assert_int_equal(bn->bn_stat[MEMTOT], vm_page_total() * PAGE_SIZE);
	assert_int_equal(bn->bn_stat[MEMFREE], vm_page_avail() * PAGE_SIZE);
	take_pages(777);
	ask();
	assert_int_equal(bn->bn_stat[MEMFREE], vm_page_avail() * PAGE_SIZE);
	drop(nheld);
	want(2000);
	ask();
	assert_int_equal(bn->bn_stat[MEMFREE], vm_page_avail() * PAGE_SIZE);
	end();
}

static void
statistics_are_of_when_they_are_asked_for(void **state)
{
	stats_with(&plain);
}

static void
statistics_on_rings_of_any_kind(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features |= F_PACKED | F_EVENT_IDX;
	stats_with(&vc);
	vc.vc_features |= F_IN_ORDER;
	vc.vc_qsize[2] = 1;
	stats_with(&vc);
	if (WIRE_LE_SWAP)
		return;
	vc = plain;
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	stats_with(&vc);
}

static void
statistics_go_on_after_a_reset(void **state)
{
	attach(&plain);
	ask();
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	seconds(2);
	assert_int_equal(bn->bn_nstats, 1);
	ask();
	ask();
}

/* --- numbers of queues --------------------------------------------------- */

static void	hints_work(uint32_t);

static void
queues_are_found_wherever_they_are(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	for (i = 0; i < 16; i++) {
		vc.vc_features = SIM_BN_F_TELL |
		    (i & 1 ? SIM_BN_F_STATS : 0) |
		    (i & 2 ? SIM_BN_F_HINT : 0) |
		    (i & 4 ? SIM_BN_F_REPORT : 0);
		make(&vc, i & 8);
		leave_blocks(4);
		sim_attach();
		seconds(10);
		if (i & 1)
			ask();
		if (i & 2)
			hints_work(2);
		if (i & 4)
			assert_true(bn->bn_nreports > 0);
		want(300);
		want(0);
		assert_int_equal(sim_nfaults, 0);
		end();
		drop(nheld);
	}
}

/* --- poison -------------------------------------------------------------- */

static void
poison_is_accepted_only_without_reports_and_hints(void **state)
{
	struct sim_virtio_conf vc = plain;
	bool poison;
	u_int i;

	leave_blocks(2);
	for (i = 0; i < 4; i++) {
		vc.vc_features = plain.vc_features | SIM_BN_F_POISON |
		    (i & 1 ? SIM_BN_F_REPORT : 0) |
		    (i & 2 ? SIM_BN_F_HINT : 0);
		attach(&vc);
		poison = (bn->bn_sv->sv_features & SIM_BN_F_POISON) != 0;
		assert_int_equal(poison, i == 0);
		assert_int_equal(bn->bn_npoison, poison);
		end();
	}
	drop(nheld);
}

static void
with_poison_deflated_pages_are_as_was_said(void **state)
{
	struct sim_virtio_conf vc = plain;
	uint32_t word;
	paddr_t pa;
	u_int i, k;

	vc.vc_features |= SIM_BN_F_POISON;
	attach(&vc);
	take_pages(vm_page_avail() - 3000);
	want(1000);
	want(0);
	/* the first to be given out are those that came back last */
	for (i = 0; i < 900; i++) {
		assert_int_not_equal(pa = vm_page_alloc(0, 0), 0);
		hold_one(pa, 0);
		for (k = 256; k < PAGE_SIZE; k += 4) {
			memcpy(&word, (char *)vm_direct(pa) + k, 4);
			if (word != 0x11111111)
				assert_int_equal(word, bn->bn_poison);
		}
	}
}

/* --- reports ------------------------------------------------------------- */

static const struct sim_virtio_conf reports = {
	.vc_features = SIM_BN_F_TELL | SIM_BN_F_STATS | SIM_BN_F_REPORT |
	    F_INDIRECT,
	.vc_nvec = 3, .vc_when = SIM_LATER,
};

static void
free_blocks_are_reported_once(void **state)
{
	uint64_t was;

	leave_blocks(5);
	attach(&reports);
	seconds(20);
	assert_true(bn->bn_reported >= 5 * BLOCK);
	assert_int_equal(vm_page_avail(), avail - nheld * 1024);
	was = bn->bn_nreports;
	seconds(100);
	assert_int_equal(bn->bn_nreports, was);
}

static void
what_is_used_and_freed_is_reported_again(void **state)
{
	uint64_t was;
	paddr_t pa;

	leave_blocks(3);
	attach(&reports);
	seconds(20);
	was = bn->bn_reported;
	pa = vm_page_alloc(VM_ORDER_MAX, 0);
	memset(vm_direct(pa), 1, BLOCK);
	seconds(10);
	assert_int_equal(bn->bn_reported, was);
	vm_page_free(pa, VM_ORDER_MAX);
	seconds(20);
	assert_int_equal(bn->bn_reported, was + BLOCK);
	/* and when it was freed page by page */
	take_pages(2500);
	drop(2500);
	seconds(20);
	assert_true(bn->bn_reported >= was + 2 * BLOCK);
}

static void
nobody_gets_a_block_before_its_report_is_answered(void **state)
{
	uint64_t before;

	u_int kept;

	leave_blocks(3);
	make(&reports, true);
	bn->bn_hold = 1 << SIM_BN_REPORT;
	sim_attach();
	before = vm_page_avail();
	seconds(10);
	assert_true(vm_page_avail() <= before - 3 * 1024);
	kept = nheld;
	take_pages(2000);		/* of what is left */
	sim_balloon_release(bn);
	seconds(10);
	drop(nheld - kept);
	assert_int_equal(vm_page_avail(), before);
	assert_true(bn->bn_reported >= 3 * BLOCK);
}

static void
a_report_without_an_answer_ends_with_a_reset(void **state)
{
	leave_blocks(2);
	make(&reports, true);
	bn->bn_hold = 1 << SIM_BN_REPORT;
	sim_attach();
	seconds(70);
	assert_true(bn->bn_sv->sv_nresets > 1);
	sim_balloon_release(bn);
	seconds(30);
	want(500);
	assert_true(bn->bn_nreports > 0);
}

static void
reports_and_a_balloon_share_the_memory(void **state)
{
	u_int i;

	leave_blocks(4);
	attach(&reports);
	for (i = 0; i < 6; i++) {
		want(sim_random(2500));
		seconds(5);
		take_pages(sim_random(500));
		if (i & 1)
			drop(sim_random(500));
		seconds(5);
	}
	want(0);
}

static void
reports_on_rings_of_any_kind(void **state)
{
	struct sim_virtio_conf vc = reports;
	u_int i;

	leave_blocks(2);
	for (i = 0; i < 4; i++) {
		vc.vc_features = SIM_BN_F_REPORT | (i & 1 ? F_PACKED : 0) |
		    (i & 2 ? F_INDIRECT : 0);
		use_blocks();
		attach(&vc);
		seconds(20);
		assert_true(bn->bn_reported >= 2 * BLOCK);
		end();
	}
	/* the queue is shorter than a report may be */
	vc.vc_qsize[2] = 1;
	vc.vc_features = SIM_BN_F_REPORT;
	use_blocks();
	attach(&vc);
	seconds(30);
	assert_true(bn->bn_reported >= 2 * BLOCK);
}

/* --- hints --------------------------------------------------------------- */

static const struct sim_virtio_conf hints = {
	.vc_features = SIM_BN_F_TELL | SIM_BN_F_STATS | SIM_BN_F_HINT |
	    F_INDIRECT,
	.vc_nvec = 3, .vc_when = SIM_LATER,
};

static void
hints_work(uint32_t id)
{
	uint64_t before = vm_page_avail();
	u_int starts = bn->bn_nstarts, stops = bn->bn_nstops;

	sim_balloon_command(bn, id);
	seconds(5);
	assert_int_equal(bn->bn_nstarts, starts + 1);
	assert_int_equal(bn->bn_nstops, stops + 1);
	assert_true(bn->bn_hinted >= BLOCK);
	assert_int_equal(vm_page_avail(), before - bn->bn_hinted / PAGE_SIZE);
	sim_balloon_command(bn, 1);
	seconds(5);
	assert_int_equal(vm_page_avail(), before);
	assert_int_equal(bn->bn_nstarts, starts + 1);
}

static void
hints_have_an_id_blocks_and_an_end(void **state)
{
	leave_blocks(5);
	attach(&hints);
	assert_int_equal(bn->bn_nstarts, 0);
	hints_work(2);
	hints_work(3);
	hints_work(4);
}

static void
hinted_blocks_are_kept_until_the_device_is_done(void **state)
{
	uint64_t before;

	leave_blocks(5);
	attach(&hints);
	before = vm_page_avail();
	sim_balloon_command(bn, 2);
	seconds(3);
	sim_balloon_command(bn, 0);
	seconds(30);
	assert_true(vm_page_avail() < before);
	sim_balloon_command(bn, 3);
	seconds(3);
	assert_int_equal(bn->bn_nstarts, 2);
	sim_balloon_command(bn, 1);
	seconds(3);
	assert_int_equal(vm_page_avail(), before);
}

static void
a_device_may_stop_hints_in_the_middle(void **state)
{
	uint64_t before;
	u_int i;

	leave_blocks(6);
	attach(&hints);
	before = vm_page_avail();
	for (i = 0; i < 3; i++) {
		bn->bn_hold = 1 << SIM_BN_HINT;
		sim_balloon_command(bn, 10 + i);
		seconds(1);
		sim_balloon_command(bn, i & 1);
		sim_balloon_release(bn);
		seconds(3);
		assert_int_equal(bn->bn_hinted, 0);
	}
	sim_balloon_command(bn, 1);
	seconds(3);
	assert_int_equal(vm_page_avail(), before);
}

static void
hints_do_not_take_all_memory(void **state)
{
	leave_blocks(4);
	attach(&hints);
	sim_balloon_command(bn, 2);
	seconds(5);
	assert_true(vm_page_avail() > 500);
	take_pages(100);
	assert_true(nheld >= 100);
	/* and in want they are the first to go */
	assert_true(vm_reclaim());
	sim_balloon_command(bn, 1);
	seconds(5);
}

static void
hints_without_an_answer_end_with_a_reset(void **state)
{
	uint64_t before;

	leave_blocks(4);
	attach(&hints);
	before = vm_page_avail();
	bn->bn_hold = 1 << SIM_BN_HINT;
	sim_balloon_command(bn, 2);
	seconds(70);
	assert_true(bn->bn_sv->sv_nresets > 1);
	sim_balloon_release(bn);
	sim_balloon_command(bn, 1);
	seconds(30);
	assert_int_equal(vm_page_avail(), before);
	hints_work(3);
}

/* --- resets, ends -------------------------------------------------------- */

static void
restart(void)
{
	bn->bn_actual = ~0U;		/* that it is said again */
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	seconds(3);
}

static void
after_a_reset_the_balloon_is_filled_again(void **state)
{
	u_int i;

	attach(&plain);
	want(4000);
	for (i = 0; i < 3; i++) {
		restart();
		assert_balloon(4000);
		assert_int_equal(vm_page_avail(), avail - 4000);
	}
	want(0);
	assert_int_equal(vm_page_avail(), avail);
}

static void
after_a_reset_an_empty_balloon_is_said_to_be_empty(void **state)
{
	attach(&plain);
	want(4000);
	/* wanted no more when it is back */
	bn->bn_want = bn->bn_low = 0;
	sim_config_put(bn->bn_sv, 0, 4, 0);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	seconds(3);
	assert_balloon(0);
	assert_int_equal(vm_page_avail(), avail);
}

/* A request of each kind is with the device. */
static void
a_reset_in_the_middle_loses_no_page(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int kind;

	vc.vc_features |= SIM_BN_F_HINT | SIM_BN_F_REPORT;
	leave_blocks(4);
	attach(&vc);
	for (kind = 0; kind < SIM_BN_NQUEUE; kind++) {
		want(1000);
		bn->bn_hold = 1 << kind;
		sim_balloon_want(bn, kind == SIM_BN_DEFLATE ? 100 : 1500);
		sim_balloon_command(bn, 2 + kind);
		take_pages(1100);
		drop(nheld > 1100 ? 1100 : 0);
		seconds(5);
		assert_int_equal(sysctl_write("hw.virtio.0.control",
		    "reset"), 0);
		bn->bn_hold = 0;
		seconds(10);
		sim_balloon_command(bn, 1);
		assert_balloon(kind == SIM_BN_DEFLATE ? 100 : 1500);
	}
	want(0);
}

static void
a_device_that_asks_for_a_reset_gets_it(void **state)
{
	attach(&plain);
	want(2000);
	sim_virtio_needs_reset(bn->bn_sv);
	seconds(5);
	assert_balloon(2000);
	want(0);
	assert_int_equal(vm_page_avail(), avail);
}

static void
a_full_balloon_may_be_detached(void **state)
{
	attach(&plain);
	want(12000);
	end();
	assert_int_equal(vm_page_avail(), avail);
}

static void
a_balloon_with_a_request_may_be_detached(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int kind;

	vc.vc_features |= SIM_BN_F_HINT | SIM_BN_F_REPORT;
	leave_blocks(3);
	for (kind = 0; kind < SIM_BN_NQUEUE; kind++) {
		attach(&vc);
		want(1000);
		bn->bn_hold = 1 << kind;
		sim_balloon_want(bn, kind == SIM_BN_DEFLATE ? 100 : 1500);
		sim_balloon_command(bn, 2);
		seconds(5);
		end();
	}
}

static void
a_device_that_never_answers_can_be_left(void **state)
{
	attach(&plain);
	bn->bn_hold = ~0U;
	sim_balloon_want(bn, 3000);
	seconds(1000);
	end();
	assert_int_equal(vm_page_avail(), avail);
}

static void
two_balloons_share_the_memory(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct sim_balloon *other;

	vc.vc_features |= SIM_BN_F_OOM;
	other = sim_balloon_new(&vc, LO, HI, true);
	attach(&vc);
	sim_balloon_want(other, 3000);
	want(3000);
	seconds(1);
	sim_balloon_settled(other);
	assert_int_equal(other->bn_npages, 3000);
	assert_int_equal(vm_page_avail(), avail - 6000);
	while (vm_reclaim())
		;
	seconds(1);
	assert_int_equal(other->bn_npages + bn->bn_npages, 0);
	other->bn_leaving = true;
	end();
	sim_balloon_free(other);
}

static void
a_flood_of_changes_ends_where_it_ends(void **state)
{
	u_int i;

	attach(&plain);
	for (i = 0; i < 400; i++) {
		sim_balloon_want(bn, sim_random(3000));
		if (sim_random(10) == 0)
			hosted_run(1000);
	}
	want(2222);
	for (i = 0; i < 2000; i++)
		sim_virtio_changed(bn->bn_sv);
	assert_balloon(2222);
	want(0);
	assert_int_equal(vm_page_avail(), avail);
}

/* --- liars --------------------------------------------------------------- */

static void
lies(enum sim_lie kind, uint64_t features)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	sim_seed(kind + 1 + features);
	vc.vc_features |= features;
	make(&vc, true);
	sim_lenient = true;
	sim_attach();
	for (i = 0; i < 6; i++) {
		sim_balloon_want(bn, sim_random(8) == 0 ? 0xffffffff :
		    sim_random(900));
		hosted_run(sim_random(1000000));
		sim_lie(bn->bn_sv, kind);
		hosted_run(sim_random(1000000));
		if (sim_random(4) == 0)
			(void)sim_balloon_ask(bn);
		if (features & SIM_BN_F_HINT)
			sim_balloon_command(bn, sim_random(6));
		if (sim_random(4) == 0)
			(void)vm_reclaim();
		hosted_run(sim_random(100000000));
	}
	seconds(300);
	end();
	sim_lenient = false;
	sim_nfaults = 0;
	assert_int_equal(vm_page_avail(), avail - nheld * 1024);
}

static void
no_lie_costs_a_page(void **state)
{
	enum sim_lie kind;

	leave_blocks(3);
	for (kind = 0; kind <= SIM_LIE_ANY; kind++) {
		lies(kind, SIM_BN_F_OOM);
		lies(kind, F_PACKED);
		lies(kind, SIM_BN_F_HINT);
	}
}

/* --- failures ------------------------------------------------------------ */

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int n;

	leave_blocks(2);
	vc.vc_features |= SIM_BN_F_HINT | SIM_BN_F_REPORT;
	for (n = 1; n < 500; n++) {
		make(&vc, true);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		end();
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
		assert_int_equal(vm_page_avail(), avail - nheld * 1024);
	}
	assert_true(n > 10 && n < 500);
	hosted_fail_at = 0;
}

static void
a_failure_while_it_works_is_made_good(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int n;

	leave_blocks(2);
	vc.vc_features |= SIM_BN_F_HINT | SIM_BN_F_REPORT;
	for (n = 1; n < 100; n++) {
		attach(&vc);
		hosted_fail_at = n;
		sim_balloon_want(bn, 700);
		sim_balloon_command(bn, 2);
		seconds(10);
		sim_balloon_command(bn, 1);
		seconds(100);
		assert_balloon(700);
		want(0);
		if (hosted_fail_at != 0)
			break;
		end();
		assert_int_equal(vm_page_avail(), avail - nheld * 1024);
	}
	assert_true(n > 2 && n < 100);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int n;

	leave_blocks(2);
	vc.vc_features |= SIM_BN_F_OOM | SIM_BN_F_HINT;
	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		make(&vc, true);
		sim_gone_at = n;
		sim_attach();
		seconds(1);
		if (!sim_gone) {
			sim_balloon_want(bn, 600);
			sim_balloon_command(bn, 2);
		}
		seconds(4);
		if (!sim_gone) {
			sim_balloon_want(bn, 100);
			(void)sim_balloon_ask(bn);
		}
		seconds(1);
		(void)vm_reclaim();
		end();
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(vm_page_avail(), avail - nheld * 1024);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 50 && n < 3000);
	sim_gone = false;
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(inflation_reaches_the_target),
		TEST(deflation_gives_all_pages_back),
		TEST(the_target_goes_up_and_down),
		TEST(the_same_on_every_kind_of_ring),
		TEST(the_same_with_queues_of_one),
		TEST(the_same_on_a_legacy_device),
		TEST(a_balloon_wanted_before_attach_is_filled),
		TEST(the_target_moves_while_a_request_is_held),
		TEST(pages_wait_for_the_answer_to_a_deflation),
		TEST(without_must_tell_host_it_works_too),
		TEST(a_target_beyond_memory_ends_at_a_floor_and_is_said_once),
		TEST(a_target_of_all_ones_is_one_that_is_too_large),
		TEST(memory_that_becomes_free_goes_to_who_asked),
		TEST(in_want_programs_get_pages_if_the_host_allows_it),
		TEST(in_want_there_is_nothing_if_the_host_does_not),
		TEST(without_a_balloon_there_is_nothing_to_reclaim),
		TEST(statistics_are_of_when_they_are_asked_for),
		TEST(statistics_on_rings_of_any_kind),
		TEST(statistics_go_on_after_a_reset),
		TEST(queues_are_found_wherever_they_are),
		TEST(poison_is_accepted_only_without_reports_and_hints),
		TEST(with_poison_deflated_pages_are_as_was_said),
		TEST(free_blocks_are_reported_once),
		TEST(what_is_used_and_freed_is_reported_again),
		TEST(nobody_gets_a_block_before_its_report_is_answered),
		TEST(a_report_without_an_answer_ends_with_a_reset),
		TEST(reports_and_a_balloon_share_the_memory),
		TEST(reports_on_rings_of_any_kind),
		TEST(hints_have_an_id_blocks_and_an_end),
		TEST(hinted_blocks_are_kept_until_the_device_is_done),
		TEST(a_device_may_stop_hints_in_the_middle),
		TEST(hints_do_not_take_all_memory),
		TEST(hints_without_an_answer_end_with_a_reset),
		TEST(after_a_reset_the_balloon_is_filled_again),
		TEST(after_a_reset_an_empty_balloon_is_said_to_be_empty),
		TEST(a_reset_in_the_middle_loses_no_page),
		TEST(a_device_that_asks_for_a_reset_gets_it),
		TEST(a_full_balloon_may_be_detached),
		TEST(a_balloon_with_a_request_may_be_detached),
		TEST(a_device_that_never_answers_can_be_left),
		TEST(two_balloons_share_the_memory),
		TEST(a_flood_of_changes_ends_where_it_ends),
		TEST(no_lie_costs_a_page),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(a_failure_while_it_works_is_made_good),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
