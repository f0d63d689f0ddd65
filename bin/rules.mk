# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

# The programs of the root image, as one static binary.
#
# Include this from the top directory with
#	OBJ	where to put things, such as build/amd64
#	USERCC	the compiler of the distribution for that architecture
# Target: $(OBJ)/crunch.  TRIM=no links all that the C library brings along;
# see bin/crunch/libc.c.

CRUNCH_SRCS=	$(sort $(wildcard bin/*/*.c sbin/*/*.c usr.bin/*/*.c \
		usr.sbin/*/*.c))
CRUNCH_LIBC=	$(OBJ)/user/bin/crunch/libc.o
CRUNCH_OBJS=	$(filter-out $(CRUNCH_LIBC),$(CRUNCH_SRCS:%.c=$(OBJ)/user/%.o))

CRUNCH_CFLAGS=	-std=gnu11 -D_GNU_SOURCE -Os -fno-pie -ffunction-sections \
		-fdata-sections -fno-asynchronous-unwind-tables \
		-fno-unwind-tables -fno-stack-protector \
		-U_FORTIFY_SOURCE -Wall -Wextra -Werror -Wmissing-prototypes
CRUNCH_LDFLAGS=	-static -no-pie -s -Wl,--gc-sections -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code \
		-Wl,-z,norelro

# Where there is no C library for the machine: CRUNCH_NOLIBC=yes.
CRUNCH_NOLIBC_OBJS= $(OBJ)/user/bin/crunch/nolibc.o \
		$(OBJ)/user/bin/crunch/nolibc_start.o

CRUNCH_OBJS:=	$(filter-out $(CRUNCH_NOLIBC_OBJS),$(CRUNCH_OBJS))
CRUNCH_CFLAGS+=	$(USER_CFLAGS)
CRUNCH_LDFLAGS+= $(USER_LDFLAGS)

ifeq ($(CRUNCH_NOLIBC),yes)
CRUNCH_OBJS+=	$(CRUNCH_LIBC) $(CRUNCH_NOLIBC_OBJS)
CRUNCH_LDFLAGS+= -nostdlib
else ifneq ($(TRIM),no)
CRUNCH_OBJS+=	$(CRUNCH_LIBC)
CRUNCH_LDFLAGS+= -Wl,-z,muldefs
endif

$(OBJ)/crunch: $(CRUNCH_OBJS)
	@echo "  LD      $@"
	@$(USERCC) $(CRUNCH_LDFLAGS) -o $@ $(CRUNCH_OBJS)

$(OBJ)/user/%.o: %.c bin/rules.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(USERCC) $(CRUNCH_CFLAGS) $(CRUNCH_CFLAGS_$(notdir $*)) -MMD -MP \
	    -c -o $@ $<

$(OBJ)/user/%.o: %.S bin/rules.mk
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(USERCC) $(USER_CFLAGS) -c -o $@ $<

# It defines what the compiler would otherwise make of its loops.
CRUNCH_CFLAGS_nolibc= -ffreestanding -fno-builtin
CRUNCH_CFLAGS_libc= -ffreestanding -fno-builtin \
		-fno-tree-loop-distribute-patterns

-include $(CRUNCH_OBJS:.o=.d)
