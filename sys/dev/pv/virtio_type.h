/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIO_TYPE_H_
#define _DEV_PV_VIRTIO_TYPE_H_

#include <sys/types.h>

/* What kind of device that is: "Block"; NULL: not known.  Any context. */
const char	*virtio_type_name(u_int);

#endif /* _DEV_PV_VIRTIO_TYPE_H_ */
