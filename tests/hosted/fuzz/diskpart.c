/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The input is the disk; its first byte chooses the size of a block, and
 * whether a GPT gets right checksums, which nobody guesses.
 */

#include "fuzz.h"

#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/wire.h>

static uint8_t		 image[1 << 16];
static size_t		 imagelen;
static uint32_t		 blksize;
static uint64_t		 nblocks;
static u_int		 nreads;

/* Behind the end of the input there are zeroes: a disk is large. */
static int
read_blocks(void *arg, uint64_t block, void *buf, u_int n)
{
	size_t off = block * blksize, len = (size_t)n * blksize, have;

	fuzz_check(n > 0 && block < nblocks && n <= nblocks - block,
	    "read outside of the disk");
	fuzz_check(++nreads < 1000, "too many reads");
	memset(buf, 0, len);
	if (off >= imagelen)
		return (block % 7 == 6 ? EIO : 0);
	have = MIN(len, imagelen - off);
	memcpy(buf, image + off, have);
	return (0);
}

static void
take(void *arg, const struct partent *pe)
{
	fuzz_check(pe->pe_index > 0 && pe->pe_index <= PART_MAX,
	    "number of a partition");
	fuzz_check(pe->pe_size > 0 && pe->pe_start < nblocks &&
	    pe->pe_size <= nblocks - pe->pe_start, "outside of the disk");
}

static uint32_t
get32(const uint8_t *p)
{
	return (le32_load((const le32_w *)(const void *)p));
}

static void
put32(uint8_t *p, uint32_t v)
{
	le32_store((le32_w *)(void *)p, v);
}

static void
seal(void)
{
	uint8_t *h = image + blksize;
	uint64_t table;
	size_t len;

	if (imagelen < 2 * blksize)
		return;
	image[510] = 0x55;
	image[511] = 0xaa;
	image[446] = image[462] = image[478] = image[494] = 0;
	image[450] = 0xee;
	memcpy(h, "EFI PART", 8);
	put32(h + 8, 0x10000);
	put32(h + 12, 92);
	put32(h + 24, 1);
	put32(h + 28, 0);
	table = get32(h + 72);
	len = (size_t)get32(h + 80) * get32(h + 84);
	if (table < 128 && table * blksize + len <= sizeof(image))
		put32(h + 88, crc32(0, image + table * blksize, len));
	put32(h + 16, 0);
	put32(h + 16, crc32(0, h, 92));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partsrc src = { .ps_read = read_blocks };
	char text[40];

	(void)fuzz_again();
	if (size < 2)
		return (0);
	blksize = 512U << data[0] % 4;
	nblocks = size / blksize + data[1];
	imagelen = MIN(size - 2, sizeof(image));
	memset(image, 0, sizeof(image));
	memcpy(image, data + 2, imagelen);
	if (data[0] & 0x80)
		seal();
	nreads = 0;
	src.ps_blksize = blksize;
	src.ps_nblocks = nblocks;
	(void)part_scan(&src, take, NULL, text, sizeof(text));
	fuzz_check(hosted_nallocs == 0, "memory was not freed");
	return (0);
}
