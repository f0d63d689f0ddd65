/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * /dev/fbN: frame buffers for programs, with Linux's commands.  See fb.h.
 *
 * Who writes with write(2) changes just that part.  Who has it mapped faults
 * at the first write to each page; some milliseconds later the pages that were
 * written to are shown, and fault again.  So a program that draws nothing
 * costs nothing.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/fb.h>
#include <sys/fbio.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/task.h>
#include <sys/timeout.h>
#include <sys/uio.h>

#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define FBDEV_MSEC	10		/* from the first write to a picture */
#define FBDEV_SHOWN	5		/* seconds to wait for it to be shown */
#define FBDEV_MOVE	16		/* pages */
#define FBDEV_AHEAD	63		/* pages */

struct fbdev {
	struct fb		*fd_fb;
	struct cdev		*fd_cdev;
	u_int			 fd_unit;
	struct vm_object	*fd_object;
	struct mutex		 fd_mtx;
	uint32_t		*fd_dirty;	/* a bit a page */
	uint64_t		 fd_npages;
	bool			 fd_some;	/* of them are set */
	uint64_t		 fd_next;	/* page, if it goes on */
	u_int			 fd_ahead;	/* pages more than asked for */
	struct timeout		 fd_later;
	struct task		 fd_task;
	struct rwlock		 fd_lock;	/* flush, fbdev_room */
};

static uint32_t		fbdev_units;	/* a bit a unit in use */
static struct mutex	fbdev_mtx = MUTEX_INITIALIZER(IPL_TTY);

/* --- drivers ------------------------------------------------------------ */

void
fb_init(struct fb *fb, const struct fb_ops *ops, void *arg, const char *name)
{
	fb->fb_ops = ops;
	fb->fb_arg = arg;
	strlcpy(fb->fb_name, name, sizeof(fb->fb_name));
	rw_init(&fb->fb_lock, "fb");
	mtx_init(&fb->fb_mtx, IPL_TTY);
}

void
fb_setclient(struct fb *fb, const struct fb_client *fc)
{
	mtx_enter(&fb->fb_mtx);
	fb->fb_client = fc;
	mtx_leave(&fb->fb_mtx);
}

void
fb_tell_idle(struct fb *fb)
{
	mtx_enter(&fb->fb_mtx);
	if (fb->fb_client != NULL)
		fb->fb_client->fc_idle(fb->fb_client->fc_arg);
	mtx_leave(&fb->fb_mtx);
}

void
fb_tell_mode(struct fb *fb)
{
	mtx_enter(&fb->fb_mtx);
	if (fb->fb_client != NULL)
		fb->fb_client->fc_mode(fb->fb_client->fc_arg);
	mtx_leave(&fb->fb_mtx);
}

/* --- the boot loader's --------------------------------------------------- */

static struct {
	struct device	 *dev;			/* NULL: there is none */
	paddr_t		  addr;
	void		(*taken)(void *, const struct device *);
	void		 *arg;
} fb_boot;

void
fb_boot_set(struct device *dev, paddr_t addr,
    void (*taken)(void *, const struct device *), void *arg)
{
	fb_boot.dev = dev;
	fb_boot.addr = addr;
	fb_boot.taken = taken;
	fb_boot.arg = arg;
}

bool
fb_boot_addr(paddr_t *addr)
{
	*addr = fb_boot.addr;
	return (fb_boot.dev != NULL);
}

void
fb_boot_take(const struct device *by)
{
	KASSERT(fb_boot.dev != NULL);
	fb_boot.taken(fb_boot.arg, by);
}

/* --- size --------------------------------------------------------------- */

static size_t
fbdev_size(struct fbdev *fd)
{
	struct fb *fb = fd->fd_fb;
	size_t size;

	rw_enter_read(&fb->fb_lock);
	size = fb->fb_pixels == NULL ? 0 :
	    (size_t)fb->fb_stride * fb->fb_height;
	rw_exit(&fb->fb_lock);
	return (size);
}

static off_t
fbdev_end(struct cdev *cd)
{
	return (fbdev_size(dev_arg(cd)));
}

/* --- what was written --------------------------------------------------- */

