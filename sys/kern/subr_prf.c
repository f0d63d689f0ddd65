/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * printf, panic, and the message buffer.
 *
 * %d %i %u %x %X %o %c %s %p %% with - 0 # + space, width, precision, *, and
 * the length modifiers hh h l ll z j t.
 */

#include <sys/halthook.h>
#include <sys/md.h>
#include <sys/msgbuf.h>
#include <sys/mutex.h>
#include <sys/systm.h>

struct prf_out {
	void	(*po_put)(struct prf_out *, const char *, size_t);
	size_t	  po_len;		/* wanted so far */
	char	 *po_buf;
	size_t	  po_size;
};

struct prf_spec {
	bool	ps_left, ps_zero, ps_alt, ps_upper;
	char	ps_sign;
	int	ps_width, ps_prec;	/* ps_prec < 0: none given */
};

static void
prf_pad(struct prf_out *po, char c, int n)
{
	while (n-- > 0)
		po->po_put(po, &c, 1);
}

static void
prf_field(struct prf_out *po, const struct prf_spec *ps, const char *prefix,
    int zeros, const char *s, int len)
{
	int plen = strlen(prefix), pad = ps->ps_width - plen - zeros - len;

	if (!ps->ps_left)
		prf_pad(po, ' ', pad);
	po->po_put(po, prefix, plen);
	prf_pad(po, '0', zeros);
	po->po_put(po, s, len);
	if (ps->ps_left)
		prf_pad(po, ' ', pad);
}

static void
prf_number(struct prf_out *po, const struct prf_spec *ps, uint64_t v,
    u_int base, bool negative)
{
	const char *digits = ps->ps_upper ? "0123456789ABCDEF" :
	    "0123456789abcdef";
	char buf[24], prefix[4] = "", *p = buf + sizeof(buf);
	int len, zeros;

	if (negative)
		prefix[0] = '-';
	else
		prefix[0] = ps->ps_sign;
	if (ps->ps_alt && base == 16 && v != 0)
		strlcpy(prefix, ps->ps_upper ? "0X" : "0x", sizeof(prefix));
	for (; v != 0 || (p == buf + sizeof(buf) && ps->ps_prec != 0);
	    v /= base)
		*--p = digits[v % base];
	len = buf + sizeof(buf) - p;
	zeros = MAX(ps->ps_prec - len, 0);
	if (ps->ps_zero && !ps->ps_left && ps->ps_prec < 0)
		zeros = MAX(ps->ps_width - len - (int)strlen(prefix), 0);
	prf_field(po, ps, prefix, zeros, p, len);
}

static int
prf_int(const char **fmtp)
{
	int n = 0;

	while (**fmtp >= '0' && **fmtp <= '9')
		n = n * 10 + *(*fmtp)++ - '0';
	return (n);
}

static const char *
prf_flags(const char *fmt, struct prf_spec *ps)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-': ps->ps_left = true; break;
		case '0': ps->ps_zero = true; break;
		case '#': ps->ps_alt = true; break;
		case '+': ps->ps_sign = '+'; break;
		case ' ':
			if (ps->ps_sign == '\0')
				ps->ps_sign = ' ';
			break;
		default: return (fmt);
		}
	}
}

/* Bytes in the argument that the length modifiers tell. */
static size_t
prf_length(const char **fmtp)
{
	size_t size = sizeof(int);

	for (;; (*fmtp)++) {
		switch (**fmtp) {
		case 'h': size = size == sizeof(short) ? 1 : sizeof(short);
			break;
		case 'l': size = size == sizeof(long) ? sizeof(long long) :
			    sizeof(long);
			break;
		case 'z': case 't': size = sizeof(size_t); break;
		case 'j': size = sizeof(uint64_t); break;
		default: return (size);
		}
	}
}

static uint64_t
prf_unsigned(va_list *ap, size_t size)
{
	if (size > sizeof(int))
		return (va_arg(*ap, uint64_t));
	return (va_arg(*ap, u_int) & (~0U >> (32 - 8 * size)));
}

