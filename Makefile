# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
#
# make help tells what there is.

ARCH ?= amd64
MACHINE_ARCHS := amd64 arm64 arm64eb riscv64

ifeq ($(filter $(ARCH),$(MACHINE_ARCHS)),)
$(error ARCH=$(ARCH): one of $(MACHINE_ARCHS))
endif

VERSION := 0.1
S := sys
B := build/$(ARCH)
# one machine in either order of bytes
MD := $(S)/arch/$(patsubst %eb,%,$(ARCH))
CONFIG ?= $(MD)/conf/GENERIC
PYTHON := /usr/bin/python3 -B
ifneq ($(words $(CONFIG)) $(words $(notdir $(CONFIG))),1 1)
$(error CONFIG=$(CONFIG): one file, whose path has no blanks)
endif
ifneq ($(filter crunch include obj paravane user,$(notdir $(CONFIG))),)
$(error CONFIG=$(CONFIG): its folder in $(B) would be another's: rename it)
endif
# what another configuration does not share with GENERIC's is in a folder
K := $(if $(filter $(abspath $(MD)/conf/GENERIC),$(abspath \
	$(CONFIG))),$(B),$(B)/$(notdir $(CONFIG)))

include $(MD)/conf/Makefile.inc

CC := $(CROSS)gcc
NM := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy
USERCC := $(CROSS)gcc

WARNFLAGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wvla -Wundef \
	-Wimplicit-fallthrough -Wcast-qual -Wwrite-strings
KCFLAGS := -std=gnu11 -O2 -g $(WARNFLAGS) -ffreestanding -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) \
	-I$(S) -I$(B)/include -fno-pic -fno-pie -fno-common \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls \
	-fstack-protector-strong \
	-ffunction-sections -fdata-sections \
	-DPARAVANE_VERSION='"$(VERSION)"' -DMACHINE_ARCH='"$(ARCH)"' \
	$(ARCH_CFLAGS)
KLDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none \
	-Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
	-Wl,--fatal-warnings $(ARCH_LDFLAGS)

# These are words for others: a $ in them is not make's.
override APPEND := $(value APPEND)
override INITRD := $(value INITRD)

# V=1 shows the commands
Q := $(if $(V),,@)

.PHONY: all help image hv hv-linux run test man bench clean install-build FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(K)/paravane $(K)/paravane.elf $(B)/root.cpio

help:
	@sed -n 's/^#: //p' Makefile

#: make             kernel, programs and root image for ARCH (amd64)
#: make run         boot it in QEMU on this terminal; leave with halt or Ctrl-A X
#: make image       paravane.iso and paravane.img in build/amd64, which boot by GRUB, BIOS or UEFI
#: make test        all tests, of each ARCH or of one; STRICT=1 makes a skipped test a failure
#:                  ALL=1 takes each variant of a test on each ARCH
#: make hv          the hypervisor that boot tests on amd64 run in, see tests/hv/README
#: make hv-linux    Linux and open-vm-tools in it
#: make man         check the man pages, write HTML to build/man
#: make bench       measure
#: make clean       remove build
#:
#: ARCH=amd64|arm64|arm64eb|riscv64  ACCEL=tcg|kvm  QEMU=  MACHINE=  MEM=  SMP=  APPEND=  DISK=FILE
#: SCREEN=vnc=:0  QEMU_ARGS=  ROOT=DIR (files laid over the root image)
#: CONFIG=FILE (a kernel of its own, in build/ARCH/NAME: paravane.config(5))
#: INITRD=FILE (in image: a root image beside the kernel's own)

# --- configuration ----------------------------------------------------------

# what CONFIG= was last time, if two have the same name
$(K)/config.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(abspath $(CONFIG))' | cmp -s - $@ || \
	    echo '$(abspath $(CONFIG))' > $@

$(K)/sources.mk: $(CONFIG) tools/config.awk $(K)/config.stamp
	@echo "  CONFIG  $(CONFIG)"
	$(Q)awk -v sys=$(S) -v machine=$(notdir $(MD)) \
	    -v ioconf=$(K)/ioconf.c -v sources=$@ -f tools/config.awk $(CONFIG) \
	    $(MD)/conf/files.$(notdir $(MD))

