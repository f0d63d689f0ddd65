/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_TCP_H_
#define _NETINET_TCP_H_

/*
 * TCP: what is on the wire (RFC 9293, section 3.1), and what programs and the
 * kernel agree on, in the values and layouts of the Linux convention.
 */

#include <sys/wire.h>

struct tcphdr {
	be16_w		th_sport;
	be16_w		th_dport;
	be32_w		th_seq;
	be32_w		th_ack;
	uint8_t		th_offx2;	/* words of header << 4 */
	uint8_t		th_flags;	/* TH_* */
	be16_w		th_win;
	uint16_t	th_sum;		/* as cksum_fold() has it */
	be16_w		th_urp;
} __packed __aligned(2);
_Static_assert(sizeof(struct tcphdr) == 20, "RFC 9293, 3.1");

#define TH_FIN		0x01
#define TH_SYN		0x02
#define TH_RST		0x04
#define TH_PUSH		0x08
#define TH_ACK		0x10
#define TH_URG		0x20
#define TH_ECE		0x40		/* RFC 3168 */
#define TH_CWR		0x80

#define TCP_HDRMAX	60
#define TCP_OPTMAX	40

/* kinds of options, and their lengths */
#define TCPOPT_EOL	0
#define TCPOPT_NOP	1
#define TCPOPT_MSS	2
#define TCPOPT_WSCALE	3		/* RFC 7323 */
#define TCPOPT_SACKOK	4		/* RFC 2018 */
#define TCPOPT_SACK	5
#define TCPOPT_TS	8		/* RFC 7323 */
#define TCPOLEN_MSS	4
#define TCPOLEN_WSCALE	3
#define TCPOLEN_SACKOK	2
#define TCPOLEN_TS	10
/* NOP, NOP, timestamps: as everybody sends it */
#define TCPOPT_TSWORD	0x0101080aU
#define TCPOLEN_TSALL	12

#define TCP_MAXWIN	65535U
#define TCP_MAXWSCALE	14
#define TCP_MSS4	536		/* RFC 9293, 3.7.1 */
#define TCP_MSS6	1220

/* --- options of IPPROTO_TCP --------------------------------------------- */

#define TCP_NODELAY	1
#define TCP_MAXSEG	2
#define TCP_CORK	3
#define TCP_KEEPIDLE	4
#define TCP_KEEPINTVL	5
#define TCP_KEEPCNT	6
#define TCP_SYNCNT	7
#define TCP_LINGER2	8
#define TCP_DEFER_ACCEPT 9
#define TCP_WINDOW_CLAMP 10
#define TCP_INFO	11
#define TCP_QUICKACK	12
#define TCP_CONGESTION	13
#define TCP_USER_TIMEOUT 18
#define TCP_FASTOPEN	23
#define TCP_NOTSENT_LOWAT 25

#define TCP_CA_NAME_MAX	16

/* states as programs see them, in tcpi_state and /proc/net/tcp */
enum tcp_linux_state {
	TCPL_ESTABLISHED = 1, TCPL_SYN_SENT, TCPL_SYN_RECV, TCPL_FIN_WAIT1,
	TCPL_FIN_WAIT2, TCPL_TIME_WAIT, TCPL_CLOSE, TCPL_CLOSE_WAIT,
	TCPL_LAST_ACK, TCPL_LISTEN, TCPL_CLOSING
};

/* the first 104 bytes of it: times in microseconds, but for last_* (ms) */
struct tcp_info {
	uint8_t		tcpi_state;
	uint8_t		tcpi_ca_state;	/* TCPI_CA_* */
	uint8_t		tcpi_retransmits;
	uint8_t		tcpi_probes;
	uint8_t		tcpi_backoff;
	uint8_t		tcpi_options;	/* TCPI_OPT_* */
	uint8_t		tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
	uint8_t		tcpi_unused;
	uint32_t	tcpi_rto;
	uint32_t	tcpi_ato;
	uint32_t	tcpi_snd_mss;
	uint32_t	tcpi_rcv_mss;
	uint32_t	tcpi_unacked;	/* segments, as those that follow */
	uint32_t	tcpi_sacked;
	uint32_t	tcpi_lost;
	uint32_t	tcpi_retrans;
	uint32_t	tcpi_fackets;
	uint32_t	tcpi_last_data_sent;
	uint32_t	tcpi_last_ack_sent;
	uint32_t	tcpi_last_data_recv;
	uint32_t	tcpi_last_ack_recv;
	uint32_t	tcpi_pmtu;
	uint32_t	tcpi_rcv_ssthresh;
	uint32_t	tcpi_rtt;
	uint32_t	tcpi_rttvar;
	uint32_t	tcpi_snd_ssthresh;
	uint32_t	tcpi_snd_cwnd;	/* segments */
	uint32_t	tcpi_advmss;
	uint32_t	tcpi_reordering;
	uint32_t	tcpi_rcv_rtt;
	uint32_t	tcpi_rcv_space;
	uint32_t	tcpi_total_retrans;
};
_Static_assert(sizeof(struct tcp_info) == 104, "as programs know it");

#define TCPI_OPT_TIMESTAMPS	1
#define TCPI_OPT_SACK		2
#define TCPI_OPT_WSCALE		4
#define TCPI_OPT_ECN		8
#define TCPI_CA_OPEN		0
#define TCPI_CA_DISORDER	1
#define TCPI_CA_CWR		2
#define TCPI_CA_RECOVERY	3
#define TCPI_CA_LOSS		4

#endif /* _NETINET_TCP_H_ */
