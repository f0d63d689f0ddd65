/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The device tree as a bus, and the interrupts in it.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <machine/mainbus.h>

struct fdt_softc {
	struct device	sc_dev;
};

/* nodes that describe no device, or one that something else looks after */
static const char *const fdt_silent[] = {
	"fixed-clock", "fixed-factor-clock", "arm,psci", "arm,psci-0.2",
	"arm,psci-1.0", "syscon", "syscon-poweroff", "syscon-reboot",
	"qemu,fw-cfg-mmio", "gpio-keys", "operating-points-v2", "sifive,clint0",
	"riscv,clint0", "riscv,pmu",
};

/*
 * What others wait for, wherever in the tree it is: the alarm, and serial
 * ports, as a virtio console is the console only where there are none.
 */
static const char *const fdt_early[] = {
	"arm,armv8-timer", "arm,armv7-timer", "arm,pl011", "arm,sbsa-uart",
	"ns16550a", "ns16550", "snps,dw-apb-uart",
};

static LIST_HEAD(, fdt_intc) intcs = LIST_HEAD_INITIALIZER(intcs);

/* --- for drivers ---------------------------------------------------------------------- */

int
fdt_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct fdt_attach_args *fa = aux;
	const char *const *ident = cf->cf_attach->ca_ident;
	u_int n, i;

	for (n = 0; ident[n] != NULL; n++)
		;
	i = fdt_compatible_index(&fdt_machine, fa->fa_node, ident, n);
	return (n - i);
}

int
fdt_map(const struct fdt_attach_args *fa, u_int n, struct bus_region *br)
{
	uint64_t size;
	paddr_t pa;
	int error;

	if ((error = fdt_reg(&fdt_machine, fa->fa_node, n, &pa, &size)) != 0)
		return (error);
	return (br_map(br, &md_bus_mem, pa, size, 0));
}

/* --- interrupts ------------------------------------------------------------------------- */

void
fdt_intc_register(struct fdt_intc *fc)
{
	LIST_INSERT_HEAD(&intcs, fc, fc_link);
}

static struct fdt_intc *
fdt_intc_of(fdt_node_t node)
{
	struct fdt_intc *fc;

	LIST_FOREACH(fc, &intcs, fc_link) {
		if (fc->fc_node == node)
			return (fc);
	}
	return (NULL);
}

int
fdt_intr_at(const struct fdt_interrupt *fi, struct intr_handle *ih)
{
	struct fdt_intc *fc = fdt_intc_of(fi->fi_controller);

	if (fc == NULL)
		return (ENXIO);
	return (fc->fc_handle(fc->fc_arg, fi->fi_cell, fi->fi_ncells, ih));
}

int
fdt_intr(fdt_node_t node, u_int n, struct intr_handle *ih)
{
	struct fdt_interrupt fi;
	int error;

	if ((error = fdt_interrupt(&fdt_machine, node, n, &fi)) != 0)
		return (error);
	return (fdt_intr_at(&fi, ih));
}

/* --- attachment --------------------------------------------------------------------------- */

static void
fdt_print(const void *aux, struct cfident *id)
{
	const struct fdt_attach_args *fa = aux;
	const char *s = fdt_string(&fdt_machine, fa->fa_node, "compatible", 0);

	strlcpy(id->ci_what, s != NULL ? s :
	    fdt_name(&fdt_machine, fa->fa_node), sizeof(id->ci_what));
	if (fa->fa_size != 0)
		snprintf(id->ci_loc, sizeof(id->ci_loc), " addr %#llx",
		    (unsigned long long)fa->fa_addr);
}

static void
fdt_child_found(struct device *self, fdt_node_t node)
{
	struct fdt_attach_args fa = { .fa_node = node };

	if (fdt_reg(&fdt_machine, node, 0, &fa.fa_addr, &fa.fa_size) != 0)
		fa.fa_addr = fa.fa_size = 0;
	(void)config_found(self, &fa, fdt_compatible_index(&fdt_machine, node,
	    fdt_silent, nitems(fdt_silent)) < nitems(fdt_silent) ? NULL :
	    fdt_print);
}

static bool
has(fdt_node_t node, const char *prop)
{
	return (fdt_prop(&fdt_machine, node, prop, NULL) != NULL);
}

