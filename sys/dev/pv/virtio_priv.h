/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIO_PRIV_H_
#define _DEV_PV_VIRTIO_PRIV_H_

/* Between the files of virtio(4) itself. */

#include <dev/pv/virtio_transport.h>
#include <dev/pv/vq_format.h>

/* virtio.c */
extern const struct virtio_feature	virtio_ring_features[];
extern const size_t			virtio_nring_features;

bool	virtio_gone(const struct virtio_softc *);
uint8_t	virtio_get_status(struct virtio_softc *);
void	virtio_set_status(struct virtio_softc *, uint8_t);

/*
 * In the thread of the task, or where there is none any more.
 *
 * halt: stop all queues and reset the device; then nothing comes back.
 * rerun: renegotiate and start it again, when all requests were taken back.
 *	EBUSY: not all were.  Others: the device is halted; sc_why says why.
 * queue_off: stop and reset one queue.  EOPNOTSUPP: RING_RESET was not
 *	negotiated.  ETIMEDOUT: it does not end; the device has failed.
 * queue_renew: set it up again, likewise.
 * suspend, resume: EOPNOTSUPP: SUSPEND was not negotiated.  EBUSY: it is not
 *	in a state to do that.  EIO: it did not, and has failed.
 */
void	virtio_halt(struct virtio_softc *);
int	virtio_rerun(struct virtio_softc *);
int	virtio_queue_off(struct virtio_softc *, struct virtqueue *);
int	virtio_queue_renew(struct virtio_softc *, struct virtqueue *);
int	virtio_suspend(struct virtio_softc *);
int	virtio_resume(struct virtio_softc *);

/*
 * virtio_task.c: what happens by itself, or because somebody asked.
 *
 * changed: the configuration may have; any context.
 * attached: the driver has; from here on it is restarted if it fails.
 * control: thread context; waits.  "reset", "reset QUEUE", "suspend",
 *	"resume".  EINVAL: none of these.  ENOENT: no such queue.  Others as
 *	above.
 */
void	virtio_task_init(struct virtio_softc *);
void	virtio_task_stop(struct virtio_softc *);
void	virtio_changed(struct virtio_softc *);
void	virtio_attached(struct virtio_softc *);
int	virtio_control(struct virtio_softc *, const char *);

/* virtio_sysctl.c: hw.virtio.N */
void	virtio_sysctl_attach(struct virtio_softc *);
void	virtio_sysctl_detach(struct virtio_softc *);

#endif /* _DEV_PV_VIRTIO_PRIV_H_ */
