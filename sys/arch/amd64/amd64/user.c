/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Programs on this machine: their registers when they begin, fork, and take
 * a signal.
 */

#include <sys/errno.h>
#include <sys/exec_elf.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <compat/linux/linux_signal.h>
#include <machine/cpu.h>
#include <machine/trap.h>

#define EM_X86_64	62
#define FPU_ALIGN	64		/* of XSAVE */
#define REDZONE		128		/* below the stack pointer, ABI 3.2.2 */

const char	md_platform[] = "x86_64";
const uint16_t	md_elf_machine = EM_X86_64;
const char	md_sigcode[] = "";	/* the C library's: sa_restorer */
const size_t	md_sigcode_size = 0;

u_long
md_hwcap(u_int n)
{
	return (n == 0 ? cpu_feature_edx : 0);
}

/* --- floating point state: aligned, in a piece of its own --------------------- */

static void *
fpu_alloc(void)
{
	/* pieces of a page or more are aligned to a page */
	return (kmem_zalloc(MAX(fpu_size, PAGE_SIZE), KM_NOSLEEP));
}

int
md_user_init(struct thread *td)
{
	if ((td->td_md.mc_fpu = fpu_alloc()) == NULL)
		return (ENOMEM);
	fpu_init_state(td->td_md.mc_fpu);
	return (0);
}

void
md_user_free(struct thread *td)
{
	kmem_free(td->td_md.mc_fpu, MAX(fpu_size, PAGE_SIZE));
	td->td_md.mc_fpu = NULL;
}

int
md_user_fork(struct thread *td, struct thread *from, u_long stack,
    u_long tls, bool settls)
{
	if (settls && tls >= VM_MAX_USER)
		return (EPERM);
	if ((td->td_md.mc_fpu = fpu_alloc()) == NULL)
		return (ENOMEM);
	fpu_save(td->td_md.mc_fpu);	/* the current thread's: from's */
	td->td_md.mc_fsbase = settls ? tls : from->td_md.mc_fsbase;
	td->td_md.mc_gsbase = from->td_md.mc_gsbase;
	*td->td_frame = *from->td_frame;
	td->td_frame->tf_rax = 0;
	if (stack != 0)
		td->td_frame->tf_rsp = stack;
	return (0);
}

void
md_user_exec(struct trapframe *tf, u_long entry, u_long sp)
{
	struct thread *td = curthread;

	memset(tf, 0, sizeof(*tf));
	tf->tf_rip = entry;
	tf->tf_rsp = sp;
	tf->tf_cs = GSEL_UCODE;
	tf->tf_ss = GSEL_UDATA;
	tf->tf_rflags = PSL_USER;
	td->td_md.mc_fsbase = td->td_md.mc_gsbase = 0;
	wrmsr(MSR_FSBASE, 0);
	wrmsr(MSR_KGSBASE, 0);
	fpu_init_state(td->td_md.mc_fpu);
	fpu_restore(td->td_md.mc_fpu);
	td->td_fullframe = true;
	td->td_restart = false;
}

/* arch_prctl(2): the bases of the thread's segments. */
#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define ARCH_GET_FS	0x1003
#define ARCH_GET_GS	0x1004

int
md_arch_prctl(u_long code, u_long addr)
{
	struct md_context *mc = &curthread->td_md;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= VM_MAX_USER)
			return (EPERM);
		if (code == ARCH_SET_FS) {
			mc->mc_fsbase = addr;
			wrmsr(MSR_FSBASE, addr);
		} else {
			mc->mc_gsbase = addr;
			wrmsr(MSR_KGSBASE, addr);
		}
		return (0);
	case ARCH_GET_FS:
		return (copyout(&mc->mc_fsbase, (void *)addr, 8));
	case ARCH_GET_GS:
		return (copyout(&mc->mc_gsbase, (void *)addr, 8));
	default:
		return (EINVAL);
	}
}

u_long
md_user_sp(const struct trapframe *tf)
{
	return (tf->tf_rsp);
}

void
md_syscall_result(struct trapframe *tf, long v)
{
	tf->tf_rax = v;
}

