/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What keeps a static program small with the GNU C library.
 *
 * Its start-up code refers to a handful of functions for cases that cannot
 * arise here (an assertion of the dynamic loader, the text of an error that
 * dlopen(3) met), and behind those stand stdio, gettext, iconv and the
 * tables of the locale: half a megabyte that each new process carries and
 * none runs.  Here are plain replacements for them, for the allocator and
 * for the string functions (which the library chooses among at each start).
 * They come first on the linker's command line, which is told that a second
 * definition in the library may be ignored (-z muldefs).
 *
 * Nothing depends on this file: with TRIM=no the library's own are used.
 * What the programs must not do with it: the ctype, locale and stdio
 * functions are not set up.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void	*memcpy(void *, const void *, size_t);
void	*mempcpy(void *, const void *, size_t);
void	*__mempcpy(void *, const void *, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	 memcmp(const void *, const void *, size_t);
size_t	 strlen(const char *);
int	 strcmp(const char *, const char *);
int	 strncmp(const char *, const char *, size_t);
char	*strchr(const char *, int);
char	*strstr(const char *, const char *);
char	*strchrnul(const char *, int);
char	*__strchrnul(const char *, int);
char	*strrchr(const char *, int);
size_t	 strcspn(const char *, const char *);
char	*stpcpy(char *, const char *);
char	*__stpcpy(char *, const char *);
char	*getenv(const char *);
void	*malloc(size_t);
void	*calloc(size_t, size_t);
void	*realloc(void *, size_t);
void	 free(void *);
void	 abort(void) __attribute__((__noreturn__));
void	 __assert_fail(const char *, const char *, unsigned int, const char *)
	    __attribute__((__noreturn__));
void	 __libc_fatal(const char *) __attribute__((__noreturn__));
void	 __libc_message(int, const char *, ...)
	    __attribute__((__noreturn__));
void	 __libc_message_impl(const char *, ...)
	    __attribute__((__noreturn__));
char	*__dcgettext(const char *, const char *, int);
char	*__strerror_r(int, char *, size_t);
int	 __unsetenv(const char *);
void	 __ctype_init(void);
void	 _dl_non_dynamic_init(void);
void	 __tunables_init(char **);

/* The library's complaints about itself. */

static void __attribute__((__noreturn__))
fatal(const char *what)
{
	ssize_t n;

	n = write(STDERR_FILENO, what, strlen(what));
	n += write(STDERR_FILENO, "\n", 1);
	_exit(n == 0 ? 133 : 134);
}

void
abort(void)
{
	fatal("abort");
}

void
__assert_fail(const char *what, const char *file, unsigned int line,
    const char *func)
{
	(void)file;
	(void)line;
	(void)func;
	fatal(what);
}

void
__libc_fatal(const char *what)
{
	fatal(what);
}

void
__libc_message(int action, const char *fmt, ...)
{
	(void)action;
	fatal(fmt);
}

void
__libc_message_impl(const char *fmt, ...)
{
	fatal(fmt);
}

char *
__dcgettext(const char *domain, const char *text, int category)
{
	(void)domain;
	(void)category;
	return ((char *)text);
}

char *
__strerror_r(int error, char *buf, size_t size)
{
	(void)error;
	(void)buf;
	(void)size;
	return ("error");
}

int
__unsetenv(const char *name)
{
	(void)name;
	return (0);
}

/* Would look up the tables of a locale that is not linked in. */
void
__ctype_init(void)
{
}

/*
 * Prepares for dlopen(3) in a static program: reads the environment, asks
 * for the program's own path and builds a list of directories.
 */
void
_dl_non_dynamic_init(void)
{
}

/*
 * Compares each variable of the environment with each of the library's
 * settings, none of which matters to what is linked here.
 */
void
__tunables_init(char **env)
{
	(void)env;
}

/* Strings: as short as can be, but for the two that move much. */

#define WORD	sizeof(unsigned long)

typedef unsigned long __attribute__((__may_alias__)) word_t;

void *
memcpy(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if ((((uintptr_t)d | (uintptr_t)s) & (WORD - 1)) == 0)
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
			*(word_t *)d = *(const word_t *)s;
	while (n-- != 0)
		*d++ = *s++;
	return (dst);
}

void *
mempcpy(void *dst, const void *src, size_t n)
{
	return ((char *)memcpy(dst, src, n) + n);
}

void *
__mempcpy(void *dst, const void *src, size_t n)
{
	return ((char *)memcpy(dst, src, n) + n);
}

void *
memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if ((uintptr_t)d <= (uintptr_t)s)
		return (memcpy(dst, src, n));
	while (n-- != 0)
		d[n] = s[n];
	return (dst);
}

