/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The key-value interface of pvbus(4) as programs see it.  The kernel and
 * the programs share this file, and it must mean the same in both, so it
 * leans on nothing but the compiler's own <stddef.h>.
 *
 * Fill in a struct pvbus_req and pass its address to ioctl(2) on
 * /dev/pvbusN.  Keys and values are strings; the lengths are the sizes of
 * the buffers and count the terminating NUL.
 */

#ifndef _SYS_PVBUSIO_H_
#define _SYS_PVBUSIO_H_

#include <stddef.h>

/* The longest key or value that the kernel takes or gives, with its NUL. */
#define PVBUS_KV_MAX	65536

struct pvbus_req {
	size_t		 pvr_keylen;
	char		*pvr_key;
	size_t		 pvr_valuelen;
	char		*pvr_value;
};

/*
 * _IOWR('V', n, struct pvbus_req).  Written out, because the headers that
 * define _IOWR() differ between the kernel and the C library; BSD and Linux
 * agree on the number itself.
 */
#define PVBUSIO_(n)							\
	(0xc0000000UL | (unsigned long)sizeof(struct pvbus_req) << 16 |	\
	(unsigned long)'V' << 8 | (n))

#define PVBUSIOC_KVREAD		PVBUSIO_(1)	/* value of pvr_key */
#define PVBUSIOC_KVWRITE	PVBUSIO_(2)	/* set pvr_key to pvr_value */
#define PVBUSIOC_KVTYPE		PVBUSIO_(3)	/* hypervisor into pvr_key */
#define PVBUSIOC_TYPE		PVBUSIOC_KVTYPE
#define PVBUSIOC_KVLIST		PVBUSIO_(4)	/* keys below pvr_key */

#if defined(__LP64__)
_Static_assert(sizeof(struct pvbus_req) == 32, "pvbus_req is part of an ABI");
_Static_assert(PVBUSIOC_KVREAD == 0xc0205601UL, "ioctl numbers are fixed");
#endif

#endif /* _SYS_PVBUSIO_H_ */
