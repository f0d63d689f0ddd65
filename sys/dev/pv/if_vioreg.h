/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_IF_VIOREG_H_
#define _DEV_PV_IF_VIOREG_H_

/* VIRTIO 1.4, 5.1 Network Device */

#include <sys/wire.h>

#include <dev/pv/virtiovar.h>

/* 5.1.3 Feature bits; those from 64 on are in words that came with 1.4 */
#define VIRTIO_NET_F_CSUM		(1ULL << 0)
#define VIRTIO_NET_F_GUEST_CSUM		(1ULL << 1)
#define VIRTIO_NET_F_CTRL_GUEST_OFFLOADS (1ULL << 2)
#define VIRTIO_NET_F_MTU		(1ULL << 3)
#define VIRTIO_NET_F_MAC		(1ULL << 5)
#define VIRTIO_NET_F_GSO		(1ULL << 6)	/* legacy */
#define VIRTIO_NET_F_GUEST_TSO4		(1ULL << 7)
#define VIRTIO_NET_F_GUEST_TSO6		(1ULL << 8)
#define VIRTIO_NET_F_GUEST_ECN		(1ULL << 9)
#define VIRTIO_NET_F_GUEST_UFO		(1ULL << 10)
#define VIRTIO_NET_F_HOST_TSO4		(1ULL << 11)
#define VIRTIO_NET_F_HOST_TSO6		(1ULL << 12)
#define VIRTIO_NET_F_HOST_ECN		(1ULL << 13)
#define VIRTIO_NET_F_HOST_UFO		(1ULL << 14)
#define VIRTIO_NET_F_MRG_RXBUF		(1ULL << 15)
#define VIRTIO_NET_F_STATUS		(1ULL << 16)
#define VIRTIO_NET_F_CTRL_VQ		(1ULL << 17)
#define VIRTIO_NET_F_CTRL_RX		(1ULL << 18)
#define VIRTIO_NET_F_CTRL_VLAN		(1ULL << 19)
#define VIRTIO_NET_F_CTRL_RX_EXTRA	(1ULL << 20)
#define VIRTIO_NET_F_GUEST_ANNOUNCE	(1ULL << 21)
#define VIRTIO_NET_F_MQ			(1ULL << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR	(1ULL << 23)
#define VIRTIO_NET_F_GUEST_RSC4		(1ULL << 41)	/* legacy */
#define VIRTIO_NET_F_GUEST_RSC6		(1ULL << 42)	/* legacy */
#define VIRTIO_NET_F_DEVICE_STATS	(1ULL << 50)
#define VIRTIO_NET_F_HASH_TUNNEL	(1ULL << 51)
#define VIRTIO_NET_F_VQ_NOTF_COAL	(1ULL << 52)
#define VIRTIO_NET_F_NOTF_COAL		(1ULL << 53)
#define VIRTIO_NET_F_GUEST_USO4		(1ULL << 54)
#define VIRTIO_NET_F_GUEST_USO6		(1ULL << 55)
#define VIRTIO_NET_F_HOST_USO		(1ULL << 56)
#define VIRTIO_NET_F_HASH_REPORT	(1ULL << 57)
#define VIRTIO_NET_F_GUEST_HDRLEN	(1ULL << 59)
#define VIRTIO_NET_F_RSS		(1ULL << 60)
#define VIRTIO_NET_F_RSC_EXT		(1ULL << 61)
#define VIRTIO_NET_F_STANDBY		(1ULL << 62)
#define VIRTIO_NET_F_SPEED_DUPLEX	(1ULL << 63)
#define VIRTIO_NET_F_RSS_CONTEXT	VIRTIO_BIT(64)
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO VIRTIO_BIT(65)
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM VIRTIO_BIT(66)
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO VIRTIO_BIT(67)
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM VIRTIO_BIT(68)
#define VIRTIO_NET_F_OUT_NET_HEADER	VIRTIO_BIT(69)
#define VIRTIO_NET_F_IPSEC		VIRTIO_BIT(70)

/* 5.1.4 Device configuration layout, an image for virtio_config_read() */
struct virtio_net_config {
	uint8_t		mac[6];
	uint16_t	status;
	uint16_t	max_virtqueue_pairs;
	uint16_t	mtu;
	uint32_t	speed;			/* Mbit/s */
	uint8_t		duplex;
	uint8_t		rss_max_key_size;
	uint16_t	rss_max_indirection_table_length;
	uint32_t	supported_hash_types;
	uint32_t	supported_tunnel_types;
};
_Static_assert(offsetof(struct virtio_net_config, status) == 6 &&
    offsetof(struct virtio_net_config, speed) == 12 &&
    offsetof(struct virtio_net_config, supported_hash_types) == 20 &&
    sizeof(struct virtio_net_config) == 28, "virtio_net_config");

