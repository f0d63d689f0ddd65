/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PCI_PCIVAR_H_
#define _DEV_PCI_PCIVAR_H_

/*
 * PCI: what a driver of a function sees.
 *
 * A driver gets a struct pci_attach_args, which it may copy.  All calls are
 * for thread context unless it is said.  Offsets and lengths that a function
 * tells of itself are checked here.
 */

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/intr.h>

struct pci_space;

/* How to reach configuration space: given by the host bridge. */
struct pci_host {
	/* reg is a multiple of 4; 0xffffffff where nothing is */
	uint32_t	(*ph_read)(struct pci_host *, u_int, u_int);
	void		(*ph_write)(struct pci_host *, u_int, u_int,
			    uint32_t);
	/* tag, pin (1-4) and line register to a handle; ENOENT */
	int		(*ph_intr)(struct pci_host *, u_int, u_int, u_int,
			    struct intr_handle *);
	bus_space_tag_t	  ph_mem, ph_io;	/* NULL: no such cycles */
	u_int		  ph_segment;
	u_int		  ph_firstbus, ph_lastbus;
	u_int		  ph_maxbus;	/* highest number in use */
	uint16_t	  ph_bridge[256];	/* tag of what leads to a bus */
	bool		  ph_extended;	/* 4096 bytes a function, else 256 */
	void		 *ph_cookie;	/* the machine's */
	/* what the bridge passes on to its bus; see pcialloc.h */
	void		(*ph_space)(struct pci_host *, struct pci_space *);
};

#define PCI_TAG(bus, dev, func)	((bus) << 8 | (dev) << 3 | (func))
#define PCI_TAG_BUS(t)		((t) >> 8)
#define PCI_TAG_DEV(t)		((t) >> 3 & 0x1f)
#define PCI_TAG_FUNC(t)		((t) & 7)

struct pci_attach_args {
	struct pci_host	*pa_host;
	u_int		 pa_tag;
	uint16_t	 pa_vendor, pa_product;
	uint16_t	 pa_subvendor, pa_subproduct;	/* of a type 0 header */
	uint32_t	 pa_class;		/* class, subclass, interface */
	uint8_t		 pa_revision;
	uint8_t		 pa_header;		/* type, without the multi bit */
};

uint32_t pci_conf_read_4(const struct pci_attach_args *, u_int);
uint16_t pci_conf_read_2(const struct pci_attach_args *, u_int);
uint8_t	 pci_conf_read_1(const struct pci_attach_args *, u_int);
void	 pci_conf_write_4(const struct pci_attach_args *, u_int, uint32_t);
void	 pci_conf_write_2(const struct pci_attach_args *, u_int, uint16_t);
void	 pci_conf_write_1(const struct pci_attach_args *, u_int, uint8_t);

/*
 * The next capability of that id behind offset prev (0: the first).  Returns
 * its offset, 0 if there is none.  A list that runs in circles or leaves its
 * place ends.
 */
u_int	 pci_capability(const struct pci_attach_args *, u_int id, u_int prev);
#define PCI_CAP_MSI	0x05
#define PCI_CAP_VENDOR	0x09
#define PCI_CAP_PCIE	0x10
#define PCI_CAP_MSIX	0x11

/*
 * pci_bar_info: kind, address and size of a base address register; see
 *	pcialloc.h for those that the firmware did not assign.  ENOENT: not
 *	there; ENOSPC: it has no address.
 * pci_bar_map: the same, mapped and enabled.  Unmap with br_unmap().
 * pci_enable: memory, I/O and bus master bits of the command register.
 */
struct pci_bar {
	bool		 pb_io;
	bool		 pb_64;		/* takes the next register too */
	bool		 pb_prefetch;
	bus_addr_t	 pb_addr;
	bus_size_t	 pb_size;
};
int	 pci_bar_info(const struct pci_attach_args *, u_int,
	    struct pci_bar *);
int	 pci_bar_map(const struct pci_attach_args *, u_int, int,
	    struct bus_region *);
