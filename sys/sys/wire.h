/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_WIRE_H_
#define _SYS_WIRE_H_

/*
 * Integers as they lie in memory shared with a device, or in a table that
 * firmware wrote.
 *
 * get and make convert a value; load and store also access shared memory,
 * once, and are never torn, repeated or invented by the compiler.  A struct
 * type keeps a wire integer from being used as a number by mistake.
 *
 * Tests build drivers with the wire in the other byte order, to find a swap
 * that is missing, and with a WIRE_HOOK() that lets the device run between
 * any two accesses.  The kernel does neither.
 */

#include <sys/types.h>

#ifndef WIRE_LE_SWAP
#define WIRE_LE_SWAP	(_BYTE_ORDER == _BIG_ENDIAN)
#endif
#ifndef WIRE_BE_SWAP
#define WIRE_BE_SWAP	(_BYTE_ORDER == _LITTLE_ENDIAN)
#endif
#ifndef WIRE_HOOK
#define WIRE_HOOK()	((void)0)
#endif

#define bswap8(x)	((uint8_t)(x))
#define bswap16(x)	__builtin_bswap16(x)
#define bswap32(x)	__builtin_bswap32(x)
#define bswap64(x)	__builtin_bswap64(x)

typedef struct { uint8_t w; } le8_w;	/* for the access; has no order */
typedef struct { uint16_t w; } le16_w;
typedef struct { uint32_t w; } le32_w;
typedef struct { uint64_t w; } le64_w;
typedef struct { uint16_t w; } be16_w;
typedef struct { uint32_t w; } be32_w;	/* FDT cells, fw_cfg */
typedef struct { uint64_t w; } be64_w;

#define WIRE_DECL(order, bits, swap)					\
static inline uint##bits##_t						\
order##bits##_get(order##bits##_w x)					\
{									\
	return ((swap) ? bswap##bits(x.w) : x.w);			\
}									\
static inline order##bits##_w						\
order##bits##_make(uint##bits##_t v)					\
{									\
	return ((order##bits##_w){ (swap) ? bswap##bits(v) : v });	\
}									\
static inline uint##bits##_t						\
order##bits##_load(const order##bits##_w *p)				\
{									\
	order##bits##_w x;						\
									\
	WIRE_HOOK();							\
	x.w = __atomic_load_n(&p->w, __ATOMIC_RELAXED);			\
	WIRE_HOOK();							\
	return (order##bits##_get(x));					\
}									\
static inline void							\
order##bits##_store(order##bits##_w *p, uint##bits##_t v)		\
{									\
	WIRE_HOOK();							\
	__atomic_store_n(&p->w, order##bits##_make(v).w,		\
	    __ATOMIC_RELAXED);						\
	WIRE_HOOK();							\
}
WIRE_DECL(le, 8, 0)
WIRE_DECL(le, 16, WIRE_LE_SWAP)
WIRE_DECL(le, 32, WIRE_LE_SWAP)
WIRE_DECL(le, 64, WIRE_LE_SWAP)
WIRE_DECL(be, 16, WIRE_BE_SWAP)
WIRE_DECL(be, 32, WIRE_BE_SWAP)
WIRE_DECL(be, 64, WIRE_BE_SWAP)
#undef WIRE_DECL

#endif /* _SYS_WIRE_H_ */
