/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * /proc: the processes and the kernel's variables, in the forms that Linux
 * programs read.  Nothing is kept: a vnode is made when it is looked up, and
 * the text of a file when it is read from the beginning.
 *
 * What is taken from a process is taken under proc_lock, with references;
 * whoever exchanges p_fd, p_vm, p_cwd, p_exe or p_args does it there.
 */

#include <sys/cmdline.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/procfs.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define HZ		100		/* unit of times, by the ABI */
#define NSEC_PER_TICK	(NSEC_PER_SEC / HZ)
#define TEXT_MAX	(1UL << 20)
#define KB(pages)	((unsigned long long)ptoa(pages) / 1024)
#define ULL(v)		((unsigned long long)(v))

enum pkind { PK_ROOT, PK_SELF, PK_FILE, PK_PID, PK_PIDFILE, PK_CWD, PK_EXE,
    PK_TOP, PK_FDDIR, PK_FD, PK_FDFILE, PK_SYSDIR, PK_SYSFILE,
    PK_NETDIR, PK_NETFILE };

struct pnode {
	struct vnode	 pn_vnode;
	enum pkind	 pn_kind;
	pid_t		 pn_pid;
	u_int		 pn_index;		/* in a table; a descriptor */
	struct file	*pn_file;		/* PK_FDFILE: a reference */
	char		 pn_name[48];		/* of a variable, with dots */
};
#define PNODE(vp)	((struct pnode *)(vp)->v_data)

/* Text that grows.  Once memory is short it stays as it is. */
struct ptext {
	char	*pt_buf;
	size_t	 pt_len, pt_size;
	int	 pt_error;
};

/* What one looks at of a process. */
struct snap {
	char		 sn_comm[16];
	char		 sn_state;
	pid_t		 sn_pid, sn_ppid, sn_pgid, sn_sid, sn_fgpgrp;
	dev_t		 sn_tty;
	uint64_t	 sn_runtime, sn_childtime, sn_started;
	sigset_t	 sn_pending, sn_blocked, sn_ignored, sn_caught;
	mode_t		 sn_umask;
	struct vmspace	*sn_vm;			/* references, or NULL */
	struct filedesc	*sn_fd;
	struct vnode	*sn_cwd, *sn_exe;
};

struct genfile {
	const char	*gf_name;
	int		(*gf_text)(struct ptext *, const struct pnode *);
};

static const struct vnodeops procfs_ops;
static const struct genfile root_files[], pid_files[];
static const u_int nroot_files, npid_files;

/* --- text --------------------------------------------------------------- */

static bool
text_grow(struct ptext *pt, size_t want)
{
	size_t size = MAX(pt->pt_size, 512);
	char *buf;

	while (size < want)
		size *= 2;
	if (size > TEXT_MAX ||
	    (buf = kmem_alloc(size, KM_NOSLEEP)) == NULL) {
		pt->pt_error = ENOMEM;
		return (false);
	}
	if (pt->pt_len != 0)
		memcpy(buf, pt->pt_buf, pt->pt_len);
	kmem_free(pt->pt_buf, pt->pt_size);
	pt->pt_buf = buf;
	pt->pt_size = size;
	return (true);
}

static void
vtext(struct ptext *pt, const char *fmt, va_list args)
{
	va_list ap;
	size_t n, room;

	for (;;) {
		if (pt->pt_error != 0)
			return;
		room = pt->pt_size - pt->pt_len;
		va_copy(ap, args);
		n = vsnprintf(pt->pt_buf == NULL ? NULL :
		    pt->pt_buf + pt->pt_len, room, fmt, ap);
		va_end(ap);
		if (n < room) {
			pt->pt_len += n;
			return;
		}
		(void)text_grow(pt, pt->pt_len + n + 1);
	}
}

static void __printflike(2, 3)
text(struct ptext *pt, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtext(pt, fmt, ap);
	va_end(ap);
}

void
ptext_printf(struct ptext *pt, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtext(pt, fmt, ap);
	va_end(ap);
}

static void
text_free(struct ptext *pt)
{
	kmem_free(pt->pt_buf, pt->pt_size);
	*pt = (struct ptext){ .pt_buf = NULL };
}

static unsigned long long
ticks(uint64_t nsec)
{
	return (nsec / NSEC_PER_TICK);
}

/* --- processes ---------------------------------------------------------- */

/* proc_lock is held. */
static char
proc_state_char(const struct proc *p)
{
	char c;

	if (p->p_state == PS_ZOMBIE)
		return ('Z');
	if (p->p_state == PS_STOPPED)
		return ('T');
	mtx_enter(&sched_mtx);
	if (p->p_thread->td_state != TDS_SLEEPING)
		c = 'R';
	else
		c = p->p_thread->td_catch ? 'S' : 'D';
	mtx_leave(&sched_mtx);
	return (c);
}

static void
snap_signals(struct snap *sn, const struct proc *p)
{
	u_int i;

	sn->sn_pending = p->p_sigpend;
	sn->sn_blocked = p->p_sigmask;
	for (i = 0; i < NSIG; i++) {
		if (p->p_sigact[i].sa_handler == SIG_IGN)
			sn->sn_ignored |= SIGBIT(i + 1);
		else if (p->p_sigact[i].sa_handler != SIG_DFL)
			sn->sn_caught |= SIGBIT(i + 1);
	}
}

