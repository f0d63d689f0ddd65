/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The simulated device itself, against descriptors that are put in memory by
 * hand: it does what VIRTIO 1.4 says, and sees it if a driver does not.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/md.h>

#include "sim/sim.h"

#define NEXT		0x0001
#define WRITE		0x0002
#define INDIRECT	0x0004
#define AVAIL		0x0080
#define USED		0x8000

#define F_NOTIFY_ON_EMPTY	(1ULL << 24)
#define F_INDIRECT		(1ULL << 28)
#define F_EVENT_IDX		(1ULL << 29)
#define F_VERSION_1		(1ULL << 32)
#define F_ACCESS_PLATFORM	(1ULL << 33)
#define F_PACKED		(1ULL << 34)
#define F_IN_ORDER		(1ULL << 35)
#define F_NOTIFICATION_DATA	(1ULL << 38)
#define F_NOTIF_CONFIG_DATA	(1ULL << 39)
#define F_RING_RESET		(1ULL << 40)
#define F_ADMIN_VQ		(1ULL << 41)
#define F_SUSPEND		(1ULL << 43)

static struct sim_virtio_conf	vc;
static struct sim_virtio	*sv;
static struct sim_vq		*sq;
static struct dmamem		ring, buf;
static u_int			size;
static uint64_t			driver_off, device_off;
static uint16_t			pos;		/* packed; split: index */
static bool			wrap;
static bool			hold;
static uint32_t			(*answer)(const struct sim_chain *);

/* --- the device ----------------------------------------------------------- */

static uint32_t
all_of_it(const struct sim_chain *ch)
{
	return (ch->ch_inlen);
}

static uint32_t
a_bit_of_it(const struct sim_chain *ch)
{
	return (ch->ch_inlen == 0 || sim_random(2) ? ch->ch_inlen :
	    sim_random(ch->ch_inlen));
}

static void
request(struct sim_virtio *dev, struct sim_chain *ch)
{
	if (!hold)
		sim_chain_done(ch, answer(ch));
}

static struct sim_chain *
held(u_int n)
{
	struct sim_chain *ch = TAILQ_FIRST(&sq->sq_held);

	while (n-- > 0)
		ch = TAILQ_NEXT(ch, ch_link);
	return (ch);
}

/* --- registers ------------------------------------------------------------ */

static uint32_t
get(u_int off, u_int n)
{
	return (sim_pci_regread(&sv->sv_pci, 4, off, n));
}

static void
set(u_int off, u_int n, uint32_t v)
{
	sim_pci_regwrite(&sv->sv_pci, 4, off, n, v);
}

static void
set64(u_int off, uint64_t v)
{
	set(off, 4, v);
	set(off + 4, 4, v >> 32);
}

static void
set_features(uint64_t lo, uint64_t hi)
{
	u_int i;

	for (i = 0; i < 4; i++) {
		set(0x08, 4, i);
		set(0x0c, 4, (i < 2 ? lo : hi) >> 32 * (i & 1));
	}
}

static void
reset(void)
{
	set(0x14, 1, 0);
	while (get(0x14, 1) != 0)
		;
}

static void
set_queue(void)
{
	set(0x16, 2, 0);
	set(0x18, 2, size);
	set64(0x20, ring.dmm_seg.ds_addr);
	set64(0x28, ring.dmm_seg.ds_addr + driver_off);
	set64(0x30, ring.dmm_seg.ds_addr + device_off);
	set(0x1c, 2, 1);
	pos = 0;
	wrap = true;
}

static void
handshake(uint64_t features)
{
	reset();
	set(0x14, 1, 0x01);
	set(0x14, 1, 0x03);
	set_features(features | F_VERSION_1, 0);
	set(0x14, 1, 0x0b);
	assert_int_equal(get(0x14, 1), 0x0b);
}

static void
make(uint64_t offered)
{
	vc.vc_features = offered;
	sv = sim_virtio_new(&vc);
	sq = &sv->sv_vq[0];
	/* memory, bus master, no line */
	sim_put_le(sv->sv_pci.sp_conf + 4, 2, 0x0406);
}

static void
make_ring(u_int n)
{
	size = n;
	driver_off = 16 * n;
	device_off = roundup2(driver_off + 6 + 2 * n, 4);
	assert_int_equal(dmamem_alloc(&ring, &md_dma, device_off + 6 + 8 * n,
	    64, 0), 0);
	memset(ring.dmm_kva, 0, ring.dmm_seg.ds_len);
}

static void
start(uint64_t features, u_int n)
{
	vc.vc_qsize[0] = n;
	make(features);
	make_ring(n);
	handshake(features);
	set_queue();
	set(0x14, 1, 0x0f);
}

static void
notify_with(uint32_t v, u_int n)
{
	set(0x3000, n, v);
}

static void
kick(void)
{
	notify_with(0, 2);
	(void)sim_virtio_run(sv);
}

static void
finish(void)
{
	if (sv != NULL)
		sim_virtio_free(sv);
	sv = NULL;
	dmamem_free(&ring);
}

static int
setup(void **state)
{
	sim_init();
	sv = NULL;
	hold = false;
	answer = all_of_it;
	vc = (struct sim_virtio_conf){ .vc_devid = SIM_ID_TEST, .vc_nvq = 1,
	    .vc_when = SIM_BY_HAND, .vc_request = request, .vc_cfgsize = 4 };
	return (dmamem_alloc(&buf, &md_dma, 65536, 64, 0));
}

static int
teardown(void **state)
{
	finish();
	dmamem_free(&buf);
	return (sim_fini());
}

/* --- memory --------------------------------------------------------------- */

static uint8_t *
at(uint64_t off)
{
	return ((uint8_t *)ring.dmm_kva + off);
}

static uint64_t
buffer(u_int off)
{
	return (buf.dmm_seg.ds_addr + off);
}

static void
packed_at(uint8_t *p, uint64_t addr, uint32_t len, uint16_t id,
    uint16_t flags)
{
	sim_put(p, 8, addr);
	sim_put(p + 8, 4, len);
	sim_put(p + 12, 2, id);
	sim_put(p + 14, 2, flags);
}

static void
split_at(uint8_t *p, uint64_t addr, uint32_t len, uint16_t flags,
    uint16_t next)
{
	sim_put(p, 8, addr);
	sim_put(p + 8, 4, len);
	sim_put(p + 12, 2, flags);
	sim_put(p + 14, 2, next);
}

/* One more of a packed ring, with the bits of this round. */
static void
add(uint16_t id, uint32_t len, uint16_t flags)
{
	packed_at(at(16 * pos), buffer(256 * (id % 256)), len, id,
	    flags | (wrap ? AVAIL : USED));
	if (++pos == size) {
		pos = 0;
		wrap = !wrap;
	}
}

