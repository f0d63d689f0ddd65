/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Who called whom, by the frame pointers.
 */

#include <sys/ksyms.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <vm/pmap.h>

#define MAXFRAMES	32

static void
backtrace_line(vaddr_t pc)
{
	const char *name;
	u_long off;

	if (ksym_lookup(pc, &name, &off))
		printf("  %s+0x%lx\n", name, off);
	else
		printf("  %#lx\n", pc);
}

static bool
readable(const vaddr_t *p)
{
	paddr_t pa;

	return ((vaddr_t)p >= VM_DIRECT_BASE && ((vaddr_t)p & 7) == 0 &&
	    pmap_kextract((vaddr_t)p, &pa));
}

static void
backtrace_frames(const vaddr_t *fp)
{
	const vaddr_t *next;
	int n;

	for (n = 0; n < MAXFRAMES; n++, fp = next) {
		if (!readable(&FRAME_NEXT(fp)) ||
		    !readable(&FRAME_RETURN(fp)) || FRAME_RETURN(fp) == 0)
			break;
		backtrace_line(FRAME_RETURN(fp) - 1);
		next = (const vaddr_t *)FRAME_NEXT(fp);
		if (next <= fp)
			break;
	}
}

void
backtrace(vaddr_t pc, const vaddr_t *fp)
{
	backtrace_line(pc);
	backtrace_frames(fp);
}

void
md_backtrace(void)
{
	backtrace_frames(__builtin_frame_address(0));
}
