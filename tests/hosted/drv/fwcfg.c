/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * pvbus(4) and fwcfg(4), against QEMU's device as its documentation has it
 * (docs/specs/fw_cfg.rst): honest and not.
 */

#include "test.h"

#include <sys/pvbusio.h>

#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

#define MAXFILE	8

static struct {
	const char	*name;			/* NULL: end */
	char		 rawname[56];
	uint32_t	 size;			/* as the directory says */
	const void	*data;
	uint32_t	 len;			/* as it is */
	uint16_t	 key;
} file[MAXFILE + 1];

static uint8_t		dir[4 + 64 * MAXFILE];
static uint32_t		dir_count;		/* what it says */
static uint8_t		id[4];
static uint16_t		selected;
static uint32_t		position;
static uint32_t		dma_high;
static bus_addr_t	dma_addr;
static enum { DMA_AT_ONCE, DMA_LATER, DMA_NEVER, DMA_ERROR } dma_when;
static u_int		dma_left;
static const char	*signature;
static u_int		ntransfers;

static void
put_be(uint8_t *p, u_int n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = v;
		v >>= 8;
	}
}

static uint64_t
get_be(const uint8_t *p, u_int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return (v);
}

static void
make_dir(void)
{
	u_int i;

	for (i = 0; file[i].name != NULL; i++) {
		uint8_t *p = dir + 4 + 64 * i;

		if (file[i].key == 0)
			file[i].key = 0x20 + i;
		put_be(p, 4, file[i].size);
		put_be(p + 4, 2, file[i].key);
		put_be(p + 6, 2, 0);
		if (file[i].name[0] != '\0')
			strlcpy((char *)p + 8, file[i].name, 56);
		else
			memcpy(p + 8, file[i].rawname, 56);
	}
	put_be(dir, 4, dir_count != 0 ? dir_count : i);
}

static uint8_t
next_byte(void)
{
	const uint8_t *p = NULL;
	uint32_t len = 0, i;

	switch (selected) {
	case 0x0000:
		p = (const uint8_t *)signature;
		len = 4;
		break;
	case 0x0001:
		p = id;
		len = 4;
		break;
	case 0x0019:
		p = dir;
		len = sizeof(dir);
		break;
	default:
		for (i = 0; file[i].name != NULL; i++) {
			if (file[i].key == selected) {
				p = file[i].data;
				len = file[i].len;
			}
		}
		break;
	}
	return (position < len ? p[position++] : 0);
}

static void
transfer(void)
{
	uint8_t block[16], b;
	uint32_t control, len;
	uint64_t to;

	ntransfers++;
	(void)sim_dma_read(dma_addr, block, 16);
	control = get_be(block, 4);
	len = get_be(block + 4, 4);
	to = get_be(block + 8, 8);
	if (control & 0x08) {
		selected = control >> 16;
		position = 0;
	}
	if (control & ~0xffff000aU)
		sim_fault("control %#x", control);
	for (; (control & 0x02) && len > 0; len--) {
		b = next_byte();
		if (!sim_dma_write(to++, &b, 1))
			break;
	}
	put_be(block, 4, dma_when == DMA_ERROR ? 1 : 0);
	(void)sim_dma_write(dma_addr, block, 4);
}

static uint32_t
port_read(struct sim_ports *so, u_int off, u_int width)
{
	if (off != 1 || width != 1)
		sim_fault("fw_cfg: read of %u at %u", width, off);
	return (next_byte());
}

static void
port_write(struct sim_ports *so, u_int off, u_int width, uint32_t v)
{
	if (off == 0 && width == 2) {
		selected = v;
		position = 0;
	} else if (off == 4 && width == 4)
		dma_high = __builtin_bswap32(v);
	else if (off == 8 && width == 4) {
		dma_addr = (uint64_t)dma_high << 32 | __builtin_bswap32(v);
		if (dma_when == DMA_AT_ONCE || dma_when == DMA_ERROR)
			transfer();
		else if (dma_when == DMA_LATER)
			dma_left = 10;
	} else
		sim_fault("fw_cfg: write of %u at %u", width, off);
}