static uint16_t
id_at(u_int i)
{
	return (sim_get(at(16 * i + 12), 2));
}

static uint32_t
len_at(u_int i)
{
	return (sim_get(at(16 * i + 8), 4));
}

/* Used in a round with that wrap counter? */
static bool
used_at(u_int i, bool w)
{
	uint16_t flags = sim_get(at(16 * i + 14), 2);

	return (!!(flags & AVAIL) == w && !!(flags & USED) == w);
}

static bool
written_at(u_int i)
{
	return ((sim_get(at(16 * i + 14), 2) & WRITE) != 0);
}

/* What the driver wants to be told of. */
static void
driver_event(uint16_t flags, uint16_t desc)
{
	sim_put(at(driver_off), 2, desc);
	sim_put(at(driver_off + 2), 2, flags);
}

/* Split: a chain that begins there is made available. */
static void
offer(uint16_t head)
{
	sim_put(at(driver_off + 4 + 2 * (pos % size)), 2, head);
	pos++;
	sim_put(at(driver_off + 2), 2, pos);
}

static void
single(uint16_t i, uint32_t len, uint16_t flags)
{
	split_at(at(16 * i), buffer(256 * i), len, flags, 0);
	offer(i);
}

static uint16_t
used_idx(void)
{
	return (sim_get(at(device_off + 2), 2));
}

static uint32_t
used_id(u_int i)
{
	return (sim_get(at(device_off + 4 + 8 * (i % size)), 4));
}

static uint32_t
used_len(u_int i)
{
	return (sim_get(at(device_off + 8 + 8 * (i % size)), 4));
}

/* --- packed --------------------------------------------------------------- */

static void
packed_one_descriptor(void **state)
{
	start(F_PACKED, 4);
	add(7, 100, WRITE);
	kick();
	assert_true(used_at(0, true));
	assert_true(written_at(0));
	assert_int_equal(id_at(0), 7);
	assert_int_equal(len_at(0), 100);
	assert_false(used_at(1, true));
	add(9, 10, 0);
	kick();
	assert_true(used_at(1, true));
	assert_false(written_at(1));
	assert_int_equal(id_at(1), 9);
	assert_int_equal(sq->sq_ntaken, 2);
	assert_int_equal(sq->sq_nreturned, 2);
}

static void
packed_chain(void **state)
{
	start(F_PACKED, 8);
	add(99, 10, NEXT);
	add(98, 20, NEXT | WRITE);
	add(3, 30, WRITE);
	add(4, 5, 0);
	hold = true;
	kick();
	assert_int_equal(sq->sq_nheld, 2);
	assert_int_equal(held(0)->ch_nout, 1);
	assert_int_equal(held(0)->ch_nin, 2);
	assert_int_equal(held(0)->ch_inlen, 50);
	sim_chain_done(held(0), 50);
	assert_true(used_at(0, true));
	assert_int_equal(id_at(0), 3);
	assert_int_equal(len_at(0), 50);
	sim_chain_done(held(0), 0);
	assert_false(used_at(1, true));
	assert_true(used_at(3, true));
	assert_int_equal(id_at(3), 4);
}

static void
packed_indirect(void **state)
{
	uint8_t *t = (uint8_t *)buf.dmm_kva + 4096;

	start(F_PACKED | F_INDIRECT, 4);
	/* the ids and the order of rounds mean nothing here */
	packed_at(t, buffer(0), 16, 0xffff, 0);
	packed_at(t + 16, buffer(64), 32, 0, WRITE);
	packed_at(t + 32, buffer(512), 1, 1, WRITE);
	packed_at(at(0), buffer(4096), 48, 2, INDIRECT | WRITE | AVAIL);
	hold = true;
	kick();
	assert_int_equal(held(0)->ch_nout, 1);
	assert_int_equal(held(0)->ch_nin, 2);
	assert_int_equal(held(0)->ch_outlen, 16);
	assert_int_equal(held(0)->ch_inlen, 33);
	sim_chain_done(held(0), 33);
	assert_true(used_at(0, true));
	assert_int_equal(id_at(0), 2);
}

static void
packed_in_any_order(void **state)
{
	start(F_PACKED, 5);
	add(0, 8, WRITE);
	add(1, 8, NEXT);
	add(1, 8, WRITE);
	add(2, 8, WRITE);
	hold = true;
	kick();
	sim_chain_done(held(1), 1);
	assert_true(used_at(0, true));
	assert_int_equal(id_at(0), 1);
	/* that one had two */
	sim_chain_done(held(1), 2);
	assert_false(used_at(1, true));
	assert_true(used_at(2, true));
	assert_int_equal(id_at(2), 2);
	sim_chain_done(held(0), 3);
	assert_true(used_at(3, true));
	assert_int_equal(id_at(3), 0);
}

/* Any size, chains across the end, both directions of time. */
static void
packed_rounds(void **state)
{
	static const u_int sizes[] = { 1, 2, 3, 5, 7, 64, 1000 };
	u_int k, i, n, id, from, ndesc[7], back = 0;
	uint16_t used;
	bool usedwrap, seen[7];

	for (k = 0; k < nitems(sizes); k++) {
		vc.vc_random_order = true;
		start(F_PACKED, sizes[k]);
		used = 0;
		usedwrap = true;
		for (i = 0; i < 3000; i++) {
			for (n = 0, from = 0; n < 7; n++) {
				ndesc[n] = 1 + sim_random(MIN(size, 3));
				if (from + ndesc[n] > size)
					break;
				from += ndesc[n];
				for (id = 1; id < ndesc[n]; id++)
					add(100 + id, 9, NEXT);
				add(n, 8, WRITE);
				seen[n] = false;
			}
			kick();
			for (from = n; from > 0; from--, back++) {
				assert_true(used_at(used, usedwrap));
				id = id_at(used);
				assert_true(id < n && !seen[id]);
				seen[id] = true;
				assert_int_equal(len_at(used), 8);
				sim_vq_advance(sq, &used, &usedwrap,
				    ndesc[id]);
			}
			assert_int_equal(used, pos);
			assert_true(usedwrap == wrap);
		}
		assert_int_equal(sq->sq_nreturned, sq->sq_ntaken);
		finish();
	}
	assert_true(back > 40000);
}

static void
packed_largest_ring(void **state)
{
	u_int i;

	start(F_PACKED, 32768);
	for (i = 0; i < 40000; i++) {
		add(i % 16, 4, WRITE);
		kick();
	}
	assert_true(used_at(40000 - 32768 - 1, false));
	assert_true(used_at(40000 - 32768, true));
}

static void
packed_events_on_and_off(void **state)
{
	start(F_PACKED, 4);
	add(0, 8, 0);
	kick();
	assert_int_equal(sq->sq_interrupts, 1);
	driver_event(1, 0);
	add(0, 8, 0);
	kick();
	assert_int_equal(sq->sq_interrupts, 1);
	driver_event(0, 0);
	add(0, 8, 0);
	kick();
	assert_int_equal(sq->sq_interrupts, 2);
}

