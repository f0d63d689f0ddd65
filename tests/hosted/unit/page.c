/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>
#include <sys/uio.h>

#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define NHELD	2000

static uint32_t	seed = 1;
static struct { paddr_t pa; u_int order; uint8_t fill; } held[NHELD];
static u_int	nheld;

static uint32_t
any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % below);
}

static int
setup(void **state)
{
	static bool done;

	hosted_init();
	if (done)
		return (0);
	done = true;
	hosted_memory = (uintptr_t)host_pages(HOSTED_MEMORY_MAX);
	/* in any order, with a hole, ends that are not round */
	vm_page_range(0x1000000, 0x1fff000);
	vm_page_range(0x1000, 0x9f000);
	vm_page_range(0x100000, 0xf03000);
	/* what the first page asks for is made now */
	vm_page_free(vm_page_alloc(0, 0), 0);
	return (0);
}

static uint64_t
drain(void)
{
	uint64_t n = 0;
	u_int order;
	paddr_t pa;

	for (order = VM_ORDER_MAX + 1; order-- > 0;) {
		while (nheld < NHELD && (pa = vm_page_alloc(order, 0)) != 0) {
			held[nheld].pa = pa;
			held[nheld++].order = order;
			n += 1 << order;
		}
	}
	return (n);
}

static void
give_back(void)
{
	while (nheld > 0) {
		nheld--;
		vm_page_free(held[nheld].pa, held[nheld].order);
	}
}

static void
all_that_is_there_can_be_had_and_given_back(void **state)
{
	uint64_t avail = vm_page_avail(), n, again;

	n = drain();
	assert_int_equal(vm_page_alloc(0, 0), 0);
	give_back();
	assert_true(vm_page_avail() >= avail - 64);
	again = drain();
	give_back();
	assert_int_equal(again, n);
	/* the hole and what is kept for the arrays is not in it */
	assert_true(n > 0x1e00 && n < 0x2000);
}

static void
blocks_are_aligned_and_within_the_ranges(void **state)
{
	u_int i;

	(void)drain();
	for (i = 0; i < nheld; i++) {
		paddr_t pa = held[i].pa, end = pa + (PAGE_SIZE <<
		    held[i].order);

		assert_int_equal(pa & ((PAGE_SIZE << held[i].order) - 1), 0);
		assert_true((pa >= 0x1000 && end <= 0x9f000) ||
		    (pa >= 0x100000 && end <= 0xf03000) ||
		    (pa >= 0x1000000 && end <= 0x1fff000));
	}
	give_back();
}

static bool
block_is(paddr_t pa, u_int order, uint8_t v)
{
	const uint8_t *p = vm_direct(pa);
	size_t n = PAGE_SIZE << order;

	return (p[0] == v && memcmp(p, p + 1, n - 1) == 0);
}

static void
at_random_no_two_share_a_page(void **state)
{
	uint64_t avail = vm_page_avail();
	u_int i, k, order;
	paddr_t pa;

	for (i = 0; i < 8000; i++) {
		if (nheld < 400 && any(2)) {
			order = any(8) ? any(4) : any(VM_ORDER_MAX + 1);
			pa = vm_page_alloc(order, any(4) ? 0 : VM_PAGE_ZERO);
			if (pa == 0)
				continue;
			held[nheld].pa = pa;
			held[nheld].order = order;
			held[nheld].fill = 1 + any(255);
			memset(vm_direct(pa), held[nheld].fill,
			    PAGE_SIZE << order);
			nheld++;
		} else if (nheld > 0) {
			k = any(nheld);
			if (!block_is(held[k].pa, held[k].order,
			    held[k].fill))
				fail_msg("a block was written to");
			vm_page_free(held[k].pa, held[k].order);
			held[k] = held[--nheld];
		}
	}
	give_back();
	assert_true(vm_page_avail() >= avail - 64);
}

static void
zeroed_pages_are_zero(void **state)
{
	paddr_t pa;
	u_int i;

	for (i = 0; i < 200; i++) {
		pa = vm_page_alloc(i % 4, VM_PAGE_ZERO);
		assert_true(block_is(pa, i % 4, 0));
		memset(vm_direct(pa), 0xff, PAGE_SIZE << i % 4);
		vm_page_free(pa, i % 4);
	}
}

