/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What a disk does, and whether it does it right: the same program runs on
 * Paravane, on Linux, and on the host against an image.
 *
 *	diskbench bench DISK [name=value]...	requests and bytes in a second
 *	diskbench verify DISK [name=value]...	write, read back, compare
 *	diskbench check DISK [name=value]...	only read what verify has left
 *	diskbench journal DISK [name=value]...	for a cut of the power
 *
 *	engine=sync|aio	pread(2) and pwrite(2), or io_submit(2)
 *	vec=N		in N pieces: preadv(2), IOCB_CMD_PREADV, and so on
 *	order=random|seq	rw=read|write|mixed
 *	bs=BYTES	of a request	depth=N		requests at a time
 *	direct=0|1	O_DIRECT	align=BYTES	of memory, within a page
 *	sector=BYTES	what vec= cuts at with O_DIRECT
 *	start=BYTES size=BYTES	the part of the disk
 *	count=N		requests, or blocks	seconds=N
 *	seed=N		fsync=N		after each N writes
 *	rounds=N	of verify and journal	sync=1	a line from stdin before
 *						and after what is measured
 *	flush=fsync|fdatasync|dsync|aio|none	how journal does it
 *
 * verify: each block has its place, a generation and a checksum of all.  What
 * comes back may be stale (an older generation), misplaced (of another
 * place), foreign (not ours) or torn (the checksum is wrong).
 *
 * journal: each round writes records at random places, flushes, and only
 * then says "flushed N".  tests/boot/journal.py makes the same sequence and
 * checks the image.
 *
 * Numbers end in k, m or g.  System calls are called as such, so that it
 * links without a C library, too.
 */

#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAXDEPTH	1024
#define MAXVEC		64
#define PAGE		4096
#define GUARD		0xa5
#define MAGIC		0x314b4c4256415250ULL	/* "PRAVBLK1" */
#define JMAGIC		0x314c4e4a56415250ULL	/* "PRAVJNL1" */
#define SECTOR		512
#define SLOT		(8 * SECTOR)		/* of the journal */

struct req {
	struct iocb	 cb;
	struct iovec	 iov[MAXVEC];
	unsigned char	*data;		/* bs bytes in a row */
	unsigned char	*mem;		/* what the kernel gets */
	size_t		 len;
	uint64_t	 off;
	uint64_t	 block;
	uint32_t	 gen;
	int		 write;
};

struct head {
	uint64_t	 magic;
	uint64_t	 seed;
	uint64_t	 off;
	uint32_t	 gen;
	uint32_t	 crc;
};

struct record {			/* a sector of the journal */
	uint64_t	 magic;
	uint64_t	 seed;
	uint64_t	 sector;
	uint32_t	 round;
	uint32_t	 index;
	uint32_t	 crc;
	uint32_t	 pad;
	uint64_t	 fill[59];
};

enum { SYNC, AIO };
enum { RANDOM, SEQ };
enum { READ, WRITE, MIXED };
enum { FSYNC, FDATASYNC, DSYNC, AIOFSYNC, NONE };

static uint64_t o_engine, o_vec, o_order, o_rw, o_bs = 4096, o_depth = 1,
    o_direct, o_align, o_sector = 512, o_start, o_size, o_count, o_seconds,
    o_seed = 1, o_fsync, o_rounds, o_sync, o_flush;

static const struct {
	const char	*name;
	uint64_t	*value;
	const char	*words[6];
} options[] = {
	{ "engine", &o_engine, { "sync", "aio" } },
	{ "order", &o_order, { "random", "seq" } },
	{ "rw", &o_rw, { "read", "write", "mixed" } },
	{ "flush", &o_flush, { "fsync", "fdatasync", "dsync", "aio",
	    "none" } },
	{ "vec", &o_vec, { 0 } },
	{ "bs", &o_bs, { 0 } },
	{ "depth", &o_depth, { 0 } },
	{ "direct", &o_direct, { 0 } },
	{ "align", &o_align, { 0 } },
	{ "sector", &o_sector, { 0 } },
	{ "start", &o_start, { 0 } },
	{ "size", &o_size, { 0 } },
	{ "count", &o_count, { 0 } },
	{ "seconds", &o_seconds, { 0 } },
	{ "seed", &o_seed, { 0 } },
	{ "fsync", &o_fsync, { 0 } },
	{ "rounds", &o_rounds, { 0 } },
	{ "sync", &o_sync, { 0 } },
};