/* With DESC it interrupts for that one only, in that round. */
static void
packed_event_of_a_descriptor(void **state)
{
	u_int n, event, want;

	for (event = 0; event < 10; event++) {
		start(F_PACKED | F_EVENT_IDX, 5);
		driver_event(2, event % 5 | (event < 5 ? 0x8000 : 0));
		for (n = 0, want = 0; n < 10; n++) {
			add(1, 8, 0);
			kick();
			want += n == event;
			assert_int_equal(sq->sq_interrupts, want);
		}
		finish();
	}
}

static void
packed_event_inside_a_chain(void **state)
{
	start(F_PACKED | F_EVENT_IDX, 6);
	driver_event(2, 0x8000 | 2);
	add(0, 8, 0);
	kick();
	assert_int_equal(sq->sq_interrupts, 0);
	add(0, 8, NEXT);
	add(0, 8, NEXT);
	add(0, 8, 0);
	kick();
	assert_int_equal(sq->sq_interrupts, 1);
}

/* What the device wants to be told of: here, when it has nothing to do. */
static void
packed_device_asks_for_notifications(void **state)
{
	uint16_t flags;
	u_int n, k, ndesc = 0;

	for (k = 0; k < 2; k++) {
		vc.vc_suppress = SIM_WHEN_IDLE;
		start(F_PACKED | (k ? F_EVENT_IDX : 0), 3);
		for (n = 0; n < 100; n++) {
			add(0, 8, 0);
			kick();
			flags = sim_get(at(device_off + 2), 2);
			assert_true(flags == 0 || (k && flags == 2));
			if (flags != 2)
				continue;
			ndesc++;
			assert_int_equal(sim_get(at(device_off), 2),
			    pos | (wrap ? 0x8000 : 0));
		}
		assert_int_equal(sq->sq_notified, 100);
		assert_int_equal(sq->sq_unwanted, 0);
		kick();
		assert_int_equal(sq->sq_unwanted, 1);
		finish();
	}
	assert_true(ndesc > 20);
	vc.vc_suppress = SIM_POLLS;
	start(F_PACKED | F_EVENT_IDX, 3);
	assert_int_equal(sim_get(at(device_off + 2), 2), 1);
	add(0, 8, 0);
	kick();
	assert_int_equal(sim_get(at(device_off + 2), 2), 1);
	assert_int_equal(sq->sq_unwanted, 1);
}

/* Nothing is visible before all of it is there. */
static void
packed_used_descriptors_come_in_steps(void **state)
{
	u_int n, before = 0;

	start(F_PACKED, 4);
	for (n = 0; n < 50; n++) {
		uint16_t i = pos;
		bool w = wrap;

		add(n % 2, 8 + n, WRITE);
		if (n == 0)
			sim_put(at(12), 2, 1);
		notify_with(0, 2);
		sv->sv_running++;
		while (!used_at(i, w)) {
			assert_true(sim_vq_run(sq));
			before++;
		}
		sv->sv_running--;
		assert_int_equal(id_at(i), n == 0 ? 1 : n % 2);
		assert_int_equal(len_at(i), 8 + n);
	}
	assert_in_range(before, 250, 1000);
}

/* --- in order ------------------------------------------------------------- */

static u_int	lens[16];

static uint32_t
a_bit_and_note(const struct sim_chain *ch)
{
	lens[ch->ch_head % 16] = a_bit_of_it(ch);
	return (lens[ch->ch_head % 16]);
}

/*
 * An element stands for all that were made available before it, too; but
 * only for those that were used completely.
 */
static void
packed_batches(void **state)
{
	u_int i, k, n, id, batched = 0, ndesc[8];
	uint16_t used = 0;
	bool usedwrap = true;

	vc.vc_batch = 4;
	vc.vc_random_order = true;
	answer = a_bit_and_note;
	start(F_PACKED | F_IN_ORDER, 11);
	for (i = 0; i < 2000; i++) {
		n = 1 + sim_random(5);
		for (k = 0; k < n; k++) {
			ndesc[k] = 1 + sim_random(2);
			if (ndesc[k] == 2)
				add(k, 4, NEXT);
			add(k, 10, sim_random(2) ? WRITE : 0);
		}
		kick();
		for (k = 0; k < n; k = id + 1) {
			assert_true(used_at(used, usedwrap));
			id = id_at(used);
			assert_in_range(id, k, n - 1);
			batched += id - k;
			if (written_at(used))
				assert_int_equal(len_at(used), lens[id]);
			else
				assert_int_equal(lens[id], 0);
			for (; k <= id; k++) {
				sim_vq_advance(sq, &used, &usedwrap,
				    ndesc[k]);
			}
		}
		assert_int_equal(used, pos);
	}
	assert_int_equal(sq->sq_nbatched, batched);
	assert_true(batched > 1000);
}

static void
split_batches(void **state)
{
	u_int i, k, n, id, seen, batched = 0;
	uint16_t head = 0, heads[8];

	vc.vc_batch = 4;
	answer = a_bit_and_note;
	start(F_IN_ORDER, 8);
	for (i = 0, seen = 0; i < 9000; i++) {
		n = 1 + sim_random(8);
		for (k = 0; k < n; k++) {
			heads[k] = head;
			single(head, 10, sim_random(2) ? WRITE : 0);
			head = (head + 1) % 8;
		}
		kick();
		assert_int_equal(used_idx(), pos);
		/* the element of a batch is where its first would be */
		for (k = 0; k < n; k++, seen = (uint16_t)(seen + 1)) {
			id = used_id(seen);
			assert_int_equal(used_len(seen), lens[id]);
			for (; heads[k] != id; k++, batched++) {
				assert_in_range(k, 0, n - 1);
				seen = (uint16_t)(seen + 1);
			}
		}
		assert_int_equal((uint16_t)seen, pos);
	}
	assert_int_equal(sq->sq_nbatched, batched);
	assert_true(batched > 5000);
}

static void
in_order_waits_for_the_first(void **state)
{
	start(F_PACKED | F_IN_ORDER, 4);
	add(0, 8, WRITE);
	add(1, 8, WRITE);
	hold = true;
	kick();
	sim_chain_done(held(1), 8);
	assert_false(used_at(0, true));
	sim_chain_done(held(0), 8);
	assert_true(used_at(0, true));
	assert_int_equal(id_at(0), 0);
	assert_true(used_at(1, true));
	assert_int_equal(id_at(1), 1);
}