static void
snap_fill(struct snap *sn, struct proc *p)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	*sn = (struct snap){ .sn_pid = p->p_pid, .sn_pgid = p->p_pgid,
	    .sn_sid = p->p_session->s_sid, .sn_state = proc_state_char(p),
	    .sn_runtime = thread_runtime(p->p_thread),
	    .sn_childtime = p->p_childtime, .sn_started = p->p_started,
	    .sn_umask = p->p_umask };
	memcpy(sn->sn_comm, p->p_comm, sizeof(sn->sn_comm));
	sn->sn_comm[sizeof(sn->sn_comm) - 1] = '\0';
	sn->sn_ppid = p->p_parent != NULL ? p->p_parent->p_pid : 0;
	sn->sn_tty = tty_session_dev(p->p_session);
	sn->sn_fgpgrp = sn->sn_tty != 0 ? p->p_session->s_fgpgrp : -1;
	snap_signals(sn, p);
	if ((sn->sn_vm = p->p_vm) != NULL)
		vmspace_ref(sn->sn_vm);
	if ((sn->sn_fd = p->p_fd) != NULL)
		filedesc_ref(sn->sn_fd);
	if ((sn->sn_cwd = p->p_cwd) != NULL)
		vnode_ref(sn->sn_cwd);
	if ((sn->sn_exe = p->p_exe) != NULL)
		vnode_ref(sn->sn_exe);
}

static int
snap_take(pid_t pid, struct snap *sn)
{
	struct proc *p;

	mtx_enter(&proc_lock);
	if ((p = proc_find(pid)) != NULL)
		snap_fill(sn, p);
	mtx_leave(&proc_lock);
	return (p != NULL ? 0 : ESRCH);
}

static void
snap_drop(struct snap *sn)
{
	if (sn->sn_vm != NULL)
		vmspace_unref(sn->sn_vm);
	if (sn->sn_fd != NULL)
		filedesc_unref(sn->sn_fd);
	vnode_unref(sn->sn_cwd);
	vnode_unref(sn->sn_exe);
}

static bool
pid_exists(pid_t pid)
{
	bool found;

	mtx_enter(&proc_lock);
	found = proc_find(pid) != NULL;
	mtx_leave(&proc_lock);
	return (found);
}

/* The smallest one from there on; 0: none. */
static pid_t
pid_next(pid_t pid)
{
	struct proc *p;
	pid_t best = 0;

	mtx_enter(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pid >= pid && (best == 0 || p->p_pid < best))
			best = p->p_pid;
	}
	mtx_leave(&proc_lock);
	return (best);
}

static int
pid_stat(struct ptext *pt, const struct pnode *pn)
{
	uint64_t size = 0, rss = 0;
	struct snap sn;
	int error;

	if ((error = snap_take(pn->pn_pid, &sn)) != 0)
		return (error);
	if (sn.sn_vm != NULL) {
		size = vm_size(sn.sn_vm);
		rss = sn.sn_vm->vm_npages;
	}
	text(pt, "%d (%s) %c %d %d %d %u %d 0 0 0 0 0 %llu 0 %llu 0 20 0 1 0 ",
	    sn.sn_pid, sn.sn_comm, sn.sn_state, sn.sn_ppid, sn.sn_pgid,
	    sn.sn_sid, sn.sn_tty, sn.sn_fgpgrp, ticks(sn.sn_runtime),
	    ticks(sn.sn_childtime));
	text(pt, "%llu %llu %llu 18446744073709551615 0 0 0 0 0 ",
	    ticks(sn.sn_started), ULL(size), ULL(rss));
	text(pt, "%u %u %u %u 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	    (u_int)sn.sn_pending & 0x7fffffff,
	    (u_int)sn.sn_blocked & 0x7fffffff,
	    (u_int)sn.sn_ignored & 0x7fffffff,
	    (u_int)sn.sn_caught & 0x7fffffff);
	snap_drop(&sn);
	return (0);
}

static int
pid_statm(struct ptext *pt, const struct pnode *pn)
{
	uint64_t size = 0, rss = 0;
	struct snap sn;
	int error;

	if ((error = snap_take(pn->pn_pid, &sn)) != 0)
		return (error);
	if (sn.sn_vm != NULL) {
		size = vm_size(sn.sn_vm);
		rss = sn.sn_vm->vm_npages;
	}
	snap_drop(&sn);
	text(pt, "%llu %llu 0 0 0 %llu 0\n", ULL(atop(size)), ULL(rss),
	    ULL(rss));
	return (0);
}

static const char *
state_name(char c)
{
	switch (c) {
	case 'R':
		return ("running");
	case 'S':
		return ("sleeping");
	case 'D':
		return ("disk sleep");
	case 'T':
		return ("stopped");
	default:
		return ("zombie");
	}
}

static int
pid_status(struct ptext *pt, const struct pnode *pn)
{
	struct snap sn;
	int error;

	if ((error = snap_take(pn->pn_pid, &sn)) != 0)
		return (error);
	text(pt, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\n"
	    "Pid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", sn.sn_comm, sn.sn_umask,
	    sn.sn_state, state_name(sn.sn_state), sn.sn_pid, sn.sn_pid,
	    sn.sn_ppid);
	text(pt, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\n"
	    "Groups:\t0 \n", sn.sn_fd != NULL ? sn.sn_fd->fd_size : 0);
	if (sn.sn_vm != NULL)
		text(pt, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n",
		    ULL(vm_size(sn.sn_vm)) / 1024, KB(sn.sn_vm->vm_npages));
	text(pt, "Threads:\t1\nSigPnd:\t0000000000000000\n"
	    "ShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
	    "SigCgt:\t%016llx\n", ULL(sn.sn_pending), ULL(sn.sn_blocked),
	    ULL(sn.sn_ignored), ULL(sn.sn_caught));
	snap_drop(&sn);
	return (0);
}