#define PCI_NBARS	6
void	 pci_enable(const struct pci_attach_args *, u_int);
#define PCI_COMMAND		0x04
#define PCI_COMMAND_IO		0x0001
#define PCI_COMMAND_MEM		0x0002
#define PCI_COMMAND_MASTER	0x0004
#define PCI_COMMAND_NOINTX	0x0400

/*
 * Interrupts of a function: MSI-X, else MSI (one vector), else its line.
 *
 * pci_msix_init: maps the table, masks all vectors, and turns MSI-X on;
 *	ENOENT: the function has none.  pci_msix_count: vectors in the table.
 * pci_msix_establish: vector n calls fn.  pci_msix_disestablish: any vector
 *	established or not.  pci_msix_fini: turns MSI-X off; all vectors must
 *	have been disestablished.
 * pci_intr_establish: MSI if there is, else INTx, where the handler must
 *	tell whether the interrupt was its own.
 */
struct pci_msix {
	struct bus_region	 pm_bar;
	struct bus_region	 pm_table;
	u_int			 pm_cap;	/* 0: not initialised */
	uint32_t		 pm_requester;	/* see md_msi_alloc() */
	u_int			 pm_count;
	struct pci_msix_vec	*pm_vec;
};
int	 pci_msix_init(const struct pci_attach_args *, struct pci_msix *);
void	 pci_msix_fini(const struct pci_attach_args *, struct pci_msix *);
int	 pci_msix_establish(struct pci_msix *, u_int, enum ipl,
	    struct cpu_info *, intr_fn, void *, const char *);
void	 pci_msix_disestablish(struct pci_msix *, u_int);
void	 pci_msix_barrier(struct pci_msix *, u_int);

struct pci_intr {
	void			*pi_cookie;
	struct intr_handle	 pi_msi;
	bool			 pi_ismsi;
};
int	 pci_intr_establish(const struct pci_attach_args *, struct pci_intr *,
	    enum ipl, intr_fn, void *, const char *);
void	 pci_intr_disestablish(const struct pci_attach_args *,
	    struct pci_intr *);

/*
 * For the ph_intr of a host bridge: the lines of functions behind bridges come
 * out at the bridge, turned by the device number (PCI-to-PCI Bridge 1.2, 9.1).
 * Tag and pin become those on the host bridge's own bus.
 */
void	 pci_swizzle(const struct pci_host *, u_int *tag, u_int *pin);

/* "dev 3 function 0" and "1af4:1042 Block Device": a cfprint_t */
void	 pci_print(const void *, struct cfident *);

/* buses: found by the machine or by a bridge */
struct pcibus_attach_args {
	struct pci_host	*pba_host;
	u_int		 pba_bus;
	const struct pci_attach_args *pba_bridge;	/* NULL: the root */
};
int	 pci_bus_match(struct device *, const struct cfdata *, const void *);
bool	 pci_locators_match(const struct cfdata *,
	    const struct pci_attach_args *);
/* for the machine's way to attach a bus at its host bridge */
struct pci_softc {
	struct device		 sc_dev;
	struct pci_host		*sc_host;
	u_int			 sc_bus;
	const struct pci_attach_args *sc_bridge;	/* NULL: the root */
	struct pci_space	*sc_space;		/* during attach */
};
int	 pci_attach(struct device *, struct device *, void *);
int	 pci_detach(struct device *, int);

/*
 * Configuration space in memory (PCIe 7.2.2), mapped bus by bus when it is
 * used; base is where bus 0 is, or would be.  Fills in ph_read, ph_write,
 * ph_extended and ph_cookie; ph_firstbus and ph_lastbus are set.  ENOMEM.
 */
int	 pci_ecam_init(struct pci_host *, bus_addr_t base);
void	 pci_ecam_fini(struct pci_host *);

/* the machine's: config_found() each host bridge below this device */
void	 pci_machdep_hosts(struct device *);

#endif /* _DEV_PCI_PCIVAR_H_ */
