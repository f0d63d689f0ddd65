/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <sys/device.h>

/* For programs without a tree of devices. */
const struct cfdata cfdata[1];