static int		 fd;
static aio_context_t	 ctx;
static struct req	*reqs;
static struct iocb	*cbs[MAXDEPTH];
static struct io_event	 events[MAXDEPTH];
static unsigned		 free_reqs[MAXDEPTH], nfree, nqueued, ninflight;
static uint64_t		 nblocks, nread, nwritten, nbytes;
static unsigned long	 failed;
static uint32_t		 crcs[8][256];

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000);
}

static uint64_t
random_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (*s);
}

/* One of 0 has no end of zeros. */
static uint64_t
random_seed(uint64_t n)
{
	uint64_t s = n * 0x9e3779b97f4a7c15ULL + 88172645463325252ULL;

	s = s == 0 ? 1 : s;
	(void)random_next(&s);
	return (s);
}

static uint64_t rnd;

/* --- checksums ---------------------------------------------------------------- */

/* CRC-32C, eight bytes at a time. */
static void
crc_init(void)
{
	uint32_t c;
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		c = i;
		for (k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
		crcs[0][i] = c;
	}
	for (i = 0; i < 256; i++) {
		for (k = 1; k < 8; k++)
			crcs[k][i] = crcs[0][crcs[k - 1][i] & 255] ^
			    crcs[k - 1][i] >> 8;
	}
}

static uint32_t
crc32c(uint32_t c, const unsigned char *p, size_t n)
{
	uint64_t v;

	c = ~c;
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&v, p, 8);
		v = le64toh(v) ^ c;
		c = crcs[7][v & 255] ^ crcs[6][v >> 8 & 255] ^
		    crcs[5][v >> 16 & 255] ^ crcs[4][v >> 24 & 255] ^
		    crcs[3][v >> 32 & 255] ^ crcs[2][v >> 40 & 255] ^
		    crcs[1][v >> 48 & 255] ^ crcs[0][v >> 56];
	}
	for (; n > 0; n--, p++)
		c = c >> 8 ^ crcs[0][(c ^ *p) & 255];
	return (~c);
}

/* --- blocks --------------------------------------------------------------------- */

static uint32_t
block_crc(const unsigned char *p, size_t len)
{
	static const unsigned char none[4];
	uint32_t c = crc32c(0, p, 28);

	return (crc32c(crc32c(c, none, 4), p + 32, len - 32));
}

static void
block_fill(unsigned char *p, size_t len, uint64_t off, uint32_t gen)
{
	uint64_t v = (o_seed ^ off << 20 ^ gen) * 0x9e3779b97f4a7c15ULL, w;
	struct head h = { htole64(MAGIC), htole64(o_seed), htole64(off),
	    htole32(gen), 0 };
	size_t i;

	memcpy(p, &h, sizeof(h));
	for (i = sizeof(h); i + 8 <= len; i += 8) {
		v += 0xd1b54a32d192ed03ULL;
		w = htole64(v);
		memcpy(p + i, &w, 8);
	}
	for (; i < len; i++)
		p[i] = (unsigned char)(v >> i % 8);
	h.crc = htole32(block_crc(p, len));
	memcpy(p, &h, sizeof(h));
}

/* NULL, or what is wrong with it. */
static const char *
block_wrong(const unsigned char *p, size_t len, uint64_t off, uint32_t gen)
{
	struct head h;

	memcpy(&h, p, sizeof(h));
	if (le64toh(h.magic) != MAGIC || le64toh(h.seed) != o_seed)
		return ("foreign");
	if (le32toh(h.crc) != block_crc(p, len))
		return ("torn");
	if (le64toh(h.off) != off)
		return ("misplaced");
	return (le32toh(h.gen) == gen ? NULL : "stale");
}

