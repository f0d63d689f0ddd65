/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TTYCOM_H_
#define _SYS_TTYCOM_H_

/*
 * Terminal settings and ioctl numbers of the Linux convention; all our
 * machines have the same.
 */

#include <sys/types.h>

#define NCCS		19

struct termios2 {			/* struct termios ends before the speeds */
	uint32_t	c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t		c_line;
	uint8_t		c_cc[NCCS];
	uint32_t	c_ispeed, c_ospeed;
};
#define TERMIOS_SIZE	offsetof(struct termios2, c_ispeed)
_Static_assert(TERMIOS_SIZE == 36, "part of an ABI");
_Static_assert(sizeof(struct termios2) == 44, "part of an ABI");

struct winsize {
	uint16_t	ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP,
    VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 };

/* c_iflag */
#define IGNBRK		0000001
#define BRKINT		0000002
#define ISTRIP		0000040
#define INLCR		0000100
#define IGNCR		0000200
#define ICRNL		0000400
#define IXON		0002000
#define IXANY		0004000
#define IMAXBEL		0020000
#define IUTF8		0040000
/* c_oflag */
#define OPOST		0000001
#define ONLCR		0000004
#define OCRNL		0000010
#define ONOCR		0000020
#define ONLRET		0000040
#define TABDLY		0014000
#define TAB3		0014000		/* spaces for tabs */
/* c_cflag */
#define CBAUD		0010017
#define B115200		0010002
#define CS8		0000060
#define CREAD		0000200
#define HUPCL		0002000
#define CLOCAL		0004000
/* c_lflag */
#define ISIG		0000001
#define ICANON		0000002
#define ECHO		0000010
#define ECHOE		0000020
#define ECHOK		0000040
#define ECHONL		0000100
#define NOFLSH		0000200
#define TOSTOP		0000400
#define ECHOCTL		0001000
#define ECHOKE		0004000
#define IEXTEN		0100000

#define TCGETS		0x5401
#define TCSETS		0x5402
#define TCSETSW		0x5403
#define TCSETSF		0x5404
#define TCSBRK		0x5409
#define TCXONC		0x540a
#define TCFLSH		0x540b
#define TIOCSCTTY	0x540e
#define TIOCGPGRP	0x540f
#define TIOCSPGRP	0x5410
#define TIOCOUTQ	0x5411
#define TIOCSTI		0x5412
#define TIOCGWINSZ	0x5413
#define TIOCSWINSZ	0x5414
#define FIONREAD	0x541b
#define FIONBIO		0x5421
#define TIOCNOTTY	0x5422
#define TIOCGETD	0x5424
#define TCSBRKP		0x5425
#define TIOCGSID	0x5429
#define TIOCGDEV	0x80045432
#define FIONCLEX	0x5450
#define FIOCLEX		0x5451
#define TCGETS2		0x802c542a
#define TCSETS2		0x402c542b
#define TCSETSW2	0x402c542c
#define TCSETSF2	0x402c542d

#define TCOOFF		0
#define TCOON		1
#define TCIOFF		2
#define TCION		3
#define TCIFLUSH	0
#define TCOFLUSH	1
#define TCIOFLUSH	2

#endif /* _SYS_TTYCOM_H_ */
