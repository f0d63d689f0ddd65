/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSEMUL_PRIV_H_
#define _DEV_WSCONS_WSEMUL_PRIV_H_

/* Between the parts of the terminal. */

#include <dev/wscons/wsemul.h>

/* wsscreen.c: columns and rows from 0, ends are not included */
struct wsrow *wsscreen_row(u_int);		/* a blank line; NULL */
void	wsscreen_clear(struct wsemul *, struct wsrow *, u_int, u_int);
void	wsscreen_clear_rows(struct wsemul *, u_int, u_int);
void	wsscreen_up(struct wsemul *, u_int, u_int, u_int);
void	wsscreen_down(struct wsemul *, u_int, u_int, u_int);
void	wsscreen_insert(struct wsemul *, u_int);
void	wsscreen_delete(struct wsemul *, u_int);
void	wsscreen_erase(struct wsemul *, u_int);
void	wsscreen_linefeed(struct wsemul *);
void	wsscreen_put(struct wsemul *, uint32_t);
/* printable ASCII, as much as can be put without further thought */
size_t	wsscreen_text(struct wsemul *, const uint8_t *, size_t);
void	wsscreen_use(struct wsemul *, bool);	/* the alternate one? */
void	wsscreen_forget(struct wsemul *);	/* what is looked back at */

/* wsemul_csi.c: a complete sequence */
void	wsemul_csi(struct wsemul *, u_int);
void	wsemul_sgr(struct wsemul *);
void	wsemul_reset(struct wsemul *);
void	wsemul_soft_reset(struct wsemul *);
void	wsemul_save(struct wsemul *);
void	wsemul_restore(struct wsemul *);
void	wsemul_tab(struct wsemul *, u_int);
void	wsemul_answer(struct wsemul *, const char *);

#endif /* _DEV_WSCONS_WSEMUL_PRIV_H_ */
