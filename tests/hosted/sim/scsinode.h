/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SCSINODE_H_
#define _SCSINODE_H_

/* What the tests of vioscsi(4) share: a host, its units, and one open node. */

#include <sys/sysctl.h>

#include "sim/nodes.h"
#include "sim/scsi.h"

#define SEC		1000000000ULL

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)
#define F_PACKED	(1ULL << 34)

#ifndef ENOMEDIUM
#define ENOMEDIUM	123
#endif

#define BLKROGET	0x125e
#define BLKFLSBUF	0x1261
#define BLKSSZGET	0x1268
#define BLKDISCARD	0x1277
#define BLKPBSZGET	0x127b
#define BLKZEROOUT	0x127f
#define BLKGETSIZE64	0x80081272
#define CDROMEJECT	0x5309
#define CDROMCLOSETRAY	0x5319
#define CDROM_DRIVE_STATUS 0x5326
#define CDROM_LOCKDOOR	0x5329

static struct sim_virtio_conf conf;
static struct sim_scsi	*sh;
static struct sim_lu	*lu;		/* that of the node */
static struct cdev	*node;
static int		 nodeflags;
static bool		 packed;
static uint64_t		 ioarg[2] __unused;
static uint8_t		 buf[4 << 20];

/* --- before and after ---------------------------------------------------- */

static int
setup(void **state)
{
	sim_init();
	packed = *(bool *)*state;
	conf = (struct sim_virtio_conf){ .vc_features = SIM_SCSI_F_INOUT |
	    SIM_SCSI_F_HOTPLUG | SIM_SCSI_F_CHANGE | F_INDIRECT |
	    (packed ? F_PACKED : 0), .vc_nvec = 4, .vc_when = SIM_LATER };
	sh = NULL;
	lu = NULL;
	node = NULL;
	return (0);
}

/* All goes, so that the test can begin again. */
static void
clean(void)
{
	node_close(node, nodeflags);
	node = NULL;
	sim_detach();
	if (sh != NULL)
		sim_scsi_free(sh);
	sh = NULL;
	lu = NULL;
	hosted_run(1000);
}

static int
teardown(void **state)
{
	hosted_fail_at = 0;
	sim_gone_at = 0;
	clean();
	return (sim_fini());
}

static void
assert_nothing_left(void)
{
	assert_int_equal(hosted_nallocs, 0);
	assert_int_equal(sim_nsegs, 0);
	assert_int_equal(sim_nmaps, 0);
}

static int
device_acts(void)
{
	return (sim_virtio_runall());
}

/* The console is not endless; units are counted from 0 again. */
static void
make(void)
{
	uint64_t now = hosted_now;

	assert_int_equal(hosted_nallocs, 0);
	hosted_init();
	hosted_now = now;
	hosted_device = device_acts;
	hosted_step_fn = sim_step;
	config_init();
	sh = sim_scsi_new(&conf);
}

static struct sim_lu *
disk(u_int target, u_int lun, uint64_t nblocks)
{
	return (sim_lu_new(sh, target, lun, SIM_DISK, nblocks, 512));
}

/* The first disk is open from here on. */
static void
attach(void)
{
	sim_attach();
	hosted_run(60 * SEC);
	nodeflags = FREAD | FWRITE;
	if ((node = node_open("sd0", nodeflags)) == NULL)
		fail_msg("%s", hosted_console());
	if (lu == NULL)
		lu = sh->sh_lus;
}

static void
ready(void)
{
	make();
	lu = disk(0, 0, 4096);
	attach();
}

/* --- nodes --------------------------------------------------------------- */

static int
rd(uint64_t off, size_t len, size_t *done)
{
	memset(buf, 0xcc, len);
	return (node_rdwr(node, UIO_READ, buf, len, off, 0, done));
}

static int
wr(uint64_t off, size_t len, size_t *done)
{
	return (node_rdwr(node, UIO_WRITE, buf, len, off, 0, done));
}

static int
io(u_long cmd, void *arg)
{
	return (dev_ioctl(node, cmd, arg, nodeflags));
}

