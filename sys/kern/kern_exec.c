/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Programs: loaded and started.
 */

#include <sys/aio.h>
#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/exec_elf.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/rnd.h>
#include <sys/syscallsubr.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define STACK_SIZE	(8UL << 20)
#define HEADER_SIZE	4096
#define SCRIPT_DEPTH	4

/* auxiliary vector: System V ABI, and Linux's additions */
#define AT_NULL		0
#define AT_PHDR		3
#define AT_PHENT	4
#define AT_PHNUM	5
#define AT_PAGESZ	6
#define AT_BASE		7
#define AT_ENTRY	9
#define AT_UID		11
#define AT_EUID		12
#define AT_GID		13
#define AT_EGID		14
#define AT_PLATFORM	15
#define AT_HWCAP	16
#define AT_CLKTCK	17
#define AT_SECURE	23
#define AT_RANDOM	25
#define AT_HWCAP2	26
#define AT_EXECFN	31
#define NAUX		18

/* a program on its way to being one */
struct exec {
	struct vnode	*ex_vnode;
	char		*ex_header;
	size_t		 ex_headerlen;
	uint64_t	 ex_filesize;
	struct elf_image ex_image;
	u_long		 ex_bias;
	u_long		 ex_entry;	/* where to begin: its or its interp's */
	u_long		 ex_interpbase;
	struct vmspace	*ex_vm;
	u_long		 ex_sp;
};

/* --- arguments ---------------------------------------------------------------------- */

int
execargs_init(struct execargs *ea)
{
	*ea = (struct execargs){ .ea_buf = kmem_alloc(EXEC_ARGS_MAX,
	    KM_NOSLEEP) };
	return (ea->ea_buf == NULL ? ENOMEM : 0);
}

void
execargs_fini(struct execargs *ea)
{
	kmem_free(ea->ea_buf, EXEC_ARGS_MAX);
	ea->ea_buf = NULL;
}

/* The caller counts it as an argument or as a part of the environment. */
int
execargs_add(struct execargs *ea, const char *s)
{
	size_t n = strlen(s) + 1;

	if (n > EXEC_ARGS_MAX - ea->ea_len)
		return (E2BIG);
	memcpy(ea->ea_buf + ea->ea_len, s, n);
	ea->ea_len += n;
	return (0);
}

/* For a script: "interp [arg] path" in place of the first argument. */
static int
execargs_script(struct execargs *ea, const char *interp, const char *arg,
    const char *path)
{
	size_t old = ea->ea_argc > 0 ? strlen(ea->ea_buf) + 1 : 0;
	size_t a = strlen(interp) + 1, b = arg != NULL ? strlen(arg) + 1 : 0;
	size_t c = strlen(path) + 1;

	if (ea->ea_len - old + a + b + c > EXEC_ARGS_MAX)
		return (E2BIG);
	memmove(ea->ea_buf + a + b + c, ea->ea_buf + old, ea->ea_len - old);
	memcpy(ea->ea_buf, interp, a);
	if (arg != NULL)
		memcpy(ea->ea_buf + a, arg, b);
	memcpy(ea->ea_buf + a + b, path, c);
	ea->ea_len += a + b + c - old;
	ea->ea_argc += 1 + (arg != NULL) + (old == 0);
	return (0);
}

/* --- file ----------------------------------------------------------------------------- */

static void
exec_close(struct exec *ex)
{
	if (ex->ex_vnode != NULL)
		vnode_unref(ex->ex_vnode);
	kmem_free(ex->ex_header, HEADER_SIZE);
	vmspace_unref(ex->ex_vm);
	memset(ex, 0, sizeof(*ex));
}

