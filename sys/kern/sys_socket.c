/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Sockets as files, and their options.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/selinfo.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/ttycom.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <net/if.h>

static int	soo_read(struct file *, struct uio *);
static int	soo_write(struct file *, struct uio *);
static int	soo_ioctl(struct file *, u_long, void *);
static int	soo_poll(struct file *, int, struct selreq *);
static int	soo_stat(struct file *, struct kstat *);
static int	soo_close(struct file *);

static const struct fileops socket_fileops = {
	.fo_read = soo_read,
	.fo_write = soo_write,
	.fo_ioctl = soo_ioctl,
	.fo_poll = soo_poll,
	.fo_stat = soo_stat,
	.fo_close = soo_close,
};

int
so_file(struct socket *so, int flags, struct file **fp)
{
	struct file *f;

	if ((f = file_alloc(&socket_fileops, O_RDWR |
	    (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0), so)) == NULL)
		return (ENOMEM);
	*fp = f;
	return (0);
}

int
so_fromfile(struct file *f, struct socket **sop)
{
	if (f->f_ops != &socket_fileops)
		return (ENOTSOCK);
	*sop = f->f_data;
	return (0);
}

static int
soo_read(struct file *f, struct uio *uio)
{
	struct msginfo mi = {
	    .mi_flags = f->f_flags & O_NONBLOCK ? MSG_DONTWAIT : 0 };

	return (so_receive(f->f_data, uio, &mi));
}

static int
soo_write(struct file *f, struct uio *uio)
{
	struct msginfo mi = {
	    .mi_flags = f->f_flags & O_NONBLOCK ? MSG_DONTWAIT : 0 };

	return (so_send(f->f_data, uio, &mi));
}

static int
soo_ioctl(struct file *f, u_long cmd, void *data)
{
	struct socket *so = f->f_data;
	int error = ENOIOCTL, n;

	switch (cmd) {
	case FIONREAD:
	case TIOCOUTQ:
		mtx_enter(&so->so_mtx);
		if (cmd == TIOCOUTQ)
			n = so->so_snd.sb_cc;
		else if (so->so_proto->pr_flags & PR_STREAM)
			n = so->so_rcv.sb_cc;
		else	/* of the first datagram */
			n = so->so_rcv.sb_head == NULL ? 0 :
			    m_length(so->so_rcv.sb_head->m_next);
		mtx_leave(&so->so_mtx);
		return (copyout(&n, data, sizeof(n)));
	}
	if (so->so_proto->pr_ioctl != NULL)
		error = so->so_proto->pr_ioctl(so, cmd, data);
	else if (so->so_domain == AF_INET6)
		error = in6_ioctl(cmd, data);
	return (error == ENOIOCTL ? if_ioctl(cmd, data) : error);
}

static int
soo_revents(struct socket *so)
{
	int revents = 0;

	if (so->so_state & SS_LISTENING)
		return (TAILQ_EMPTY(&so->so_queue) ? 0 :
		    POLLIN | POLLRDNORM);
	if (so->so_error != 0)
		revents |= POLLERR;
	if (so->so_rcv.sb_cc >= so->so_rcv.sb_lowat ||
	    (!(so->so_proto->pr_flags & PR_STREAM) &&
	    so->so_rcv.sb_head != NULL) || so->so_error != 0 ||
	    (so->so_state & SS_CANTRCV))
		revents |= POLLIN | POLLRDNORM;
	if (so_writable(so))
		revents |= POLLOUT | POLLWRNORM;
	if (so->so_state & SS_CANTRCV)
		revents |= POLLRDHUP;
	if ((so->so_state & SS_CANTRCV) && (so->so_state & SS_CANTSEND))
		revents |= POLLHUP;
	/* never connected, and not on the way to */
	if ((so->so_proto->pr_flags & PR_STREAM) && !(so->so_state &
	    (SS_CONNECTED | SS_CONNECTING | SS_CANTRCV)))
		revents |= POLLHUP;
	if (so->so_proto->pr_rcvoob != NULL &&
	    so->so_proto->pr_rcvoob(so, &(uint8_t){ 0 }, MSG_PEEK) == 0)
		revents |= POLLPRI;
	return (revents);
}