static void
the_last_reference_frees(void **state)
{
	uint64_t avail = vm_page_avail();
	paddr_t pa = vm_page_alloc(0, 0);

	assert_int_equal(vm_page_refs(pa), 1);
	vm_page_ref(pa);
	assert_int_equal(vm_page_refs(pa), 2);
	vm_page_unref(pa);
	assert_int_equal(vm_page_avail(), avail - 1);
	vm_page_unref(pa);
	assert_int_equal(vm_page_avail(), avail);
	assert_true(vm_page_managed(pa));
	assert_false(vm_page_managed(0xa0000));
	assert_int_equal(vm_page_refs(0xa0000), 2);
}

static void
programs_leave_a_reserve(void **state)
{
	paddr_t pa;

	while (nheld < NHELD && (pa = vm_page_alloc(4, VM_PAGE_USER)) != 0) {
		held[nheld].pa = pa;
		held[nheld++].order = 4;
	}
	while (nheld < NHELD && (pa = vm_page_alloc(0, VM_PAGE_USER)) != 0) {
		held[nheld].pa = pa;
		held[nheld++].order = 0;
	}
	assert_true(nheld < NHELD);
	assert_true(vm_page_avail() > 0);
	assert_int_not_equal(pa = vm_page_alloc(0, 0), 0);
	vm_page_free(pa, 0);
	give_back();
}

static void
sizes_have_orders(void **state)
{
	assert_int_equal(vm_page_order(1), 0);
	assert_int_equal(vm_page_order(4096), 0);
	assert_int_equal(vm_page_order(4097), 1);
	assert_int_equal(vm_page_order(3 * 4096), 2);
	assert_int_equal(vm_page_order(4 << 20), VM_ORDER_MAX);
}

/* --- memory that the host may have --------------------------------------- */

static u_int	nnews;

static void
news(void *arg)
{
	assert_ptr_equal(arg, &nnews);
	nnews++;
}

/* Everything that is free is reported, or at least so that none is left. */
static u_int
report_all(void)
{
	u_int order, n = 0;
	paddr_t pa;

	while ((pa = vm_page_unreported(&order)) != 0) {
		assert_true(order >= VM_REPORT_ORDER);
		assert_true(order <= VM_ORDER_MAX);
		assert_int_equal(pa & ((PAGE_SIZE << order) - 1), 0);
		held[nheld].pa = pa;
		held[nheld++].order = order;
		n += 1 << order;
	}
	while (nheld > 0) {
		nheld--;
		memset(vm_direct(held[nheld].pa), 0xb7,
		    PAGE_SIZE << held[nheld].order);
		vm_page_reported(held[nheld].pa, held[nheld].order);
	}
	return (n);
}

static void
a_free_block_is_to_be_reported_once(void **state)
{
	uint64_t avail;

	(void)drain();
	give_back();
	avail = vm_page_avail();
	assert_true(report_all() >= 0x1800);
	assert_int_equal(vm_page_avail(), avail);
	assert_int_equal(report_all(), 0);
}

static void
a_block_that_was_used_is_to_be_reported_again(void **state)
{
	u_int i, order;
	paddr_t pa;

	(void)report_all();
	pa = vm_page_alloc(VM_ORDER_MAX, 0);
	memset(vm_direct(pa), 1, PAGE_SIZE << VM_ORDER_MAX);
	assert_int_equal(vm_page_unreported(&order), 0);
	vm_page_free(pa, VM_ORDER_MAX);
	assert_int_equal(report_all(), 1 << VM_ORDER_MAX);
	/* a page of it is enough */
	(void)drain();
	give_back();
	(void)report_all();
	pa = vm_page_alloc(0, 0);
	vm_page_free(pa, 0);
	i = report_all();
	assert_true(i == 0 || i == 1 << VM_ORDER_MAX ||
	    i == 1 << VM_REPORT_ORDER);
}