/* Bytes of the picture have changed: part of a line, or whole lines. */
static void
fbdev_damage(struct fbdev *fd, uint64_t off, uint64_t len)
{
	struct fb *fb = fd->fd_fb;
	struct fb_rect r;
	u_int stride;

	rw_enter_read(&fb->fb_lock);
	stride = fb->fb_stride;
	if (len != 0 && fb->fb_pixels != NULL &&
	    off < (uint64_t)stride * fb->fb_height) {
		r.fr_y = off / stride;
		r.fr_h = (off + len - 1) / stride - r.fr_y + 1;
		r.fr_x = 0;
		r.fr_w = fb->fb_width;
		if (r.fr_h == 1) {
			r.fr_x = off % stride / 4;
			r.fr_w = (off % stride + len - 1) / 4 - r.fr_x + 1;
		}
		fb->fb_ops->fo_damage(fb, &r);
	}
	rw_exit(&fb->fb_lock);
}

/* The next run of pages that were written to, taken off; false: none. */
static bool
fbdev_run(struct fbdev *fd, uint64_t *from, uint64_t *n)
{
	uint64_t i = *from;

	*n = 0;
	mtx_enter(&fd->fd_mtx);
	while (i < fd->fd_npages) {
		if (i % 32 == 0 && fd->fd_dirty[i / 32] == 0 && *n == 0) {
			i += 32;
			continue;
		}
		if (fd->fd_dirty[i / 32] & 1U << i % 32) {
			fd->fd_dirty[i / 32] &= ~(1U << i % 32);
			if ((*n)++ == 0)
				*from = i;
		} else if (*n != 0)
			break;
		i++;
	}
	mtx_leave(&fd->fd_mtx);
	return (*n != 0);
}

/*
 * Pages are taken off the list, write protected, and shown then: what is
 * written before that is shown with them, what is written later faults.
 */
static void
fbdev_flush(void *arg)
{
	struct fbdev *fd = arg;
	uint64_t from, n;
	bool some;

	rw_enter_write(&fd->fd_lock);
	mtx_enter(&fd->fd_mtx);
	some = fd->fd_some;
	fd->fd_some = false;
	mtx_leave(&fd->fd_mtx);
	for (from = 0; some && fbdev_run(fd, &from, &n); from += n) {
		vm_object_clean(fd->fd_object, from, n);
		fbdev_damage(fd, ptoa(from), ptoa(n));
	}
	rw_exit(&fd->fd_lock);
}

static void
fbdev_later(void *arg)
{
	struct fbdev *fd = arg;

	task_add(systq, &fd->fd_task);
}

/* --- mappings ----------------------------------------------------------- */

static u_int	fbdev_pages(struct fbdev *, uint64_t, u_int, paddr_t *);

static int
fbdev_page(void *arg, uint64_t n, paddr_t *pap)
{
	return (fbdev_pages(arg, n, 1, pap) == 1 ? 0 : EFAULT);
}

/*
 * Who writes to one page after the other gets more of them at a time, so that
 * a whole picture takes a few faults, and a small change stays small.
 */
static u_int
fbdev_dirty(void *arg, uint64_t n)
{
	struct fbdev *fd = arg;
	u_int more = 0, i;

	mtx_enter(&fd->fd_mtx);
	if (n < fd->fd_npages) {
		fd->fd_ahead = n == fd->fd_next ?
		    MIN(2 * fd->fd_ahead + 1, FBDEV_AHEAD) : 0;
		more = MIN(fd->fd_ahead, fd->fd_npages - n - 1);
		fd->fd_next = n + more + 1;
		for (i = 0; i <= more; i++)
			fd->fd_dirty[(n + i) / 32] |= 1U << (n + i) % 32;
		if (!fd->fd_some) {
			fd->fd_some = true;
			timeout_add_msec(&fd->fd_later, FBDEV_MSEC);
		}
	}
	mtx_leave(&fd->fd_mtx);
	return (more);
}

static const struct vm_object_ops fbdev_object_ops = {
	.voo_page = fbdev_page,
	.voo_dirty = fbdev_dirty,
};

static struct vm_object *
fbdev_object(struct cdev *cd)
{
	struct fbdev *fd = dev_arg(cd);

	vm_object_ref(fd->fd_object);
	return (fd->fd_object);
}

/* --- read and write ----------------------------------------------------- */

/* So many pages from number n on, each with a reference. */
static u_int
fbdev_pages(struct fbdev *fd, uint64_t n, u_int want, paddr_t *pa)
{
	struct fb *fb = fd->fd_fb;
	uint64_t end = 0;
	u_int i;

	rw_enter_read(&fb->fb_lock);
	if (fb->fb_pixels != NULL)
		end = atop(round_page((uint64_t)fb->fb_stride *
		    fb->fb_height));
	for (i = 0; i < want && n + i < end; i++) {
		pa[i] = md_kvtop(fb->fb_pixels + ptoa(n + i));
		vm_page_ref(pa[i]);
	}
	rw_exit(&fb->fb_lock);
	return (i);
}

