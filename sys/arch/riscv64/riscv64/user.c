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
#include <machine/machdep.h>
#include <vm/vm_map.h>

#define EM_RISCV	243

/* there is no name that libraries would be looked for by */
const char	md_platform[] = "";
const uint16_t	md_elf_machine = EM_RISCV;
const size_t	md_sigcode_size = PAGE_SIZE;

#define SSTATUS_UXL64	(2UL << 32)	/* programs have 64 bits */

#define HWCAP(c)	(1UL << ((c) - 'a'))

/* AT_HWCAP: the letters of what needs no help from the kernel. */
u_long
md_hwcap(u_int n)
{
	u_long ours = HWCAP('i') | HWCAP('m') | HWCAP('a') | HWCAP('c');

	if (n != 0)
		return (0);
	if (cpu_has_fpu)
		ours |= HWCAP('f') | HWCAP('d');
	return (isa_letters() & ours);
}

static struct fpu_state *
fpu_alloc(void)
{
	return (kmem_zalloc(sizeof(struct fpu_state), KM_NOSLEEP));
}

/* The registers of the current thread to its memory, or back. */
static void
user_fpu_save(struct fpu_state *fs)
{
	if (cpu_has_fpu)
		fpu_save(fs);
}

static void
user_fpu_restore(const struct fpu_state *fs)
{
	if (cpu_has_fpu)
		fpu_restore(fs);
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
	user_fpu_save(td->td_md.mc_fpu);	/* the current: from */
	*td->td_frame = *from->td_frame;
	td->td_frame->tf_reg[REG_A0] = 0;
	if (stack != 0)
		td->td_frame->tf_reg[REG_SP] = stack;
	if (settls)
		td->td_frame->tf_reg[REG_TP] = tls;
	return (0);
}

void
md_user_exec(struct trapframe *tf, u_long entry, u_long sp)
{
	struct thread *td = curthread;

	memset(tf, 0, sizeof(*tf));
	tf->tf_reg[REG_PC] = entry;
	tf->tf_reg[REG_SP] = sp;
	tf->tf_sstatus = SSTATUS_UXL64 | SSTATUS_SPIE |
	    (cpu_has_fpu ? SSTATUS_FS : 0);
	memset(td->td_md.mc_fpu, 0, sizeof(*td->td_md.mc_fpu));
	user_fpu_restore(td->td_md.mc_fpu);
	td->td_fullframe = true;
	td->td_restart = false;
}

u_long
md_user_sp(const struct trapframe *tf)
{
	return (tf->tf_reg[REG_SP]);
}

void
md_syscall_result(struct trapframe *tf, long v)
{
	tf->tf_reg[REG_A0] = v;
}

/* ECALL is four bytes long; its number is in a7 still. */
void
md_syscall_restart(struct trapframe *tf)
{
	tf->tf_reg[REG_PC] -= 4;
	tf->tf_reg[REG_A0] = tf->tf_a0;
	curthread->td_fullframe = true;
}

/* --- signals: the frame that Linux builds ---------------------------------------- */

/* as large as the one for registers of 128 bits, which nobody has */
struct linux_fpstate {
	uint64_t	fp_f[32];
	uint32_t	fp_fcsr;
	uint32_t	fp_unused[64 + 1];
	/* where more of the state would begin: nothing */
	uint32_t	fp_more_magic, fp_more_size;
};
_Static_assert(sizeof(struct linux_fpstate) == 528, "floating point");

struct linux_sigcontext {
	uint64_t	sc_reg[32];		/* the pc, then from ra on */
	struct linux_fpstate sc_fp __aligned(16);
};

struct linux_ucontext {
	uint64_t	uc_flags, uc_link;
	struct linux_stack uc_stack;
	uint64_t	uc_sigmask;
	char		uc_unused[1024 / 8 - sizeof(uint64_t)];
	struct linux_sigcontext uc_mc __aligned(16);
};
_Static_assert(offsetof(struct linux_ucontext, uc_mc) == 176, "ucontext");

struct linux_sigframe {
	struct linux_siginfo sf_info;
	struct linux_ucontext sf_uc;
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

	memcpy(sc->sc_reg, tf->tf_reg, sizeof(sc->sc_reg));
	memcpy(sc->sc_fp.fp_f, fs->fs_f, sizeof(sc->sc_fp.fp_f));
	sc->sc_fp.fp_fcsr = fs->fs_fcsr;
}

int
md_sendsig(struct trapframe *tf, int sig, const struct sigaction *sa,
    const struct ksiginfo *ksi, uint64_t mask)
{
	struct thread *td = curthread;
	struct proc *p = td->td_proc;
	u_long sp = tf->tf_reg[REG_SP], frame;
	struct linux_sigframe *sf;
	int error;

	if ((sf = sigframe_alloc()) == NULL)
		return (EFAULT);
	frame = rounddown2(linux_signal_stack(p, sa, sp, 0) - sizeof(*sf), 16);
	linux_siginfo_set(&sf->sf_info, sig, ksi);
	linux_stack_set(&sf->sf_uc.uc_stack, p, sp);
	sf->sf_uc.uc_sigmask = mask;
	user_fpu_save(td->td_md.mc_fpu);
	sigframe_fill(sf, tf, td->td_md.mc_fpu);
	error = copyout(sf, (void *)frame, sizeof(*sf));
	sigframe_free(sf);
	if (error != 0)
		return (EFAULT);
	tf->tf_reg[REG_A0] = sig;
	tf->tf_reg[REG_A1] = frame + offsetof(struct linux_sigframe, sf_info);
	tf->tf_reg[REG_A2] = frame + offsetof(struct linux_sigframe, sf_uc);
	tf->tf_reg[REG_RA] = p->p_vm->vm_sigcode;
	tf->tf_reg[REG_SP] = frame;
	tf->tf_reg[REG_PC] = sa->sa_handler;
	td->td_fullframe = true;
	return (0);
}

/* The frame comes from the program, but what is in it is the program's too. */
int
md_sigreturn(struct trapframe *tf, uint64_t *mask)
{
	struct thread *td = curthread;
	struct fpu_state *fs = td->td_md.mc_fpu;
	struct linux_sigframe *sf;
	struct linux_sigcontext *sc;
	int error;

	if ((sf = sigframe_alloc()) == NULL)
		return (ENOMEM);
	sc = &sf->sf_uc.uc_mc;
	error = copyin((void *)tf->tf_reg[REG_SP], sf, sizeof(*sf));
	if (error == 0) {
		memcpy(fs->fs_f, sc->sc_fp.fp_f, sizeof(fs->fs_f));
		fs->fs_fcsr = sc->sc_fp.fp_fcsr & 0xff;
		user_fpu_restore(fs);
		memcpy(tf->tf_reg, sc->sc_reg, sizeof(tf->tf_reg));
		*mask = sf->sf_uc.uc_sigmask;
		td->td_fullframe = true;
		td->td_restart = false;
	}
	sigframe_free(sf);
	return (error);
}