static void
fill(size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = sim_random(256);
}

/* Of an ioctl that has a value: that, else -1. */
static int
io_value(u_long cmd, uintptr_t arg)
{
	int error = io(cmd, (void *)arg), i;

	for (i = 0; i < 256; i++) {
		if (error == IOCTL_VALUE(i))
			return (i);
	}
	return (-1);
}

/* What is in the buffer is on the disk. */
static void
assert_data(uint64_t off, size_t len)
{
	static uint8_t want[4 << 20];

	sim_lu_read(lu, off, want, len);
	assert_memory_equal(buf, want, len);
}

static bool
there(const char *name)
{
	struct cdev *cd = dev_lookup(name);

	if (cd != NULL)
		dev_release(cd);
	return (cd != NULL);
}

static uint64_t
node_size(const char *name)
{
	struct cdev *cd = dev_lookup(name);
	uint64_t size = 0;

	if (cd != NULL) {
		size = dev_size(cd);
		dev_release(cd);
	}
	return (size);
}

static uint64_t
size_of(u_int unit)
{
	char name[16];

	snprintf(name, sizeof(name), "sd%u", unit);
	return (node_size(name));
}

static u_int
count_disks(u_int most)
{
	u_int i, n = 0;

	for (i = 0; i < most; i++)
		n += size_of(i) != 0;
	return (n);
}

static const char *
sysctl_text(const char *name)
{
	static char text[256];
	size_t len;

	if (sysctl_read(name, text, sizeof(text), &len) != 0)
		fail_msg("there is no %s", name);
	return (text);
}

/* Lines on the console with that text. */
static u_int
lines_with(const char *text)
{
	const char *p = hosted_console(), *end;
	size_t n = strlen(text);
	u_int count = 0;

	while (*p != '\0') {
		for (end = p; *end != '\0' && *end != '\n'; end++)
			;
		for (; p + n <= end; p++) {
			if (strncmp(p, text, n) == 0) {
				count++;
				break;
			}
		}
		p = *end == '\0' ? end : end + 1;
	}
	return (count);
}

/* --- what happens to commands -------------------------------------------- */

static void
inject(u_int op, u_int times, enum sim_what what, uint32_t arg)
{
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = op,
	    .in_times = times, .in_what = what, .in_arg = arg });
}

static void
inject_sense(u_int op, u_int times, u_int key, u_int asc, u_int ascq)
{
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = op,
	    .in_times = times, .in_what = SIM_WITH_SENSE, .in_key = key,
	    .in_asc = asc, .in_ascq = ascq });
}

static void
recovered(struct sim_scsi *host, struct sim_answer *sa)
{
	if (sa->sa_status != SIM_GOOD || sa->sa_cdb[0] == 0x12 ||
	    sa->sa_len < 512)
		return;
	sa->sa_status = SIM_CHECK;
	sim_answer_sense(sa, false, 1, 0x17, 0x01, 0);
}

#define NREADER	6
static struct thread *readers[NREADER];
static u_int	nreaders, nplaces;
static int	rd_error;		/* of one that failed, if any did */

/* Each somewhere else, so that none finds what another has read. */
static void
reader(void *arg)
{
	static uint8_t b[4096];
	int error;

	error = node_rdwr(node, UIO_READ, b, sizeof(b),
	    65536 * (1 + nplaces++ % 30), 0, NULL);
	if (error != 0)
		rd_error = error;
}

static void
readers_start(u_int n)
{
	rd_error = 0;
	nplaces = 0;
	for (nreaders = 0; nreaders < n; nreaders++)
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN,
		    "reader", &readers[nreaders]), 0);
}

static void
readers_join(void)
{
	while (nreaders > 0)
		kthread_join(readers[--nreaders]);
}

/* --- load ---------------------------------------------------------------- */

#define DISKSIZE	(4 << 20)

