/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfu.h"

#define MESSAGE_MAX	65536
#define FDS_MAX		8
#define NREGIONS	VFIO_PCI_NUM_REGIONS
#define NIRQS		VFIO_PCI_NUM_IRQS

enum {
	VERSION = 1, DMA_MAP, DMA_UNMAP, DEVICE_INFO, REGION_INFO,
	REGION_IO_FDS, IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE,
	DMA_READ, DMA_WRITE, DEVICE_RESET
};

#define F_TYPE		0x0f
#define F_REPLY		0x01
#define F_NO_REPLY	0x10
#define F_ERROR		0x20

struct header {
	uint16_t	id, command;
	uint32_t	size, flags, error;
};

struct access {
	uint64_t	offset;
	uint32_t	region, count;
};

struct message {
	struct header	h;
	uint8_t		data[MESSAGE_MAX];
	uint32_t	len;
	int		fd[FDS_MAX];
	unsigned int	nfds;
	/* the answer, in the same place */
	uint32_t	reply;
};

static int	wrong(const char *, ...) __attribute__((format(printf, 1, 2)));

static int
wrong(const char *fmt, ...)
{
	va_list ap;

	printf("error: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return (EINVAL);
}

/* --- the line ------------------------------------------------------------ */

/* 6.2.2, 6.2.3 of PCI 3.0: the status shows it also where it is disabled. */
static void
update(struct vfu *vf)
{
	uint8_t *conf = vf->vf_conf;
	bool off = conf[PCI_COMMAND + 1] & PCI_COMMAND_INTX_DISABLE >> 8;

	conf[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
	if (!vf->vf_line)
		return;
	conf[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	if (off || vf->vf_irq < 0 || vf->vf_masked)
		return;
	/* a level: told once, and masked until the client has dealt with it */
	vf->vf_masked = true;
	(void)eventfd_write(vf->vf_irq, 1);
}

void
vfu_line(struct vfu *vf, bool level)
{
	vf->vf_line = level;
	update(vf);
}

static void
unmask(struct vfu *vf)
{
	vf->vf_masked = false;
	update(vf);
}

void
vfu_unmasked(struct vfu *vf)
{
	eventfd_t n;

	(void)eventfd_read(vf->vf_unmask, &n);
	unmask(vf);
}

static void
take(int *to, int fd)
{
	if (*to >= 0)
		close(*to);
	*to = fd;
}

static int
intx(struct vfu *vf, struct message *m, const struct vfio_irq_set *is)
{
	uint32_t data = is->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	bool on = data == VFIO_IRQ_SET_DATA_NONE ||
	    (data == VFIO_IRQ_SET_DATA_BOOL && m->data[sizeof(*is)] != 0);
	bool event = data == VFIO_IRQ_SET_DATA_EVENTFD;
	int fd = m->nfds > 0 ? m->fd[0] : -1;

	if (event && m->nfds > 0)
		m->nfds = 0;			/* ours now */
	switch (is->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_MASK:
		if (event)
			return (wrong("an event that masks"));
		vf->vf_masked = vf->vf_masked || on;
		return (0);
	case VFIO_IRQ_SET_ACTION_UNMASK:
		if (event)
			take(&vf->vf_unmask, fd);
		else if (on)
			unmask(vf);
		return (0);
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		if (event) {
			take(&vf->vf_irq, fd);
			unmask(vf);
		} else if (is->count == 0) {
			take(&vf->vf_irq, -1);
			vf->vf_masked = false;
		} else if (on && vf->vf_irq >= 0)
			(void)eventfd_write(vf->vf_irq, 1);
		return (0);
	default:
		return (wrong("SET_IRQS: flags %#x", is->flags));
	}
}

static int
set_irqs(struct vfu *vf, struct message *m)
{
	struct vfio_irq_set is;
	uint32_t data, extra = 0;

	if (m->len < sizeof(is))
		return (wrong("SET_IRQS of %u bytes", m->len));
	memcpy(&is, m->data, sizeof(is));
	data = is.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	if (data == VFIO_IRQ_SET_DATA_BOOL)
		extra = is.count;
	if (is.flags & ~(VFIO_IRQ_SET_DATA_TYPE_MASK |
	    VFIO_IRQ_SET_ACTION_TYPE_MASK) || (data & (data - 1)) != 0 ||
	    data == 0)
		return (wrong("SET_IRQS: flags %#x", is.flags));
	if (is.index != VFIO_PCI_INTX_IRQ_INDEX || is.start != 0 ||
	    is.count > 1 || (is.count == 0 &&
	    (is.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) !=
	    VFIO_IRQ_SET_ACTION_TRIGGER))
		return (wrong("SET_IRQS: index %u, %u from %u", is.index,
		    is.count, is.start));
	if (is.argsz != m->len || m->len != sizeof(is) + extra)
		return (wrong("SET_IRQS: argsz %u of %u bytes", is.argsz,
		    m->len));
	if (m->nfds > (data == VFIO_IRQ_SET_DATA_EVENTFD ? is.count : 0))
		return (wrong("SET_IRQS: %u descriptors", m->nfds));
	return (intx(vf, m, &is));
}

/* --- what there is ------------------------------------------------------- */

static int
version(struct vfu *vf, struct message *m)
{
	static const char text[] = "{\"capabilities\":{\"max_msg_fds\":8,"
	    "\"max_data_xfer_size\":1048576,\"pgsizes\":4096,"
	    "\"max_dma_maps\":65535}}";
	uint16_t v[2];

	if (m->len < sizeof(v) + 1 || m->data[m->len - 1] != '\0')
		return (wrong("VERSION of %u bytes", m->len));
	memcpy(v, m->data, sizeof(v));
	if (vf->vf_greeted || v[0] != 0)
		return (wrong("VERSION %u.%u", v[0], v[1]));
	vf->vf_greeted = true;
	memset(m->data, 0, sizeof(v));
	memcpy(m->data + sizeof(v), text, sizeof(text));
	m->reply = sizeof(v) + sizeof(text);
	return (0);
}

/* Memory of the guest, which a device without queues has no use for. */
static int
dma(struct message *m)
{
	bool map = m->h.command == DMA_MAP;
	uint32_t argsz;

	memcpy(&argsz, m->data, sizeof(argsz));
	if (m->len != (map ? 32 : 24) || argsz < m->len ||
	    m->nfds > (map ? 1 : 0))
		return (wrong("DMA command %u: %u bytes, %u descriptors",
		    m->h.command, m->len, m->nfds));
	m->reply = map ? 0 : m->len;
	return (0);
}

static int
device_info(struct message *m)
{
	struct vfio_device_info di;
	const size_t size = offsetof(struct vfio_device_info, cap_offset);

	if (m->len < size || m->len > sizeof(di))
		return (wrong("DEVICE_INFO of %u bytes", m->len));
	memset(&di, 0, sizeof(di));
	di.argsz = m->len;
	di.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	di.num_regions = NREGIONS;
	di.num_irqs = NIRQS;
	memcpy(m->data, &di, m->len);
	m->reply = m->len;
	return (0);
}

static uint64_t
region_size(const struct vfu *vf, uint32_t region)
{
	return (region == VFIO_PCI_BAR0_REGION_INDEX ? vf->vf_barsize :
	    region == VFIO_PCI_CONFIG_REGION_INDEX ? sizeof(vf->vf_conf) : 0);
}

static int
region_info(struct vfu *vf, struct message *m)
{
	struct vfio_region_info ri;

	if (m->len != sizeof(ri))
		return (wrong("REGION_INFO of %u bytes", m->len));
	memcpy(&ri, m->data, sizeof(ri));
	if (ri.argsz < sizeof(ri) || ri.index >= NREGIONS)
		return (wrong("REGION_INFO %u, argsz %u", ri.index,
		    ri.argsz));
	ri = (struct vfio_region_info){ .argsz = sizeof(ri),
	    .index = ri.index, .size = region_size(vf, ri.index) };
	if (ri.size != 0)
		ri.flags = VFIO_REGION_INFO_FLAG_READ |
		    VFIO_REGION_INFO_FLAG_WRITE;
	memcpy(m->data, &ri, sizeof(ri));
	m->reply = sizeof(ri);
	return (0);
}

static int
irq_info(struct message *m)
{
	struct vfio_irq_info ii;

	if (m->len != sizeof(ii))
		return (wrong("IRQ_INFO of %u bytes", m->len));
	memcpy(&ii, m->data, sizeof(ii));
	if (ii.argsz < sizeof(ii) || ii.index >= NIRQS)
		return (wrong("IRQ_INFO %u, argsz %u", ii.index, ii.argsz));
	ii = (struct vfio_irq_info){ .argsz = sizeof(ii),
	    .index = ii.index };
	if (ii.index == VFIO_PCI_INTX_IRQ_INDEX) {
		ii.flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
		    VFIO_IRQ_INFO_AUTOMASKED;
		ii.count = 1;
	}
	memcpy(m->data, &ii, sizeof(ii));
	m->reply = sizeof(ii);
	return (0);
}

/* --- accesses ------------------------------------------------------------ */

static int
access_check(struct vfu *vf, struct message *m, struct access *a, bool write)
{
	uint64_t size;

	if (m->len < sizeof(*a))
		return (wrong("an access of %u bytes", m->len));
	memcpy(a, m->data, sizeof(*a));
	size = region_size(vf, a->region);
	if (a->count == 0 || a->count > size || a->offset > size - a->count ||
	    m->len != sizeof(*a) + (write ? a->count : 0))
		return (wrong("%u bytes at %#llx of region %u, message of %u",
		    a->count, (unsigned long long)a->offset, a->region,
		    m->len));
	if (a->region != VFIO_PCI_BAR0_REGION_INDEX)
		return (0);
	if (a->count != 1 && a->count != 2 && a->count != 4)
		return (wrong("%u bytes of the BAR at once", a->count));
	if (!(vf->vf_conf[PCI_COMMAND] & PCI_COMMAND_IO))
		return (wrong("the BAR at %#llx while I/O is off",
		    (unsigned long long)a->offset));
	return (0);
}

static int
region_read(struct vfu *vf, struct message *m)
{
	uint8_t *p = m->data + sizeof(struct access);
	struct access a;
	uint32_t v, i;
	int error;

	if ((error = access_check(vf, m, &a, false)) != 0)
		return (error);
	if (a.region == VFIO_PCI_CONFIG_REGION_INDEX)
		memcpy(p, vf->vf_conf + a.offset, a.count);
	else {
		v = vf->vf_read(vf->vf_arg, a.offset, a.count);
		for (i = 0; i < a.count; i++)
			p[i] = v >> 8 * i;
	}
	m->reply = sizeof(a) + a.count;
	return (0);
}

static int
region_write(struct vfu *vf, struct message *m)
{
	const uint8_t *p = m->data + sizeof(struct access);
	uint32_t v = 0, i, mask;
	struct access a;
	int error;

	if ((error = access_check(vf, m, &a, true)) != 0)
		return (error);
	m->reply = sizeof(a);
	if (a.region == VFIO_PCI_CONFIG_REGION_INDEX) {
		for (i = 0; i < a.count; i++) {
			mask = vf->vf_wmask[a.offset + i];
			vf->vf_conf[a.offset + i] &= ~mask;
			vf->vf_conf[a.offset + i] |= p[i] & mask;
		}
		update(vf);
		return (0);
	}
	for (i = 0; i < a.count; i++)
		v |= (uint32_t)p[i] << 8 * i;
	vf->vf_write(vf->vf_arg, a.offset, a.count, v);
	return (0);
}

/* PCI 3.0, 6.1: what the guest had set is undone. */
static int
reset(struct vfu *vf, struct message *m)
{
	unsigned int i;

	if (m->len != 0)
		return (wrong("DEVICE_RESET of %u bytes", m->len));
	for (i = 0; i < sizeof(vf->vf_conf); i++)
		vf->vf_conf[i] &= ~vf->vf_wmask[i];
	vf->vf_reset(vf->vf_arg);
	return (0);
}

/* --- messages ------------------------------------------------------------ */

static int
dispatch(struct vfu *vf, struct message *m)
{
	if (!vf->vf_greeted && m->h.command != VERSION)
		return (wrong("command %u before VERSION", m->h.command));
	if (m->nfds != 0 && m->h.command != DMA_MAP &&
	    m->h.command != SET_IRQS)
		return (wrong("command %u: %u descriptors", m->h.command,
		    m->nfds));
	switch (m->h.command) {
	case VERSION:
		return (version(vf, m));
	case DMA_MAP:
	case DMA_UNMAP:
		return (dma(m));
	case DEVICE_INFO:
		return (device_info(m));
	case REGION_INFO:
		return (region_info(vf, m));
	case IRQ_INFO:
		return (irq_info(m));
	case SET_IRQS:
		return (set_irqs(vf, m));
	case REGION_READ:
		return (region_read(vf, m));
	case REGION_WRITE:
		return (region_write(vf, m));
	case DEVICE_RESET:
		return (reset(vf, m));
	default:
		(void)wrong("command %u", m->h.command);
		return (EOPNOTSUPP);
	}
}

/* Descriptors come with the first byte of a message. */
static void
collect(struct message *m, struct msghdr *mh)
{
	struct cmsghdr *cm;
	size_t i, n;
	int fd;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (m->nfds < FDS_MAX)
				m->fd[m->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static bool
receive(struct vfu *vf, struct message *m, void *to, size_t len)
{
	union {
		struct cmsghdr	align;
		char		room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr mh;
	ssize_t n;

	while (len > 0) {
		iov = (struct iovec){ to, len };
		mh = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1,
		    .msg_control = &control,
		    .msg_controllen = sizeof(control) };
		n = recvmsg(vf->vf_sock, &mh, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (false);
		collect(m, &mh);
		if (mh.msg_flags & MSG_CTRUNC)
			(void)wrong("too many descriptors");
		to = (char *)to + n;
		len -= n;
	}
	return (true);
}

static bool
answer(struct vfu *vf, struct message *m, int error)
{
	size_t done, len = sizeof(m->h);
	ssize_t n;

	if (m->h.flags & F_NO_REPLY)
		return (true);
	if (error == 0)
		len += m->reply;
	m->h.size = len;
	m->h.flags = F_REPLY | (error != 0 ? F_ERROR : 0);
	m->h.error = error;
	for (done = 0; done < len; done += n) {
		n = send(vf->vf_sock, (char *)&m->h + done, len - done,
		    MSG_NOSIGNAL);
		if (n <= 0)
			return (false);
	}
	return (true);
}

bool
vfu_serve(struct vfu *vf)
{
	static struct message m;
	bool on;
	int error;

	_Static_assert(offsetof(struct message, data) == sizeof(m.h),
	    "an answer is sent in one piece");
	m.nfds = 0;
	m.reply = 0;
	if (!receive(vf, &m, &m.h, sizeof(m.h)))
		return (false);
	m.len = m.h.size - sizeof(m.h);
	if (m.h.size < sizeof(m.h) || m.len > sizeof(m.data) / 2 ||
	    (m.h.flags & F_TYPE) != 0) {
		(void)wrong("a message of %u bytes, flags %#x", m.h.size,
		    m.h.flags);
		return (false);
	}
	memset(m.data, 0, 64);
	if (!receive(vf, &m, m.data, m.len))
		return (false);
	error = dispatch(vf, &m);
	on = answer(vf, &m, error);
	while (m.nfds > 0)
		close(m.fd[--m.nfds]);
	return (on);
}

void
vfu_init(struct vfu *vf, int sock)
{
	uint8_t *conf = vf->vf_conf, *wmask = vf->vf_wmask;
	uint32_t mask = ~(vf->vf_barsize - 1);
	unsigned int i;

	vf->vf_sock = sock;
	vf->vf_irq = vf->vf_unmask = -1;
	conf[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_SPACE_IO;
	conf[PCI_INTERRUPT_PIN] = 1;
	wmask[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
	    PCI_COMMAND_MASTER;
	wmask[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	wmask[PCI_INTERRUPT_LINE] = 0xff;
	for (i = 0; i < 4; i++)
		wmask[PCI_BASE_ADDRESS_0 + i] = mask >> 8 * i;
}
