/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/kd.h>
#include <linux/reboot.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

#define SHELL		"/bin/sh"
#define RC		"/etc/rc"
#define CONSOLE		"/dev/console"
#define SCREEN		"/dev/ttyC0"	/* has a shell besides the console's */
#ifndef TIOCGDEV
#define TIOCGDEV	0x80045432
#endif
#define TICK		20000000	/* ns; how long waits are divided */
#define TERM_TICKS	50		/* a second to end after SIGTERM */
#define KILL_TICKS	25

extern char	**environ;

static char	*env[32];
static char	**env_term;		/* where TERM is, if nobody chose it */

static void
machine(unsigned long cmd, int status)
{
	sync();
	/* The kernel takes the fourth argument as the machine's status. */
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd,
	    (long)status);
	warn("reboot");
	for (;;)
		pause();
}

/* Until there are no children left, or for so many ticks. */
static void
reap_all(int ticks)
{
	struct timespec ts = { .tv_nsec = TICK };
	pid_t pid;

	while (ticks-- > 0) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid == -1 && errno != EINTR)
			return;
		nanosleep(&ts, NULL);
	}
}

static void
stop_processes(void)
{
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	reap_all(TERM_TICKS);
	kill(-1, SIGKILL);
	reap_all(KILL_TICKS);
}

/*
 * All is done in the handler, which then never returns: so it does not
 * matter whether the signal came while init waited or just before, and
 * everything called from here may be called from a handler.
 */
static void
on_signal(int sig)
{
	stop_processes();
	machine(sig == SIGUSR2 ? LINUX_REBOOT_CMD_POWER_OFF :
	    LINUX_REBOOT_CMD_RESTART, 0);
}

static void
catch_signals(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGUSR2 };
	struct sigaction sa;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	for (i = 0; i < nitems(sigs); i++)
		sigaddset(&sa.sa_mask, sigs[i]);
	for (i = 0; i < nitems(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
}

/*
 * O_NOCTTY, as the terminal is to belong to the session of the shell, and
 * so that an interrupt typed on it does not reach init.
 */
static void
open_terminal(const char *path)
{
	int fd;

	if ((fd = open(path, O_RDWR | O_NOCTTY)) == -1)
		return;			/* keep what the kernel gave */
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* What the kernel passed, with PATH, HOME and TERM if it did not. */
static void
make_environment(void)
{
	static char *defaults[] = {
		"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=vt100"
	};
	size_t i, j, n, len;

	for (n = 0; environ[n] != NULL && n < nitems(env) - 4; n++)
		env[n] = environ[n];
	for (i = 0; i < nitems(defaults); i++) {
		len = strchr(defaults[i], '=') + 1 - defaults[i];
		for (j = 0; j < n; j++)
			if (strncmp(env[j], defaults[i], len) == 0)
				break;
		if (j == n)
			env[n++] = defaults[i];
	}
	env[n] = NULL;
	for (i = 0; i < n; i++)
		if (strcmp(env[i], "TERM=vt100") == 0)
			env_term = &env[i];
}

/* Is the standard input a screen? */
static int
on_screen(void)
{
	char type;

	return (ioctl(STDIN_FILENO, KDGKBTYPE, &type) == 0);
}

/* Is the console, whose own number is that of /dev/console, this terminal? */
static int
is_console(const struct stat *st)
{
	unsigned int dev;

	return (ioctl(STDIN_FILENO, TIOCGDEV, &dev) == 0 &&
	    dev == st->st_rdev);
}

/*
 * A shell in a session of its own.  With tty the console becomes its
 * terminal, or another, if that is given; without, nothing that it leaves in
 * the background is hung up when it ends.
 */
static pid_t
start(char **argv, int tty, const char *path)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGUSR2 };
	size_t i;
	pid_t pid;

	if ((pid = fork_plain()) != 0)
		return (pid);
	for (i = 0; i < nitems(sigs); i++)
		signal(sigs[i], SIG_DFL);
	setsid();
	if (path != NULL)
		open_terminal(path);
	/* 1: also if the session of a shell that just died still has it. */
	if (tty)
		ioctl(STDIN_FILENO, TIOCSCTTY, 1);
	if (env_term != NULL && on_screen())
		*env_term = "TERM=xterm-256color";
	execve(SHELL, argv, env);
	warn("%s", SHELL);
	_exit(127);
}

/* Waits for one child and buries whoever else dies meanwhile. */
static int
wait_for(pid_t pid)
{
	pid_t p;
	int status;

	if (pid == -1) {
		warn("fork");
		return (126);
	}
	while ((p = waitpid(-1, &status, 0)) != pid)
		if (p == -1 && errno != EINTR)
			return (127);
	return (WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status));
}

static void
run_command(char *text)
{
	char *argv[] = { "sh", "-c", text, NULL };
	int status;

	status = wait_for(start(argv, 1, NULL));
	/* So that nothing appears behind the last line. */
	kill(-1, SIGKILL);
	reap_all(KILL_TICKS);
	outf("paravane: exit %d\n", status);
	out_flush();
	tcdrain(STDOUT_FILENO);
	machine(LINUX_REBOOT_CMD_POWER_OFF, status);
}

/* A terminal with a shell on it. */
struct terminal {
	const char	*path;		/* NULL: the console */
	pid_t		 pid;
	time_t		 started;
};

static time_t
uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec);
}

static void
start_shell(struct terminal *t)
{
	char *argv[] = { "-sh", NULL };
	struct timespec second = { .tv_sec = 1 };

	/* A shell that cannot run is not to keep the guest busy. */
	if (t->started != 0 && uptime() - t->started < 2)
		nanosleep(&second, NULL);
	t->started = uptime();
	if ((t->pid = start(argv, 1, t->path)) == -1)
		warn("fork");
}

static void
run_shells(void)
{
	struct terminal terminals[] = { { .path = NULL }, { .path = SCREEN } };
	size_t i, n = nitems(terminals);
	struct stat st;
	pid_t pid;

	if (stat(SCREEN, &st) == -1 || is_console(&st))
		n--;
	for (i = 0; i < n; i++)
		start_shell(&terminals[i]);
	for (;;) {
		pid = waitpid(-1, NULL, 0);
		for (i = 0; i < n; i++)
			if (terminals[i].pid == pid)
				start_shell(&terminals[i]);
	}
}

int
init_main(int argc, char **argv)
{
	char *rc[] = { "sh", RC, NULL };
	int i;

	if (getpid() != 1)
		errx(1, "not the first process");
	open_terminal(CONSOLE);
	catch_signals();
	make_environment();
	if (access(RC, F_OK) == 0)
		wait_for(start(rc, 0, NULL));
	for (i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			run_command(argv[i + 1]);
	run_shells();
	return (1);
}
