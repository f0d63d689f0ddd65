/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * smbios(4): tables as a firmware leaves them, by either entry point and in
 * QEMU's fw_cfg, honest and not.  DSP0134, 5.2 and 6.1.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/pvbusio.h>

#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

#define ROM_SIZE	0x1000
#define ROM_ADDR	0xf0000
#define TABLE_ADDR	0x7fff123	/* need not be aligned */
#define TABLE_MAX	(2U << 20)

static uint8_t	rom[ROM_SIZE];
static uint8_t	table[TABLE_MAX];
static size_t	used;			/* of the table */
static uint64_t	table_addr;
static u_int	nmapped;
static bool	has_rom;

/* --- the machine ------------------------------------------------------ */

static int
where(uint64_t *base, size_t *size)
{
	*base = ROM_ADDR;
	*size = ROM_SIZE;
	return (has_rom ? 0 : ENXIO);
}

static void *
map(uint64_t pa, size_t size)
{
	void *p = NULL;

	if (pa >= ROM_ADDR && pa + size <= ROM_ADDR + ROM_SIZE)
		p = rom + (pa - ROM_ADDR);
	else if (pa >= table_addr && pa - table_addr < TABLE_MAX &&
	    size <= TABLE_MAX - (pa - table_addr))
		p = table + (pa - table_addr);
	nmapped += p != NULL;
	return (p);
}

static void
unmap(void *p, size_t size)
{
	nmapped--;
}

/* fw_cfg by bytes, with the one file */
static uint16_t	selected;
static uint32_t	position;
static bool	has_fwcfg;
static uint32_t	file_size;		/* as the directory says */

static uint32_t
port_read(struct sim_ports *so, u_int off, u_int width)
{
	static const char name[] = "etc/smbios/smbios-tables";
	uint8_t dir[4 + 64] = { 0, 0, 0, 1, file_size >> 24, file_size >> 16,
	    file_size >> 8, file_size, 0, 0x20 };
	uint8_t id[4];
	const uint8_t *p = NULL;
	uint32_t len = 0;

	memcpy(dir + 12, name, sizeof(name));
	sim_put(id, 4, 1);
	switch (selected) {
	case 0x00:
		p = (const uint8_t *)"QEMU";
		len = has_fwcfg ? 4 : 0;
		break;
	case 0x01:
		p = id;
		len = sizeof(id);
		break;
	case 0x19:
		p = dir;
		len = sizeof(dir);
		break;
	case 0x20:
		p = table;
		len = used;
		break;
	}
	return (position < len ? p[position++] : 0);
}

static void
port_write(struct sim_ports *so, u_int off, u_int width, uint32_t v)
{
	selected = v;
	position = 0;
}

static struct sim_ports ports = {
	.so_port = 0x510, .so_n = 12, .so_read = port_read,
	.so_write = port_write,
};

/* --- the firmware ----------------------------------------------------- */

static void
put_le(uint8_t *p, u_int n, uint64_t v)
{
	u_int i;

	/* what a machine's bytes are: see sim.h */
	for (i = 0; i < n; i++)
		p[SIM_BYTE(i, n)] = v >> 8 * i;
}

static void
seal(uint8_t *p, u_int len, u_int at)
{
	uint8_t sum = 0;
	u_int i;

	p[at] = 0;
	for (i = 0; i < len; i++)
		sum += p[i];
	p[at] = -sum;
}

static uint8_t *
entry32(u_int off, uint64_t addr, uint32_t size)
{
	uint8_t *p = rom + off;

	memset(p, 0, 0x1f);
	memcpy(p, "_SM_", 4);
	p[5] = 0x1f;
	p[6] = 2;
	p[7] = 8;
	memcpy(p + 0x10, "_DMI_", 5);
	put_le(p + 0x16, 2, size);
	put_le(p + 0x18, 4, addr);
	p[0x1e] = 0x28;
	seal(p + 0x10, 15, 5);
	seal(p, 0x1f, 4);
	return (p);
}

static uint8_t *
entry64(u_int off, uint64_t addr, uint32_t size)
{
	uint8_t *p = rom + off;

	memset(p, 0, 0x18);
	memcpy(p, "_SM3_", 5);
	p[6] = 0x18;
	p[7] = 3;
	p[0x0a] = 1;
	put_le(p + 0x0c, 4, size);
	put_le(p + 0x10, 8, addr);
	seal(p, 0x18, 5);
	return (p);
}

