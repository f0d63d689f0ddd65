/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>
#include <sys/vnode.h>

#include "sim/tree.h"
#include "unit/mutate.h"

static char	image[4096];
static size_t	size;

static void
entry(const char *name, u_int mode, const char *data, size_t len, u_int ino,
    u_int nlink)
{
	host_snprintf(image + size, sizeof(image) - size,
	    "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s",
	    ino, mode, 0, 0, nlink, 1000, len, 0, 0, 5, 1,
	    (size_t)strlen(name) + 1, 0, name);
	size = roundup2(size + 110 + strlen(name) + 1, 4);
	memcpy(image + size, data, len);
	size = roundup2(size + len, 4);
}

static void
make(void)
{
	memset(image, 0, sizeof(image));
	size = 0;
	entry("bin", S_IFDIR | 0755, "", 0, 1, 2);
	entry("bin/sh", S_IFREG | 0755, "contents", 8, 2, 1);
	entry("bin/a", S_IFREG | 0755, "", 0, 3, 2);
	entry("bin/b", S_IFREG | 0755, "linked", 6, 3, 2);
	entry("link", S_IFLNK | 0777, "bin/sh", 6, 4, 1);
	entry("dev0", S_IFCHR | 0600, "", 0, 5, 1);
	entry("deep/er/still", S_IFREG | 0644, "x", 1, 6, 1);
	entry("TRAILER!!!", 0, "", 0, 0, 1);
}

static int
setup(void **state)
{
	hosted_init();
	make();
	if (rootvnode == NULL) {
		/* what is made once and kept is not counted */
		rootvnode = ramfs_root();
		(void)cpio_load(image, size);
		tree_empty(rootvnode);
		hosted_nallocs = 0;
	}
	return (0);
}

static int
teardown(void **state)
{
	tree_empty(rootvnode);
	return (hosted_nallocs == 0 ? hosted_fini() : 1);
}

static void
assert_file(const char *name, const char *want)
{
	struct vnode *vp;
	char buf[64];
	size_t n;

	assert_int_equal(namei(rootvnode, name, 0, &vp), 0);
	assert_int_equal(vn_read(vp, buf, sizeof(buf), 0, &n), 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
	vnode_unref(vp);
}

static void
an_archive_becomes_a_tree(void **state)
{
	assert_int_equal(cpio_load(image, size), 0);
	assert_file("/bin/sh", "contents");
	assert_file("/link", "contents");
	assert_file("/deep/er/still", "x");
	assert_file("/bin/a", "linked");
	assert_file("/bin/b", "linked");
}

static void
archives_follow_each_other(void **state)
{
	entry("second", S_IFREG | 0644, "two", 3, 1, 1);
	entry("bin/sh", S_IFREG | 0755, "newer", 5, 2, 1);
	entry("TRAILER!!!", 0, "", 0, 0, 1);
	assert_int_equal(cpio_load(image, size), 0);
	assert_file("/second", "two");
	assert_file("/bin/sh", "newer");
}

static void
names_that_lead_out_stay_inside(void **state)
{
	struct vnode *vp;

	size = 0;
	entry("../up", S_IFREG | 0644, "a", 1, 1, 1);
	entry("/abs", S_IFREG | 0644, "b", 1, 2, 1);
	entry("./dot/./x", S_IFREG | 0644, "c", 1, 3, 1);
	entry("x/../../y", S_IFREG | 0644, "d", 1, 4, 1);
	entry("TRAILER!!!", 0, "", 0, 0, 1);
	(void)cpio_load(image, size);
	assert_file("/abs", "b");
	assert_file("/dot/x", "c");
	if (namei(rootvnode, "/..", 0, &vp) == 0) {
		assert_ptr_equal(vp, rootvnode);
		vnode_unref(vp);
	}
}

static void
what_is_packed_is_named(void **state)
{
	assert_int_not_equal(cpio_load("\x1f\x8b\x08\0\0\0\0\0", 8), 0);
	assert_non_null(strchr(hosted_console(), 'g'));
}

static void
nothing_is_an_error(void **state)
{
	assert_int_equal(cpio_load(image, 0), EINVAL);
}

static void
cut_at_any_length_what_came_before_is_there(void **state)
{
	size_t n;
	void *p;

	for (n = 0; n < size; n++) {
		p = mutate_cut(image, n);
		(void)cpio_load(p, n);
		if (n > 300)
			assert_file("/bin/sh", "contents");
		tree_empty(rootvnode);
		host_free(p);
		hosted_init();
	}
}

static void
changed_at_random_nothing_is_read_beyond(void **state)
{
	u_int i;
	void *p;

	for (i = 0; i < 5000; i++) {
		p = mutate_cut(image, size);
		mutate(p, size);
		(void)cpio_load(p, size);
		tree_empty(rootvnode);
		host_free(p);
		hosted_init();
	}
}

static void
without_memory_nothing_is_lost(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		hosted_fail_at = n;
		(void)cpio_load(image, size);
		if (hosted_fail_at != 0)
			break;
		tree_empty(rootvnode);
		assert_int_equal(hosted_nallocs, 0);
	}
	assert_true(n > 10 && n < 500);
	hosted_fail_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_archive_becomes_a_tree),
		TEST(archives_follow_each_other),
		TEST(names_that_lead_out_stay_inside),
		TEST(what_is_packed_is_named),
		TEST(nothing_is_an_error),
		TEST(cut_at_any_length_what_came_before_is_there),
		TEST(changed_at_random_nothing_is_read_beyond),
		TEST(without_memory_nothing_is_lost),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
