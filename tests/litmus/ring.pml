/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * One direction of a virtqueue on a machine that reorders: who publishes
 * entries and tells the other side if that wants to know, who takes them and
 * sleeps when there are none.  The driver publishes what is available and
 * takes what is used; the device the other way around.
 *
 *	PACKED	entries carry flags of their own; else there is an index
 *	WISH	how the other side says what it wants to know
 *		0	a flag (split: flags; packed: ENABLE, DISABLE)
 *		1	the number of an entry (split: EVENT_IDX)
 *		2	that number, valid by a flag (packed: DESC)
 *
 * A store waits in a buffer of its side.  Buffered stores reach memory in any
 * order, but for those that a barrier keeps apart.  A load may be done before
 * an earlier one, unless a barrier is between.  Each NO_... leaves out one
 * barrier (or the second look) of vq_split.c and vq_packed.c, and must lead
 * to an error.
 */

#ifndef PACKED
#define PACKED	0
#endif
#ifndef WISH
#define WISH	0
#endif

#define N	4		/* entries in all */
#define RING	2		/* of which so many fit */
#define TAKER	0
#define MAKER	1

/* locations */
#define DATA(i)	((i) % RING)
#define FLAG(i)	(RING + (i) % RING)	/* PACKED: number of the entry + 1 */
#define INDEX	(2 * RING)		/* not PACKED */
#define EVENT	(2 * RING + 1)		/* WISH 1, 2 */
#define WANT	(2 * RING + 2)		/* WISH 0, 2 */
#define NLOC	(2 * RING + 3)

byte mem[NLOC];
byte buf[2 * NLOC];		/* a store that waits, */
byte when[2 * NLOC];		/* and the barriers before it; 0: none waits */
byte now[2];			/* barriers so far, plus one */
byte taken;			/* room in the ring: not what is modelled */
bool kick;

#define B(p, l)		((p) * NLOC + (l))
#define LOAD(p, l)	(when[B(p, l)] != 0 -> buf[B(p, l)] : mem[l])
#define DRAINED(p)	(when[B(p, 0)] + when[B(p, 1)] + when[B(p, 2)] + \
	when[B(p, 3)] + when[B(p, 4)] + when[B(p, 5)] + when[B(p, 6)] == 0)

inline store(p, l, v)
{
	atomic {
		when[B(p, l)] == 0;	/* one of a kind waits at a time */
		buf[B(p, l)] = v;
		when[B(p, l)] = now[p];
	}
}

inline barrier_write(p)
{
	now[p] = now[p] + 1;
}

inline barrier_full(p)
{
	DRAINED(p);
}

/* Lets one store through, if none before a barrier waits. */
proctype drain(byte p)
{
	byte l, k;

end:	do
	:: atomic {
		!DRAINED(p) ->
		select(l : 0 .. NLOC - 1);
		if
		:: when[B(p, l)] != 0 ->
			k = 0;
			do
			:: k < NLOC && (when[B(p, k)] == 0 ||
			    when[B(p, k)] >= when[B(p, l)]) -> k++
			:: else -> break
			od;
			if
			:: k == NLOC ->
				mem[l] = buf[B(p, l)];
				when[B(p, l)] = 0
			:: else
			fi
		:: else
		fi;
		k = 0; l = 0
	   }
	od
}

proctype maker()
{
	byte old, new, flag, event, early;
	bool wanted;

	do
	:: old == N -> break
	:: else ->
		/* a batch of one or more, as there is room */
		new = old;
		taken + RING > new;
		do
		:: new < N && new < taken + RING ->
			store(MAKER, DATA(new), 10 + new);
			if
			:: PACKED && new != old ->
				store(MAKER, FLAG(new), new + 1)
			:: else
			fi;
			new++;
			if
			:: skip
			:: break
			fi
		:: new > old && (new == N || new >= taken + RING) -> break
		od;
#ifndef NO_PUBLISH_BARRIER
		barrier_write(MAKER);
#endif
		if
		:: PACKED -> store(MAKER, FLAG(old), old + 1)
		:: else -> store(MAKER, INDEX, new)
		fi;
#ifndef NO_PUBLISH_FENCE
		barrier_full(MAKER);
#endif
#if WISH == 0
		wanted = LOAD(MAKER, WANT) != 0;
#elif WISH == 1
		event = LOAD(MAKER, EVENT);
		wanted = event >= old && event < new;
#else
		/* in any order: the fences on both sides are enough */
		early = LOAD(MAKER, EVENT);
		flag = LOAD(MAKER, WANT);
		if
		:: event = early
		:: event = LOAD(MAKER, EVENT)
		fi;
		wanted = flag != 0 && event >= old && event < new;
		flag = 0; event = 0; early = 0;
#endif
		if
		:: wanted -> kick = true
		:: else
		fi;
		wanted = false;
		old = new
	od
}

#if PACKED
#define PENDING	(LOAD(TAKER, FLAG(next)) == next + 1)
#else
#define PENDING	(LOAD(TAKER, INDEX) > next)
#endif

proctype taker()
{
	byte next, early, data;
	bool pending;

	do
	:: next == N -> break
	:: else ->
		early = LOAD(TAKER, DATA(next));
		pending = PENDING;
		if
		:: pending ->
			if
#ifdef NO_TAKE_BARRIER
			:: data = early
#endif
			:: data = LOAD(TAKER, DATA(next))
			fi;
			assert(data == 10 + next);
			next++;
			taken = next;
			early = 0; data = 0
		:: else ->
			early = 0;
			/* say what we want to know */
#if WISH != 0
			store(TAKER, EVENT, next);
#endif
#if WISH != 1
			store(TAKER, WANT, 1);
#endif
#ifndef NO_WISH_FENCE
			barrier_full(TAKER);
#endif
#ifndef NO_SECOND_LOOK
			pending = PENDING;
#endif
			if
			:: pending
			:: else -> kick; kick = false
			fi;
			/* and that we do not, while we take */
#if WISH != 1
			store(TAKER, WANT, 0)
#endif
		fi;
		pending = false
	od
}

init
{
	atomic {
		now[0] = 1;
		now[1] = 1;
#if WISH == 1
		mem[EVENT] = 0;
#endif
		run drain(TAKER);
		run drain(MAKER);
		run maker();
		run taker()
	}
}
