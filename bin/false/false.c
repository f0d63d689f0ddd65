/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "../crunch/crunch.h"

int
false_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return (1);
}
