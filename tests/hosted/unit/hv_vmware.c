/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The test hypervisor's model of VMware: channels and the store.  What other
 * tests rely on is looked at here without a guest.
 */

#include "test.h"

#include "../../hv/text.c"
#include "../../hv/clock.c"
#include "../../hv/vmware_rpc.c"
#include "../../hv/vmware_msg.c"
#include "../../hv/vmware.c"

static char	last[512];		/* event */
static bool	down, missing;

uint64_t
hv_tsc(void)
{
	return (0);
}

uint32_t
hv_memory_mb(void)
{
	return (256);
}

uint64_t
hv_linear(uint64_t offset, bool es)
{
	return (offset);
}

bool
hv_down(void)
{
	return (down);
}

bool
hv_copyin(void *buf, uint64_t at, size_t len)
{
	if (!missing)
		memcpy(buf, (void *)at, len);
	return (!missing);
}

bool
hv_copyout(uint64_t at, const void *buf, size_t len)
{
	if (!missing)
		memcpy((void *)at, buf, len);
	return (!missing);
}

void
hv_event(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	vsnprintf(last, sizeof(last), f, ap);
	va_end(ap);
}

/* --- a guest ------------------------------------------------------------ */

static struct hv_regs r;
static uint64_t	cookies[2];
static unsigned int id;

static unsigned int
ask(unsigned int request, uint32_t bx)
{
	r.ax = VMWARE_MAGIC;
	r.bx = bx;
	r.cx = request << 16 | CMD_MESSAGE;
	r.dx = id << 16 | VMWARE_PORT;
	r.si = cookies[0];
	r.di = cookies[1];
	vmware_call(&r);
	return (r.cx >> 16);
}

static void
open_as(uint32_t protocol)
{
	assert_int_equal(ask(OPEN, protocol | FLAG_COOKIE), SUCCESS);
	id = r.dx >> 16;
	cookies[0] = r.si;
	cookies[1] = r.di;
}

static unsigned int
send(const char *s)
{
	size_t i, len = strlen(s);
	uint32_t word;
	unsigned int status;

	status = ask(SENDSIZE, len);
	for (i = 0; i < len && (status & SUCCESS); i += 4) {
		word = 0;
		memcpy(&word, s + i, len - i < 4 ? len - i : 4);
		status = ask(SENDPAYLOAD, word);
	}
	return (status);
}

static char	got[1024];

static unsigned int
receive(void)
{
	unsigned int status = ask(RECVSIZE, 0);
	uint32_t i, len = r.bx, word;

	if ((status & DORECV) == 0)
		return (status);
	assert_int_equal(r.dx >> 16, SENDSIZE);
	assert_true(len < sizeof(got));
	memset(got, 0, sizeof(got));
	for (i = 0; i < len; i += 4) {
		status = ask(RECVPAYLOAD, SUCCESS);
		if ((status & SUCCESS) == 0)
			return (status);
		assert_int_equal(r.dx >> 16, SENDPAYLOAD);
		word = r.bx;
		memcpy(got + i, &word, len - i < 4 ? len - i : 4);
	}
	return (ask(RECVSTATUS, SUCCESS) | DORECV);
}

static void
expect(const char *command, const char *reply_text)
{
	assert_true(send(command) & SUCCESS);
	assert_int_equal(receive(), SUCCESS | DORECV);
	assert_string_equal(got, reply_text);
}

static int
setup(void **state)
{
	memset(channels, 0, sizeof(channels));
	memset(cookies, 0, sizeof(cookies));
	nentries = used = queued = id = 0;
	down = missing = false;
	opt_greet = opt_late = opt_never = opt_drop = opt_checkpoint = 0;
	opt_hb = opt_cookies = 1;
	return (0);
}

