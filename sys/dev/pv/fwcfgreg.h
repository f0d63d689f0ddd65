/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_FWCFGREG_H_
#define _DEV_PV_FWCFGREG_H_

/*
 * QEMU Firmware Configuration (fw_cfg) Device: docs/specs/fw_cfg.rst of
 * QEMU.  As I/O ports, or as memory, where the selector is big-endian.
 */

#include <sys/wire.h>

#define FWCFG_PORT		0x510	/* where they are on a PC */
#define FWCFG_NPORTS		12
#define FWCFG_SELECTOR		0	/* 16 W */
#define FWCFG_DATA		1	/* 8 R */
#define FWCFG_DMA_HIGH		4	/* 32 W, big-endian */
#define FWCFG_DMA_LOW		8	/* 32 W, big-endian; starts it */

#define FWCFG_MEM_SIZE		24
#define FWCFG_MEM_DATA		0	/* 8 R */
#define FWCFG_MEM_SELECTOR	8	/* 16 W, big-endian */
#define FWCFG_MEM_DMA_HIGH	16	/* 32 W, big-endian */
#define FWCFG_MEM_DMA_LOW	20	/* 32 W, big-endian; starts it */

/* what to select */
#define FWCFG_KEY_SIGNATURE	0x0000	/* "QEMU" */
#define FWCFG_KEY_ID		0x0001	/* le32 */
#define FWCFG_ID_DMA		0x02
#define FWCFG_KEY_DIR		0x0019	/* be32 number, then entries */
#define FWCFG_KEY_FIRST		0x0020	/* of a file */

#define FWCFG_NAMELEN		56

struct fwcfg_dirent {
	be32_w		fd_size;
	be16_w		fd_key;
	be16_w		fd_reserved;
	char		fd_name[FWCFG_NAMELEN];		/* ends with a NUL */
};
_Static_assert(sizeof(struct fwcfg_dirent) == 64, "fwcfg_dirent");

struct fwcfg_dma {
	be32_w		fa_control;	/* 0 when it is done */
	be32_w		fa_length;
	be64_w		fa_address;
};
#define FWCFG_DMA_ERROR		0x01
#define FWCFG_DMA_READ		0x02
#define FWCFG_DMA_SELECT	0x08	/* bits 16 to 31: what */
#define FWCFG_DMA_WRITE		0x10
_Static_assert(sizeof(struct fwcfg_dma) == 16, "fwcfg_dma");

#endif /* _DEV_PV_FWCFGREG_H_ */
