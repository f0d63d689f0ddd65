/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/reboot.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

/*
 * halt and reboot.  A guest that is halted has nothing to wait for, so halt
 * powers off, with or without -p.  init(8) is the one that tells processes
 * first; this is the short way.
 */
int
halt_main(int argc, char **argv)
{
	int ch, nflag = 0, reboot = strcmp(progname, "reboot") == 0;

	while ((ch = opt_get(argc, argv, "npq")) != -1)
		switch (ch) {
		case 'n':
			nflag = 1;
			break;
		case 'p':
		case 'q':
			break;
		default:
			usage("[-npq]");
		}
	if (opt_ind != argc)
		usage("[-npq]");
	if (!nflag)
		sync();
	/* The fourth argument is the exit status of the machine. */
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
	    reboot ? LINUX_REBOOT_CMD_RESTART : LINUX_REBOOT_CMD_POWER_OFF,
	    0L);
	err(1, "reboot");
}
