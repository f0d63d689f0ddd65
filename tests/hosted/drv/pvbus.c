/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * pvbus(4): who is there by what evidence, several stores behind one node,
 * and each error of the interface in its order.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/pvbusio.h>
#include <sys/sysctl.h>

#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

char	*strstr(const char *, const char *);

static struct pv_evidence evidence[40];
static struct cdev	*node;
static char		 value[PVBUS_KV_MAX + 8];
static char		 key[PVBUS_KV_MAX + 8];

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pvbus" };

	(void)config_found(mainbus, &ma, NULL);
}

static int
setup(void **state)
{
	sim_init();
	sim_mainbus_children = children;
	memset(evidence, 0, sizeof(evidence));
	sim_evidence = evidence;
	sim_nevidence = 0;
	node = NULL;
	return (0);
}

static void
end(void)
{
	node_close(node, FREAD | FWRITE);
	node = NULL;
	sim_detach();
}

static int
teardown(void **state)
{
	end();
	sim_nevidence = 0;
	return (sim_fini());
}

static struct pv_evidence *
see(int kind, uint32_t base, const char *sig, size_t len)
{
	struct pv_evidence *pe = &evidence[sim_nevidence++];

	memset(pe, 0, sizeof(*pe));
	pe->pe_kind = kind;
	pe->pe_base = base;
	memcpy(pe->pe_sig, sig, len);
	return (pe);
}

static struct pv_evidence *
see_cpuid(const char *sig)
{
	return (see(PVE_CPUID, 0x40000000 + 0x100 * sim_nevidence, sig,
	    PVE_SIGLEN));
}

static void
attach(void)
{
	sim_attach();
	node = node_open("pvbus0", FREAD | FWRITE);
	assert_non_null(node);
}

static bool
line(const char *text)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "pvbus0 at mainbus0: %s\n", text);
	return (sim_said(wanted));
}

static const char *
sysctl(const char *name)
{
	static char text[512];
	size_t len;

	return (sysctl_read(name, text, sizeof(text), &len) == 0 ? text :
	    NULL);
}

static const char *
type_of(u_int unit)
{
	static char name[64];
	struct pvbus_req pvr = { sizeof(name), name, 0, NULL };
	char file[16];
	struct cdev *cd;
	int error;

	snprintf(file, sizeof(file), "pvbus%u", unit);
	if ((cd = node_open(file, FREAD)) == NULL)
		return (NULL);
	error = dev_userioctl(cd, PVBUSIOC_KVTYPE, &pvr, FREAD);
	node_close(cd, FREAD);
	return (error == 0 ? name : NULL);
}

/* --- who is there ----------------------------------------------------- */

static void
every_signature_has_its_name(void **state)
{
	static const struct {
		const char *sig, *name, *shown;
	} row[] = {
		{ "KVMKVMKVM\0\0", "KVM", "KVM" },
		{ "Microsoft Hv", "Hyper-V", "Hyper-V" },
		{ "VMwareVMware", "VMware", "VMware" },
		{ "XenVMMXenVMM", "Xen", "Xen 0.0" },
		{ "bhyve bhyve ", "bhyve", "bhyve" },
		{ "OpenBSDVMM58", "OpenBSD", "OpenBSD" },
		{ "TCGTCGTCGTCG", "TCG", "TCG" },
		{ "VBoxVBoxVBox", "VirtualBox", "VirtualBox" },
		{ "___ NVMM ___", "NVMM", "NVMM" },
		{ "HAXMHAXMHAXM", "HAXM", "HAXM" },
		{ "ACRNACRNACRN", "ACRN", "ACRN" },
		{ "Linux KVM Hv", "KVM Hyper-V", "KVM Hyper-V" },
		{ " lrpepyh  vr", "Parallels", "Parallels" },
		{ " prl hyperv ", "Parallels", "Parallels" },
		{ "Jailhouse\0\0", "Jailhouse", "Jailhouse" },
		{ " QNXQVMBSQG ", "QNX", "QNX" },
		{ "BHyVE BHyVE ", "BHyVE", "BHyVE" },
		{ "UnisysSpar64", "s-Par", "s-Par" },
		{ "SRESRESRESRE", "Lockheed Martin LMHS",
		    "Lockheed Martin LMHS" },
		{ "EVMMEVMMEVMM", "EVMM", "EVMM" },
		{ "LKVMLKVMLKVM", "LKVM", "LKVM" },
	};
	u_int i;

	for (i = 0; i < nitems(row); i++) {
		sim_nevidence = 0;
		see_cpuid(row[i].sig);
		attach();
		assert_true(line(row[i].shown));
		assert_string_equal(sysctl("hw.hypervisor"), row[i].shown);
		assert_string_equal(type_of(0), row[i].name);
		assert_null(type_of(1));
		end();
	}
}

