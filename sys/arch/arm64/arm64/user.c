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
#include <vm/vm_map.h>

#define EM_AARCH64	183

#ifdef __AARCH64EB__
const char	md_platform[] = "aarch64_be";
#else
const char	md_platform[] = "aarch64";
#endif
const uint16_t	md_elf_machine = EM_AARCH64;
const size_t	md_sigcode_size = PAGE_SIZE;

/*
 * AT_HWCAP, of what needs no help from the kernel: floating point, vectors,
 * and instructions by ID_AA64ISAR0_EL1.
 */
#define HWCAP_FP	(1UL << 0)
#define HWCAP_ASIMD	(1UL << 1)
#define HWCAP_AES	(1UL << 3)
#define HWCAP_PMULL	(1UL << 4)
#define HWCAP_SHA1	(1UL << 5)
#define HWCAP_SHA2	(1UL << 6)
#define HWCAP_CRC32	(1UL << 7)
#define HWCAP_ATOMICS	(1UL << 8)

u_long
md_hwcap(u_int n)
{
	uint64_t isar = READ_SYSREG(id_aa64isar0_el1);
	u_long caps = HWCAP_FP | HWCAP_ASIMD;
	u_int aes = isar >> 4 & 0xf;

	if (n != 0)
		return (0);
	caps |= (aes >= 1 ? HWCAP_AES : 0) | (aes >= 2 ? HWCAP_PMULL : 0);
	caps |= (isar >> 8 & 0xf ? HWCAP_SHA1 : 0) |
	    (isar >> 12 & 0xf ? HWCAP_SHA2 : 0) |
	    (isar >> 16 & 0xf ? HWCAP_CRC32 : 0) |
	    ((isar >> 20 & 0xf) >= 2 ? HWCAP_ATOMICS : 0);
	return (caps);
}

static struct fpu_state *
fpu_alloc(void)
{
	return (kmem_zalloc(sizeof(struct fpu_state), KM_NOSLEEP));
}

int
md_user_init(struct thread *td)
{
	if ((td->td_md.mc_fpu = fpu_alloc()) == NULL)
		return (ENOMEM);
	return (0);
}

void
md_user_free(struct thread *td)
{
	kmem_free(td->td_md.mc_fpu, sizeof(struct fpu_state));
	td->td_md.mc_fpu = NULL;
}

int
md_user_fork(struct thread *td, struct thread *from, u_long stack,
    u_long tls, bool settls)
{
	if ((td->td_md.mc_fpu = fpu_alloc()) == NULL)
		return (ENOMEM);
	fpu_save(td->td_md.mc_fpu);	/* the current thread's: from's */
	td->td_md.mc_tpidr = settls ? tls : READ_SYSREG(tpidr_el0);
	*td->td_frame = *from->td_frame;
	td->td_frame->tf_x[0] = 0;
	if (stack != 0)
		td->td_frame->tf_sp = stack;
	return (0);
}

void
md_user_exec(struct trapframe *tf, u_long entry, u_long sp)
{
	struct thread *td = curthread;

	memset(tf, 0, sizeof(*tf));
	tf->tf_elr = entry;
	tf->tf_sp = sp;
	tf->tf_spsr = SPSR_EL0;
	WRITE_SYSREG(tpidr_el0, 0);
	memset(td->td_md.mc_fpu, 0, sizeof(*td->td_md.mc_fpu));
	fpu_restore(td->td_md.mc_fpu);
	td->td_fullframe = true;
	td->td_restart = false;
}

u_long
md_user_sp(const struct trapframe *tf)
{
	return (tf->tf_sp);
}

void
md_syscall_result(struct trapframe *tf, long v)
{
	tf->tf_x[0] = v;
}

/* SVC is four bytes long; its number is in x8 still. */
void
md_syscall_restart(struct trapframe *tf)
{
	tf->tf_elr -= 4;
	tf->tf_x[0] = tf->tf_x0;
	curthread->td_fullframe = true;
}

/* --- signals: the frame that Linux builds ---------------------------------------- */

/* records behind the registers, each with a magic number and its size */
struct linux_ctx {
	uint32_t	ctx_magic, ctx_size;
};
#define FPSIMD_MAGIC	0x46508001

struct linux_fpsimd {
	struct linux_ctx fp_head;
	uint32_t	fp_fpsr, fp_fpcr;
	uint64_t	fp_v[32][2];
};

struct linux_sigcontext {
	uint64_t	sc_fault;
	uint64_t	sc_x[31], sc_sp, sc_pc, sc_pstate;
	union {
		struct {
			struct linux_fpsimd fpsimd;
			struct linux_ctx end;
		};
		char room[4096];
	} sc_more __aligned(16);
};

struct linux_ucontext {
	uint64_t	uc_flags, uc_link;
	struct linux_stack uc_stack;
	uint64_t	uc_sigmask;
	char		uc_unused[1024 / 8 - sizeof(uint64_t)];
	struct linux_sigcontext uc_mc __aligned(16);
};

