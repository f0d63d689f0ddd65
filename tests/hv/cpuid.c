/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Which hypervisors the shim poses as, and their leaves of CPUID. */

#include "hv.h"
#include "lib.h"

#define SIGNATURE	12

struct pose {
	enum hv_kind kind;
	char	 signature[SIGNATURE];
};

static struct pose poses[HV_POSES];
static unsigned int nposes;

static const struct {
	const char *name;
	enum hv_kind kind;
	char	 signature[SIGNATURE + 1];
} kinds[] = {
	{ "kvm",	HV_KVM,		"KVMKVMKVM\0\0\0" },
	{ "hyperv",	HV_HYPERV,	"Microsoft Hv" },
	{ "vmware",	HV_VMWARE,	"VMwareVMware" },
	{ "xen",	HV_XEN,		"XenVMMXenVMM" },
	{ "bhyve",	HV_BHYVE,	"bhyve bhyve " },
	{ "openbsd",	HV_OPENBSD,	"OpenBSDVMM58" },
};

static bool
add(enum hv_kind kind, const char *signature, size_t len)
{
	struct pose *p = &poses[nposes];

	if (nposes == HV_POSES || len > SIGNATURE)
		return (false);
	nposes++;
	p->kind = kind;
	memset(p->signature, 0, SIGNATURE);
	memcpy(p->signature, signature, len);
	return (true);
}

static bool
add_name(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len &&
		    memcmp(kinds[i].name, name, len) == 0)
			return (add(kinds[i].kind, kinds[i].signature,
			    SIGNATURE));
	return (false);
}

/* NAME[,NAME...], sig:TEXT for any other, none. */
bool
hv_pose(const char *s)
{
	char text[128];
	size_t len;
	const char *end;

	nposes = 0;
	if (strcmp(s, "none") == 0)
		return (true);
	for (;;) {
		end = strchr(s, ',');
		len = end == NULL ? strlen(s) : (size_t)(end - s);
		if (hv_prefix(s, "sig:")) {
			if (len - 4 >= sizeof(text))
				return (false);
			memcpy(text, s + 4, len - 4);
			text[len - 4] = '\0';
			if (!add(HV_SIGNATURE, text, hv_unescape(text)))
				return (false);
		} else if (!add_name(s, len))
			return (false);
		if (end == NULL)
			return (true);
		s = end + 1;
	}
}

bool
hv_poses(enum hv_kind kind)
{
	unsigned int i;

	for (i = 0; i < nposes; i++)
		if (poses[i].kind == kind)
			return (true);
	return (false);
}

bool
hv_present(void)
{
	return (nposes != 0);
}

static void
signature(const struct pose *p, uint32_t base, struct hv_leaf *leaf)
{
	leaf->ax = base;
	memcpy(&leaf->bx, p->signature, 4);
	memcpy(&leaf->cx, p->signature + 4, 4);
	memcpy(&leaf->dx, p->signature + 8, 4);
}

/*
 * Leaves from 0x40000000 on: each hypervisor has its own 256 of them.  The
 * models know them as if they were the first; their highest leaf moves along.
 */
bool
hv_cpuid(uint32_t number, struct hv_leaf *leaf)
{
	unsigned int i, n;
	uint32_t base;

	if (number >> 16 != HV_BASE >> 16)
		return (false);
	memset(leaf, 0, sizeof(*leaf));
	i = (number - HV_BASE) / HV_STEP;
	n = number % HV_STEP;
	if (i >= nposes)
		return (true);
	base = HV_BASE + i * HV_STEP;
	if (n == 0)
		signature(&poses[i], HV_BASE, leaf);
	switch (poses[i].kind) {
	case HV_KVM:
		kvm_leaf(n, leaf, false);
		break;
	case HV_OPENBSD:
		kvm_leaf(n, leaf, true);
		break;
	case HV_HYPERV:
		hyperv_leaf(n, leaf);
		break;
	case HV_VMWARE:
		vmware_leaf(n, leaf);
		break;
	case HV_XEN:
		xen_leaf(n, leaf);
		break;
	default:
		break;
	}
	if (n == 0 && leaf->ax >= HV_BASE)
		leaf->ax += base - HV_BASE;
	return (true);
}
