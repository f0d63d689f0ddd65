/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * memory N: wants N MB, writes to each page of it, reads it back and prints
 * "had N MB".
 */

#include <sys/mman.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE	4096

int
main(int argc, char **argv)
{
	size_t size, i;
	uint64_t *p;

	if (argc != 2)
		errx(1, "usage: memory N");
	size = (size_t)atoi(argv[1]) << 20;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < size / 8; i += PAGE / 8) {
		if (p[i] != 0)
			errx(1, "page %zu is not zero", i / (PAGE / 8));
		p[i] = i * 0x9e3779b97f4a7c15ULL + 1;
	}
	for (i = 0; i < size / 8; i += PAGE / 8) {
		if (p[i] != i * 0x9e3779b97f4a7c15ULL + 1)
			errx(1, "page %zu has changed", i / (PAGE / 8));
	}
	printf("had %s MB\n", argv[1]);
	return (0);
}
