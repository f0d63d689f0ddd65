# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
#
# The control device of OpenBSD's vmm as a program: see README.vmmci.
#
# make -f tests/hv/vmmci.mk, at the top

HVB := build/hv
HV_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror \
	-fsanitize=address,undefined -fno-sanitize-recover=all

$(HVB)/vmmci_server: $(wildcard tests/hv/vfu.[ch] tests/hv/vmmci_*.[ch])
	@mkdir -p $(@D)
	@gcc $(HV_CFLAGS) -o $@.$$$$ $(filter %.c,$^) && mv $@.$$$$ $@