/* The memory is had before the lock, so the length may have changed. */
static int
pid_cmdline(struct ptext *pt, const struct pnode *pn)
{
	struct proc *p;
	size_t n = 0;
	int error;

	do {
		if (n != 0 && !text_grow(pt, n))
			return (ENOMEM);
		error = ESRCH;
		mtx_enter(&proc_lock);
		if ((p = proc_find(pn->pn_pid)) != NULL) {
			n = p->p_args != NULL ? p->p_argslen : 0;
			error = n > pt->pt_size ? EAGAIN : 0;
			if (error == 0 && n != 0)
				memcpy(pt->pt_buf, p->p_args, n);
		}
		mtx_leave(&proc_lock);
	} while (error == EAGAIN);
	if (error == 0)
		pt->pt_len = n;
	return (error);
}

static int
pid_comm(struct ptext *pt, const struct pnode *pn)
{
	struct snap sn;
	int error;

	if ((error = snap_take(pn->pn_pid, &sn)) != 0)
		return (error);
	text(pt, "%s\n", sn.sn_comm);
	snap_drop(&sn);
	return (0);
}

static int
pid_environ(struct ptext *pt __unused, const struct pnode *pn)
{
	return (pid_exists(pn->pn_pid) ? 0 : ESRCH);
}

static void
map_name(struct ptext *pt, const struct vmspace *vm,
    const struct vm_entry *ve, const struct vm_object *exe, const char *path)
{
	if (exe != NULL && ve->ve_object == exe)
		text(pt, " %s", path);
	else if (ve->ve_start == vm->vm_brkbase)
		text(pt, " [heap]");
	else if (TAILQ_NEXT(ve, ve_link) == NULL &&
	    (ve->ve_prot & PROT_WRITE))
		text(pt, " [stack]");
}

static int
pid_maps(struct ptext *pt, const struct pnode *pn)
{
	struct vm_object *exe = NULL;
	struct vm_entry *ve;
	struct snap sn;
	char *path;
	int error;

	if ((error = snap_take(pn->pn_pid, &sn)) != 0)
		return (error);
	path = kmem_alloc(MAXPATHLEN, KM_NOSLEEP);
	if (path != NULL && sn.sn_exe != NULL &&
	    vn_path(sn.sn_exe, path, MAXPATHLEN) == 0 &&
	    sn.sn_exe->v_ops->vop_object != NULL)
		exe = sn.sn_exe->v_ops->vop_object(sn.sn_exe);
	if (sn.sn_vm != NULL) {
		rw_enter_read(&sn.sn_vm->vm_lock);
		TAILQ_FOREACH(ve, &sn.sn_vm->vm_entries, ve_link) {
			text(pt, "%08llx-%08llx %c%c%c%c %08llx 00:00 %-10d",
			    ULL(ve->ve_start), ULL(ve->ve_end),
			    ve->ve_prot & PROT_READ ? 'r' : '-',
			    ve->ve_prot & PROT_WRITE ? 'w' : '-',
			    ve->ve_prot & PROT_EXEC ? 'x' : '-',
			    ve->ve_shared ? 's' : 'p', ULL(ve->ve_offset), 0);
			map_name(pt, sn.sn_vm, ve, exe, path);
			text(pt, "\n");
		}
		rw_exit(&sn.sn_vm->vm_lock);
	}
	if (exe != NULL)
		vm_object_unref(exe);
	kmem_free(path, MAXPATHLEN);
	snap_drop(&sn);
	return (0);
}

/* --- the kernel --------------------------------------------------------- */

static int
root_uptime(struct ptext *pt, const struct pnode *pn __unused)
{
	uint64_t up = nsecuptime();
	uint64_t idle = thread_runtime(curcpu()->ci_idle);

	text(pt, "%llu.%02llu %llu.%02llu\n", ULL(up / NSEC_PER_SEC),
	    ticks(up) % HZ, ULL(idle / NSEC_PER_SEC), ticks(idle) % HZ);
	return (0);
}

static int
root_meminfo(struct ptext *pt, const struct pnode *pn __unused)
{
	unsigned long long avail = KB(vm_page_avail());

	text(pt, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
	    "MemAvailable:   %8llu kB\n", KB(vm_page_total()), avail, avail);
	text(pt, "Buffers:               0 kB\nCached:                0 kB\n"
	    "SwapCached:            0 kB\nSwapTotal:             0 kB\n"
	    "SwapFree:              0 kB\nShmem:                 0 kB\n"
	    "SReclaimable:          0 kB\n");
	return (0);
}

/* How many there are, how many of them run, and the last number given out. */
static void
proc_counts(u_int *total, u_int *running, pid_t *last)
{
	struct proc *p;

	*total = *running = 0;
	mtx_enter(&proc_lock);
	p = LIST_FIRST(&allprocs);
	*last = p != NULL ? p->p_pid : 0;
	LIST_FOREACH(p, &allprocs, p_all) {
		(*total)++;
		if (proc_state_char(p) == 'R')
			(*running)++;
	}
	mtx_leave(&proc_lock);
}