static void
split_in_order_uses_the_table_in_order(void **state)
{
	start(F_IN_ORDER | F_INDIRECT, 4);
	single(0, 8, 0);
	split_at(at(16), buffer(0), 8, NEXT, 2);
	split_at(at(32), buffer(0), 8, NEXT, 3);
	split_at(at(48), buffer(0), 8, 0, 0);
	offer(1);
	kick();
	split_at(at(0), buffer(0), 8, NEXT, 1);
	split_at(at(16), buffer(0), 8, 0, 0);
	offer(0);
	kick();
	assert_int_equal(sim_nfaults, 0);
	single(3, 8, 0);
	kick();
	assert_true(sim_faulted("IN_ORDER: a chain at 3, not 2"));
	/* it goes on from there */
	split_at(at(0), buffer(0), 8, NEXT, 2);
	split_at(at(32), buffer(0), 8, 0, 0);
	offer(0);
	kick();
	assert_true(sim_faulted("IN_ORDER: next is not the one after"));
	split_at((uint8_t *)buf.dmm_kva, buffer(128), 8, NEXT, 2);
	split_at((uint8_t *)buf.dmm_kva + 32, buffer(128), 8, 0, 0);
	split_at(at(32), buffer(0), 48, INDIRECT, 0);
	offer(2);
	kick();
	assert_true(sim_faulted("IN_ORDER: next in an indirect table"));
}

/* --- breaches ------------------------------------------------------------- */

static uint8_t *
table(void)
{
	return ((uint8_t *)buf.dmm_kva + 4096);
}

static void
b_gap(void)
{
	/* the second of a chain is not there yet */
	packed_at(at(0), buffer(0), 8, 0, NEXT | AVAIL);
}

static void
b_round(void)
{
	packed_at(at(16), buffer(0), 8, 0, USED);
	packed_at(at(0), buffer(0), 8, 0, NEXT | AVAIL);
}

static void
b_used(void)
{
	packed_at(at(0), buffer(0), 8, 0, AVAIL | USED);
}

static void
b_order(void)
{
	add(0, 8, NEXT | WRITE);
	add(0, 8, 0);
}

static void
b_flags(void)
{
	add(0, 8, 8);
}

static void
b_mixed(void)
{
	packed_at(table(), buffer(0), 8, 0, 0);
	add(0, 8, NEXT);
	packed_at(at(16), buffer(4096), 16, 0, INDIRECT | AVAIL);
}

static void
b_indirect_next(void)
{
	packed_at(at(0), buffer(4096), 16, 0, INDIRECT | NEXT | AVAIL);
}

static void
b_table_size(void)
{
	packed_at(at(0), buffer(4096), 17, 0, INDIRECT | AVAIL);
}

static void
b_table_flags(void)
{
	packed_at(table(), buffer(0), 8, 0, NEXT);
	packed_at(at(0), buffer(4096), 16, 0, INDIRECT | AVAIL);
}

static void
b_table_long(void)
{
	u_int i;

	for (i = 0; i < 5; i++)
		packed_at(table() + 16 * i, buffer(0), 8, 0, 0);
	packed_at(at(0), buffer(4096), 80, 0, INDIRECT | AVAIL);
}

static void
b_circle(void)
{
	u_int i;

	for (i = 0; i < 4; i++)
		add(0, 8, NEXT);
}

static void
b_empty(void)
{
	add(0, 0, 0);
}

static void
b_nowhere(void)
{
	packed_at(at(0), buffer(65530), 8, 0, AVAIL);
}

static void
b_huge(void)
{
	packed_at(at(16), buffer(0), 0xffffffff, 0, AVAIL | WRITE);
	packed_at(at(0), buffer(0), 2, 0, AVAIL | NEXT);
}

static void
b_same_id(void)
{
	hold = true;
	add(3, 8, 0);
	add(3, 8, 0);
}

static void
b_event_3(void)
{
	add(0, 8, 0);
	driver_event(3, 0);
}

static void
b_event_reserved(void)
{
	add(0, 8, 0);
	driver_event(4, 0);
}

static void
b_event_off(void)
{
	add(0, 8, 0);
	driver_event(2, 4);
}

static void
packed_breaches_are_seen(void **state)
{
	static const struct {
		void		(*fn)(void);
		const char	*what;
	} breach[] = {
		{ b_gap, "not all available" },
		{ b_round, "not all available" },
		{ b_used, "flags of a used descriptor" },
		{ b_order, "device-readable after writable" },
		{ b_flags, "flags that do not exist" },
		{ b_mixed, "INDIRECT and NEXT" },
		{ b_indirect_next, "INDIRECT and NEXT" },
		{ b_table_size, "size of an indirect table" },
		{ b_table_flags, "flags in an indirect table" },
		{ b_table_long, "longer than the queue" },
		{ b_circle, "longer than the queue" },
		{ b_empty, "no length" },
		{ b_nowhere, "not all mapped" },
		{ b_huge, "2^32" },
		{ b_same_id, "a buffer id that we hold" },
		{ b_event_3, "flags 3" },
		{ b_event_reserved, "reserved flags" },
		{ b_event_off, "the driver's event is at 4" },
	};
	u_int i;

	for (i = 0; i < nitems(breach); i++) {
		start(F_PACKED | F_INDIRECT | F_EVENT_IDX, 4);
		breach[i].fn();
		kick();
		if (!sim_faulted(breach[i].what))
			fail_msg("not seen: %s", breach[i].what);
		finish();
		hold = false;
	}
}

static void
packed_features_that_were_not_negotiated_are_not_used(void **state)
{
	start(F_PACKED, 4);
	packed_at(table(), buffer(0), 8, 0, 0);
	packed_at(at(0), buffer(4096), 16, 0, INDIRECT | AVAIL);
	kick();
	assert_true(sim_faulted("indirect, which was not"));
	finish();
	start(F_PACKED, 4);
	add(0, 8, 0);
	driver_event(2, 0x8001);
	kick();
	assert_true(sim_faulted("without EVENT_IDX"));
}

static void
packed_descriptors_in_flight_do_not_change(void **state)
{
	u_int i;

	for (i = 0; i < 4; i++) {
		start(F_PACKED | F_INDIRECT, 4);
		hold = true;
		add(0, 8, NEXT);
		add(0, 8, 0);
		packed_at(table(), buffer(0), 8, 0, 0);
		packed_at(at(32), buffer(4096), 16, 1, INDIRECT | AVAIL);
		kick();
		if (i == 0)
			sim_put(at(0), 8, buffer(4));
		else if (i == 1)
			sim_put(at(16 + 12), 2, 9);
		else if (i == 2)
			sim_put(at(16 + 14), 2, USED);
		else
			sim_put(table() + 8, 4, 7);
		sim_chain_done(held(0), 0);
		sim_chain_done(held(0), 0);
		assert_true(sim_faulted("changed while it was"));
		finish();
		hold = false;
	}
}

