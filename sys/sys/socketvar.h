/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SOCKETVAR_H_
#define _SYS_SOCKETVAR_H_

/*
 * Sockets inside the kernel: what the system calls and a protocol have
 * between them.
 *
 * so_mtx guards all of a socket and of the protocol's part of it (so_pcb).
 * It is held in each call of a protocol's functions but pr_ctlout's and
 * pr_free.  Order of mutexes: a listening socket, a connection, the table of
 * a protocol's sockets, net_mtx, a driver's queue.  Nobody sleeps with one.
 *
 * A reference (so_refs, atomic) keeps the memory: the file has one, the
 * protocol one while the socket is in a table of its own (a connection goes
 * on after close(2)), and who looks one up takes one.  With the last the
 * protocol's pr_free is called, in a thread.
 */

#include <sys/mbuf.h>
#include <sys/mutex.h>
#include <sys/selinfo.h>
#include <sys/socket.h>
#include <sys/task.h>

struct file;
struct protosw;

/*
 * A buffer of a socket.  Of a stream it is one chain at sb_head; of datagrams
 * each is a packet linked by m_nextpkt, whose first mbuf holds a struct
 * dgram_info and nothing else (M_TYPE_INFO).
 *
 * Data are taken off the front by one thread at a time, which has set
 * sb_busy, and may look at them without so_mtx: what is in the chain stays
 * where it is until that thread drops it.  Data are added at the end under
 * so_mtx.  Of a send buffer the protocol is the one who drops; sb_busy is the
 * writer's, so that what two programs write is not mixed.
 */
struct sockbuf {
	struct mbuf	*sb_head;
	struct mbuf	*sb_last;	/* last mbuf (stream) or packet */
	uint32_t	 sb_cc;		/* bytes of data */
	uint32_t	 sb_mem;	/* memory that they keep */
	uint32_t	 sb_hiwat;	/* wanted most of sb_cc */
	uint32_t	 sb_lowat;
	uint64_t	 sb_timeo;	/* ns; INFSLP */
	bool		 sb_userset;	/* by SO_SNDBUF: no automatic growth */
	bool		 sb_busy;
	struct selinfo	 sb_sel;
};
#define M_TYPE_DATA	0
#define M_TYPE_INFO	1

/* the most that a socket buffer may be set to, or grow to */
#define SB_MAX		(6 * 1024 * 1024)

struct socket {
	struct mutex	 so_mtx;
	u_int		 so_refs;	/* atomic */
	const struct protosw *so_proto;
	void		*so_pcb;
	short		 so_domain;	/* AF_* */
	short		 so_type;
	int		 so_protocol;	/* as given to socket(2) */
	u_int		 so_state;	/* SS_* */
	u_int		 so_options;	/* 1 << SO_* */
	int		 so_error;	/* to be told with the next call */
	uint64_t	 so_linger;	/* ns */
	u_int		 so_ifidx;	/* SO_BINDTODEVICE */
	uint32_t	 so_mark;
	uint32_t	 so_oobmark;	/* bytes before urgent data; 0 */
	uid_t		 so_uid;
	ino_t		 so_ino;
	struct sockbuf	 so_snd, so_rcv;
	/* of a listening socket */
	TAILQ_HEAD(, socket) so_queue;	/* complete, to be accepted */
	TAILQ_ENTRY(socket) so_qlink;	/* of one in such a queue */
	u_int		 so_qlen, so_qlimit;
	struct task	 so_freetask;
};
#define SS_CONNECTED	0x0001		/* there is a peer */
#define SS_CONNECTING	0x0002
#define SS_LISTENING	0x0004
#define SS_CANTSEND	0x0008		/* shut down for sending */
#define SS_CANTRCV	0x0010		/* end of file */
#define SS_CLOSED	0x0020		/* no file refers to it any more */
#define SS_PRIV		0x0040		/* root made it */
#define SO_ISSET(so, o)	(((so)->so_options & (1U << (o))) != 0)

