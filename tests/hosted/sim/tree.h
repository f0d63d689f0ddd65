/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _TREE_H_
#define _TREE_H_

struct vnode;

void	tree_empty(struct vnode *);

#endif /* _TREE_H_ */