static int
soo_poll(struct file *f, int events, struct selreq *sr)
{
	struct socket *so = f->f_data;
	int revents;

	mtx_enter(&so->so_mtx);
	if ((revents = soo_revents(so) & events) == 0) {
		selrecord(sr, &so->so_rcv.sb_sel);
		selrecord(sr, &so->so_snd.sb_sel);
	}
	mtx_leave(&so->so_mtx);
	return (revents);
}

static int
soo_stat(struct file *f, struct kstat *ks)
{
	struct socket *so = f->f_data;

	*ks = (struct kstat){ .ks_mode = S_IFSOCK | 0777, .ks_nlink = 1,
	    .ks_ino = so->so_ino, .ks_blksize = 4096, .ks_uid = so->so_uid };
	return (0);
}

static int
soo_close(struct file *f)
{
	so_close(f->f_data, (f->f_flags & O_NONBLOCK) != 0);
	return (0);
}

/* --- options ----------------------------------------------------------------- */

struct timeval64 {
	int64_t	tv_sec;
	int64_t	tv_usec;
};

static int
opt_int(const void *val, size_t len, int *vp)
{
	if (len < sizeof(*vp))
		return (EINVAL);
	memcpy(vp, val, sizeof(*vp));
	return (0);
}

static int
setopt_timeo(struct sockbuf *sb, const void *val, size_t len)
{
	struct timeval64 tv;

	if (len < sizeof(tv))
		return (EINVAL);
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return (EDOM);
	if (tv.tv_sec == 0 && tv.tv_usec == 0)
		sb->sb_timeo = INFSLP;
	else if (tv.tv_sec < 0)
		sb->sb_timeo = 0;
	else if (tv.tv_sec > INT32_MAX)
		sb->sb_timeo = INFSLP;
	else
		sb->sb_timeo = SEC_TO_NSEC(tv.tv_sec) + tv.tv_usec * 1000;
	return (0);
}

/* Linux gives twice what was asked for, for what packets take besides. */
static void
setopt_buf(struct sockbuf *sb, int n)
{
	sb_reserve(sb, n < 0 || n > SB_MAX / 2 ? SB_MAX : n * 2);
	sb->sb_userset = true;
}

static int
setopt_device(struct socket *so, const char *val, size_t len)
{
	char name[IFNAMSIZ] = "";

	memcpy(name, val, MIN(len, sizeof(name) - 1));
	if (name[0] == '\0') {
		so->so_ifidx = 0;
		return (0);
	}
	if ((so->so_ifidx = if_nametoindex(name)) == 0)
		return (ENODEV);
	route_changed();	/* what sockets keep of routes */
	return (0);
}

