/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * qemu-ga(8): a request comes in by qga.c, finds its command in qga_cmd.c,
 * and the command writes its result, or an error, into the reply.
 */

#ifndef QGA_H
#define QGA_H

#include "../../bin/crunch/util.h"
#include "json.h"

#define QGA_SMALL	65536		/* the longest request */
#define QGA_LARGE	(1024 * 1024)	/* the longest that carries data */

struct request {
	const struct json *r_args;	/* an object, or NULL */
	struct jwriter	*r_out;
	char		 r_error[256];	/* the first; "": none */
	bool		 r_delimited;	/* the reply begins with 0xff */
};

/* qga_cmd.c: answers what is one JSON value, perhaps not with a word. */
void	qga_request(char *, size_t, struct jwriter *);
void	qga_bad(struct jwriter *, const char *);	/* one that is none */
void	qga_config(const char *);

/*
 * For commands, whose arguments are there and of the right types already.
 * They write exactly one value to r_out, or call req_error().
 */
void	req_error(struct request *, const char *, ...) FMTLIKE(2, 3);
void	req_errno(struct request *, const char *, const char *);
const struct json *req_arg(const struct request *, const char *);
int64_t	req_int(const struct request *, const char *, int64_t);
const char *req_str(const struct request *, const char *, const char *);
long	req_base64(struct request *, const char *, char **);
void	req_none(struct request *);		/* an empty result */

typedef void qga_fn(struct request *);

/* qga_os.c */
qga_fn	qga_get_time, qga_set_time, qga_get_osinfo, qga_get_host_name,
	qga_get_timezone, qga_get_users, qga_get_load, qga_get_vcpus,
	qga_set_vcpus, qga_get_memory_blocks, qga_get_memory_block_info,
	qga_shutdown;
/* qga_net.c */
qga_fn	qga_network;
/* qga_disk.c */
qga_fn	qga_get_disks, qga_get_fsinfo;
/* qga_file.c */
qga_fn	qga_file_open, qga_file_close, qga_file_read, qga_file_write,
	qga_file_seek, qga_file_flush;
/* qga_exec.c */
qga_fn	qga_exec, qga_exec_status;
void	qga_exec_init(void);
void	qga_exec_reap(void);			/* some child may have ended */
void	qga_exec_ready(unsigned int);		/* one of its descriptors */

/*
 * Descriptors that the main loop waits for.  The number comes back: that of
 * qga_exec_ready() for those of children.
 */
void	qga_watch(int, unsigned int, unsigned int);	/* with EPOLL... */
void	qga_unwatch(int);

#endif /* QGA_H */
