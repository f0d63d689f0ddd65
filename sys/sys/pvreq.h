/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_PVREQ_H_
#define _SYS_PVREQ_H_

/*
 * What a host may ask of the guest, whichever driver hears it: init is told,
 * one line names the device.  Any context.
 */

struct device;

enum host_request { HOST_POWEROFF, HOST_REBOOT };

void	host_request(struct device *, enum host_request);

#endif /* _SYS_PVREQ_H_ */