/*
 * Without the lock, since the program's memory may fault, and may be a mapping
 * of this very picture.
 */
static int
fbdev_move(struct fbdev *fd, struct uio *uio, size_t size)
{
	paddr_t pa[FBDEV_MOVE];
	size_t in, n, left;
	u_int i, got;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0 &&
	    (uint64_t)uio->uio_offset < size) {
		in = uio->uio_offset & PAGE_MASK;
		left = MIN(uio->uio_resid, size - uio->uio_offset);
		got = fbdev_pages(fd, atop(uio->uio_offset),
		    MIN(atop(round_page(in + left)), FBDEV_MOVE), pa);
		if (got == 0)
			return (EIO);
		for (i = 0; i < got; i++) {
			n = MIN(PAGE_SIZE - in, left);
			if (error == 0)
				error = uiomove((char *)vm_direct(pa[i]) + in,
				    n, uio);
			vm_page_unref(pa[i]);
			left -= n;
			in = 0;
		}
	}
	return (error);
}

static int
fbdev_read(struct cdev *cd, struct uio *uio, int flags __unused)
{
	struct fbdev *fd = dev_arg(cd);

	return (fbdev_move(fd, uio, fbdev_size(fd)));
}

static int
fbdev_write(struct cdev *cd, struct uio *uio, int flags __unused)
{
	struct fbdev *fd = dev_arg(cd);
	uint64_t off = uio->uio_offset;
	size_t size = fbdev_size(fd);
	int error;

	if (uio->uio_resid > 0 && off >= size)
		return (off > size ? EFBIG : ENOSPC);
	error = fbdev_move(fd, uio, size);
	fbdev_damage(fd, off, uio->uio_offset - off);
	return (error);
}

/* --- commands ----------------------------------------------------------- */

static void
fbdev_var(struct fb *fb, struct fb_var_screeninfo *v)
{
	/* bytes are blue, green, red; a program sees them as a number */
	const u_int shift = _BYTE_ORDER == _LITTLE_ENDIAN ? 0 : 8;
	u_int step = _BYTE_ORDER == _LITTLE_ENDIAN ? 8 : -8U;

	memset(v, 0, sizeof(*v));
	rw_enter_read(&fb->fb_lock);
	v->xres = v->xres_virtual = fb->fb_width;
	v->yres = v->yres_virtual = fb->fb_height;
	rw_exit(&fb->fb_lock);
	v->bits_per_pixel = 32;
	v->blue = (struct fb_bitfield){ shift == 0 ? 0 : 24, 8, 0 };
	v->green = (struct fb_bitfield){ v->blue.offset + step, 8, 0 };
	v->red = (struct fb_bitfield){ v->green.offset + step, 8, 0 };
	v->height = v->width = (uint32_t)-1;	/* millimetres: not known */
	/* as if it were 60 pictures a second */
	if (v->xres != 0 && v->yres != 0)
		v->pixclock = 1000000000000ULL / 60 /
		    ((uint64_t)v->xres * v->yres);
}

static void
fbdev_fix(struct fbdev *fd, struct fb_fix_screeninfo *f)
{
	memset(f, 0, sizeof(*f));
	strlcpy(f->id, fd->fd_fb->fb_name, sizeof(f->id));
	f->type = FB_TYPE_PACKED_PIXELS;
	f->visual = FB_VISUAL_TRUECOLOR;
	f->smem_len = round_page(fbdev_size(fd));
	rw_enter_read(&fd->fd_fb->fb_lock);
	f->line_length = fd->fd_fb->fb_stride;
	rw_exit(&fd->fd_fb->fb_lock);
}

/* What cannot be is rounded to what can, or refused if that is no picture. */
static int
fbdev_put_var(struct fbdev *fd, struct fb_var_screeninfo *v)
{
	struct fb_var_screeninfo now;
	u_int w = v->xres, h = v->yres, activate = v->activate;
	int error;

	fbdev_var(fd->fd_fb, &now);
	if ((v->bits_per_pixel != 32 && v->bits_per_pixel != 24) ||
	    v->xres_virtual > w || v->yres_virtual > h || v->xoffset != 0 ||
	    v->yoffset != 0 || v->rotate != 0 || !fb_size_ok(w, h))
		return (EINVAL);
	if ((activate & FB_ACTIVATE_MASK) == FB_ACTIVATE_NOW &&
	    (w != now.xres || h != now.yres) &&
	    (error = fd->fd_fb->fb_ops->fo_mode(fd->fd_fb, w, h)) != 0)
		return (error);
	fbdev_var(fd->fd_fb, v);
	/* what was only asked about */
	if ((activate & FB_ACTIVATE_MASK) != FB_ACTIVATE_NOW) {
		v->xres = v->xres_virtual = w;
		v->yres = v->yres_virtual = h;
	}
	v->activate = activate;
	return (0);
}

