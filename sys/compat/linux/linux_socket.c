/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Sockets: the system calls.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <compat/linux/linux.h>

#define FD(v)		((int)(v))
#define CONTROL_MAX	4096
#define OPT_MAX		1024

struct linux_msghdr {
	void		*msg_name;
	int		 msg_namelen;
	struct iovec	*msg_iov;
	size_t		 msg_iovlen;
	void		*msg_control;
	size_t		 msg_controllen;
	int		 msg_flags;
};

struct linux_mmsghdr {
	struct linux_msghdr	msg_hdr;
	u_int			msg_len;
};

/* --- arguments -------------------------------------------------------------------- */

static int
socket_get(int fd, struct file **fp, struct socket **sop)
{
	int error;

	if ((error = file_get(fd, fp)) != 0)
		return (error);
	if ((*fp)->f_flags & O_PATH)
		error = EBADF;
	else
		error = so_fromfile(*fp, sop);
	if (error != 0)
		file_unref(*fp);
	return (error);
}

static int
addr_in(const void *user, int len, struct sockaddr_storage *ss)
{
	if (len < 0 || (size_t)len > sizeof(*ss))
		return (EINVAL);
	memset(ss, 0, sizeof(*ss));
	return (copyin(user, ss, len));
}

/* As much as the program has room for; and how long it is. */
static int
addr_out(const struct sockaddr_storage *ss, size_t len, void *user,
    void *ulenp)
{
	int room, error;

	if (user == NULL || ulenp == NULL)
		return (0);
	if ((error = copyin(ulenp, &room, sizeof(room))) != 0)
		return (error);
	if (room < 0)
		return (EINVAL);
	error = copyout(ss, user, MIN((size_t)room, len));
	room = len;
	return (error != 0 ? error : copyout(&room, ulenp, sizeof(room)));
}

static int
socket_install(struct socket *so, int type, long *rv)
{
	struct file *f;
	int error, fd;

	if ((error = so_file(so, type, &f)) != 0) {
		so_close(so, true);
		return (error);
	}
	error = fd_install(f, 0, (type & SOCK_CLOEXEC) != 0, &fd);
	if (error != 0)
		file_unref(f);
	else
		*rv = fd;
	return (error);
}

/* --- connections ------------------------------------------------------------------ */

int
linux_socket(const u_long *a, long *rv)
{
	int type = a[1], error;
	struct socket *so;

	if (type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (EINVAL);
	error = so_create(a[0], type & SOCK_TYPE_MASK, a[2], &so);
	return (error != 0 ? error : socket_install(so, type, rv));
}

int
linux_bind(const u_long *a, long *rv __unused)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	if ((error = addr_in((void *)a[1], a[2], &ss)) == 0)
		error = so_bind(so, (struct sockaddr *)&ss, a[2]);
	file_unref(f);
	return (error);
}

int
linux_listen(const u_long *a, long *rv __unused)
{
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	error = so_listen(so, a[1]);
	file_unref(f);
	return (error);
}

static int
do_accept(int fd, void *addr, void *lenp, int flags, long *rv)
{
	struct sockaddr_storage ss;
	struct socket *so, *new;
	struct file *f;
	size_t len = 0;
	int error;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return (EINVAL);
	if ((error = socket_get(fd, &f, &so)) != 0)
		return (error);
	error = so_accept(so, (f->f_flags & O_NONBLOCK) != 0, &new);
	file_unref(f);
	if (error != 0)
		return (error);
	mtx_enter(&new->so_mtx);
	/* it may have ended already: then the address is empty */
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = new->so_domain;
	if (new->so_proto->pr_peername(new, &ss, &len) != 0)
		len = sizeof(ss.ss_family);
	mtx_leave(&new->so_mtx);
	if ((error = addr_out(&ss, len, addr, lenp)) != 0) {
		so_close(new, true);
		return (error);
	}
	return (socket_install(new, flags, rv));
}

