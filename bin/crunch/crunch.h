/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The programs of the multi-call binary.  Each line is the name a program
 * is called by and the function that is its main.
 */

#ifndef CRUNCH_H
#define CRUNCH_H

#define CRUNCH_PROGRAMS(X)						\
	X("sh", sh_main)	X("init", init_main)			\
	X("echo", echo_main)	X("cat", cat_main)			\
	X("true", true_main)	X("false", false_main)			\
	X("ls", ls_main)	X("dd", dd_main)			\
	X("sleep", sleep_main)	X("ps", ps_main)			\
	X("kill", kill_main)	X("stty", stty_main)			\
	X("date", date_main)	X("man", man_main)			\
	X("head", head_main)	X("hexdump", hexdump_main)		\
	X("dmesg", dmesg_main)	X("sysctl", sysctl_main)		\
	X("halt", halt_main)	X("reboot", halt_main)			\
	X("hostctl", hostctl_main)					\
	X("ifconfig", ifconfig_main)	X("route", route_main)		\
	X("ping", ping_main)	X("dhclient", dhclient_main)		\
	X("qemu-ga", qemu_ga_main)

#define CRUNCH_PROTO(name, fn)	int fn(int, char **);
CRUNCH_PROGRAMS(CRUNCH_PROTO)
#undef CRUNCH_PROTO

#endif /* CRUNCH_H */
