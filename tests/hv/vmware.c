/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * VMware as a guest sees it: its leaves of CPUID and the backdoor, a port
 * that takes a command in CX and answers in all registers.  The same goes by
 * hypercall, where the low half of EDX has flags instead of the port.
 *
 * open-vm-tools, lib/include/backdoor_def.h; VMware, "Timekeeping in VMware
 * Virtual Machines".
 */

#include "hv.h"
#include "lib.h"

#define CMD_GETMHZ		1
#define CMD_GETVERSION		10
#define CMD_GETHWVERSION	17
#define CMD_GETUUID		19
#define CMD_GETMEMSIZE		20
#define CMD_GETTIME		23
#define CMD_MESSAGE		30
#define CMD_GETHZ		45
#define CMD_GETTIMEFULL		46
#define CMD_GETTIMEFULL_LAG	55
#define CMD_GET_VCPU_INFO	68

#define HB_MESSAGE		0

#define VCPU_SYNC_VTSCS		0x02
#define VCPU_LEGACY_X2APIC	0x08

/* what a hypercall has for the port */
#define CALL_HB			0x1
#define CALL_WRITE		0x2

/* leaf 0x10, ECX */
#define FEATURE_VMMCALL		0x1
#define FEATURE_VMCALL		0x2

static uint64_t opt_max = 0x40000010;
static uint64_t opt_version = 6;
static uint64_t opt_type = 2;		/* ESX */
static uint64_t opt_hw = 19;
static uint64_t opt_calls;		/* FEATURE_ */
static uint64_t opt_no_hz;
static uint64_t opt_no_time;
static uint64_t opt_lag;		/* of interrupts, microseconds */
static uint64_t opt_max_lag = 1000000;
static uint64_t opt_uuid_hi = 0x564d000102030405;
static uint64_t opt_uuid_lo = 0x060708090a0b0c0d;
static uint64_t opt_dead;		/* the backdoor reads as no port */

void
vmware_leaf(unsigned int n, struct hv_leaf *leaf)
{
	switch (n) {
	case 0:
		leaf->ax = opt_max;
		break;
	case 0x10:
		leaf->ax = hv_tsc_hz() / 1000;
		leaf->bx = hv_apic_hz() / 1000;
		leaf->cx = opt_calls;
		break;
	}
}

bool
vmware_hypercalls(bool vmmcall)
{
	uint64_t form = vmmcall ? FEATURE_VMMCALL : FEATURE_VMCALL;

	return ((opt_calls & form) != 0);
}

/* Registers are set as a 32-bit instruction sets them. */
static void
get_uuid(struct hv_regs *r)
{
	/* the bytes in order, each four of them little-endian */
	r->ax = __builtin_bswap32(opt_uuid_hi >> 32);
	r->bx = __builtin_bswap32(opt_uuid_hi);
	r->cx = __builtin_bswap32(opt_uuid_lo >> 32);
	r->dx = __builtin_bswap32(opt_uuid_lo);
}

static void
get_time(struct hv_regs *r, unsigned int command)
{
	uint64_t now = hv_wall(hv_tsc()), sec = now / HV_NSEC;

	if (opt_no_time) {
		r->ax = 0xffffffff;
		return;
	}
	r->bx = now % HV_NSEC / 1000;
	r->cx = (uint32_t)opt_max_lag;
	switch (command) {
	case CMD_GETTIME:
		r->ax = (uint32_t)sec;
		r->cx = (uint32_t)(opt_max_lag + opt_lag);
		break;
	case CMD_GETTIMEFULL:
		r->cx = (uint32_t)(opt_max_lag + opt_lag);
		/* FALLTHROUGH */
	case CMD_GETTIMEFULL_LAG:
		r->ax = VMWARE_MAGIC;
		r->si = sec >> 32;
		r->dx = (uint32_t)sec;
		if (command == CMD_GETTIMEFULL_LAG)
			r->di = (uint32_t)opt_lag;
		break;
	}
}

/* AX has the magic number. */
void
vmware_call(struct hv_regs *r)
{
	unsigned int command = r->cx & 0xffff;
	uint64_t hz = hv_tsc_hz();

	if (opt_dead) {
		r->ax = 0xffffffff;
		return;
	}
	switch (command) {
	case CMD_GETMHZ:
		r->ax = hz / 1000000;
		break;
	case CMD_GETVERSION:
		r->ax = (uint32_t)opt_version;
		r->bx = VMWARE_MAGIC;
		r->cx = (uint32_t)opt_type;
		break;
	case CMD_GETHWVERSION:
		r->ax = (uint32_t)opt_hw;
		break;
	case CMD_GETUUID:
		get_uuid(r);
		break;
	case CMD_GETMEMSIZE:
		r->ax = hv_memory_mb();
		break;
	case CMD_GETTIME:
	case CMD_GETTIMEFULL:
	case CMD_GETTIMEFULL_LAG:
		get_time(r, command);
		break;
	case CMD_MESSAGE:
		vmware_message(r);
		break;
	case CMD_GETHZ:
		if (opt_no_hz) {
			r->ax = r->bx = 0xffffffff;
			break;
		}
		r->ax = (uint32_t)hz;
		r->bx = hz >> 32;
		r->cx = (uint32_t)hv_apic_hz();
		break;
	case CMD_GET_VCPU_INFO:
		r->ax = VCPU_SYNC_VTSCS | VCPU_LEGACY_X2APIC;
		break;
	default:
		r->ax = 0xffffffff;
	}
}

/*
 * A whole message at once.  The data is at SI of what goes out, at DI of
 * what comes in, and the cookies are in the registers that are left.
 */
enum hv_result
vmware_bulk(struct hv_regs *r, bool out)
{
	if (opt_dead || (r->bx & 0xffff) != HB_MESSAGE) {
		r->bx = (uint32_t)r->bx & 0xffff;
		r->cx = 0;
		return (HV_DONE);
	}
	return (vmware_message_bulk(r, out));
}

enum hv_result
vmware_hypercall(struct hv_regs *r)
{
	if ((r->dx & CALL_HB) == 0) {
		vmware_call(r);
		return (HV_DONE);
	}
	return (vmware_bulk(r, (r->dx & CALL_WRITE) != 0));
}

bool
vmware_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "max",	&opt_max },
		{ "version",	&opt_version },
		{ "type",	&opt_type },
		{ "hw",		&opt_hw },
		{ "calls",	&opt_calls },
		{ "no-hz",	&opt_no_hz },
		{ "no-time",	&opt_no_time },
		{ "lag",	&opt_lag },
		{ "max-lag",	&opt_max_lag },
		{ "uuid-hi",	&opt_uuid_hi },
		{ "uuid-lo",	&opt_uuid_lo },
		{ "dead",	&opt_dead },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value) || vmware_msg_option(name, value) ||
	    vmware_rpc_option(name, value));
}