int
linux_accept(const u_long *a, long *rv)
{
	return (do_accept(FD(a[0]), (void *)a[1], (void *)a[2], 0, rv));
}

int
linux_accept4(const u_long *a, long *rv)
{
	return (do_accept(FD(a[0]), (void *)a[1], (void *)a[2], a[3], rv));
}

int
linux_connect(const u_long *a, long *rv __unused)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	if ((error = addr_in((void *)a[1], a[2], &ss)) == 0)
		error = so_connect(so, (struct sockaddr *)&ss, a[2],
		    (f->f_flags & O_NONBLOCK) != 0);
	file_unref(f);
	return (error);
}

int
linux_shutdown(const u_long *a, long *rv __unused)
{
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	error = so_shutdown(so, a[1]);
	file_unref(f);
	return (error);
}

static int
do_getname(const u_long *a, bool peer)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *f;
	size_t len = 0;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	memset(&ss, 0, sizeof(ss));
	mtx_enter(&so->so_mtx);
	if (peer)
		error = so->so_proto->pr_peername == NULL ? EOPNOTSUPP :
		    so->so_proto->pr_peername(so, &ss, &len);
	else
		error = so->so_proto->pr_sockname(so, &ss, &len);
	mtx_leave(&so->so_mtx);
	if (error == 0)
		error = a[1] == 0 || a[2] == 0 ? EFAULT :
		    addr_out(&ss, len, (void *)a[1], (void *)a[2]);
	file_unref(f);
	return (error);
}

int
linux_getsockname(const u_long *a, long *rv __unused)
{
	return (do_getname(a, false));
}

int
linux_getpeername(const u_long *a, long *rv __unused)
{
	return (do_getname(a, true));
}

/* --- data --------------------------------------------------------------------------- */

static int
uio_make(struct uio *uio, struct iovec *iov, size_t n, enum uio_rw rw)
{
	size_t i;

	*uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = n,
	    .uio_segflg = UIO_USERSPACE, .uio_rw = rw };
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > INT64_MAX - uio->uio_resid)
			return (EINVAL);
		uio->uio_resid += iov[i].iov_len;
	}
	return (0);
}

static int
do_send(struct file *f, struct socket *so, struct uio *uio,
    struct msginfo *mi, long *rv)
{
	bool nosignal = (mi->mi_flags & MSG_NOSIGNAL) != 0;
	size_t want = uio->uio_resid;
	int error;

	if (f->f_flags & O_NONBLOCK)
		mi->mi_flags |= MSG_DONTWAIT;
	error = so_send(so, uio, mi);
	*rv = want - uio->uio_resid;
	if (error == EPIPE && *rv == 0 && !nosignal &&
	    so->so_type == SOCK_STREAM)
		psignal(curproc, SIGPIPE);
	/* a datagram went as a whole or not at all */
	return (*rv != 0 && so->so_type == SOCK_STREAM ? 0 : error);
}

static int
do_receive(struct file *f, struct socket *so, struct uio *uio,
    struct msginfo *mi, long *rv)
{
	size_t want = uio->uio_resid;
	int error;

	if (f->f_flags & O_NONBLOCK)
		mi->mi_flags |= MSG_DONTWAIT;
	error = so_receive(so, uio, mi);
	*rv = want - uio->uio_resid;
	return (error);
}

int
linux_sendto(const u_long *a, long *rv)
{
	struct iovec iov = { (void *)a[1], MIN(a[2], 0x7ffff000UL) };
	struct msginfo mi = { .mi_flags = a[3] };
	struct socket *so;
	struct file *f;
	struct uio uio;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	if (a[4] != 0) {
		mi.mi_addrlen = (int)a[5];
		error = addr_in((void *)a[4], a[5], &mi.mi_addr);
	}
	(void)uio_make(&uio, &iov, 1, UIO_WRITE);
	if (error == 0)
		error = do_send(f, so, &uio, &mi, rv);
	file_unref(f);
	return (error);
}

