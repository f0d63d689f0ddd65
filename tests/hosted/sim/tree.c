/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Take everything out of a file system, so that nothing counts as lost. */

#include <sys/errno.h>
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#include "tree.h"

struct first {
	char	name[256];
};

static int
take_first(void *arg, const char *name, ino_t ino, enum vtype type,
    off_t next)
{
	struct first *f = arg;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (0);
	strlcpy(f->name, name, sizeof(f->name));
	return (ENOSPC);
}

void
tree_empty(struct vnode *dvp)
{
	struct vnode *vp;
	struct first f;
	bool dir;

	for (;;) {
		f.name[0] = '\0';
		(void)dvp->v_ops->vop_readdir(dvp, 0, take_first, &f);
		if (f.name[0] == '\0' ||
		    dvp->v_ops->vop_lookup(dvp, f.name, &vp) != 0)
			return;
		if ((dir = vp->v_type == VDIR))
			tree_empty(vp);
		vnode_unref(vp);
		if (dvp->v_ops->vop_remove(dvp, f.name, dir) != 0)
			return;
	}
}
