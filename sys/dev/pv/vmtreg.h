/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VMTREG_H_
#define _DEV_PV_VMTREG_H_

/*
 * VMware's backdoor: an IN instruction from a port, with what is asked in the
 * registers; and the message channels above it.  The names are those of the
 * headers backdoor_def.h and guest_msg_def.h of open-vm-tools.
 */

#define BDOOR_MAGIC		0x564d5868	/* in EAX */
#define BDOOR_PORT		0x5658		/* in DX */
#define BDOORHB_PORT		0x5659		/* REP INSB, REP OUTSB */
#define BDOORHB_CMD_MESSAGE	0

/* low half of ECX */
#define BDOOR_CMD_GETVERSION	10
#define BDOOR_CMD_GETTIME	23
#define BDOOR_CMD_MESSAGE	30
#define BDOOR_CMD_GETTIMEFULL	46
#define BDOOR_CMD_GETTIMEFULL_WITH_LAG 55

/* ECX of the answer to GETVERSION */
#define BDOOR_TYPE_EXPRESS	1
#define BDOOR_TYPE_ESX		2
#define BDOOR_TYPE_GSX		3
#define BDOOR_TYPE_WORKSTATION	4

/* high half of ECX, of a message */
#define MESSAGE_TYPE_OPEN	0
#define MESSAGE_TYPE_SENDSIZE	1
#define MESSAGE_TYPE_SENDPAYLOAD 2
#define MESSAGE_TYPE_RECVSIZE	3
#define MESSAGE_TYPE_RECVPAYLOAD 4
#define MESSAGE_TYPE_RECVSTATUS	5
#define MESSAGE_TYPE_CLOSE	6

/* high half of ECX, of the answer; of EBX on the second port */
#define MESSAGE_STATUS_SUCCESS	0x0001
#define MESSAGE_STATUS_DORECV	0x0002		/* there is one for us */
#define MESSAGE_STATUS_CPT	0x0010		/* restored: begin again */
#define MESSAGE_STATUS_HB	0x0080		/* take the second port */

#define GUESTMSG_FLAG_COOKIE	0x80000000
#define GUESTMSG_MAX_IN_SIZE	65536		/* of one that we send */

#define VMT_PROTO_RPCI		0x49435052	/* we ask */
#define VMT_PROTO_TCLO		0x4f4c4354	/* the host asks */

/* what became of a request to change the machine's state */
#define VMT_STATE_HALT		1
#define VMT_STATE_REBOOT	2
#define VMT_STATE_POWERON	3
#define VMT_STATE_RESUME	4
#define VMT_STATE_SUSPEND	5

/* SetGuestInfo */
#define VMT_INFO_DNS_NAME	1
#define VMT_INFO_OS_NAME_FULL	5
#define VMT_INFO_OS_NAME	6

#define VMT_VERSION_UNMANAGED	0x7fffffff	/* of the tools: not theirs */

#endif /* _DEV_PV_VMTREG_H_ */