static void
read_and_write(u_int n)
{
	uint8_t *want;
	uint64_t off;
	size_t len, done;

	if ((want = host_alloc(DISKSIZE)) == NULL)
		fail();
	sim_lu_read(lu, 0, want, DISKSIZE);
	while (n-- > 0) {
		off = sim_random(DISKSIZE);
		len = 1 + sim_random(sim_random(10) == 0 ? 1 << 20 :
		    sim_random(3) == 0 ? 20000 : 1500);
		len = MIN(len, DISKSIZE - off);
		if (sim_random(2)) {
			off &= ~511ULL;
			len = MIN(roundup2(len, 512), DISKSIZE - off);
		}
		if (sim_random(2)) {
			fill(MIN(len, 5000));
			memcpy(want + off, buf, len);
			assert_int_equal(wr(off, len, &done), 0);
		} else {
			assert_int_equal(rd(off, len, &done), 0);
			assert_memory_equal(buf, want + off, len);
		}
		assert_int_equal(done, len);
	}
	sim_lu_read(lu, 0, buf, DISKSIZE);
	assert_memory_equal(buf, want, DISKSIZE);
	host_free(want);
}

static void
rw_begin(void)
{
	sim_dma_split = true;
	make();
	lu = disk(0, 0, DISKSIZE / 512);
}

static void
rw_end(u_int n)
{
	attach();
	read_and_write(n);
	clean();
}

#define NTHREAD	8
static struct worker {
	u_int		 n, rounds;
	struct cdev	*cd;
	uint8_t		 b[40000];
	int		 error;
} worker[NTHREAD];

static void
work(void *arg)
{
	struct worker *w = arg;
	u_int i, k;
	uint64_t off;
	size_t len, done;

	for (i = 0; i < w->rounds; i++) {
		len = 512 * (1 + sim_random(70));
		off = w->n * (DISKSIZE / NTHREAD) +
		    512 * sim_random((DISKSIZE / NTHREAD - len) / 512);
		for (k = 0; k < len; k++)
			w->b[k] = i + w->n + k;
		if (node_rdwr(w->cd, UIO_WRITE, w->b, len, off, 0, &done) != 0
		    || done != len)
			w->error++;
		memset(w->b, 0, len);
		if (node_rdwr(w->cd, UIO_READ, w->b, len, off, 0, &done) != 0
		    || done != len)
			w->error++;
		for (k = 0; k < len; k++) {
			if (w->b[k] != (uint8_t)(i + w->n + k)) {
				w->error++;
				break;
			}
		}
	}
}

static void
work_together(u_int rounds)
{
	struct thread *td[NTHREAD];
	u_int i;

	for (i = 0; i < NTHREAD; i++) {
		worker[i].n = i;
		worker[i].rounds = rounds;
		worker[i].cd = node;
		worker[i].error = 0;
		assert_int_equal(kthread_create(work, &worker[i], PRI_KERN,
		    "work", &td[i]), 0);
	}
	for (i = 0; i < NTHREAD; i++)
		kthread_join(td[i]);
	for (i = 0; i < NTHREAD; i++)
		assert_int_equal(worker[i].error, 0);
}

/* --- both kinds of ring -------------------------------------------------- */

struct test {
	const char	 *t_name;
	void		(*t_fn)(void **);
};

/* pattern: of cmocka, for one of them */
static int
run_both(const struct test *t, u_int n, const char *pattern)
{
	static struct CMUnitTest tests[400];
	static char names[400][96];
	static bool kinds[2] = { false, true };
	u_int i, k;

	if (2 * n > nitems(tests))
		host_fail("too many tests");
	for (i = 0; i < 2 * n; i++) {
		k = i >= n;
		snprintf(names[i], sizeof(names[i]), "%s%s", t[i % n].t_name,
		    k ? "_packed" : "");
		tests[i] = (struct CMUnitTest){ .name = names[i],
		    .test_func = t[i % n].t_fn, .setup_func = setup,
		    .teardown_func = teardown, .initial_state = &kinds[k] };
	}
	if (pattern != NULL)
		cmocka_set_test_filter(pattern);
	return (_cmocka_run_group_tests("vioscsi", tests, 2 * n, NULL, NULL));
}

#endif /* _SCSINODE_H_ */