/* Strings each with its NUL, one behind the other; the last NUL is added. */
static void
structure(u_int type, const char *data, u_int len, const char *strings,
    size_t nstrings)
{
	uint8_t *p = table + used;

	p[0] = type;
	p[1] = 4 + len;
	put_le(p + 2, 2, 0x100 + type);
	memcpy(p + 4, data, len);
	used += 4 + len;
	memcpy(table + used, strings, nstrings);
	used += nstrings;
	if (nstrings == 0)
		table[used++] = 0;
	table[used++] = 0;
}

#define STRUCTURE(type, data, strings)					\
	structure(type, data, sizeof(data) - 1, strings,		\
	    sizeof(strings) > 1 ? sizeof(strings) : 0)

static void
usual(void)
{
	STRUCTURE(0, "\1\2\0\0\3\0", "Maker\0" "1.0\0" "04/01/2026");
	STRUCTURE(1, "\1\2\3\4\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa"
	    "\xbb\xcc\xdd\xee\xff\6\5\6", "Acme\0Thing\0v2\0S-1\0sku\0family");
	STRUCTURE(2, "\1\2\3\4\5", "Board\0b1\0b2\0b3\0b4");
	STRUCTURE(3, "\1\1\2\3\4", "Case\0c2\0c3\0c4");
	STRUCTURE(4, "\1\2", "cpu\0x");
	STRUCTURE(11, "\2", "one\0two");
	STRUCTURE(11, "\1", "three");
	STRUCTURE(127, "", "");
}

static const struct pv_evidence evidence = {
	.pe_kind = PVE_CPUID, .pe_base = 0x40000000, .pe_sig = "TCGTCGTCGTCG",
};
static struct cdev	*node;
static char		 value[PVBUS_KV_MAX];

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pvbus" };

	(void)config_found(mainbus, &ma, NULL);
}

static int
setup(void **state)
{
	sim_init();
	sim_mainbus_children = children;
	sim_evidence = &evidence;
	sim_nevidence = 1;
	hosted_smbios = where;
	hosted_map = map;
	hosted_unmap = unmap;
	memset(rom, 0, sizeof(rom));
	memset(table, 0xff, sizeof(table));
	used = nmapped = 0;
	has_rom = true;
	has_fwcfg = false;
	table_addr = TABLE_ADDR;
	sim_ports_add(&ports);
	node = NULL;
	return (0);
}

static void
end(void)
{
	node_close(node, FREAD | FWRITE);
	node = NULL;
	sim_detach();
}

static int
teardown(void **state)
{
	end();
	sim_ports_remove(&ports);
	sim_nevidence = 0;
	hosted_smbios = NULL;
	hosted_map = NULL;
	hosted_unmap = NULL;
	if (nmapped != 0) {
		host_complain("a mapping is left");
		return (1);
	}
	return (sim_fini());
}

static void
attach(void)
{
	sim_attach();
	node = node_open("pvbus0", FREAD | FWRITE);
	assert_non_null(node);
}

/* The usual way: an entry point for what is in the table. */
static void
found(void)
{
	entry64(0x40, table_addr, used);
	attach();
}

static int
ask(u_long cmd, const char *key, size_t room)
{
	struct pvbus_req pvr = { strlen(key) + 1, (char *)(vaddr_t)key, room,
	    value };

	return (dev_userioctl(node, cmd, &pvr, FREAD | FWRITE));
}

static const char *
get(const char *key)
{
	char full[80];

	snprintf(full, sizeof(full), "smbios/%s", key);
	memset(value, 'z', 100);
	return (ask(PVBUSIOC_KVREAD, full, sizeof(value)) == 0 ? value : "?");
}

static bool
there(void)
{
	return (sim_said("smbios0 at pvbus0"));
}

/* --- honest ones ------------------------------------------------------ */

static void
assert_usual(void)
{
	static const char *const row[][2] = {
		{ "bios/vendor", "Maker" }, { "bios/version", "1.0" },
		{ "bios/date", "04/01/2026" },
		{ "system/manufacturer", "Acme" },
		{ "system/product", "Thing" }, { "system/version", "v2" },
		{ "system/serial", "S-1" }, { "system/sku", "sku" },
		{ "system/family", "family" },
		{ "system/uuid", "00112233-4455-6677-8899-aabbccddeeff" },
		{ "baseboard/manufacturer", "Board" },
		{ "baseboard/product", "b1" }, { "baseboard/version", "b2" },
		{ "baseboard/serial", "b3" }, { "baseboard/asset", "b4" },
		{ "chassis/manufacturer", "Case" },
		{ "chassis/version", "c2" }, { "chassis/serial", "c3" },
		{ "chassis/asset", "c4" },
		{ "oem/1", "one" }, { "oem/2", "two" }, { "oem/3", "three" },
		{ "oem/4", "?" }, { "oem/0", "?" }, { "oem/", "?" },
		{ "", "?" }, { "bios", "?" }, { "processor/x", "?" },
	};
	u_int i;

	for (i = 0; i < nitems(row); i++)
		assert_string_equal(get(row[i][0]), row[i][1]);
}