static int
exec_open(struct exec *ex, const char *path)
{
	struct kstat ks;
	int error;

	memset(ex, 0, sizeof(*ex));
	if ((ex->ex_header = kmem_alloc(HEADER_SIZE, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = namei(NULL, path, 0, &ex->ex_vnode)) != 0 ||
	    (error = ex->ex_vnode->v_ops->vop_stat(ex->ex_vnode, &ks)) != 0)
		return (error);
	if (ex->ex_vnode->v_type != VREG || !(ks.ks_mode & 0111) ||
	    ex->ex_vnode->v_ops->vop_object == NULL)
		return (EACCES);
	ex->ex_filesize = ks.ks_size;
	return (vn_read(ex->ex_vnode, ex->ex_header, HEADER_SIZE, 0,
	    &ex->ex_headerlen));
}

/* "#! interpreter [one argument]", as Linux reads it. */
static int
exec_script(struct exec *ex, struct execargs *ea, char *path)
{
	char *p = ex->ex_header + 2, *end, *interp, *arg = NULL;

	end = memchr(p, '\n', ex->ex_headerlen - 2);
	if (end == NULL || end - p >= 256)
		return (ENOEXEC);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	interp = p;
	while (*p != '\0' && *p != ' ' && *p != '\t')
		p++;
	if (*p != '\0') {
		*p++ = '\0';
		while (*p == ' ' || *p == '\t')
			p++;
		arg = p;
	}
	if (*interp == '\0')
		return (ENOEXEC);
	if (execargs_script(ea, interp, arg, path) != 0)
		return (E2BIG);
	strlcpy(path, interp, MAXPATHLEN);
	return (0);
}

/* --- memory ------------------------------------------------------------------------------ */

/* Store into an address space that may not be the current one. */
static int
exec_store(struct vmspace *vm, u_long va, const void *buf, size_t n)
{
	struct iovec iov;
	size_t len;
	u_int niov;
	int error;

	for (; n > 0; n -= len, va += len) {
		len = n;
		error = vm_wire(vm, va, &len, PROT_WRITE, &iov, 1,
		    PAGE_SIZE, &niov);
		if (error != 0)
			return (error);
		if (buf == NULL)
			memset(iov.iov_base, 0, len);
		else {
			memcpy(iov.iov_base, buf, len);
			buf = (const char *)buf + len;
		}
		vm_unwire(&iov, niov);
	}
	return (0);
}

static int
exec_segment(struct vmspace *vm, const struct elf_load *el, u_long bias,
    struct vm_object *vo)
{
	u_long start = trunc_page(el->el_addr + bias);
	u_long fileend = el->el_addr + bias + el->el_filesz;
	u_long end = el->el_addr + bias + el->el_memsz, at;
	int error;

	at = start;
	if (el->el_filesz != 0) {
		error = vm_map(vm, &at, round_page(fileend) - start,
		    el->el_prot, true, false, vo, trunc_page(el->el_offset));
		if (error != 0)
			return (error);
		at = round_page(fileend);
		/* to the page's end: a dynamic linker allocates there */
		if (end > fileend && (error = exec_store(vm, fileend, NULL,
		    at - fileend)) != 0)
			return (error);
	}
	if (round_page(end) > at)
		return (vm_map(vm, &at, round_page(end) - at, el->el_prot,
		    true, false, NULL, 0));
	return (0);
}

static int
exec_segments(struct exec *ex, struct vmspace *vm)
{
	struct vm_object *vo;
	u_int i;
	int error = 0;

	vo = ex->ex_vnode->v_ops->vop_object(ex->ex_vnode);
	if (vo == NULL)
		return (EACCES);
	for (i = 0; i < ex->ex_image.ei_nload && error == 0; i++)
		error = exec_segment(vm, &ex->ex_image.ei_load[i],
		    ex->ex_bias, vo);
	vm_object_unref(vo);
	return (error);
}

static u_long
exec_random(u_long pages)
{
	u_long v;

	rnd_bytes(&v, sizeof(v));
	return ((v % pages) << PAGE_SHIFT);
}

/* The dynamic linker that a program names goes where mmap would put it. */
static int
exec_interp(struct exec *ex)
{
	struct exec in;
	u_long at = 0;
	size_t size;
	int error;

	if ((error = exec_open(&in, ex->ex_image.ei_interp)) == 0 &&
	    (error = elf_parse(in.ex_header, in.ex_headerlen, in.ex_filesize,
	    md_elf_machine, &in.ex_image)) == 0) {
		size = in.ex_image.ei_end - in.ex_image.ei_start;
		if (!in.ex_image.ei_pie)
			error = ENOEXEC;
		else
			error = vm_map(ex->ex_vm, &at, size, PROT_NONE, false,
			    false, NULL, 0);
		if (error == 0) {
			in.ex_bias = at - in.ex_image.ei_start;
			error = exec_segments(&in, ex->ex_vm);
		}
		ex->ex_interpbase = in.ex_bias;
		ex->ex_entry = in.ex_image.ei_entry + in.ex_bias;
	}
	exec_close(&in);
	return (error);
}

/*
 * Where the machine has no other way back from a signal's handler: a page of
 * the kernel's that holds the instructions for it.
 */
static int
exec_sigcode(struct vmspace *vm)
{
	struct vm_object *vo;
	u_long at = 0;
	int error;

	if (md_sigcode_size == 0)
		return (0);
	if ((vo = vm_object_create(md_sigcode_size, md_sigcode,
	    md_sigcode_size)) == NULL)
		return (ENOMEM);
	error = vm_map(vm, &at, md_sigcode_size, PROT_READ | PROT_EXEC, false,
	    false, vo, 0);
	vm_object_unref(vo);
	vm->vm_sigcode = at;
	return (error);
}

static int
exec_load(struct exec *ex)
{
	struct elf_image *ei = &ex->ex_image;
	int error;

	if ((ex->ex_vm = vmspace_create()) == NULL)
		return (ENOMEM);
	if (ei->ei_pie) {
		/* two thirds up, where others have it too */
		ex->ex_bias = trunc_page(VM_MAX_USER / 3 * 2) +
		    exec_random(MIN(1UL << 24, atop(VM_MAX_USER) / 32));
		if (ei->ei_end > VM_MAX_USER / 4)
			return (ENOEXEC);
	}
	if ((error = exec_segments(ex, ex->ex_vm)) != 0 ||
	    (error = exec_sigcode(ex->ex_vm)) != 0)
		return (error);
	ex->ex_vm->vm_brkbase = ex->ex_vm->vm_brk = ei->ei_end +
	    ex->ex_bias + exec_random(1UL << 12);
	ex->ex_entry = ei->ei_entry + ex->ex_bias;
	if (ei->ei_interp[0] != '\0' && (error = exec_interp(ex)) != 0)
		return (error);
	return (ex->ex_entry < VM_MAX_USER ? 0 : ENOEXEC);
}

/* --- stack --------------------------------------------------------------------------------- */

/*
 * From the top: program's name, platform, 16 random bytes, strings; then,
 * aligned to 16, argc, pointers to arguments and environment, auxiliary
 * vector (System V ABI, 3.4.1).
 */
static int
exec_stack(struct exec *ex, const struct execargs *ea, const char *path)
{
	const size_t nwords = 1 + ea->ea_argc + 1 + ea->ea_envc + 1 + 2 * NAUX;
	u_long top, low, sp, name, platform, random, strings, *words, *w;
	uint8_t bytes[16];
	const char *s;
	u_int i;
	int error;

	top = VM_MAX_USER - PAGE_SIZE - exec_random(1UL << 12);
	low = top - STACK_SIZE;
	error = vm_map(ex->ex_vm, &low, STACK_SIZE, PROT_READ | PROT_WRITE,
	    true, false, NULL, 0);
	if (error != 0)
		return (error);
	rnd_bytes(bytes, sizeof(bytes));
	name = top - 8 - (strlen(path) + 1);
	platform = name - (strlen(md_platform) + 1);
	random = platform - sizeof(bytes);
	strings = random - ea->ea_len;
	sp = rounddown2(strings - nwords * sizeof(u_long), 16);

	if ((words = kmem_zalloc(nwords * sizeof(u_long), KM_NOSLEEP)) ==
	    NULL)
		return (ENOMEM);
	w = words;
	*w++ = ea->ea_argc;
	for (i = 0, s = ea->ea_buf; i < ea->ea_argc + ea->ea_envc; i++) {
		if (i == ea->ea_argc)
			*w++ = 0;
		*w++ = strings + (s - ea->ea_buf);
		s += strlen(s) + 1;
	}
	if (ea->ea_envc == 0)
		*w++ = 0;
	*w++ = 0;
#define AUX(type, value)	(*w++ = (type), *w++ = (value))
	if (ex->ex_image.ei_phdr != 0)
		AUX(AT_PHDR, ex->ex_image.ei_phdr + ex->ex_bias);
	AUX(AT_PHENT, sizeof(struct elf_phdr));
	AUX(AT_PHNUM, ex->ex_image.ei_phnum);
	AUX(AT_PAGESZ, PAGE_SIZE);
	AUX(AT_BASE, ex->ex_interpbase);
	AUX(AT_ENTRY, ex->ex_image.ei_entry + ex->ex_bias);
	AUX(AT_UID, 0);
	AUX(AT_EUID, 0);
	AUX(AT_GID, 0);
	AUX(AT_EGID, 0);
	AUX(AT_PLATFORM, platform);
	AUX(AT_HWCAP, md_hwcap(0));
	AUX(AT_HWCAP2, md_hwcap(1));
	AUX(AT_CLKTCK, 100);
	AUX(AT_SECURE, 0);
	AUX(AT_RANDOM, random);
	AUX(AT_EXECFN, name);
	AUX(AT_NULL, 0);
#undef AUX
	if ((error = exec_store(ex->ex_vm, sp, words,
	    nwords * sizeof(u_long))) == 0 &&
	    (error = exec_store(ex->ex_vm, strings, ea->ea_buf,
	    ea->ea_len)) == 0 &&
	    (error = exec_store(ex->ex_vm, random, bytes,
	    sizeof(bytes))) == 0 &&
	    (error = exec_store(ex->ex_vm, platform, md_platform,
	    strlen(md_platform) + 1)) == 0)
		error = exec_store(ex->ex_vm, name, path, strlen(path) + 1);
	kmem_free(words, nwords * sizeof(u_long));
	ex->ex_sp = sp;
	return (error);
}

/* --- the new program ------------------------------------------------------------------------- */

static size_t
args_length(const struct execargs *ea)
{
	const char *s = ea->ea_buf;
	u_int i;

	for (i = 0; i < ea->ea_argc; i++)
		s += strlen(s) + 1;
	return (s - ea->ea_buf);
}

/* From here on nothing can fail. */
static void
exec_commit(struct exec *ex, const struct execargs *ea, const char *path,
    char *args, size_t argslen, struct trapframe *tf)
{
	struct proc *p = curproc;
	struct vmspace *oldvm;
	struct vnode *oldexe;
	const char *base = strrchr(path, '/');
	char *oldargs;
	size_t oldlen;

	memcpy(args, ea->ea_buf, argslen);
	mtx_enter(&proc_lock);
	oldvm = p->p_vm;
	p->p_vm = ex->ex_vm;
	curthread->td_pmap = ex->ex_vm->vm_pmap;
	pmap_activate(curthread->td_pmap);
	oldexe = p->p_exe;
	p->p_exe = ex->ex_vnode;
	oldargs = p->p_args;
	oldlen = p->p_argslen;
	p->p_args = args;
	p->p_argslen = argslen;
	strlcpy(p->p_comm, base == NULL ? path : base + 1,
	    sizeof(p->p_comm));
	strlcpy(curthread->td_name, p->p_comm, sizeof(curthread->td_name));
	p->p_execed = true;
	proc_vfork_done(p);
	mtx_leave(&proc_lock);
	ex->ex_vm = NULL;
	ex->ex_vnode = NULL;
	p->p_tidclear = 0;

	sig_exec(p);
	aio_exit(p);
	filedesc_exec(p->p_fd);
	kmem_free(oldargs, oldlen);
	if (oldexe != NULL)
		vnode_unref(oldexe);
	vmspace_unref(oldvm);
	md_user_exec(tf, ex->ex_entry, ex->ex_sp);
}

int
kern_exec(const char *file, struct execargs *ea, struct trapframe *tf)
{
	struct exec ex;
	char *path, *args = NULL;
	size_t argslen = 0;
	u_int depth;
	int error;

	if ((path = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	strlcpy(path, file, MAXPATHLEN);
	for (depth = 0;; depth++) {
		if ((error = exec_open(&ex, path)) != 0)
			break;
		if (ex.ex_headerlen < 2 || memcmp(ex.ex_header, "#!", 2) != 0)
			break;
		error = depth == SCRIPT_DEPTH ? ELOOP :
		    exec_script(&ex, ea, path);
		if (error != 0)
			break;
		exec_close(&ex);
	}
	if (error == 0 && (error = elf_parse(ex.ex_header, ex.ex_headerlen,
	    ex.ex_filesize, md_elf_machine, &ex.ex_image)) == 0 &&
	    (error = exec_load(&ex)) == 0 &&
	    (error = exec_stack(&ex, ea, path)) == 0) {
		argslen = args_length(ea);
		if (argslen != 0 &&
		    (args = kmem_alloc(argslen, KM_NOSLEEP)) == NULL)
			error = ENOMEM;
		else
			exec_commit(&ex, ea, file, args, argslen, tf);
	}
	exec_close(&ex);
	kmem_free(path, MAXPATHLEN);
	return (error);
}

/* --- the first program ------------------------------------------------------------------------ */

int
exec_init(struct trapframe *tf)
{
	const char *path = cmdline_get("init", 0), *cmd = cmdline_command();
	struct execargs ea;
	int fd, error;

	if (path == NULL)
		path = "/sbin/init";
	/* descriptors 0 to 2, for one that does not open its own */
	for (fd = -1; fd < 2;) {
		if (kern_openat(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY,
		    0, &fd) != 0)
			break;
	}
	if ((error = execargs_init(&ea)) != 0)
		return (error);
	(void)execargs_add(&ea, path);
	ea.ea_argc = 1;
	if (cmd != NULL) {
		(void)execargs_add(&ea, "--");
		(void)execargs_add(&ea, cmd);
		ea.ea_argc = 3;
	}
	(void)execargs_add(&ea, "TERM=vt100");
	ea.ea_envc = 1;
	error = kern_exec(path, &ea, tf);
	execargs_fini(&ea);
	if (error != 0)
		panic("init: %s cannot be run, error %d", path, error);
	return (0);
}