static void
commands_and_their_replies(void **state)
{
	static const char *values[] = { "", "a", "ab", "abc", "abcd",
	    "abcde", "two words", "blank at the end " };
	char command[64], wanted[64];
	size_t i;

	open_as(PROTOCOL_RPCI);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(command, sizeof(command), "info-set guestinfo.k %s",
		    values[i]);
		expect(command, "1 ");
		snprintf(wanted, sizeof(wanted), "1 %s", values[i]);
		expect("info-get guestinfo.k", wanted);
	}
	expect("info-get guestinfo.none", "0 No value found");
	expect("info-set other.k x", "0 Permission denied");
	expect("what", "0 Unknown command");
	expect("tools.capability.what 1", "1 ");
	opt_nul = 1;
	send("what");
	ask(RECVSIZE, 0);
	assert_int_equal(r.bx, sizeof("0 Unknown command"));
	opt_nul = 0;
	assert_int_equal(ask(CLOSE, 0), SUCCESS);
	assert_int_equal(ask(CLOSE, 0), CLOSED);
}

static void
cookies_are_looked_at(void **state)
{
	open_as(PROTOCOL_RPCI);
	cookies[1] ^= 1;
	assert_int_equal(ask(SENDSIZE, 4), CLOSED);
	cookies[1] ^= 1;
	assert_int_equal(ask(SENDSIZE, 4), SUCCESS | HB);
}

static void
as_many_channels_as_there_are(void **state)
{
	unsigned int i;

	for (i = 0; i < CHANNELS; i++)
		open_as(PROTOCOL_RPCI);
	assert_int_equal(ask(OPEN, PROTOCOL_RPCI), 0);
	assert_int_equal(ask(CLOSE, 0), SUCCESS);
	open_as(PROTOCOL_RPCI);
	setup(NULL);
	assert_int_equal(ask(OPEN, 0x12345678), 0);
}

static void
sizes_have_their_limit(void **state)
{
	open_as(PROTOCOL_RPCI);
	assert_int_equal(ask(SENDSIZE, MAX_IN + 1), 0);
	assert_int_equal(ask(SENDPAYLOAD, 0), 0);
	assert_int_equal(ask(SENDSIZE, MAX_IN), SUCCESS | HB);
}

static unsigned int
bulk(void *data, size_t len, bool out)
{
	r.bx = (uint64_t)SUCCESS << 16;
	r.cx = len;
	r.dx = id << 16 | VMWARE_PORT_HB;
	r.si = out ? (uint64_t)data : cookies[0];
	r.di = out ? cookies[1] : (uint64_t)data;
	r.bp = out ? cookies[0] : cookies[1];
	return (vmware_bulk(&r, out));
}

static void
all_at_once_either_way_of_the_string(void **state)
{
	char up[] = "info-get guestinfo.k", back[sizeof(up)], in[16] = "";
	size_t n = sizeof(up) - 1, i;

	for (i = 0; i < n; i++)
		back[i] = up[n - 1 - i];
	vmware_set("guestinfo.k", "abc", 3);
	open_as(PROTOCOL_RPCI);
	assert_true(ask(SENDSIZE, n) & HB);
	missing = true;
	assert_int_equal(bulk(up, n, true), HV_FAULT);
	missing = false;
	assert_int_equal(bulk(up, n, true), HV_DONE);
	assert_int_equal(r.bx, SUCCESS << 16);
	assert_int_equal(r.cx, 0);
	assert_int_equal(r.si, (uint64_t)up + n);
	ask(RECVSIZE, 0);
	assert_int_equal(r.bx, 5);
	down = true;
	missing = true;
	assert_int_equal(bulk(in + 4, 5, false), HV_FAULT);
	missing = false;
	assert_int_equal(bulk(in + 4, 5, false), HV_DONE);
	assert_memory_equal(in, "cba 1", 5);
	assert_int_equal(ask(RECVSTATUS, SUCCESS), SUCCESS);
	ask(SENDSIZE, n);
	bulk(back + n - 1, n, true);
	assert_int_equal(r.bx, SUCCESS << 16);
	assert_string_equal(last, "rpc \"info-get guestinfo.k\"");
}