static void
packed_ring_that_is_full_takes_no_more(void **state)
{
	u_int i;

	start(F_PACKED, 3);
	hold = true;
	for (i = 0; i < 3; i++)
		add(i, 8, 0);
	kick();
	add(3, 8, 0);
	kick();
	assert_true(sim_faulted("a descriptor that we hold"));
}

static void
rings_are_as_they_should_be_at_first(void **state)
{
	u_int i;

	for (i = 0; i < 6; i++) {
		vc.vc_qsize[0] = 4;
		make(i < 3 ? F_PACKED : 0);
		make_ring(4);
		if (i == 0)
			sim_put(at(40), 4, 1);
		else if (i == 1)
			sim_put(at(device_off + 2), 2, 1);
		else if (i == 3)
			sim_put(at(device_off), 2, 1);
		else if (i == 4)
			sim_put(at(device_off + 2), 2, 1);
		handshake(i < 3 ? F_PACKED : 0);
		if (i == 5)
			device_off = driver_off + 4;
		set_queue();
		if (i == 2)
			add(0, 8, 0);		/* that may be there */
		set(0x14, 1, 0x0f);
		assert_true(i == 2 || sim_faulted(i == 0 ?
		    "a descriptor is not 0" : i == 5 ? "overlap" :
		    "not 0 at first"));
		if (i == 2) {
			kick();
			assert_true(used_at(0, true));
		}
		finish();
	}
}

static void
split_descriptors_in_flight_do_not_change(void **state)
{
	start(0, 4);
	hold = true;
	single(2, 8, 0);
	kick();
	sim_put(at(32 + 14), 2, 1);
	sim_chain_done(held(0), 0);
	assert_true(sim_faulted("descriptor 2 was changed"));
}

static void
split_index_does_not_go_back(void **state)
{
	start(0, 4);
	single(0, 8, 0);
	kick();
	sim_put(at(driver_off + 2), 2, 0);
	kick();
	assert_true(sim_faulted("jumps"));
}

/* --- notifications -------------------------------------------------------- */

static void
notifications_say_what_is_next(void **state)
{
	u_int k, n;

	for (k = 0; k < 4; k++) {
		start(F_NOTIFICATION_DATA | (k & 1 ? F_PACKED : 0) |
		    (k & 2 ? F_NOTIF_CONFIG_DATA : 0), 4);
		set(0x16, 2, 0);
		n = k & 2 ? get(0x38, 2) : 0;
		if (k & 2)
			assert_int_not_equal(n, 0);
		if (k & 1) {
			add(0, 8, 0);
			add(1, 8, NEXT);
			add(1, 8, 0);
		} else
			single(0, 8, 0);
		n |= (k & 1 ? pos | 0x8000U : pos) << 16;
		notify_with(n, 4);
		notify_with(n, 4);
		(void)sim_virtio_run(sv);
		assert_int_equal(sq->sq_notified, 2);
		assert_int_equal(sim_nfaults, 0);
		notify_with(n ^ 0x10000, 4);
		assert_true(sim_faulted("a notification says"));
		notify_with(n ^ 0x80000000, 4);
		assert_true(sim_faulted("a notification says"));
		notify_with(n, 2);
		assert_true(sim_faulted("notification: 2 bytes"));
		notify_with(n ^ 1, 4);
		assert_true(sim_faulted("notification of queue"));
		finish();
	}
}

static void
notifications_of_a_full_ring_wrap(void **state)
{
	u_int i;

	start(F_NOTIFICATION_DATA | F_PACKED, 3);
	for (i = 0; i < 3; i++)
		add(i, 8, 0);
	assert_int_equal(pos, 0);
	notify_with(0, 4);
	assert_int_equal(sim_nfaults, 0);
	(void)sim_virtio_run(sv);
	notify_with(0x80000000, 4);
	assert_true(sim_faulted("a notification says"));
}

static void
notifications_name_the_queue_as_the_device_does(void **state)
{
	start(F_NOTIF_CONFIG_DATA, 4);
	set(0x16, 2, 0);
	single(0, 8, 0);
	notify_with(get(0x38, 2), 2);
	(void)sim_virtio_run(sv);
	assert_int_equal(used_idx(), 1);
	notify_with(0, 2);
	assert_true(sim_faulted("notification of queue"));
}

/* --- reset of a queue ----------------------------------------------------- */

static void
a_queue_is_reset_and_enabled_again(void **state)
{
	u_int k;

	for (k = 0; k < 2; k++) {
		start(F_RING_RESET | (k ? F_PACKED : 0), 8);
		sv->sv_queueresetpolls = 3;
		set(0x16, 2, 0);
		assert_int_equal(get(0x3a, 2), 0);
		hold = true;
		if (k)
			add(5, 8, 0);
		else
			single(3, 8, 0);
		kick();
		assert_int_equal(sq->sq_nheld, 1);
		set(0x3a, 2, 1);
		assert_int_equal(get(0x3a, 2), 1);
		assert_int_equal(get(0x3a, 2), 1);
		assert_int_equal(get(0x1c, 2), 1);
		assert_int_equal(get(0x3a, 2), 1);
		assert_int_equal(get(0x3a, 2), 0);
		assert_int_equal(get(0x1c, 2), 0);
		assert_int_equal(get(0x18, 2), 8);
		assert_int_equal(sq->sq_nheld, 0);
		hold = false;
		dmamem_free(&ring);
		make_ring(4);
		set_queue();
		if (k)
			add(5, 8, 0);
		else
			single(0, 8, 0);
		kick();
		assert_true(k ? used_at(0, true) : used_idx() == 1);
		assert_int_equal(sim_nfaults, 0);
		assert_int_equal(sv->sv_nqueueresets, 1);
		finish();
	}
}

static void
a_reset_of_a_queue_is_waited_for(void **state)
{
	start(F_RING_RESET, 8);
	sv->sv_queueresetpolls = 2;
	set(0x16, 2, 0);
	set(0x3a, 2, 0);
	assert_true(sim_faulted("queue_reset: 0"));
	set(0x3a, 2, 1);
	set(0x3a, 2, 1);
	assert_true(sim_faulted("reset twice"));
	kick();
	assert_true(sim_faulted("which is reset"));
	set(0x18, 2, 4);
	assert_true(sim_faulted("was not waited for"));
	assert_int_equal(get(0x3a, 2), 1);
	dmamem_free(&ring);
	assert_int_equal(get(0x3a, 2), 1);
	assert_true(sim_faulted("is not mapped"));
	(void)get(0x3a, 2);
	sim_nfaults = 0;
	/* only now */
	make_ring(8);
	set_queue();
	assert_int_equal(sim_nfaults, 0);
}