/* XXX one line: the idle time of the others is not kept yet. */
static int
root_stat(struct ptext *pt, const struct pnode *pn __unused)
{
	uint64_t up = nsecuptime();
	uint64_t idle = MIN(thread_runtime(curcpu()->ci_idle), up);
	u_int total, running, i;
	pid_t last;

	proc_counts(&total, &running, &last);
	for (i = 0; i < 2; i++)
		text(pt, "cpu%s %llu 0 0 %llu 0 0 0 0 0 0\n",
		    i == 0 ? " " : "0", ticks(up - idle), ticks(idle));
	text(pt, "intr 0\nctxt 0\nbtime %llu\nprocesses %d\n"
	    "procs_running %u\nprocs_blocked 0\n",
	    ULL((nsecwall() - up) / NSEC_PER_SEC), last, running);
	return (0);
}

/* Nobody keeps averages: what runs now, as all three. */
static int
root_loadavg(struct ptext *pt, const struct pnode *pn __unused)
{
	u_int total, running;
	pid_t last;

	proc_counts(&total, &running, &last);
	/* who asks runs as well */
	text(pt, "%u.00 %u.00 %u.00 %u/%u %d\n", running - 1, running - 1,
	    running - 1, running, total, last);
	return (0);
}

static int
root_version(struct ptext *pt, const struct pnode *pn __unused)
{
	text(pt, "%s\n", version);
	return (0);
}

static int
root_cpuinfo(struct ptext *pt, const struct pnode *pn __unused)
{
	char model[128];
	size_t len;
	u_int i;

	if (sysctl_read("hw.model", model, sizeof(model), &len) != 0)
		strlcpy(model, "unknown", sizeof(model));
	for (i = 0; i < md_ncpus(); i++)
		text(pt, "processor\t: %u\nmodel name\t: %s\n\n", i, model);
	return (0);
}

