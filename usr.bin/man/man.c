/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The manual is one file: pages that were formatted when it was made, each
 * behind a line that begins with a form feed and has names, section and what
 * it is about, with tabs between them.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/pager.h"
#include "../../bin/crunch/util.h"
#include "inflate.h"

#define MANUAL	"/usr/share/man/manual.gz"
#define USAGE	"[section] name ...\n       man -k word"

struct page {
	char	*names, *section, *about, *text;
};

static char *
load(void)
{
	unsigned char *data = NULL;
	size_t n = 0, len;
	ssize_t r;
	char *text;
	int fd;

	if ((fd = open(MANUAL, O_RDONLY)) == -1)
		err(1, "%s", MANUAL);
	do {
		data = xrealloc(data, n + IOBUFSZ);
		if ((r = read(fd, data + n, IOBUFSZ)) == -1)
			err(1, "%s", MANUAL);
		n += r;
	} while (r != 0);
	close(fd);
	if ((text = gunzip(data, n, &len)) == NULL)
		errx(1, "%s: damaged", MANUAL);
	free(data);
	return (text);
}

/* The next page of the manual, taken apart. */
static int
next_page(char **textp, struct page *pg)
{
	char *p = *textp, *head;

	if (p == NULL || *p != '\f')
		return (0);
	head = p + 1;
	if ((p = strchr(head, '\n')) == NULL)
		return (0);
	*p++ = '\0';
	pg->text = p;
	if ((p = strchr(p, '\f')) != NULL)
		*p = '\0';
	*textp = p;
	pg->names = head;
	if ((pg->section = strchr(head, '\t')) == NULL)
		return (0);
	*pg->section++ = '\0';
	if ((pg->about = strchr(pg->section, '\t')) == NULL)
		return (0);
	*pg->about++ = '\0';
	return (1);
}

static int
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = list; (p = strstr(p, word)) != NULL; p++) {
		if ((p == list || p[-1] == ' ') &&
		    (p[n] == '\0' || p[n] == ' '))
			return (1);
	}
	return (0);
}

static int
show(char *manual, const char *section, const char *name)
{
	struct page pg;
	int found = 0;

	while (!found && next_page(&manual, &pg)) {
		if (has_word(pg.names, name) &&
		    (section == NULL || strcmp(section, pg.section) == 0)) {
			page_text(pg.text);
			found = 1;
		}
		if (manual != NULL)
			*manual = '\f';
	}
	if (found)
		return (0);
	if (section != NULL)
		warnx("no entry for %s in section %s in the manual", name,
		    section);
	else
		warnx("no entry for %s in the manual", name);
	return (1);
}

static int
apropos(char *manual, const char *word)
{
	struct page pg;
	int found = 0;

	while (next_page(&manual, &pg)) {
		if (strstr(pg.names, word) != NULL ||
		    strstr(pg.about, word) != NULL) {
			outf("%s(%s) - %s\n", pg.names, pg.section, pg.about);
			found = 1;
		}
		if (manual != NULL)
			*manual = '\f';
	}
	if (!found)
		warnx("nothing appropriate");
	return (!found);
}

int
man_main(int argc, char **argv)
{
	const char *section = NULL, *word = NULL;
	int ch, status = 0;

	while ((ch = opt_get(argc, argv, "k:")) != -1) {
		if (ch != 'k')
			usage(USAGE);
		word = opt_arg;
	}
	argc -= opt_ind;
	argv += opt_ind;
	if (word != NULL) {
		if (argc != 0)
			usage(USAGE);
		return (apropos(load(), word));
	}
	if (argc > 1 && argv[0][0] >= '1' && argv[0][0] <= '9' &&
	    argv[0][1] == '\0') {
		section = *argv++;
		argc--;
	}
	if (argc == 0)
		usage(USAGE);
	for (; argc > 0; argc--, argv++)
		status |= show(load(), section, *argv);
	return (status);
}