static void
the_older_entry_point_is_found(void **state)
{
	u_int off;

	usual();
	for (off = 0; off <= ROM_SIZE - 0x20; off += off < 0x100 ? 0x10 :
	    0xee0) {
		memset(rom, 0, sizeof(rom));
		entry32(off, table_addr, used);
		attach();
		assert_usual();
		end();
	}
	assert_true(sim_said("smbios0 at pvbus0: 7 structures\n"));
}

static void
the_newer_entry_point_is_found(void **state)
{
	usual();
	table_addr = 0x123456789000;
	entry64(ROM_SIZE - 0x20, table_addr, used);
	attach();
	assert_usual();
}

static void
tables_in_fw_cfg_are_found(void **state)
{
	usual();
	file_size = used;
	has_fwcfg = true;
	has_rom = false;
	attach();
	assert_usual();
	end();
	/* and what is there but is none does not hide them */
	has_rom = true;
	entry64(0, table_addr, used)[9]++;
	attach();
	assert_usual();
}

static void
without_tables_there_is_no_driver(void **state)
{
	attach();
	assert_false(there());
	assert_int_equal(ask(PVBUSIOC_KVREAD, "smbios/oem/1", 10), ENXIO);
	end();
	has_rom = false;
	attach();
	assert_false(there());
}

static void
keys_are_listed(void **state)
{
	size_t room;

	STRUCTURE(0, "\1\0\0\0\2\0", "Maker\0" "date");
	STRUCTURE(11, "\2", "one\0two");
	found();
#define KEYS	"smbios/bios/vendor\nsmbios/bios/date\nsmbios/oem/1\n"	\
	"smbios/oem/2"
	assert_int_equal(ask(PVBUSIOC_KVLIST, "", 1000), 0);
	assert_string_equal(value, KEYS);
	assert_int_equal(ask(PVBUSIOC_KVLIST, "smbios/oem/", 1000), 0);
	assert_string_equal(value, "smbios/oem/1\nsmbios/oem/2");
	assert_int_equal(ask(PVBUSIOC_KVLIST, "smbios/system", 1000), ENOENT);
	for (room = 1; room < sizeof(KEYS); room++)
		assert_int_equal(ask(PVBUSIOC_KVLIST, "", room), ERANGE);
	assert_int_equal(ask(PVBUSIOC_KVLIST, "", room), 0);
}

static void
a_value_fits_or_is_out_of_range(void **state)
{
	STRUCTURE(11, "\1", "four");
	found();
	assert_int_equal(ask(PVBUSIOC_KVREAD, "smbios/oem/1", 4), ERANGE);
	assert_int_equal(ask(PVBUSIOC_KVREAD, "smbios/oem/1", 5), 0);
	assert_string_equal(value, "four");
}

static void
what_is_there_cannot_be_written(void **state)
{
	usual();
	found();
	strlcpy(value, "x", sizeof(value));
	assert_int_equal(ask(PVBUSIOC_KVWRITE, "smbios/oem/1", 2), EROFS);
	strlcpy(value, "x", sizeof(value));
	assert_int_equal(ask(PVBUSIOC_KVWRITE, "smbios/new", 2), EOPNOTSUPP);
	assert_usual();
}

static void
a_long_string_is_whole(void **state)
{
	static char text[60001];

	memset(text, 'l', sizeof(text) - 1);
	structure(11, "\1", 1, text, sizeof(text));
	found();
	assert_string_equal(get("oem/1"), text);
}

static void
older_structures_are_shorter(void **state)
{
	/* of version 2.0: no UUID; of 2.1: no family */
	STRUCTURE(1, "\1\2\3\4", "m\0p\0v\0s");
	found();
	assert_string_equal(get("system/serial"), "s");
	assert_string_equal(get("system/uuid"), "?");
	assert_string_equal(get("system/family"), "?");
}

