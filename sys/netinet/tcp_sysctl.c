/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Variables and counters of TCP: net.inet.tcp.*.
 */

#include <sys/errno.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

struct tcp_tunables tcp_tun = {
	.tn_sack = 1,
	.tn_timestamps = 1,
	.tn_wscale = 1,
	.tn_ecn = 2,
	.tn_sndbuf = 256 * 1024,
	.tn_rcvbuf = 128 * 1024,
	.tn_sndbuf_max = 4 * 1024 * 1024,
	.tn_rcvbuf_max = 4 * 1024 * 1024,
	.tn_keepidle = 7200,
	.tn_keepintvl = 75,
	.tn_keepcnt = 9,
	.tn_syn_retries = 6,
	.tn_synack_retries = 5,
	.tn_retries = 15,
	.tn_delack = 40,
	.tn_finwait2 = 60,
	.tn_initcwnd = 10,
	.tn_idlerestart = 1,
	.tn_syncache = 4096,
	.tn_synqueue = 1024,
	.tn_cookies = 1,
	.tn_timewait = 8192,
};

struct tcp_stats tcp_stats;

struct tcp_var {
	const char	*tv_name;
	u_int		*tv_value;
	u_int		 tv_min, tv_max;
	struct sysctl_oid tv_oid;
};

#define V(name, field, min, max)					\
	{ .tv_name = name, .tv_value = &tcp_tun.tn_##field,		\
	    .tv_min = min, .tv_max = max }
static struct tcp_var tcp_vars[] = {
	V("sack", sack, 0, 1),
	V("timestamps", timestamps, 0, 1),
	V("wscale", wscale, 0, 1),
	V("ecn", ecn, 0, 2),
	V("sndbuf", sndbuf, 4096, SB_MAX),
	V("rcvbuf", rcvbuf, 4096, SB_MAX),
	V("sndbuf_max", sndbuf_max, 4096, SB_MAX),
	V("rcvbuf_max", rcvbuf_max, 4096, SB_MAX),
	V("keepidle", keepidle, 1, 32767),
	V("keepintvl", keepintvl, 1, 32767),
	V("keepcnt", keepcnt, 1, 127),
	V("syn_retries", syn_retries, 1, 127),
	V("synack_retries", synack_retries, 1, 7),
	V("retries", retries, 3, 127),
	V("delack", delack, 0, 500),
	V("fin_timeout", finwait2, 1, 3600),
	V("initcwnd", initcwnd, 1, 64),
	V("idle_restart", idlerestart, 0, 1),
	V("syncache", syncache, 1, 65536),
	V("synqueue", synqueue, 1, 65536),
	V("syncookies", cookies, 0, 2),
	V("timewait", timewait, 0, 262144),
};
#undef V

static int
var_read(void *arg, char *buf, size_t size)
{
	const struct tcp_var *tv = arg;

	return (snprintf(buf, size, "%u",
	    __atomic_load_n(tv->tv_value, __ATOMIC_RELAXED)));
}

static int
var_write(void *arg, const char *text)
{
	const struct tcp_var *tv = arg;
	const char *end;
	uint64_t v;

	if (strtonum64(text, &end, &v) != 0 || *end != '\0' ||
	    v < tv->tv_min || v > tv->tv_max)
		return (EINVAL);
	__atomic_store_n(tv->tv_value, (u_int)v, __ATOMIC_RELAXED);
	return (0);
}

static int
congestion_read(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", tcp_cc_default->cc_name));
}

static int
congestion_write(void *arg __unused, const char *text)
{
	const struct tcp_cc *cc;

	if ((cc = tcp_cc_find(text)) == NULL)
		return (ENOENT);
	tcp_cc_default = cc;
	return (0);
}

static int
available_read(void *arg __unused, char *buf, size_t size)
{
	const struct tcp_cc *cc;
	size_t n = 0;
	u_int i;

	for (i = 0; (cc = tcp_cc_get(i)) != NULL; i++)
		n += snprintf(buf + MIN(n, size), size - MIN(n, size),
		    "%s%s", i == 0 ? "" : " ", cc->cc_name);
	return (n);
}

static int
stats_read(void *arg __unused, char *buf, size_t size)
{
	static const struct {
		const char	*name;
		uint64_t	*value;
	} all[] = {
#define X(name)	{ #name, &tcp_stats.ts_##name },
		TCP_STATS(X)
#undef X
	};
	size_t n = 0;
	u_int i;

	for (i = 0; i < nitems(all); i++)
		n += snprintf(buf + MIN(n, size), size - MIN(n, size),
		    "%s%s %llu", i == 0 ? "" : "\n", all[i].name,
		    (unsigned long long)__atomic_load_n(all[i].value,
		    __ATOMIC_RELAXED));
	return (n);
}

static struct sysctl_oid tcp_oids[] = {
	{ .so_name = "net.inet.tcp.congestion", .so_read = congestion_read,
	    .so_write = congestion_write },
	{ .so_name = "net.inet.tcp.congestion_available",
	    .so_read = available_read },
	{ .so_name = "net.inet.tcp.stats", .so_read = stats_read },
};

void
tcp_sysctl_init(void)
{
	struct tcp_var *tv;
	u_int i;

	for (i = 0; i < nitems(tcp_vars); i++) {
		tv = &tcp_vars[i];
		snprintf(tv->tv_oid.so_name, sizeof(tv->tv_oid.so_name),
		    "net.inet.tcp.%s", tv->tv_name);
		tv->tv_oid.so_read = var_read;
		tv->tv_oid.so_write = var_write;
		tv->tv_oid.so_arg = tv;
		(void)sysctl_register(&tv->tv_oid);
	}
	for (i = 0; i < nitems(tcp_oids); i++)
		(void)sysctl_register(&tcp_oids[i]);
}