static void
block_check(const struct req *r)
{
	static unsigned char *want;
	const char *wrong = block_wrong(r->data, r->len, r->off, r->gen);
	size_t i, first, last = 0;
	struct head h;

	if (wrong == NULL)
		return;
	if (++failed > 10)
		return;
	if (want == NULL)
		want = mmap(NULL, o_bs, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	block_fill(want, r->len, r->off, r->gen);
	first = r->len;
	for (i = 0; i < r->len; i++) {
		if (want[i] != r->data[i]) {
			first = first == r->len ? i : first;
			last = i;
		}
	}
	memcpy(&h, r->data, sizeof(h));
	printf("%s: at %llu, %lu bytes, generation %u; it has place %llu, "
	    "generation %u; bytes %lu to %lu differ\n", wrong,
	    (unsigned long long)r->off, (unsigned long)r->len, r->gen,
	    (unsigned long long)le64toh(h.off), le32toh(h.gen),
	    (unsigned long)first, (unsigned long)last);
}

/* --- requests ------------------------------------------------------------------- */

static void *
memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		err(1, "%lu bytes of memory", (unsigned long)n);
	return (p);
}

static int
pieces(void)
{
	return (o_vec > 0);
}

/* Pieces lie apart, with something between that nobody may write to. */
static size_t
gap(void)
{
	return (o_direct ? o_sector : 3);
}

static size_t
mem_size(void)
{
	return ((o_bs + o_align + (o_vec + 1) * gap() + 2 * PAGE) &
	    ~(size_t)(PAGE - 1));
}

static void
reqs_init(void)
{
	unsigned i;

	if (o_depth < 1 || o_depth > MAXDEPTH || o_vec > MAXVEC)
		errx(2, "depth is up to %u, vec to %u", MAXDEPTH, MAXVEC);
	if (o_engine == SYNC)
		o_depth = 1;
	else if (syscall(SYS_io_setup, (long)o_depth, &ctx) == -1)
		err(1, "io_setup");
	reqs = memory(o_depth * sizeof(*reqs));
	for (i = 0; i < o_depth; i++) {
		reqs[i].mem = memory(mem_size());
		reqs[i].data = pieces() ? memory(o_bs) :
		    reqs[i].mem + o_align;
		memset(reqs[i].mem, GUARD, mem_size());
		free_reqs[nfree++] = i;
	}
}

/* Some long, some short, together r->len. */
static void
req_cut(struct req *r)
{
	size_t unit = o_direct ? o_sector : 1, left = r->len, n;
	unsigned char *p = r->mem + o_align;
	unsigned i;

	for (i = 0; i < o_vec; i++) {
		n = left / unit;
		if (i + 1 < o_vec && n > 0)
			n = random_next(&rnd) % (2 * n / (o_vec - i) + 1);
		n = i + 1 < o_vec && n * unit < left ? n * unit : left;
		r->iov[i] = (struct iovec){ p, n };
		p += n + gap();
		left -= n;
	}
}

static void
req_copy(struct req *r, int out)
{
	unsigned char *p = r->data;
	unsigned i;

	for (i = 0; i < o_vec; i++) {
		if (out)
			memcpy(r->iov[i].iov_base, p, r->iov[i].iov_len);
		else
			memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
		p += r->iov[i].iov_len;
	}
}

static void
guard_check(const struct req *r, const unsigned char *p, size_t n)
{
	for (; n > 0; n--, p++) {
		if (*p != GUARD && failed++ < 10)
			printf("memory beside the request at %llu was "
			    "written to\n", (unsigned long long)r->off);
	}
}