struct linux_sigframe {
	struct linux_siginfo sf_info;
	struct linux_ucontext sf_uc;
};
/* the part that has something in it */
#define SIGFRAME_USED	(offsetof(struct linux_sigframe, sf_uc.uc_mc.sc_more) + \
			 sizeof(struct linux_fpsimd) + sizeof(struct linux_ctx))

/* below the frame: what a backtrace through the handler goes by */
struct linux_framerec {
	uint64_t	fr_fp, fr_lr;
};

/* Too large for the stack of the kernel. */
static struct linux_sigframe *
sigframe_alloc(void)
{
	return (kmem_zalloc(sizeof(struct linux_sigframe), KM_NOSLEEP));
}

static void
sigframe_free(struct linux_sigframe *sf)
{
	kmem_free(sf, sizeof(*sf));
}

static void
sigframe_fill(struct linux_sigframe *sf, const struct trapframe *tf,
    const struct fpu_state *fs)
{
	struct linux_sigcontext *sc = &sf->sf_uc.uc_mc;
	struct linux_fpsimd *fp = &sc->sc_more.fpsimd;

	sc->sc_fault = sf->sf_info.si.addr;
	memcpy(sc->sc_x, tf->tf_x, sizeof(sc->sc_x));
	sc->sc_sp = tf->tf_sp;
	sc->sc_pc = tf->tf_elr;
	sc->sc_pstate = tf->tf_spsr;
	fp->fp_head = (struct linux_ctx){ FPSIMD_MAGIC, sizeof(*fp) };
	fp->fp_fpsr = fs->fs_fpsr;
	fp->fp_fpcr = fs->fs_fpcr;
	memcpy(fp->fp_v, fs->fs_v, sizeof(fp->fp_v));
}

int
md_sendsig(struct trapframe *tf, int sig, const struct sigaction *sa,
    const struct ksiginfo *ksi, uint64_t mask)
{
	struct thread *td = curthread;
	struct proc *p = td->td_proc;
	struct linux_framerec fr = { tf->tf_x[29], tf->tf_x[30] };
	struct linux_sigframe *sf;
	u_long sp, frame;
	int error;

	if ((sf = sigframe_alloc()) == NULL)
		return (EFAULT);
	sp = rounddown2(linux_signal_stack(p, sa, tf->tf_sp, 0), 16) -
	    sizeof(fr);
	frame = rounddown2(sp - sizeof(*sf), 16);
	linux_siginfo_set(&sf->sf_info, sig, ksi);
	linux_stack_set(&sf->sf_uc.uc_stack, p, tf->tf_sp);
	sf->sf_uc.uc_sigmask = mask;
	fpu_save(td->td_md.mc_fpu);
	sigframe_fill(sf, tf, td->td_md.mc_fpu);
	error = copyout(sf, (void *)frame, SIGFRAME_USED);
	if (error == 0)
		error = copyout(&fr, (void *)sp, sizeof(fr));
	sigframe_free(sf);
	if (error != 0)
		return (EFAULT);
	tf->tf_x[0] = sig;
	tf->tf_x[1] = frame + offsetof(struct linux_sigframe, sf_info);
	tf->tf_x[2] = frame + offsetof(struct linux_sigframe, sf_uc);
	tf->tf_x[29] = sp;
	tf->tf_x[30] = sa->sa_flags & SA_RESTORER ? sa->sa_restorer :
	    p->p_vm->vm_sigcode;
	tf->tf_sp = frame;
	tf->tf_elr = sa->sa_handler;
	td->td_fullframe = true;
	return (0);
}

/* The frame comes from the program: only flags of its own are taken. */
int
md_sigreturn(struct trapframe *tf, uint64_t *mask)
{
	struct thread *td = curthread;
	struct fpu_state *fs = td->td_md.mc_fpu;
	struct linux_sigframe *sf;
	struct linux_sigcontext *sc;
	struct linux_fpsimd *fp;
	int error;

	if ((sf = sigframe_alloc()) == NULL)
		return (ENOMEM);
	sc = &sf->sf_uc.uc_mc;
	fp = &sc->sc_more.fpsimd;
	error = copyin((void *)tf->tf_sp, sf, SIGFRAME_USED);
	if (error == 0 && fp->fp_head.ctx_magic == FPSIMD_MAGIC &&
	    fp->fp_head.ctx_size == sizeof(*fp)) {
		fs->fs_fpsr = fp->fp_fpsr;
		fs->fs_fpcr = fp->fp_fpcr;
		memcpy(fs->fs_v, fp->fp_v, sizeof(fs->fs_v));
		fpu_restore(fs);
	}
	if (error == 0) {
		memcpy(tf->tf_x, sc->sc_x, sizeof(tf->tf_x));
		tf->tf_sp = sc->sc_sp;
		tf->tf_elr = sc->sc_pc;
		tf->tf_spsr = sc->sc_pstate & SPSR_NZCV;
		*mask = sf->sf_uc.uc_sigmask;
		td->td_fullframe = true;
		td->td_restart = false;
	}
	sigframe_free(sf);
	return (error);
}
