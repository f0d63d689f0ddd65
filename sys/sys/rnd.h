/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_RND_H_
#define _SYS_RND_H_

/*
 * The kernel's random numbers: ChaCha20 with fast key erasure, seeded from
 * the processor's instructions and timing, and from hardware sources.
 *
 * rnd_feed: any context; len bytes from a source, of which bits are thought
 *	to be unknown to an attacker.
 * rnd_bytes: any context; never blocks.
 * rnd_seeded: 256 bits have come in.
 */

#include <sys/types.h>

void	rnd_init(void);		/* main: what the processor gives */
void	rnd_feed(const void *, size_t, u_int);
void	rnd_bytes(void *, size_t);
bool	rnd_seeded(void);
/* one block of ChaCha20: key, count, nonce; for tests */
void	chacha20_block(const uint32_t[8], uint64_t, uint64_t, uint32_t[16]);

/*
 * A hardware source behind /dev/hwrng.  read: thread context; up to len
 * bytes, the number to *lenp; may sleep, EINTR on a signal, EAGAIN where
 * flag FNONBLOCK and nothing is there.
 */
struct hwrng {
	const char	 *hr_name;
	int		(*hr_read)(void *, void *, size_t, size_t *, int);
	void		 *hr_arg;
	void		 *hr_priv;
};
int	hwrng_attach(struct hwrng *);
void	hwrng_detach(struct hwrng *);

#endif /* _SYS_RND_H_ */
