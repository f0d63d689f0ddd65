/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What every hosted test includes first. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/systm.h>
#include <machine/host.h>
