/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VM_PMAP_H_
#define _VM_PMAP_H_

/*
 * Page tables: what the machine's memory management unit is told.  The
 * address space's lock guards all but pmap_activate(); mappings of the
 * kernel have a lock of their own.
 */

#include <sys/param.h>

#define PROT_NONE	0x00
#define PROT_READ	0x01
#define PROT_WRITE	0x02
#define PROT_EXEC	0x04
#define PMAP_NOCACHE	0x10		/* kernel mappings only */
#define PMAP_WC		0x20

struct pmap;

struct pmap *pmap_create(void);		/* NULL: no memory */
void	 pmap_destroy(struct pmap *);	/* nothing is mapped any more */
void	 pmap_activate(struct pmap *);	/* NULL: the kernel's own */
/* ENOMEM: no page for a table */
int	 pmap_enter(struct pmap *, vaddr_t, paddr_t, int);
/* false: nothing there */
bool	 pmap_extract(struct pmap *, vaddr_t, paddr_t *, int *);
bool	 pmap_remove(struct pmap *, vaddr_t, paddr_t *);
void	 pmap_protect(struct pmap *, vaddr_t, int);
/* the first address at or above va that may be mapped; tables are skipped */
vaddr_t	 pmap_next(struct pmap *, vaddr_t, vaddr_t);

int	 pmap_kenter(vaddr_t, paddr_t, int);
/* the same for all of a piece; ENOMEM: some of it may be mapped */
int	 pmap_kenter_pages(vaddr_t, paddr_t, size_t, int);
void	 pmap_kremove(vaddr_t, size_t);
bool	 pmap_kextract(vaddr_t, paddr_t *);
/* --- kernel virtual addresses: stacks, registers, large pieces ------------ */

/* whole pages, with an unmapped page behind them; 0: none left */
vaddr_t	 kva_alloc(size_t);
void	 kva_free(vaddr_t, size_t);
/* mapped memory, not contiguous; NULL */
void	*kva_memory(size_t);
void	 kva_memory_free(void *, size_t);

#endif /* _VM_PMAP_H_ */