static void
the_first_of_a_type_counts(void **state)
{
	STRUCTURE(1, "\1\0\0\0", "first");
	STRUCTURE(1, "\1\1\1\1", "second");
	found();
	assert_string_equal(get("system/manufacturer"), "first");
	assert_string_equal(get("system/product"), "?");
	assert_int_equal(ask(PVBUSIOC_KVLIST, "", 1000), 0);
	assert_string_equal(value, "smbios/system/manufacturer");
}

static void
nothing_counts_behind_the_end(void **state)
{
	STRUCTURE(11, "\1", "in");
	STRUCTURE(127, "", "");
	STRUCTURE(11, "\1", "out");
	found();
	assert_string_equal(get("oem/1"), "in");
	assert_string_equal(get("oem/2"), "?");
}

/* --- entry points that are none --------------------------------------- */

static void
a_bad_sum_is_no_entry_point(void **state)
{
	u_int i;

	usual();
	for (i = 0; i < 0x1f; i++) {
		memset(rom, 0, sizeof(rom));
		entry32(0x10, table_addr, used)[i] ^= 0x40;
		attach();
		assert_false(there());
		end();
	}
	for (i = 0; i < 0x18; i++) {
		memset(rom, 0, sizeof(rom));
		entry64(0x10, table_addr, used)[i] ^= 0x40;
		attach();
		assert_false(there());
		end();
	}
	/* the one behind it is taken */
	entry32(0x100, table_addr, used);
	attach();
	assert_usual();
}

static void
an_entry_point_between_two_places_is_none(void **state)
{
	usual();
	entry64(0x48, table_addr, used);
	attach();
	assert_false(there());
}

static void
an_entry_point_over_the_edge_is_none(void **state)
{
	usual();
	/* as much of it as there is room for, and a length beyond that */
	memcpy(rom + ROM_SIZE - 16, "_SM3_\0\x18", 7);
	attach();
	assert_false(there());
	end();
	memset(rom, 0, sizeof(rom));
	memcpy(rom + ROM_SIZE - 16, "_SM_\0\x1f", 6);
	attach();
	assert_false(there());
	end();
	memset(rom, 0, sizeof(rom));
	rom[ROM_SIZE - 0x20 + 6] = 0;
	entry64(ROM_SIZE - 0x20, table_addr, used)[6] = 0xff;
	attach();
	assert_false(there());
}

static void
a_length_that_cannot_be_is_no_entry_point(void **state)
{
	static const uint8_t len[] = { 0, 1, 4, 0x0f, 0x17 };
	uint8_t *p;
	u_int i;

	usual();
	for (i = 0; i < nitems(len); i++) {
		memset(rom, 0, sizeof(rom));
		p = entry64(0, table_addr, used);
		p[6] = len[i];
		seal(p, len[i] != 0 ? len[i] : 1, 5);
		p = entry32(0x40, table_addr, used);
		p[5] = len[i];
		seal(p, len[i] != 0 ? len[i] : 1, 4);
		attach();
		assert_false(there());
		end();
	}
}

static void
tables_that_cannot_be_are_not_used(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t size;
	} row[] = {
		{ TABLE_ADDR, 0 }, { TABLE_ADDR, (1U << 20) + 1 },
		{ TABLE_ADDR, UINT32_MAX }, { 0, 100 },
		{ UINT64_MAX, 100 }, { UINT64_MAX - 99, 100 },
		{ 1ULL << 63, 100 },
	};
	u_int i;

	usual();
	for (i = 0; i < nitems(row); i++) {
		entry64(0, row[i].addr, row[i].size);
		attach();
		assert_int_not_equal(ask(PVBUSIOC_KVREAD, "smbios/oem/1", 10),
		    0);
		end();
		assert_int_equal(nmapped, 0);
		assert_int_equal(hosted_nallocs, 0);
	}
	entry64(0, TABLE_ADDR, 1 << 20);
	attach();
	assert_usual();
}

static void
a_file_that_cannot_be_is_not_used(void **state)
{
	static const uint32_t size[] = { 0, (1U << 20) + 1, 1U << 31,
	    UINT32_MAX };
	u_int i;

	usual();
	has_rom = false;
	has_fwcfg = true;
	for (i = 0; i < nitems(size); i++) {
		file_size = size[i];
		attach();
		assert_string_equal(get("oem/1"), "?");
		end();
		assert_int_equal(hosted_nallocs, 0);
	}
}

/* --- structures that are none ----------------------------------------- */

/* What comes before it is used; what is read beyond the end, ASan sees. */
static void
tables_may_end_anywhere(void **state)
{
	size_t whole, n;

	usual();
	whole = used;
	for (n = 1; n <= whole; n++) {
		entry64(0, table_addr, n);
		used = n;
		attach();
		(void)ask(PVBUSIOC_KVLIST, "", 1000);
		assert_string_equal(get("oem/3"), n < whole - 6 ? "?" :
		    "three");
		end();
	}
}

