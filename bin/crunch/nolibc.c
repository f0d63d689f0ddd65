/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The few functions of a C library that our programs call, for a machine that
 * no distribution has a library for: big-endian arm64.  They are system calls
 * with little around them; libc.c has the rest.  The types are those of the
 * GNU C library's headers, which are there for either order of bytes.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern int	main(int, char **, char **);
long	nolibc_syscall(long, ...);
void	nolibc_main(long *) __attribute__((__noreturn__));
int	nolibc_setjmp(void *);
void	nolibc_longjmp(void *, int) __attribute__((__noreturn__));
void	nolibc_savemask(sigjmp_buf, int);
const char *strerrordesc_np(int);

char		**environ;
static int	the_errno;

int *
__errno_location(void)
{
	return (&the_errno);
}

static long
result(long r)
{
	if (r < 0 && r > -4096) {
		errno = -r;
		return (-1);
	}
	return (r);
}

#define SYS(name, ...)	result(nolibc_syscall(SYS_##name, ##__VA_ARGS__))

void
nolibc_main(long *sp)
{
	char **argv = (char **)(sp + 1);

	environ = argv + sp[0] + 1;
	_exit(main(sp[0], argv, environ));
}

/* --- files ------------------------------------------------------------------ */

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return (SYS(openat, (long)AT_FDCWD, path, (long)flags, (long)mode));
}

int
close(int fd)
{
	return (SYS(close, (long)fd));
}

ssize_t
read(int fd, void *buf, size_t n)
{
	return (SYS(read, (long)fd, buf, n));
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	return (SYS(write, (long)fd, buf, n));
}

off_t
lseek(int fd, off_t off, int whence)
{
	return (SYS(lseek, (long)fd, off, (long)whence));
}

int
ftruncate(int fd, off_t size)
{
	return (SYS(ftruncate, (long)fd, size));
}

int
fsync(int fd)
{
	return (SYS(fsync, (long)fd));
}

void
sync(void)
{
	(void)SYS(sync);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return (SYS(fcntl, (long)fd, (long)cmd, arg));
}

int
ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (SYS(ioctl, (long)fd, request, arg));
}

int
dup2(int from, int to)
{
	if (from == to)
		return (fcntl(from, F_GETFD) == -1 ? -1 : to);
	return (SYS(dup3, (long)from, (long)to, 0L));
}

int
pipe2(int fds[2], int flags)
{
	return (SYS(pipe2, fds, (long)flags));
}

int
stat(const char *path, struct stat *st)
{
	return (SYS(newfstatat, (long)AT_FDCWD, path, st, 0L));
}

int
lstat(const char *path, struct stat *st)
{
	return (SYS(newfstatat, (long)AT_FDCWD, path, st,
	    (long)AT_SYMLINK_NOFOLLOW));
}

int
fstat(int fd, struct stat *st)
{
	return (SYS(fstat, (long)fd, st));
}

int
access(const char *path, int mode)
{
	return (SYS(faccessat, (long)AT_FDCWD, path, (long)mode));
}

ssize_t
readlink(const char *path, char *buf, size_t n)
{
	return (SYS(readlinkat, (long)AT_FDCWD, path, buf, n));
}

int
chdir(const char *path)
{
	return (SYS(chdir, path));
}

char *
getcwd(char *buf, size_t n)
{
	return (SYS(getcwd, buf, n) == -1 ? NULL : buf);
}

mode_t
umask(mode_t mask)
{
	return (SYS(umask, (long)mask));
}

/* One directory at a time is all that anybody reads. */
static struct {
	int	fd;
	long	at, end;
	char	buf[4096] __attribute__((__aligned__(8)));
} dir;

DIR *
opendir(const char *path)
{
	dir.at = dir.end = 0;
	dir.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (dir.fd == -1 ? NULL : (DIR *)&dir);
}

/* the kernel's record is what the library's has at the front */
struct dirent *
readdir(DIR *d __attribute__((__unused__)))
{
	struct dirent *de;

	if (dir.at >= dir.end) {
		dir.at = 0;
		dir.end = SYS(getdents64, (long)dir.fd, dir.buf,
		    sizeof(dir.buf));
		if (dir.end <= 0)
			return (NULL);
	}
	de = (struct dirent *)(dir.buf + dir.at);
	dir.at += de->d_reclen;
	return (de);
}

int
closedir(DIR *d __attribute__((__unused__)))
{
	return (close(dir.fd));
}

unsigned int
gnu_dev_major(dev_t dev)
{
	return ((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffULL));
}

unsigned int
gnu_dev_minor(dev_t dev)
{
	return ((dev & 0xff) | (dev >> 12 & ~0xffULL));
}

/* --- sockets ----------------------------------------------------------------- */

int
socket(int family, int type, int protocol)
{
	return (SYS(socket, (long)family, (long)type, (long)protocol));
}

