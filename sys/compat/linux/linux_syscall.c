/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * System calls of the Linux convention: dispatch, and what all need.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include <compat/linux/linux.h>
#include <machine/linux_machdep.h>

#define S(nr, name)	[nr] = { linux_##name, 0 },
#define R(nr, name)	[nr] = { linux_##name, 1 },
static const struct linux_sysent linux_sysent[LINUX_NSYSCALL] = {
#include <machine/linux_syscalls.h>
};
#undef S
#undef R

void
linux_syscall(struct trapframe *tf)
{
	const struct linux_sysent *ls;
	u_long nr = linux_number(tf), a[6];
	long rv = 0;
	int error;

	if (nr >= LINUX_NSYSCALL || linux_sysent[nr].ls_call == NULL) {
		md_syscall_result(tf, -ENOSYS);
		return;
	}
	ls = &linux_sysent[nr];
	linux_args(tf, a);
	error = ls->ls_call(a, &rv);
	if (curthread->td_fullframe)
		return;			/* exec, sigreturn: it is set */
	if (error == ERESTART || (error == EINTR && ls->ls_restart)) {
		curthread->td_restart = true;
		error = EINTR;
	}
	md_syscall_result(tf, error != 0 ? -error : rv);
}

int
linux_timespec_in(const void *user, uint64_t *ns)
{
	struct linux_timespec ts;
	int error;

	if ((error = copyin(user, &ts, sizeof(ts))) != 0)
		return (error);
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 ||
	    ts.tv_nsec >= (int64_t)NSEC_PER_SEC)
		return (EINVAL);
	/* centuries are for ever */
	*ns = (uint64_t)ts.tv_sec > INFSLP / NSEC_PER_SEC - 1 ? INFSLP - 1 :
	    SEC_TO_NSEC(ts.tv_sec) + ts.tv_nsec;
	return (0);
}

int
linux_timespec_out(uint64_t ns, void *user)
{
	struct linux_timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	return (copyout(&ts, user, sizeof(ts)));
}

int
linux_tempmask_in(const void *user, size_t size)
{
	sigset_t mask;
	int error;

	if (user == NULL)
		return (0);
	if (size != sizeof(mask))
		return (EINVAL);
	if ((error = copyin(user, &mask, sizeof(mask))) == 0)
		sig_tempmask(mask);
	return (error);
}

int
linux_path_in(const void *user, char **pathp)
{
	int error;

	if ((*pathp = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = copyinstr(user, *pathp, MAXPATHLEN, NULL)) != 0) {
		linux_path_free(*pathp);
		*pathp = NULL;
	}
	return (error);
}

void
linux_path_free(char *path)
{
	kmem_free(path, MAXPATHLEN);
}
