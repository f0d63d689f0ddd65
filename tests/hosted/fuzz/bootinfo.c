/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "fuzz.h"

#include <machine/bootinfo.h>

#define BASE	0x10000

static const uint8_t	*memory;
static size_t		 memsize;

static const void *
map(paddr_t pa, size_t n)
{
	if (pa < BASE || pa - BASE > memsize || n > memsize - (pa - BASE))
		return (NULL);
	return (memory + (pa - BASE));
}

/* The first byte says which of the two it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootinfo bi;
	u_int i;

	(void)fuzz_again();
	if (size < 8)
		return (0);
	memory = data + 8;
	memsize = size - 8;
	memset(&bi, 0, sizeof(bi));
	if (data[0] & 1)
		(void)bootinfo_pvh(&bi, BASE, map);
	else
		(void)bootinfo_multiboot2(&bi, BASE, map);
	fuzz_check(memchr(bi.bi_cmdline, '\0', sizeof(bi.bi_cmdline)) != NULL,
	    "command line");
	fuzz_check(bi.bi_fb.gf_bits == 0 || (bi.bi_fbwhy == NULL &&
	    GENFB_BYTES(&bi.bi_fb) * bi.bi_fb.gf_width <=
	    bi.bi_fb.gf_pitch), "frame buffer");
	for (i = 0; i < bi.bi_memory.ml_n; i++)
		fuzz_check(bi.bi_memory.ml_range[i].mr_end >
		    bi.bi_memory.ml_range[i].mr_start, "range");
	return (0);
}