static void
a_reset_of_a_queue_may_never_end(void **state)
{
	u_int i;

	start(F_RING_RESET, 8);
	sv->sv_queueresetpolls = ~0U;
	set(0x3a, 2, 1);
	for (i = 0; i < 1000; i++)
		assert_int_equal(get(0x3a, 2), 1);
	/* but that of the whole device does */
	reset();
}

static void
registers_need_their_features(void **state)
{
	u_int i;

	start(0, 8);
	for (i = 0x38; i < 0x40; i += 2) {
		(void)get(i, 2);
		assert_true(sim_faulted("without its feature"));
	}
	finish();
	start(F_RING_RESET | F_NOTIF_CONFIG_DATA | F_ADMIN_VQ, 8);
	for (i = 0x38; i < 0x40; i += 2)
		(void)get(i, 2);
	assert_int_equal(get(0x3e, 2), 0);
	assert_int_equal(sim_nfaults, 0);
	set(0x38, 2, 1);
	assert_true(sim_faulted("common configuration: write"));
	finish();
	vc.vc_common = 0x38;
	start(F_RING_RESET, 8);
	assert_int_equal(sim_get_le(sv->sv_pci.sp_conf + sv->sv_cap[1] + 12,
	    4), 0x38);
	(void)get(0x3a, 2);
	assert_true(sim_faulted("read of nothing"));
}

/* --- suspension ----------------------------------------------------------- */

static void
a_device_is_suspended_and_resumed(void **state)
{
	u_int polls;

	for (polls = 0; polls < 3; polls++) {
		start(F_SUSPEND | F_PACKED, 8);
		sv->sv_suspendpolls = sv->sv_resumepolls = polls;
		hold = true;
		add(0, 8, 0);
		add(1, 8, 0);
		kick();
		sim_chain_done(held(0), 0);
		add(2, 8, 0);
		set(0x14, 1, 0x1f);
		while (get(0x14, 1) == 0x0f)
			assert_true(polls > 0);
		assert_int_equal(get(0x14, 1), 0x1b);
		sim_virtio_changed(sv);
		(void)sim_virtio_run(sv);
		assert_int_equal(sq->sq_ntaken, 2);
		/* what is done now is told later */
		sim_chain_done(held(0), 0);
		assert_false(used_at(1, true));
		assert_int_equal(sv->sv_isr & 2, 0);
		hold = false;
		set(0x14, 1, 0x1f);
		while (get(0x14, 1) == 0x1b)
			assert_true(polls > 0);
		assert_int_equal(get(0x14, 1), 0x0f);
		assert_int_equal(sv->sv_isr & 2, 2);
		(void)sim_virtio_run(sv);
		assert_true(used_at(1, true));
		assert_true(used_at(2, true));
		assert_int_equal(sim_nfaults, 0);
		finish();
	}
}

static void
a_suspended_device_is_left_alone(void **state)
{
	start(F_SUSPEND | F_PACKED, 8);
	set(0x14, 1, 0x1f);
	set(0x14, 1, 0x1f);
	assert_true(sim_faulted("never seen suspended"));
	finish();
	start(F_SUSPEND | F_PACKED, 8);
	set(0x14, 1, 0x1f);
	assert_int_equal(get(0x14, 1), 0x1b);
	kick();
	assert_true(sim_faulted("notification of a suspended"));
	set(0x2000, 4, 1);
	assert_true(sim_faulted("written at 0 while suspended"));
	add(0, 8, 0);
	set(0x14, 1, 0x1f);
	assert_true(sim_faulted("made available while suspended"));
	finish();
	start(F_PACKED, 8);
	set(0x14, 1, 0x1f);
	assert_true(sim_faulted("SUSPEND with status"));
	assert_int_equal(get(0x14, 1), 0x0f);
}

static void
a_device_may_fail_to_suspend_or_to_resume(void **state)
{
	start(F_SUSPEND, 8);
	sv->sv_suspendfails = true;
	set(0x14, 1, 0x1f);
	assert_int_equal(get(0x14, 1), 0x4f);
	finish();
	start(F_SUSPEND, 8);
	sv->sv_resumefails = true;
	set(0x14, 1, 0x1f);
	assert_int_equal(get(0x14, 1), 0x1b);
	set(0x14, 1, 0x1f);
	assert_int_equal(get(0x14, 1), 0x5b);
	reset();
	assert_int_equal(get(0x14, 1), 0);
}

/* --- features ------------------------------------------------------------- */

static void
features_beyond_64_bits(void **state)
{
	uint64_t hi = 1ULL << 63 | 1ULL << 32 | 5;
	u_int i;

	vc.vc_qsize[0] = 8;
	vc.vc_features_hi = hi;
	make(0);
	for (i = 0; i < 8; i++) {
		set(0x00, 4, i);
		assert_int_equal(get(0x04, 4), i == 1 ? 1 : i == 2 ? 5 :
		    i == 3 ? 0x80000001 : 0);
	}
	set(0x00, 4, 0xffffffff);
	assert_int_equal(get(0x04, 4), 0);
	reset();
	set(0x14, 1, 0x01);
	set(0x14, 1, 0x03);
	set_features(F_VERSION_1, 4 | 1ULL << 63);
	set(0x14, 1, 0x0b);
	assert_int_equal(get(0x14, 1), 0x0b);
	assert_int_equal(sv->sv_features_hi, 4 | 1ULL << 63);
	reset();
	set(0x14, 1, 0x01);
	set(0x14, 1, 0x03);
	set_features(F_VERSION_1, 2);
	set(0x14, 1, 0x0b);
	assert_true(sim_faulted("were not offered"));
	assert_int_equal(get(0x14, 1), 0x03);
	reset();
	set(0x14, 1, 0x01);
	set(0x14, 1, 0x03);
	set(0x08, 4, 4);
	set(0x0c, 4, 1);
	assert_true(sim_faulted("above 127"));
}

static void
features_that_mean_nothing_are_not_accepted(void **state)
{
	static const u_int bits[] = { 24, 25, 26, 30, 31, 37, 44, 49 };
	u_int i;

	vc.vc_qsize[0] = 8;
	make(~0ULL);
	for (i = 0; i < nitems(bits); i++) {
		reset();
		set(0x14, 1, 0x01);
		set(0x14, 1, 0x03);
		set_features(F_VERSION_1 | 1ULL << bits[i], 0);
		set(0x14, 1, 0x0b);
		assert_true(sim_faulted("cannot be accepted"));
	}
}

static void
translated_addresses_need_access_platform(void **state)
{
	u_int i;

	sim_dma_translate(true);
	assert_true(md_dma.bdt_flags & BDT_TRANSLATED);
	for (i = 0; i < 2; i++) {
		start(i ? F_ACCESS_PLATFORM : 0, 8);
		assert_true(i ? sim_nfaults == 0 :
		    sim_faulted("without ACCESS_PLATFORM"));
		finish();
	}
}