int
bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (SYS(bind, (long)fd, sa, (long)len));
}

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (SYS(connect, (long)fd, sa, (long)len));
}

int
setsockopt(int fd, int level, int opt, const void *v, socklen_t len)
{
	return (SYS(setsockopt, (long)fd, (long)level, (long)opt, v,
	    (long)len));
}

ssize_t
sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len)
{
	return (SYS(sendto, (long)fd, buf, n, (long)flags, sa, (long)len));
}

ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	return (sendto(fd, buf, n, flags, NULL, 0));
}

ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
	return (SYS(recvfrom, (long)fd, buf, n, (long)flags, NULL, NULL));
}

ssize_t
recvmsg(int fd, struct msghdr *mh, int flags)
{
	return (SYS(recvmsg, (long)fd, mh, (long)flags));
}

struct cmsghdr *
__cmsg_nxthdr(struct msghdr *mh, struct cmsghdr *c)
{
	char *end = (char *)mh->msg_control + mh->msg_controllen;
	struct cmsghdr *next;

	if (c->cmsg_len < sizeof(*c))
		return (NULL);
	next = (struct cmsghdr *)((char *)c + CMSG_ALIGN(c->cmsg_len));
	return ((char *)(next + 1) > end ? NULL : next);
}

int
poll(struct pollfd *fds, nfds_t n, int msec)
{
	struct timespec ts = { msec / 1000, msec % 1000 * 1000000L };

	return (SYS(ppoll, fds, n, msec < 0 ? NULL : &ts, NULL, 0L));
}

/* --- processes, memory, time ---------------------------------------------------- */

void
_exit(int status)
{
	for (;;)
		(void)SYS(exit_group, (long)status);
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
	return (SYS(execve, path, argv, envp));
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	return (SYS(wait4, (long)pid, status, (long)options, 0L));
}

int
kill(pid_t pid, int sig)
{
	return (SYS(kill, (long)pid, (long)sig));
}

pid_t
getpid(void)
{
	return (SYS(getpid));
}

pid_t
getpgid(pid_t pid)
{
	return (SYS(getpgid, (long)pid));
}

pid_t
getpgrp(void)
{
	return (getpgid(0));
}

int
setpgid(pid_t pid, pid_t pgrp)
{
	return (SYS(setpgid, (long)pid, (long)pgrp));
}

pid_t
setsid(void)
{
	return (SYS(setsid));
}

void *
mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	return ((void *)SYS(mmap, addr, n, (long)prot, (long)flags, (long)fd,
	    off));
}

int
munmap(void *addr, size_t n)
{
	return (SYS(munmap, addr, n));
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	return (SYS(clock_gettime, (long)clock, ts));
}

int
clock_settime(clockid_t clock, const struct timespec *ts)
{
	return (SYS(clock_settime, (long)clock, ts));
}

int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	return (SYS(nanosleep, ts, left));
}

int
klogctl(int type, char *buf, int n)
{
	return (SYS(syslog, (long)type, buf, (long)n));
}

long
syscall(long number, ...)
{
	va_list ap;
	long a[6];
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return (result(nolibc_syscall(number, a[0], a[1], a[2], a[3], a[4],
	    a[5])));
}

/* --- signals ---------------------------------------------------------------------- */

#define KSIGSIZE	8L		/* of the kernel's set of signals */

struct ksigaction {
	void		*handler;
	unsigned long	 flags;
	void		*restorer;
	uint64_t	 mask;
};

int
sigemptyset(sigset_t *set)
{
	memset(set, 0, sizeof(*set));
	return (0);
}

int
sigaddset(sigset_t *set, int sig)
{
	*(uint64_t *)set |= 1ULL << (sig - 1);
	return (0);
}

int
sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
	struct ksigaction kn = { 0 }, ko = { 0 };

	if (new != NULL) {
		kn.handler = (void *)new->sa_handler;
		kn.flags = new->sa_flags;
		memcpy(&kn.mask, &new->sa_mask, KSIGSIZE);
	}
	if (SYS(rt_sigaction, (long)sig, new != NULL ? &kn : NULL, &ko,
	    KSIGSIZE) == -1)
		return (-1);
	if (old != NULL) {
		memset(old, 0, sizeof(*old));
		old->sa_handler = (void (*)(int))ko.handler;
		old->sa_flags = ko.flags;
		memcpy(&old->sa_mask, &ko.mask, KSIGSIZE);
	}
	return (0);
}

void (*
signal(int sig, void (*handler)(int)))(int)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct sigaction old;

	return (sigaction(sig, &sa, &old) == -1 ? SIG_ERR : old.sa_handler);
}

int
sigprocmask(int how, const sigset_t *new, sigset_t *old)
{
	return (SYS(rt_sigprocmask, (long)how, new, old, KSIGSIZE));
}