/* SYSCALL is two bytes long; its number is in tf_trapno. */
void
md_syscall_restart(struct trapframe *tf)
{
	tf->tf_rip -= 2;
	tf->tf_rax = tf->tf_trapno;
	curthread->td_fullframe = true;
}

/* --- signals: the frame that Linux builds ---------------------------------------- */

struct linux_sigcontext {
	uint64_t	sc_r8, sc_r9, sc_r10, sc_r11, sc_r12, sc_r13;
	uint64_t	sc_r14, sc_r15, sc_rdi, sc_rsi, sc_rbp, sc_rbx;
	uint64_t	sc_rdx, sc_rax, sc_rcx, sc_rsp, sc_rip, sc_rflags;
	uint16_t	sc_cs, sc_gs, sc_fs, sc_ss;
	uint64_t	sc_err, sc_trapno, sc_oldmask, sc_cr2, sc_fpu;
	uint64_t	sc_reserved[8];
};

struct linux_ucontext {
	uint64_t	uc_flags, uc_link;
	struct linux_stack uc_stack;
	struct linux_sigcontext uc_mc;
	uint64_t	uc_sigmask;
};

struct linux_sigframe {
	uint64_t	sf_return;
	struct linux_ucontext sf_uc;
	struct linux_siginfo sf_info;
};
#define XSAVE_HEADER	512		/* behind the part of FXSAVE */
#define XSAVE_MIN	576

static void
sigcontext_get(const struct trapframe *tf, struct linux_sigcontext *sc)
{
	sc->sc_r8 = tf->tf_r8; sc->sc_r9 = tf->tf_r9;
	sc->sc_r10 = tf->tf_r10; sc->sc_r11 = tf->tf_r11;
	sc->sc_r12 = tf->tf_r12; sc->sc_r13 = tf->tf_r13;
	sc->sc_r14 = tf->tf_r14; sc->sc_r15 = tf->tf_r15;
	sc->sc_rdi = tf->tf_rdi; sc->sc_rsi = tf->tf_rsi;
	sc->sc_rbp = tf->tf_rbp; sc->sc_rbx = tf->tf_rbx;
	sc->sc_rdx = tf->tf_rdx; sc->sc_rax = tf->tf_rax;
	sc->sc_rcx = tf->tf_rcx; sc->sc_rsp = tf->tf_rsp;
	sc->sc_rip = tf->tf_rip; sc->sc_rflags = tf->tf_rflags;
	sc->sc_cs = tf->tf_cs; sc->sc_ss = tf->tf_ss;
	sc->sc_err = tf->tf_err; sc->sc_trapno = tf->tf_trapno;
}

static void
sigcontext_set(struct trapframe *tf, const struct linux_sigcontext *sc)
{
	tf->tf_r8 = sc->sc_r8; tf->tf_r9 = sc->sc_r9;
	tf->tf_r10 = sc->sc_r10; tf->tf_r11 = sc->sc_r11;
	tf->tf_r12 = sc->sc_r12; tf->tf_r13 = sc->sc_r13;
	tf->tf_r14 = sc->sc_r14; tf->tf_r15 = sc->sc_r15;
	tf->tf_rdi = sc->sc_rdi; tf->tf_rsi = sc->sc_rsi;
	tf->tf_rbp = sc->sc_rbp; tf->tf_rbx = sc->sc_rbx;
	tf->tf_rdx = sc->sc_rdx; tf->tf_rax = sc->sc_rax;
	tf->tf_rcx = sc->sc_rcx; tf->tf_rsp = sc->sc_rsp;
	tf->tf_rip = sc->sc_rip;
	tf->tf_rflags = (tf->tf_rflags & ~PSL_USERMASK) |
	    (sc->sc_rflags & PSL_USERMASK) | PSL_USER;
	tf->tf_cs = GSEL_UCODE;
	tf->tf_ss = GSEL_UDATA;
}