static void
sizes_are_powers_of_two_but_of_packed_rings(void **state)
{
	u_int k;

	for (k = 0; k < 2; k++) {
		vc.vc_qsize[0] = 12;
		make(F_PACKED);
		handshake(k ? F_PACKED : 0);
		set(0x16, 2, 0);
		assert_int_equal(get(0x18, 2), k ? 12 : 8);
		set(0x18, 2, 6);
		assert_true(k ? sim_nfaults == 0 :
		    sim_faulted("queue size 6"));
		set(0x18, 2, 0);
		assert_true(sim_faulted("queue size 0"));
		finish();
	}
}

/* --- legacy --------------------------------------------------------------- */

static void
legacy_device_that_ran_empty_says_so(void **state)
{
	u_int k;

	for (k = 0; k < 4; k++) {
		vc.vc_legacy = vc.vc_nomodern = true;
		vc.vc_qsize[0] = size = 16;
		make(F_NOTIFY_ON_EMPTY | F_EVENT_IDX);
		sim_put_le(sv->sv_pci.sp_conf + 4, 2, 0x0405);
		assert_int_equal(dmamem_alloc(&ring, &md_dma, 8192, 4096, 0),
		    0);
		memset(ring.dmm_kva, 0, 8192);
		driver_off = 16 * 16;
		device_off = 4096;
		pos = 0;
		sim_pci_regwrite(&sv->sv_pci, 0, 18, 1, 1);
		sim_pci_regwrite(&sv->sv_pci, 0, 18, 1, 3);
		sim_pci_regwrite(&sv->sv_pci, 0, 4, 4,
		    (k & 1 ? F_NOTIFY_ON_EMPTY : 0) |
		    (k & 2 ? F_EVENT_IDX : 0));
		sim_pci_regwrite(&sv->sv_pci, 0, 14, 2, 0);
		sim_pci_regwrite(&sv->sv_pci, 0, 8, 4,
		    ring.dmm_seg.ds_addr >> 12);
		sim_pci_regwrite(&sv->sv_pci, 0, 18, 1, 7);
		/* suppressed, one way or the other */
		if (k & 2)
			sim_put(at(driver_off + 4 + 2 * 16), 2, 0x7000);
		else
			sim_put(at(driver_off), 2, 1);
		hold = true;
		single(0, 8, 0);
		single(1, 8, 0);
		sim_pci_regwrite(&sv->sv_pci, 0, 16, 2, 0);
		(void)sim_virtio_run(sv);
		sim_chain_done(held(0), 0);
		assert_int_equal(sq->sq_interrupts, 0);
		sim_chain_done(held(0), 0);
		assert_int_equal(sq->sq_interrupts, k & 1);
		assert_int_equal(used_idx(), 2);
		hold = false;
		finish();
	}
}

/* --- memory --------------------------------------------------------------- */

static uint8_t	bytes[256];

static void
memory_is_what_was_mapped(void **state)
{
	bus_dmamap_t map;
	struct dmamem dmm;
	uint64_t addr;
	uint8_t b[128];

	assert_int_equal(bus_dmamap_create(&md_dma, 256, 1, 0, 0, 0, &map), 0);
	assert_int_equal(bus_dmamap_load(&md_dma, map, bytes, 64, 0), 0);
	addr = map->dm_segs[0].ds_addr;
	(void)sim_dma_read(addr, b, 1);
	assert_true(sim_faulted("no sync for device reads"));
	bus_dmamap_sync(&md_dma, map, 0, 32, BUS_DMASYNC_PREWRITE);
	assert_true(sim_dma_read(addr, b, 32));
	(void)sim_dma_read(addr, b, 33);
	assert_true(sim_faulted("no sync for device reads"));
	(void)sim_dma_write(addr, b, 1);
	assert_true(sim_faulted("no sync for device writes"));
	(void)sim_dma_read(addr, b, 65);
	assert_true(sim_faulted("not all mapped"));
	bus_dmamap_sync(&md_dma, map, 0, 32, BUS_DMASYNC_POSTWRITE);
	(void)sim_dma_read(addr, b, 1);
	assert_true(sim_faulted("no sync for device reads"));
	bus_dmamap_unload(&md_dma, map);
	(void)sim_dma_read(addr, b, 1);
	assert_true(sim_faulted("is not mapped"));
	bus_dmamap_destroy(&md_dma, map);

	assert_int_equal(dmamem_alloc(&dmm, &md_dma, 64, 8, 0), 0);
	addr = dmm.dmm_seg.ds_addr;
	assert_true(sim_dma_read(addr, b, 64));
	dmamem_free(&dmm);
	(void)sim_dma_read(addr, b, 1);
	assert_true(sim_faulted("is not mapped"));
}

/* What was returned is synced before it is looked at, or given up. */
static void
memory_that_is_returned_is_synced(void **state)
{
	bus_dmamap_t map;
	u_int k;

	assert_int_equal(bus_dmamap_create(&md_dma, 256, 1, 0, 0, 0, &map), 0);
	sim_dma_strict = true;
	for (k = 0; k < 6; k++) {
		start(F_PACKED, 4);
		hold = true;
		assert_int_equal(bus_dmamap_load(&md_dma, map, bytes, 64, 0),
		    0);
		bus_dmamap_sync(&md_dma, map, 0, 64, k & 1 ?
		    BUS_DMASYNC_PREWRITE : BUS_DMASYNC_PREREAD);
		packed_at(at(0), map->dm_segs[0].ds_addr, 64, 0,
		    (k & 1 ? 0 : WRITE) | AVAIL);
		kick();
		if (k < 4)
			sim_chain_done(held(0), k & 1 ? 0 : 10);
		/* what is written over was looked at, or never will be */
		if (k & 2)
			bus_dmamap_sync(&md_dma, map, 0, k & 1 ? 64 : 10,
			    k & 1 ? BUS_DMASYNC_POSTWRITE :
			    BUS_DMASYNC_POSTREAD);
		bus_dmamap_unload(&md_dma, map);
		assert_true(k > 1 ? sim_nfaults == 0 : sim_faulted(k & 1 ?
		    "no sync after the device read" :
		    "no sync after the device wrote"));
		finish();
		hold = false;
	}
	bus_dmamap_destroy(&md_dma, map);
}

static void
buffers_are_open_in_their_direction_when_lent(void **state)
{
	bus_dmamap_t map;
	u_int k;

	assert_int_equal(bus_dmamap_create(&md_dma, 256, 1, 0, 0, 0, &map), 0);
	for (k = 0; k < 2; k++) {
		start(F_PACKED, 4);
		assert_int_equal(bus_dmamap_load(&md_dma, map, bytes, 64, 0),
		    0);
		bus_dmamap_sync(&md_dma, map, 0, 64, k ?
		    BUS_DMASYNC_PREREAD : BUS_DMASYNC_PREWRITE);
		packed_at(at(0), map->dm_segs[0].ds_addr, 64, 0,
		    (k ? 0 : WRITE) | AVAIL);
		/* the device does not even look */
		kick();
		assert_true(sim_faulted("no sync for device"));
		bus_dmamap_unload(&md_dma, map);
		finish();
	}
	bus_dmamap_destroy(&md_dma, map);
}