static void
all_twelve_bytes_count(void **state)
{
	static const char *const sig[] = { "KVMKVMKVM  \0", "KVMKVMKVMKVM",
	    "microsoft hv", "Microsoft HV", "bhyve bhyve\0", "XenVMMXenVM\0",
	    "OpenBSDVMM59", "TCGTCGTCGTC\0", "Jailhouse   " };
	u_int i;

	for (i = 0; i < nitems(sig); i++) {
		sim_nevidence = 0;
		see_cpuid(sig[i]);
		attach();
		if (!line("no hypervisor"))
			fail_msg("%s: %s", sig[i], hosted_console());
		assert_null(type_of(0));
		end();
	}
}

static void
other_machines_have_other_evidence(void **state)
{
	static const uint32_t uuid[4] = { 0xb66fb428, 0xe911c52e, 0x564bcaa9,
	    0x743a004d };
	struct pv_evidence *pe;
	u_int i;
	static const struct {
		int kind;
		uint32_t base;
		const char *sig, *shown;
	} row[] = {
		{ PVE_SBI, 3, "", "KVM" },
		{ PVE_SBI, 1, "", "no hypervisor" },
		{ PVE_FDT, 0, "linux,kvm", "KVM" },
		{ PVE_FDT, 0, "xen,xen", "Xen 0.0" },
		{ PVE_FDT, 0, "xen,xen-4.17", "Xen 4.17" },
		{ PVE_FDT, 0, "qemu", "TCG" },
		{ PVE_FDT, 0, "other,hv", "no hypervisor" },
		/* a signature of CPUID anywhere else is none */
		{ PVE_FDT, 0, "VMwareVMware", "no hypervisor" },
		{ PVE_SMBIOS, 0, "KVMKVMKVM", "no hypervisor" },
		{ PVE_SBI, 0, "TCGTCGTCGTCG", "no hypervisor" },
	};

	for (i = 0; i < nitems(row); i++) {
		sim_nevidence = 0;
		see(row[i].kind, row[i].base, row[i].sig, strlen(row[i].sig));
		attach();
		if (!line(row[i].shown))
			fail_msg("%s: %s", row[i].sig, hosted_console());
		end();
	}
	for (i = 0; i < 5; i++) {
		sim_nevidence = 0;
		pe = see(PVE_SMCCC, 0, "", 0);
		memcpy(pe->pe_regs, uuid, sizeof(uuid));
		if (i < 4)
			pe->pe_regs[i] ^= 1;
		attach();
		assert_true(line(i < 4 ? "no hypervisor" : "KVM"));
		end();
	}
}

static void
versions_are_shown(void **state)
{
	static const char *const odd[] = { "xen,xen-", "xen,xen-x", "xen,xen-4",
	    "xen,xen-4.", "xen,xen-.1", "xen,xen-99999999999999999999.1" };
	struct pv_evidence *pe;
	u_int i;

	pe = see_cpuid("Microsoft Hv");
	pe->pe_regs2[1] = 10 << 16 | 3;
	pe = see_cpuid("XenVMMXenVMM");
	pe->pe_regs[0] = 4 << 16 | 19;
	attach();
	assert_true(line("Hyper-V 10.3, Xen 4.19"));
	assert_string_equal(sysctl("hw.hypervisor"), "Hyper-V 10.3, Xen 4.19");
	end();
	sim_nevidence = 0;
	pe = see_cpuid("Microsoft Hv");
	pe->pe_regs2[1] = UINT32_MAX;
	pe = see_cpuid("XenVMMXenVMM");
	pe->pe_regs[0] = UINT32_MAX;
	attach();
	assert_true(line("Hyper-V 65535.65535, Xen 65535.65535"));
	for (i = 0; i < nitems(odd); i++) {
		end();
		sim_nevidence = 0;
		see(PVE_FDT, 0, odd[i], strlen(odd[i]));
		attach();
		assert_true(sim_said("pvbus0 at mainbus0: Xen"));
	}
}