static void
what_is_reported_is_given_last_and_zeroed_if_asked(void **state)
{
	u_int order;
	paddr_t one, two, pa;

	(void)report_all();
	one = vm_page_alloc(VM_ORDER_MAX, 0);
	vm_page_free(one, VM_ORDER_MAX);
	two = vm_page_alloc(VM_ORDER_MAX, 0);
	assert_int_equal(two, one);
	pa = vm_page_alloc(VM_ORDER_MAX, VM_PAGE_ZERO);
	assert_true(block_is(pa, VM_ORDER_MAX, 0));
	vm_page_free(pa, VM_ORDER_MAX);
	vm_page_free(two, VM_ORDER_MAX);
	/* nobody else gets what is about to be reported */
	pa = vm_page_unreported(&order);
	assert_int_not_equal(pa, 0);
	while (nheld < NHELD && (one = vm_page_alloc(VM_REPORT_ORDER, 0)) !=
	    0) {
		assert_true(one < pa || one >= pa + (PAGE_SIZE << order));
		held[nheld].pa = one;
		held[nheld++].order = VM_REPORT_ORDER;
	}
	vm_page_reported(pa, order);
	give_back();
}

static void
at_random_with_reports_no_two_share_a_page(void **state)
{
	uint64_t avail = vm_page_avail();
	u_int i, k, order;
	bool rep[NHELD];
	paddr_t pa;

	for (i = 0; i < 6000; i++) {
		k = any(8);
		if (k < 4 && nheld < 300) {
			order = any(8) ? any(4) : any(VM_ORDER_MAX + 1);
			rep[nheld] = k == 0;
			pa = k == 0 ? vm_page_unreported(&order) :
			    vm_page_alloc(order, 0);
			if (pa == 0)
				continue;
			held[nheld].pa = pa;
			held[nheld].order = order;
			held[nheld].fill = 1 + any(255);
			memset(vm_direct(pa), held[nheld].fill,
			    PAGE_SIZE << order);
			nheld++;
		} else if (nheld > 0) {
			k = any(nheld);
			if (!block_is(held[k].pa, held[k].order,
			    held[k].fill))
				fail_msg("a block was written to");
			if (rep[k])
				vm_page_reported(held[k].pa, held[k].order);
			else
				vm_page_free(held[k].pa, held[k].order);
			nheld--;
			held[k] = held[nheld];
			rep[k] = rep[nheld];
		}
	}
	give_back();
	assert_int_equal(vm_page_avail(), avail);
	(void)report_all();
	assert_int_equal(report_all(), 0);
	assert_int_equal(vm_page_avail(), avail);
}

static void
who_reports_hears_of_large_blocks_only(void **state)
{
	paddr_t pa, small;

	(void)drain();
	give_back();
	(void)report_all();
	vm_page_report(news, &nnews);
	pa = vm_page_alloc(VM_REPORT_ORDER, 0);
	nnews = 0;
	vm_page_free(pa, VM_REPORT_ORDER);
	assert_int_equal(nnews, 1);
	/* a page between others that are in use is no news */
	pa = vm_page_alloc(0, 0);
	small = vm_page_alloc(0, 0);
	nnews = 0;
	if ((pa ^ small) == PAGE_SIZE) {
		vm_page_unref(small);
		assert_int_equal(nnews, 0);
	} else
		vm_page_free(small, 0);
	vm_page_free(pa, 0);
	vm_page_report(NULL, NULL);
	nnews = 0;
	pa = vm_page_alloc(VM_ORDER_MAX, 0);
	vm_page_free(pa, VM_ORDER_MAX);
	assert_int_equal(nnews, 0);
}

static u_int	nasked;

static bool
reclaim(void *arg)
{
	nasked++;
	return (*(bool *)arg);
}

static void
in_want_each_is_asked_until_one_gives(void **state)
{
	bool gives[2] = { false, false };
	struct vm_reclaim vr[2] = {
		{ .vr_fn = reclaim, .vr_arg = &gives[0] },
		{ .vr_fn = reclaim, .vr_arg = &gives[1] },
	};

	nasked = 0;
	assert_false(vm_reclaim());
	vm_reclaim_add(&vr[0]);
	vm_reclaim_add(&vr[1]);
	assert_false(vm_reclaim());
	assert_int_equal(nasked, 2);
	gives[0] = gives[1] = true;
	assert_true(vm_reclaim());
	assert_int_equal(nasked, 3);
	vm_reclaim_remove(&vr[0]);
	assert_true(vm_reclaim());
	vm_reclaim_remove(&vr[1]);
	assert_false(vm_reclaim());
}

/* --- objects ------------------------------------------------------------- */

static int
rdwr(struct vm_object *vo, enum uio_rw rw, void *buf, size_t n, uint64_t off,
    size_t *done)
{
	struct iovec iov = { buf, n };
	struct uio uio = { &iov, 1, off, n, UIO_SYSSPACE, rw };
	int error = vm_object_rdwr(vo, &uio);

	*done = n - uio.uio_resid;
	return (error);
}