/* What lies before, between and behind the pieces. */
static void
guards_check(const struct req *r)
{
	const unsigned char *end;
	unsigned i;

	guard_check(r, r->mem, o_align);
	if (!pieces()) {
		guard_check(r, r->data + r->len, 64);
		return;
	}
	for (i = 0; i < o_vec; i++) {
		end = (unsigned char *)r->iov[i].iov_base +
		    r->iov[i].iov_len;
		guard_check(r, end, gap());
	}
}

static void
req_end(struct req *r, long res, void (*done)(struct req *, int))
{
	if (res != (long)r->len && failed++ < 10) {
		errno = res < 0 ? -res : 0;
		warn("%s at %llu, %lu bytes: %ld", r->write ? "write" :
		    "read", (unsigned long long)r->off, (unsigned long)r->len,
		    res);
	}
	done(r, res == (long)r->len);
	free_reqs[nfree++] = r - reqs;
}

static void
req_sync(struct req *r, void (*done)(struct req *, int))
{
	long res;

	if (pieces())
		res = syscall(r->write ? SYS_pwritev : SYS_preadv, (long)fd,
		    r->iov, (long)o_vec, (long)r->off, 0L);
	else
		res = syscall(r->write ? SYS_pwrite64 : SYS_pread64, (long)fd,
		    r->data, r->len, (long)r->off);
	req_end(r, res == -1 ? -errno : res, done);
}

static void
req_send(struct req *r, void (*done)(struct req *, int))
{
	nbytes += r->len;
	if (r->write)
		nwritten++;
	else
		nread++;
	if (o_engine == SYNC) {
		req_sync(r, done);
		return;
	}
	r->cb = (struct iocb){ .aio_data = r - reqs, .aio_fildes = fd,
	    .aio_offset = r->off };
	if (pieces()) {
		r->cb.aio_lio_opcode = r->write ? IOCB_CMD_PWRITEV :
		    IOCB_CMD_PREADV;
		r->cb.aio_buf = (uintptr_t)r->iov;
		r->cb.aio_nbytes = o_vec;
	} else {
		r->cb.aio_lio_opcode = r->write ? IOCB_CMD_PWRITE :
		    IOCB_CMD_PREAD;
		r->cb.aio_buf = (uintptr_t)r->data;
		r->cb.aio_nbytes = r->len;
	}
	cbs[nqueued++] = &r->cb;
}

static void
reqs_submit(void)
{
	unsigned sent = 0;
	long n;

	while (sent < nqueued) {
		n = syscall(SYS_io_submit, ctx, (long)(nqueued - sent),
		    cbs + sent);
		if (n < 1)
			err(1, "io_submit");
		sent += n;
	}
	ninflight += nqueued;
	nqueued = 0;
}

static void
reqs_wait(unsigned min, void (*done)(struct req *, int))
{
	struct req *r;
	long n, i;

	if (ninflight == 0)
		return;
	n = syscall(SYS_io_getevents, ctx, (long)min, (long)MAXDEPTH, events,
	    NULL);
	if (n < (long)min)
		err(1, "io_getevents");
	for (i = 0; i < n; i++) {
		r = &reqs[events[i].data];
		if (events[i].obj != (uintptr_t)&r->cb || events[i].res2 != 0)
			errx(1, "an event of no request");
		req_end(r, events[i].res, done);
	}
	ninflight -= n;
}

static void
flush_aio(void)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = fd },
	    *p = &cb;

	if (ctx == 0 && syscall(SYS_io_setup, 1L, &ctx) == -1)
		err(1, "io_setup");
	if (syscall(SYS_io_submit, ctx, 1L, &p) != 1 || syscall(
	    SYS_io_getevents, ctx, 1L, 1L, events, NULL) != 1 ||
	    events[0].res != 0)
		err(1, "fsync by aio");
}

static void
flush(void)
{
	if (o_flush == FSYNC && fsync(fd) == -1)
		err(1, "fsync");
	if (o_flush == FDATASYNC && syscall(SYS_fdatasync, (long)fd) == -1)
		err(1, "fdatasync");
	if (o_flush == AIOFSYNC)
		flush_aio();
}