static void
units_are_in_the_order_of_the_table(void **state)
{
	static const char *const sig[] = { "KVMKVMKVM\0\0", "Microsoft Hv",
	    "VMwareVMware", "XenVMMXenVMM", "bhyve bhyve ", "OpenBSDVMM58",
	    "TCGTCGTCGTCG", "VBoxVBoxVBox" };
	static const char *const name[] = { "KVM", "Hyper-V", "VMware", "Xen",
	    "bhyve", "OpenBSD", "TCG", "VirtualBox" };
	u_int round, i, k, n, order[nitems(sig)], bits;

	for (round = 0; round < 60; round++) {
		sim_nevidence = 0;
		bits = 1 + sim_random((1 << nitems(sig)) - 1);
		for (i = 0; i < nitems(sig); i++)
			order[i] = i;
		for (i = nitems(sig) - 1; i > 0; i--) {
			k = sim_random(i + 1);
			n = order[i];
			order[i] = order[k];
			order[k] = n;
		}
		for (i = 0; i < nitems(sig); i++) {
			if (bits >> order[i] & 1)
				see_cpuid(sig[order[i]]);
		}
		attach();
		for (n = i = 0; i < nitems(sig); i++) {
			if (!(bits >> i & 1))
				continue;
			assert_string_equal(type_of(n), name[i]);
			n++;
		}
		assert_null(type_of(n));
		end();
	}
}

/* The first of them counts, and so does only what fits. */
static void
the_same_one_twice_is_one(void **state)
{
	struct pv_evidence *pe;

	pe = see_cpuid("XenVMMXenVMM");
	pe->pe_regs[0] = 4 << 16 | 1;
	see_cpuid("KVMKVMKVM\0\0");
	pe = see_cpuid("XenVMMXenVMM");
	pe->pe_regs[0] = 4 << 16 | 2;
	see(PVE_FDT, 0, "linux,kvm", 9);
	attach();
	assert_true(line("KVM, Xen 4.1"));
	assert_null(type_of(2));
}

static void
more_than_there_is_room_for_do_no_harm(void **state)
{
	static const char *const sig[] = { "KVMKVMKVM\0\0", "Microsoft Hv",
	    "VMwareVMware", "XenVMMXenVMM", "bhyve bhyve ", "OpenBSDVMM58",
	    "TCGTCGTCGTCG", "VBoxVBoxVBox", "___ NVMM ___", "HAXMHAXMHAXM",
	    "ACRNACRNACRN", " QNXQVMBSQG ", "EVMMEVMMEVMM", "LKVMLKVMLKVM",
	    "SRESRESRESRE", "UnisysSpar64", "BHyVE BHyVE ", "Linux KVM Hv" };
	u_int i;

	for (i = 0; i < nitems(sig); i++)
		see_cpuid(sig[i]);
	attach();
	for (i = 0; type_of(i) != NULL; i++)
		;
	assert_in_range(i, 8, nitems(sig));
	assert_string_equal(type_of(0), "KVM");
	assert_string_equal(type_of(7), "VirtualBox");
}

static void
evidence_that_is_no_text_is_none(void **state)
{
	char sig[64];
	u_int round, i, n;

	for (round = 0; round < 100; round++) {
		sim_nevidence = 0;
		n = sim_random(20);
		for (i = 0; i < n; i++) {
			for (u_int k = 0; k < sizeof(sig) - 1; k++)
				sig[k] = 128 + sim_random(128);
			sig[63] = '\0';
			see((int[]){ PVE_CPUID, PVE_SMCCC, PVE_SBI, PVE_FDT,
			    PVE_SMBIOS }[sim_random(5)], 100 + sim_random(100),
			    sig, sizeof(sig));
		}
		attach();
		assert_true(line("no hypervisor"));
		end();
	}
}