static void
an_object_is_as_a_plain_buffer(void **state)
{
	static uint8_t want[70000], buf[70000];
	uint64_t avail = vm_page_avail(), size, off;
	paddr_t data = 0xa0000;		/* as the root image: nobody's */
	struct vm_object *vo;
	size_t n, done;
	u_int i, k;
	int error;

	for (i = 0; i < 8000; i++)
		((uint8_t *)vm_direct(data))[i] = want[i] = any(256);
	/* contents in place: from an aligned place, and not */
	for (k = 0; k < 3; k++) {
		size = k == 0 ? 0 : 20000;
		memset(want, 0, sizeof(want));
		memcpy(want, (uint8_t *)vm_direct(data) + 100 * (k - 1),
		    size);
		vo = vm_object_create(size, k == 0 ? NULL :
		    (char *)vm_direct(data) + 100 * (k - 1), size);
		assert_non_null(vo);
		for (i = 0; i < 3000; i++) {
			off = any(66000);
			n = 1 + any(any(10) ? 300 : 3900);
			if (any(20) == 0) {
				assert_int_equal(vm_object_resize(vo, off),
				    0);
				if (off < size)
					memset(want + off, 0, size - off);
				size = off;
			} else if (any(2)) {
				memset(buf, any(256), n);
				error = rdwr(vo, UIO_WRITE, buf, n, off,
				    &done);
				assert_int_equal(error, 0);
				assert_int_equal(done, n);
				memcpy(want + off, buf, n);
				size = MAX(size, off + n);
			} else {
				error = rdwr(vo, UIO_READ, buf, n, off,
				    &done);
				assert_int_equal(error, 0);
				assert_int_equal(done, off >= size ? 0 :
				    MIN(n, size - off));
				assert_memory_equal(buf, want + off, done);
			}
			assert_int_equal(vo->vo_size, size);
		}
		vm_object_unref(vo);
	}
	assert_int_equal(vm_page_avail(), avail);
	assert_int_equal(hosted_nallocs, 0);
}

static void
beyond_the_end_there_is_no_page(void **state)
{
	struct vm_object *vo = vm_object_create(5000, NULL, 0);
	paddr_t pa;

	assert_int_equal(vm_object_page(vo, 1, true, &pa), 0);
	vm_page_unref(pa);
	assert_int_equal(vm_object_page(vo, 2, true, &pa), EFAULT);
	assert_int_equal(vm_object_page(vo, ~0ULL, false, &pa), EFAULT);
	assert_int_equal(vm_object_resize(vo, VM_OBJECT_MAX + 1), EFBIG);
	vm_object_unref(vo);
}

static void
without_memory_an_object_fails_and_goes_on(void **state)
{
	struct vm_object *vo = vm_object_create(0, NULL, 0);
	static uint8_t buf[20000];
	size_t done;
	int error;

	(void)drain();
	error = rdwr(vo, UIO_WRITE, buf, sizeof(buf), 0, &done);
	assert_int_equal(error, ENOMEM);
	give_back();
	error = rdwr(vo, UIO_WRITE, buf, sizeof(buf), 0, &done);
	assert_int_equal(error, 0);
	assert_int_equal(done, sizeof(buf));
	vm_object_unref(vo);
	assert_int_equal(hosted_nallocs, 0);
}

#define TEST(fn)	cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_there_can_be_had_and_given_back),
		TEST(blocks_are_aligned_and_within_the_ranges),
		TEST(at_random_no_two_share_a_page),
		TEST(zeroed_pages_are_zero),
		TEST(the_last_reference_frees),
		TEST(programs_leave_a_reserve),
		TEST(sizes_have_orders),
		TEST(a_free_block_is_to_be_reported_once),
		TEST(a_block_that_was_used_is_to_be_reported_again),
		TEST(what_is_reported_is_given_last_and_zeroed_if_asked),
		TEST(at_random_with_reports_no_two_share_a_page),
		TEST(who_reports_hears_of_large_blocks_only),
		TEST(in_want_each_is_asked_until_one_gives),
		TEST(an_object_is_as_a_plain_buffer),
		TEST(beyond_the_end_there_is_no_page),
		TEST(without_memory_an_object_fails_and_goes_on),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
