/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vmt(4) against the test hypervisor's model of VMware, honest and not:
 * open-vm-tools, lib/include/backdoor_def.h, guest_msg_def.h, lib/message.
 */

#include "test.h"

#include "../../hv/text.c"
#include "../../hv/clock.c"
#include "../../hv/vmware_rpc.c"
#include "../../hv/vmware_msg.c"
#include "../../hv/vmware.c"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/pvbusio.h>
#include <sys/sysctl.h>
#include <sys/todr.h>

#include <dev/pv/pvvar.h>
#include <dev/pv/vmtvar.h>
#include <machine/mainbus.h>
#include "sim/nodes.h"
#include "sim/sim.h"

char	*strstr(const char *, const char *);
extern char hostname[];

#define SECOND		1000000000ULL
#define MSEC		1000000ULL
#define EPOCH		1800000000ULL		/* the host's clock at 0, s */
#define SENSOR		"hw.sensors.vmt0.timedelta0"
#define STEP(cx)	((uint32_t)(cx) >> 16)

/* --- the host --------------------------------------------------------- */

static char	said[65536];		/* events, a line each */
static size_t	nsaid;
static u_int	nbroken;		/* bad-cookie, no-channel */
static u_int	nrpci, most_rpci;	/* channels open at once */
static u_int	nsteps;
/* what comes back is changed; NULL: it is not */
static void	(*lie)(struct backdoor *, enum backdoor_insn, uint32_t);
static u_int	wild;			/* one in so many; 0: none */

uint64_t
hv_tsc(void)
{
	return (hosted_now);
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
	return (false);
}

bool
hv_copyin(void *buf, uint64_t at, size_t len)
{
	memcpy(buf, (void *)at, len);
	return (true);
}

bool
hv_copyout(uint64_t at, const void *buf, size_t len)
{
	memcpy((void *)at, buf, len);
	return (true);
}

void
hv_event(const char *f, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, f);
	n = vsnprintf(line, sizeof(line) - 1, f, ap);
	va_end(ap);
	n = MIN(n, (int)sizeof(line) - 2);
	line[n++] = '\n';
	if (nsaid + n < sizeof(said)) {
		memcpy(said + nsaid, line, n);
		nsaid += n;
		said[nsaid] = '\0';
	}
	nbroken += strncmp(line, "bad-cookie", 10) == 0 ||
	    strncmp(line, "no-channel", 10) == 0;
}

static void
count_channels(void)
{
	u_int i;

	for (nrpci = 0, i = 0; i < CHANNELS; i++)
		nrpci += channels[i].protocol == PROTOCOL_RPCI;
	most_rpci = MAX(most_rpci, nrpci);
}

static void
host(struct backdoor *bd, enum backdoor_insn insn)
{
	struct hv_regs r = { .ax = bd->bd_ax, .bx = bd->bd_bx, .cx = bd->bd_cx,
	    .dx = bd->bd_dx, .si = bd->bd_si, .di = bd->bd_di,
	    .bp = bd->bd_bp };
	uint32_t step = STEP(bd->bd_cx);

	nsteps++;
	if ((uint32_t)bd->bd_ax != VMWARE_MAGIC)
		sim_fault("EAX is %#x", (u_int)bd->bd_ax);
	if ((bd->bd_dx & 0xffff) != (insn == BACKDOOR_IN ? VMWARE_PORT :
	    VMWARE_PORT_HB))
		sim_fault("port %#x", (u_int)bd->bd_dx & 0xffff);
	if (insn == BACKDOOR_IN)
		vmware_call(&r);
	else
		(void)vmware_bulk(&r, insn == BACKDOOR_OUTSB);
	count_channels();
	*bd = (struct backdoor){ .bd_ax = r.ax, .bd_bx = r.bx, .bd_cx = r.cx,
	    .bd_dx = r.dx, .bd_si = r.si, .bd_di = r.di, .bd_bp = r.bp };
	if (lie != NULL)
		lie(bd, insn, step);
	if (wild != 0 && sim_random(wild) == 0) {
		uint64_t *reg[] = { &bd->bd_ax, &bd->bd_bx, &bd->bd_cx,
		    &bd->bd_dx, &bd->bd_si, &bd->bd_di };

		*reg[sim_random(nitems(reg))] = sim_random(2) == 0 ?
		    sim_random(UINT32_MAX) : 1ULL << sim_random(32);
	}
}

/* A host without a past. */
static void
host_reset(void)
{
	static const struct {
		uint64_t *option, value;
	} options[] = {
		{ &opt_max, 0x40000010 }, { &opt_version, 6 },
		{ &opt_type, 2 }, { &opt_no_time, 0 }, { &opt_lag, 0 },
		{ &opt_dead, 0 }, { &opt_hb, 1 }, { &opt_greet, 1 },
		{ &opt_cookies, 1 }, { &opt_refuse, 0 }, { &opt_late, 0 },
		{ &late_left, 0 }, { &opt_never, 0 }, { &opt_toolong, 0 },
		{ &opt_toolong_times, 0 }, { &opt_status, ~0ULL },
		{ &opt_status_after, 0 }, { &opt_status_times, 1 },
		{ &opt_reply_type, ~0ULL }, { &opt_drop, 0 },
		{ &opt_checkpoint, 0 }, { &opt_checkpoint_close, 0 },
		{ &opt_reply_times, 0 }, { &opt_log, LOG_ON },
	};
	u_int i;

	for (i = 0; i < nitems(options); i++)
		*options[i].option = options[i].value;
	memset(channels, 0, sizeof(channels));
	nentries = queued = queue_first = 0;
	used = 0;
	hv_clock = (struct hv_clock){ .hz = 1000000000,
	    .epoch = EPOCH * SECOND };
	nsaid = nbroken = nrpci = most_rpci = nsteps = wild = 0;
	said[0] = '\0';
	lie = NULL;
}