static void
features_are_in_words(void **state)
{
	struct pv_evidence *pe;
	char *text;

	pe = see_cpuid("KVMKVMKVM\0\0");
	pe->pe_regs[0] = 1 << 0 | 1 << 3 | 1 << 8 | 1 << 24 | 1U << 31;
	pe = see_cpuid("Microsoft Hv");
	pe->pe_regs3[0] = 1 << 1 | 1 << 9 | 1U << 31;
	pe->pe_regs3[3] = 1 << 10 | 1U << 31;
	see_cpuid("VMwareVMware");
	attach();
	assert_true(sim_said("pvbus0: KVM offers CLOCKSOURCE,CLOCKSOURCE2,"
	    "bit8,CLOCKSOURCE_STABLE,bit31\n"));
	assert_string_equal(sysctl("hw.pvbus.0.features"),
	    "CLOCKSOURCE,CLOCKSOURCE2,bit8,CLOCKSOURCE_STABLE,bit31");
	assert_string_equal(sysctl("hw.pvbus.1.features"),
	    "TIME_REF_COUNT,REFERENCE_TSC,bit31,CRASH,bit63");
	assert_null(sysctl("hw.pvbus.2.features"));
	end();
	/* all at once; and cut where there is no room */
	sim_nevidence = 0;
	pe = see_cpuid("Microsoft Hv");
	pe->pe_regs3[0] = pe->pe_regs3[3] = UINT32_MAX;
	attach();
	text = (char *)(vaddr_t)sysctl("hw.pvbus.0.features");
	assert_non_null(strstr(text, "VP_RUNTIME,TIME_REF_COUNT,SYNIC,"));
	assert_non_null(strstr(text, ",bit62,bit63"));
	{
		char few[9];
		size_t len;

		assert_int_equal(sysctl_read("hw.pvbus.0.features", few,
		    sizeof(few), &len), 0);
		assert_string_equal(few, "VP_RUNTI");
	}
}

static void
without_features_there_are_no_words(void **state)
{
	see_cpuid("KVMKVMKVM\0\0");
	attach();
	assert_false(sim_said("offers"));
	assert_string_equal(sysctl("hw.pvbus.0.features"), "");
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	see_cpuid("KVMKVMKVM\0\0")->pe_regs[0] = 1;
	see_cpuid("Microsoft Hv");
	see_cpuid("XenVMMXenVMM");
	for (n = 1; n < 100; n++) {
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		assert_int_equal(hosted_nallocs, 0);
	}
	assert_true(n > 3 && n < 100);
	hosted_fail_at = 0;
}

/* --- several stores --------------------------------------------------- */

struct store {
	struct pvbus_store	 st_store;
	struct pvbus_kvops	 st_ops;
	const char		*st_key, *st_value, *st_list;
	int			 st_error;	/* of each call */
	u_int			 st_ncalls, st_inside;
	bool			 st_hold;
	bool			 st_attached;
	char			 st_written[64];
};

static struct store	 store[3];
static struct pvbus_hv	*hv;

static int
store_enter(struct store *st)
{
	st->st_ncalls++;
	st->st_inside++;
	while (st->st_hold)
		(void)msleep_nsec(&st->st_hold, NULL, PRI_KERN, "hold", 1000);
	st->st_inside--;
	return (st->st_error);
}

static int
give(const char *text, void *buf, size_t *lenp)
{
	size_t room = *lenp;

	*lenp = strlen(text);
	if (*lenp > room)
		return (ERANGE);
	memcpy(buf, text, *lenp);
	return (0);
}

static int
store_read(void *arg, const char *k, void *buf, size_t *lenp)
{
	struct store *st = arg;
	int error = store_enter(st);

	if (error != 0)
		return (error);
	return (strcmp(k, st->st_key) != 0 ? ENOENT :
	    give(st->st_value, buf, lenp));
}

static int
store_write(void *arg, const char *k, char *v, size_t size)
{
	struct store *st = arg;
	int error = store_enter(st);

	if (error != 0)
		return (error);
	if (strcmp(k, st->st_key) != 0)
		return (ENOENT);
	strlcpy(st->st_written, v, sizeof(st->st_written));
	strlcpy(v, "said", size);
	return (0);
}

static int
store_list(void *arg, const char *prefix, void *buf, size_t *lenp)
{
	struct store *st = arg;
	int error = store_enter(st);

	if (error != 0)
		return (error);
	return (st->st_list[0] == '\0' ? ENOENT :
	    give(st->st_list, buf, lenp));
}

static void
stores(u_int n)
{
	static const char *const k[] = { "a", "b", "c" };
	static const char *const v[] = { "first", "second", "third" };
	static const char *const l[] = { "a\naa", "b", "c\ncc\nccc" };
	u_int i;

	see_cpuid("XenVMMXenVMM");		/* has no devices */
	attach();
	hv = pvbus_hv_byname("Xen");
	assert_non_null(hv);
	assert_null(pvbus_hv_byname("KVM"));
	memset(store, 0, sizeof(store));
	for (i = 0; i < n; i++) {
		store[i] = (struct store){ .st_key = k[i], .st_value = v[i],
		    .st_list = l[i], .st_attached = true,
		    .st_ops = { store_read, store_write, store_list } };
		store[i].st_store.ps_ops = &store[i].st_ops;
		store[i].st_store.ps_arg = &store[i];
		pvbus_kv_attach(hv, &store[i].st_store);
	}
}