static int
later(void)
{
	if (dma_left > 0 && --dma_left == 0)
		transfer();
	return (0);
}

static struct sim_ports ports = {
	.so_port = 0x510, .so_n = 12, .so_read = port_read,
	.so_write = port_write,
};

static const struct pv_evidence tcg = {
	.pe_kind = PVE_CPUID, .pe_base = 0x40000000, .pe_sig = "TCGTCGTCGTCG",
};
static struct cdev	*node;
static char		 value[PVBUS_KV_MAX];
static char		 big[10000];

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pvbus" };

	(void)config_found(mainbus, &ma, NULL);
}

static int
setup(void **state)
{
	u_int i;

	sim_init();
	sim_mainbus_children = children;
	hosted_device = later;
	sim_evidence = &tcg;
	sim_nevidence = 1;
	memset(file, 0, sizeof(file));
	memset(dir, 0, sizeof(dir));
	for (i = 0; i < sizeof(big); i++)
		big[i] = 'a' + i % 26;
	file[0].name = "etc/first";
	file[0].data = "1";
	file[0].size = file[0].len = 1;
	file[1].name = "opt/org.example/key";
	file[1].data = "value";
	file[1].size = file[1].len = 5;
	file[2].name = "opt/org.example/big";
	file[2].data = big;
	file[2].size = file[2].len = sizeof(big);
	dir_count = 0;
	dma_when = DMA_AT_ONCE;
	dma_left = ntransfers = 0;
	signature = "QEMU";
	sim_put(id, 4, 3);			/* with DMA */
	sim_ports_add(&ports);
	node = NULL;
	return (0);
}

static int
teardown(void **state)
{
	node_close(node, FREAD | FWRITE);
	sim_detach();
	sim_ports_remove(&ports);
	sim_nevidence = 0;
	return (sim_fini());
}

static void
attach(void)
{
	make_dir();
	sim_attach();
	node = node_open("pvbus0", FREAD | FWRITE);
	assert_non_null(node);
}

static int
kv(u_long cmd, const char *key, size_t keylen, size_t room, size_t *lenp)
{
	static char k[PVBUS_KV_MAX + 1];
	struct pvbus_req pvr;
	int error;

	strlcpy(k, key, sizeof(k));
	memset(value, 'z', sizeof(value));
	pvr = (struct pvbus_req){ .pvr_keylen = keylen == 0 ? strlen(key) + 1 :
	    keylen, .pvr_key = k, .pvr_valuelen = room, .pvr_value = value };
	error = dev_userioctl(node, cmd, &pvr, FREAD | FWRITE);
	if (lenp != NULL)
		*lenp = pvr.pvr_valuelen;
	return (error);
}

static int
get(const char *key)
{
	return (kv(PVBUSIOC_KVREAD, key, 0, sizeof(value), NULL));
}

/* --- an honest one ------------------------------------------------------- */

static void
read_by(bool dma)
{
	size_t len;

	sim_put(id, 4, dma ? 3 : 1);
	attach();
	assert_int_equal(get("opt/org.example/key"), 0);
	assert_string_equal(value, "value");
	assert_int_equal(kv(PVBUSIOC_KVREAD, "opt/org.example/big", 0,
	    sizeof(value), &len), 0);
	assert_int_equal(len, sizeof(big));
	assert_memory_equal(value, big, sizeof(big));
	assert_int_equal(ntransfers != 0, dma);
}

static void
values_are_read_by_dma(void **state)
{
	read_by(true);
}

static void
values_are_read_by_dma_that_takes_its_time(void **state)
{
	dma_when = DMA_LATER;
	read_by(true);
}

static void
values_are_read_by_bytes(void **state)
{
	read_by(false);
}

static void
what_is_not_there_is_not_found(void **state)
{
	attach();
	assert_int_equal(get("opt/nothing"), ENOENT);
	assert_int_equal(get(""), ENOENT);
	assert_int_equal(get("opt/org.example/ke"), ENOENT);
}

static void
a_list_has_the_names_that_begin_so(void **state)
{
	size_t len;

	attach();
	assert_int_equal(kv(PVBUSIOC_KVLIST, "opt/", 0, sizeof(value), &len),
	    0);
	assert_string_equal(value, "opt/org.example/key\nopt/org.example/big");
	assert_int_equal(len, strlen(value));
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 0, sizeof(value), NULL), 0);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "none", 0, sizeof(value), NULL),
	    ENOENT);
}