static void
a_structure_without_an_end_is_none(void **state)
{
	STRUCTURE(11, "\1", "good");
	memcpy(table + used, "\x0b\5\0\0\1bad", 8);
	used += 8;
	found();
	assert_string_equal(get("oem/1"), "good");
	assert_string_equal(get("oem/2"), "?");
}

static void
a_structure_of_a_length_that_cannot_be_is_the_last(void **state)
{
	static const uint8_t len[] = { 0, 1, 3, 200, 255 };
	size_t at;
	u_int i;

	STRUCTURE(11, "\1", "good");
	at = used;
	STRUCTURE(11, "\1", "bad");
	entry64(0x40, table_addr, used);
	for (i = 0; i < nitems(len); i++) {
		table[at + 1] = len[i];
		attach();
		assert_string_equal(get("oem/1"), "good");
		assert_string_equal(get("oem/2"), "?");
		end();
	}
}

static void
numbers_of_strings_that_are_not_there_are_passed_by(void **state)
{
	STRUCTURE(1, "\1\2\3\xff", "only\0two");
	STRUCTURE(2, "\1\1\1\1\1", "");
	STRUCTURE(11, "\xff", "a\0b\0c");
	STRUCTURE(11, "\0", "not counted");
	STRUCTURE(11, "", "no number at all");
	STRUCTURE(11, "\1", "d\0not counted");
	found();
	assert_string_equal(get("system/product"), "two");
	assert_string_equal(get("system/version"), "?");
	assert_string_equal(get("system/serial"), "?");
	assert_string_equal(get("baseboard/manufacturer"), "?");
	assert_int_equal(ask(PVBUSIOC_KVLIST, "smbios/oem/", 1000), 0);
	assert_string_equal(value, "smbios/oem/1\nsmbios/oem/2\n"
	    "smbios/oem/3\nsmbios/oem/4");
	assert_string_equal(get("oem/4"), "d");
}

static void
tables_at_random_do_no_harm(void **state)
{
	size_t whole;
	u_int i, k;

	usual();
	whole = used;
	for (i = 0; i < 400; i++) {
		used = 0;
		usual();
		for (k = sim_random(12); k > 0; k--)
			table[sim_random(whole)] = sim_random(3) == 0 ? 0 :
			    sim_random(256);
		entry64(0, table_addr, 1 + sim_random(whole));
		attach();
		(void)ask(PVBUSIOC_KVLIST, "", 1 + sim_random(1000));
		(void)get("system/uuid");
		(void)get("oem/3");
		end();
	}
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n, from;

	usual();
	file_size = used;
	for (from = 0; from < 2; from++) {
		has_rom = from == 0;
		has_fwcfg = from == 1;
		entry64(0, table_addr, used);
		for (n = 1; n < 100; n++) {
			hosted_fail_at = n;
			sim_attach();
			if (hosted_fail_at != 0)
				break;
			sim_detach();
			assert_int_equal(hosted_nallocs, 0);
			assert_int_equal(nmapped, 0);
		}
		assert_true(n > 4 && n < 100);
		hosted_fail_at = 0;
		sim_detach();
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_older_entry_point_is_found),
		TEST(the_newer_entry_point_is_found),
		TEST(tables_in_fw_cfg_are_found),
		TEST(without_tables_there_is_no_driver),
		TEST(keys_are_listed),
		TEST(a_value_fits_or_is_out_of_range),
		TEST(what_is_there_cannot_be_written),
		TEST(a_long_string_is_whole),
		TEST(older_structures_are_shorter),
		TEST(the_first_of_a_type_counts),
		TEST(nothing_counts_behind_the_end),
		TEST(a_bad_sum_is_no_entry_point),
		TEST(an_entry_point_between_two_places_is_none),
		TEST(an_entry_point_over_the_edge_is_none),
		TEST(a_length_that_cannot_be_is_no_entry_point),
		TEST(tables_that_cannot_be_are_not_used),
		TEST(a_file_that_cannot_be_is_not_used),
		TEST(tables_may_end_anywhere),
		TEST(a_structure_without_an_end_is_none),
		TEST(a_structure_of_a_length_that_cannot_be_is_the_last),
		TEST(numbers_of_strings_that_are_not_there_are_passed_by),
		TEST(tables_at_random_do_no_harm),
		TEST(every_failure_of_attach_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