static void
take(u_int i)
{
	if (!store[i].st_attached)
		return;
	store[i].st_attached = false;
	pvbus_kv_detach(hv, &store[i].st_store);
}

static int
stores_end(void **state)
{
	u_int i;

	for (i = 0; i < nitems(store); i++)
		store[i].st_hold = false;
	hosted_run(1000000);
	for (i = 0; i < nitems(store); i++)
		take(i);
	return (teardown(state));
}

static int
kv(u_long cmd, const char *k, size_t room, size_t *lenp)
{
	struct pvbus_req pvr = { .pvr_keylen = strlen(k) + 1, .pvr_key = key,
	    .pvr_valuelen = room, .pvr_value = value };
	int error;

	strlcpy(key, k, sizeof(key));
	error = dev_userioctl(node, cmd, &pvr, FREAD | FWRITE);
	if (lenp != NULL)
		*lenp = pvr.pvr_valuelen;
	return (error);
}

static int
rd(const char *k)
{
	memset(value, 'z', 100);
	return (kv(PVBUSIOC_KVREAD, k, 100, NULL));
}

static int
wr(const char *k, const char *v)
{
	strlcpy(value, v, sizeof(value));
	return (kv(PVBUSIOC_KVWRITE, k, 100, NULL));
}

static void
stores_are_asked_in_their_order(void **state)
{
	stores(3);
	assert_int_equal(rd("b"), 0);
	assert_string_equal(value, "second");
	assert_int_equal(store[0].st_ncalls, 1);
	assert_int_equal(store[1].st_ncalls, 1);
	assert_int_equal(store[2].st_ncalls, 0);
	assert_int_equal(rd("c"), 0);
	assert_string_equal(value, "third");
	assert_int_equal(rd("d"), ENOENT);
	/* the first that has the key has it */
	store[0].st_key = "c";
	assert_int_equal(rd("c"), 0);
	assert_string_equal(value, "first");
	assert_int_equal(wr("c", "new"), 0);
	assert_string_equal(store[0].st_written, "new");
	assert_string_equal(store[2].st_written, "");
	assert_string_equal(value, "said");
}

static void
a_store_that_cannot_is_passed_by(void **state)
{
	stores(3);
	store[0].st_ops.kv_read = NULL;
	store[1].st_error = EOPNOTSUPP;
	assert_int_equal(rd("c"), 0);
	assert_string_equal(value, "third");
	assert_int_equal(rd("d"), ENOENT);
	store[0].st_ops.kv_write = NULL;
	assert_int_equal(wr("c", "new"), 0);
	assert_string_equal(store[2].st_written, "new");
	/* none has it, and one could not have written it */
	assert_int_equal(wr("d", "new"), EOPNOTSUPP);
	store[0].st_ops.kv_list = NULL;
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), 0);
	assert_string_equal(value, "c\ncc\nccc");
}

static void
without_an_operation_it_is_not_supported(void **state)
{
	u_int i;

	stores(2);
	for (i = 0; i < 2; i++)
		memset(&store[i].st_ops, 0, sizeof(store[i].st_ops));
	assert_int_equal(rd("a"), EOPNOTSUPP);
	assert_int_equal(wr("a", "x"), EOPNOTSUPP);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), EOPNOTSUPP);
}

static void
any_other_error_ends_the_search(void **state)
{
	static const int error[] = { EIO, EINVAL, ERANGE, EROFS, ENOMEM };
	u_int i;

	stores(3);
	for (i = 0; i < nitems(error); i++) {
		store[1].st_error = error[i];
		store[2].st_ncalls = 0;
		assert_int_equal(rd("c"), error[i]);
		assert_int_equal(wr("c", "x"), error[i]);
		assert_int_equal(store[2].st_ncalls, 0);
		assert_int_equal(store[1].st_store.ps_busy, 0);
		assert_int_equal(rd("a"), 0);
		if (error[i] != ERANGE)
			assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL),
			    error[i]);
	}
}