/* Until all that was drawn so far is on the screen. */
static int
fbdev_wait(struct fbdev *fd)
{
	struct fb *fb = fd->fd_fb;
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(FBDEV_SHOWN), now;
	int error = 0;

	fbdev_flush(fd);
	mtx_enter(&fd->fd_mtx);
	while (error == 0 && !fb->fb_ops->fo_idle(fb)) {
		if ((now = nsecuptime()) >= limit)
			error = ETIMEDOUT;
		else
			error = msleep_nsec(fd, &fd->fd_mtx,
			    PRI_KERN | PCATCH, "fbshown", limit - now);
	}
	mtx_leave(&fd->fd_mtx);
	return (error == EWOULDBLOCK ? ETIMEDOUT : error);
}

static int
fbdev_cursor(struct fbdev *fd, const struct fb_cursor_user *u)
{
	struct fb_cursor fc = { .fc_x = u->image.dx, .fc_y = u->image.dy,
	    .fc_hotx = u->hot.x, .fc_hoty = u->hot.y,
	    .fc_shown = u->enable != 0, .fc_set = FB_CURSOR_SHOW };
	uint8_t *pixels = NULL;
	u_int y;
	int error = 0;

	if (u->set & FB_CUR_SETPOS)
		fc.fc_set |= FB_CURSOR_MOVE;
	if (u->set & (FB_CUR_SETIMAGE | FB_CUR_SETSHAPE)) {
		if (u->image.depth != 32 || u->image.width == 0 ||
		    u->image.width > FB_CURSOR_SIZE ||
		    u->image.height == 0 || u->image.height > FB_CURSOR_SIZE)
			return (EINVAL);
		if ((pixels = kmem_zalloc(FB_CURSOR_BYTES, KM_NOSLEEP)) == NULL)
			return (ENOMEM);
		for (y = 0; y < u->image.height && error == 0; y++)
			error = copyin(u->image.data + y * u->image.width * 4,
			    pixels + y * FB_CURSOR_SIZE * 4,
			    u->image.width * 4);
		fc.fc_set |= FB_CURSOR_SHAPE;
		fc.fc_pixels = pixels;
	}
	if (error == 0)
		error = fd->fd_fb->fb_ops->fo_cursor(fd->fd_fb, &fc);
	kmem_free(pixels, FB_CURSOR_BYTES);
	return (error);
}

static int
fbdev_ioctl_var(struct fbdev *fd, u_long cmd, void *user)
{
	struct fb_var_screeninfo v;
	int error;

	if (cmd == FBIOGET_VSCREENINFO) {
		fbdev_var(fd->fd_fb, &v);
		return (copyout(&v, user, sizeof(v)));
	}
	if ((error = copyin(user, &v, sizeof(v))) != 0)
		return (error);
	if (cmd == FBIOPAN_DISPLAY)
		return (v.xoffset != 0 || v.yoffset != 0 ? EINVAL :
		    fbdev_wait(fd));
	if ((error = fbdev_put_var(fd, &v)) == 0)
		error = copyout(&v, user, sizeof(v));
	return (error);
}

static int
fbdev_ioctl(struct cdev *cd, u_long cmd, void *user, int flags __unused)
{
	struct fbdev *fd = dev_arg(cd);
	struct fb_fix_screeninfo f;
	struct fb_cursor_user u;
	int error;

	switch (cmd) {
	case FBIOGET_VSCREENINFO:
	case FBIOPUT_VSCREENINFO:
	case FBIOPAN_DISPLAY:
		return (fbdev_ioctl_var(fd, cmd, user));
	case FBIOGET_FSCREENINFO:
		fbdev_fix(fd, &f);
		return (copyout(&f, user, sizeof(f)));
	case FBIO_WAITFORVSYNC:
		return (fbdev_wait(fd));
	case FBIOBLANK:
		return ((vaddr_t)user > FB_BLANK_POWERDOWN ? EINVAL :
		    fd->fd_fb->fb_ops->fo_blank(fd->fd_fb, user != NULL));
	case FBIO_CURSOR:
		if ((error = copyin(user, &u, sizeof(u))) == 0)
			error = fbdev_cursor(fd, &u);
		return (error);
	default:
		return (ENOTTY);
	}
}

