/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The kernel's command line.  See cmdline.h.
 */

#include <sys/cmdline.h>
#include <sys/systm.h>

#define NWORDS	128

static char		 cmdline[CMDLINE_MAX + 1];
static const char	*cmdline_rest;		/* after "-- " */

static struct cmdword {
	const char	*cw_word;
	bool		 cw_known;
	bool		 cw_bad;
} words[NWORDS];
static u_int		 nwords;
static bool		 cut;			/* longer than we can keep */

static bool
blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

static void
add_word(const char *p)
{
	if (nwords < NWORDS)
		words[nwords++] = (struct cmdword){ .cw_word = p };
	else
		cut = true;
}

/*
 * Hypervisors put their words at the end, where they find no other place for
 * them, and so behind a command.
 */
static void
unhook_words(char *command)
{
	static const char hook[] = "virtio_mmio.device=";
	u_int first = nwords, last;
	struct cmdword cw;
	char *end, *p;

	for (;;) {
		for (end = command + strlen(command);
		    end > command && blank(end[-1]); end--)
			;
		for (p = end; p > command && !blank(p[-1]); p--)
			;
		if (strncmp(p, hook, sizeof(hook) - 1) != 0)
			break;
		*end = '\0';
		add_word(p);
		if (p == command) {
			/* the word stays where it is, the command is empty */
			cmdline_rest = end;
			break;
		}
		p[-1] = '\0';
	}
	/* in the order in which they stand */
	for (last = nwords; last > first + 1; first++) {
		cw = words[--last];
		words[last] = words[first];
		words[first] = cw;
	}
}

void
cmdline_init(const char *s, size_t len)
{
	char *p = cmdline;

	nwords = 0;
	cmdline_rest = NULL;
	len = strnlen(s, len);
	cut = len > CMDLINE_MAX;
	len = MIN(len, CMDLINE_MAX);
	memcpy(cmdline, s, len);
	cmdline[len] = '\0';
	for (;;) {
		while (blank(*p))
			*p++ = '\0';
		if (*p == '\0')
			break;
		if (p[0] == '-' && p[1] == '-' && (blank(p[2]) ||
		    p[2] == '\0')) {
			for (p += 2; blank(*p); p++)
				;
			cmdline_rest = p;
			unhook_words(p);
			break;
		}
		add_word(p);
		while (*p != '\0' && !blank(*p))
			p++;
	}
}

const char *
cmdline_get(const char *name, u_int nth)
{
	size_t n = strlen(name);
	u_int i;

	for (i = 0; i < nwords; i++) {
		const char *w = words[i].cw_word;

		if (strncmp(w, name, n) != 0 || (w[n] != '=' && w[n] != '\0'))
			continue;
		words[i].cw_known = true;
		if (nth-- == 0)
			return (w[n] == '=' ? w + n + 1 : w + n);
	}
	return (NULL);
}

int
cmdline_text(char *buf, size_t size)
{
	size_t n = 0;
	u_int i;

	if (size > 0)
		buf[0] = '\0';
	for (i = 0; i < nwords; i++)
		n += snprintf(buf + MIN(n, size), size - MIN(n, size), "%s%s",
		    i > 0 ? " " : "", words[i].cw_word);
	if (cmdline_rest != NULL)
		n += snprintf(buf + MIN(n, size), size - MIN(n, size),
		    "%s-- %s", n > 0 ? " " : "", cmdline_rest);
	return (n);
}

const char *
cmdline_command(void)
{
	return (cmdline_rest);
}

bool
cmdline_disabled(const char *name)
{
	const char *v;
	u_int i;

	for (i = 0; (v = cmdline_get("disable", i)) != NULL; i++) {
		if (strcmp(v, name) == 0)
			return (true);
	}
	return (false);
}

void
cmdline_bad(const char *name, const char *value)
{
	u_int i;

	for (i = 0; i < nwords; i++) {
		const char *w = words[i].cw_word;

		if (value < w || value > w + strlen(w))
			continue;
		if (!words[i].cw_bad)
			printf("command line: malformed value: %s\n", w);
		words[i].cw_bad = true;
		return;
	}
	printf("command line: malformed value: %s=%s\n", name, value);
}

void
cmdline_report(void)
{
	u_int i, j;

	if (cut)
		printf("command line: too long, the end is ignored\n");
	for (i = 0; i < nwords; i++) {
		if (words[i].cw_known)
			continue;
		for (j = 0; j < i; j++) {
			if (strcmp(words[i].cw_word, words[j].cw_word) == 0)
				break;
		}
		if (j == i)
			printf("command line: unknown word: %s\n",
			    words[i].cw_word);
	}
}
