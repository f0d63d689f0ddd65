/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "fuzz.h"

#include <sys/vnode.h>

#include "sim/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u_int before;

	(void)fuzz_again();
	if (rootvnode == NULL) {
		rootvnode = ramfs_root();
		before = hosted_nallocs;
	}
	(void)cpio_load(data, size);
	tree_empty(rootvnode);
	/* the root keeps its table, once it has one */
	fuzz_check(hosted_nallocs <= before + 1, "memory was not freed");
	return (0);
}