static void
lists_are_joined(void **state)
{
	size_t len;

	stores(3);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, &len), 0);
	assert_string_equal(value, "a\naa\nb\nc\ncc\nccc");
	assert_int_equal(len, strlen(value));
	store[1].st_list = "";
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), 0);
	assert_string_equal(value, "a\naa\nc\ncc\nccc");
	store[0].st_list = "";
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), 0);
	assert_string_equal(value, "c\ncc\nccc");
	store[2].st_list = "";
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), ENOENT);
}

static void
a_list_fits_or_is_out_of_range(void **state)
{
	size_t room, want;

	stores(3);
	want = strlen("a\naa\nb\nc\ncc\nccc") + 1;
	for (room = 1; room <= want + 3; room++) {
		memset(value, 'z', 100);
		if (room < want) {
			assert_int_equal(kv(PVBUSIOC_KVLIST, "", room, NULL),
			    ERANGE);
			assert_int_equal(value[0], 'z');
		} else {
			assert_int_equal(kv(PVBUSIOC_KVLIST, "", room, NULL),
			    0);
			assert_string_equal(value, "a\naa\nb\nc\ncc\nccc");
			assert_int_equal(value[want], 'z');
		}
	}
}

static void
a_value_fits_or_is_out_of_range(void **state)
{
	size_t room, len;

	stores(1);
	for (room = 1; room <= 8; room++) {
		memset(value, 'z', 100);
		if (room < sizeof("first")) {
			assert_int_equal(kv(PVBUSIOC_KVREAD, "a", room, &len),
			    ERANGE);
			assert_int_equal(value[0], 'z');
			assert_int_equal(len, room);
		} else {
			assert_int_equal(kv(PVBUSIOC_KVREAD, "a", room, &len),
			    0);
			assert_int_equal(len, 5);
			assert_string_equal(value, "first");
			assert_int_equal(value[6], 'z');
		}
	}
}

static int	caller_error[8];

static void
caller(void *arg)
{
	char k[] = "a", v[32];
	struct pvbus_req pvr = { sizeof(k), k, sizeof(v), v };

	*(int *)arg = dev_userioctl(node, PVBUSIOC_KVREAD, &pvr, FREAD);
}

static void
taker(void *arg)
{
	take(0);
	*(int *)arg = store[0].st_inside;
}

static void
a_store_goes_when_nobody_is_in_it(void **state)
{
	struct thread *td[nitems(caller_error)], *away;
	int inside = -1;
	u_int i;

	stores(2);
	store[1].st_key = "a";
	store[0].st_hold = true;
	for (i = 0; i < nitems(td); i++) {
		caller_error[i] = -1;
		assert_int_equal(kthread_create(caller, &caller_error[i],
		    PRI_KERN, "c", &td[i]), 0);
	}
	hosted_run(1000000);
	assert_int_equal(store[0].st_inside, nitems(td));
	assert_int_equal(kthread_create(taker, &inside, PRI_KERN, "t", &away),
	    0);
	hosted_run(1000000);
	assert_int_equal(inside, -1);		/* it waits */
	/* who comes now asks the next */
	assert_int_equal(rd("a"), 0);
	assert_string_equal(value, "second");
	assert_int_equal(store[0].st_inside, nitems(td));
	store[0].st_hold = false;
	kthread_join(away);
	assert_int_equal(inside, 0);
	for (i = 0; i < nitems(td); i++) {
		kthread_join(td[i]);
		assert_int_equal(caller_error[i], 0);
	}
}

static void
when_the_last_store_is_going_there_is_none(void **state)
{
	struct thread *td, *away;
	int inside = -1;

	stores(1);
	store[0].st_hold = true;
	assert_int_equal(kthread_create(caller, &caller_error[0], PRI_KERN,
	    "c", &td), 0);
	hosted_run(1000000);
	assert_int_equal(kthread_create(taker, &inside, PRI_KERN, "t", &away),
	    0);
	hosted_run(1000000);
	assert_int_equal(rd("a"), ENXIO);
	assert_int_equal(wr("a", "x"), ENXIO);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 100, NULL), ENXIO);
	store[0].st_hold = false;
	kthread_join(away);
	kthread_join(td);
	assert_int_equal(caller_error[0], 0);
	assert_int_equal(rd("a"), ENXIO);
}