int
linux_recvfrom(const u_long *a, long *rv)
{
	struct iovec iov = { (void *)a[1], MIN(a[2], 0x7ffff000UL) };
	struct msginfo mi = { .mi_flags = a[3] };
	struct socket *so;
	struct file *f;
	struct uio uio;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	(void)uio_make(&uio, &iov, 1, UIO_READ);
	error = do_receive(f, so, &uio, &mi, rv);
	if (error == 0)
		error = addr_out(&mi.mi_addr, mi.mi_addrlen, (void *)a[4],
		    (void *)a[5]);
	file_unref(f);
	return (error);
}

/* The pieces of a message and its control part, in kernel memory. */
struct msg {
	struct linux_msghdr	 m_hdr;
	struct iovec		*m_iov;
	void			*m_control;
	struct uio		 m_uio;
	struct msginfo		 m_info;
};

static void
msg_free(struct msg *m)
{
	if (m->m_iov != NULL)
		kmem_free(m->m_iov, MAX(m->m_hdr.msg_iovlen, 1) *
		    sizeof(*m->m_iov));
	if (m->m_control != NULL)
		kmem_free(m->m_control, CONTROL_MAX);
}

static int
msg_in(struct msg *m, const void *user, enum uio_rw rw, int flags)
{
	struct linux_msghdr *h = &m->m_hdr;
	int error;

	memset(m, 0, sizeof(*m));
	if ((error = copyin(user, h, sizeof(*h))) != 0)
		return (error);
	if (h->msg_iovlen > UIO_MAXIOV) {
		h->msg_iovlen = 0;
		return (EMSGSIZE);
	}
	m->m_iov = kmem_alloc(MAX(h->msg_iovlen, 1) * sizeof(*m->m_iov),
	    KM_NOSLEEP);
	if (m->m_iov == NULL)
		return (ENOMEM);
	error = copyin(h->msg_iov, m->m_iov,
	    h->msg_iovlen * sizeof(*m->m_iov));
	if (error == 0)
		error = uio_make(&m->m_uio, m->m_iov, h->msg_iovlen, rw);
	if (error == 0 && h->msg_control != NULL && h->msg_controllen != 0) {
		if (rw == UIO_WRITE && h->msg_controllen > CONTROL_MAX)
			return (ENOBUFS);
		m->m_control = kmem_zalloc(CONTROL_MAX, KM_NOSLEEP);
		if (m->m_control == NULL)
			return (ENOMEM);
		m->m_info.mi_control = m->m_control;
		m->m_info.mi_controllen = MIN(h->msg_controllen, CONTROL_MAX);
	}
	m->m_info.mi_flags = flags;
	if (error == 0 && rw == UIO_WRITE && m->m_control != NULL)
		error = copyin(h->msg_control, m->m_control,
		    m->m_info.mi_controllen);
	if (error == 0 && rw == UIO_WRITE && h->msg_name != NULL) {
		m->m_info.mi_addrlen = h->msg_namelen;
		error = addr_in(h->msg_name, h->msg_namelen,
		    &m->m_info.mi_addr);
	}
	return (error);
}

static int
msg_out(struct msg *m, void *user)
{
	struct linux_msghdr *h = &m->m_hdr;
	int error = 0;

	if (h->msg_name != NULL)
		error = copyout(&m->m_info.mi_addr, h->msg_name,
		    MIN(m->m_info.mi_addrlen, (size_t)MAX(h->msg_namelen, 0)));
	h->msg_namelen = m->m_info.mi_addrlen;
	if (error == 0 && m->m_control != NULL)
		error = copyout(m->m_control, h->msg_control,
		    m->m_info.mi_controllen);
	h->msg_controllen = m->m_control == NULL ? 0 :
	    m->m_info.mi_controllen;
	h->msg_flags = m->m_info.mi_flags;
	return (error != 0 ? error : copyout(h, user, sizeof(*h)));
}

