/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupts of PCI functions: MSI-X, MSI, lines.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pci/pcialloc.h>
#include <dev/pci/pcireg.h>
#include <dev/pci/pcivar.h>

struct pci_msix_vec {
	struct intr_handle	 pv_handle;
	void			*pv_cookie;	/* NULL: not established */
};

#define HOPS	32		/* buses between a function and its host bridge */

/*
 * Who writes the message, as md_msi_alloc() wants it.  A bridge to PCI speaks
 * in the name of its secondary bus (PCI Express to PCI/PCI-X Bridge 1.0, 2.3),
 * and one of conventional PCI in its own.
 */
static uint32_t
msi_requester(const struct pci_attach_args *pa)
{
	struct pci_host *ph = pa->pa_host;
	struct pci_attach_args bridge;
	u_int tag = pa->pa_tag, bus, cap, hops, type;

	bus = PCI_TAG_BUS(tag);
	for (hops = 0; hops < HOPS && bus != ph->ph_firstbus; hops++) {
		if (!pci_function_probe(ph, ph->ph_bridge[bus], &bridge))
			break;
		cap = pci_capability(&bridge, PCI_CAP_PCIE, 0);
		type = cap == 0 ? 0 :
		    pci_conf_read_2(&bridge, cap + PCIE_FLAGS) >> 4 & 0xf;
		if (cap == 0)
			tag = bridge.pa_tag;
		else if (type == PCIE_TYPE_TO_PCI)
			tag = PCI_TAG(bus, 0, 0);
		bus = PCI_TAG_BUS(bridge.pa_tag);
	}
	return (ph->ph_segment << 16 | tag);
}

/* --- MSI-X: PCIe 7.7.2 ------------------------------------------------------------ */

static void
msix_mask(struct pci_msix *pm, u_int n, bool mask)
{
	br_write_4(&pm->pm_table, n * MSIX_ENTRY_SIZE + MSIX_ENTRY_CONTROL,
	    mask ? MSIX_ENTRY_MASKED : 0);
}

int
pci_msix_init(const struct pci_attach_args *pa, struct pci_msix *pm)
{
	uint32_t table;
	uint16_t control;
	u_int cap, n;
	int error;

	if ((cap = pci_capability(pa, PCI_CAP_MSIX, 0)) == 0)
		return (ENOENT);
	control = pci_conf_read_2(pa, cap + MSIX_CONTROL);
	pm->pm_count = (control & MSIX_CONTROL_COUNT) + 1;
	table = pci_conf_read_4(pa, cap + MSIX_TABLE);
	if ((error = pci_bar_map(pa, table & MSIX_TABLE_BAR, 0,
	    &pm->pm_bar)) != 0)
		return (error);
	error = br_sub(&pm->pm_table, &pm->pm_bar, table & ~MSIX_TABLE_BAR,
	    pm->pm_count * MSIX_ENTRY_SIZE);
	if (error == 0 && (pm->pm_vec = kmem_zalloc(pm->pm_count *
	    sizeof(*pm->pm_vec), KM_NOSLEEP)) == NULL)
		error = ENOMEM;
	if (error != 0) {
		br_unmap(&pm->pm_bar);
		return (error);
	}
	pm->pm_cap = cap;
	pm->pm_requester = msi_requester(pa);
	pci_enable(pa, PCI_COMMAND_NOINTX);
	pci_conf_write_2(pa, cap + MSIX_CONTROL,
	    control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK);
	for (n = 0; n < pm->pm_count; n++)
		msix_mask(pm, n, true);
	pci_conf_write_2(pa, cap + MSIX_CONTROL,
	    (control | MSIX_CONTROL_ENABLE) & ~MSIX_CONTROL_MASK);
	return (0);
}

void
pci_msix_fini(const struct pci_attach_args *pa, struct pci_msix *pm)
{
	uint16_t control;
	u_int n;

	if (pm->pm_cap == 0)
		return;
	for (n = 0; n < pm->pm_count; n++)
		KASSERT(pm->pm_vec[n].pv_cookie == NULL);
	control = pci_conf_read_2(pa, pm->pm_cap + MSIX_CONTROL);
	pci_conf_write_2(pa, pm->pm_cap + MSIX_CONTROL,
	    control & ~MSIX_CONTROL_ENABLE);
	kmem_free(pm->pm_vec, pm->pm_count * sizeof(*pm->pm_vec));
	br_unmap(&pm->pm_bar);
	pm->pm_cap = 0;
}

int
pci_msix_establish(struct pci_msix *pm, u_int n, enum ipl ipl,
    struct cpu_info *ci, intr_fn fn, void *arg, const char *name)
{
	struct pci_msix_vec *pv;
	bus_size_t entry = n * MSIX_ENTRY_SIZE;
	uint64_t addr;
	uint32_t data;
	int error;

