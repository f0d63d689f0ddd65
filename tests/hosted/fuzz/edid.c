/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viogpu(4)'s monitors: the sums are made right, or nothing would be read. */

#include "fuzz.h"

#include <dev/pv/viogpuvar.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	struct viogpu_edid ve;
	uint8_t *copy, sum;
	const struct viogpu_mode *vm;
	size_t i, k;

	if (size > VIRTIO_GPU_EDID_MAX)
		return (0);
	if (size == 0 || (copy = host_alloc(size)) == NULL)
		return (0);
	memcpy(copy, data, size);
	if (size >= sizeof(magic))
		memcpy(copy, magic, sizeof(magic));
	for (i = 0; i + 128 <= size; i += 128) {
		for (sum = k = 0; k < 127; k++)
			sum += copy[i + k];
		copy[i + 127] = -sum;
	}
	if (viogpu_edid(copy, size, &ve)) {
		fuzz_check(ve.ve_nmodes <= VIOGPU_NMODES, "modes");
		fuzz_check(ve.ve_name[sizeof(ve.ve_name) - 1] == '\0', "name");
		for (i = 0; i < ve.ve_nmodes; i++) {
			vm = &ve.ve_mode[i];
			fuzz_check(vm->vm_width >= 64 && vm->vm_height >= 64 &&
			    vm->vm_width <= FB_SIDE_MAX &&
			    vm->vm_height <= FB_SIDE_MAX, "a mode");
		}
	}
	host_free(copy);
	return (0);
}
