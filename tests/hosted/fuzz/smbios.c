/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * smbios(4): an entry point that is any bytes, with its sum made right, and
 * tables that are any bytes: every key that is listed can be read.
 */

#include "fuzz.h"

#include <sys/pvbusio.h>

#include <dev/pv/smbios.c>

static const uint8_t		*input;
static size_t			 ninput;
static uint8_t			*rom;
static const struct pvbus_kvops	*ops;
static void			*arg;

#define ROM	256

static int
where(uint64_t *base, size_t *size)
{
	*base = (uintptr_t)rom;
	*size = ROM;
	return (0);
}

static void *
map(uint64_t pa, size_t size)
{
	if (pa == (uintptr_t)rom)
		return (rom);
	return (size <= ninput ? (void *)(vaddr_t)input : NULL);
}

void
pvbus_kv_attach(struct pvbus_hv *hv __unused, struct pvbus_store *ps)
{
	ops = ps->ps_ops;
	arg = ps->ps_arg;
}

void
pvbus_kv_detach(struct pvbus_hv *hv __unused, struct pvbus_store *ps __unused)
{
	ops = NULL;
}

/* In fw_cfg are the same. */
int
pvbus_kv_read(struct pvbus_hv *hv __unused, const char *key __unused,
    char *value, size_t size, size_t *lenp)
{
	*lenp = ninput;
	if (ninput >= size)
		return (ERANGE);
	memcpy(value, input, ninput);
	return (0);
}

void
pvbus_list_add(char *buf, size_t room, size_t *len, const char *name)
{
	size_t n = strlen(name), sep = *len != 0 ? 1 : 0;

	if (*len + sep + n <= room) {
		if (sep != 0)
			buf[*len] = '\n';
		memcpy(buf + *len + sep, name, n);
	}
	*len += sep + n;
}

static void
sum(uint8_t *p, size_t room, u_int len, u_int at)
{
	uint8_t total = 0;
	u_int i;

	if (len > room || at >= len)
		return;
	for (p[at] = 0, i = 0; i < len; i++)
		total += p[i];
	p[at] = -total;
}

static void
look(void)
{
	static char list[65536], value[8192];
	size_t len = sizeof(list) - 1, n;
	char *key, *next;

	if (ops->kv_list(arg, "", list, &len) != 0)
		return;
	list[len] = '\0';
	for (key = list; key != NULL; key = next) {
		if ((next = memchr(key, '\n', strlen(key))) != NULL)
			*next++ = '\0';
		n = sizeof(value);
		fuzz_check(ops->kv_read(arg, key, value, &n) == 0,
		    "a key is listed and cannot be read");
		fuzz_check(n != 0 && memchr(value, '\0', n) == NULL,
		    "a value is no string");
		if (n > 1) {
			n--;
			fuzz_check(ops->kv_read(arg, key, value, &n) ==
			    ERANGE, "a value fits where it cannot");
		}
		fuzz_check(ops->kv_write(arg, key, value, 1) == EROFS,
		    "a key can be written");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct smbios_softc sc;
	static struct pv_attach_args pva = { .pva_name = "smbios" };
	bool again = fuzz_again();
	uint8_t *copy;

	if (size < 34)
		return (0);
	/* exact, so that a byte more is seen */
	if (rom == NULL && (rom = host_alloc(ROM)) == NULL)
		return (0);
	memset(rom, 0, ROM);
	memcpy(rom + (data[0] & 0xf0), data + 2, MIN(32, ROM -
	    (data[0] & 0xf0)));
	if (data[1] & 1)
		sum(rom + (data[0] & 0xf0), ROM - (data[0] & 0xf0),
		    rom[(data[0] & 0xf0) + 6], 5);
	else
		sum(rom + (data[0] & 0xf0), ROM - (data[0] & 0xf0),
		    rom[(data[0] & 0xf0) + 5], 4);
	ninput = size - 34;
	if ((copy = host_alloc(ninput + (ninput == 0))) == NULL)
		return (0);
	memcpy(copy, data + 34, ninput);
	input = copy;
	(void)again;
	hosted_smbios = where;
	hosted_map = map;
	memset(&sc, 0, sizeof(sc));
	strlcpy(sc.sc_dev.dv_xname, "smbios0", sizeof(sc.sc_dev.dv_xname));
	if (smbios_attach(NULL, &sc.sc_dev, &pva) == 0) {
		look();
		(void)smbios_detach(&sc.sc_dev, 0);
	}
	fuzz_check(hosted_nallocs == 0, "memory is left");
	host_free(copy);
	return (0);
}