ifneq ($(MAKECMDGOALS),clean)
ifneq ($(MAKECMDGOALS),help)
-include $(K)/sources.mk
endif
endif

KOBJS := $(patsubst %.S,$(B)/obj/%.o,$(patsubst %.c,$(B)/obj/%.o,$(SOURCES)))
KOBJS += $(K)/obj/ioconf.o
# what the configuration takes from elsewhere
outside_obj = $(K)/obj/outside/$(subst ../,up/,$(basename $(1))).o
KOBJS += $(foreach s,$(OUTSIDE),$(call outside_obj,$(s)))

# --- kernel -----------------------------------------------------------------

KDEPS := Makefile $(MD)/conf/Makefile.inc
$(B)/include/machine:
	@mkdir -p $(@D)
	@ln -sfn ../../../$(MD)/include $@

$(B)/obj/%.o: $(S)/%.c $(KDEPS) | $(B)/include/machine
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(KCFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: $(S)/%.S $(KDEPS) | $(B)/include/machine
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(KCFLAGS) -DROOT_IMAGE='"$(B)/root.cpio"' -MMD -MP -c -o $@ $<

define outside
$(call outside_obj,$(1)): $(1) $(KDEPS) | $(B)/include/machine
	@mkdir -p $$(@D)
	@echo "  CC      $$<"
	$$(Q)$$(CC) $$(KCFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach s,$(OUTSIDE),$(eval $(call outside,$(s))))

$(K)/obj/ioconf.o: $(K)/sources.mk $(KDEPS) | $(B)/include/machine
	@mkdir -p $(@D)
	@echo "  CC      $(K)/ioconf.c"
	$(Q)$(CC) $(KCFLAGS) -c -o $@ $(K)/ioconf.c

$(filter %/locore.o,$(KOBJS)): $(B)/root.cpio

$(B)/obj/dev/wscons/wsfont.o: $(B)/include/wsfont_data.h

$(B)/include/wsfont_data.h: $(S)/dev/wscons/font.txt tools/mkfont \
    | $(B)/include/machine
	@echo "  FONT    $@"
	$(Q)$(PYTHON) tools/mkfont $< > $@

# Linked twice: the second time with the names of the functions for
# backtraces.  They lie behind the text, so its addresses stay.
LINK = $(CC) $(KLDFLAGS) -T $(MD)/conf/kernel.ld

$(K)/paravane.elf: $(KOBJS) $(MD)/conf/kernel.ld tools/ksyms.awk
	@: > $(K)/obj/ksyms0.c
	@awk -f tools/ksyms.awk < /dev/null > $(K)/obj/ksyms0.c
	@$(CC) $(KCFLAGS) -c -o $(K)/obj/ksyms0.o $(K)/obj/ksyms0.c
	@$(LINK) -o $(K)/obj/pass1.elf $(KOBJS) $(K)/obj/ksyms0.o
	@$(NM) -n $(K)/obj/pass1.elf | awk -f tools/ksyms.awk \
	    > $(K)/obj/ksyms.c
	@$(CC) $(KCFLAGS) -c -o $(K)/obj/ksyms.o $(K)/obj/ksyms.c
	@echo "  LD      $@"
	$(Q)$(LINK) -o $@ $(KOBJS) $(K)/obj/ksyms.o

$(K)/paravane: $(K)/paravane.elf
	@echo "  IMAGE   $@"
	$(Q)$(IMAGE_COMMAND)

-include $(KOBJS:.o=.d)

# --- programs and root image ------------------------------------------------

OBJ := $(B)
include bin/rules.mk

ROOTFILES := etc/rc etc/hosts etc/qemu-ga.conf etc/root.manifest bin/crunch/links Makefile
# what ROOT= was last time, so that another value makes another image
$(B)/root.stamp: FORCE
	@mkdir -p $(B)
	@echo '$(ROOT)' | cmp -s - $@ || echo '$(ROOT)' > $@

# the pages, in the order of their sections
PAGES := $(sort $(wildcard share/man/man*/*.[1-9]))

$(B)/manual.gz: $(PAGES) tools/mkmanual
	@mkdir -p $(@D)
	@echo "  MANUAL  $@"
	$(Q)$(PYTHON) tools/mkmanual $@ $(PAGES)

$(B)/root.cpio: $(B)/crunch $(ROOTFILES) tools/mkcpio $(B)/root.stamp $(B)/manual.gz \
    $(if $(ROOT),FORCE)
	@echo "  CPIO    $@"
	$(Q){ cat etc/root.manifest; \
	  sed -n 's/^\([^#][^[:space:]]*\)[[:space:]][[:space:]]*/link \1 0777 /p' \
	    bin/crunch/links; \
	  echo "file /bin/crunch 0755 $(B)/crunch"; \
	  echo "file /usr/share/man/manual.gz 0444 $(B)/manual.gz"; } > $(B)/root.list
	$(Q)$(PYTHON) tools/mkcpio $@ $(B)/root.list $(ROOT)

# --- images that boot by GRUB -------------------------------------------------

# in the environment, since words may have quotes
export INITRD

image:
	$(if $(filter-out amd64,$(ARCH)),$(error make image: there is \
	    none for $(ARCH): only amd64 is booted by GRUB))
	@tools/deps image
	@$(MAKE) --no-print-directory -s $(K)/paravane.iso $(K)/paravane.img

$(K)/image.stamp: FORCE
	@mkdir -p $(K)
	@printf '%s\n' "$$APPEND" "$$INITRD" | cmp -s - $@ || \
	    printf '%s\n' "$$APPEND" "$$INITRD" > $@

$(K)/paravane.iso $(K)/paravane.img: $(K)/paravane tools/mkimage \
    $(K)/image.stamp $(if $(word 2,$(INITRD)),FORCE,$(wildcard $(INITRD)))
	@echo "  GRUB    $@"
	$(Q)$(PYTHON) tools/mkimage -a "$$APPEND" -i "$$INITRD" $< $@

# --- run, test, and so on -----------------------------------------------------

export ARCH ACCEL QEMU MACHINE MEM SMP APPEND DISK SCREEN QEMU_ARGS STRICT ALL

run: export KERNEL := $(K)/paravane
run:
	@tools/deps run
	@$(MAKE) --no-print-directory -s all
	@tools/run-qemu

hv:
	@$(MAKE) --no-print-directory -s -C tests/hv

hv-linux: hv
	@$(PYTHON) tests/hv/linux.py

# All architectures, unless ARCH= names one.
TEST_ARCHS := $(if $(filter default file undefined,$(origin \
	ARCH)),$(MACHINE_ARCHS),$(ARCH))

test:
	@ARCHS="$(TEST_ARCHS)" tools/deps test
	@set -e; for a in $(TEST_ARCHS); do \
	    $(MAKE) --no-print-directory -j2 ARCH=$$a all; done
	@case " $(TEST_ARCHS) " in *" amd64 "*) \
	    $(MAKE) --no-print-directory hv;; esac
	$(MAKE) --no-print-directory -j2 -C tests/litmus
	$(MAKE) --no-print-directory -j3 -C tests/hosted
	$(PYTHON) -m pytest -q -n 2 tests/user
	@status=0; for a in $(TEST_ARCHS); do \
	    echo "tests/boot on $$a"; \
	    ARCH=$$a $(PYTHON) -m pytest -q -n 3 tests/boot || status=1; \
	done; exit $$status

man:
	@tools/deps man
	@tools/manpages build/man

bench:
	@tools/deps test
	@$(MAKE) --no-print-directory -s all
	@$(PYTHON) tests/bench/boot.py
	@$(PYTHON) tests/bench/net.py
	@$(PYTHON) tests/bench/disk.py
	@$(PYTHON) tests/bench/gpu.py

clean:
	rm -rf build