static int
fbdev_fsync(struct cdev *cd)
{
	fbdev_flush(dev_arg(cd));
	return (0);
}

static const struct cdevsw fbdev_cdevsw = {
	.d_name = "fb",
	.d_read = fbdev_read,
	.d_write = fbdev_write,
	.d_ioctl = fbdev_ioctl,
	.d_fsync = fbdev_fsync,
	.d_size = fbdev_end,
	.d_object = fbdev_object,
	.d_flags = D_RAWIOCTL,
};

/* --- life --------------------------------------------------------------- */

static size_t
fbdev_words(uint64_t npages)
{
	return ((npages + 31) / 32 * sizeof(uint32_t));
}

/* Room for a bit a page of the mode there is. */
static int
fbdev_room(struct fbdev *fd)
{
	uint64_t n = atop(round_page(fbdev_size(fd))), oldn;
	uint32_t *dirty = NULL, *old;

	if (n != 0 && (dirty = kmem_zalloc(fbdev_words(n), KM_NOSLEEP)) ==
	    NULL)
		return (ENOMEM);
	mtx_enter(&fd->fd_mtx);
	old = fd->fd_dirty;
	oldn = fd->fd_npages;
	fd->fd_dirty = dirty;
	fd->fd_npages = n;
	mtx_leave(&fd->fd_mtx);
	kmem_free(old, fbdev_words(oldn));
	return (0);
}

/* Who has the old pages mapped gets the new ones at the next touch. */
void
fbdev_mode(struct fbdev *fd)
{
	int error;

	/* of two changes at once the later size counts */
	rw_enter_write(&fd->fd_lock);
	error = fbdev_room(fd);
	rw_exit(&fd->fd_lock);
	if (error != 0)
		printf("fb%u: no memory: mappings are not shown\n",
		    fd->fd_unit);
	vm_object_drop(fd->fd_object);
}

void
fbdev_idle(struct fbdev *fd)
{
	mtx_enter(&fd->fd_mtx);
	wakeup(fd);
	mtx_leave(&fd->fd_mtx);
}

static void
fbdev_free(struct fbdev *fd)
{
	if (fd->fd_object != NULL) {
		vm_object_revoke(fd->fd_object);
		vm_object_unref(fd->fd_object);
	}
	timeout_del_barrier(&fd->fd_later);
	if (!task_del(systq, &fd->fd_task))
		taskq_barrier(systq);
	kmem_free(fd->fd_dirty, fbdev_words(fd->fd_npages));
	mtx_enter(&fbdev_mtx);
	fbdev_units &= ~(1U << fd->fd_unit);
	mtx_leave(&fbdev_mtx);
	kmem_free(fd, sizeof(*fd));
}

static int
fbdev_unit(u_int *unit)
{
	u_int i;

	mtx_enter(&fbdev_mtx);
	for (i = 0; i < 32 && (fbdev_units & 1U << i); i++)
		;
	if (i < 32)
		fbdev_units |= 1U << i;
	mtx_leave(&fbdev_mtx);
	*unit = i;
	return (i < 32 ? 0 : ENOSPC);
}

int
fbdev_attach(struct fbdev **fdp, struct fb *fb)
{
	struct fbdev *fd;
	u_int unit;
	int error;

	if ((error = fbdev_unit(&unit)) != 0)
		return (error);
	fd = kmem_zalloc(sizeof(*fd), KM_SLEEP);
	fd->fd_fb = fb;
	fd->fd_unit = unit;
	mtx_init(&fd->fd_mtx, IPL_TTY);
	rw_init(&fd->fd_lock, "fbdev");
	timeout_set(&fd->fd_later, fbdev_later, fd);
	task_set(&fd->fd_task, fbdev_flush, fd);
	if ((fd->fd_object = vm_object_device(&fbdev_object_ops, fd)) == NULL)
		error = ENOMEM;
	else if ((error = fbdev_room(fd)) == 0)
		error = dev_create(&fd->fd_cdev, &fbdev_cdevsw, fd, 0660,
		    "fb%u", unit);
	if (error != 0) {
		fbdev_free(fd);
		return (error);
	}
	*fdp = fd;
	return (0);
}

void
fbdev_detach(struct fbdev *fd)
{
	if (fd == NULL)
		return;
	fbdev_idle(fd);
	dev_destroy(fd->fd_cdev);
	fbdev_free(fd);
}