/* What pick() says. */
enum { END, TAKEN, LATER };

/*
 * All requests that pick() finds, depth of them at a time; done() is told of
 * each and whether it went well.
 */
static void
traffic(int (*pick)(struct req *), void (*done)(struct req *, int))
{
	uint64_t flushed = nwritten;
	int found = TAKEN;
	struct req *r;

	while (found != END || ninflight > 0) {
		while (found != END && nfree > 0) {
			r = &reqs[free_reqs[nfree - 1]];
			if ((found = pick(r)) != TAKEN)
				break;
			nfree--;
			req_send(r, done);
			if (o_fsync != 0 && nwritten - flushed >= o_fsync)
				break;
		}
		reqs_submit();
		if (o_fsync != 0 && nwritten - flushed >= o_fsync) {
			reqs_wait(ninflight, done);
			flush();
			flushed = nwritten;
		} else
			reqs_wait(ninflight > 0, done);
	}
}

/* --- bench -------------------------------------------------------------------------- */

static uint64_t	issued, until, next_block;

static int
bench_pick(struct req *r)
{
	if (o_seconds != 0 ? issued % 16 == 0 && now_us() > until :
	    issued >= o_count)
		return (END);
	issued++;
	r->block = o_order == SEQ ? next_block++ % nblocks :
	    random_next(&rnd) % nblocks;
	r->off = o_start + r->block * o_bs;
	r->len = o_bs;
	r->write = o_rw == WRITE || (o_rw == MIXED && random_next(&rnd) % 3 ==
	    0);
	if (pieces())
		req_cut(r);
	return (TAKEN);
}

static void
no_check(struct req *r, int good)
{
	(void)r;
	(void)good;
}

/* Whoever measures from outside looks at us before and after. */
static void
rendezvous(const char *what)
{
	char c;

	if (!o_sync)
		return;
	printf("%s\n", what);
	while (read(0, &c, 1) == 1 && c != '\n')
		continue;
}

static void
bench(void)
{
	uint64_t start, us;

	if (o_count == 0 && o_seconds == 0)
		o_count = 10000;
	rendezvous("begin");
	start = now_us();
	until = start + o_seconds * 1000000;
	traffic(bench_pick, no_check);
	if (o_rw != READ)
		flush();
	us = now_us() - start;
	us = us == 0 ? 1 : us;
	rendezvous("end");
	printf("bench: %llu requests, %llu/s, %llu kB/s, %llu us, %lu "
	    "failed\n", (unsigned long long)issued,
	    (unsigned long long)(issued * 1000000 / us),
	    (unsigned long long)(nbytes * 1000 / us), (unsigned long long)us,
	    failed);
}

/* --- verify -------------------------------------------------------------------------- */

static uint32_t	*perm, *gens;
static unsigned char *busy;
static uint64_t	place, nplaces;
static uint32_t	generation;
static int	mixed;

/* The order of a pass: another one each time. */
static void
shuffle(int backwards)
{
	uint64_t i, k;
	uint32_t t;

	for (i = 0; i < nblocks; i++)
		perm[i] = backwards ? nblocks - 1 - i : i;
	for (i = nblocks - 1; o_order == RANDOM && i > 0; i--) {
		k = random_next(&rnd) % (i + 1);
		t = perm[i];
		perm[i] = perm[k];
		perm[k] = t;
	}
	place = 0;
}

static void
block_req(struct req *r, uint64_t block, int write)
{
	r->block = block;
	r->off = o_start + block * o_bs;
	r->len = o_bs;
	r->write = write;
	if (write)
		gens[block] = generation;
	r->gen = gens[block];
	busy[block] = 1;
	if (pieces())
		req_cut(r);
	if (write) {
		block_fill(r->data, r->len, r->off, r->gen);
		req_copy(r, 1);
	} else {
		memset(r->data, GUARD, r->len);
		if (pieces())
			memset(r->mem, GUARD, mem_size());
	}
}