int
md_sendsig(struct trapframe *tf, int sig, const struct sigaction *sa,
    const struct ksiginfo *ksi, uint64_t mask)
{
	struct thread *td = curthread;
	struct proc *p = td->td_proc;
	struct linux_sigframe sf;
	u_long sp = tf->tf_rsp, fpu;

	/* IRET faults in the kernel on an address that is not canonical */
	if (!(sa->sa_flags & SA_RESTORER) || sa->sa_handler >= VM_MAX_USER)
		return (EFAULT);
	sp = linux_signal_stack(p, sa, sp, REDZONE);
	fpu = rounddown2(sp - fpu_size, FPU_ALIGN);
	/* as after a call: 8 off the alignment of 16 */
	sp = rounddown2(fpu - sizeof(sf), 16) - 8;

	memset(&sf, 0, sizeof(sf));
	sf.sf_return = sa->sa_restorer;
	sigcontext_get(tf, &sf.sf_uc.uc_mc);
	sf.sf_uc.uc_mc.sc_fpu = fpu;
	sf.sf_uc.uc_mc.sc_oldmask = sf.sf_uc.uc_sigmask = mask;
	linux_stack_set(&sf.sf_uc.uc_stack, p, tf->tf_rsp);
	linux_siginfo_set(&sf.sf_info, sig, ksi);
	if (ksi->ksi_pid == 0)
		sf.sf_uc.uc_mc.sc_cr2 = ksi->ksi_value;

	fpu_save(td->td_md.mc_fpu);
	if (copyout(td->td_md.mc_fpu, (void *)fpu, fpu_size) != 0 ||
	    copyout(&sf, (void *)sp, sizeof(sf)) != 0)
		return (EFAULT);
	tf->tf_rsp = sp;
	tf->tf_rip = sa->sa_handler;
	tf->tf_rdi = sig;
	tf->tf_rsi = sp + offsetof(struct linux_sigframe, sf_info);
	tf->tf_rdx = sp + offsetof(struct linux_sigframe, sf_uc);
	tf->tf_rax = 0;
	tf->tf_rflags &= ~(PSL_D | PSL_T);
	td->td_fullframe = true;
	return (0);
}

/*
 * The state comes from the program, and XRSTOR faults on one that is not
 * sound: only what this processor has, no compact form, no reserved bits.
 */
static void
fpu_sanitize(char *fpu, const char *own)
{
	uint64_t *header = (uint64_t *)(fpu + XSAVE_HEADER);
	uint32_t mxcsr, mask;

	/* the processor tells in what it saved; 0: one without DAZ */
	memcpy(&mxcsr, fpu + 24, sizeof(mxcsr));
	memcpy(&mask, own + 28, sizeof(mask));
	mxcsr &= mask != 0 ? mask : 0xffbf;
	memcpy(fpu + 24, &mxcsr, sizeof(mxcsr));
	if (fpu_size < XSAVE_MIN)
		return;
	header[0] &= fpu_features();
	memset(header + 1, 0, 56);
}

int
md_sigreturn(struct trapframe *tf, uint64_t *mask)
{
	struct thread *td = curthread;
	struct linux_sigframe sf;
	char *fpu;
	int error;

	/* the handler's RET has taken sf_return off the stack */
	error = copyin((void *)(tf->tf_rsp - sizeof(sf.sf_return)), &sf,
	    sizeof(sf));
	if (error != 0)
		return (error);
	if (sf.sf_uc.uc_mc.sc_rip >= VM_MAX_USER)
		return (EFAULT);
	if (sf.sf_uc.uc_mc.sc_fpu != 0) {
		/* not into td_md at once: the copy may sleep */
		if ((fpu = fpu_alloc()) == NULL)
			return (ENOMEM);
		error = copyin((void *)sf.sf_uc.uc_mc.sc_fpu, fpu, fpu_size);
		if (error == 0) {
			fpu_save(td->td_md.mc_fpu);
			fpu_sanitize(fpu, td->td_md.mc_fpu);
			memcpy(td->td_md.mc_fpu, fpu, fpu_size);
			fpu_restore(td->td_md.mc_fpu);
		}
		kmem_free(fpu, MAX(fpu_size, PAGE_SIZE));
		if (error != 0)
			return (error);
	}
	sigcontext_set(tf, &sf.sf_uc.uc_mc);
	*mask = sf.sf_uc.uc_sigmask;
	td->td_fullframe = true;
	td->td_restart = false;
	return (0);
}