	KASSERT(n < pm->pm_count);
	pv = &pm->pm_vec[n];
	KASSERT(pv->pv_cookie == NULL);
	if ((error = md_msi_alloc(pm->pm_requester, ci, &pv->pv_handle,
	    &addr, &data)) != 0)
		return (error);
	pv->pv_cookie = intr_establish(&pv->pv_handle, ipl, ci, fn, arg,
	    name);
	if (pv->pv_cookie == NULL) {
		md_msi_free(&pv->pv_handle);
		return (ENOMEM);
	}
	br_write_4(&pm->pm_table, entry + MSIX_ENTRY_ADDRESS, addr);
	br_write_4(&pm->pm_table, entry + MSIX_ENTRY_ADDRESS_HIGH,
	    addr >> 32);
	br_write_4(&pm->pm_table, entry + MSIX_ENTRY_DATA, data);
	msix_mask(pm, n, false);
	return (0);
}

void
pci_msix_disestablish(struct pci_msix *pm, u_int n)
{
	struct pci_msix_vec *pv;

	if (pm->pm_cap == 0 || n >= pm->pm_count)
		return;
	pv = &pm->pm_vec[n];
	if (pv->pv_cookie == NULL)
		return;
	msix_mask(pm, n, true);
	intr_disestablish(pv->pv_cookie);
	pv->pv_cookie = NULL;
	md_msi_free(&pv->pv_handle);
}

void
pci_msix_barrier(struct pci_msix *pm, u_int n)
{
	if (pm->pm_cap != 0 && n < pm->pm_count)
		intr_barrier(pm->pm_vec[n].pv_cookie);
}

/* --- MSI: PCIe 7.7.1 ------------------------------------------------------------------ */

static int
msi_establish(const struct pci_attach_args *pa, u_int cap,
    struct pci_intr *pi, enum ipl ipl, intr_fn fn, void *arg,
    const char *name)
{
	uint16_t control = pci_conf_read_2(pa, cap + MSI_CONTROL);
	uint64_t addr;
	uint32_t data;
	int error;

	if ((error = md_msi_alloc(msi_requester(pa), NULL, &pi->pi_msi,
	    &addr, &data)) != 0)
		return (error);
	pi->pi_cookie = intr_establish(&pi->pi_msi, ipl, NULL, fn, arg, name);
	if (pi->pi_cookie == NULL) {
		md_msi_free(&pi->pi_msi);
		return (ENOMEM);
	}
	pi->pi_ismsi = true;
	pci_conf_write_4(pa, cap + MSI_ADDRESS, addr);
	if (control & MSI_CONTROL_64) {
		pci_conf_write_4(pa, cap + MSI_ADDRESS_HIGH, addr >> 32);
		pci_conf_write_2(pa, cap + MSI_DATA_64, data);
	} else
		pci_conf_write_2(pa, cap + MSI_DATA, data);
	pci_enable(pa, PCI_COMMAND_NOINTX);
	pci_conf_write_2(pa, cap + MSI_CONTROL,
	    (control & ~MSI_CONTROL_MULTIPLE) | MSI_CONTROL_ENABLE);
	return (0);
}

/* --- either ----------------------------------------------------------------------------- */

int
pci_intr_establish(const struct pci_attach_args *pa, struct pci_intr *pi,
    enum ipl ipl, intr_fn fn, void *arg, const char *name)
{
	struct intr_handle ih;
	u_int cap, pin;
	int error;

	pi->pi_cookie = NULL;
	pi->pi_ismsi = false;
	if ((cap = pci_capability(pa, PCI_CAP_MSI, 0)) != 0 &&
	    msi_establish(pa, cap, pi, ipl, fn, arg, name) == 0)
		return (0);
	pin = pci_conf_read_1(pa, PCI_INTERRUPT_PIN);
	if (pin == 0 || pin > 4)
		return (ENOENT);
	error = pa->pa_host->ph_intr(pa->pa_host, pa->pa_tag, pin,
	    pci_conf_read_1(pa, PCI_INTERRUPT_LINE), &ih);
	if (error != 0)
		return (error);
	pi->pi_cookie = intr_establish(&ih, ipl, NULL, fn, arg, name);
	if (pi->pi_cookie == NULL)
		return (ENOMEM);
	pci_conf_write_2(pa, PCI_COMMAND,
	    pci_conf_read_2(pa, PCI_COMMAND) & ~PCI_COMMAND_NOINTX);
	return (0);
}

void
pci_intr_disestablish(const struct pci_attach_args *pa, struct pci_intr *pi)
{
	u_int cap;

	if (pi->pi_cookie == NULL)
		return;
	if (pi->pi_ismsi) {
		cap = pci_capability(pa, PCI_CAP_MSI, 0);
		pci_conf_write_2(pa, cap + MSI_CONTROL,
		    pci_conf_read_2(pa, cap + MSI_CONTROL) &
		    ~MSI_CONTROL_ENABLE);
	} else
		pci_enable(pa, PCI_COMMAND_NOINTX);
	intr_disestablish(pi->pi_cookie);
	if (pi->pi_ismsi)
		md_msi_free(&pi->pi_msi);
	pi->pi_cookie = NULL;
}

/* --- lines ---------------------------------------------------------------------------- */

void
pci_swizzle(const struct pci_host *ph, u_int *tag, u_int *pin)
{
	u_int hops;

	for (hops = 0; hops < HOPS &&
	    PCI_TAG_BUS(*tag) != ph->ph_firstbus; hops++) {
		*pin = (*pin - 1 + PCI_TAG_DEV(*tag)) % 4 + 1;
		*tag = ph->ph_bridge[PCI_TAG_BUS(*tag) & 0xff];
	}
}