/* On the host's side only. */
static void
channels_end(uint32_t protocol)
{
	u_int i;

	for (i = 0; i < CHANNELS; i++) {
		if (channels[i].protocol == protocol)
			close_channel(&channels[i]);
	}
}

static void
reply_is(const char *text, size_t len)
{
	memcpy(opt_reply, text, len);
	opt_reply_len = len;
	opt_reply_times = 1;
}

static void
set(const char *key, const void *v, size_t len)
{
	assert_null(vmware_set(key, v, len));
}

static bool
host_heard(const char *text)
{
	return (strstr(said, text) != NULL);
}

static void
host_forgets(void)
{
	nsaid = 0;
	said[0] = '\0';
}

static bool
host_has(const char *key, const char *wanted)
{
	const void *v;
	size_t len;

	v = vmware_get(key, &len);
	return (v != NULL && len == strlen(wanted) &&
	    memcmp(v, wanted, len) == 0);
}

/* --- the guest -------------------------------------------------------- */

static const struct pv_evidence evidence = {
	.pe_kind = PVE_CPUID, .pe_base = 0x40000000, .pe_sig = "VMwareVMware",
};
static struct cdev	*node;
static char		 value[PVBUS_KV_MAX + 8];
static char		 big[PVBUS_KV_MAX];

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pvbus" };

	(void)config_found(mainbus, &ma, NULL);
}

static int
setup(void **state)
{
	size_t i;

	sim_init();
	sim_mainbus_children = children;
	sim_evidence = &evidence;
	sim_nevidence = 1;
	sim_backdoor = host;
	sim_npoweroff = sim_nreboot = 0;
	host_reset();
	for (i = 0; i < sizeof(big); i++)
		big[i] = 'A' + i % 57;
	set("guestinfo.a", "value", 5);
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
	sim_nevidence = 0;
	sim_backdoor = NULL;
	count_channels();
	if (nrpci != 0 || (lie == NULL && wild == 0 && nbroken != 0)) {
		host_complain("channels were mistreated");
		host_write(said, nsaid);
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

/* It has met the host, and knows what that wants. */
static void
start(void)
{
	attach();
	hosted_run(3 * SECOND);
}

static int
kv(u_long cmd, const char *key, char *buf, size_t size, size_t *lenp)
{
	struct pvbus_req pvr = { .pvr_keylen = strlen(key) + 1,
	    .pvr_key = (char *)(vaddr_t)key, .pvr_valuelen = size,
	    .pvr_value = buf };
	int error = dev_userioctl(node, cmd, &pvr, FREAD | FWRITE);

	if (lenp != NULL)
		*lenp = pvr.pvr_valuelen;
	return (error);
}

static int
get(const char *key)
{
	memset(value, 'z', sizeof(value));
	return (kv(PVBUSIOC_KVREAD, key, value, PVBUS_KV_MAX, NULL));
}

static int
put(const char *key, const char *v)
{
	strlcpy(value, v, sizeof(value));
	return (kv(PVBUSIOC_KVWRITE, key, value, strlen(v) + 1, NULL));
}

static void
assert_works(void)
{
	assert_int_equal(get("guestinfo.a"), 0);
	assert_string_equal(value, "value");
}

static u_int
lines_with(const char *text)
{
	const char *p = hosted_console();
	u_int n = 0;

	for (; (p = strstr(p, text)) != NULL; p++)
		n++;
	return (n);
}

static const char *
sensor(void)
{
	static char text[64];
	size_t len;

	assert_int_equal(sysctl_read(SENSOR, text, sizeof(text), &len), 0);
	return (text);
}

/* --- attachment ------------------------------------------------------- */

static void
it_says_who_is_there(void **state)
{
	static const char *const products[] = { "VMware", "Express", "ESX",
	    "Server", "Workstation", "VMware" };
	char line[80];
	u_int i;

	for (i = 0; i < nitems(products); i++) {
		opt_type = i;
		opt_version = 6 + i;
		sim_attach();
		snprintf(line, sizeof(line), "vmt0 at pvbus0: %s, backdoor "
		    "version %u\n", products[i], 6 + i);
		if (!sim_said(line))
			fail_msg("not %s", line);
		sim_detach();
	}
}

static void
port_without_magic(struct backdoor *bd, enum backdoor_insn insn, uint32_t n)
{
	bd->bd_bx = 0;
}

static void
without_the_backdoor_there_is_no_driver(void **state)
{
	opt_dead = 1;
	attach();
	assert_false(sim_said("vmt0"));
	assert_int_equal(get("guestinfo.a"), ENXIO);
	end();
	opt_dead = 0;
	lie = port_without_magic;
	attach();
	assert_false(sim_said("vmt0"));
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 100; n++) {
		hosted_fail_at = n;
		sim_attach();
		hosted_run(100 * MSEC);
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		assert_int_equal(hosted_nallocs, 0);
	}
	assert_true(n > 3 && n < 100);
	hosted_fail_at = 0;
}

/* --- keys and values -------------------------------------------------- */

static void
a_value_is_read(void **state)
{
	size_t len;

	start();
	assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.a", value, 100, &len),
	    0);
	assert_string_equal(value, "value");
	assert_int_equal(len, 5);
	assert_true(host_heard("rpc \"info-get guestinfo.a\""));
}

static void
what_is_not_there_is_invalid(void **state)
{
	start();
	assert_int_equal(get("guestinfo.none"), EINVAL);
	assert_int_equal(get("other"), EINVAL);
	assert_int_equal(get(""), EINVAL);
	assert_works();
}