#define VIRTIO_NET_S_LINK_UP		0x0001
#define VIRTIO_NET_S_ANNOUNCE		0x0002

#define VIRTIO_NET_MTU_MIN		68
#define VIRTIO_NET_PAIRS_MAX		0x8000
#define VIRTIO_NET_SPEED_MAX		0x7fffffff	/* above: unknown */
#define VIRTIO_NET_DUPLEX_HALF		0x00
#define VIRTIO_NET_DUPLEX_FULL		0x01

/*
 * 5.1.9 Device Operation: what precedes each packet.  Without MRG_RXBUF the
 * header of the legacy interface ends before num_buffers; with HASH_REPORT
 * the last three members are there.  The hash is 32 bits; it is in two parts
 * here since the header need not be aligned to more than 2.
 */
struct virtio_net_hdr {
	le8_w		vnh_flags;
	le8_w		vnh_gso_type;
	le16_w		vnh_hdr_len;
	le16_w		vnh_gso_size;
	le16_w		vnh_csum_start;
	le16_w		vnh_csum_offset;
	le16_w		vnh_num_buffers;
	le16_w		vnh_hash_low;
	le16_w		vnh_hash_high;
	le16_w		vnh_hash_report;
	le16_w		vnh_padding;
};
#define VIRTIO_NET_HDR_LEGACY		10
#define VIRTIO_NET_HDR_SIZE		12
#define VIRTIO_NET_HDR_HASH		20
_Static_assert(offsetof(struct virtio_net_hdr, vnh_num_buffers) ==
    VIRTIO_NET_HDR_LEGACY, "legacy virtio_net_hdr");
_Static_assert(offsetof(struct virtio_net_hdr, vnh_hash_low) ==
    VIRTIO_NET_HDR_SIZE, "virtio_net_hdr");
_Static_assert(sizeof(struct virtio_net_hdr) == VIRTIO_NET_HDR_HASH,
    "virtio_net_hdr with HASH_REPORT");

#define VIRTIO_NET_HDR_F_NEEDS_CSUM	0x01
#define VIRTIO_NET_HDR_F_DATA_VALID	0x02
#define VIRTIO_NET_HDR_F_RSC_INFO	0x04
#define VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM 0x08

#define VIRTIO_NET_HDR_GSO_NONE		0
#define VIRTIO_NET_HDR_GSO_TCPV4	1
#define VIRTIO_NET_HDR_GSO_UDP		3
#define VIRTIO_NET_HDR_GSO_TCPV6	4
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#define VIRTIO_NET_HDR_GSO_ECN		0x80	/* or'ed */

/* 5.1.9.3: Ethernet's header, that of IPv6, and the most it can carry */
#define VIRTIO_NET_GSO_FRAME		65589

/* 5.1.9.4.3.1 hash types, and 5.1.9.4.5 what of them is reported */
#define VIRTIO_NET_HASH_TYPE_IPv4	0x001
#define VIRTIO_NET_HASH_TYPE_TCPv4	0x002
#define VIRTIO_NET_HASH_TYPE_UDPv4	0x004
#define VIRTIO_NET_HASH_TYPE_IPv6	0x008
#define VIRTIO_NET_HASH_TYPE_TCPv6	0x010
#define VIRTIO_NET_HASH_TYPE_UDPv6	0x020
#define VIRTIO_NET_HASH_TYPES		0x03f	/* without the _EX ones */
#define VIRTIO_NET_HASH_REPORT_NONE	0
#define VIRTIO_NET_HASH_REPORT_MAX	9

/*
 * 5.1.9.5 Control Virtqueue: class and command, then their data, which the
 * device reads; then a byte that it writes.
 */
struct virtio_net_ctrl {
	le8_w		vnc_class;
	le8_w		vnc_command;
};
_Static_assert(sizeof(struct virtio_net_ctrl) == 2, "virtio_net_ctrl");

#define VIRTIO_NET_OK			0
#define VIRTIO_NET_ERR			1