static int
setopt_socket(struct socket *so, int opt, const void *val, size_t len)
{
	struct linger l;
	int n = 0, error;

	switch (opt) {
	case SO_BINDTODEVICE:
		return (setopt_device(so, val, len));
	case SO_LINGER:
		if (len < sizeof(l))
			return (EINVAL);
		memcpy(&l, val, sizeof(l));
		so->so_linger = SEC_TO_NSEC(l.l_linger < 0 ? 0 : l.l_linger);
		n = l.l_onoff;
		break;
	case SO_RCVTIMEO:
		return (setopt_timeo(&so->so_rcv, val, len));
	case SO_SNDTIMEO:
		return (setopt_timeo(&so->so_snd, val, len));
	case SO_ATTACH_FILTER:
	case SO_DETACH_FILTER:
		return (ENOPROTOOPT);
	default:
		if ((error = opt_int(val, len, &n)) != 0)
			return (error);
	}
	switch (opt) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		setopt_buf(&so->so_snd, n);
		so_wakeup_snd(so);
		break;
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		setopt_buf(&so->so_rcv, n);
		break;
	case SO_RCVLOWAT:
		so->so_rcv.sb_lowat = n <= 0 ? 1 :
		    MIN((uint32_t)n, so->so_rcv.sb_hiwat);
		break;
	case SO_MARK:
		so->so_mark = n;
		break;
	case SO_DEBUG:
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_DONTROUTE:
	case SO_BROADCAST:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
	case SO_LINGER:
	case SO_TIMESTAMP:
		if (n != 0)
			so->so_options |= 1U << opt;
		else
			so->so_options &= ~(1U << opt);
		break;
	case SO_PRIORITY:
	case SO_BUSY_POLL:
		break;		/* hints that change nothing here */
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

int
so_setopt(struct socket *so, int level, int opt, const void *val, size_t len)
{
	int error = ENOPROTOOPT;

	mtx_enter(&so->so_mtx);
	if (level == SOL_SOCKET)
		error = setopt_socket(so, opt, val, len);
	if ((level != SOL_SOCKET || (error == 0 && opt == SO_KEEPALIVE)) &&
	    so->so_proto->pr_setopt != NULL)
		error = so->so_proto->pr_setopt(so, level, opt, val, len);
	mtx_leave(&so->so_mtx);
	return (error);
}

static int
getopt_int(struct socket *so, int opt, int *np)
{
	switch (opt) {
	case SO_TYPE:
		*np = so->so_type;
		break;
	case SO_DOMAIN:
		*np = so->so_domain;
		break;
	case SO_PROTOCOL:
		*np = so->so_protocol;
		break;
	case SO_ERROR:
		*np = so_takeerror(so);
		break;
	case SO_SNDBUF:
		*np = so->so_snd.sb_hiwat;
		break;
	case SO_RCVBUF:
		*np = so->so_rcv.sb_hiwat;
		break;
	case SO_RCVLOWAT:
		*np = so->so_rcv.sb_lowat;
		break;
	case SO_SNDLOWAT:
		*np = 1;
		break;
	case SO_ACCEPTCONN:
		*np = (so->so_state & SS_LISTENING) != 0;
		break;
	case SO_MARK:
		*np = so->so_mark;
		break;
	case SO_PRIORITY:
		*np = 0;
		break;
	case SO_DEBUG:
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_DONTROUTE:
	case SO_BROADCAST:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
	case SO_TIMESTAMP:
		*np = SO_ISSET(so, opt);
		break;
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

static void
getopt_put(void *val, size_t *lenp, const void *from, size_t n)
{
	*lenp = MIN(*lenp, n);
	memcpy(val, from, *lenp);
}

static int
getopt_socket(struct socket *so, int opt, void *val, size_t *lenp)
{
	struct timeval64 tv = { 0, 0 };
	const struct sockbuf *sb;
	struct linger l;
	int n, error;

	switch (opt) {
	case SO_LINGER:
		l.l_onoff = SO_ISSET(so, SO_LINGER);
		l.l_linger = so->so_linger / NSEC_PER_SEC;
		getopt_put(val, lenp, &l, sizeof(l));
		return (0);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		sb = opt == SO_RCVTIMEO ? &so->so_rcv : &so->so_snd;
		if (sb->sb_timeo != INFSLP) {
			tv.tv_sec = sb->sb_timeo / NSEC_PER_SEC;
			tv.tv_usec = sb->sb_timeo % NSEC_PER_SEC / 1000;
		}
		getopt_put(val, lenp, &tv, sizeof(tv));
		return (0);
	}
	if ((error = getopt_int(so, opt, &n)) == 0)
		getopt_put(val, lenp, &n, sizeof(n));
	return (error);
}

int
so_getopt(struct socket *so, int level, int opt, void *val, size_t *lenp)
{
	int error = ENOPROTOOPT;

	mtx_enter(&so->so_mtx);
	if (level == SOL_SOCKET)
		error = getopt_socket(so, opt, val, lenp);
	else if (so->so_proto->pr_getopt != NULL)
		error = so->so_proto->pr_getopt(so, level, opt, val, lenp);
	mtx_leave(&so->so_mtx);
	return (error);
}