static void
there_is_no_list(void **state)
{
	start();
	assert_int_equal(kv(PVBUSIOC_KVLIST, "", value, 100, NULL),
	    EOPNOTSUPP);
}

static void
sizes(bool hb)
{
	static const size_t size[] = { 0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65,
	    4095, 4096, 4097, 32768, 65533, 65534, 65535 };
	size_t len;
	u_int i;

	opt_hb = hb;
	start();
	for (i = 0; i < nitems(size); i++) {
		set("guestinfo.big", big, size[i]);
		memset(value, 'z', sizeof(value));
		assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.big", value,
		    size[i] + 1, &len), 0);
		assert_int_equal(len, size[i]);
		assert_memory_equal(value, big, size[i]);
		assert_int_equal(value[size[i]], '\0');
		assert_int_equal(value[size[i] + 1], 'z');
		if (size[i] == 0)
			continue;
		assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.big", value,
		    size[i], NULL), ERANGE);
	}
	assert_works();
}

static void
values_of_any_size_come_by_words(void **state)
{
	sizes(false);
}

static void
values_of_any_size_come_at_once(void **state)
{
	sizes(true);
}

static void
a_value_that_no_program_can_have_is_out_of_range(void **state)
{
	static char huge[VMWARE_VALUE];

	start();
	memset(huge, 'h', sizeof(huge));
	set("guestinfo.big", huge, 65536);
	assert_int_equal(get("guestinfo.big"), ERANGE);
	set("guestinfo.big", huge, sizeof(huge));
	assert_int_equal(get("guestinfo.big"), ERANGE);
	assert_works();
}

static void
every_byte_comes_through(void **state)
{
	char all[257];
	size_t len, i;
	u_int hb;

	for (i = 0; i < sizeof(all); i++)
		all[i] = i;			/* and a NUL behind them */
	start();
	for (hb = 0; hb < 2; hb++) {
		opt_hb = hb;
		set("guestinfo.b", all, 256);
		assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.b", value,
		    1000, &len), 0);
		assert_int_equal(len, 256);
		assert_memory_equal(value, all, 256);
		assert_int_equal(put("guestinfo.w", all + 1 + hb), 0);
		assert_int_equal(vmware_get("guestinfo.w", &len) == NULL, 0);
		assert_int_equal(len, 255 - hb);
		assert_memory_equal(vmware_get("guestinfo.w", &len),
		    all + 1 + hb, 255 - hb);
	}
}

static void
a_value_is_written(void **state)
{
	start();
	assert_int_equal(put("guestinfo.new", "some words"), 0);
	assert_true(host_has("guestinfo.new", "some words"));
	assert_true(host_heard("rpc \"info-set guestinfo.new some words\""));
	/* the host has nothing to say to it */
	assert_string_equal(value, "");
	assert_int_equal(put("guestinfo.new", "others"), 0);
	assert_true(host_has("guestinfo.new", "others"));
}

static void
an_empty_value_is_written(void **state)
{
	start();
	assert_int_equal(put("guestinfo.a", ""), 0);
	assert_true(host_has("guestinfo.a", ""));
}

static void
a_write_that_is_refused_is_invalid(void **state)
{
	start();
	assert_int_equal(put("other.key", "x"), EINVAL);
	assert_string_equal(value, "x");
	assert_works();
}

/* A message has 64 KB, of which the command takes some. */
static void
long_values_are_written_whole_or_not(void **state)
{
	static const size_t size[] = { 1, 3, 4, 5, 4096, 65000, 65514, 65515,
	    65516, 65535 };
	const void *v;
	size_t len;
	u_int i, hb;
	int error;

	start();
	for (i = 0; i < nitems(size); i++) {
		for (hb = 0; hb < 2; hb++) {
			opt_hb = hb;
			(void)vmware_set("guestinfo.w", NULL, 0);
			memcpy(value, big, size[i]);
			value[size[i]] = '\0';
			error = kv(PVBUSIOC_KVWRITE, "guestinfo.w", value,
			    size[i] + 1, NULL);
			v = vmware_get("guestinfo.w", &len);
			if (size[i] > 65536 - strlen("info-set guestinfo.w ")) {
				assert_int_equal(error, ERANGE);
				assert_null(v);
				continue;
			}
			assert_int_equal(error, 0);
			assert_non_null(v);
			assert_int_equal(len, size[i]);
			assert_memory_equal(v, big, len);
		}
	}
	assert_works();
}

static void
what_the_host_says_to_a_write_is_passed_on(void **state)
{
	start();
	reply_is("1 noted", 7);
	strlcpy(value, "xx", sizeof(value));
	assert_int_equal(kv(PVBUSIOC_KVWRITE, "guestinfo.a", value, 3, NULL),
	    ERANGE);				/* and not cut off */
	reply_is("1 noted", 7);
	assert_int_equal(put("guestinfo.a", "longer value"), 0);
	assert_string_equal(value, "noted");
}

/* Nothing of what was there before comes with it. */
static void
an_answer_of_one_byte_is_empty(void **state)
{
	size_t len;

	start();
	set("guestinfo.b", "leftover", 8);
	assert_int_equal(get("guestinfo.b"), 0);
	reply_is("1", 1);
	assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.b", value, 100, &len),
	    0);
	assert_int_equal(len, 0);
	assert_string_equal(value, "");
	reply_is("1 leftover", 10);
	assert_int_equal(put("guestinfo.b", "0123456789"), 0);
	reply_is("1", 1);
	assert_int_equal(put("guestinfo.b", "0123456789"), 0);
	assert_string_equal(value, "");
	reply_is("0", 1);
	assert_int_equal(get("guestinfo.b"), EINVAL);
}