static int64_t
prf_signed(va_list *ap, size_t size)
{
	int v;

	if (size > sizeof(int))
		return (va_arg(*ap, int64_t));
	v = va_arg(*ap, int);
	return (size == 1 ? (signed char)v : size == 2 ? (short)v : v);
}

static void
prf(struct prf_out *po, const char *fmt, va_list apin)
{
	struct prf_spec ps;
	const char *s;
	va_list ap;
	size_t size;
	int64_t i;
	char c;

	va_copy(ap, apin);
	for (;;) {
		for (s = fmt; *fmt != '\0' && *fmt != '%'; fmt++)
			;
		po->po_put(po, s, fmt - s);
		if (*fmt++ == '\0')
			break;
		ps = (struct prf_spec){ .ps_prec = -1 };
		fmt = prf_flags(fmt, &ps);
		if (*fmt == '*') {
			fmt++;
			ps.ps_width = va_arg(ap, int);
			if (ps.ps_width < 0) {
				ps.ps_left = true;
				ps.ps_width = -ps.ps_width;
			}
		} else
			ps.ps_width = prf_int(&fmt);
		if (*fmt == '.') {
			if (*++fmt == '*') {
				fmt++;
				ps.ps_prec = va_arg(ap, int);
			} else
				ps.ps_prec = prf_int(&fmt);
		}
		size = prf_length(&fmt);
		c = *fmt++;
		if (c != 'd' && c != 'i')
			ps.ps_sign = '\0';	/* signed conversions only */
		switch (c) {
		case 'd':
		case 'i':
			i = prf_signed(&ap, size);
			prf_number(po, &ps, i < 0 ? -(uint64_t)i :
			    (uint64_t)i, 10, i < 0);
			break;
		case 'X':
			ps.ps_upper = true;
			/* FALLTHROUGH */
		case 'x':
			prf_number(po, &ps, prf_unsigned(&ap, size), 16,
			    false);
			break;
		case 'u':
			prf_number(po, &ps, prf_unsigned(&ap, size), 10,
			    false);
			break;
		case 'o':
			prf_number(po, &ps, prf_unsigned(&ap, size), 8,
			    false);
			break;
		case 'p':
			ps.ps_alt = true;
			prf_number(po, &ps, (vaddr_t)va_arg(ap, void *), 16,
			    false);
			break;
		case 's':
			if ((s = va_arg(ap, const char *)) == NULL)
				s = "(null)";
			prf_field(po, &ps, "", 0, s, ps.ps_prec < 0 ?
			    strlen(s) : strnlen(s, ps.ps_prec));
			break;
		case 'c':
			c = va_arg(ap, int);
			prf_field(po, &ps, "", 0, &c, 1);
			break;
		case '%':
			po->po_put(po, "%", 1);
			break;
		default:
			panic("printf: unknown conversion %%%c", c);
		}
	}
	va_end(ap);
}

static void
prf_put_buf(struct prf_out *po, const char *s, size_t n)
{
	if (po->po_len < po->po_size)
		memcpy(po->po_buf + po->po_len, s,
		    MIN(n, po->po_size - po->po_len));
	po->po_len += n;
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct prf_out po = { .po_put = prf_put_buf, .po_buf = buf,
	    .po_size = size };

	prf(&po, fmt, ap);
	if (size != 0)
		buf[MIN(po.po_len, size - 1)] = '\0';
	return (po.po_len);
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return (n);
}

/* --- messages: whole lines at a time where they fit ------------------------ */

void
vprintf(const char *fmt, va_list ap)
{
	char line[256];
	size_t n;

	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n >= sizeof(line)) {
		/* too long: a line must still end */
		n = sizeof(line) - 1;
		memcpy(line + n - 4, "...\n", 4);
	}
	msgbuf_write(line, n);
}

void
printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

void
panic(const char *fmt, ...)
{
	static bool panicking;
	va_list ap;

	splraise(IPL_HIGH);
	if (!panicking) {
		panicking = true;
		cn_panic();
		printf("panic: ");
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		printf("\n");
		md_backtrace();
		msgbuf_panic();
		panic_action();
	}
	/* a panic in the panic: say no more */
	msgbuf_panic();
	kern_halt(PANIC_STATUS);
}