static bool
is_controller(fdt_node_t node)
{
	return (has(node, "interrupt-controller") ||
	    has(node, "msi-controller"));
}

/* Does it wait for another controller, which may yet attach? */
static bool
is_ready(fdt_node_t node)
{
	struct fdt_interrupt fi;

	return (fdt_interrupt(&fdt_machine, node, 0, &fi) != 0 ||
	    fi.fi_controller == node || fdt_intc_of(fi.fi_controller) != NULL);
}

/*
 * Controllers, wherever they are: first those that hang at none or at one
 * that is there already, and in the end the others, which may know what they
 * do.  Those of the processors have no "reg", and are the machine's.
 */
#define FDT_NCONTROLLERS	64

static void
fdt_controllers(struct device *self)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node, wait[FDT_NCONTROLLERS];
	u_int n = 0, i, left;
	bool force, progress;

	for (node = fdt_root(f); node != FDT_NONE;
	    node = fdt_following(f, node)) {
		if (is_controller(node) && has(node, "reg") &&
		    fdt_enabled(f, node) && n < nitems(wait))
			wait[n++] = node;
	}
	for (force = false; n > 0; n = left) {
		progress = false;
		for (i = left = 0; i < n; i++) {
			if (force || is_ready(wait[i])) {
				fdt_child_found(self, wait[i]);
				progress = true;
			} else
				wait[left++] = wait[i];
		}
		force = !progress;
	}
}

static u_int
early_index(fdt_node_t node)
{
	return (fdt_compatible_index(&fdt_machine, node, fdt_early,
	    nitems(fdt_early)));
}

static bool
is_early(fdt_node_t node)
{
	return (early_index(node) < nitems(fdt_early));
}

/* The port that the firmware talks on is the first of them. */
static void
fdt_early_devices(struct device *self)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node, out = fdt_stdout(f);

	if (out != FDT_NONE && is_early(out) && fdt_enabled(f, out))
		fdt_child_found(self, out);
	for (node = fdt_root(f); node != FDT_NONE;
	    node = fdt_following(f, node)) {
		if (node != out && is_early(node) && fdt_enabled(f, node))
			fdt_child_found(self, node);
	}
}

static void
fdt_children(struct device *self, fdt_node_t bus)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node;

	for (node = fdt_child(f, bus); node != FDT_NONE;
	    node = fdt_next(f, node)) {
		if (has(node, "compatible") && fdt_enabled(f, node) &&
		    !is_controller(node) && !is_early(node))
			fdt_child_found(self, node);
	}
}

static int
fdt_root_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	const struct fdt *f = &fdt_machine;
	const char *s = fdt_string(f, fdt_root(f), "model", 0);

	if (s == NULL)
		s = fdt_string(f, fdt_root(f), "compatible", 0);
	device_describe(self, "%s", s != NULL ? s : "a tree without a name");
	fdt_controllers(self);
	fdt_early_devices(self);
	fdt_children(self, fdt_root(f));
	return (0);
}

static const char *const fdt_bus_ident[] = { "simple-bus", NULL };

/* An empty bus is none. */
static int
fdt_bus_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	const struct fdt_attach_args *fa = aux;
	int pri = fdt_match(parent, cf, aux);

	if (pri > 0 && fdt_child(&fdt_machine, fa->fa_node) == FDT_NONE)
		return (CFMATCH_EMPTY);
	return (pri > 0 ? 1 : 0);
}

static int
fdt_bus_attach(struct device *parent __unused, struct device *self, void *aux)
{
	const struct fdt_attach_args *fa = aux;

	device_describe(self, "%s", fdt_name(&fdt_machine, fa->fa_node));
	fdt_children(self, fa->fa_node);
	return (0);
}

CFDRIVER_DECL(fdt, DV_BUS);
CFATTACH_DECL(fdt, mainbus, fdt_softc, .ca_match = mainbus_child_match,
    .ca_attach = fdt_root_attach);
CFATTACH_DECL(fdt, fdt, fdt_softc, .ca_match = fdt_bus_match,
    .ca_attach = fdt_bus_attach, .ca_ident = fdt_bus_ident);
