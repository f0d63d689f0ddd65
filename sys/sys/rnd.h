/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_RND_H_
#define _SYS_RND_H_

/*
 * The kernel's random numbers: ChaCha20 with fast key erasure, seeded from
 * the processor's instructions and timing, and from hardware sources.  Each
 * seed is mixed with what was there and with the time, so that no source
 * decides alone what comes out.
 *
 * rnd_feed: any context; len bytes from a source, of which bits are thought
 *	to be unknown to an attacker.
 * rnd_bytes: any context; never blocks.
 * rnd_seeded: 256 bits have come in.
 * rnd_wait: thread context; until they have.  While no source delivers, the
 *	unevenness of the clock is gathered.  EAGAIN: not yet, and nonblock;
 *	EINTR.
 * rnd_forked: any context; this machine is a copy of another from now on,
 *	which has the same state: what tells them apart is given.
 */

#include <sys/queue.h>
#include <sys/types.h>

void	rnd_init(void);		/* main: what the processor gives */
void	rnd_feed(const void *, size_t, u_int);
void	rnd_bytes(void *, size_t);
bool	rnd_seeded(void);
int	rnd_wait(bool nonblock);
void	rnd_forked(const void *, size_t);
/* one block of ChaCha20: key, count, nonce; for tests */
void	chacha20_block(const uint32_t[8], uint64_t, uint64_t, uint32_t[16]);

/*
 * A source for the generator.  rs_want: up to IPL_NET, does not sleep; asked
 * when it is added and when a new seed is due, that is while numbers are used:
 * after a second, two, four, ... a minute.  It calls rnd_feed() later.
 * rnd_source_add, rnd_source_remove: thread context; rs_want is not called
 * after the latter.
 */
struct rnd_source {
	LIST_ENTRY(rnd_source)	  rs_link;
	void			(*rs_want)(void *);
	void			 *rs_arg;
};
void	rnd_source_add(struct rnd_source *);
void	rnd_source_remove(struct rnd_source *);

/*
 * A hardware source behind /dev/hwrng.  read: thread context; at least one
 * byte, or an error; may sleep, EINTR on a signal, EAGAIN where flag
 * FNONBLOCK and nothing is there.
 */
struct uio;

struct hwrng {
	const char	 *hr_name;
	int		(*hr_read)(void *, struct uio *, int);
	void		 *hr_arg;
	void		 *hr_priv;
};
int	hwrng_attach(struct hwrng *);
void	hwrng_detach(struct hwrng *);

#endif /* _SYS_RND_H_ */
