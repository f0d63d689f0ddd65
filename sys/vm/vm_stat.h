/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VM_VM_STAT_H_
#define _VM_VM_STAT_H_

/* main: the variables hw.physmem and vm.* */
void	vm_sysctl_init(void);

#endif /* _VM_VM_STAT_H_ */
