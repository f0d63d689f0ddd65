/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_IOCCOM_H_
#define _SYS_IOCCOM_H_

/* BSD ioctl numbers: direction, size of the argument, group, number. */

#define IOCPARM_MASK	0x1fffUL
#define IOCPARM_LEN(x)	(((x) >> 16) & IOCPARM_MASK)
#define IOCGROUP(x)	(((x) >> 8) & 0xff)
#define IOC_VOID	0x20000000UL
#define IOC_OUT		0x40000000UL
#define IOC_IN		0x80000000UL
#define IOC_INOUT	(IOC_IN | IOC_OUT)

#endif /* _SYS_IOCCOM_H_ */
