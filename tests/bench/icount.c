/*
 * Copyright (c) 2026 The Paravane developers
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * A TCG plugin that counts the guest's instructions, and keeps the count in
 * a file of eight bytes that others may map and look at while it runs:
 *
 *	-plugin icount.so,out=FILE
 *
 * A block of code that is left early, by a fault, counts as a whole.
 *
 * QEMU's header for plugins comes with its sources and is in no package.
 * What follows are the few declarations of its interface that are needed
 * here; they have been the same since plugins came, and PLUGIN_API says
 * which version of the whole the QEMU at hand wants to hear.
 */

#include <sys/mman.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef PLUGIN_API
#define PLUGIN_API	2
#endif

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS
};

typedef void (*qemu_plugin_tb_trans_t)(qemu_plugin_id_t,
    struct qemu_plugin_tb *);
typedef void (*qemu_plugin_vcpu_udata_t)(unsigned int, void *);

void	qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
	    qemu_plugin_tb_trans_t);
void	qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *,
	    qemu_plugin_vcpu_udata_t, enum qemu_plugin_cb_flags, void *);
size_t	qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int	qemu_plugin_version = PLUGIN_API;

static uint64_t *icount;

static void
block_runs(unsigned int cpu, void *n)
{
	(void)cpu;
	__atomic_fetch_add(icount, (uintptr_t)n, __ATOMIC_RELAXED);
}

static void
block_is_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs,
	    QEMU_PLUGIN_CB_NO_REGS, (void *)qemu_plugin_tb_n_insns(tb));
}

int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
    int argc, char **argv)
{
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "icount: usage: icount.so,out=FILE\n");
		return (-1);
	}
	fd = open(argv[0] + 4, O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (fd == -1 || ftruncate(fd, sizeof(*icount)) == -1) {
		perror(argv[0] + 4);
		return (-1);
	}
	icount = mmap(NULL, sizeof(*icount), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (icount == MAP_FAILED) {
		perror("mmap");
		return (-1);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_is_translated);
	return (0);
}