static int
send_one(struct file *f, struct socket *so, const void *user, int flags,
    long *rv)
{
	struct msg m;
	int error;

	if ((error = msg_in(&m, user, UIO_WRITE, flags)) == 0)
		error = do_send(f, so, &m.m_uio, &m.m_info, rv);
	msg_free(&m);
	return (error);
}

static int
receive_one(struct file *f, struct socket *so, void *user, int flags,
    long *rv)
{
	struct msg m;
	int error;

	if ((error = msg_in(&m, user, UIO_READ, flags)) == 0 &&
	    (error = do_receive(f, so, &m.m_uio, &m.m_info, rv)) == 0)
		error = msg_out(&m, user);
	msg_free(&m);
	return (error);
}

int
linux_sendmsg(const u_long *a, long *rv)
{
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	error = send_one(f, so, (void *)a[1], a[2], rv);
	file_unref(f);
	return (error);
}

int
linux_recvmsg(const u_long *a, long *rv)
{
	struct socket *so;
	struct file *f;
	int error;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	error = receive_one(f, so, (void *)a[1], a[2], rv);
	file_unref(f);
	return (error);
}

/* Several in one call; an error after the first is told by the next call. */
static int
do_mmsg(const u_long *a, bool send, uint64_t end, long *rv)
{
	struct linux_mmsghdr *user = (void *)a[1];
	u_int i, n = MIN(a[2], UIO_MAXIOV), len;
	int flags = a[3] & ~MSG_WAITFORONE, error;
	struct socket *so;
	struct file *f;
	long done;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	for (i = 0; i < n; i++) {
		done = 0;
		error = send ?
		    send_one(f, so, &user[i].msg_hdr, flags, &done) :
		    receive_one(f, so, &user[i].msg_hdr, flags, &done);
		len = done;
		if (error == 0)
			error = copyout(&len, &user[i].msg_len, sizeof(len));
		if (error != 0)
			break;
		if (a[3] & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (nsecuptime() >= end) {
			i++;
			break;
		}
	}
	file_unref(f);
	*rv = i;
	return (i != 0 ? 0 : error);
}

int
linux_sendmmsg(const u_long *a, long *rv)
{
	return (do_mmsg(a, true, INFSLP, rv));
}

int
linux_recvmmsg(const u_long *a, long *rv)
{
	uint64_t nsec = INFSLP;
	int error;

	if (a[4] != 0) {
		if ((error = linux_timespec_in((void *)a[4], &nsec)) != 0)
			return (error);
		nsec += nsecuptime();
	}
	return (do_mmsg(a, false, nsec, rv));
}

/* --- options -------------------------------------------------------------------------- */

int
linux_setsockopt(const u_long *a, long *rv __unused)
{
	uint8_t val[OPT_MAX];
	struct socket *so;
	struct file *f;
	int error, len = a[4];

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	if (len < 0)
		error = EINVAL;
	else {
		memset(val, 0, 64);
		error = copyin((void *)a[3], val, MIN(len, OPT_MAX));
	}
	if (error == 0)
		error = so_setopt(so, a[1], a[2], val, MIN(len, OPT_MAX));
	file_unref(f);
	return (error);
}

int
linux_getsockopt(const u_long *a, long *rv __unused)
{
	uint8_t val[OPT_MAX];
	struct socket *so;
	struct file *f;
	int error, room;
	size_t len;

	if ((error = socket_get(FD(a[0]), &f, &so)) != 0)
		return (error);
	error = copyin((void *)a[4], &room, sizeof(room));
	if (error == 0 && room < 0)
		error = EINVAL;
	if (error == 0) {
		len = MIN(room, OPT_MAX);
		error = so_getopt(so, a[1], a[2], val, &len);
	}
	if (error == 0) {
		room = len;
		error = copyout(val, (void *)a[3], len);
	}
	if (error == 0)
		error = copyout(&room, (void *)a[4], sizeof(room));
	file_unref(f);
	return (error);
}