/* What is known of a datagram beside its data; small, for each has one. */
struct dgram_info {
	uint8_t		 di_from[32] __aligned(4);	/* a sockaddr */
	uint8_t		 di_to[16];	/* struct inaddr: where it was sent */
	uint64_t	 di_time;	/* nsecwall() */
	u_int		 di_ifidx;
	uint16_t	 di_gso_size;	/* segments were put together */
	uint8_t		 di_fromlen;
	uint8_t		 di_ttl, di_tos;
};

/* What goes with data that are sent. */
struct sendinfo {
	const struct sockaddr *si_to;	/* NULL: connected */
	size_t		 si_tolen;
	int		 si_flags;	/* MSG_* */
	const void	*si_control;	/* cmsgs as the program gave them */
	size_t		 si_controllen;
};

/*
 * A protocol.  errno values; thread context; so_mtx is held unless it says
 * otherwise.  Addresses are sockaddrs in kernel memory of that length, as the
 * program gave them: nothing is checked yet.  NULL: EOPNOTSUPP.
 */
struct protosw {
	short		 pr_domain, pr_type;
	int		 pr_protocol;	/* 0: any */
	int		 pr_flags;
	/* without so_mtx: sets so_pcb, and the sizes of the buffers */
	int	(*pr_attach)(struct socket *, int protocol);
	/* the last file is closed: end the connection, in its time */
	void	(*pr_close)(struct socket *);
	/* without so_mtx, no reference is left: free so_pcb */
	void	(*pr_free)(struct socket *);
	int	(*pr_bind)(struct socket *, const struct sockaddr *, size_t);
	/* starts it: SS_CONNECTING until it is done */
	int	(*pr_connect)(struct socket *, const struct sockaddr *,
		    size_t);
	int	(*pr_listen)(struct socket *);
	/*
	 * takes the chain over, also on error (NULL for a stream: nothing was
	 * added, but MSG_MORE no longer holds); a datagram may be empty
	 */
	int	(*pr_send)(struct socket *, struct mbuf *,
		    const struct sendinfo *);
	/* the program took data out of so_rcv */
	void	(*pr_rcvd)(struct socket *);
	int	(*pr_shutdown)(struct socket *);	/* for sending */
	/* one byte out of band; flags: MSG_PEEK.  EINVAL, EAGAIN */
	int	(*pr_rcvoob)(struct socket *, uint8_t *, int);
	int	(*pr_sockname)(struct socket *, struct sockaddr_storage *,
		    size_t *);
	int	(*pr_peername)(struct socket *, struct sockaddr_storage *,
		    size_t *);
	/* levels other than SOL_SOCKET; the buffer is the kernel's */
	int	(*pr_setopt)(struct socket *, int, int, const void *, size_t);
	int	(*pr_getopt)(struct socket *, int, int, void *, size_t *);
	/* control messages of a datagram; false: there was no room */
	bool	(*pr_control)(struct socket *, const struct dgram_info *,
		    uint8_t *, size_t room, size_t *used);
	/* ENOIOCTL: not mine, ask the interfaces; data is the user's */
	int	(*pr_ioctl)(struct socket *, u_long, void *);
};
#define PR_STREAM	0x01		/* no records; listen, urgent data */
#define PR_ATOMIC	0x02		/* each send is a datagram */
#define PR_PRIV		0x04		/* for root */
#define PR_ADDR		0x08		/* recvfrom gives each one's sender */

void	 protosw_register(const struct protosw *);	/* at boot */

/* --- for protocols ----------------------------------------------------------- */

