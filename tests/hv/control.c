/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What the test says on its port, a line each; README has the commands. */

#include "shim.h"

#define LINE	(4 * VMWARE_VALUE + 256)	/* a value with all escaped */
#define PATIENCE 20000				/* looks for more of a line */

static char	line[LINE];
static size_t	length;
static bool	too_long, going;
static char	answer_text[LINE];

bool	msr_events;

static void __attribute__((format(printf, 1, 2)))
answer(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	format(answer_text, sizeof(answer_text), f, ap);
	va_end(ap);
	control_say(answer_text, strlen(answer_text));
}

/* Cuts the first word off; what follows it. */
static char *
cut(char *s)
{
	char *end = strchr(s, ' ');

	if (end == NULL)
		return (s + strlen(s));
	*end = '\0';
	return (end + 1);
}

static const struct {
	const char *prefix;
	bool (*option)(const char *, const char *);
} options[] = {
	{ "kvm.",	kvm_option },
	{ "hyperv.",	hyperv_option },
	{ "vmware.",	vmware_option },
	{ "xen.",	xen_option },
	{ "",		hv_clock_option },
};

bool
control_option(char *word)
{
	char *value = strchr(word, '=');
	unsigned int i;

	if (value == NULL)
		return (false);
	if (hv_prefix(word, "guestinfo.")) {
		*value++ = '\0';
		return (vmware_set(word, value, hv_unescape(value)) == NULL);
	}
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (hv_prefix(word, options[i].prefix)) {
			*value = '\0';
			if (options[i].option(word + strlen(options[i].prefix),
			    value + 1))
				return (true);
			*value = '=';
			return (false);
		}
	return (false);
}

static void
update(void)
{
	kvm_update();
	hyperv_update();
}

/* --- commands: what follows the name; NULL: done, else what is wrong ---- */

static const char *
do_option(char *s)
{
	char *next;

	for (; *s != '\0'; s = next) {
		next = cut(s);
		if (!control_option(s))
			return ("no such option, or no such value");
	}
	update();
	return (NULL);
}

static const char *
do_set(char *s)
{
	char *value = cut(s);

	return (vmware_set(s, value, hv_unescape(value)));
}

static const char *
do_unset(char *s)
{
	return (vmware_set(s, NULL, 0));
}

static const char *
do_fill(char *s)
{
	static char value[VMWARE_VALUE];
	char *size = cut(s);
	uint64_t n, i;

	if (!hv_number(size, &n) || n > sizeof(value))
		return ("no such size");
	for (i = 0; i < n; i++)
		value[i] = 'a' + i % 26;
	return (vmware_set(s, value, n));
}

static const char *
do_get(char *s)
{
	const void *value;
	size_t len, n = 3;

	value = vmware_get(s, &len);
	if (value == NULL)
		return ("no such key");
	memcpy(answer_text, "ok ", n);
	n += hv_escape(answer_text + n, sizeof(answer_text) - n, value, len);
	control_say(answer_text, n);
	return ("");
}

static const char *
do_list(char *s)
{
	const char *key;
	unsigned int i;
	size_t n = 2;

	memcpy(answer_text, "ok", n);
	for (i = 0; (key = vmware_key(i)) != NULL; i++)
		if (hv_prefix(key, s)) {
			answer_text[n++] = ' ';
			memcpy(answer_text + n, key, strlen(key));
			n += strlen(key);
		}
	control_say(answer_text, n);
	return ("");
}

static const char *
do_tclo(char *s)
{
	return (vmware_tclo(s, hv_unescape(s)));
}

static const char *
do_rpc_log(char *s)
{
	return (vmware_rpc_option("log", s) ? NULL : "on, off or full");
}

/* Short for an option of a number. */
static const char *
do_short(const char *name, const char *value)
{
	return (vmware_option(name, value) ? NULL : "no such number");
}

static const char *
do_late(char *s)
{
	return (do_short("late", s));
}

static const char *
do_toolong(char *s)
{
	const char *error = do_short("toolong", s);

	return (error != NULL ? error : do_short("toolong-times", "1"));
}

static const char *
do_refuse(char *s)
{
	return (do_short("refuse", s));
}