/* --- other memory --------------------------------------------------------- */

/* What the engine did, one letter each: r, w, and barriers R, W, F. */
static char	trace[4096];
static u_int	ntrace;
static uint64_t	show_at;			/* what makes it visible */

static void
note(char c)
{
	if (ntrace < sizeof(trace) - 1)
		trace[ntrace++] = c;
	trace[ntrace] = '\0';
}

static bool
plain_read(void *arg, bus_addr_t addr, void *p, size_t n)
{
	note('r');
	memcpy(p, (const void *)addr, n);
	return (true);
}

static bool
plain_write(void *arg, bus_addr_t addr, const void *p, size_t n)
{
	note('w');
	memcpy((void *)addr, p, n);
	return (true);
}

static uint64_t
plain_get(void *arg, bus_addr_t addr, u_int n)
{
	note(addr == show_at ? 'g' : 'r');
	return (sim_get((const void *)addr, n));
}

static void
plain_put(void *arg, bus_addr_t addr, u_int n, uint64_t v)
{
	note(addr == show_at ? 'S' : 'w');
	sim_put((void *)addr, n, v);
}

static void
plain_barrier(void *arg, enum sim_order order)
{
	note("RWF"[order]);
}

static const struct sim_mem_ops plain_memory = {
	.mo_read = plain_read, .mo_write = plain_write,
	.mo_get = plain_get, .mo_put = plain_put,
	.mo_barrier = plain_barrier,
};

static uint32_t
own_chance(struct sim_virtio *dev, uint32_t below)
{
	uint64_t *state = dev->sv_randomarg;

	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((uint32_t)(*state >> 33) % below);
}

/*
 * A device that has nothing but its rings, on plain memory; and the barriers
 * of the device are where they belong.
 */
static void
the_engine_works_on_any_memory(void **state)
{
	static uint8_t mem[2048] __attribute__((__aligned__(64)));
	static struct sim_virtio dev;
	static uint64_t seed;
	struct sim_vq *q = &dev.sv_vq[0];
	u_int k, i;
	char *p;

	for (k = 0; k < 2; k++) {
		memset(mem, 0, sizeof(mem));
		memset(&dev, 0, sizeof(dev));
		dev.sv_c.vc_nvq = 1;
		dev.sv_c.vc_request = request;
		dev.sv_random = own_chance;
		dev.sv_randomarg = &seed;
		dev.sv_features = k ? F_PACKED : 0;
		q->sq_sv = &dev;
		q->sq_mem = &plain_memory;
		q->sq_max = 4;
		TAILQ_INIT(&q->sq_held);
		TAILQ_INIT(&q->sq_done);
		TAILQ_INIT(&q->sq_put.pu_chains);
		sim_vq_reset(q);
		q->sq_desc = (uintptr_t)mem;
		q->sq_driver = q->sq_desc + 256;
		q->sq_device = q->sq_desc + 512;
		q->sq_enabled = true;
		sim_vq_enabled(q);
		if (k)
			packed_at(mem, (uintptr_t)mem + 1024, 8, 0, AVAIL);
		else {
			split_at(mem, (uintptr_t)mem + 1024, 8, 0, 0);
			sim_put(mem + 256 + 2, 2, 1);
		}
		/* nobody sees an interrupt, for there is no bus */
		sim_put(mem + 256 + (k ? 2 : 0), 2, 1);
		show_at = k ? (uintptr_t)mem + 14 : (uintptr_t)mem + 514;
		q->sq_kicked = true;
		ntrace = 0;
		dev.sv_running = 1;
		while (sim_vq_run(q))
			;
		assert_int_equal(q->sq_nreturned, 1);
		/* the element is there, a barrier, it is shown */
		for (p = trace; *p != 'S'; p++)
			assert_int_not_equal(*p, '\0');
		assert_int_equal(p[-1], 'W');
		/* shown, a barrier, and the driver's wish */
		for (i = 1; p[i] != 'r' || p[i + 1] != 'r'; i++) {
			if (p[i] == 'F')
				break;
		}
		assert_int_equal(p[i], 'F');
		/* more is there, a barrier, and what it is */
		for (p = trace; *p != 'R'; p++)
			assert_int_not_equal(*p, '\0');
		assert_true(p > trace && (p[-1] == 'r' || p[-1] == 'g'));
		assert_int_equal(p[1], 'r');
		sim_vq_reset(q);
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packed_one_descriptor),
		TEST(packed_chain),
		TEST(packed_indirect),
		TEST(packed_in_any_order),
		TEST(packed_rounds),
		TEST(packed_largest_ring),
		TEST(packed_events_on_and_off),
		TEST(packed_event_of_a_descriptor),
		TEST(packed_event_inside_a_chain),
		TEST(packed_device_asks_for_notifications),
		TEST(packed_used_descriptors_come_in_steps),
		TEST(packed_batches),
		TEST(split_batches),
		TEST(in_order_waits_for_the_first),
		TEST(split_in_order_uses_the_table_in_order),
		TEST(packed_breaches_are_seen),
		TEST(packed_features_that_were_not_negotiated_are_not_used),
		TEST(packed_descriptors_in_flight_do_not_change),
		TEST(packed_ring_that_is_full_takes_no_more),
		TEST(rings_are_as_they_should_be_at_first),
		TEST(split_descriptors_in_flight_do_not_change),
		TEST(split_index_does_not_go_back),
		TEST(notifications_say_what_is_next),
		TEST(notifications_of_a_full_ring_wrap),
		TEST(notifications_name_the_queue_as_the_device_does),
		TEST(a_queue_is_reset_and_enabled_again),
		TEST(a_reset_of_a_queue_is_waited_for),
		TEST(a_reset_of_a_queue_may_never_end),
		TEST(registers_need_their_features),
		TEST(a_device_is_suspended_and_resumed),
		TEST(a_suspended_device_is_left_alone),
		TEST(a_device_may_fail_to_suspend_or_to_resume),
		TEST(features_beyond_64_bits),
		TEST(features_that_mean_nothing_are_not_accepted),
		TEST(translated_addresses_need_access_platform),
		TEST(sizes_are_powers_of_two_but_of_packed_rings),
		TEST(legacy_device_that_ran_empty_says_so),
		TEST(memory_is_what_was_mapped),
		TEST(memory_that_is_returned_is_synced),
		TEST(buffers_are_open_in_their_direction_when_lent),
		TEST(the_engine_works_on_any_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