static void
a_host_without_cookies_will_do(void **state)
{
	opt_cookies = 0;
	start();
	assert_works();
	assert_int_equal(put("guestinfo.a", "other"), 0);
	assert_true(host_has("guestinfo.a", "other"));
	assert_true(host_heard("tclo-reply \"OK ATR toolbox\""));
}

static void
each_request_closes_its_channel(void **state)
{
	u_int i;

	start();
	for (i = 0; i < 3 * CHANNELS; i++)
		assert_works();
	for (i = 0; i < 3 * CHANNELS; i++)
		assert_int_equal(get("guestinfo.none"), EINVAL);
	count_channels();
	assert_int_equal(nrpci, 0);
	end();
	for (i = 0; i < CHANNELS; i++)
		assert_int_equal(channels[i].protocol, 0);
}

/* --- interruptions ---------------------------------------------------- */

static void
a_checkpoint_at_any_step_is_no_failure(void **state)
{
	static const char text[] = "a value of some length, in many words";
	u_int hb, i;

	start();
	set("guestinfo.b", text, strlen(text));
	for (hb = 0; hb < 2; hb++) {
		opt_hb = hb;
		for (i = 1; i < 60; i++) {
			opt_checkpoint = i;
			assert_int_equal(get("guestinfo.b"), 0);
			assert_string_equal(value, text);
			if (opt_checkpoint != 0)
				break;		/* not reached any more */
		}
		assert_true(i > (hb ? 3 : 12) && i < 60);
		for (i = 1; i < 60; i++) {
			opt_checkpoint = i;
			assert_int_equal(put("guestinfo.w", text), 0);
			assert_true(host_has("guestinfo.w", text));
			if (opt_checkpoint != 0)
				break;
		}
		opt_checkpoint = 0;
	}
}

static void
always_a_checkpoint(struct backdoor *bd, enum backdoor_insn insn,
    uint32_t step)
{
	if (insn != BACKDOOR_IN)
		bd->bd_bx = CPT << 16;
	else if (step == SENDPAYLOAD || step == RECVPAYLOAD ||
	    step == RECVSTATUS)
		bd->bd_cx = CPT << 16;
}

static void
checkpoints_without_end_are_a_failure(void **state)
{
	u_int hb, before;

	start();
	for (hb = 0; hb < 2; hb++) {
		opt_hb = hb;
		lie = always_a_checkpoint;
		before = nsteps;
		assert_int_equal(get("guestinfo.a"), EIO);
		assert_true(nsteps - before < 1000);
		lie = NULL;
		assert_works();
	}
}

static void
a_checkpoint_that_closes_channels_fails_one_request(void **state)
{
	start();
	opt_hb = 0;
	opt_checkpoint = 2;
	opt_checkpoint_close = 1;
	assert_int_equal(get("guestinfo.a"), EIO);
	opt_checkpoint_close = 0;
	assert_works();
	/* and the tools are asked again, later */
	hosted_run(12 * SECOND);
	host_forgets();
	(void)vmware_tclo("ping", 4);
	hosted_run(3 * SECOND);
	assert_true(host_heard("tclo-reply \"OK \""));
	nbroken = 0;			/* requests to closed channels */
}

static void
a_channel_closed_in_the_middle_fails_one_request(void **state)
{
	u_int hb, i;
	int error;

	start();
	for (hb = 0; hb < 2; hb++) {
		opt_hb = hb;
		for (i = 1; i < 30; i++) {
			opt_drop = i;
			error = get("guestinfo.a");
			if (opt_drop != 0)
				break;
			assert_int_equal(error, EIO);
			assert_works();
		}
		assert_int_equal(error, 0);
		assert_true(i > (hb ? 2 : 6));
		opt_drop = 0;
	}
	nbroken = 0;
}

static void
a_status_that_is_wrong_fails_one_request(void **state)
{
	static const uint16_t status[] = { 0, 0x4, 0x10, 0x80, 0x2, 0x6,
	    0xff6c, 0xfffe };
	u_int i, k;
	int error;

	opt_hb = 0;
	start();
	for (i = 0; i < nitems(status); i++) {
		for (k = 0; k < 40; k++) {
			opt_status = status[i];
			opt_status_after = k;
			opt_status_times = 1;
			error = get("guestinfo.a");
			if (opt_status_times != 0)
				break;
			if (error == 0)
				assert_string_equal(value, "value");
			else
				assert_int_equal(error, EIO);
			/* what an open or close that was denied left open */
			channels_end(PROTOCOL_RPCI);
			assert_works();
		}
		assert_true(k > 10 && k < 40);
		opt_status = ~0ULL;
	}
	nbroken = 0;
}

static void
a_host_that_opens_no_channel_is_an_error(void **state)
{
	start();
	opt_refuse = 2;			/* with cookies, and without */
	assert_int_equal(get("guestinfo.a"), EIO);
	assert_works();
	opt_refuse = 1;
	assert_works();
}

static uint32_t	lied_step, lied_type;

static void
other_type(struct backdoor *bd, enum backdoor_insn insn, uint32_t step)
{
	if (insn == BACKDOOR_IN && step == lied_step)
		bd->bd_dx = (bd->bd_dx & 0xffff) | lied_type << 16;
}

static void
an_answer_of_another_type_is_an_error(void **state)
{
	static const uint32_t step[] = { RECVSIZE, RECVPAYLOAD };
	u_int i, t;
	int error;

	opt_hb = 0;
	start();
	for (i = 0; i < nitems(step); i++) {
		for (t = 0; t < 8; t++) {
			lied_step = step[i];
			lied_type = t;
			lie = other_type;
			error = get("guestinfo.a");
			lie = NULL;
			assert_int_equal(error, t == (step[i] == RECVSIZE ?
			    SENDSIZE : SENDPAYLOAD) ? 0 : EIO);
			assert_works();
		}
	}
}

