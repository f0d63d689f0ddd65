/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * fwctl(4) against a model of bhyve's firmware control: a request in words of
 * 32 bits to one port, its answer from the other.  What would end or harm
 * bhyve is a fault.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/pvbusio.h>

#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

#define OP_GET	3
#define KEYMAX	80			/* of bhyve's, with the NUL */

/* --- bhyve ------------------------------------------------------------ */

static const struct oid {
	const char	*key;
	const void	*data;
	size_t		 len;
} oids[] = {
	{ "hw.ncpu", "\4\0\0\0", 4 },
	{ "big.number", "\xff\xff\xff\xff", 4 },
	{ "zero", "\0\0\0\0", 4 },
	{ "empty", "", 0 },
	{ "one", "1", 1 }, { "two", "12", 2 }, { "three", "123", 3 },
	{ "five", "12345", 5 }, { "eight", "12345678", 8 },
	{ "nine", "123456789", 9 }, { "nul", "a\0b\0c", 5 },
	{ "k234567890123456789012345678901234567890123456789012345678901234567"
	    "89012345", "longest", 7 },
};

static enum { WAIT, IDENT, REQUEST, ANSWER } state;
static u_int	nident, nwords;		/* of the request, of the answer */
static uint32_t	req[3], left;
static char	req_key[KEYMAX];
static u_int	req_len;
static uint32_t	ans[4 + 2 + 1024 + 4];
static u_int	nans, at;
static const char *sig;
static u_int	nrequests;
static bool	deaf;			/* no port any more */
/* lies: word of the answer, and what it is */
static int	lie_at;
static uint32_t	lie_with;
static u_int	lie_wild;		/* one word in so many */

static void
answer(void)
{
	const struct oid *o = NULL;
	u_int i;

	nrequests++;
	memset(ans, 0, sizeof(ans));
	for (i = 0; i < nitems(oids); i++) {
		if (strncmp(req_key, oids[i].key, req_len) == 0)
			o = &oids[i];
	}
	ans[1] = req[1];
	ans[2] = req[2];
	nans = 4;
	if (req[1] != OP_GET || o == NULL)
		ans[3] = 2;
	else {
		ans[4] = o->len;
		for (i = 0; i < o->len; i++)
			ans[6 + i / 4] |= (uint32_t)((const uint8_t *)
			    o->data)[i] << 8 * (i % 4);
		nans = 6 + (o->len + 3) / 4;
	}
	ans[0] = 4 * nans;
	at = 0;
	state = ANSWER;
}

static void
word_in(uint32_t v)
{
	u_int i;

	if (state != REQUEST) {
		sim_fault("a word where none is due");
		return;
	}
	if (nwords < 3) {
		req[nwords++] = v;
		if (nwords == 1 && v < 12)
			sim_fault("a request of %u bytes", v);
		if (nwords < 3)
			return;
		left = req[0] - 12;
		req_len = 0;
		memset(req_key, 0, sizeof(req_key));
		if (left > KEYMAX)
			sim_fault("a key of %u bytes", left);
	} else {
		for (i = 0; i < 4 && req_len < KEYMAX; i++)
			req_key[req_len++] = v >> 8 * i;
		left -= MIN(left, 4);
	}
	if (left == 0)
		answer();
}

static uint32_t
word_out(void)
{
	uint32_t v;

	if (state != ANSWER)
		return (UINT32_MAX);
	v = ans[at];
	if ((int)at == lie_at)
		v = lie_with;
	if (lie_wild != 0 && sim_random(lie_wild) == 0)
		v = sim_random(2) == 0 ? sim_random(100) :
		    sim_random(UINT32_MAX);
	if (++at >= nans && lie_at < 0 && lie_wild == 0) {
		state = REQUEST;
		nwords = 0;
	}
	at = MIN(at, (u_int)nitems(ans) - 1);
	return (v);
}

static uint32_t
port_read(struct sim_ports *so, u_int off, u_int width)
{
	if (off != 1)
		sim_fault("a read at %u", off);
	if (deaf)
		return (UINT32_MAX);
	if (width == 4)
		return (word_out());
	if (width != 1)
		sim_fault("a read of %u", width);
	if (state != IDENT)
		return (0xff);
	if (nident == 3) {
		state = REQUEST;
		/* what an earlier answer has left is there still in bhyve */
		if (at < nans && lie_at < 0 && lie_wild == 0)
			sim_fault("an answer was not read to its end");
		nwords = 0;
	}
	return ((uint8_t)sig[nident++]);
}

static void
port_write(struct sim_ports *so, u_int off, u_int width, uint32_t v)
{
	if (off != 0)
		sim_fault("a write at %u", off);
	if (deaf)
		return;
	if (width == 4)
		word_in(v);
	else if (width == 2 && v == 0) {
		state = IDENT;
		nident = 0;
	} else
		sim_fault("a write of %u", width);
}

