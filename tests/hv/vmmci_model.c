/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "vmmci_model.h"

static void
event(struct vmmci *vm, enum vmmci_event ev, uint32_t v)
{
	vm->vm_ops->vo_event(vm->vm_arg, ev, v);
}

static void
line(struct vmmci *vm, bool level)
{
	if (vm->vm_line == level)
		return;
	vm->vm_line = level;
	vm->vm_ops->vo_line(vm->vm_arg, level);
}

void
vmmci_init(struct vmmci *vm, const struct vmmci_ops *ops, void *arg)
{
	*vm = (struct vmmci){ .vm_ops = ops, .vm_arg = arg,
	    .vm_offered = VMMCI_F_ALL };
}

void
vmmci_reset(struct vmmci *vm)
{
	line(vm, false);
	vm->vm_features = vm->vm_pfn = vm->vm_command = 0;
	vm->vm_select = vm->vm_notify = 0;
	vm->vm_status = vm->vm_isr = 0;
	vm->vm_sec = vm->vm_usec = 0;
	vm->vm_until = 0;
	vm->vm_dead = false;
}

/* --- the host ------------------------------------------------------------ */

static void
killed(struct vmmci *vm, enum vmmci_death why)
{
	vm->vm_until = 0;
	vm->vm_dead = true;
	event(vm, VMMCI_EV_KILLED, why);
}

static void
limit(struct vmmci *vm, uint64_t msec, enum vmmci_death why)
{
	vm->vm_until = vm->vm_ops->vo_msec(vm->vm_arg) + msec;
	vm->vm_why = why;
}

uint64_t
vmmci_tick(struct vmmci *vm)
{
	uint64_t now = vm->vm_ops->vo_msec(vm->vm_arg);

	if (vm->vm_until == 0)
		return (~0ULL);
	if (now < vm->vm_until)
		return (vm->vm_until - now);
	killed(vm, vm->vm_why);
	return (~0ULL);
}

void
vmmci_interrupt(struct vmmci *vm)
{
	vm->vm_isr = VMMCI_ISR_CONFIG;
	line(vm, true);
}

void
vmmci_force(struct vmmci *vm, uint32_t command)
{
	vm->vm_command = command;
	vmmci_interrupt(vm);
}

void
vmmci_request(struct vmmci *vm, uint32_t command)
{
	(void)vmmci_tick(vm);
	if (vm->vm_dead)
		return;
	if (!(vm->vm_status & VMMCI_DRIVER_OK)) {
		killed(vm, VMMCI_NO_DRIVER);
		return;
	}
	if (command == vm->vm_command)
		return;
	if (command == VMMCI_SYNCRTC && !(vm->vm_features &
	    VMMCI_F_SYNCRTC)) {
		event(vm, VMMCI_EV_SKIPPED, command);
		return;
	}
	vmmci_force(vm, command);
	if (command == VMMCI_SHUTDOWN || command == VMMCI_REBOOT)
		limit(vm, VMMCI_LIMIT_ANSWER, VMMCI_NO_ANSWER);
}

/* --- the guest ----------------------------------------------------------- */

/*
 * An answer to what was asked, or, as nothing was, a wish.  The command stays
 * what it is, but for SYNCRTC, which may come again.
 */
static void
command_write(struct vmmci *vm, uint32_t v)
{
	vm->vm_nwritten++;
	if (v == VMMCI_SHUTDOWN && vm->vm_command == VMMCI_NONE) {
		vm->vm_npoweroff++;
		limit(vm, VMMCI_LIMIT_ANSWER, VMMCI_WISHED);
		event(vm, VMMCI_EV_POWEROFF, v);
		return;
	}
	if (v == VMMCI_NONE || v > VMMCI_SYNCRTC || v != vm->vm_command) {
		event(vm, VMMCI_EV_WRONG, v);
		return;
	}
	if (v == VMMCI_SYNCRTC)
		vm->vm_command = VMMCI_NONE;
	else
		limit(vm, VMMCI_LIMIT_END, VMMCI_NO_END);
	if (vm->vm_forgets)
		vm->vm_command = vm->vm_forgotten;
	vm->vm_nack++;
	event(vm, VMMCI_EV_ACK, v);
}