static uint32_t	lied_size;

static void
other_size(struct backdoor *bd, enum backdoor_insn insn, uint32_t step)
{
	if (insn == BACKDOOR_IN && step == RECVSIZE &&
	    (STEP(bd->bd_cx) & DORECV))
		bd->bd_bx = lied_size;
}

/* "1 value" in a length that it has not. */
static void
a_length_that_is_no_answers_is_an_error(void **state)
{
	static const struct {
		uint32_t size;
		int	 error;
		size_t	 len;
	} row[] = {
		{ 0, EIO, 0 }, { 1, 0, 0 }, { 2, 0, 0 }, { 3, 0, 1 },
		{ 6, 0, 4 }, { 17, 0, 15 }, { 18, ERANGE, 0 },
		{ 19, ERANGE, 0 }, { 65536, ERANGE, 0 },
		{ 1U << 31, ERANGE, 0 }, { UINT32_MAX - 1, ERANGE, 0 },
		{ UINT32_MAX, ERANGE, 0 },
	};
	size_t len;
	u_int i, hb;

	start();
	for (i = 0; i < nitems(row); i++) {
		for (hb = 0; hb < 2; hb++) {
			opt_hb = hb;
			lied_size = row[i].size;
			lie = other_size;
			memset(value, 'z', 64);
			assert_int_equal(kv(PVBUSIOC_KVREAD, "guestinfo.a",
			    value, 16, &len), row[i].error);
			lie = NULL;
			if (row[i].error == 0) {
				assert_int_equal(len, row[i].len);
				assert_memory_equal(value, "value",
				    MIN(len, 5));
			} else
				assert_int_equal(value[0], 'z');
			assert_int_equal(value[16], 'z');
			assert_works();
		}
	}
}

static void
an_answer_without_its_mark_is_an_error(void **state)
{
	static const char *const answer[] = { "", " ", "2 x", "x", "1value",
	    "10", "0no", "\0" "1 ", "value", "-1 x", " 1 x" };
	u_int i;

	start();
	for (i = 0; i < nitems(answer); i++) {
		reply_is(answer[i], answer[i][0] == '\0' && i != 0 ? 3 :
		    strlen(answer[i]));
		assert_int_equal(get("guestinfo.a"), EIO);
		reply_is(answer[i], strlen(answer[i]));
		assert_int_equal(put("guestinfo.a", "x"), EIO);
		assert_true(host_has("guestinfo.a", "value"));
	}
	assert_works();
}

/* --- answers that are late -------------------------------------------- */

static void
an_answer_that_is_late_is_waited_for(void **state)
{
	uint64_t before;

	start();
	opt_late = 20;
	before = hosted_now;
	assert_works();
	assert_true(hosted_now - before <= SECOND);
	assert_int_equal(put("guestinfo.a", "late"), 0);
	assert_true(host_has("guestinfo.a", "late"));
}

static void
an_answer_that_never_comes_is_given_up(void **state)
{
	uint64_t before;

	start();
	opt_never = 1;
	before = hosted_now;
	assert_int_equal(get("guestinfo.a"), EIO);
	assert_true(hosted_now - before >= 100 * MSEC);
	assert_true(hosted_now - before <= 10 * SECOND);
	opt_never = 0;
	assert_works();
}

/* --- many at once ----------------------------------------------------- */

#define NCALLER	20

static struct caller {
	char	key[24], wanted[24], got[24];
	u_int	left;
	int	error;
} caller[NCALLER];

static void
call(void *arg)
{
	struct caller *c = arg;

	for (; c->left > 0 && c->error == 0; c->left--) {
		c->error = kv(PVBUSIOC_KVREAD, c->key, c->got, sizeof(c->got),
		    NULL);
		if (c->error == 0 && strcmp(c->got, c->wanted) != 0)
			c->error = -1;
	}
}

static void
callers(u_int times, struct thread **td)
{
	struct caller *c;
	u_int i;

	for (i = 0; i < NCALLER; i++) {
		c = &caller[i];
		c->left = times;
		c->error = 0;
		snprintf(c->key, sizeof(c->key), "guestinfo.k%u", i);
		snprintf(c->wanted, sizeof(c->wanted), "v%u", i * i);
		set(c->key, c->wanted, strlen(c->wanted));
		assert_int_equal(kthread_create(call, c, PRI_KERN, "c",
		    &td[i]), 0);
	}
}

static void
many_callers_share_four_channels(void **state)
{
	struct thread *td[NCALLER];
	u_int i;

	start();
	most_rpci = 0;
	opt_late = 2;
	callers(5, td);
	for (i = 0; i < NCALLER; i++) {
		kthread_join(td[i]);
		assert_int_equal(caller[i].error, 0);
		assert_int_equal(caller[i].left, 0);
	}
	assert_in_range(most_rpci, 2, 4);
	assert_int_equal(nrpci, 0);
}

static void
a_detach_waits_for_who_is_asking(void **state)
{
	struct thread *td[NCALLER];
	u_int i, k;

	for (k = 0; k < 30; k++) {
		attach();
		opt_late = 3;
		callers(3, td);
		hosted_run(k * 7 * MSEC);
		sim_detach();
		for (i = 0; i < NCALLER; i++) {
			kthread_join(td[i]);
			if (caller[i].error != 0)
				assert_int_equal(caller[i].error, ENXIO);
		}
		end();
		count_channels();
		assert_int_equal(nrpci, 0);
		assert_int_equal(hosted_nallocs, 0);
		host_reset();
	}
}

