/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Device trees: the input as it is, or, as few inputs are a tree, what it says
 * when it is taken for the orders to build one.
 */

#include "fuzz.h"

#include <sys/errno.h>

#include "sim/fdtbuild.h"
#include "sim/fdtwalk.h"

static const char *const names[] = {
	"chosen", "aliases", "memory@0", "soc", "uart@0", "pcie@1", "intc@2",
	"reserved-memory", "a", "uart@1"
};
static const char *const props[] = {
	"reg", "ranges", "#address-cells", "#size-cells", "compatible",
	"status", "phandle", "interrupt-parent", "interrupts",
	"interrupts-extended", "interrupt-map", "interrupt-map-mask",
	"interrupt-controller", "#interrupt-cells", "msi-map", "msi-map-mask",
	"device_type", "stdout-path", "serial0", "linux,initrd-start",
	"linux,initrd-end"
};
static const char *const strings[] = {
	"okay", "disabled", "simple-bus", "virtio,mmio", "memory", "/soc/uart@0",
	"serial0:115200", "serial0"
};

/* A value: small cells, a string, or bytes of the input. */
static size_t
value(struct fdtbuild *fb, const char *name, const uint8_t *p, size_t left)
{
	u_char cells[4 * 24];
	size_t n, i;

	if (left < 2)
		return (left);
	n = p[1] % 24;
	switch (p[0] % 4) {
	case 0:
		fdtbuild_string(fb, name, strings[p[1] % nitems(strings)]);
		return (2);
	case 1:
		n = MIN(p[1], left - 2);
		fdtbuild_bytes(fb, name, p + 2, n);
		return (2 + n);
	default:
		n = MIN(n, left - 2);
		memset(cells, 0, sizeof(cells));
		for (i = 0; i < n; i++)
			cells[4 * i + 3] = p[2 + i];
		fdtbuild_bytes(fb, name, cells, 4 * n);
		return (2 + n);
	}
}

static size_t
build(struct fdtbuild *fb, const uint8_t *p, size_t size)
{
	size_t at = 0;
	u_int depth = 1;

	fdtbuild_init(fb);
	fdtbuild_begin(fb, "");
	while (size - at >= 2) {
		switch (p[at] % 8) {
		case 0:
		case 1:
			if (depth < FDT_MAXDEPTH) {
				fdtbuild_begin(fb,
				    names[p[at + 1] % nitems(names)]);
				depth++;
			}
			at += 2;
			break;
		case 2:
			if (depth > 1) {
				fdtbuild_end(fb);
				depth--;
			}
			at++;
			break;
		default:
			at += 2 + value(fb, props[p[at + 1] % nitems(props)],
			    p + at + 2, size - at - 2);
			break;
		}
	}
	while (depth-- > 0)
		fdtbuild_end(fb);
	return (fdtbuild_finish(fb));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fdtbuild fb;
	struct fdt f;
	u_char *blob;
	size_t n;

	(void)fuzz_again();
	if (fdt_init(&f, data, size) == 0)
		fdtwalk(&f);
	/* in a piece of its own, where a byte too many is seen */
	n = build(&fb, data, size);
	blob = host_alloc(n);
	memcpy(blob, fb.fb_blob, n);
	if (fdt_init(&f, blob, n) == 0)
		fdtwalk(&f);
	host_free(blob);
	return (0);
}
