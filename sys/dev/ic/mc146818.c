/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The clock of a PC, MC146818, wherever its two registers are.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/ic/mc146818var.h>

#define RTC_INDEX	0
#define RTC_DATA	1

#define RTC_A		0x0a
#define RTC_A_UIP	0x80		/* update in progress */
#define RTC_B		0x0b
#define RTC_B_BINARY	0x04
#define RTC_PM		0x80		/* of the hour, if there are 12 */
#define RTC_NBYTES	128

static uint8_t
rtc_read(const struct bus_region *br, u_int reg)
{
	br_write_1(br, RTC_INDEX, reg);
	return (br_read_1(br, RTC_DATA));
}

static u_int
rtc_value(uint8_t v, uint8_t b)
{
	return (b & RTC_B_BINARY ? v : (v >> 4) * 10 + (v & 0xf));
}

/*
 * Some do not say that they count to 24, and do: it is believed only to a
 * device which says it is afternoon that it counts to 12.
 */
static u_int
rtc_hour(uint8_t v, uint8_t b)
{
	return (v & RTC_PM ? rtc_value(v & ~RTC_PM, b) % 12 + 12 :
	    rtc_value(v, b));
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t
days_of(int64_t y, u_int m, u_int d)
{
	/* years begin in March, so that the leap day is the last */
	y -= m <= 2;
	m = m > 2 ? m - 3 : m + 9;
	return (365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    d - 1 - 719468);
}

/* sec, min, hour, day, month, year, century */
static void
rtc_registers(const struct mc146818_softc *sc, uint8_t r[7])
{
	static const uint8_t reg[6] = { 0, 2, 4, 7, 8, 9 };
	const struct bus_region *br = &sc->sc_regs;
	u_int i;

	for (i = 0; i < 1000 && (rtc_read(br, RTC_A) & RTC_A_UIP); i++)
		delay(10);
	for (i = 0; i < nitems(reg); i++)
		r[i] = rtc_read(br, reg[i]);
	r[6] = sc->sc_century != 0 && sc->sc_century < RTC_NBYTES ?
	    rtc_read(br, sc->sc_century) : 0;
}

static int
rtc_get(void *arg, uint64_t *ns)
{
	const struct mc146818_softc *sc = arg;
	uint8_t r[7], again[7], b;
	u_int tries = 0, year, month, day, hour;
	int64_t days;

	/* an update may have come between: the same twice is a time */
	rtc_registers(sc, r);
	do {
		memcpy(again, r, sizeof(r));
		rtc_registers(sc, r);
	} while (memcmp(r, again, sizeof(r)) != 0 && ++tries < 10);

	b = rtc_read(&sc->sc_regs, RTC_B);
	hour = rtc_hour(r[2], b);
	day = rtc_value(r[3], b);
	month = rtc_value(r[4], b);
	year = rtc_value(r[5], b);
	year += r[6] != 0 ? rtc_value(r[6], b) * 100 :
	    year < 70 ? 2000 : 1900;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    year < 1970 || year > 2200)
		return (EINVAL);
	days = days_of(year, month, day);
	*ns = SEC_TO_NSEC(((days * 24 + hour) * 60 + rtc_value(r[1], b)) *
	    60 + rtc_value(r[0], b));
	return (0);
}

bool
mc146818_probe(const struct bus_region *br)
{
	return (rtc_read(br, RTC_A) != 0xff);
}

void
mc146818_attach(struct mc146818_softc *sc)
{
	device_describe(&sc->sc_dev, "mc146818");
	sc->sc_todr.td_get = rtc_get;
	sc->sc_todr.td_arg = sc;
	todr_attach(&sc->sc_todr);
}

CFDRIVER_DECL(rtc, DV_DULL);