static void
a_detach_at_any_moment_leaves_nothing(void **state)
{
	u_int i, k;

	for (k = 0; k < 60; k++) {
		host_reset();
		opt_late = k % 4;
		(void)vmware_tclo("Capabilities_Register", 21);
		attach();
		hosted_run(k * 23 * MSEC);
		end();
		assert_int_equal(hosted_nallocs, 0);
		for (i = 0; i < CHANNELS; i++)
			assert_int_equal(channels[i].protocol, 0);
	}
}

/* --- what the host asks ----------------------------------------------- */

static void
request(const char *text)
{
	host_forgets();
	assert_null(vmware_tclo(text, strlen(text)));
	hosted_run(3 * SECOND);
}

static void
each_request_has_its_answer(void **state)
{
	static const struct {
		const char *text, *reply, *told;
	} row[] = {
		{ "reset", "OK ATR toolbox", NULL },
		{ "ping", "OK ", NULL },
		{ "OS_PowerOn", "OK ",
		    "rpc \"tools.os.statechange.status 1 3\"" },
		{ "OS_Resume", "OK ",
		    "rpc \"tools.os.statechange.status 1 4\"" },
		{ "OS_Suspend", "OK ",
		    "rpc \"tools.os.statechange.status 1 5\"" },
		{ "Capabilities_Register", "OK ",
		    "rpc \"vmx.capability.unified_loop toolbox\"" },
		{ "Set_Option broadcastIP 1",
		    "ERROR Unable to find guest IP address", NULL },
		{ "Set_Option broadcastIP 0", "ERROR Unknown command", NULL },
		{ "", "ERROR Unknown command", NULL },
		{ "OS_Hal", "ERROR Unknown command", NULL },
		{ "OS_Halt now", "ERROR Unknown command", NULL },
		{ "os_halt", "ERROR Unknown command", NULL },
		{ "what is this", "ERROR Unknown command", NULL },
	};
	char line[80];
	u_int i;

	start();
	for (i = 0; i < nitems(row); i++) {
		request(row[i].text);
		snprintf(line, sizeof(line), "tclo-reply \"%s\"\n",
		    row[i].reply);
		if (!host_heard(line))
			fail_msg("%s: not %s but %s", row[i].text, line, said);
		if (row[i].told != NULL && !host_heard(row[i].told))
			fail_msg("%s: %s", row[i].text, said);
	}
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
	assert_false(host_heard("tclo-unasked"));
	assert_false(sim_said("does not talk"));
}

static void
a_request_is_seen_within_a_second_or_two(void **state)
{
	start();
	host_forgets();
	(void)vmware_tclo("ping", 4);
	hosted_run(1500 * MSEC);
	assert_true(host_heard("tclo-reply \"OK \""));
}

static void
a_halt_is_obeyed_and_acknowledged(void **state)
{
	start();
	request("OS_Halt");
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(sim_nreboot, 0);
	assert_true(host_heard("rpc \"tools.os.statechange.status 1 1\""));
	assert_true(host_heard("tclo-reply \"OK \""));
}

static void
a_reboot_is_obeyed_and_acknowledged(void **state)
{
	start();
	request("OS_Reboot");
	assert_int_equal(sim_nreboot, 1);
	assert_int_equal(sim_npoweroff, 0);
	assert_true(host_heard("rpc \"tools.os.statechange.status 1 2\""));
	assert_true(host_heard("tclo-reply \"OK \""));
}

static void
who_we_are_is_told_when_asked_for(void **state)
{
	start();
	assert_false(host_heard("SetGuestInfo"));
	request("Capabilities_Register");
	assert_true(host_heard("rpc \"tools.capability.statechange \""));
	assert_true(host_heard("rpc \"tools.set.version 2147483647\""));
	assert_true(host_heard("rpc \"SetGuestInfo  5 Paravane (hosted)\""));
	assert_true(host_heard("rpc \"SetGuestInfo  6 other-64\""));
	assert_true(host_heard("rpc \"SetGuestInfo  1 hosted\""));
	host_forgets();
	hosted_run(60 * SECOND);
	assert_string_equal(said, "");		/* nothing is new */
	strlcpy(hostname, "renamed", 16);
	hosted_run(30 * SECOND);
	strlcpy(hostname, "hosted", 16);
	assert_true(host_heard("rpc \"SetGuestInfo  1 renamed\""));
}

static void
a_host_that_refuses_what_we_are_is_told(void **state)
{
	start();
	reply_is("0 no", 4);
	request("Capabilities_Register");
	assert_true(host_heard("tclo-reply \"ERROR"));
	request("Capabilities_Register");
	assert_true(host_heard("tclo-reply \"OK \""));
}

static void
a_request_that_is_too_long_is_refused(void **state)
{
	char text[TCLO_SIZE];
	size_t len;

	start();
	memset(text, 'x', sizeof(text));
	for (len = 510; len <= sizeof(text); len += len < 514 ? 1 : 255) {
		host_forgets();
		assert_null(vmware_tclo(text, len));
		hosted_run(3 * SECOND);
		assert_true(host_heard("tclo-reply \"ERROR Unknown command"));
	}
	request("ping");
	assert_true(host_heard("tclo-reply \"OK \""));
	assert_false(sim_said("does not talk"));
}

static void
a_request_of_a_length_that_cannot_be_does_no_harm(void **state)
{
	static const uint32_t size[] = { 511, 512, 65536, 1U << 31,
	    UINT32_MAX - 4, UINT32_MAX };
	u_int i, hb;

	start();
	for (i = 0; i < nitems(size); i++) {
		for (hb = 0; hb < 2; hb++) {
			opt_hb = hb;
			opt_toolong = size[i] - 4;
			opt_toolong_times = 1;
			request("ping");
			assert_int_equal(opt_toolong_times, 0);
		}
	}
	hosted_run(12 * SECOND);
	request("ping");
	assert_true(host_heard("tclo-reply \"OK \""));
}

