/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_QUEUE_H_
#define _SYS_QUEUE_H_

/*
 * Intrusive lists with the names of queue(3).  LIST: doubly linked, head of
 * one pointer.  SIMPLEQ: singly linked, tail insertion.  TAILQ: doubly
 * linked, tail insertion and removal of any element.
 */

#define LIST_HEAD(name, type)						\
struct name { struct type *lh_first; }
#define LIST_HEAD_INITIALIZER(head)	{ NULL }
#define LIST_ENTRY(type)						\
struct { struct type *le_next; struct type **le_prev; }
#define LIST_INIT(head)		((head)->lh_first = NULL)
#define LIST_FIRST(head)	((head)->lh_first)
#define LIST_NEXT(e, f)		((e)->f.le_next)
#define LIST_EMPTY(head)	(LIST_FIRST(head) == NULL)
#define LIST_FOREACH(v, head, f)					\
	for ((v) = LIST_FIRST(head); (v) != NULL; (v) = LIST_NEXT(v, f))
#define LIST_FOREACH_SAFE(v, head, f, t)				\
	for ((v) = LIST_FIRST(head);					\
	    (v) != NULL && ((t) = LIST_NEXT(v, f), 1); (v) = (t))
#define LIST_INSERT_HEAD(head, e, f) do {				\
	if (((e)->f.le_next = (head)->lh_first) != NULL)		\
		(head)->lh_first->f.le_prev = &(e)->f.le_next;		\
	(head)->lh_first = (e);						\
	(e)->f.le_prev = &(head)->lh_first;				\
} while (0)
#define LIST_REMOVE(e, f) do {						\
	if ((e)->f.le_next != NULL)					\
		(e)->f.le_next->f.le_prev = (e)->f.le_prev;		\
	*(e)->f.le_prev = (e)->f.le_next;				\
} while (0)

#define SIMPLEQ_HEAD(name, type)					\
struct name { struct type *sqh_first; struct type **sqh_last; }
#define SIMPLEQ_HEAD_INITIALIZER(head)	{ NULL, &(head).sqh_first }
#define SIMPLEQ_ENTRY(type)						\
struct { struct type *sqe_next; }
#define SIMPLEQ_INIT(head) do {						\
	(head)->sqh_first = NULL;					\
	(head)->sqh_last = &(head)->sqh_first;				\
} while (0)
#define SIMPLEQ_FIRST(head)	((head)->sqh_first)
#define SIMPLEQ_NEXT(e, f)	((e)->f.sqe_next)
#define SIMPLEQ_EMPTY(head)	(SIMPLEQ_FIRST(head) == NULL)
#define SIMPLEQ_FOREACH(v, head, f)					\
	for ((v) = SIMPLEQ_FIRST(head); (v) != NULL; (v) = SIMPLEQ_NEXT(v, f))
#define SIMPLEQ_INSERT_HEAD(head, e, f) do {				\
	if (((e)->f.sqe_next = (head)->sqh_first) == NULL)		\
		(head)->sqh_last = &(e)->f.sqe_next;			\
	(head)->sqh_first = (e);					\
} while (0)
#define SIMPLEQ_INSERT_TAIL(head, e, f) do {				\
	(e)->f.sqe_next = NULL;						\
	*(head)->sqh_last = (e);					\
	(head)->sqh_last = &(e)->f.sqe_next;				\
} while (0)
#define SIMPLEQ_REMOVE_HEAD(head, f) do {				\
	if (((head)->sqh_first = (head)->sqh_first->f.sqe_next) == NULL)\
		(head)->sqh_last = &(head)->sqh_first;			\
} while (0)

#define TAILQ_HEAD(name, type)						\
struct name { struct type *tqh_first; struct type **tqh_last; }
#define TAILQ_HEAD_INITIALIZER(head)	{ NULL, &(head).tqh_first }
#define TAILQ_ENTRY(type)						\
struct { struct type *tqe_next; struct type **tqe_prev; }
#define TAILQ_INIT(head) do {						\
	(head)->tqh_first = NULL;					\
	(head)->tqh_last = &(head)->tqh_first;				\
} while (0)
#define TAILQ_FIRST(head)	((head)->tqh_first)
#define TAILQ_NEXT(e, f)	((e)->f.tqe_next)
#define TAILQ_EMPTY(head)	(TAILQ_FIRST(head) == NULL)
/* every head and entry begins with the same two pointers */
#define TAILQ_LAST(head, name)						\
	(*(((struct name *)((head)->tqh_last))->tqh_last))
#define TAILQ_PREV(e, name, f)						\
	(*(((struct name *)((e)->f.tqe_prev))->tqh_last))
#define TAILQ_FOREACH(v, head, f)					\
	for ((v) = TAILQ_FIRST(head); (v) != NULL; (v) = TAILQ_NEXT(v, f))
#define TAILQ_FOREACH_SAFE(v, head, f, t)				\
	for ((v) = TAILQ_FIRST(head);					\
	    (v) != NULL && ((t) = TAILQ_NEXT(v, f), 1); (v) = (t))
#define TAILQ_FOREACH_REVERSE(v, head, name, f)				\
	for ((v) = TAILQ_LAST(head, name); (v) != NULL;			\
	    (v) = TAILQ_PREV(v, name, f))
#define TAILQ_INSERT_HEAD(head, e, f) do {				\
	if (((e)->f.tqe_next = (head)->tqh_first) != NULL)		\
		(head)->tqh_first->f.tqe_prev = &(e)->f.tqe_next;	\
	else								\
		(head)->tqh_last = &(e)->f.tqe_next;			\
	(head)->tqh_first = (e);					\
	(e)->f.tqe_prev = &(head)->tqh_first;				\
} while (0)
#define TAILQ_INSERT_TAIL(head, e, f) do {				\
	(e)->f.tqe_next = NULL;						\
	(e)->f.tqe_prev = (head)->tqh_last;				\
	*(head)->tqh_last = (e);					\
	(head)->tqh_last = &(e)->f.tqe_next;				\
} while (0)
#define TAILQ_INSERT_AFTER(head, at, e, f) do {				\
	if (((e)->f.tqe_next = (at)->f.tqe_next) != NULL)		\
		(e)->f.tqe_next->f.tqe_prev = &(e)->f.tqe_next;		\
	else								\
		(head)->tqh_last = &(e)->f.tqe_next;			\
	(at)->f.tqe_next = (e);						\
	(e)->f.tqe_prev = &(at)->f.tqe_next;				\
} while (0)
#define TAILQ_INSERT_BEFORE(at, e, f) do {				\
	(e)->f.tqe_prev = (at)->f.tqe_prev;				\
	(e)->f.tqe_next = (at);						\
	*(at)->f.tqe_prev = (e);					\
	(at)->f.tqe_prev = &(e)->f.tqe_next;				\
} while (0)
#define TAILQ_REMOVE(head, e, f) do {					\
	if ((e)->f.tqe_next != NULL)					\
		(e)->f.tqe_next->f.tqe_prev = (e)->f.tqe_prev;		\
	else								\
		(head)->tqh_last = (e)->f.tqe_prev;			\
	*(e)->f.tqe_prev = (e)->f.tqe_next;				\
} while (0)

#endif /* _SYS_QUEUE_H_ */