/*
 * so_ref, so_unref: any context.
 * so_wakeup_rcv, so_wakeup_snd: something can be read, or written, or has
 *	ended: whoever sleeps or polls looks again.
 * so_isconnected, so_isdisconnected: SS_CONNECTED or both SS_CANT*, and wakes.
 * so_cantrcv, so_cantsend: end of file; EPIPE.
 * so_seterror: what the next call will tell, and wakes.
 * so_newconn: softint; of a listening socket whose mutex is held: a socket
 *	like it, attached (pr_attach), with its options, its mutex entered,
 *	and a reference for the protocol.  NULL: no memory, or queue full.
 * so_connqueue: puts that into the queue of the listening one, which has its
 *	mutex too, and wakes.  The queue has a reference.
 */
void	 so_ref(struct socket *);
void	 so_unref(struct socket *);
void	 so_wakeup_rcv(struct socket *);
void	 so_wakeup_snd(struct socket *);
void	 so_isconnected(struct socket *);
void	 so_isdisconnected(struct socket *);
void	 so_cantrcv(struct socket *);
void	 so_cantsend(struct socket *);
void	 so_seterror(struct socket *, int);
struct socket *so_newconn(struct socket *);
void	 so_connqueue(struct socket *, struct socket *);

/*
 * sb_append: a chain to the end of a stream; small pieces are put into room
 *	that is left.  Does not wake.
 * sb_appenddgram: a datagram; it is dropped (false) if there is no room.
 * sb_drop: bytes off the front of a stream.
 * sb_flush: all of it.  Of so_rcv: by the reader, or if no file refers to it.
 * sb_space: bytes that may be added to a stream; 0 also if too much memory is
 *	kept.
 * sb_reserve: a new hiwat, within limits.
 */
void	 sb_append(struct sockbuf *, struct mbuf *);
bool	 sb_appenddgram(struct sockbuf *, const struct dgram_info *,
	    struct mbuf *);
void	 sb_drop(struct sockbuf *, uint32_t);
void	 sb_flush(struct sockbuf *);
uint32_t sb_space(const struct sockbuf *);
void	 sb_reserve(struct sockbuf *, uint32_t);

/* --- for system calls ----------------------------------------------------------- */

struct msginfo {			/* of one sendmsg or recvmsg */
	struct sockaddr_storage mi_addr;
	size_t		 mi_addrlen;	/* 0: none */
	void		*mi_control;	/* kernel memory */
	size_t		 mi_controllen;	/* room; what was filled in */
	int		 mi_flags;	/* MSG_*, in and out */
};

/* A control message: appended where there is room; else MSG_CTRUNC is due. */
struct cmsghdr {
	size_t		 cmsg_len;	/* with this header */
	int		 cmsg_level;
	int		 cmsg_type;
};
bool	cmsg_put(uint8_t *, size_t room, size_t *used, int level, int type,
	    const void *, size_t);
/* the next one that is whole, from *off on; NULL: there is none */
const struct cmsghdr *cmsg_next(const void *, size_t, size_t *off);
#define CMSG_DATA(c)	((const void *)((const struct cmsghdr *)(c) + 1))

int	so_create(int, int, int, struct socket **);
int	so_file(struct socket *, int, struct file **);
int	so_fromfile(struct file *, struct socket **);	/* ENOTSOCK */
void	so_close(struct socket *, bool nonblock);
bool	so_writable(const struct socket *);	/* so_mtx held */
int	so_takeerror(struct socket *);		/* the same */
int	so_bind(struct socket *, const struct sockaddr *, size_t);
int	so_listen(struct socket *, int);
int	so_accept(struct socket *, bool nonblock, struct socket **);
int	so_connect(struct socket *, const struct sockaddr *, size_t,
	    bool nonblock);
int	so_send(struct socket *, struct uio *, struct msginfo *);
int	so_receive(struct socket *, struct uio *, struct msginfo *);
int	so_shutdown(struct socket *, int);
int	so_setopt(struct socket *, int, int, const void *, size_t);
int	so_getopt(struct socket *, int, int, void *, size_t *);

#endif /* _SYS_SOCKETVAR_H_ */