static void
many_requests_are_answered_one_by_one(void **state)
{
	const char *p = said;
	u_int i, n = 0;

	start();
	host_forgets();
	for (i = 0; i < TCLO_QUEUE; i++)
		assert_null(vmware_tclo("ping", 4));
	hosted_run(5 * SECOND);
	for (; (p = strstr(p, "tclo-reply \"OK \"")) != NULL; p++)
		n++;
	assert_int_equal(n, TCLO_QUEUE);
}

static void
no_answer_goes_out_unasked(void **state)
{
	start();
	host_forgets();
	hosted_run(20 * SECOND);
	assert_string_equal(said, "");
}

static void
a_host_that_goes_and_comes_back_is_a_line_each(void **state)
{
	start();
	request("Capabilities_Register");
	opt_dead = 1;
	hosted_run(120 * SECOND);
	assert_int_equal(lines_with("vmt0: the host does not talk to us"), 1);
	assert_int_equal(lines_with("vmt0: the host is back"), 0);
	assert_int_equal(get("guestinfo.a"), EIO);
	opt_dead = 0;
	memset(channels, 0, sizeof(channels));
	hosted_run(60 * SECOND);
	assert_int_equal(lines_with("vmt0: the host does not talk to us"), 1);
	assert_int_equal(lines_with("vmt0: the host is back"), 1);
	assert_works();
	request("ping");
	assert_true(host_heard("tclo-reply \"OK \""));
	/* it is another host, that is told what we are when it asks */
	host_forgets();
	strlcpy(hostname, "renamed", 16);
	hosted_run(60 * SECOND);
	assert_false(host_heard("SetGuestInfo"));
	request("Capabilities_Register");
	strlcpy(hostname, "hosted", 16);
	assert_true(host_heard("SetGuestInfo  1 renamed"));
}

static void
a_host_that_restores_the_machine_is_talked_to_again(void **state)
{
	start();
	/* all channels are gone, as after a move */
	memset(channels, 0, sizeof(channels));
	hosted_run(30 * SECOND);
	nbroken = 0;
	request("ping");
	assert_true(host_heard("tclo-reply \"OK \""));
}

/* Only when it is idle is it known how often the host is left for. */
static void
an_idle_guest_asks_once_a_second(void **state)
{
	u_int before;

	start();
	before = nsteps;
	hosted_run(60 * SECOND);
	assert_in_range(nsteps - before, 60, 240);
	opt_dead = 1;
	hosted_run(20 * SECOND);
	before = nsteps;
	hosted_run(60 * SECOND);
	assert_in_range(nsteps - before, 1, 60);
	opt_dead = 0;
}

static void
nonsense_from_the_host_does_no_harm(void **state)
{
	u_int i;

	for (i = 0; i < 60; i++) {
		host_reset();
		set("guestinfo.a", big, 1 + sim_random(300));
		attach();
		wild = 1 + sim_random(40);
		opt_hb = sim_random(2);
		opt_late = sim_random(3);
		opt_drop = sim_random(20);
		(void)vmware_tclo("Capabilities_Register", 21);
		(void)vmware_tclo("ping", 4);
		(void)kv(PVBUSIOC_KVREAD, "guestinfo.a", value,
		    1 + sim_random(400), NULL);
		(void)put("guestinfo.w", "some value");
		hosted_run(sim_random(20) * SECOND);
		(void)sensor();
		end();
		assert_int_equal(hosted_nallocs, 0);
		/* a close that went to another channel leaves one */
		memset(channels, 0, sizeof(channels));
	}
}

/* --- time ------------------------------------------------------------- */

static uint64_t
wall_ms(void)
{
	return (nsecwall() / MSEC);
}

static void
the_hosts_time_is_ours(void **state)
{
	start();
	assert_int_equal(time_resync(), 0);
	assert_in_range(wall_ms(), EPOCH * 1000 + hosted_now / MSEC - 1,
	    EPOCH * 1000 + hosted_now / MSEC + 1);
	assert_string_equal(sensor(), "0.000000 secs");
}

static void
no_full_time(struct backdoor *bd, enum backdoor_insn insn, uint32_t step)
{
	uint64_t now = EPOCH * SECOND + hosted_now;

	/* of a time before those commands: EAX as it was is no answer */
	if (bd->bd_ax == VMWARE_MAGIC && bd->bd_si == now / SECOND >> 32 &&
	    bd->bd_dx == (uint32_t)(now / SECOND))
		bd->bd_ax = UINT32_MAX;
}

static void
an_old_host_tells_the_time_in_its_way(void **state)
{
	start();
	lie = no_full_time;
	assert_int_equal(time_resync(), 0);
	assert_in_range(wall_ms(), EPOCH * 1000 + hosted_now / MSEC - 1,
	    EPOCH * 1000 + hosted_now / MSEC + 1);
	assert_string_equal(sensor(), "0.000000 secs");
}

static void
the_sensor_is_how_far_we_are_ahead(void **state)
{
	start();
	assert_int_equal(time_resync(), 0);
	hv_clock.jump = 1500 * MSEC;
	assert_string_equal(sensor(), "-1.500000 secs");
	hv_clock.jump = -250 * (int64_t)MSEC;
	assert_string_equal(sensor(), "0.250000 secs");
}

static void
a_pause_of_the_machine_is_made_up_for(void **state)
{
	start();
	assert_int_equal(time_resync(), 0);
	(void)nsecwall();
	hv_clock.jump = 3600 * (int64_t)SECOND;
	hosted_run(3 * SECOND);
	assert_in_range(wall_ms(), (EPOCH + 3600) * 1000 + hosted_now / MSEC -
	    1, (EPOCH + 3600) * 1000 + hosted_now / MSEC + 1);
	assert_int_equal(lines_with("clock: 3600 s behind the time of day"),
	    1);
}

