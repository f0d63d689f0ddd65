/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Kernel memory by the byte: slabs of one page for small pieces, pages for
 * large ones.  See kmem.h.
 *
 * A piece of a slab is followed by a guard that depends on its size, so that
 * a write behind its end and a free with the wrong size are both noticed.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/systm.h>

#include <vm/vm_page.h>

#define KMEM_ALIGN	16
#define SLAB_MAGIC	0x534c4142
#define GUARD(size)	(0xfeedc0de00000000ULL ^ (size))
#define POISON		0xdeadbeefdeadbeefULL

/* room for one piece and its guard, in bytes */
static const uint16_t kmem_class[] = {
	32, 48, 64, 96, 128, 192, 256, 384, 512, 672, 1008, 1344, 2016
};

struct kmem_piece {			/* a free one */
	struct kmem_piece	*kp_next;
	uint64_t		 kp_poison;
};

struct kmem_slab {			/* at the beginning of its page */
	LIST_ENTRY(kmem_slab)	 ks_link;
	struct kmem_piece	*ks_free;
	uint32_t		 ks_magic;
	uint16_t		 ks_class;
	uint16_t		 ks_nfree;
	uint16_t		 ks_npieces;
};
#define SLAB_HEAD	roundup2(sizeof(struct kmem_slab), KMEM_ALIGN)

/* slabs that have a free piece */
static LIST_HEAD(, kmem_slab) kmem_slabs[nitems(kmem_class)];
static struct mutex	kmem_mtx = MUTEX_INITIALIZER(IPL_HIGH);

static u_int
kmem_class_of(size_t size)
{
	u_int c;

	for (c = 0; c < nitems(kmem_class); c++) {
		if (size + sizeof(uint64_t) <= kmem_class[c])
			break;
	}
	return (c);
}

static struct kmem_slab *
kmem_slab_new(u_int c)
{
	struct kmem_slab *ks;
	struct kmem_piece *kp;
	paddr_t pa;
	char *p;

	if ((pa = vm_page_alloc(0, 0)) == 0)
		return (NULL);
	ks = vm_direct(pa);
	ks->ks_free = NULL;
	ks->ks_magic = SLAB_MAGIC;
	ks->ks_class = c;
	ks->ks_npieces = (PAGE_SIZE - SLAB_HEAD) / kmem_class[c];
	ks->ks_nfree = ks->ks_npieces;
	for (p = (char *)ks + SLAB_HEAD + (ks->ks_npieces - 1) *
	    kmem_class[c]; p >= (char *)ks + SLAB_HEAD; p -= kmem_class[c]) {
		kp = (struct kmem_piece *)p;
		kp->kp_poison = POISON;
		kp->kp_next = ks->ks_free;
		ks->ks_free = kp;
	}
	LIST_INSERT_HEAD(&kmem_slabs[c], ks, ks_link);
	return (ks);
}

static void *
kmem_piece_alloc(u_int c, size_t size)
{
	struct kmem_slab *ks;
	struct kmem_piece *kp;

	mtx_enter(&kmem_mtx);
	if ((ks = LIST_FIRST(&kmem_slabs[c])) == NULL &&
	    (ks = kmem_slab_new(c)) == NULL) {
		mtx_leave(&kmem_mtx);
		return (NULL);
	}
	kp = ks->ks_free;
	if (kp->kp_poison != POISON)
		panic("kmem: %p was written to after it was freed", kp);
	ks->ks_free = kp->kp_next;
	if (--ks->ks_nfree == 0)
		LIST_REMOVE(ks, ks_link);
	mtx_leave(&kmem_mtx);
	*(uint64_t *)((char *)kp + kmem_class[c] - sizeof(uint64_t)) =
	    GUARD(size);
	return (kp);
}

static void
kmem_piece_free(u_int c, void *p, size_t size)
{
	struct kmem_slab *ks;
	struct kmem_piece *kp = p;
	uint64_t *guard;

	ks = (struct kmem_slab *)((vaddr_t)p & ~PAGE_MASK);
	guard = (uint64_t *)((char *)p + kmem_class[c] - sizeof(uint64_t));
	if (ks->ks_magic != SLAB_MAGIC || ks->ks_class != c ||
	    *guard != GUARD(size))
		panic("kmem: %p freed with the wrong size %zu, "
		    "or written behind its end", p, size);

	mtx_enter(&kmem_mtx);
	*guard = 0;
	kp->kp_poison = POISON;
	kp->kp_next = ks->ks_free;
	ks->ks_free = kp;
	if (ks->ks_nfree++ == 0)
		LIST_INSERT_HEAD(&kmem_slabs[c], ks, ks_link);
	if (ks->ks_nfree == ks->ks_npieces &&
	    (LIST_FIRST(&kmem_slabs[c]) != ks ||
	    LIST_NEXT(ks, ks_link) != NULL)) {
		/* keep the last one, give the others back */
		LIST_REMOVE(ks, ks_link);
		ks->ks_magic = 0;
		vm_page_free(vm_direct_pa(ks), 0);
	}
	mtx_leave(&kmem_mtx);
}

void *
kmem_alloc(size_t size, int flags)
{
	u_int c = kmem_class_of(size), order;
	paddr_t pa;
	void *p;

	KASSERT(size != 0);
	if (size > PAGE_SIZE << VM_ORDER_MAX)
		return (NULL);
	order = vm_page_order(size);
	for (;;) {
		if (c < nitems(kmem_class))
			p = kmem_piece_alloc(c, size);
		else {
			pa = vm_page_alloc(order, 0);
			p = pa == 0 ? NULL : vm_direct(pa);
		}
		if (p != NULL || (flags & KM_NOSLEEP))
			return (p);
		vm_page_wait();
	}
}

void *
kmem_zalloc(size_t size, int flags)
{
	void *p;

	if ((p = kmem_alloc(size, flags)) != NULL)
		memset(p, 0, size);
	return (p);
}

void *
kmem_reallocarray(void *old, size_t oldn, size_t n, size_t size, int flags)
{
	void *p;

	if (n == 0 || size == 0 || n > SIZE_MAX / size ||
	    (p = kmem_alloc(n * size, flags)) == NULL)
		return (NULL);
	if (old != NULL) {
		memcpy(p, old, MIN(oldn, n) * size);
		kmem_free(old, oldn * size);
	}
	return (p);
}

char *
kmem_strdup(const char *s, int flags)
{
	size_t n = strlen(s) + 1;
	char *p;

	if ((p = kmem_alloc(n, flags)) != NULL)
		memcpy(p, s, n);
	return (p);
}

void
kmem_free(void *p, size_t size)
{
	u_int c = kmem_class_of(size);

	if (p == NULL)
		return;
	if (c < nitems(kmem_class))
		kmem_piece_free(c, p, size);
	else
		vm_page_free(vm_direct_pa(p), vm_page_order(size));
}
