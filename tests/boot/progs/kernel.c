/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What programs must not be able to do to the kernel, and what they may
 * expect of it: "kernel NAME" runs one, prints "ok" or what is wrong.
 */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOT_CANONICAL	0x8000000000000000UL
#define CHECK(x)	do { if (!(x)) errx(1, "line %d: %s", __LINE__, #x); } while (0)

static volatile int	count;

static void
handler(int sig)
{
	(void)sig;
	count++;
}

/* Page numbers above what 32 bits hold. */
static void
shared_memory_too_large(void)
{
	size_t size = 1UL << 45;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		p[((1UL << 32) + 5) * 4096] = 1;
}

static void
init_is_not_killed(void)
{
	CHECK(kill(1, SIGKILL) == 0);
	CHECK(kill(1, SIGSTOP) == 0);
	usleep(10000);
}

/* An interval that is over before the signal can be taken. */
static void
short_interval(void)
{
	struct itimerval it = { { 0, 1 }, { 0, 1 } }, off = { { 0, 0 }, { 0, 0 } };

	signal(SIGALRM, SIG_IGN);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	usleep(50000);
	signal(SIGALRM, handler);
	while (count < 20)
		;
	CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
}

static void
addresses_not_canonical(void)
{
	int status;

	if (fork() == 0) {
		signal(SIGUSR1, (void (*)(int))NOT_CANONICAL);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK(wait(&status) > 0 && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGSEGV);
#ifdef __x86_64__
	/* elsewhere it is a register like any other */
	CHECK(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0,
	    NOT_CANONICAL) == -1 && errno == EPERM);
#endif
}

static void
futex_far_away(void)
{
	struct timespec ts = { 1L << 62, 0 };
	struct sigaction sa = { .sa_handler = handler };
	int word = 1;

	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &ts, NULL, 0) == -1 &&
	    errno == EINTR);
}

/* A copy by the kernel runs out of memory: the program is killed. */
static void
memory_ends_in_a_copy(void)
{
	size_t n = 1UL << 30, done = 0;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int zero = open("/dev/zero", O_RDONLY), status;
	ssize_t got = 0;
	pid_t pid;

	if ((pid = fork()) == 0) {
		while (done < n && (got = read(zero, p + done, n - done)) > 0)
			done += got;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL);
}

static void
child_signals(void)
{
	struct timespec ts = { 5, 0 };
	siginfo_t si;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fork() == 0)
		_exit(7);
	CHECK(sigtimedwait(&set, &si, &ts) == SIGCHLD &&
	    si.si_code == CLD_EXITED && si.si_status == 7);
	wait(NULL);
	if ((pid = fork()) == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	CHECK(sigtimedwait(&set, &si, &ts) == SIGCHLD &&
	    si.si_code == CLD_STOPPED && si.si_pid == pid);
	kill(pid, SIGCONT);
	CHECK(sigtimedwait(&set, &si, &ts) == SIGCHLD &&
	    si.si_code == CLD_CONTINUED && si.si_pid == pid);
	kill(pid, SIGKILL);
	CHECK(sigtimedwait(&set, &si, &ts) == SIGCHLD &&
	    si.si_code == CLD_KILLED && si.si_status == SIGKILL);
	wait(NULL);
}

static void
children_unwanted(void)
{
	int i;

	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < 8; i++) {
		if (i % 2 != 0 ? fork() == 0 : vfork() == 0)
			_exit(0);
	}
	CHECK(wait(NULL) == -1 && errno == ECHILD);
}

/* Neighbours with the same rights are one mapping again. */
static void
remap_after_protect(void)
{
	char *p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p[4096] = 1;
	CHECK(mprotect(p + 4096, 4096, PROT_READ) == 0);
	CHECK(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
	p = mremap(p, 8 * 4096, 64 * 4096, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED && p[4096] == 1);
}

/* How floating point rounds, and what else there is to set. */
#if defined(__x86_64__)
#define FP_CONTROL	0x9fc0		/* of SSE, with its bit 6 */
#define FP_SET(v)	__asm__ volatile("ldmxcsr %0" :: "m" (v))
#define FP_GET(v)	__asm__ volatile("stmxcsr %0" : "=m" (v))
#elif defined(__aarch64__)
#define FP_CONTROL	0x01c00000
#define FP_SET(v)	__asm__ volatile("msr fpcr, %0" :: "r" ((long)(v)))
#define FP_GET(v)	do { long v_; __asm__ volatile("mrs %0, fpcr" :	\
			    "=r" (v_)); (v) = v_; } while (0)
#elif defined(__riscv)
#define FP_CONTROL	0x61
#define FP_SET(v)	__asm__ volatile("fscsr %0" :: "r" (v))
#define FP_GET(v)	__asm__ volatile("frcsr %0" : "=r" (v))
#endif

static void
floating_handler(int sig)
{
	volatile double d = sig;

	d = d / 3;
	FP_SET((unsigned int){ 0 });
}

static void
floating_point_after_a_signal(void)
{
	unsigned int want = FP_CONTROL, got;
	double d = 1.5;

	signal(SIGUSR1, floating_handler);
	FP_SET(want);
	__asm__ volatile("" : "+m" (d));
	raise(SIGUSR1);
	FP_GET(got);
	CHECK(got == want);
	CHECK(d == 1.5);
}

static const struct {
	const char	*name;
	void		(*fn)(void);
} tests[] = {
	{ "shared_memory_too_large", shared_memory_too_large },
	{ "init_is_not_killed", init_is_not_killed },
	{ "short_interval", short_interval },
	{ "addresses_not_canonical", addresses_not_canonical },
	{ "futex_far_away", futex_far_away },
	{ "memory_ends_in_a_copy", memory_ends_in_a_copy },
	{ "child_signals", child_signals },
	{ "children_unwanted", children_unwanted },
	{ "remap_after_protect", remap_after_protect },
	{ "floating_point_after_a_signal", floating_point_after_a_signal },
};

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].name) == 0) {
			tests[i].fn();
			puts("ok");
			return (0);
		}
	}
	errx(2, "no such test");
}