/* Between the writes a read of something that is not just written. */
static int
read_between(struct req *r)
{
	uint64_t b = random_next(&rnd) % nblocks;

	if (!mixed || random_next(&rnd) % 2 == 0 || gens[b] == 0 || busy[b])
		return (0);
	block_req(r, b, 0);
	return (1);
}

static int
write_pick(struct req *r)
{
	uint64_t i;
	uint32_t b;

	if (place >= nplaces)
		return (END);
	if (read_between(r))
		return (TAKEN);
	/* what is being read is not written over */
	for (i = place; i < nplaces && busy[perm[i]]; i++)
		continue;
	if (i == nplaces)
		return (LATER);
	b = perm[i];
	perm[i] = perm[place];
	perm[place++] = b;
	block_req(r, b, 1);
	return (TAKEN);
}

static int
read_pick(struct req *r)
{
	while (place < nblocks && gens[perm[place]] == 0)
		place++;
	if (place >= nblocks)
		return (END);
	block_req(r, perm[place++], 0);
	return (TAKEN);
}

static void
verify_done(struct req *r, int good)
{
	busy[r->block] = 0;
	if (r->write || !good)
		return;
	guards_check(r);
	req_copy(r, 0);
	block_check(r);
}

static void
verify_init(void)
{
	if (o_bs < sizeof(struct head))
		errx(2, "bs is at least %u", (unsigned)sizeof(struct head));
	perm = memory(nblocks * sizeof(*perm));
	gens = memory(nblocks * sizeof(*gens));
	busy = memory(nblocks);
	nplaces = o_count != 0 && o_count < nblocks ? o_count : nblocks;
	mixed = o_rw == MIXED;
	o_rounds = o_rounds == 0 ? 2 : o_rounds;
}

static void
verify_result(const char *what)
{
	printf("%s %s: %llu written, %llu read, %lu wrong\n", what,
	    failed == 0 ? "ok" : "FAILED", (unsigned long long)nwritten,
	    (unsigned long long)nread, failed);
}

static void
verify(void)
{
	verify_init();
	while (generation < o_rounds) {
		generation++;
		shuffle(0);
		traffic(write_pick, verify_done);
		flush();
		shuffle(1);
		traffic(read_pick, verify_done);
	}
	verify_result("verify");
}

/* What verify has written with the same options. */
static void
check(void)
{
	uint64_t i;

	if (o_count != 0)
		errx(2, "check wants the whole of what was written");
	verify_init();
	for (i = 0; i < nblocks; i++)
		gens[i] = o_rounds;
	shuffle(0);
	traffic(read_pick, verify_done);
	verify_result("check");
}

/* --- journal -------------------------------------------------------------------------- */

static uint64_t	nslots, slot, step, jrnd;
static uint32_t	jround, jindex;

static void
record_fill(unsigned char *p, uint64_t sector)
{
	struct record rec = { .magic = htole64(JMAGIC),
	    .seed = htole64(o_seed), .sector = htole64(sector),
	    .round = htole32(jround), .index = htole32(jindex) };
	uint64_t v = (o_seed ^ sector << 20 ^ jround) * 0x9e3779b97f4a7c15ULL;
	unsigned i;

	for (i = 0; i < sizeof(rec.fill) / 8; i++) {
		v += 0xd1b54a32d192ed03ULL;
		rec.fill[i] = htole64(v);
	}
	rec.crc = htole32(crc32c(0, (unsigned char *)&rec, SECTOR));
	memcpy(p, &rec, SECTOR);
}

