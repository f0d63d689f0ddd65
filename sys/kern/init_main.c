/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From the first thread to the first program.
 */

#include <sys/cmdline.h>
#include <sys/conf.h>
#include <sys/device.h>
#include <sys/errno.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/md.h>
#include <sys/msgbuf.h>
#include <sys/proc.h>
#include <sys/pvreq.h>
#include <sys/rnd.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/task.h>
#include <sys/thread.h>
#include <sys/timeout.h>
#include <sys/tty.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <net/if_var.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>
#include <vm/vm_stat.h>
#include <machine/cpu.h>

char		hostname[HOSTNAME_MAX] = "paravane";
const char	ostype[] = "Paravane";
const char	osrelease[] = PARAVANE_VERSION;
const char	version[] = "Paravane " PARAVANE_VERSION " (" MACHINE_ARCH ")";

u_long		__stack_chk_guard;
void		__stack_chk_fail(void) __noreturn;

void
__stack_chk_fail(void)
{
	panic("stack overflow in %s", curthread->td_name);
}

/* --- end -------------------------------------------------------------------------------- */

void
panic_action(void)
{
	const char *v = cmdline_get("panic", 0);

	if (v != NULL && strcmp(v, "halt") == 0)
		md_halt(MD_HALT);	/* as it is, to be looked at */
}

/* Words whose use may never come are looked at here. */
static void
cmdline_check(void)
{
	const char *v = cmdline_get("panic", 0), *end;
	uint64_t n;

	if (v != NULL && strcmp(v, "halt") != 0 && strcmp(v, "poweroff") != 0)
		cmdline_bad("panic", v);
	v = cmdline_get("virtio.flags", 0);
	if (v != NULL && (strtonum64(v, &end, &n) != 0 || *end != '\0'))
		cmdline_bad("virtio.flags", v);
	/* known, also where it names nothing that is here */
	(void)cmdline_get("disable", 0);
}

void
host_request(struct device *dev, enum host_request req)
{
	static uint64_t lines;

	if (ratelimit(&lines, 5, 1))
		device_printf(dev, "the host asks to %s\n",
		    req == HOST_POWEROFF ? "power off" : "reboot");
	if (initproc != NULL)
		psignal(initproc, req == HOST_POWEROFF ? SIGUSR2 : SIGINT);
}

/* --- root --------------------------------------------------------------------------------- */

extern const char root_image[], root_image_end[];

static void
root_builtin(void)
{
	printf("root: the built-in root image is used\n");
	(void)cpio_load(root_image, root_image_end - root_image);
}

/* The loader's image or the built-in one, unless root= names a disk. */
static void
root_init(void)
{
	const void *image;
	size_t size;

	vfs_init();
	if (cmdline_get("root", 0) != NULL)
		return;
	image = md_root_image(&size);
	if (cpio_load(image, size) != 0 && image != root_image)
		root_builtin();
}

/* The whole of a disk, in memory that stays: files are used where they lie. */
static int
root_read(struct cdev *cd, void **imagep, size_t *sizep)
{
	struct iovec iov;
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_segflg = UIO_SYSSPACE, .uio_rw = UIO_READ };
	off_t size = dev_size(cd);
	int error;

	if (size <= 0)
		return (EINVAL);
	if ((uint64_t)size > ptoa(vm_page_avail()) ||
	    (*imagep = kva_memory(size)) == NULL)
		return (ENOMEM);
	iov = (struct iovec){ *imagep, size };
	uio.uio_resid = size;
	error = dev_rdwr(cd, &uio, 0);
	if (error == 0 && uio.uio_resid != 0)
		error = EIO;
	if (error != 0)
		kva_memory_free(*imagep, size);
	*sizep = size;
	return (error);
}

/* root=NAME: a disk that holds a root image. */
static void
root_disk(void)
{
	const char *name = cmdline_get("root", 0);
	struct cdev *cd;
	void *image;
	size_t size;
	int error = ENOENT;

	if (name == NULL)
		return;
	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	if ((cd = dev_lookup(name)) != NULL) {
		if ((error = dev_open(cd, FREAD)) == 0) {
			error = root_read(cd, &image, &size);
			(void)dev_close(cd, FREAD);
		}
		dev_release(cd);
	}
	if (error != 0)
		printf("root: %s cannot be read, error %d\n", name, error);
	if (error != 0 || cpio_load(image, size) != 0)
		root_builtin();
}

/* --- variables ------------------------------------------------------------------------------ */

static int
sysctl_panic(void *arg __unused, const char *text)
{
	if (strcmp(text, "1") != 0)
		return (EINVAL);
	panic("asked for by sysctl");
}

static int
sysctl_zero(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "0"));
}

static int
sysctl_string(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", (const char *)arg));
}

static int
sysctl_cmdline(void *arg __unused, char *buf, size_t size)
{
	return (cmdline_text(buf, size));
}

static int
sysctl_ncpu(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%u", md_ncpus()));
}

static struct sysctl_oid main_oids[] = {
	{ .so_name = "kern.version", .so_read = sysctl_string,
	    .so_arg = (void *)(vaddr_t)version },
	{ .so_name = "kern.ostype", .so_read = sysctl_string,
	    .so_arg = (void *)(vaddr_t)ostype },
	{ .so_name = "kern.osrelease", .so_read = sysctl_string,
	    .so_arg = (void *)(vaddr_t)osrelease },
	{ .so_name = "kern.cmdline", .so_read = sysctl_cmdline },
	{ .so_name = "hw.ncpu", .so_read = sysctl_ncpu },
	{ .so_name = "debug.panic", .so_read = sysctl_zero,
	    .so_write = sysctl_panic },
};

/* --- main ------------------------------------------------------------------------------------- */

__attribute__((__no_stack_protector__))	/* it sets the guard */
void
main(void)
{
	u_long guard = 0;
	u_int i;

	(void)md_entropy(&guard, sizeof(guard));
	__stack_chk_guard = guard ^ md_nsec();

	timeout_init();
	sched_init();
	splx(IPL_NONE);
	printf("%s\n", version);
	rnd_init();
	for (i = 0; i < nitems(main_oids); i++)
		(void)sysctl_register(&main_oids[i]);
	time_init();
	vm_sysctl_init();
	root_init();
	net_init();

	cmdline_check();
	config_init();
	if (config_rootfound("mainbus", NULL) == NULL)
		panic("no mainbus");
	config_deferred();
	root_disk();
	cn_check();
	cmdline_report();

	if (proc_create_init() == NULL)
		panic("no memory for init");
	strlcpy(curthread->td_name, "systq", sizeof(curthread->td_name));
	thread_setpri(curthread, PRI_INTR);
	taskq_run(systq);
}
