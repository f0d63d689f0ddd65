/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What VMware's host does with the commands of its guest's tools, and the
 * store of guestinfo that both sides read and write.  A reply begins with
 * "1 " where it worked, else with "0 ".
 */

#include "hv.h"
#include "lib.h"

#define KEYS		128
#define KEY_SIZE	128
#define ARENA		(1024 * 1024)
#define GUESTINFO	"guestinfo."

#define WRONG_ARGUMENTS	"0 Two and exactly two arguments expected"

struct entry {
	char	 key[KEY_SIZE];
	size_t	 at, len;
};

/* Values lie one behind the other, in the order of the entries. */
static struct entry entries[KEYS];
static unsigned int nentries;
static char	arena[ARENA];
static size_t	used;

enum { LOG_OFF, LOG_ON, LOG_FULL };
static uint64_t	opt_log = LOG_ON;
static char	opt_reply[256];		/* instead of the right one */
static size_t	opt_reply_len;
static uint64_t	opt_reply_times;
static uint64_t	opt_nul;

static struct entry *
lookup(const char *key)
{
	unsigned int i;

	for (i = 0; i < nentries; i++)
		if (strcmp(entries[i].key, key) == 0)
			return (&entries[i]);
	return (NULL);
}

static void
forget(struct entry *e)
{
	unsigned int i, n = e - entries;
	size_t len = e->len;

	memmove(arena + e->at, arena + e->at + len, used - e->at - len);
	memmove(e, e + 1, (nentries - n - 1) * sizeof(*e));
	used -= len;
	nentries--;
	for (i = n; i < nentries; i++)
		entries[i].at -= len;
}

/* NULL as a value: the key is to go. */
const char *
vmware_set(const char *key, const void *value, size_t len)
{
	struct entry *e = lookup(key);

	if (*key == '\0' || strlen(key) >= KEY_SIZE)
		return ("no such key can be");
	if (len > VMWARE_VALUE)
		return ("the value is too long");
	if (e != NULL)
		forget(e);
	else if (value == NULL)
		return ("no such key");
	if (value == NULL)
		return (NULL);
	if (nentries == KEYS || len > ARENA - used)
		return ("the store is full");
	e = &entries[nentries++];
	memcpy(e->key, key, strlen(key) + 1);
	e->at = used;
	e->len = len;
	memcpy(arena + used, value, len);
	used += len;
	return (NULL);
}

const void *
vmware_get(const char *key, size_t *len)
{
	struct entry *e = lookup(key);

	if (e == NULL)
		return (NULL);
	*len = e->len;
	return (arena + e->at);
}

const char *
vmware_key(unsigned int i)
{
	return (i < nentries ? entries[i].key : NULL);
}

void
vmware_log(const char *what, const void *data, size_t len)
{
	static char text[4 * 64 * 1024 + 64];
	size_t shown = opt_log == LOG_FULL || len < 160 ? len : 160;

	if (opt_log == LOG_OFF)
		return;
	hv_escape(text, sizeof(text), data, shown);
	if (shown == len)
		hv_event("%s \"%s\"", what, text);
	else
		hv_event("%s \"%s\"... %u", what, text, (unsigned int)len);
}

/* --- commands: what follows the name ------------------------------------ */

static size_t
reply(char *out, const char *text)
{
	memcpy(out, text, strlen(text));
	return (strlen(text));
}

static size_t
info_get(const char *s, size_t len, char *out)
{
	char key[KEY_SIZE];
	const void *value;

	/* with blanks or not at its end */
	while (len > 0 && s[len - 1] == ' ')
		len--;
	if (len >= sizeof(key))
		return (reply(out, "0 No value found"));
	memcpy(key, s, len);
	key[len] = '\0';
	value = hv_prefix(key, GUESTINFO) ? vmware_get(key, &len) : NULL;
	if (value == NULL)
		return (reply(out, "0 No value found"));
	memcpy(out, "1 ", 2);
	memcpy(out + 2, value, len);
	return (len + 2);
}

static size_t
info_set(const char *s, size_t len, char *out)
{
	const char *blank = memchr(s, ' ', len);
	size_t n = blank == NULL ? len : (size_t)(blank - s);
	char key[KEY_SIZE];

	if (n == 0 || n >= sizeof(key))
		return (reply(out, WRONG_ARGUMENTS));
	memcpy(key, s, n);
	key[n] = '\0';
	if (!hv_prefix(key, GUESTINFO))
		return (reply(out, "0 Permission denied"));
	if (blank == NULL)
		return (reply(out, WRONG_ARGUMENTS));
	if (vmware_set(key, blank + 1, len - n - 1) != NULL)
		return (reply(out, "0 Value too long"));
	return (reply(out, "1 "));
}

static size_t
yes(const char *s, size_t len, char *out)
{
	(void)s;
	(void)len;
	return (reply(out, "1 "));
}

static const struct {
	const char *name;
	bool	 prefix;		/* and whatever goes on like this */
	size_t	 (*run)(const char *, size_t, char *);
} commands[] = {
	{ "info-get",			false,	info_get },
	{ "info-set",			false,	info_set },
	{ "log",			false,	yes },
	{ "vmx.capability.unified_loop", false, yes },
	{ "tools.set.version",		false,	yes },
	{ "tools.set.versiontype",	false,	yes },
	{ "tools.capability.",		true,	yes },
	{ "tools.os.statechange.status", false,	yes },
	{ "SetGuestInfo",		false,	yes },
	{ "SetGuestDiskInfo",		false,	yes },
};

static size_t
run(const char *s, size_t len, char *out)
{
	const char *blank;
	size_t n, skip, name;
	unsigned int i;

	/* the tools' library sends the NUL of a string along */
	if (len > 0 && s[len - 1] == '\0')
		len--;
	blank = memchr(s, ' ', len);
	n = blank == NULL ? len : (size_t)(blank - s);
	if (opt_reply_times > 0) {
		opt_reply_times--;
		memcpy(out, opt_reply, opt_reply_len);
		return (opt_reply_len);
	}
	skip = n < len ? n + 1 : n;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		name = strlen(commands[i].name);
		if ((n == name || (n > name && commands[i].prefix)) &&
		    memcmp(s, commands[i].name, name) == 0)
			return (commands[i].run(s + skip, len - skip, out));
	}
	return (reply(out, "0 Unknown command"));
}

size_t
vmware_rpc(const char *s, size_t len, char *out)
{
	size_t n = run(s, len, out);

	if (opt_nul)
		out[n++] = '\0';
	return (n);
}

bool
vmware_rpc_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "reply-times", &opt_reply_times },
		{ "nul",	&opt_nul },
	};

	if (strcmp(name, "log") == 0) {
		if (strcmp(value, "off") == 0)
			opt_log = LOG_OFF;
		else if (strcmp(value, "on") == 0)
			opt_log = LOG_ON;
		else if (strcmp(value, "full") == 0)
			opt_log = LOG_FULL;
		else
			return (false);
		return (true);
	}
	if (strcmp(name, "reply") == 0) {
		if (strlen(value) >= sizeof(opt_reply))
			return (false);
		memcpy(opt_reply, value, strlen(value) + 1);
		opt_reply_len = hv_unescape(opt_reply);
		opt_reply_times = 1;
		return (true);
	}
	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}