static void
a_value_that_does_not_fit_is_an_error(void **state)
{
	attach();
	assert_int_equal(kv(PVBUSIOC_KVREAD, "opt/org.example/key", 0, 6,
	    NULL), 0);
	assert_int_equal(kv(PVBUSIOC_KVREAD, "opt/org.example/key", 0, 5,
	    NULL), ERANGE);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "opt/", 0, 40, NULL), 0);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "opt/", 0, 39, NULL), ERANGE);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "opt/", 0, 1, NULL), ERANGE);
}

static void
lengths_that_cannot_be_are_errors(void **state)
{
	attach();
	assert_int_equal(kv(PVBUSIOC_KVREAD, "x", 2, 0, NULL), EINVAL);
	assert_int_equal(kv(PVBUSIOC_KVREAD, "x", PVBUS_KV_MAX + 1, 10,
	    NULL), ENAMETOOLONG);
	assert_int_equal(kv(PVBUSIOC_KVREAD, "x", 2, PVBUS_KV_MAX + 1,
	    NULL), ENAMETOOLONG);
	assert_int_equal(kv(PVBUSIOC_KVREAD, "x", ~0UL, ~0UL, NULL),
	    ENAMETOOLONG);
	/* a key without an end */
	assert_int_equal(kv(PVBUSIOC_KVREAD, "etc/first", 3, 10, NULL),
	    EFAULT);
}

static void
memory_that_is_not_the_programs_is_an_error(void **state)
{
	struct pvbus_req pvr = { 5, (char *)8, 10, value };

	attach();
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVREAD, (void *)16,
	    FREAD), EFAULT);
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVREAD, &pvr, FREAD),
	    EFAULT);
}

static void
nothing_is_written(void **state)
{
	attach();
	strlcpy(value, "x", sizeof(value));
	assert_int_equal(kv(PVBUSIOC_KVWRITE, "opt/org.example/new", 0, 2,
	    NULL), EFAULT);			/* no end: all z */
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVWRITE, value, FREAD),
	    EPERM);
}

static void
the_type_is_told(void **state)
{
	char name[20];
	struct pvbus_req pvr = { sizeof(name), name, 0, NULL };

	attach();
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVTYPE, &pvr, FREAD),
	    0);
	assert_string_equal(name, "TCG");
	pvr.pvr_keylen = 3;
	assert_int_equal(dev_userioctl(node, PVBUSIOC_KVTYPE, &pvr, FREAD),
	    ENOMEM);
}

static void
without_a_hypervisor_there_is_an_error(void **state)
{
	sim_nevidence = 0;
	attach();
	assert_true(sim_said("no hypervisor"));
	assert_int_equal(get("x"), ENXIO);
}

static void
without_the_signature_there_is_no_store(void **state)
{
	signature = "QEMV";
	attach();
	assert_false(sim_said("fwcfg0"));
	assert_int_equal(get("x"), ENXIO);
}

/* --- others -------------------------------------------------------------- */

static void
a_directory_of_billions_is_not_used(void **state)
{
	dir_count = 0xffffffff;
	attach();
	assert_true(sim_said("not used"));
}

static void
a_directory_that_grew_later_is_an_error(void **state)
{
	attach();
	put_be(dir, 4, 0xffffffff);
	assert_int_equal(get("opt/org.example/key"), EIO);
}

static void
more_entries_than_there_are_do_no_harm(void **state)
{
	dir_count = 4096;
	attach();
	assert_int_equal(get("opt/org.example/key"), 0);
	assert_int_equal(get("opt/nothing"), ENOENT);
}

static void
a_name_without_an_end_is_passed_by(void **state)
{
	file[0].name = "";
	memset(file[0].rawname, 'x', 56);
	attach();
	assert_int_equal(get("opt/org.example/key"), 0);
	assert_int_equal(kv(PVBUSIOC_KVLIST, "x", 0, sizeof(value), NULL),
	    ENOENT);
}