static struct sim_ports ports = {
	.so_port = 0x510, .so_n = 5, .so_read = port_read,
	.so_write = port_write,
};

/* --- the guest -------------------------------------------------------- */

static const struct pv_evidence evidence = {
	.pe_kind = PVE_CPUID, .pe_base = 0x40000000, .pe_sig = "bhyve bhyve ",
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
setup(void **st)
{
	sim_init();
	sim_mainbus_children = children;
	sim_evidence = &evidence;
	sim_nevidence = 1;
	state = WAIT;
	sig = "BHYV";
	nwords = nans = at = nrequests = lie_wild = 0;
	lie_at = -1;
	deaf = false;
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
teardown(void **st)
{
	end();
	sim_ports_remove(&ports);
	sim_nevidence = 0;
	return (sim_fini());
}

static void
attach(void)
{
	sim_lenient = true;		/* fwcfg looks for its own first */
	sim_attach();
	sim_lenient = false;
	node = node_open("pvbus0", FREAD | FWRITE);
	assert_non_null(node);
}

static int
ask(u_long cmd, const char *key, size_t room, size_t *lenp)
{
	struct pvbus_req pvr = { strlen(key) + 1, (char *)(vaddr_t)key, room,
	    value };
	int error;

	memset(value, 'z', 64);
	error = dev_userioctl(node, cmd, &pvr, FREAD | FWRITE);
	if (lenp != NULL)
		*lenp = pvr.pvr_valuelen;
	return (error);
}

static int
get(const char *key)
{
	return (ask(PVBUSIOC_KVREAD, key, sizeof(value), NULL));
}

static void
assert_works(void)
{
	assert_int_equal(get("hw.ncpu"), 0);
	assert_string_equal(value, "4");
}

/* --- an honest one ---------------------------------------------------- */

static void
it_is_found_by_its_signature(void **st)
{
	attach();
	assert_true(sim_said("fwctl0 at pvbus0: firmware control\n"));
	assert_false(sim_said("fwcfg0"));
	assert_works();
}

static void
without_its_signature_it_is_not_there(void **st)
{
	static const char *const other[] = { "QEMU", "BHYW", "\0\0\0\0",
	    "VYHB", "\xff\xff\xff\xff" };
	u_int i;

	for (i = 0; i < nitems(other); i++) {
		sig = other[i];
		attach();
		assert_false(sim_said("fwctl0"));
		assert_int_equal(get("hw.ncpu"), ENXIO);
		end();
	}
}

static void
a_value_of_four_bytes_is_a_number(void **st)
{
	size_t len;

	attach();
	assert_int_equal(ask(PVBUSIOC_KVREAD, "hw.ncpu", 10, &len), 0);
	assert_string_equal(value, "4");
	assert_int_equal(len, 1);
	assert_int_equal(get("big.number"), 0);
	assert_string_equal(value, "4294967295");
	assert_int_equal(get("zero"), 0);
	assert_string_equal(value, "0");
	assert_int_equal(ask(PVBUSIOC_KVREAD, "big.number", 10, NULL), ERANGE);
	assert_int_equal(value[0], 'z');
	assert_int_equal(ask(PVBUSIOC_KVREAD, "big.number", 11, NULL), 0);
}

static void
other_values_are_bytes(void **st)
{
	size_t len;
	u_int i;

	attach();
	for (i = 3; i < nitems(oids); i++) {
		assert_int_equal(ask(PVBUSIOC_KVREAD, oids[i].key,
		    oids[i].len + 1, &len), 0);
		assert_int_equal(len, oids[i].len);
		assert_memory_equal(value, oids[i].data, len);
		assert_int_equal(value[len], '\0');
		assert_int_equal(value[len + 1], 'z');
		if (oids[i].len == 0)
			continue;
		assert_int_equal(ask(PVBUSIOC_KVREAD, oids[i].key,
		    oids[i].len, NULL), ERANGE);
		assert_int_equal(value[0], 'z');
	}
	/* each answer was read to its end, so the next is the right one */
	assert_works();
}

static void
an_unknown_key_is_not_found(void **st)
{
	static const char *const key[] = { "hw.ncp", "hw.ncpux", "HW.NCPU",
	    "none", "a", "ab", "abc", "abcd", "" };
	u_int i;

	attach();
	for (i = 0; i < nitems(key); i++) {
		assert_int_equal(get(key[i]), ENOENT);
		assert_works();
	}
}

static void
a_key_that_is_too_long_is_not_found_and_not_sent(void **st)
{
	char key[200];
	size_t len;
	u_int before;

	attach();
	for (len = 70; len < sizeof(key); len++) {
		memset(key, 'k', len);
		key[len] = '\0';
		before = nrequests;
		assert_int_equal(get(key), ENOENT);
		if (len >= KEYMAX)
			assert_int_equal(nrequests, before);
	}
	assert_works();
}

static void
it_cannot_be_written_or_listed(void **st)
{
	attach();
	assert_int_equal(ask(PVBUSIOC_KVLIST, "", 100, NULL), EOPNOTSUPP);
	strlcpy(value, "x", sizeof(value));
	{
		struct pvbus_req pvr = { 8, (char *)(vaddr_t)"hw.ncpu", 2,
		    value };

		assert_int_equal(dev_userioctl(node, PVBUSIOC_KVWRITE, &pvr,
		    FREAD | FWRITE), EOPNOTSUPP);
	}
}

static int	caller_error[6];

static void
caller(void *arg)
{
	u_int n = (int *)arg - caller_error, i;
	char v[32];
	const struct oid *o = &oids[4 + n];
	struct pvbus_req pvr = { strlen(o->key) + 1, (char *)(vaddr_t)o->key,
	    sizeof(v), v };

	for (i = 0; i < 20; i++) {
		pvr.pvr_valuelen = sizeof(v);
		caller_error[n] = dev_userioctl(node, PVBUSIOC_KVREAD, &pvr,
		    FREAD);
		if (caller_error[n] == 0 && memcmp(v, o->data, o->len) != 0)
			caller_error[n] = -1;
		if (caller_error[n] != 0)
			return;
	}
}

static void
many_callers_are_served_one_by_one(void **st)
{
	struct thread *td[nitems(caller_error)];
	u_int i;

	attach();
	for (i = 0; i < nitems(td); i++)
		assert_int_equal(kthread_create(caller, &caller_error[i],
		    PRI_KERN, "c", &td[i]), 0);
	for (i = 0; i < nitems(td); i++) {
		kthread_join(td[i]);
		assert_int_equal(caller_error[i], 0);
	}
}

/* --- others ----------------------------------------------------------- */

/* Words of an answer: size, op, id, error, length, its upper half, data. */
static void
an_answer_that_makes_no_sense_is_an_error(void **st)
{
	static const struct {
		int		at;
		uint32_t	with;
	} row[] = {
		{ 0, 0 }, { 0, 15 }, { 0, 16 }, { 0, 23 }, { 0, 24 },
		{ 0, 27 }, { 0, 32 }, { 0, UINT32_MAX }, { 0, 1U << 31 },
		{ 1, 0 }, { 1, 4 }, { 1, UINT32_MAX },
		{ 2, 0 }, { 2, UINT32_MAX },
		{ 3, 1 }, { 3, UINT32_MAX },
		{ 4, 0 }, { 4, 5 }, { 4, 4097 }, { 4, UINT32_MAX },
		{ 4, UINT32_MAX - 3 }, { 4, 1U << 31 },
		{ 5, 1 }, { 5, UINT32_MAX },
	};
	u_int i;

	attach();
	for (i = 0; i < nitems(row); i++) {
		lie_at = row[i].at;
		lie_with = row[i].with;
		assert_int_equal(get("hw.ncpu"), EIO);
		lie_at = -1;
		at = nans;			/* it forgets its lie */
		assert_works();
	}
}

static void
a_host_that_is_gone_is_an_error(void **st)
{
	attach();
	assert_works();
	deaf = true;
	assert_int_equal(get("hw.ncpu"), EIO);
	deaf = false;
	assert_works();
	sig = "what";
	assert_int_equal(get("hw.ncpu"), EIO);
}

static void
answers_at_random_do_no_harm(void **st)
{
	u_int i;

	attach();
	sim_lenient = true;
	for (i = 0; i < 3000; i++) {
		lie_wild = 1 + sim_random(12);
		(void)ask(PVBUSIOC_KVREAD, oids[sim_random(nitems(oids))].key,
		    1 + sim_random(20), NULL);
		lie_wild = 0;
		at = nans;
		assert_works();
	}
	sim_lenient = false;
}

static void
every_failure_of_attach_leaves_nothing(void **st)
{
	u_int n;

	sim_lenient = true;
	for (n = 1; n < 50; n++) {
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		assert_int_equal(hosted_nallocs, 0);
	}
	assert_true(n > 3 && n < 50);
	hosted_fail_at = 0;
	sim_lenient = false;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_found_by_its_signature),
		TEST(without_its_signature_it_is_not_there),
		TEST(a_value_of_four_bytes_is_a_number),
		TEST(other_values_are_bytes),
		TEST(an_unknown_key_is_not_found),
		TEST(a_key_that_is_too_long_is_not_found_and_not_sent),
		TEST(it_cannot_be_written_or_listed),
		TEST(many_callers_are_served_one_by_one),
		TEST(an_answer_that_makes_no_sense_is_an_error),
		TEST(a_host_that_is_gone_is_an_error),
		TEST(answers_at_random_do_no_harm),
		TEST(every_failure_of_attach_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
