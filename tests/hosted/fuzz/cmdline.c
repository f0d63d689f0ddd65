/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "fuzz.h"

#include <sys/cmdline.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *v;
	u_int i;

	(void)fuzz_again();
	cmdline_init((const char *)data, size);
	for (i = 0; i < 5 && (v = cmdline_get("a", i)) != NULL; i++) {
		fuzz_check(strlen(v) <= CMDLINE_MAX, "length of a value");
		cmdline_bad("a", v);
	}
	(void)cmdline_disabled("vioblk0");
	if ((v = cmdline_command()) != NULL)
		fuzz_check(strlen(v) <= CMDLINE_MAX, "length of a command");
	cmdline_report();
	return (0);
}