static uint32_t
command_read(struct vmmci *vm)
{
	vm->vm_ncommand++;
	if (vm->vm_flips)
		return (vm->vm_flip[vm->vm_ncommand & 1]);
	return (vm->vm_command);
}

static uint8_t
isr_read(struct vmmci *vm)
{
	uint8_t v = vm->vm_isr;

	vm->vm_nisr++;
	vm->vm_isr = 0;
	line(vm, false);
	if (vm->vm_storm > 0) {
		vm->vm_storm--;
		vmmci_interrupt(vm);
	}
	return (v);
}

/* Both parts are of the moment at which the first word of it was read. */
static uint32_t
seconds_read(struct vmmci *vm)
{
	vm->vm_ntime++;
	if (vm->vm_lies) {
		vm->vm_sec = vm->vm_liesec;
		vm->vm_usec = vm->vm_lieusec;
	} else
		vm->vm_ops->vo_time(vm->vm_arg, &vm->vm_sec, &vm->vm_usec);
	return (vm->vm_sec);
}

/* The width of what is at an offset; 0: nothing is. */
static unsigned int
width_of(uint32_t off)
{
	switch (off) {
	case VMMCI_QUEUE_SIZE:
	case VMMCI_QUEUE_SELECT:
	case VMMCI_QUEUE_NOTIFY:
		return (2);
	case VMMCI_STATUS:
	case VMMCI_ISR:
		return (1);
	default:
		return (off < VMMCI_REGS && off % 4 == 0 ? 4 : 0);
	}
}

static bool
access_ok(struct vmmci *vm, uint32_t off, unsigned int width)
{
	unsigned int want = width_of(off);

	(void)vmmci_tick(vm);
	if (want == width)
		return (true);
	event(vm, want == 0 ? VMMCI_EV_STRAY : VMMCI_EV_WIDTH,
	    width << 16 | (off & 0xffff));
	return (false);
}

uint32_t
vmmci_read(struct vmmci *vm, uint32_t off, unsigned int width)
{
	if (vm->vm_gone)
		return (width == 4 ? ~0U : (1U << 8 * width) - 1);
	if (!access_ok(vm, off, width))
		return (0);
	switch (off) {
	case VMMCI_DEVICE_FEATURES:
		return (vm->vm_offered);
	case VMMCI_GUEST_FEATURES:
		return (vm->vm_features);
	case VMMCI_QUEUE_PFN:
		return (vm->vm_pfn);
	case VMMCI_QUEUE_SELECT:
		return (vm->vm_select);
	case VMMCI_QUEUE_NOTIFY:
		return (vm->vm_notify);
	case VMMCI_STATUS:
		return (vm->vm_status);
	case VMMCI_ISR:
		return (isr_read(vm));
	case VMMCI_COMMAND:
		return (command_read(vm));
	case VMMCI_TIME_SEC:
		return (seconds_read(vm));
	case VMMCI_TIME_SEC_HIGH:
		return (vm->vm_lies ? vm->vm_sec >> 32 : 0);
	case VMMCI_TIME_USEC:
		return (vm->vm_usec);
	case VMMCI_TIME_USEC_HIGH:
		return (vm->vm_lies ? vm->vm_usec >> 32 : 0);
	default:
		return (0);
	}
}

void
vmmci_write(struct vmmci *vm, uint32_t off, unsigned int width, uint32_t v)
{
	if (vm->vm_gone || !access_ok(vm, off, width))
		return;
	switch (off) {
	case VMMCI_GUEST_FEATURES:
		vm->vm_features = v;
		event(vm, VMMCI_EV_FEATURES, v);
		break;
	case VMMCI_QUEUE_PFN:
		vm->vm_pfn = v;
		break;
	case VMMCI_QUEUE_SELECT:
		vm->vm_select = v;
		break;
	case VMMCI_QUEUE_NOTIFY:
		vm->vm_notify = v;
		break;
	case VMMCI_STATUS:
		/* 0 is no more than that: a command and its limit go on */
		vm->vm_status = v;
		event(vm, VMMCI_EV_STATUS, v);
		break;
	case VMMCI_COMMAND:
		command_write(vm, v);
		break;
	default:
		event(vm, VMMCI_EV_STRAY, width << 16 | off);
		break;
	}
}
