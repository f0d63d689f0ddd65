/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the programs of these tests call beyond those of the root image, where
 * there is no C library: see bin/crunch/nolibc.c.
 */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../bin/crunch/util.h"

extern char	**environ;
FILE		*stderr, *stdout;

int
printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	voutf(fmt, ap);
	va_end(ap);
	return (out_flush());
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vsnfmt(buf, size, fmt, ap);
	va_end(ap);
	return (n);
}

char *
strcpy(char *to, const char *from)
{
	return (memcpy(to, from, strlen(from) + 1));
}

int
puts(const char *s)
{
	return (printf("%s\n", s));
}

/* a message is one write anyway */
int
setvbuf(FILE *f, char *buf, int mode, size_t n)
{
	(void)f;
	(void)buf;
	(void)mode;
	(void)n;
	return (0);
}

unsigned long
strtoul(const char *s, char **end, int base)
{
	unsigned long v = 0;
	int c;

	for (; *s != '\0'; s++) {
		c = *s >= '0' && *s <= '9' ? *s - '0' :
		    *s >= 'a' && *s <= 'f' ? *s - 'a' + 10 : 99;
		if (c >= (base == 0 ? 10 : base))
			break;
		v = v * (base == 0 ? 10 : base) + c;
	}
	if (end != NULL)
		*end = (char *)s;
	return (v);
}

long
strtol(const char *s, char **end, int base)
{
	return (*s == '-' ? -(long)strtoul(s + 1, end, base) :
	    (long)strtoul(s, end, base));
}

pid_t
fork(void)
{
	return (syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L));
}

pid_t
vfork(void)
{
	return (fork());
}

pid_t
wait(int *status)
{
	return (waitpid(-1, status, 0));
}

int
execv(const char *path, char *const argv[])
{
	return (execve(path, argv, environ));
}

int
raise(int sig)
{
	return (kill(getpid(), sig));
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t off)
{
	return (syscall(SYS_pwrite64, fd, buf, n, off));
}

unsigned int
sleep(unsigned int seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	return (nanosleep(&ts, &ts) == 0 ? 0 : ts.tv_sec + 1);
}

ssize_t
pread(int fd, void *buf, size_t n, off_t off)
{
	return (syscall(SYS_pread64, (long)fd, buf, n, off));
}

int
pipe(int fds[2])
{
	return (pipe2(fds, 0));
}

int
mprotect(void *p, size_t n, int prot)
{
	return (syscall(SYS_mprotect, p, n, (long)prot));
}

void *
mremap(void *p, size_t old, size_t n, int flags, ...)
{
	return ((void *)syscall(SYS_mremap, p, old, n, (long)flags, 0L));
}

int
setitimer(__itimer_which_t which, const struct itimerval *new,
    struct itimerval *old)
{
	return (syscall(SYS_setitimer, (long)which, new, old));
}

useconds_t
ualarm(useconds_t first, useconds_t then)
{
	struct itimerval it = { { 0, then }, { 0, first } };

	return (setitimer(ITIMER_REAL, &it, NULL));
}

int
usleep(useconds_t usec)
{
	struct timespec ts = { usec / 1000000, usec % 1000000 * 1000 };

	return (nanosleep(&ts, NULL));
}

int
sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *ts)
{
	return (syscall(SYS_rt_sigtimedwait, set, info, ts, 8L));
}