static void
a_resume_sets_the_clock_once(void **state)
{
	start();
	assert_int_equal(time_resync(), 0);
	hv_clock.jump = 3600 * (int64_t)SECOND;
	request("OS_Resume");
	assert_int_equal(lines_with("vmt0: resumed, clock set"), 1);
	assert_in_range(wall_ms(), (EPOCH + 3600) * 1000 + hosted_now / MSEC -
	    1, (EPOCH + 3600) * 1000 + hosted_now / MSEC + 1);
	hosted_run(5 * SECOND);
	assert_string_equal(sensor(), "0.000000 secs");
}

static void
resumes_without_end_are_a_few_lines(void **state)
{
	u_int i;

	start();
	for (i = 0; i < 12; i++)
		(void)vmware_tclo("OS_Resume", 9);
	hosted_run(3 * SECOND);
	assert_in_range(lines_with("vmt0: resumed"), 1, 9);
}

static uint64_t	time_reg[5];			/* ax, bx, dx, si; valid */

static void
other_time(struct backdoor *bd, enum backdoor_insn insn, uint32_t step)
{
	bd->bd_ax = time_reg[0];
	bd->bd_bx = time_reg[1];
	bd->bd_dx = time_reg[2];
	bd->bd_si = time_reg[3];
}

static void
a_time_that_cannot_be_is_unknown(void **state)
{
	static const uint64_t row[][4] = {
		{ UINT32_MAX, 0, 0, 0 },
		{ VMWARE_MAGIC, 1000000, EPOCH, 0 },
		{ VMWARE_MAGIC, UINT32_MAX, EPOCH, 0 },
		{ VMWARE_MAGIC, 0, 0, UINT32_MAX },
		{ VMWARE_MAGIC, 0, UINT32_MAX, UINT32_MAX },
		{ VMWARE_MAGIC, 0, 0, 0x80000000 },
		{ VMWARE_MAGIC, 0, 0, 3 },	/* in the year 2378 */
		{ 0, 0, 0, 0 },
	};
	uint64_t before;
	u_int i;

	start();
	assert_int_equal(time_resync(), 0);
	for (i = 0; i < nitems(row); i++) {
		memcpy(time_reg, row[i], sizeof(row[i]));
		before = nsecwall() - hosted_now;
		lie = other_time;
		assert_string_equal(sensor(), "unknown");
		assert_int_not_equal(time_resync(), 0);
		lie = NULL;
		assert_int_equal(nsecwall() - hosted_now, before);
	}
	opt_no_time = 1;
	assert_string_equal(sensor(), "unknown");
	opt_no_time = 0;
	assert_string_equal(sensor(), "0.000000 secs");
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_says_who_is_there),
		TEST(without_the_backdoor_there_is_no_driver),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(a_value_is_read),
		TEST(what_is_not_there_is_invalid),
		TEST(there_is_no_list),
		TEST(values_of_any_size_come_by_words),
		TEST(values_of_any_size_come_at_once),
		TEST(a_value_that_no_program_can_have_is_out_of_range),
		TEST(every_byte_comes_through),
		TEST(a_value_is_written),
		TEST(an_empty_value_is_written),
		TEST(a_write_that_is_refused_is_invalid),
		TEST(long_values_are_written_whole_or_not),
		TEST(what_the_host_says_to_a_write_is_passed_on),
		TEST(an_answer_of_one_byte_is_empty),
		TEST(a_host_without_cookies_will_do),
		TEST(each_request_closes_its_channel),
		TEST(a_checkpoint_at_any_step_is_no_failure),
		TEST(checkpoints_without_end_are_a_failure),
		TEST(a_checkpoint_that_closes_channels_fails_one_request),
		TEST(a_channel_closed_in_the_middle_fails_one_request),
		TEST(a_status_that_is_wrong_fails_one_request),
		TEST(a_host_that_opens_no_channel_is_an_error),
		TEST(an_answer_of_another_type_is_an_error),
		TEST(a_length_that_is_no_answers_is_an_error),
		TEST(an_answer_without_its_mark_is_an_error),
		TEST(an_answer_that_is_late_is_waited_for),
		TEST(an_answer_that_never_comes_is_given_up),
		TEST(many_callers_share_four_channels),
		TEST(a_detach_waits_for_who_is_asking),
		TEST(a_detach_at_any_moment_leaves_nothing),
		TEST(each_request_has_its_answer),
		TEST(a_request_is_seen_within_a_second_or_two),
		TEST(a_halt_is_obeyed_and_acknowledged),
		TEST(a_reboot_is_obeyed_and_acknowledged),
		TEST(who_we_are_is_told_when_asked_for),
		TEST(a_host_that_refuses_what_we_are_is_told),
		TEST(a_request_that_is_too_long_is_refused),
		TEST(a_request_of_a_length_that_cannot_be_does_no_harm),
		TEST(many_requests_are_answered_one_by_one),
		TEST(no_answer_goes_out_unasked),
		TEST(a_host_that_goes_and_comes_back_is_a_line_each),
		TEST(a_host_that_restores_the_machine_is_talked_to_again),
		TEST(an_idle_guest_asks_once_a_second),
		TEST(nonsense_from_the_host_does_no_harm),
		TEST(the_hosts_time_is_ours),
		TEST(an_old_host_tells_the_time_in_its_way),
		TEST(the_sensor_is_how_far_we_are_ahead),
		TEST(a_pause_of_the_machine_is_made_up_for),
		TEST(a_resume_sets_the_clock_once),
		TEST(resumes_without_end_are_a_few_lines),
		TEST(a_time_that_cannot_be_is_unknown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