static void
a_name_that_cannot_be_printed_is_passed_by(void **state)
{
	file[0].name = "a\033[2J";
	file[2].name = "with\nnewline";
	attach();
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", 0, sizeof(value), NULL), 0);
	assert_string_equal(value, "opt/org.example/key");
}

static void
a_size_that_cannot_be_is_an_error(void **state)
{
	file[1].size = 0xffffffff;
	file[2].size = 1 << 30;
	attach();
	assert_int_equal(get("opt/org.example/key"), ENOENT);
	assert_int_equal(get("opt/org.example/big"), ERANGE);
}

static void
a_file_shorter_than_it_says_ends_in_zeros(void **state)
{
	size_t len;

	file[1].size = 20;
	attach();
	assert_int_equal(kv(PVBUSIOC_KVREAD, "opt/org.example/key", 0,
	    sizeof(value), &len), 0);
	assert_int_equal(len, 20);
	assert_memory_equal(value, "value\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
}

static void
a_key_below_the_files_is_not_read(void **state)
{
	file[1].key = 0x0001;
	attach();
	assert_int_equal(get("opt/org.example/key"), ENOENT);
}

static void
an_error_of_a_transfer_is_passed_on(void **state)
{
	attach();
	dma_when = DMA_ERROR;
	assert_int_equal(get("opt/org.example/key"), EIO);
	dma_when = DMA_AT_ONCE;
	assert_int_equal(get("opt/org.example/key"), 0);
}

/* Its memory stays the device's, which may still write to it. */
static void
a_transfer_that_never_ends_is_given_up(void **state)
{
	attach();
	dma_when = DMA_NEVER;
	assert_int_equal(get("opt/org.example/key"), EIO);
	assert_int_equal(get("opt/org.example/key"), EIO);
	node_close(node, FREAD | FWRITE);
	node = NULL;
	sim_detach();
	assert_int_equal(sim_nsegs, 1);
	assert_int_equal(hosted_nallocs, 1);
	{
		/* so that the checks at the end find nothing */
		size_t len;
		void *p = sim_dma_piece(dma_addr, &len);
		struct dmamem dmm = { &md_dma, { dma_addr, len }, p };

		dmamem_free(&dmm);
	}
}

static void
directories_at_random_do_no_harm(void **state)
{
	u_int i, k;

	attach();
	for (i = 0; i < 300; i++) {
		make_dir();
		for (k = sim_random(20); k > 0; k--)
			dir[sim_random(sizeof(dir))] = sim_random(256);
		put_be(dir, 4, sim_random(40));
		(void)get("opt/org.example/key");
		(void)kv(PVBUSIOC_KVLIST, "", 0, 1 + sim_random(300), NULL);
	}
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	make_dir();
	for (n = 1; n < 100; n++) {
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 5 && n < 100);
	hosted_fail_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_read_by_dma),
		TEST(values_are_read_by_dma_that_takes_its_time),
		TEST(values_are_read_by_bytes),
		TEST(what_is_not_there_is_not_found),
		TEST(a_list_has_the_names_that_begin_so),
		TEST(a_value_that_does_not_fit_is_an_error),
		TEST(lengths_that_cannot_be_are_errors),
		TEST(memory_that_is_not_the_programs_is_an_error),
		TEST(nothing_is_written),
		TEST(the_type_is_told),
		TEST(without_a_hypervisor_there_is_an_error),
		TEST(without_the_signature_there_is_no_store),
		TEST(a_directory_of_billions_is_not_used),
		TEST(a_directory_that_grew_later_is_an_error),
		TEST(more_entries_than_there_are_do_no_harm),
		TEST(a_name_without_an_end_is_passed_by),
		TEST(a_name_that_cannot_be_printed_is_passed_by),
		TEST(a_size_that_cannot_be_is_an_error),
		TEST(a_file_shorter_than_it_says_ends_in_zeros),
		TEST(a_key_below_the_files_is_not_read),
		TEST(an_error_of_a_transfer_is_passed_on),
		TEST(a_transfer_that_never_ends_is_given_up),
		TEST(directories_at_random_do_no_harm),
		TEST(every_failure_of_attach_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
