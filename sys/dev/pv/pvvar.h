/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_PVVAR_H_
#define _DEV_PV_PVVAR_H_

/*
 * The hypervisor as a bus, and its key-value store.
 *
 * The machine says what it sees (md_pv_evidence()); each type of hypervisor
 * has a file that knows its own signature, what it calls its features, and
 * which devices it may have.  Those that are found are the units of
 * /dev/pvbusN, in the order of the table in pvbus.c.  A driver that can read
 * or write values for one of them calls pvbus_kv_attach().
 */

#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/pvbusio.h>

struct pvbus_hv;

/* One thing the machine says of its hypervisor. */
struct pv_evidence {
	enum { PVE_CPUID, PVE_SMCCC, PVE_SBI, PVE_FDT, PVE_SMBIOS } pe_kind;
	uint32_t	 pe_base;		/* CPUID leaf, SBI impl id */
	char		 pe_sig[64];		/* signature, UUID, ... */
	/* CPUID: EAX, EBX, ECX, EDX; 0 above the highest leaf there is */
	uint32_t	 pe_regs[4];		/* of base + 1 */
	uint32_t	 pe_regs2[4];		/* of base + 2 */
	uint32_t	 pe_regs3[4];		/* of base + 3 */
};
#define PVE_SIGLEN	12			/* of a CPUID signature */

struct pv_word {				/* a bit of the features */
	uint8_t		 pw_bit;
	const char	*pw_name;
};

#define PV_MAXCHILDREN	4

struct pvbus_hvtype {				/* one per hypervisor, const */
	const char	*ht_name;		/* "KVM": PVBUSIOC_KVTYPE */
	const char	*ht_sig;		/* CPUID's; NULL: see match */
	const struct pv_word *ht_words;		/* ends with a NULL name */
	const char	*ht_children[PV_MAXCHILDREN + 1];
	bool		(*ht_match)(const struct pv_evidence *);
	void		(*ht_init)(struct pvbus_hv *);	/* NULL: nothing */
	void		(*ht_describe)(const struct pvbus_hv *, char *,
			    size_t);		/* NULL: the name */
};

struct pvbus_kvops {
	/* lenp: room in, bytes out; ERANGE sets it to what is needed */
	int	(*kv_read)(void *, const char *, void *, size_t *);
	/*
	 * A string in a buffer of that size, which the host's answer, if it
	 * has one, replaces.
	 */
	int	(*kv_write)(void *, const char *, char *, size_t);
	/* the keys that begin with this, a newline between any two */
	int	(*kv_list)(void *, const char *, void *, size_t *);
};						/* NULL member: EOPNOTSUPP */

struct pvbus_store {
	TAILQ_ENTRY(pvbus_store)	 ps_link;
	const struct pvbus_kvops	*ps_ops;
	void				*ps_arg;
	u_int				 ps_busy;	/* calls in progress */
	bool				 ps_gone;
};

struct pvbus_hv {
	const struct pvbus_hvtype	*hv_type;
	const struct pv_evidence	*hv_evidence;
	uint64_t			 hv_features;
	uint16_t			 hv_major, hv_minor;
	int				 hv_unit;	/* N of /dev/pvbusN */
	struct mutex			 hv_mtx;	/* the rest */
	TAILQ_HEAD(, pvbus_store)	 hv_stores;
};

struct pv_attach_args {
	const char	*pva_name;		/* child the config wants */
	struct pvbus_hv	*pva_hv;
	bus_dma_tag_t	 pva_dmat;
};

/*
 * pvbus_identify: thread context or earlier, once; pvbus0 calls it, and so
 *	may a machine that has to know before autoconfiguration.
 * pvbus_hv_byname: NULL: it is not there.
 * pvbus_kv_attach: the operations are called in thread context, possibly
 *	several at a time.  Several stores are asked in the order in which
 *	they came, for as long as one does not have the key (ENOENT) or cannot
 *	do that (EOPNOTSUPP).
 * pvbus_kv_detach: thread context; waits for calls in progress.
 */
void	pvbus_identify(void);
struct pvbus_hv *pvbus_hv_byname(const char *);
void	pvbus_kv_attach(struct pvbus_hv *, struct pvbus_store *);
void	pvbus_kv_detach(struct pvbus_hv *, struct pvbus_store *);

/*
 * pvbus_kv_read: a value, for others in the kernel, into a buffer of size
 *	bytes, of which one stays free; its length goes to *lenp, also with
 *	ERANGE.  Thread context.
 * pvbus_list_add: for kv_list: a key, if there is still room; *len is what all
 *	of them need.
 */
int	pvbus_kv_read(struct pvbus_hv *, const char *, char *, size_t size,
	    size_t *lenp);
void	pvbus_list_add(char *, size_t room, size_t *len, const char *);

extern const struct pvbus_hvtype pv_kvm, pv_hyperv, pv_vmware, pv_xen,
    pv_bhyve, pv_vmm, pv_tcg;
extern const struct pv_word pv_kvm_words[];	/* others offer the same */
extern const struct pvbus_hvtype pv_other[];	/* ends with a NULL name */

#endif /* _DEV_PV_PVVAR_H_ */