/* For others in the kernel. */
static void
a_driver_reads_a_value_of_its_own(void **state)
{
	char buf[8];
	size_t len;

	stores(2);
	assert_int_equal(pvbus_kv_read(hv, "b", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(buf, "second", 6);
	assert_int_equal(pvbus_kv_read(hv, "b", buf, 6, &len), ERANGE);
	assert_int_equal(len, 6);
	assert_int_equal(pvbus_kv_read(hv, "d", buf, sizeof(buf), &len),
	    ENOENT);
}

/* --- errors ----------------------------------------------------------- */

#define BAD	((char *)8)

static int
ask(u_long cmd, char *k, size_t keylen, char *v, size_t valuelen, int flags)
{
	struct pvbus_req pvr = { keylen, k, valuelen, v };
	int error = dev_userioctl(node, cmd, &pvr, flags);

	if (error != 0) {
		assert_int_equal(pvr.pvr_keylen, keylen);
		assert_int_equal(pvr.pvr_valuelen, valuelen);
	}
	return (error);
}

static const u_long	cmds[] = { PVBUSIOC_KVREAD, PVBUSIOC_KVWRITE,
	PVBUSIOC_KVLIST };
static const size_t	too_long[] = { PVBUS_KV_MAX + 1, 1UL << 32,
	1UL << 63, ~0UL };
static const u_long	unknown[] = { 0, 0xc0205600, 0xc0205605, 0xc0105601,
	0x80205602, 0xc0205501, 0x5601, 0xffffffff };

/* Each row is wrong in all that comes later, too. */
static void
the_first_error_of_the_order_is_told(void **state)
{
	u_int i, k;

	attach();
	/* not open for writing */
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVWRITE, BAD, FREAD),
	    EPERM);
	/* no hypervisor */
	for (i = 0; i < nitems(cmds); i++)
		assert_int_equal(dev_userioctl(node, cmds[i], BAD, FREAD |
		    FWRITE), ENXIO);
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVTYPE, BAD, FREAD),
	    ENXIO);
	for (i = 0; i < nitems(unknown); i++)
		assert_int_equal(dev_userioctl(node, unknown[i], BAD, FREAD),
		    ENXIO);
	end();
	/* an unknown command, then no store */
	stores(0);
	for (i = 0; i < nitems(unknown); i++)
		assert_int_equal(dev_userioctl(node, unknown[i], BAD, FREAD),
		    ENOTTY);
	for (i = 0; i < nitems(cmds); i++)
		assert_int_equal(dev_userioctl(node, cmds[i], BAD, FREAD |
		    FWRITE), ENXIO);
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVTYPE, BAD, FREAD),
	    EFAULT);
	end();
	sim_nevidence = 0;
	stores(1);
	for (i = 0; i < nitems(cmds); i++) {
		u_long cmd = cmds[i];

		/* the structure */
		assert_int_equal(dev_userioctl(node, cmd, BAD, FREAD | FWRITE),
		    EFAULT);
		assert_int_equal(dev_userioctl(node, cmd, NULL, FREAD |
		    FWRITE), EFAULT);
		/* lengths */
		assert_int_equal(ask(cmd, BAD, 0, BAD, 10, FREAD | FWRITE),
		    EINVAL);
		assert_int_equal(ask(cmd, BAD, 10, BAD, 0, FREAD | FWRITE),
		    EINVAL);
		assert_int_equal(ask(cmd, BAD, 0, BAD, 0, FREAD | FWRITE),
		    EINVAL);
		for (k = 0; k < nitems(too_long); k++) {
			assert_int_equal(ask(cmd, BAD, too_long[k], BAD, 10,
			    FREAD | FWRITE), ENAMETOOLONG);
			assert_int_equal(ask(cmd, BAD, 10, BAD, too_long[k],
			    FREAD | FWRITE), ENAMETOOLONG);
		}
		/* strings */
		assert_int_equal(ask(cmd, BAD, 2, value, 10, FREAD | FWRITE),
		    EFAULT);
		strlcpy(key, "a", sizeof(key));
		assert_int_equal(ask(cmd, key, 1, value, 10, FREAD | FWRITE),
		    EFAULT);
		assert_int_equal(ask(cmd, key, 2, BAD, 100, FREAD | FWRITE),
		    EFAULT);
	}
	assert_int_equal(store[0].st_written[0], '\0');
	memset(value, 'x', sizeof(value));
	assert_int_equal(ask(PVBUSIOC_KVWRITE, key, 2, value, 10, FREAD |
	    FWRITE), EFAULT);
	assert_int_equal(store[0].st_written[0], '\0');
	assert_int_equal(ask(PVBUSIOC_KVWRITE, key, 2, value, 10, FREAD),
	    EPERM);
}