void *
memset(void *dst, int c, size_t n)
{
	unsigned char *d = dst;
	unsigned long w = (unsigned char)c * (~0UL / 255);

	if (((uintptr_t)d & (WORD - 1)) == 0)
		for (; n >= WORD; n -= WORD, d += WORD)
			*(word_t *)d = w;
	while (n-- != 0)
		*d++ = c;
	return (dst);
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n != 0; n--, p++, q++)
		if (*p != *q)
			return (*p - *q);
	return (0);
}

size_t
strlen(const char *s)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		continue;
	return (p - s);
}

int
strcmp(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++)
		continue;
	return ((unsigned char)*a - (unsigned char)*b);
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++)
		if (*a != *b || *a == '\0')
			return ((unsigned char)*a - (unsigned char)*b);
	return (0);
}

char *
strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (; *s != '\0' || n == 0; s++)
		if (strncmp(s, what, n) == 0)
			return ((char *)s);
	return (NULL);
}

char *
strchrnul(const char *s, int c)
{
	for (; *s != '\0' && *s != (char)c; s++)
		continue;
	return ((char *)s);
}

char *
__strchrnul(const char *s, int c)
{
	return (strchrnul(s, c));
}

char *
strchr(const char *s, int c)
{
	s = strchrnul(s, c);
	return (*s == (char)c ? (char *)s : NULL);
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return ((char *)last);
	}
}

size_t
strcspn(const char *s, const char *set)
{
	const char *p;

	for (p = s; *p != '\0' && *strchrnul(set, *p) == '\0'; p++)
		continue;
	return (p - s);
}

char *
stpcpy(char *dst, const char *src)
{
	while ((*dst = *src++) != '\0')
		dst++;
	return (dst);
}

char *
__stpcpy(char *dst, const char *src)
{
	return (stpcpy(dst, src));
}

extern char **environ;

char *
getenv(const char *name)
{
	size_t n = strlen(name);
	char **e;

	for (e = environ; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return (*e + n + 1);
	return (NULL);
}

/*
 * The allocator: a free list for each power of two, fed from a piece of the
 * bss (so that a short program makes no system call for memory) and then
 * from the kernel.  Large blocks are mapped and unmapped by themselves.
 */

struct block {
	size_t		 b_size;	/* with this header */
	struct block	*b_next;	/* while it is free */
};

#define HDR		sizeof(struct block)
#define ARENA		32768
#define LARGE		65536	/* the buffer of a directory is smaller */
#define MINSHIFT	5
#define NLISTS		12

static _Alignas(struct block) char arena[ARENA];
static char		*arena_pos = arena, *arena_end = arena + ARENA;
static struct block	*lists[NLISTS];

static void *
map(size_t n)
{
	void *p;

	p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return (p == MAP_FAILED ? NULL : p);
}

void *
malloc(size_t n)
{
	struct block *b;
	size_t size;
	int i;

	if (n > PTRDIFF_MAX - 2 * LARGE)
		return (NULL);
	n += HDR;
	if (n > LARGE) {
		size = (n + 4095) & ~(size_t)4095;
		if ((b = map(size)) == NULL)
			return (NULL);
		b->b_size = size;
		return ((char *)b + HDR);
	}
	for (i = 0, size = (size_t)1 << MINSHIFT; size < n; i++)
		size <<= 1;
	if ((b = lists[i]) != NULL) {
		lists[i] = b->b_next;
		return ((char *)b + HDR);
	}
	if (size > (size_t)(arena_end - arena_pos)) {
		/* The rest of the old piece is lost; it was smaller. */
		if ((arena_pos = map(2 * LARGE)) == NULL) {
			arena_pos = arena_end;
			return (NULL);
		}
		arena_end = arena_pos + 2 * LARGE;
	}
	b = (struct block *)(void *)arena_pos;
	arena_pos += size;
	b->b_size = size;
	return ((char *)b + HDR);
}

void
free(void *p)
{
	struct block *b;
	int i;

	if (p == NULL)
		return;
	b = (struct block *)(void *)((char *)p - HDR);
	if (b->b_size > LARGE) {
		munmap(b, b->b_size);
		return;
	}
	for (i = 0; (size_t)1 << (MINSHIFT + i) < b->b_size; i++)
		continue;
	b->b_next = lists[i];
	lists[i] = b;
}

void *
calloc(size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > PTRDIFF_MAX / size)
		return (NULL);
	return ((p = malloc(n * size)) == NULL ? NULL :
	    memset(p, 0, n * size));
}

void *
realloc(void *p, size_t n)
{
	struct block *b;
	void *q;

	if (p == NULL)
		return (malloc(n));
	b = (struct block *)(void *)((char *)p - HDR);
	if (n <= b->b_size - HDR)
		return (p);
	if ((q = malloc(n)) == NULL)
		return (NULL);
	memcpy(q, p, b->b_size - HDR);
	free(p);
	return (q);
}
