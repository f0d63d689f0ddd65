/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PCI_PCIREG_H_
#define _DEV_PCI_PCIREG_H_

/* Configuration space: offset, width in bits. */

#define PCI_ID			0x00	/* 32 vendor, product */
#define PCI_STATUS		0x06	/* 16 */
#define PCI_STATUS_CAPLIST	0x0010
#define PCI_CLASS		0x08	/* 32 revision, class */
#define PCI_HEADER		0x0e	/* 8 */
#define PCI_HEADER_DEVICE	0x00
#define PCI_HEADER_BRIDGE	0x01
#define PCI_HEADER_CARDBUS	0x02
#define PCI_HEADER_MULTI	0x80
#define PCI_BAR0		0x10	/* 32 */
#define PCI_BAR_IO		0x01
#define PCI_BAR_TYPE		0x06
#define PCI_BAR_64		0x04
#define PCI_BAR_PREFETCH	0x08
#define PCI_CAPPTR_CARDBUS	0x14	/* 8 */
#define PCI_SUBSYSTEM		0x2c	/* 32 vendor, product */
#define PCI_CAPPTR		0x34	/* 8 */
#define PCI_CAPLIST_MIN		0x40	/* behind the header */
#define PCI_INTERRUPT_LINE	0x3c	/* 8 */
#define PCI_INTERRUPT_PIN	0x3d	/* 8 */

/* bridges (header 1) */
#define PPB_BUSES		0x18	/* 32 primary, secondary, subordinate */
#define PPB_IO			0x1c	/* 8 base, limit */
#define PPB_MEM			0x20	/* 16 base, limit */
#define PPB_PREFETCH		0x24	/* 16 base, limit */
#define PPB_PREFETCH_BASE_HIGH	0x28	/* 32 */
#define PPB_PREFETCH_LIMIT_HIGH	0x2c	/* 32 */
#define PPB_IO_HIGH		0x30	/* 16 base, limit */

/* MSI capability */
#define MSI_CONTROL		0x02	/* 16 */
#define MSI_CONTROL_ENABLE	0x0001
#define MSI_CONTROL_MULTIPLE	0x0070
#define MSI_CONTROL_64		0x0080
#define MSI_ADDRESS		0x04	/* 32 */
#define MSI_ADDRESS_HIGH	0x08	/* 32, if MSI_CONTROL_64 */
#define MSI_DATA		0x08	/* 16 */
#define MSI_DATA_64		0x0c	/* 16 */

/* MSI-X capability and table */
#define MSIX_CONTROL		0x02	/* 16 */
#define MSIX_CONTROL_COUNT	0x07ff	/* less one */
#define MSIX_CONTROL_MASK	0x4000
#define MSIX_CONTROL_ENABLE	0x8000
#define MSIX_TABLE		0x04	/* 32 offset, BAR */
#define MSIX_TABLE_BAR		0x07
#define MSIX_ENTRY_SIZE		16
#define MSIX_ENTRY_ADDRESS	0x00	/* 32 */
#define MSIX_ENTRY_ADDRESS_HIGH	0x04	/* 32 */
#define MSIX_ENTRY_DATA		0x08	/* 32 */
#define MSIX_ENTRY_CONTROL	0x0c	/* 32 */
#define MSIX_ENTRY_MASKED	0x01

#define PCI_VENDOR_QUMRANET	0x1af4

/* PCI Express capability: PCIe 7.5.3 */
#define PCIE_FLAGS		0x02	/* 16; type in bits 4 to 7 */
#define PCIE_TYPE_TO_PCI	7	/* a bridge to PCI or PCI-X */

#endif /* _DEV_PCI_PCIREG_H_ */