static void
the_longest_of_all_is_taken(void **state)
{
	stores(1);
	memset(key, 'k', PVBUS_KV_MAX);
	key[PVBUS_KV_MAX - 1] = '\0';
	assert_int_equal(ask(PVBUSIOC_KVREAD, key, PVBUS_KV_MAX, value,
	    PVBUS_KV_MAX, FREAD), ENOENT);
	key[PVBUS_KV_MAX - 1] = 'k';
	assert_int_equal(ask(PVBUSIOC_KVREAD, key, PVBUS_KV_MAX, value,
	    PVBUS_KV_MAX, FREAD), EFAULT);
	strlcpy(key, "a", sizeof(key));
	assert_int_equal(ask(PVBUSIOC_KVREAD, key, PVBUS_KV_MAX, value,
	    PVBUS_KV_MAX, FREAD), 0);
	assert_string_equal(value, "first");
}

static void
a_name_fits_or_there_is_no_memory(void **state)
{
	char name[8];
	size_t room;

	stores(0);
	for (room = 0; room < 8; room++) {
		memset(name, 'z', sizeof(name));
		assert_int_equal(ask(PVBUSIOC_KVTYPE, name, room, BAD, 0,
		    FREAD), room < 4 ? ENOMEM : 0);
		assert_int_equal(name[0], room < 4 ? 'z' : 'X');
		assert_int_equal(name[4], 'z');
	}
	assert_int_equal(ask(PVBUSIOC_TYPE, BAD, 100, BAD, 0, FREAD), EFAULT);
}

static void
without_memory_it_is_an_error_and_nothing_is_left(void **state)
{
	u_int i, n;
	int error;

	stores(1);
	strlcpy(key, "a", sizeof(key));
	for (i = 0; i < nitems(cmds); i++) {
		for (n = 1; n < 10; n++) {
			strlcpy(value, "v", sizeof(value));
			hosted_fail_at = n;
			error = ask(cmds[i], key, 2, value, 100, FREAD |
			    FWRITE);
			if (hosted_fail_at != 0)
				break;
			assert_int_equal(error, ENOMEM);
		}
		hosted_fail_at = 0;
		assert_int_equal(error, 0);
		assert_int_equal(n, 3);
	}
}

static void
what_the_host_says_cannot_leave_its_buffer(void **state)
{
	stores(1);
	strlcpy(key, "a", sizeof(key));
	memset(value, 'z', 100);
	strlcpy(value, "v", sizeof(value));
	assert_int_equal(ask(PVBUSIOC_KVWRITE, key, 2, value, 2, FREAD |
	    FWRITE), 0);
	assert_string_equal(value, "s");
	assert_int_equal(value[2], 'z');
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define STORES(fn)	cmocka_unit_test_setup_teardown(fn, setup, stores_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_signature_has_its_name),
		TEST(all_twelve_bytes_count),
		TEST(other_machines_have_other_evidence),
		TEST(versions_are_shown),
		TEST(units_are_in_the_order_of_the_table),
		TEST(the_same_one_twice_is_one),
		TEST(more_than_there_is_room_for_do_no_harm),
		TEST(evidence_that_is_no_text_is_none),
		TEST(features_are_in_words),
		TEST(without_features_there_are_no_words),
		TEST(every_failure_of_attach_leaves_nothing),
		STORES(stores_are_asked_in_their_order),
		STORES(a_store_that_cannot_is_passed_by),
		STORES(without_an_operation_it_is_not_supported),
		STORES(any_other_error_ends_the_search),
		STORES(lists_are_joined),
		STORES(a_list_fits_or_is_out_of_range),
		STORES(a_value_fits_or_is_out_of_range),
		STORES(a_store_goes_when_nobody_is_in_it),
		STORES(when_the_last_store_is_going_there_is_none),
		STORES(a_driver_reads_a_value_of_its_own),
		STORES(the_first_error_of_the_order_is_told),
		STORES(the_longest_of_all_is_taken),
		STORES(a_name_fits_or_there_is_no_memory),
		STORES(without_memory_it_is_an_error_and_nothing_is_left),
		STORES(what_the_host_says_cannot_leave_its_buffer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
