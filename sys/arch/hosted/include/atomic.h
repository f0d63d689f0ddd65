/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ATOMIC_H_
#define _MACHINE_ATOMIC_H_

#define membar_consumer()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define membar_producer()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define membar_sync()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif /* _MACHINE_ATOMIC_H_ */
