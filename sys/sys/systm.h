/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SYSTM_H_
#define _SYS_SYSTM_H_

/*
 * What every file of the kernel may call: messages, assertions, memory and
 * string functions, time.
 */

#include <sys/param.h>

struct uio;

/* --- messages: to the console and the message buffer; any context ------- */

void	printf(const char *, ...) __printflike(1, 2);
void	vprintf(const char *, va_list) __printflike(1, 0);
int	snprintf(char *, size_t, const char *, ...) __printflike(3, 4);
int	vsnprintf(char *, size_t, const char *, va_list) __printflike(3, 0);
void	panic(const char *, ...) __printflike(1, 2) __noreturn;

/* For bugs of ours.  Never for what a device, a file or a user may cause. */
#define KASSERT(e)							\
	((e) ? (void)0 : panic("%s:%d: %s: assertion %s failed",	\
	    __FILE__, __LINE__, __func__, #e))

/* --- memory and strings -------------------------------------------------- */

void	*memcpy(void *, const void *, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	 memcmp(const void *, const void *, size_t);
void	*memchr(const void *, int, size_t);
size_t	 strlen(const char *);
size_t	 strnlen(const char *, size_t);
int	 strcmp(const char *, const char *);
int	 strncmp(const char *, const char *, size_t);
char	*strchr(const char *, int);
char	*strrchr(const char *, int);
/* both: the length that was wanted; it did not fit if that is >= size */
size_t	 strlcpy(char *, const char *, size_t);
size_t	 strlcat(char *, const char *, size_t);
/*
 * A number in base 10, 16 (0x) or 8 (0), with an optional suffix K, M or G.
 * The end of it goes to *endp.  EINVAL: no digits; ERANGE: above 64 bits.
 */
int	 strtonum64(const char *, const char **, uint64_t *);
uint32_t crc32(uint32_t, const void *, size_t);

/* --- user memory: thread context; EFAULT --------------------------------- */

int	copyin(const void *, void *, size_t);
int	copyout(const void *, void *, size_t);
/* ENAMETOOLONG if there is no NUL in size bytes; *lenp counts the NUL */
int	copyinstr(const void *, char *, size_t, size_t *);

/* --- time ------------------------------------------------------------------ */

uint64_t	nsecuptime(void);	/* monotonic, 0 at boot; any context */
uint64_t	nsecwall(void);		/* since 1970; any context */
int		time_set(uint64_t);	/* the same; EINVAL */
void		time_init(void);
void		delay(u_int);		/* busy wait, microseconds */
/*
 * May it be done once more?  So often at once, and after that so many times a
 * second.  The state begins as 0.  Any context.
 */
bool		ratelimit(uint64_t *state, u_int burst, u_int persec);

#endif /* _SYS_SYSTM_H_ */