/* A slot is written at most once in a round. */
static int
journal_pick(struct req *r)
{
	uint64_t v, sector, whole = o_sector / SECTOR;
	unsigned n, i;

	if (jindex >= o_count)
		return (END);
	v = random_next(&jrnd);
	n = whole + v % 8 / whole * whole;
	sector = slot * 8 + (v >> 8) % ((8 - n) / whole + 1) * whole;
	r->off = o_start + sector * SECTOR;
	r->len = n * SECTOR;
	r->write = 1;
	for (i = 0; i < n; i++)
		record_fill(r->data + i * SECTOR, sector + i);
	if (pieces()) {
		req_cut(r);
		req_copy(r, 1);
	}
	slot = (slot + step) % nslots;
	jindex++;
	return (TAKEN);
}

static void
journal(void)
{
	for (nslots = 1; nslots * 2 * SLOT <= o_size; nslots *= 2)
		continue;
	o_count = o_count == 0 ? 64 : o_count;
	if (o_count > nslots)
		errx(2, "%llu places only", (unsigned long long)nslots);
	if (sizeof(struct record) != SECTOR)
		errx(1, "a record is not a sector");
	printf("journal begins\n");
	for (jround = 1; o_rounds == 0 || jround <= o_rounds; jround++) {
		jrnd = random_seed(o_seed * 1000003 + jround);
		slot = random_next(&jrnd) % nslots;
		step = random_next(&jrnd) % nslots | 1;
		jindex = 0;
		traffic(journal_pick, no_check);
		flush();
		if (failed != 0)
			errx(1, "round %u failed", jround);
		printf("flushed %u\n", jround);
	}
}

/* --- main ------------------------------------------------------------------------------ */

static uint64_t
number(const char *s)
{
	char *end;
	uint64_t v = strtoul(s, &end, 10);

	v <<= *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;
	if (end == s || (*end != '\0' && end[1] != '\0'))
		errx(2, "%s: not a number", s);
	return (v);
}

static void
option(char *arg)
{
	char *v = strchr(arg, '=');
	unsigned i, k;

	if (v == NULL)
		errx(2, "%s: no value", arg);
	*v++ = '\0';
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, arg) != 0)
			continue;
		if (options[i].words[0] == NULL) {
			*options[i].value = number(v);
			return;
		}
		for (k = 0; options[i].words[k] != NULL; k++) {
			if (strcmp(options[i].words[k], v) == 0) {
				*options[i].value = k;
				return;
			}
		}
	}
	errx(2, "%s=%s: unknown", arg, v);
}

static void
disk_open(const char *path, int writes)
{
	off_t size;

	fd = open(path, (writes ? O_RDWR : O_RDONLY) |
	    (o_direct ? O_DIRECT : 0) | (o_flush == DSYNC ? O_DSYNC : 0));
	if (fd == -1)
		err(1, "%s", path);
	size = lseek(fd, 0, SEEK_END);
	if (size <= (off_t)o_start)
		errx(1, "%s: %lld bytes", path, (long long)size);
	if (o_size == 0 || o_size > size - o_start)
		o_size = size - o_start;
}

int
main(int argc, char *argv[])
{
	static const struct {
		const char	*name;
		void		(*fn)(void);
		int		 writes;
	} modes[] = { { "bench", bench, 0 }, { "verify", verify, 1 },
	    { "check", check, 0 }, { "journal", journal, 1 } };
	unsigned i;
	int k;

	if (argc < 3)
		errx(2, "usage: diskbench bench|verify|check|journal disk "
		    "[name=value ...]");
	for (k = 3; k < argc; k++)
		option(argv[k]);
	if (strcmp(argv[1], "journal") == 0)
		o_bs = SLOT;
	rnd = random_seed(o_seed);
	crc_init();
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, argv[1]) != 0)
			continue;
		disk_open(argv[2], modes[i].writes || o_rw != READ);
		nblocks = o_bs == 0 ? 0 : o_size / o_bs;
		if (nblocks == 0)
			errx(2, "no block of %llu bytes",
			    (unsigned long long)o_bs);
		reqs_init();
		modes[i].fn();
		return (failed != 0);
	}
	errx(2, "%s: unknown", argv[1]);
}