static int
root_mounts(struct ptext *pt, const struct pnode *pn __unused)
{
	struct vnode *root;
	char *path;
	u_int i;

	if ((path = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	for (i = 0; (root = vfs_mounted(i)) != NULL; i++) {
		if (vn_path(root, path, MAXPATHLEN) == 0)
			text(pt, "%s %s %s rw 0 0\n", root->v_fsname, path,
			    root->v_fsname);
	}
	kmem_free(path, MAXPATHLEN);
	return (0);
}

static int
root_filesystems(struct ptext *pt, const struct pnode *pn __unused)
{
	text(pt, "nodev\tramfs\nnodev\tdevfs\nnodev\tproc\n");
	return (0);
}

static void
partition(void *arg, const struct disk_node *dn)
{
	text(arg, "%4u %8u %10llu %s\n", major(dn->dn_rdev),
	    minor(dn->dn_rdev), (unsigned long long)dn->dn_size / 1024,
	    dn->dn_name);
}

static int
root_partitions(struct ptext *pt, const struct pnode *pn __unused)
{
	text(pt, "major minor  #blocks  name\n\n");
	disk_foreach(partition, pt);
	return (0);
}

static int
root_cmdline(struct ptext *pt, const struct pnode *pn __unused)
{
	char *line;
	size_t len;

	if ((line = kmem_alloc(CMDLINE_MAX + 1, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	line[0] = '\0';
	(void)sysctl_read("kern.cmdline", line, CMDLINE_MAX + 1, &len);
	text(pt, "%s\n", line);
	kmem_free(line, CMDLINE_MAX + 1);
	return (0);
}

static const struct genfile root_files[] = {
	{ "cmdline", root_cmdline }, { "cpuinfo", root_cpuinfo },
	{ "filesystems", root_filesystems }, { "loadavg", root_loadavg },
	{ "meminfo", root_meminfo }, { "mounts", root_mounts },
	{ "partitions", root_partitions }, { "stat", root_stat },
	{ "uptime", root_uptime }, { "version", root_version },
};
static const u_int nroot_files = nitems(root_files);

static const struct genfile pid_files[] = {
	{ "cmdline", pid_cmdline }, { "comm", pid_comm },
	{ "environ", pid_environ }, { "maps", pid_maps },
	{ "mounts", root_mounts }, { "stat", pid_stat },
	{ "statm", pid_statm }, { "status", pid_status },
};
static const u_int npid_files = nitems(pid_files);

/* The links and directories of a process. */
static const struct {
	const char	*name;
	enum pkind	 kind;
} pid_others[] = {
	{ "cwd", PK_CWD }, { "exe", PK_EXE }, { "fd", PK_FDDIR },
	{ "root", PK_TOP },
};

/* --- nodes -------------------------------------------------------------- */

static enum vtype
pnode_type(enum pkind kind)
{
	switch (kind) {
	case PK_ROOT:
	case PK_PID:
	case PK_FDDIR:
	case PK_SYSDIR:
	case PK_NETDIR:
		return (VDIR);
	case PK_SELF:
	case PK_CWD:
	case PK_EXE:
	case PK_TOP:
	case PK_FD:
		return (VLNK);
	case PK_FDFILE:
		return (VFIFO);
	default:
		return (VREG);
	}
}

static int
pnode_new(enum pkind kind, pid_t pid, u_int index, const char *name,
    struct vnode **vpp)
{
	struct pnode *pn;

	if ((pn = kmem_zalloc(sizeof(*pn), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	vnode_init(&pn->pn_vnode, &procfs_ops, pnode_type(kind), pn);
	pn->pn_kind = kind;
	pn->pn_pid = pid;
	pn->pn_index = index;
	strlcpy(pn->pn_name, name, sizeof(pn->pn_name));
	*vpp = &pn->pn_vnode;
	return (0);
}

static void
procfs_inactive(struct vnode *vp)
{
	struct pnode *pn = PNODE(vp);

	if (pn->pn_file != NULL)
		file_unref(pn->pn_file);
	kmem_free(pn, sizeof(*pn));
}

static struct pnode proc_root = { .pn_kind = PK_ROOT };

struct vnode *
procfs_root(void)
{
	vnode_init(&proc_root.pn_vnode, &procfs_ops, VDIR, &proc_root);
	proc_root.pn_vnode.v_fsname = "proc";
	vnode_ref(&proc_root.pn_vnode);		/* it never goes */
	return (&proc_root.pn_vnode);
}

static ino_t
pnode_ino(enum pkind kind, pid_t pid, u_int index, const char *name)
{
	if (kind == PK_SYSDIR || kind == PK_SYSFILE)
		return (1ULL << 32 | crc32(0, name, strlen(name)));
	return ((ino_t)pid << 16 | (ino_t)kind << 11 | (index + 1));
}

static bool
parse_number(const char *s, u_int *v)
{
	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return (false);
	for (*v = 0; *s >= '0' && *s <= '9' && *v < 100000000; s++)
		*v = *v * 10 + (*s - '0');
	return (*s == '\0');
}

/* --- directories -------------------------------------------------------- */

static int
find_file(const struct genfile *files, u_int n, const char *name, u_int *index)
{
	for (*index = 0; *index < n; (*index)++) {
		if (strcmp(files[*index].gf_name, name) == 0)
			return (0);
	}
	return (ENOENT);
}

static int
lookup_root(const char *name, struct vnode **vpp)
{
	u_int n;

	if (strcmp(name, "self") == 0)
		return (pnode_new(PK_SELF, 0, 0, "", vpp));
	if (strcmp(name, "sys") == 0)
		return (pnode_new(PK_SYSDIR, 0, 0, "", vpp));
	if (strcmp(name, "net") == 0)
		return (pnode_new(PK_NETDIR, 0, 0, "", vpp));
	if (find_file(root_files, nroot_files, name, &n) == 0)
		return (pnode_new(PK_FILE, 0, n, "", vpp));
	if (parse_number(name, &n) && pid_exists(n))
		return (pnode_new(PK_PID, n, 0, "", vpp));
	return (ENOENT);
}

static int
lookup_pid(pid_t pid, const char *name, struct vnode **vpp)
{
	u_int n;

	if (!pid_exists(pid))
		return (ENOENT);
	if (find_file(pid_files, npid_files, name, &n) == 0)
		return (pnode_new(PK_PIDFILE, pid, n, "", vpp));
	for (n = 0; n < nitems(pid_others); n++) {
		if (strcmp(pid_others[n].name, name) == 0)
			return (pnode_new(pid_others[n].kind, pid, 0, "",
			    vpp));
	}
	return (ENOENT);
}

static int
fd_get(pid_t pid, u_int fd, struct file **fp)
{
	struct snap sn;
	int error;

	if (snap_take(pid, &sn) != 0)
		return (ENOENT);
	error = sn.sn_fd == NULL ? ENOENT :
	    filedesc_get(sn.sn_fd, fd, fp);
	snap_drop(&sn);
	return (error != 0 ? ENOENT : 0);
}

static int
lookup_fd(pid_t pid, const char *name, struct vnode **vpp)
{
	struct file *f;
	u_int fd;

	if (!parse_number(name, &fd) || fd_get(pid, fd, &f) != 0)
		return (ENOENT);
	file_unref(f);
	return (pnode_new(PK_FD, pid, fd, "", vpp));
}

/* Dots are the kernel's slashes, so a name that has one is none. */
static int
lookup_sys(const char *dir, const char *name, struct vnode **vpp)
{
	char full[48];
	mode_t mode;

	if (strchr(name, '.') != NULL || (size_t)snprintf(full, sizeof(full),
	    "%s%s%s", dir, *dir != '\0' ? "." : "", name) >= sizeof(full))
		return (ENOENT);
	if ((mode = sysctl_mode(full)) == 0)
		return (ENOENT);
	return (pnode_new(mode == S_IFDIR ? PK_SYSDIR : PK_SYSFILE, 0, 0,
	    full, vpp));
}

static int
lookup_net(const char *name, struct vnode **vpp)
{
	u_int i;

	for (i = 0; i < proc_nnetfiles; i++) {
		if (strcmp(proc_netfiles[i].nf_name, name) == 0)
			return (pnode_new(PK_NETFILE, 0, i, "", vpp));
	}
	return (ENOENT);
}

static int
procfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	struct pnode *pn = PNODE(dvp);

	switch (pn->pn_kind) {
	case PK_ROOT:
		return (lookup_root(name, vpp));
	case PK_PID:
		return (lookup_pid(pn->pn_pid, name, vpp));
	case PK_FDDIR:
		return (lookup_fd(pn->pn_pid, name, vpp));
	case PK_SYSDIR:
		return (lookup_sys(pn->pn_name, name, vpp));
	case PK_NETDIR:
		return (lookup_net(name, vpp));
	default:
		return (ENOTDIR);
	}
}

static const char *
other_name(enum pkind kind)
{
	u_int i;

	for (i = 0; i < nitems(pid_others); i++) {
		if (pid_others[i].kind == kind)
			return (pid_others[i].name);
	}
	return ("");
}

static int
where_sys(const struct pnode *pn, struct vnode **dvpp, char *name)
{
	char dir[sizeof(pn->pn_name)], *dot;

	if (pn->pn_name[0] == '\0') {
		strlcpy(name, "sys", NAME_MAX + 1);
		*dvpp = &proc_root.pn_vnode;
		vnode_ref(*dvpp);
		return (0);
	}
	strlcpy(dir, pn->pn_name, sizeof(dir));
	dot = strrchr(dir, '.');
	strlcpy(name, dot != NULL ? dot + 1 : dir, NAME_MAX + 1);
	*(dot != NULL ? dot : dir) = '\0';
	return (pnode_new(PK_SYSDIR, 0, 0, dir, dvpp));
}

static int
where_kind(const struct pnode *pn, struct vnode **dvpp, char *name)
{
	pid_t pid = pn->pn_pid;

	switch (pn->pn_kind) {
	case PK_SYSDIR:
	case PK_SYSFILE:
		return (where_sys(pn, dvpp, name));
	case PK_FD:
		snprintf(name, NAME_MAX + 1, "%u", pn->pn_index);
		return (pnode_new(PK_FDDIR, pid, 0, "", dvpp));
	case PK_PIDFILE:
		strlcpy(name, pid_files[pn->pn_index].gf_name, NAME_MAX + 1);
		return (pnode_new(PK_PID, pid, 0, "", dvpp));
	case PK_CWD:
	case PK_EXE:
	case PK_TOP:
	case PK_FDDIR:
		strlcpy(name, other_name(pn->pn_kind), NAME_MAX + 1);
		return (pnode_new(PK_PID, pid, 0, "", dvpp));
	case PK_PID:
		snprintf(name, NAME_MAX + 1, "%d", pid);
		break;
	case PK_FILE:
		strlcpy(name, root_files[pn->pn_index].gf_name, NAME_MAX + 1);
		break;
	case PK_SELF:
		strlcpy(name, "self", NAME_MAX + 1);
		break;
	case PK_NETDIR:
		strlcpy(name, "net", NAME_MAX + 1);
		break;
	case PK_NETFILE:
		strlcpy(name, proc_netfiles[pn->pn_index].nf_name,
		    NAME_MAX + 1);
		return (pnode_new(PK_NETDIR, 0, 0, "", dvpp));
	default:
		return (ENOENT);
	}
	*dvpp = &proc_root.pn_vnode;
	vnode_ref(*dvpp);
	return (0);
}

static int
procfs_where(struct vnode *vp, struct vnode **dvpp, char *name)
{
	char unwanted[NAME_MAX + 1];

	return (where_kind(PNODE(vp), dvpp, name != NULL ? name : unwanted));
}

/* --- readdir ------------------------------------------------------------ */

struct filler {
	dirfill_t	 fi_fill;
	void		*fi_arg;
	off_t		 fi_from;	/* what lies before has been given */
	off_t		 fi_pos;	/* of the next entry */
	int		 fi_full;
};

#define POS_FIRST	2		/* behind "." and ".." */
#define POS_PIDS	256		/* of process 0, in the root */

static void
fill(struct filler *fi, const char *name, enum pkind kind, pid_t pid,
    u_int index, const char *full)
{
	if (fi->fi_full == 0 && fi->fi_pos >= fi->fi_from)
		fi->fi_full = fi->fi_fill(fi->fi_arg, name,
		    pnode_ino(kind, pid, index, full), pnode_type(kind),
		    fi->fi_pos + 1);
	fi->fi_pos++;
}

static void
fill_root(struct filler *fi)
{
	char name[12];
	pid_t pid;
	u_int i;

	fill(fi, "self", PK_SELF, 0, 0, "");
	fill(fi, "sys", PK_SYSDIR, 0, 0, "");
	fill(fi, "net", PK_NETDIR, 0, 0, "");
	for (i = 0; i < nroot_files; i++)
		fill(fi, root_files[i].gf_name, PK_FILE, 0, i, "");
	pid = fi->fi_from > POS_PIDS ? fi->fi_from - POS_PIDS : 0;
	while (fi->fi_full == 0 && (pid = pid_next(pid)) != 0) {
		snprintf(name, sizeof(name), "%d", pid);
		fi->fi_pos = POS_PIDS + pid;
		fill(fi, name, PK_PID, pid, 0, "");
		pid++;
	}
}

static void
fill_pid(struct filler *fi, pid_t pid)
{
	u_int i;

	for (i = 0; i < npid_files; i++)
		fill(fi, pid_files[i].gf_name, PK_PIDFILE, pid, i, "");
	for (i = 0; i < nitems(pid_others); i++)
		fill(fi, pid_others[i].name, pid_others[i].kind, pid, 0, "");
}

static void
fill_fd(struct filler *fi, pid_t pid)
{
	char name[12];
	struct snap sn;
	int fd;

	if (snap_take(pid, &sn) != 0)
		return;
	fd = MAX(fi->fi_from - POS_FIRST, 0);
	while (sn.sn_fd != NULL && fi->fi_full == 0 &&
	    (fd = filedesc_next(sn.sn_fd, fd)) != -1) {
		snprintf(name, sizeof(name), "%d", fd);
		fi->fi_pos = POS_FIRST + fd;
		fill(fi, name, PK_FD, pid, fd, "");
		fd++;
	}
	snap_drop(&sn);
}

/* The next parts of all names that begin with dir; they are sorted. */
static void
fill_sys(struct filler *fi, const char *dir)
{
	char prefix[50], name[48], part[48], last[48] = "", *dot;
	size_t n;

	snprintf(prefix, sizeof(prefix), "%s%s", dir,
	    *dir != '\0' ? "." : "");
	n = strlen(prefix);
	strlcpy(name, prefix, sizeof(name));
	while (fi->fi_full == 0 && sysctl_next(name, name) == 0 &&
	    strncmp(name, prefix, n) == 0) {
		strlcpy(part, name + n, sizeof(part));
		if ((dot = strchr(part, '.')) != NULL)
			*dot = '\0';
		if (strcmp(part, last) == 0)
			continue;
		strlcpy(last, part, sizeof(last));
		fill(fi, part, dot != NULL ? PK_SYSDIR : PK_SYSFILE, 0, 0,
		    name);
	}
}

static int
procfs_readdir(struct vnode *vp, off_t off, dirfill_t fn, void *arg)
{
	struct filler fi = { .fi_fill = fn, .fi_arg = arg,
	    .fi_from = MAX(off, 0) };
	struct pnode *pn = PNODE(vp);
	u_int i;

	fill(&fi, ".", pn->pn_kind, pn->pn_pid, 0, pn->pn_name);
	fill(&fi, "..", PK_ROOT, 0, 0, "");
	switch (pn->pn_kind) {
	case PK_ROOT:
		fill_root(&fi);
		break;
	case PK_PID:
		fill_pid(&fi, pn->pn_pid);
		break;
	case PK_FDDIR:
		fill_fd(&fi, pn->pn_pid);
		break;
	case PK_SYSDIR:
		fill_sys(&fi, pn->pn_name);
		break;
	case PK_NETDIR:
		for (i = 0; i < proc_nnetfiles; i++)
			fill(&fi, proc_netfiles[i].nf_name, PK_NETFILE, 0, i,
			    "");
		break;
	default:
		return (ENOTDIR);
	}
	return (0);
}

/* --- links -------------------------------------------------------------- */

/* The vnode that a link of a process stands for, with a reference. */
static int
link_vnode(const struct pnode *pn, struct vnode **vpp)
{
	struct vnode *vp = NULL;
	struct snap sn;

	if (snap_take(pn->pn_pid, &sn) != 0)
		return (ENOENT);
	if (pn->pn_kind == PK_CWD)
		vp = sn.sn_cwd;
	else if (pn->pn_kind == PK_EXE)
		vp = sn.sn_exe;
	else
		vp = rootvnode;
	if (vp != NULL)
		vnode_ref(vp);
	snap_drop(&sn);
	*vpp = vp;
	return (vp != NULL ? 0 : ENOENT);
}

/* A file without a vnode gets one, so that it can be opened again. */
static int
follow_fd(const struct pnode *pn, struct vnode **vpp)
{
	struct file *f;
	int error;

	if ((error = fd_get(pn->pn_pid, pn->pn_index, &f)) != 0)
		return (error);
	if (f->f_vnode != NULL) {
		*vpp = f->f_vnode;
		vnode_ref(*vpp);
	} else if ((error = pnode_new(PK_FDFILE, pn->pn_pid, pn->pn_index, "",
	    vpp)) == 0) {
		PNODE(*vpp)->pn_file = f;
		return (0);
	}
	file_unref(f);
	return (error);
}

static int
procfs_follow(struct vnode *vp, struct vnode **vpp)
{
	struct pnode *pn = PNODE(vp);

	switch (pn->pn_kind) {
	case PK_CWD:
	case PK_EXE:
	case PK_TOP:
		return (link_vnode(pn, vpp));
	case PK_FD:
		return (follow_fd(pn, vpp));
	default:
		return (EOPNOTSUPP);	/* by its text */
	}
}

static void
file_text(struct file *f, char *path)
{
	struct kstat ks;

	if (f->f_vnode != NULL) {
		if (vn_path(f->f_vnode, path, MAXPATHLEN) != 0)
			strlcpy(path, "(deleted)", MAXPATHLEN);
	} else if (f->f_ops->fo_stat != NULL &&
	    f->f_ops->fo_stat(f, &ks) == 0 &&
	    (ks.ks_mode & S_IFMT) == S_IFIFO)
		snprintf(path, MAXPATHLEN, "pipe:[%llu]", ULL(ks.ks_ino));
	else
		strlcpy(path, "anon_inode:[file]", MAXPATHLEN);
}

static int
link_text(const struct pnode *pn, char *path)
{
	struct vnode *vp;
	struct file *f;
	int error;

	switch (pn->pn_kind) {
	case PK_SELF:
		if (curproc == NULL)
			return (ENOENT);
		snprintf(path, MAXPATHLEN, "%d", curproc->p_pid);
		return (0);
	case PK_FD:
		error = fd_get(pn->pn_pid, pn->pn_index, &f);
		if (error == 0) {
			file_text(f, path);
			file_unref(f);
		}
		return (error);
	case PK_CWD:
	case PK_EXE:
	case PK_TOP:
		if ((error = link_vnode(pn, &vp)) == 0) {
			if (vn_path(vp, path, MAXPATHLEN) != 0)
				strlcpy(path, "(deleted)", MAXPATHLEN);
			vnode_unref(vp);
		}
		return (error);
	default:
		return (EINVAL);
	}
}

static int
procfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	char *path;
	int error;

	if ((path = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = link_text(PNODE(vp), path)) == 0) {
		*lenp = MIN(strlen(path), size);
		memcpy(buf, path, *lenp);
	}
	kmem_free(path, MAXPATHLEN);
	return (error);
}

/* --- attributes --------------------------------------------------------- */

static mode_t
pnode_mode(const struct pnode *pn)
{
	switch (pnode_type(pn->pn_kind)) {
	case VDIR:
		return (S_IFDIR | 0555);
	case VLNK:
		return (S_IFLNK | 0777);
	case VFIFO:
		return (S_IFIFO | 0600);
	default:
		if (pn->pn_kind == PK_SYSFILE)
			return (S_IFREG | (sysctl_mode(pn->pn_name) & 0777));
		return (S_IFREG | 0444);
	}
}

static int
procfs_stat(struct vnode *vp, struct kstat *ks)
{
	struct pnode *pn = PNODE(vp);

	if (pn->pn_pid != 0 && !pid_exists(pn->pn_pid))
		return (ENOENT);
	*ks = (struct kstat){ .ks_dev = makedev(0, 4),
	    .ks_ino = pnode_ino(pn->pn_kind, pn->pn_pid, pn->pn_index,
	    pn->pn_name), .ks_mode = pnode_mode(pn),
	    .ks_nlink = vp->v_type == VDIR ? 2 : 1, .ks_blksize = 1024 };
	ks->ks_atime = ks->ks_mtime = ks->ks_ctime = nsecwall();
	return (0);
}

/* --- open files --------------------------------------------------------- */

struct popen {
	struct rwlock	 po_lock;
	struct ptext	 po_text;
	bool		 po_made;
};

static int
sys_text(struct ptext *pt, const char *name)
{
	char *value;
	size_t len;
	int error;

	if ((value = kmem_alloc(SYSCTL_VALUE_MAX, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = sysctl_read(name, value, SYSCTL_VALUE_MAX, &len);
	if (error == 0)
		text(pt, "%s\n", value);
	kmem_free(value, SYSCTL_VALUE_MAX);
	return (error);
}

static int
popen_make(struct popen *po, const struct pnode *pn)
{
	struct ptext *pt = &po->po_text;
	int error;

	text_free(pt);
	switch (pn->pn_kind) {
	case PK_FILE:
		error = root_files[pn->pn_index].gf_text(pt, pn);
		break;
	case PK_PIDFILE:
		error = pid_files[pn->pn_index].gf_text(pt, pn);
		break;
	case PK_NETFILE:
		error = 0;
		proc_netfiles[pn->pn_index].nf_text(pt);
		break;
	default:
		error = sys_text(pt, pn->pn_name);
	}
	if (error == 0)
		error = pt->pt_error;
	po->po_made = error == 0;
	return (error);
}

/* From the beginning it is made anew: who rewinds wants to see what is now. */
static int
procf_read(struct file *f, struct uio *uio)
{
	struct popen *po = f->f_data;
	struct ptext *pt = &po->po_text;
	int error = 0;

	rw_enter_write(&po->po_lock);
	if (uio->uio_offset == 0 || !po->po_made)
		error = popen_make(po, PNODE(f->f_vnode));
	if (error == 0 && (uint64_t)uio->uio_offset < pt->pt_len)
		error = uiomove(pt->pt_buf + uio->uio_offset,
		    pt->pt_len - uio->uio_offset, uio);
	rw_exit(&po->po_lock);
	return (error);
}

/* One write is one value, whatever the position. */
static int
procf_write(struct file *f, struct uio *uio)
{
	struct pnode *pn = PNODE(f->f_vnode);
	size_t want = uio->uio_resid, n = want;
	char *value;
	int error;

	if (pn->pn_kind != PK_SYSFILE)
		return (EPERM);
	if (n >= SYSCTL_VALUE_MAX)
		return (EINVAL);
	if ((value = kmem_alloc(SYSCTL_VALUE_MAX, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = uiomove(value, n, uio)) == 0) {
		if (n > 0 && value[n - 1] == '\n')
			n--;
		value[n] = '\0';
		error = strlen(value) != n ? EINVAL :
		    sysctl_write(pn->pn_name, value);
	}
	kmem_free(value, SYSCTL_VALUE_MAX);
	if (error != 0)
		uio->uio_resid = want;		/* nothing of it was taken */
	return (error);
}

static int
procf_stat(struct file *f, struct kstat *ks)
{
	return (procfs_stat(f->f_vnode, ks));
}

static int
procf_close(struct file *f)
{
	struct popen *po = f->f_data;

	text_free(&po->po_text);
	kmem_free(po, sizeof(*po));
	return (0);
}

static const struct fileops procfs_fileops = {
	.fo_read = procf_read,
	.fo_write = procf_write,
	.fo_stat = procf_stat,
	.fo_close = procf_close,
};

static int
procfs_open(struct vnode *vp, int flags, struct file *f)
{
	struct pnode *pn = PNODE(vp);
	struct popen *po;

	if (pn->pn_kind == PK_FDFILE)
		return (pipe_reopen(pn->pn_file, flags, f));
	if (vp->v_type == VDIR)
		return (0);
	if ((flags & O_ACCMODE) != O_RDONLY && !(pnode_mode(pn) & 0222))
		return (EACCES);
	if ((po = kmem_zalloc(sizeof(*po), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	rw_init(&po->po_lock, "procfs");
	f->f_data = po;
	f->f_ops = &procfs_fileops;
	return (0);
}

static const struct vnodeops procfs_ops = {
	.vop_lookup = procfs_lookup,
	.vop_readdir = procfs_readdir,
	.vop_readlink = procfs_readlink,
	.vop_stat = procfs_stat,
	.vop_open = procfs_open,
	.vop_inactive = procfs_inactive,
	.vop_where = procfs_where,
	.vop_follow = procfs_follow,
};
