/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSEMUL_H_
#define _DEV_WSCONS_WSEMUL_H_

/*
 * A terminal: bytes in, cells out.  The sequences are those of ECMA-48 and
 * of the VT220, with what xterm added and programs have come to expect.
 *
 * It has no locks and does not sleep: its owner lets one thread at a time
 * in.  Any bytes are safe.  A line scrolls by its pointer, never by its
 * cells.
 */

#include <sys/types.h>

#define WSEMUL_MAXCOLS	1024
#define WSEMUL_MAXROWS	512
#define WSEMUL_SAVED	400		/* lines that left at the top */
#define WSEMUL_NPARAM	32

struct wscell {
	uint32_t	wc_char : 21;	/* Unicode */
	uint32_t	wc_attr : 11;	/* WSA_* */
	uint32_t	wc_fg;		/* 0-255 of the palette, or WSC_* */
	uint32_t	wc_bg;
};
#define WSA_BOLD	0x001
#define WSA_DIM		0x002
#define WSA_UNDERLINE	0x004
#define WSA_REVERSE	0x008
#define WSA_HIDDEN	0x010
#define WSA_STRIKE	0x020
#define WSA_WIDE	0x040		/* the left half of two cells */
#define WSA_RIGHT	0x080		/* and the right one */
#define WSC_RGB		0x01000000	/* and 24 bits, red first */
#define WSC_DEFAULT	0x02000000

struct wsrow {
	u_int		wr_cols;	/* those behind are blank */
	struct wscell	wr_cell[];
};

struct wsemul_ops {
	/* what the terminal types by itself: answers to questions */
	void	(*wo_answer)(void *, const char *, size_t);
};

/* What is drawn next, and where. */
struct wspen {
	u_int		wp_x, wp_y;
	bool		wp_wrap;	/* the next one begins a new line */
	uint16_t	wp_attr;
	uint32_t	wp_fg, wp_bg;
	uint8_t		wp_set[4];	/* G0-G3: 'B' or '0' */
	uint8_t		wp_gl;
	bool		wp_origin;	/* DECOM */
};

struct wsparser {
	uint8_t		ws_state;
	uint8_t		ws_prefix;	/* '?', '>', ... */
	uint8_t		ws_inter;	/* intermediate byte; 1: several */
	uint8_t		ws_first;	/* of an OSC */
	u_int		ws_len;		/* of a string */
	u_int		ws_nparam;
	uint16_t	ws_param[WSEMUL_NPARAM];
	uint32_t	ws_colon;	/* parameters that follow a colon */
	uint32_t	ws_code;	/* UTF-8: what there is */
	uint8_t		ws_need;	/* bytes missing */
	uint8_t		ws_low, ws_high; /* bounds of the next */
};

struct wsemul {
	const struct wsemul_ops	*we_ops;
	void			*we_arg;
	u_int			 we_cols, we_rows;
	u_int			 we_top, we_bottom;	/* what scrolls */
	struct wsrow		**we_row;	/* of the screen in use */
	struct wsrow		**we_screen[2];
	bool			 we_isalt;	/* we_screen[1] */
	u_int			 we_modes;	/* WSM_* */
	struct wspen		 we_pen;
	struct wspen		 we_save[2];	/* of DECSC */
	struct wsparser		 we_parser;
	uint32_t		 we_last;	/* for REP; 0: none */
	bool			 we_midline;	/* of the kernel */
	uint8_t			 we_tabs[WSEMUL_MAXCOLS / 8];
	/* a ring, the oldest first */
	struct wsrow		*we_saved[WSEMUL_SAVED];
	u_int			 we_savedfirst, we_nsaved;
	u_int			 we_back;	/* lines looked back */
};
#define WSM_APPCURSOR	0x001		/* DECCKM */
#define WSM_APPKEYPAD	0x002		/* DECKPAM */
#define WSM_INSERT	0x004		/* IRM */
#define WSM_NEWLINE	0x008		/* LNM */
#define WSM_WRAP	0x010		/* DECAWM */
#define WSM_CURSOR	0x020		/* DECTCEM */
#define WSM_REVERSE	0x040		/* DECSCNM */

/*
 * wsemul_init, wsemul_resize: sizes are cut to what is possible.  ENOMEM:
 *	nothing has changed.  The text stays, the lines with the cursor
 *	remain visible.
 * wsemul_write: what a program wrote.
 * wsemul_message: what the kernel says, in plain colours, on a new line; it
 *	leaves a sequence that was interrupted as it was.
 * wsemul_look: look back by so many lines, negative: forward; 0: to the end.
 *	Tells whether something has changed.
 * wsemul_line: what is to be seen there; never NULL.
 * wsemul_cursor: where it is to be seen; false: nowhere.
 */
int	 wsemul_init(struct wsemul *, u_int, u_int, const struct wsemul_ops *,
	    void *);
void	 wsemul_fini(struct wsemul *);
int	 wsemul_resize(struct wsemul *, u_int, u_int);	/* columns, rows */
void	 wsemul_write(struct wsemul *, const void *, size_t);
void	 wsemul_message(struct wsemul *, const void *, size_t);
bool	 wsemul_look(struct wsemul *, int);
const struct wsrow *wsemul_line(const struct wsemul *, u_int);
bool	 wsemul_cursor(const struct wsemul *, u_int *, u_int *);

/* wswidth.c: columns that a character takes, 0: it belongs to the last */
u_int	 wswidth(uint32_t);

#endif /* _DEV_WSCONS_WSEMUL_H_ */