int
pause(void)
{
	sigset_t set;

	(void)sigprocmask(SIG_BLOCK, NULL, &set);
	return (SYS(rt_sigsuspend, &set, KSIGSIZE));
}

void
nolibc_savemask(sigjmp_buf env, int save)
{
	env[0].__mask_was_saved = save;
	if (save)
		(void)sigprocmask(SIG_BLOCK, NULL,
		    (sigset_t *)&env[0].__saved_mask);
}

void
siglongjmp(sigjmp_buf env, int v)
{
	if (env[0].__mask_was_saved)
		(void)sigprocmask(SIG_SETMASK,
		    (sigset_t *)&env[0].__saved_mask, NULL);
	nolibc_longjmp(env, v);
}

void
longjmp(jmp_buf env, int v)
{
	nolibc_longjmp(env, v);
}

/* --- terminals ----------------------------------------------------------------------- */

/* the kernel's, which is shorter */
struct ktermios {
	tcflag_t	c_iflag, c_oflag, c_cflag, c_lflag;
	cc_t		c_line;
	cc_t		c_cc[19];
};
#define SPEEDBITS	(CBAUD | CBAUDEX)

int
tcgetattr(int fd, struct termios *t)
{
	struct ktermios k;

	if (ioctl(fd, TCGETS, &k) == -1)
		return (-1);
	memset(t, 0, sizeof(*t));
	t->c_iflag = k.c_iflag;
	t->c_oflag = k.c_oflag;
	t->c_cflag = k.c_cflag;
	t->c_lflag = k.c_lflag;
	t->c_line = k.c_line;
	memcpy(t->c_cc, k.c_cc, sizeof(k.c_cc));
	return (0);
}

int
tcsetattr(int fd, int when, const struct termios *t)
{
	struct ktermios k = { t->c_iflag, t->c_oflag, t->c_cflag, t->c_lflag,
	    t->c_line, { 0 } };

	memcpy(k.c_cc, t->c_cc, sizeof(k.c_cc));
	return (ioctl(fd, TCSETS + when, &k));
}

speed_t
cfgetospeed(const struct termios *t)
{
	return (t->c_cflag & SPEEDBITS);
}

int
cfsetospeed(struct termios *t, speed_t speed)
{
	t->c_cflag = (t->c_cflag & ~SPEEDBITS) | speed;
	return (0);
}

int
cfsetispeed(struct termios *t, speed_t speed)
{
	return (speed == 0 ? 0 : cfsetospeed(t, speed));
}

int
tcdrain(int fd)
{
	return (ioctl(fd, TCSBRK, 1L));
}

pid_t
tcgetpgrp(int fd)
{
	pid_t pgrp;

	return (ioctl(fd, TIOCGPGRP, &pgrp) == -1 ? -1 : pgrp);
}

int
tcsetpgrp(int fd, pid_t pgrp)
{
	return (ioctl(fd, TIOCSPGRP, &pgrp));
}

int
isatty(int fd)
{
	struct ktermios k;

	return (ioctl(fd, TCGETS, &k) == 0);
}

/* --- errors ----------------------------------------------------------------------------- */

static const struct { int error; const char *text; } errors[] = {
	{ EPERM, "Operation not permitted" },
	{ ENOENT, "No such file or directory" },
	{ ESRCH, "No such process" },
	{ EINTR, "Interrupted system call" },
	{ EIO, "Input/output error" },
	{ ENXIO, "No such device or address" },
	{ E2BIG, "Argument list too long" },
	{ ENOEXEC, "Exec format error" },
	{ EBADF, "Bad file descriptor" },
	{ ECHILD, "No child processes" },
	{ EAGAIN, "Resource temporarily unavailable" },
	{ ENOMEM, "Cannot allocate memory" },
	{ EACCES, "Permission denied" },
	{ EFAULT, "Bad address" },
	{ EBUSY, "Device or resource busy" },
	{ EEXIST, "File exists" },
	{ ENODEV, "No such device" },
	{ ENOTDIR, "Not a directory" },
	{ EISDIR, "Is a directory" },
	{ EINVAL, "Invalid argument" },
	{ EMFILE, "Too many open files" },
	{ ENOTTY, "Inappropriate ioctl for device" },
	{ EFBIG, "File too large" },
	{ ENOSPC, "No space left on device" },
	{ ESPIPE, "Illegal seek" },
	{ EROFS, "Read-only file system" },
	{ EPIPE, "Broken pipe" },
	{ ERANGE, "Numerical result out of range" },
	{ ENAMETOOLONG, "File name too long" },
	{ ENOSYS, "Function not implemented" },
	{ ELOOP, "Too many levels of symbolic links" },
	{ EOPNOTSUPP, "Operation not supported" },
	{ ETIMEDOUT, "Connection timed out" },
};

const char *
strerrordesc_np(int error)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].error == error)
			return (errors[i].text);
	}
	return (NULL);
}