static void
a_checkpoint_wants_a_second_try(void **state)
{
	open_as(PROTOCOL_RPCI);
	opt_checkpoint = 3;
	assert_int_equal(send("info-set guestinfo.k v"), CPT);
	expect("info-set guestinfo.k v", "1 ");
	assert_true(send("info-get guestinfo.k") & SUCCESS);
	opt_checkpoint = 1;
	assert_int_equal(receive(), CPT);
	opt_checkpoint = 2;
	assert_int_equal(receive(), CPT | DORECV);
	assert_int_equal(receive(), SUCCESS | DORECV);
	assert_string_equal(got, "1 v");
}

static void
a_dropped_channel_is_closed(void **state)
{
	open_as(PROTOCOL_RPCI);
	opt_drop = 2;
	assert_int_equal(send("info-get guestinfo.k"), CLOSED);
	assert_int_equal(ask(SENDSIZE, 1), CLOSED);
}

static void
a_late_reply_comes_in_the_end(void **state)
{
	open_as(PROTOCOL_RPCI);
	opt_late = 2;
	send("log x");
	assert_int_equal(receive(), SUCCESS);
	assert_int_equal(receive(), SUCCESS);
	assert_int_equal(receive(), SUCCESS | DORECV);
	assert_int_equal(receive(), SUCCESS);
}

static void
messages_to_the_tools_come_one_by_one(void **state)
{
	opt_greet = 1;
	open_as(PROTOCOL_TCLO);
	assert_null(vmware_tclo("ping", 4));
	send("");
	assert_int_equal(receive(), SUCCESS | DORECV);
	assert_string_equal(got, "reset");
	assert_int_equal(receive(), SUCCESS);
	send("OK ATR toolbox");
	assert_string_equal(last, "tclo-reply \"OK ATR toolbox\"");
	assert_int_equal(receive(), SUCCESS | DORECV);
	assert_string_equal(got, "ping");
	send("OK ");
	assert_int_equal(receive(), SUCCESS);
}

static void
the_store_keeps_what_it_was_given(void **state)
{
	char key[32];
	unsigned int i;
	size_t len;

	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		assert_null(vmware_set(key, key, strlen(key)));
	}
	assert_non_null(vmware_set("one-more", "", 0));
	for (i = 0; i < KEYS; i += 2) {
		snprintf(key, sizeof(key), "k%u", i);
		assert_null(vmware_set(key, NULL, 0));
	}
	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		if (i % 2 == 0)
			assert_null(vmware_get(key, &len));
		else {
			assert_memory_equal(vmware_get(key, &len), key,
			    strlen(key));
			assert_int_equal(len, strlen(key));
		}
	}
}

static void
escapes_and_numbers(void **state)
{
	char all[256], text[1200];
	uint64_t n;
	size_t i;

	for (i = 0; i < 256; i++)
		all[i] = i;
	hv_escape(text, sizeof(text), all, 256);
	assert_int_equal(hv_unescape(text), 256);
	assert_memory_equal(text, all, 256);
	assert_true(hv_number("0x10K", &n) && n == 16384);
	assert_true(hv_number("-1", &n) && n == ~0ULL);
	assert_false(hv_number("", &n));
	assert_false(hv_number("1x", &n));
	assert_false(hv_number("18446744073709551616", &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commands_and_their_replies, setup),
		cmocka_unit_test_setup(cookies_are_looked_at, setup),
		cmocka_unit_test_setup(as_many_channels_as_there_are, setup),
		cmocka_unit_test_setup(sizes_have_their_limit, setup),
		cmocka_unit_test_setup(all_at_once_either_way_of_the_string,
		    setup),
		cmocka_unit_test_setup(a_checkpoint_wants_a_second_try, setup),
		cmocka_unit_test_setup(a_dropped_channel_is_closed, setup),
		cmocka_unit_test_setup(a_late_reply_comes_in_the_end, setup),
		cmocka_unit_test_setup(messages_to_the_tools_come_one_by_one,
		    setup),
		cmocka_unit_test_setup(the_store_keeps_what_it_was_given,
		    setup),
		cmocka_unit_test_setup(escapes_and_numbers, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
