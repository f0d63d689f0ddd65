/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <compat/linux/linux_generic_syscalls.h>
S(259, riscv_flush_icache)