static const char *
do_drop(char *s)
{
	return (do_short("drop", s));
}

static const char *
do_checkpoint(char *s)
{
	return (do_short("checkpoint", s));
}

static const char *
do_nonsense(char *s)
{
	const char *error = do_short("status", *s != '\0' ? s : "0xff6c");

	return (error != NULL ? error : do_short("status-times", "1"));
}

static const char *
do_msrs(char *s)
{
	msr_events = strcmp(s, "on") == 0;
	return (msr_events || strcmp(s, "off") == 0 ? NULL : "on or off");
}

static const char *
do_jump(char *s)
{
	uint64_t ns;

	if (!hv_number(s, &ns))
		return ("how many nanoseconds?");
	hv_clock.jump += ns;
	update();
	return (NULL);
}

static const char *
do_wall(char *s)
{
	uint64_t ns;

	if (!hv_number(s, &ns))
		return ("how many nanoseconds?");
	hv_clock.epoch += ns;
	return (NULL);
}

static const char *
do_clock(char *s)
{
	uint64_t tsc = hv_tsc();

	(void)s;
	answer("ok %llu %llu %llu", (unsigned long long)hv_ns(tsc),
	    (unsigned long long)hv_wall(tsc), (unsigned long long)tsc);
	return ("");
}

static const char *
do_message(char *s)
{
	char *type = cut(s), *text = cut(type);
	uint64_t sint, number;

	if (!hv_number(s, &sint) || !hv_number(type, &number))
		return ("SINT TYPE TEXT");
	return (hyperv_message(sint, number, text, hv_unescape(text)));
}

static const char *
do_interrupt(char *s)
{
	uint64_t vector;

	if (!hv_number(s, &vector) || vector < 16 || vector > 255)
		return ("no such vector");
	hv_interrupt(vector, false);
	return (NULL);
}

static const char *
do_reset(char *s)
{
	(void)s;
	hv_reset();
	return (NULL);
}

static const char *
do_go(char *s)
{
	(void)s;
	going = true;
	return (NULL);
}

static const char *
do_ping(char *s)
{
	(void)s;
	return (NULL);
}

static const struct {
	const char *name;
	const char *(*run)(char *);
} commands[] = {
	{ "option",	do_option },
	{ "set",	do_set },
	{ "unset",	do_unset },
	{ "fill",	do_fill },
	{ "get",	do_get },
	{ "list",	do_list },
	{ "tclo",	do_tclo },
	{ "rpc-log",	do_rpc_log },
	{ "late",	do_late },
	{ "toolong",	do_toolong },
	{ "refuse",	do_refuse },
	{ "drop",	do_drop },
	{ "checkpoint",	do_checkpoint },
	{ "nonsense",	do_nonsense },
	{ "msrs",	do_msrs },
	{ "jump",	do_jump },
	{ "wall",	do_wall },
	{ "clock",	do_clock },
	{ "message",	do_message },
	{ "interrupt",	do_interrupt },
	{ "reset",	do_reset },
	{ "go",		do_go },
	{ "ping",	do_ping },
};

static void
run(char *s)
{
	char *arguments = cut(s);
	const char *error = "no such command";
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, s) == 0) {
			error = commands[i].run(arguments);
			break;
		}
	if (error == NULL)
		answer("ok");
	else if (*error != '\0')
		answer("error %s: %s", s, error);
}

static void
take_char(char c)
{
	if (c != '\n') {
		if (length < sizeof(line) - 1)
			line[length++] = c;
		else
			too_long = true;
		return;
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	if (too_long)
		answer("error the line is too long");
	else if (length > 0)
		run(line);
	length = 0;
	too_long = false;
}

/* The rest of a line that has begun is waited for, if it comes at once. */
void
control_poll(void)
{
	unsigned int patience = 0;
	int c;

	for (;;) {
		c = control_getc();
		if (c >= 0) {
			take_char(c);
			patience = length > 0 ? PATIENCE : 0;
		} else if (patience-- == 0)
			return;
	}
}

void
control_wait(void)
{
	if (!control_there())
		die("wait: there is no second serial port");
	while (!going)
		control_poll();
}