#define VIRTIO_NET_CTRL_RX		0	/* 5.1.9.5.1, each a byte */
#define VIRTIO_NET_CTRL_RX_PROMISC	0
#define VIRTIO_NET_CTRL_RX_ALLMULTI	1
#define VIRTIO_NET_CTRL_RX_ALLUNI	2	/* from here: CTRL_RX_EXTRA */
#define VIRTIO_NET_CTRL_RX_NOMULTI	3
#define VIRTIO_NET_CTRL_RX_NOUNI	4
#define VIRTIO_NET_CTRL_RX_NOBCAST	5

#define VIRTIO_NET_CTRL_MAC		1	/* 5.1.9.5.2 */
#define VIRTIO_NET_CTRL_MAC_TABLE_SET	0
#define VIRTIO_NET_CTRL_MAC_ADDR_SET	1

struct virtio_net_ctrl_mac {
	le32_w		vcm_entries;
	le8_w		vcm_macs[][6];
};
_Static_assert(sizeof(struct virtio_net_ctrl_mac) == 4,
    "virtio_net_ctrl_mac");

#define VIRTIO_NET_CTRL_VLAN		2	/* 5.1.9.5.3 */
#define VIRTIO_NET_CTRL_VLAN_ADD	0
#define VIRTIO_NET_CTRL_VLAN_DEL	1

#define VIRTIO_NET_CTRL_ANNOUNCE	3	/* 5.1.9.5.4 */
#define VIRTIO_NET_CTRL_ANNOUNCE_ACK	0

#define VIRTIO_NET_CTRL_MQ		4	/* 5.1.9.5.6, 5.1.9.5.7 */
#define VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET	0	/* le16 */
#define VIRTIO_NET_CTRL_MQ_RSS_CONFIG	1
#define VIRTIO_NET_CTRL_MQ_HASH_CONFIG	2

/* two structures, the second without a table of queues */
struct virtio_net_rss_config {
	le32_w		vrc_hash_types;
	le16_w		vrc_table_mask;
	le16_w		vrc_unclassified;
	le16_w		vrc_table[];	/* then struct virtio_net_rss_tail */
};
_Static_assert(sizeof(struct virtio_net_rss_config) == 8,
    "virtio_net_rss_config");

#define VIRTIO_NET_RSS_KEY	40	/* the least there must be room for */
#define VIRTIO_NET_RSS_TABLE	128	/* the same, of entries */
struct virtio_net_rss_tail {
	le16_w		vrt_max_tx_vq;
	le8_w		vrt_key_len;
	le8_w		vrt_key[VIRTIO_NET_RSS_KEY];
};
#define VIRTIO_NET_RSS_TAIL_SIZE	(3 + VIRTIO_NET_RSS_KEY)
_Static_assert(offsetof(struct virtio_net_rss_tail, vrt_key) == 3,
    "virtio_net_rss_tail");

struct virtio_net_hash_config {
	le32_w		vhc_hash_types;
	le16_w		vhc_reserved[4];
	le8_w		vhc_key_len;
	le8_w		vhc_key[VIRTIO_NET_RSS_KEY];
};
#define VIRTIO_NET_HASH_CONFIG_SIZE	(13 + VIRTIO_NET_RSS_KEY)
_Static_assert(offsetof(struct virtio_net_hash_config, vhc_key) == 13,
    "virtio_net_hash_config");

#define VIRTIO_NET_CTRL_GUEST_OFFLOADS	5	/* 5.1.9.5.9, le64 */
#define VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET 0

#define VIRTIO_NET_CTRL_NOTF_COAL	6	/* 5.1.9.5.10 */
#define VIRTIO_NET_CTRL_NOTF_COAL_TX_SET 0
#define VIRTIO_NET_CTRL_NOTF_COAL_RX_SET 1
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET 2
#define VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET 3

struct virtio_net_ctrl_coal {
	le32_w		vcc_max_packets;
	le32_w		vcc_max_usecs;
};
_Static_assert(sizeof(struct virtio_net_ctrl_coal) == 8,
    "virtio_net_ctrl_coal");

struct virtio_net_ctrl_coal_vq {
	le16_w		vcv_vq_index;
	le16_w		vcv_reserved;
	struct virtio_net_ctrl_coal vcv_coal;
};
_Static_assert(sizeof(struct virtio_net_ctrl_coal_vq) == 12,
    "virtio_net_ctrl_coal_vq");

#endif /* _DEV_PV_IF_VIOREG_H_ */
