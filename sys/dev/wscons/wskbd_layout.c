/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What is printed on the keys, row by row from the left; a blank is a key
 * that does nothing.  Combining characters are dead keys.
 */

#include <sys/systm.h>

#include <dev/wscons/wskbdvar.h>

#define NROWS		4
#define NLEVELS		4

#define GRAVE		"\u0300"
#define ACUTE		"\u0301"
#define CIRCUMFLEX	"\u0302"
#define TILDE		"\u0303"
#define DIAERESIS	"\u0308"

struct wskbd_layout {
	char		 wl_name[4];
	const uint16_t	*wl_row[NROWS][NLEVELS];	/* NULL: nothing */
};

/* the keys of the rows, in the order of the strings */
static const uint8_t row_keys[NROWS][13] = {
	{ 41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 },
	{ 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27 },
	{ 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43 },
	{ 86, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53 },
};

static const struct wskbd_layout layouts[] = {
	{ "us", {
		{ u"`1234567890-=", u"~!@#$%^&*()_+" },
		{ u"qwertyuiop[]", u"QWERTYUIOP{}" },
		{ u"asdfghjkl;'\\", u"ASDFGHJKL:\"|" },
		{ u"<zxcvbnm,./", u">ZXCVBNM<>?" },
	} },
	{ "uk", {
		{ u"`1234567890-=", u"¬!\"£$%^&*()_+", u"¦   €        " },
		{ u"qwertyuiop[]", u"QWERTYUIOP{}", u"  é   úíó   ",
		    u"  É   ÚÍÓ   " },
		{ u"asdfghjkl;'#", u"ASDFGHJKL:@~", u"á           ",
		    u"Á           " },
		{ u"\\zxcvbnm,./", u"|ZXCVBNM<>?" },
	} },
	{ "de", {
		{ u"" CIRCUMFLEX "1234567890ß" ACUTE,
		    u"°!\"§$%&/()=?" GRAVE, u"  ²³   {[]}\\ " },
		{ u"qwertzuiopü+", u"QWERTZUIOPÜ*", u"@ €        ~" },
		{ u"asdfghjklöä#", u"ASDFGHJKLÖÄ'" },
		{ u"<yxcvbnm,.-", u">YXCVBNM;:_", u"|      µ   " },
	} },
	{ "fr", {
		{ u"²&é\"'(-è_çà)=", u" 1234567890°+", u"  ~#{[|`\\^@]}" },
		{ u"azertyuiop" CIRCUMFLEX "$", u"AZERTYUIOP" DIAERESIS "£",
		    u"  €        ¤" },
		{ u"qsdfghjklmù*", u"QSDFGHJKLM%µ" },
		{ u"<wxcvbn,;:!", u">WXCVBN?./§" },
	} },
	{ "se", {
		{ u"§1234567890+" ACUTE, u"½!\"#¤%&/()=?" GRAVE,
		    u"  @£$€ {[]}\\ " },
		{ u"qwertyuiopå" DIAERESIS, u"QWERTYUIOPÅ" CIRCUMFLEX,
		    u"  €        " TILDE },
		{ u"asdfghjklöä'", u"ASDFGHJKLÖÄ*" },
		{ u"<zxcvbnm,.-", u">ZXCVBNM;:_", u"|      µ   " },
	} },
};

const struct wskbd_layout *const wskbd_layout_us = &layouts[0];

const struct wskbd_layout *
wskbd_layout_find(const char *name)
{
	u_int i;

	for (i = 0; i < nitems(layouts); i++) {
		if (strcmp(layouts[i].wl_name, name) == 0)
			return (&layouts[i]);
	}
	return (NULL);
}

const char *
wskbd_layout_name(const struct wskbd_layout *wl)
{
	return (wl->wl_name);
}

bool
wskbd_layout_altgr(const struct wskbd_layout *wl)
{
	u_int r;

	for (r = 0; r < NROWS; r++) {
		if (wl->wl_row[r][WSKBD_ALTGR] != NULL)
			return (true);
	}
	return (false);
}

uint32_t
wskbd_layout_char(const struct wskbd_layout *wl, u_int key, u_int level)
{
	const uint16_t *s;
	u_int r, i;

	if (key == 57)
		return (' ');
	for (r = 0; r < NROWS; r++) {
		for (i = 0; i < nitems(row_keys[r]); i++) {
			if (row_keys[r][i] != key)
				continue;
			s = wl->wl_row[r][level];
			return (s == NULL || s[i] == ' ' ? 0 : s[i]);
		}
	}
	return (0);
}
