/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viogpu(4) against a simulated GPU. */

#include "test.h"

#include <sys/errno.h>
#include <sys/fbio.h>
#include <sys/kthread.h>
#include <sys/synch.h>
#include <sys/sysctl.h>

#include "sim/fbuser.h"
#include "sim/nodes.h"
#include "sim/sim.h"

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)
#define F_PACKED	(1ULL << 34)
#define F_IN_ORDER	(1ULL << 35)
#define F_RING_RESET	(1ULL << 40)

#define MSEC		1000000ULL
#define SECOND		(1000 * MSEC)
#define W		64		/* small, so that tests are quick */
#define H		64
#define EVENT		1		/* VIRTIO_GPU_EVENT_DISPLAY */
#define DRAW		(SIM_GP_BIT(SIM_GP_TRANSFER) | SIM_GP_BIT(SIM_GP_FLUSH))

static struct sim_gpu	*gp;
static const struct sim_virtio_conf plain = {
	.vc_features = SIM_GP_F_EDID | F_INDIRECT | F_EVENT_IDX | F_RING_RESET,
	.vc_nvec = 3, .vc_when = SIM_LATER,
};
static const struct sim_virtio_conf blobs = {
	.vc_features = SIM_GP_F_EDID | SIM_GP_F_BLOB | SIM_GP_F_ALIGN |
	    F_INDIRECT | F_EVENT_IDX | F_RING_RESET,
	.vc_nvec = 3, .vc_when = SIM_LATER,
};

static int
setup(void **state)
{
	sim_init();
	gp = NULL;
	return (0);
}

static void
end(void)
{
	sim_detach();
	if (gp != NULL)
		sim_gpu_free(gp);
	gp = NULL;
}

static int
teardown(void **state)
{
	end();
	return (sim_fini());
}

static void
run(u_int msec)
{
	hosted_run(msec * MSEC);
}

static void
attach(void)
{
	sim_attach();
	if (fbuser[0].fu_fb == NULL)
		fail_msg("%s", hosted_console());
	run(1);
}

static void
attach_to(const struct sim_virtio_conf *vc, u_int nscreens, u_int w, u_int h)
{
	gp = sim_gpu_new(vc, nscreens, w, h);
	attach();
}

static void
event(void)
{
	sim_gpu_event(gp, EVENT);
	run(100);
}

static void
resize(u_int screen, u_int w, u_int h)
{
	sim_gpu_want(gp, screen, w, h);
	event();
}

static void
assert_mode(u_int screen, u_int w, u_int h)
{
	const struct sim_gp_screen *gs = &gp->gp_screen[screen];

	assert_int_equal(fbuser[screen].fu_fb->fb_width, w);
	assert_int_equal(fbuser[screen].fu_fb->fb_height, h);
	assert_int_equal(gs->gs_rect.w, w);
	assert_int_equal(gs->gs_rect.h, h);
}

/* Each pixel of what was drawn is what is to be seen. */
static void
assert_shown(u_int screen)
{
	struct fbuser *fu = &fbuser[screen];
	u_int x, y;

	run(100);
	assert_mode(screen, fu->fu_fb->fb_width, fu->fu_fb->fb_height);
	for (y = 0; y < fu->fu_fb->fb_height; y++) {
		for (x = 0; x < fu->fu_fb->fb_width; x++) {
			if (sim_gpu_pixel(gp, screen, x, y) ==
			    fbuser_pixel(fu, x, y))
				continue;
			fail_msg("screen %u: %u,%u is %#x, not %#x", screen,
			    x, y, sim_gpu_pixel(gp, screen, x, y),
			    fbuser_pixel(fu, x, y));
		}
	}
	sim_gpu_settled(gp);
}

/* So many rectangles, somewhere. */
static void
draw(u_int screen, u_int n)
{
	struct fb *fb = fbuser[screen].fu_fb;
	u_int x, y;

	for (; n > 0; n--) {
		x = sim_random(fb->fb_width);
		y = sim_random(fb->fb_height);
		fbuser_fill(&fbuser[screen], x, y,
		    1 + sim_random(fb->fb_width - x),
		    1 + sim_random(fb->fb_height - y), sim_random(1 << 24));
	}
}

static void
draw_and_see(u_int screen)
{
	draw(screen, 5);
	assert_shown(screen);
	draw(screen, 1);
	assert_shown(screen);
}

static u_int
control(const char *what)
{
	int error = sysctl_write("hw.virtio.0.control", what);

	run(100);
	return (error);
}

static int
mode(const char *text)
{
	int error = sysctl_write("hw.viogpu0.0.mode", text);

	run(100);
	return (error);
}

static void
assert_sysctl(const char *name, const char *want)
{
	static char text[512];
	size_t len;

	assert_int_equal(sysctl_read(name, text, sizeof(text) - 1, &len), 0);
	text[MIN(len, sizeof(text) - 1)] = '\0';
	if (strncmp(text, want, strlen(want)) != 0)
		fail_msg("%s is %s", name, text);
}

static int
command(const char *name, u_long cmd, void *arg)
{
	struct cdev *cd = node_open(name, FREAD | FWRITE);
	int error;

	assert_non_null(cd);
	error = dev_ioctl(cd, cmd, arg, FREAD | FWRITE);
	node_close(cd, FREAD | FWRITE);
	run(100);
	return (error);
}

/* --- drawing ------------------------------------------------------------- */

static void
what_is_drawn_is_shown(void **state)
{
	attach_to(&plain, 1, W, H);
	assert_mode(0, W, H);
	assert_shown(0);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
it_is_black_at_first(void **state)
{
	attach_to(&plain, 1, W, H);
	run(100);
	assert_int_equal(sim_gpu_pixel(gp, 0, 0, 0), 0);
	assert_int_equal(sim_gpu_pixel(gp, 0, W - 1, H - 1), 0);
}

static void
only_what_is_damaged_is_sent(void **state)
{
	struct sim_gp_log *t, *f;
	uint64_t bytes;
	u_int n;

	attach_to(&plain, 1, W, H);
	run(100);
	n = gp->gp_nlog;
	bytes = gp->gp_bytes;
	fbuser_fill(&fbuser[0], 3, 5, 10, 7, 0x123456);
	run(100);
	assert_int_equal(gp->gp_nlog, n + 2);
	assert_int_equal(gp->gp_bytes - bytes, 10 * 7 * 4);
	t = &gp->gp_log[n % SIM_GP_NLOG];
	f = &gp->gp_log[(n + 1) % SIM_GP_NLOG];
	assert_int_equal(t->gl_cmd, SIM_GP_TRANSFER);
	assert_int_equal(f->gl_cmd, SIM_GP_FLUSH);
	assert_memory_equal(&t->gl_rect, &f->gl_rect, sizeof(t->gl_rect));
	assert_int_equal(t->gl_rect.x, 3);
	assert_int_equal(t->gl_rect.y, 5);
	assert_int_equal(t->gl_rect.w, 10);
	assert_int_equal(t->gl_rect.h, 7);
	assert_shown(0);
}

static void
damage_outside_the_picture_is_cut(void **state)
{
	static const struct fb_rect bad[] = {
		{ W, 0, 1, 1 }, { 0, H, 1, 1 }, { 0, 0, 0, 5 },
		{ 5, 5, 3, 0 }, { ~0U, ~0U, ~0U, ~0U },
	};
	static const struct fb_rect cut = { 1, 1, ~0U, ~0U };
	struct fb *fb;
	u_int i, n;

	attach_to(&plain, 1, W, H);
	run(100);
	fb = fbuser[0].fu_fb;
	n = gp->gp_nlog;
	for (i = 0; i < nitems(bad); i++)
		fb->fb_ops->fo_damage(fb, &bad[i]);
	run(100);
	assert_int_equal(gp->gp_nlog, n);
	fb->fb_ops->fo_damage(fb, &cut);
	assert_shown(0);
	assert_int_equal(gp->gp_nlog, n + 2);
	assert_int_equal(gp->gp_log[n % SIM_GP_NLOG].gl_rect.w, W - 1);
	assert_int_equal(gp->gp_log[n % SIM_GP_NLOG].gl_rect.h, H - 1);
}

/* How many pixels were sent for two rectangles while it was busy. */
static uint64_t
pixels_of_two(u_int x, u_int y)
{
	uint64_t bytes;

	gp->gp_hold = DRAW;
	fbuser_fill(&fbuser[0], 300, 100, 1, 1, 1);
	run(10);
	fbuser_fill(&fbuser[0], 0, 0, 8, 8, 0x777777);
	fbuser_fill(&fbuser[0], x, y, 8, 8, 0x888888);
	bytes = gp->gp_bytes;
	sim_gpu_release(gp);
	assert_shown(0);
	return ((gp->gp_bytes - bytes) / 4 - 1);
}

static void
near_rectangles_are_joined_and_far_ones_are_not(void **state)
{
	attach_to(&plain, 1, 400, 300);
	run(100);
	assert_int_equal(pixels_of_two(8, 0), 16 * 8);
	assert_int_equal(pixels_of_two(4, 4), 12 * 12);
	assert_int_equal(pixels_of_two(392, 292), 2 * 8 * 8);
}

static void
while_it_is_busy_damage_is_gathered(void **state)
{
	u_int i, n;

	attach_to(&plain, 1, 200, 200);
	run(100);
	gp->gp_hold = DRAW;
	draw(0, 1);
	run(10);
	n = gp->gp_ncmd[SIM_GP_FLUSH] + gp->gp_ncmd[SIM_GP_TRANSFER];
	for (i = 0; i < 50; i++) {
		draw(0, 4);
		run(10);
	}
	assert_int_equal(gp->gp_ncmd[SIM_GP_FLUSH] +
	    gp->gp_ncmd[SIM_GP_TRANSFER], n);
	sim_gpu_release(gp);
	assert_shown(0);
	assert_true(gp->gp_ncmd[SIM_GP_FLUSH] +
	    gp->gp_ncmd[SIM_GP_TRANSFER] - n <= 2 * 8);
}

static void
a_picture_takes_one_interrupt(void **state)
{
	u_int n, i;

	attach_to(&plain, 1, 400, 300);
	run(100);
	for (i = 0; i < 10; i++) {
		n = gp->gp_sv->sv_vq[0].sq_interrupts;
		draw(0, 1);
		run(10);
		assert_int_equal(gp->gp_sv->sv_vq[0].sq_interrupts, n + 1);
		assert_true(fbuser[0].fu_fb->fb_ops->fo_idle(fbuser[0].fu_fb));
	}
}

static void
nothing_happens_while_nothing_is_drawn(void **state)
{
	u_int access, nidle;

	attach_to(&plain, 1, W, H);
	draw(0, 3);
	run(10000);
	access = gp->gp_sv->sv_pci.sp_naccess;
	nidle = fbuser[0].fu_nidle;
	hosted_run(10000 * SECOND);
	assert_int_equal(gp->gp_sv->sv_pci.sp_naccess, access);
	assert_int_equal(fbuser[0].fu_nidle, nidle);
}

static void
who_draws_is_told_when_it_is_shown(void **state)
{
	struct fb *fb;
	u_int n;

	attach_to(&plain, 1, W, H);
	run(100);
	fb = fbuser[0].fu_fb;
	n = fbuser[0].fu_nidle;
	assert_true(fb->fb_ops->fo_idle(fb));
	gp->gp_hold = DRAW;
	draw(0, 2);
	run(1000);
	assert_false(fb->fb_ops->fo_idle(fb));
	assert_int_equal(fbuser[0].fu_nidle, n);
	sim_gpu_release(gp);
	run(10);
	assert_true(fb->fb_ops->fo_idle(fb));
	assert_true(fbuser[0].fu_nidle > n);
}

/* Commands without a fence are done after their answer: 5.7.6.5. */
static void
a_device_that_works_behind_its_answers_is_waited_for(void **state)
{
	gp = sim_gpu_new(&plain, 1, W, H);
	gp->gp_async = true;
	attach();
	draw_and_see(0);
	resize(0, W + 8, H);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
rings_of_any_kind(void **state)
{
	static const u_int size[] = { 1, 2, 4, 8, 64, 256 };
	struct sim_virtio_conf vc = plain;
	u_int i;

	for (i = 0; i < 64; i++) {
		vc.vc_features = SIM_GP_F_EDID |
		    (i & 1 ? F_INDIRECT : 0) | (i & 2 ? F_EVENT_IDX : 0) |
		    (i & 4 ? F_PACKED : 0) | (i & 8 ? F_IN_ORDER : 0) |
		    (i & 16 ? SIM_GP_F_BLOB : 0);
		vc.vc_nvq = 2;
		vc.vc_qsize[0] = size[i % 5 == 0 && !(i & 1) ? 1 : i % 6];
		if (!(i & 1) && vc.vc_qsize[0] == 1)
			vc.vc_qsize[0] = 2;
		vc.vc_qsize[1] = i & 1 ? 1 : 2;
		vc.vc_suppress = i & 3;
		vc.vc_when = i & 32 ? SIM_AT_ONCE : SIM_LATER;
		vc.vc_nvec = i % 4;
		vc.vc_random_order = i % 3 == 0;
		sim_dma_split = i % 7 == 0;
		attach_to(&vc, 1 + i % 3, W, H);
		draw_and_see(0);
		resize(0, W + 4, H + 2);
		draw_and_see(0);
		end();
	}
}

/* --- modes --------------------------------------------------------------- */

static void
a_size_that_cannot_be_is_the_monitors(void **state)
{
	static const uint32_t bad[][2] = {
		{ 1, 1 }, { 0xffffffff, 0xffffffff }, { 70, 0 }, { 0, 0 },
		{ 16385, 70 }, { 63, 64 },
	};
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		gp = sim_gpu_new(&plain, 1, 80, 72);
		gp->gp_screen[0].gs_enabled = true;
		gp->gp_screen[0].gs_want = (struct sim_gp_rect){ 0, 0,
		    bad[i][0], bad[i][1] };
		attach();
		assert_mode(0, 80, 72);
		draw_and_see(0);
		end();
	}
}

static void
without_a_monitor_there_is_a_fallback(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features &= ~SIM_GP_F_EDID;
	gp = sim_gpu_new(&vc, 2, W, H);
	sim_gpu_want(gp, 0, 0, 0);
	attach();
	assert_mode(0, 1024, 768);
	assert_null(fbuser[1].fu_fb);
	assert_int_equal(gp->gp_ncmd[SIM_GP_EDID], 0);
}

static void
a_display_that_is_resized_gets_its_size(void **state)
{
	u_int i, n;

	attach_to(&plain, 1, W, H);
	for (i = 0; i < 10; i++) {
		n = fbuser[0].fu_nmode;
		resize(0, W + i * 3 + 1, H + i);
		assert_mode(0, W + i * 3 + 1, H + i);
		assert_int_equal(fbuser[0].fu_nmode, n + 1);
		assert_int_equal(sim_get_le(gp->gp_sv->sv_config, 4), 0);
		draw_and_see(0);
		assert_int_equal(gp->gp_nres, 1);
	}
	/* who has the size already is not told */
	n = fbuser[0].fu_nmode;
	event();
	assert_int_equal(fbuser[0].fu_nmode, n);
	assert_shown(0);
}

static bool	painting;

static void
painter(void *arg)
{
	while (painting) {
		draw(0, 1);
		(void)msleep_nsec(&painting, NULL, PRI_USER, "paint",
		    MSEC / 10);
	}
}

static void
start_painter(struct thread **tdp)
{
	painting = true;
	assert_int_equal(kthread_create(painter, NULL, PRI_USER, "p", tdp), 0);
}

static void
stop_painter(struct thread *td)
{
	painting = false;
	kthread_join(td);
}

static void
it_is_resized_while_somebody_draws(void **state)
{
	struct thread *td;
	u_int i;

	attach_to(&plain, 1, W, H);
	start_painter(&td);
	for (i = 0; i < 20; i++) {
		sim_gpu_want(gp, 0, W + sim_random(40), H + sim_random(40));
		sim_gpu_event(gp, EVENT);
		run(1 + sim_random(3));
	}
	stop_painter(td);
	assert_shown(0);
	assert_mode(0, gp->gp_screen[0].gs_want.w, gp->gp_screen[0].gs_want.h);
	assert_int_equal(gp->gp_nres, 1);
}

static void
every_number_of_screens(void **state)
{
	u_int n, i;

	for (n = 1; n <= SIM_GP_MAX; n += n < 4 ? 1 : 4) {
		gp = sim_gpu_new(&plain, n, W, H);
		for (i = 0; i < n; i++)
			sim_gpu_want(gp, i, W + i, H);
		attach();
		for (i = 0; i < n; i++)
			draw(i, 3);
		for (i = 0; i < n; i++) {
			assert_shown(i);
			assert_mode(i, W + i, H);
		}
		assert_int_equal(gp->gp_nres, n);
		end();
	}
}

static void
a_screen_may_come_later_and_go(void **state)
{
	attach_to(&plain, 3, W, H);
	assert_null(fbuser[1].fu_fb);
	resize(2, W, 2 * H);
	assert_null(fbuser[2].fu_fb);
	assert_non_null(fbuser[1].fu_fb);	/* the second that draws */
	assert_sysctl("hw.viogpu0.2.mode", "64x128");
	fbuser_fill(&fbuser[1], 0, 0, W, H, 0xabcdef);
	run(10);
	assert_int_equal(sim_gpu_pixel(gp, 2, 5, 5), 0xabcdef);
	resize(2, 0, 0);
	assert_int_equal(gp->gp_screen[2].gs_resource, 0);
	draw(1, 2);
	run(10);
	resize(2, W, 2 * H);
	assert_int_equal(sim_gpu_pixel(gp, 2, 5, 5),
	    fbuser_pixel(&fbuser[1], 5, 5));
	draw_and_see(0);
}

static void
when_all_screens_go_the_first_stays(void **state)
{
	attach_to(&plain, 2, W, H);
	sim_gpu_edid(gp, 0, 100, 80, 0);
	resize(0, 0, 0);
	assert_mode(0, 100, 80);
	draw_and_see(0);
}

static void
a_blank_screen_shows_nothing_and_costs_nothing(void **state)
{
	u_int n;

	attach_to(&plain, 1, W, H);
	draw_and_see(0);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)4), 0);
	assert_int_equal(gp->gp_screen[0].gs_resource, 0);
	n = gp->gp_nlog;
	draw(0, 10);
	run(100);
	assert_int_equal(gp->gp_nlog, n);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)5), EINVAL);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)0), 0);
	assert_shown(0);
	draw_and_see(0);
}

static void
a_user_may_choose_the_mode(void **state)
{
	attach_to(&plain, 1, W, H);
	assert_int_equal(mode("100x90"), 0);
	assert_mode(0, 100, 90);
	draw_and_see(0);
	assert_sysctl("hw.viogpu0.0.mode", "100x90");
	/* what the host wants is for later */
	resize(0, W + 10, H);
	assert_mode(0, 100, 90);
	assert_int_equal(mode("auto"), 0);
	assert_mode(0, W + 10, H);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
modes_that_cannot_be_are_refused(void **state)
{
	static const char *bad[] = {
		"0x0", "64x0", "63x64", "64x16385", "99999999999x64", "64",
		"64x", "x64", "64x64x", "64x64 ", "", "-64x64",
		"4294967360x64",
	};
	u_int i;

	attach_to(&plain, 1, W, H);
	for (i = 0; i < nitems(bad); i++)
		assert_int_equal(mode(bad[i]), EINVAL);
	assert_mode(0, W, H);
	draw_and_see(0);
}

static void
a_monitor_is_described(void **state)
{
	gp = sim_gpu_new(&plain, 1, W, H);
	sim_gpu_edid(gp, 0, 320, 200, 1);
	attach();
	assert_sysctl("hw.viogpu0.0.modes", "320x200");
	assert_sysctl("hw.viogpu0.0.monitor", "Paravane");
	gp->gp_screen[0].gs_edid[3] ^= 1;
	event();
	assert_sysctl("hw.viogpu0.0.monitor", "unknown");
}

static void
the_mode_of_a_frame_buffer_is_that_of_linux(void **state)
{
	struct fb_var_screeninfo v;
	struct fb_fix_screeninfo f;

	attach_to(&plain, 1, W, H);
	assert_int_equal(command("fb0", FBIOGET_VSCREENINFO, &v), 0);
	assert_int_equal(v.xres, W);
	assert_int_equal(v.yres, H);
	assert_int_equal(v.bits_per_pixel, 32);
	v.xres = v.xres_virtual = 128;
	assert_int_equal(command("fb0", FBIOPUT_VSCREENINFO, &v), 0);
	assert_mode(0, 128, H);
	draw_and_see(0);
	assert_int_equal(command("fb0", FBIOGET_FSCREENINFO, &f), 0);
	assert_int_equal(f.line_length, 128 * 4);
	v.xres = 3;
	v.xres_virtual = 0;
	assert_int_equal(command("fb0", FBIOPUT_VSCREENINFO, &v), EINVAL);
	assert_int_equal(command("fb0", FBIO_WAITFORVSYNC, NULL), 0);
}

/* --- blobs --------------------------------------------------------------- */

static void
a_blob_is_shown_without_transfers(void **state)
{
	attach_to(&blobs, 2, W, H);
	draw_and_see(0);
	assert_int_equal(gp->gp_ncmd[SIM_GP_TRANSFER], 0);
	assert_int_equal(gp->gp_ncmd[SIM_GP_CREATE], 0);
	assert_int_equal(gp->gp_ncmd[SIM_GP_SCANOUTBLOB], 1);
	resize(0, W + 1, H + 1);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
	end();
}

static void
blobs_are_as_large_as_the_device_wants(void **state)
{
	static const uint32_t align[] = { 1, 4096, 65536, 1 << 20 };
	u_int i;

	for (i = 0; i < nitems(align); i++) {
		gp = sim_gpu_new(&blobs, 1, W, H);
		sim_gpu_align(gp, align[i]);
		attach();
		draw_and_see(0);
		assert_int_equal(gp->gp_ncmd[SIM_GP_BLOB], 1);
		resize(0, 3 * W + 1, H + 5);
		draw_and_see(0);
		end();
	}
}

static void
alignments_that_cannot_be_cost_the_blobs(void **state)
{
	static const uint32_t align[] = { 3, 0xffffffff, 4097, 1U << 31 };
	u_int i;

	for (i = 0; i < nitems(align); i++) {
		gp = sim_gpu_new(&blobs, 1, W, H);
		sim_gpu_align(gp, align[i]);
		attach();
		draw_and_see(0);
		assert_int_equal(gp->gp_ncmd[SIM_GP_BLOB], 0);
		end();
	}
}

/* Refused when they are made, or when they are to be shown. */
static void
refused(enum sim_gp_cmd cmd)
{
	gp = sim_gpu_new(&blobs, 1, W, H);
	gp->gp_fail = SIM_GP_BIT(cmd);
	gp->gp_error = 0x1200;
	attach();
	draw_and_see(0);
	assert_int_equal(gp->gp_ncmd[SIM_GP_CREATE], 1);
	assert_int_equal(gp->gp_nres, 1);
	resize(0, W + 1, H);
	draw_and_see(0);
	assert_int_equal(gp->gp_ncmd[SIM_GP_BLOB], 1);
	end();
}

static void
a_device_that_refuses_blobs_gets_none(void **state)
{
	refused(SIM_GP_BLOB);
	refused(SIM_GP_SCANOUTBLOB);
}

/* --- the cursor ---------------------------------------------------------- */

static uint8_t	shape[64 * 64 * 4];

static int
cursor(u_int set, bool shown, u_int x, u_int y)
{
	struct fb *fb = fbuser[0].fu_fb;
	struct fb_cursor fc = { .fc_set = set, .fc_shown = shown, .fc_x = x,
	    .fc_y = y, .fc_hotx = 3, .fc_hoty = 4, .fc_pixels = shape };
	int error = fb->fb_ops->fo_cursor(fb, &fc);

	run(10);
	return (error);
}

static void
assert_cursor(bool shown, u_int x, u_int y)
{
	const struct sim_gp_screen *gs = &gp->gp_screen[0];

	run(100);
	sim_gpu_settled(gp);
	assert_int_equal(gs->gs_cursor != 0, shown);
	assert_int_equal(gs->gs_curx, x);
	assert_int_equal(gs->gs_cury, y);
	if (!shown)
		return;
	assert_int_equal(gs->gs_hotx, 3);
	assert_int_equal(gs->gs_hoty, 4);
	assert_memory_equal(gs->gs_shape, shape, sizeof(shape));
}

static void
set_shape(uint8_t seed)
{
	u_int i;

	for (i = 0; i < sizeof(shape); i++)
		shape[i] = seed + i * 7;
}

static void
a_cursor_has_a_shape_and_a_place(void **state)
{
	u_int i, mute;

	for (mute = 0; mute < 2; mute++) {
		attach_to(mute ? &blobs : &plain, 1, W, H);
		gp->gp_mute = mute;
		gp->gp_async = true;
		set_shape(1);
		assert_int_equal(cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW |
		    FB_CURSOR_MOVE, true, 10, 20), 0);
		assert_cursor(true, 10, 20);
		for (i = 0; i < 20; i++)
			assert_int_equal(cursor(FB_CURSOR_MOVE, true, i, 2 * i),
			    0);
		assert_cursor(true, 19, 38);
		assert_int_equal(gp->gp_ncmd[SIM_GP_CURSOR], 1);
		set_shape(50);
		assert_int_equal(cursor(FB_CURSOR_SHAPE, true, 0, 0), 0);
		assert_cursor(true, 19, 38);
		assert_int_equal(cursor(FB_CURSOR_SHOW, false, 0, 0), 0);
		assert_cursor(false, 19, 38);
		assert_int_equal(cursor(FB_CURSOR_SHOW, true, 0, 0), 0);
		assert_cursor(true, 19, 38);
		assert_int_equal(gp->gp_nres, 2);
		end();
	}
}

static void
of_many_moves_the_last_one_counts(void **state)
{
	u_int i;

	attach_to(&plain, 1, W, H);
	assert_int_equal(cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW, true, 0, 0),
	    0);
	gp->gp_hold = SIM_GP_BIT(SIM_GP_MOVE);
	for (i = 1; i <= 100; i++)
		(void)cursor(FB_CURSOR_MOVE, true, i, i);
	assert_int_equal(gp->gp_ncmd[SIM_GP_MOVE], 1);
	sim_gpu_release(gp);
	assert_cursor(true, 100, 100);
	assert_int_equal(gp->gp_ncmd[SIM_GP_MOVE], 2);
}

static void
a_hot_spot_outside_is_refused(void **state)
{
	struct fb_cursor fc = { .fc_set = FB_CURSOR_SHAPE, .fc_hotx = 64,
	    .fc_pixels = shape };
	struct fb *fb;

	attach_to(&plain, 1, W, H);
	fb = fbuser[0].fu_fb;
	assert_int_equal(fb->fb_ops->fo_cursor(fb, &fc), EINVAL);
}

/* --- resets -------------------------------------------------------------- */

static void
restored(const struct sim_virtio_conf *vc, const char *what)
{
	u_int i;

	attach_to(vc, 2, W, H);
	resize(1, W, H);
	set_shape(9);
	assert_int_equal(cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW |
	    FB_CURSOR_MOVE, true, 7, 8), 0);
	for (i = 0; i < 4; i++) {
		draw(0, 3);
		draw(1, 1);
		assert_int_equal(control(what), 0);
		assert_shown(0);
		assert_shown(1);
		assert_cursor(true, 7, 8);
		assert_int_equal(gp->gp_nres, 3);
		assert_int_equal(gp->gp_nbacked, 3);
		draw_and_see(0);
		draw_and_see(1);
	}
	assert_int_equal(command("fb0", FBIOBLANK, (void *)1), 0);
	assert_int_equal(control(what), 0);
	assert_int_equal(gp->gp_screen[0].gs_resource, 0);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)0), 0);
	assert_shown(0);
	end();
}

static void
a_reset_brings_everything_back(void **state)
{
	restored(&plain, "reset");
	restored(&blobs, "reset");
}

static void
so_does_that_of_one_queue(void **state)
{
	restored(&plain, "reset control");
	restored(&plain, "reset cursor");
	restored(&blobs, "reset control");
	restored(&blobs, "reset cursor");
}

/* A command that another queue's reset does not concern is still there. */
static void
a_command_in_the_other_queue_is_left_alone(void **state)
{
	attach_to(&plain, 1, W, H);
	assert_int_equal(cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW, true, 0, 0),
	    0);
	gp->gp_hold = SIM_GP_BIT(SIM_GP_MOVE) | SIM_GP_BIT(SIM_GP_CURSOR);
	(void)cursor(FB_CURSOR_MOVE, true, 1, 1);
	assert_int_equal(control("reset control"), 0);
	(void)cursor(FB_CURSOR_MOVE, true, 2, 2);
	assert_int_equal(gp->gp_sv->sv_vq[1].sq_nheld, 1);
	sim_gpu_release(gp);
	assert_cursor(true, 2, 2);
}

static void
stop_holding(struct sim_gpu *g, enum sim_gp_cmd cmd)
{
	g->gp_hold = 0;
}

static void
chooser(void *arg)
{
	(void)sysctl_write("hw.viogpu0.0.mode", "80x80");
}

/* The device has the resource still, and may look at its memory. */
static void
what_a_queue_lost_stays_until_the_device_gives_it_back(void **state)
{
	struct thread *td;

	attach_to(&plain, 1, W, H);
	draw_and_see(0);
	gp->gp_hold = SIM_GP_BIT(SIM_GP_UNREF);
	assert_int_equal(kthread_create(chooser, NULL, PRI_USER, "c", &td), 0);
	run(100);
	assert_int_equal(gp->gp_sv->sv_vq[0].sq_nheld, 1);
	assert_int_equal(gp->gp_nres, 2);
	gp->gp_seen = stop_holding;
	assert_int_equal(control("reset control"), 0);
	kthread_join(td);
	gp->gp_inflight = 0;		/* one was lost */
	assert_mode(0, 80, 80);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
a_reset_while_somebody_draws(void **state)
{
	struct thread *td;
	u_int i;

	attach_to(&plain, 1, W, H);
	start_painter(&td);
	for (i = 0; i < 10; i++) {
		/* that of a queue waits a while for what can be done */
		if ((i & 3) == 3)
			gp->gp_hold = DRAW;
		run(2);
		assert_int_equal(control(i & 2 ? "reset" : "reset control"),
		    0);
		sim_gpu_release(gp);
	}
	stop_painter(td);
	assert_shown(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
a_device_that_asks_for_a_reset_gets_it(void **state)
{
	attach_to(&plain, 1, W, H);
	draw(0, 1);
	sim_virtio_needs_reset(gp->gp_sv);
	run(1000);
	assert_shown(0);
}

/* --- devices that refuse ------------------------------------------------- */

static const enum sim_gp_cmd setup_cmds[] = {
	SIM_GP_CREATE, SIM_GP_ATTACH, SIM_GP_SCANOUT, SIM_GP_UNREF
};

/* The picture that there was stays, or nothing is shown. */
static void
a_resize_that_is_refused_leaves_what_there_was(void **state)
{
	static const uint32_t errors[] = {
		0x1200, 0x1201, 0x1203, 0x1205, 0x1100 + 77
	};
	u_int i, k;

	for (i = 0; i < nitems(setup_cmds); i++) {
		if (setup_cmds[i] == SIM_GP_UNREF)
			continue;
		for (k = 0; k < nitems(errors); k++) {
			attach_to(&plain, 1, W, H);
			draw_and_see(0);
			gp->gp_fail = SIM_GP_BIT(setup_cmds[i]);
			gp->gp_error = errors[k];
			assert_int_not_equal(mode("70x70"), 0);
			assert_mode(0, W, H);
			draw_and_see(0);
			assert_int_equal(gp->gp_nres, 1);
			resize(0, W + 9, H + 9);
			assert_mode(0, W, H);
			draw_and_see(0);
			gp->gp_fail = 0;
			assert_int_equal(mode("70x70"), 0);
			draw_and_see(0);
			assert_int_equal(gp->gp_nres, 1);
			end();
		}
	}
}

static void
a_resource_that_is_kept_is_not_given_up(void **state)
{
	attach_to(&plain, 1, W, H);
	gp->gp_fail = SIM_GP_BIT(SIM_GP_UNREF);
	(void)mode("70x70");
	run(1000);
	gp->gp_fail = 0;
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
a_blank_that_is_refused_leaves_the_picture(void **state)
{
	attach_to(&plain, 1, W, H);
	gp->gp_fail = SIM_GP_BIT(SIM_GP_SCANOUT);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)1), ENOMEM);
	gp->gp_fail = 0;
	draw_and_see(0);
	assert_int_equal(command("fb0", FBIOBLANK, (void *)1), 0);
	assert_int_equal(gp->gp_screen[0].gs_resource, 0);
}

static void
refused_drawing_is_said_once(void **state)
{
	u_int i;
	const char *p;
	u_int n = 0;

	attach_to(&plain, 1, W, H);
	gp->gp_fail = DRAW;
	for (i = 0; i < 20; i++) {
		draw(0, 1);
		run(10);
	}
	gp->gp_fail = 0;
	for (p = hosted_console(); *p != '\0'; p++)
		n += strncmp(p, "screen 0: TRANSFER_TO_HOST_2D: out of "
		    "memory", 42) == 0;
	assert_int_equal(n, 1);
	fbuser_fill(&fbuser[0], 0, 0, W, H, 0x445566);
	assert_shown(0);
}

static void
short_answers_are_called_so(void **state)
{
	attach_to(&plain, 1, W, H);
	draw_and_see(0);
	gp->gp_short = DRAW;
	gp->gp_len = 8;
	draw(0, 1);
	run(10);
	assert_true(sim_said("short answer"));
	gp->gp_short = 0;
	draw_and_see(0);
}

static void
a_device_without_room_for_pictures_attaches_without_one(void **state)
{
	gp = sim_gpu_new(&plain, 1, W, H);
	gp->gp_maxpixels = 10;
	sim_attach();
	run(1000);
	assert_true(sim_said("cannot show 64x64"));
	gp->gp_maxpixels = 0;
	event();
	assert_non_null(fbuser[0].fu_fb);
	draw_and_see(0);
}

/* --- devices that do not answer ------------------------------------------ */

static void
a_device_that_never_shows_is_reset(void **state)
{
	attach_to(&plain, 1, W, H);
	draw_and_see(0);
	gp->gp_hold = DRAW;
	draw(0, 2);
	run(4000);
	assert_int_equal(gp->gp_sv->sv_nresets, 1);
	run(2000);
	sim_gpu_release(gp);
	run(1000);
	assert_int_equal(gp->gp_sv->sv_nresets, 2);
	assert_shown(0);
}

/* The limit is that of a command, not of what came before it. */
static void
a_device_has_its_time_for_each_picture(void **state)
{
	u_int i;

	attach_to(&plain, 1, W, H);
	run(10000);
	for (i = 1; i < 12; i++) {
		draw(0, 1);
		run(4300 + 100 * i);
		gp->gp_hold = DRAW;
		draw(0, 1);
		run(4500);
		sim_gpu_release(gp);
		run(10);
	}
	assert_int_equal(gp->gp_sv->sv_nresets, 1);
	assert_shown(0);
}

/* All tasks of the kernel share a thread, which is not to wait for ever. */
static void
a_resize_of_a_device_that_never_shows_ends(void **state)
{
	attach_to(&plain, 1, W, H);
	gp->gp_hold = DRAW;
	draw(0, 2);
	run(100);
	sim_gpu_want(gp, 0, W + 10, H);
	sim_gpu_event(gp, EVENT);
	run(12000);
	sim_gpu_release(gp);
	run(12000);
	assert_true(gp->gp_sv->sv_nresets > 1);
	assert_mode(0, W + 10, H);
	draw_and_see(0);
	assert_int_equal(gp->gp_nres, 1);
}

static void
a_device_that_never_answers_a_command(void **state)
{
	u_int cmd;

	for (cmd = SIM_GP_INFO; cmd <= SIM_GP_EDID; cmd++) {
		attach_to(&plain, 1, W, H);
		draw(0, 1);
		gp->gp_hold = SIM_GP_BIT(cmd);
		sim_gpu_want(gp, 0, W + 10, H);
		sim_gpu_event(gp, EVENT);
		run(20000);
		draw(0, 1);
		run(10);
		sim_gpu_release(gp);
		run(20000);
		draw_and_see(0);
		assert_int_equal(gp->gp_nres, 1);
		end();
	}
}

static void
a_device_that_never_answers_at_all_can_be_left(void **state)
{
	attach_to(&plain, 1, W, H);
	gp->gp_hold = ~0U;
	draw(0, 2);
	sim_gpu_event(gp, EVENT);
	run(1000000);
	end();
}

static void
a_device_that_answers_nothing_from_the_start(void **state)
{
	gp = sim_gpu_new(&plain, 1, W, H);
	gp->gp_hold = ~0U;
	sim_attach();
	run(100000);
	assert_null(fbuser[0].fu_fb);
}

/* --- liars --------------------------------------------------------------- */

static void
numbers_of_screens_that_cannot_be(void **state)
{
	static const uint32_t bad[] = { 0, 17, 0xffffffff };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		gp = sim_gpu_new(&plain, 1, W, H);
		sim_config_put(gp->gp_sv, 8, 4, bad[i]);
		sim_attach();
		run(100);
		assert_null(fbuser[0].fu_fb);
		assert_true(sim_said("scanouts: cannot be"));
		end();
	}
}

/* Whatever it answers, once it answers well it is as ever. */
static void
answers_that_cannot_be(void **state)
{
	static const uint32_t types[] = { 0, 0xffffffff, 0x1101, 0x1206 };
	u_int cmd, i;

	for (cmd = SIM_GP_INFO; cmd <= SIM_GP_EDID; cmd++) {
		for (i = 0; i < 8; i++) {
			attach_to(&plain, 1, W, H);
			gp->gp_type = types[i % nitems(types)];
			gp->gp_wrong = i < 4 ? SIM_GP_BIT(cmd) : 0;
			gp->gp_short = i == 4 || i == 5 ? SIM_GP_BIT(cmd) : 0;
			gp->gp_len = i == 4 ? 0 : 23;
			gp->gp_lie = i >= 6 ? SIM_GP_BIT(cmd) : 0;
			gp->gp_used = i == 6 ? 0 : 0xffffffff;
			draw(0, 2);
			run(10);
			resize(0, W + 5, H + 5);
			run(1000);
			gp->gp_wrong = gp->gp_short = gp->gp_lie = 0;
			run(10000);
			if (sim_said("not used any more"))
				break;
			resize(0, W + 5, H + 5);
			fbuser_fill(&fbuser[0], 0, 0, W + 5, H + 5, cmd + i);
			assert_shown(0);
			end();
		}
		end();
	}
}

static void
an_edid_of_garbage_is_no_monitor(void **state)
{
	u_int i, k;

	attach_to(&plain, 1, W, H);
	for (i = 0; i < 50; i++) {
		for (k = 8; k < 1024; k++)
			gp->gp_screen[0].gs_edid[k] = sim_random(256);
		gp->gp_screen[0].gs_edidlen = i & 1 ? 1024 : sim_random(~0U);
		event();
	}
	draw_and_see(0);
}

static void
lies(enum sim_lie kind, uint64_t features)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	sim_seed(kind + 1 + features);
	vc.vc_features |= features;
	gp = sim_gpu_new(&vc, 2, W, H);
	sim_lenient = true;
	sim_attach();
	for (i = 0; i < 30; i++) {
		if (fbuser[0].fu_fb != NULL) {
			draw(0, 1);
			(void)cursor(FB_CURSOR_SHAPE | FB_CURSOR_MOVE |
			    FB_CURSOR_SHOW, i & 1, i, i);
		}
		hosted_run(sim_random(1000000));
		sim_lie(gp->gp_sv, kind);
		hosted_run(sim_random(1000000));
		sim_gpu_want(gp, i & 1, W + sim_random(9), H);
		sim_gpu_event(gp, sim_random(4));
		hosted_run(sim_random(100000000));
	}
	hosted_run(300 * SECOND);
	end();
	sim_lenient = false;
	sim_nfaults = 0;
	assert_int_equal(hosted_nallocs, 0);
}

static void
no_lie_costs_more_than_the_screen(void **state)
{
	enum sim_lie kind;

	for (kind = 0; kind <= SIM_LIE_ANY; kind++) {
		lies(kind, 0);
		lies(kind, F_PACKED);
		lies(kind, SIM_GP_F_BLOB);
	}
}

/* --- ends ---------------------------------------------------------------- */

static void
it_may_go_while_somebody_draws(void **state)
{
	u_int cmd;

	for (cmd = 0; cmd < SIM_GP_NCMD; cmd++) {
		attach_to(cmd & 1 ? &plain : &blobs, 2, W, H);
		(void)cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW, true, 0, 0);
		gp->gp_hold = SIM_GP_BIT(cmd);
		draw(0, 3);
		sim_gpu_want(gp, 0, W + 1, H);
		sim_gpu_want(gp, 1, W + 1, H);
		sim_gpu_event(gp, EVENT);
		run(cmd);
		end();
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
}

static int	ioctl_error;

static void
waiter(void *arg)
{
	struct cdev *cd = node_open("fb0", FREAD);

	ioctl_error = dev_ioctl(cd, FBIO_WAITFORVSYNC, NULL, FREAD);
	node_close(cd, FREAD);
}

static void
who_waits_for_a_picture_is_let_go(void **state)
{
	struct thread *td;

	attach_to(&plain, 1, W, H);
	gp->gp_hold = DRAW;
	draw(0, 1);
	ioctl_error = -1;
	assert_int_equal(kthread_create(waiter, NULL, PRI_USER, "w", &td), 0);
	run(1000);
	assert_int_equal(ioctl_error, -1);
	end();
	kthread_join(td);
	assert_int_not_equal(ioctl_error, -1);
}

static void
after_a_panic_it_is_shown_by_polling(void **state)
{
	struct fb *fb;
	u_int i;
	int s;

	attach_to(&plain, 1, W, H);
	fb = fbuser[0].fu_fb;
	for (i = 0; i < 3; i++) {
		if (i == 1) {
			gp->gp_sv->sv_c.vc_when = SIM_LATER;
			draw(0, 2);
		}
		memset(fb->fb_pixels, 40 * i, fb->fb_stride * H);
		s = splraise(IPL_HIGH);
		fb->fb_ops->fo_poll(fb);
		splx(s);
		assert_int_equal(sim_gpu_pixel(gp, 0, 1, 1),
		    fbuser_pixel(&fbuser[0], 1, 1));
		assert_int_equal(sim_gpu_pixel(gp, 0, W - 1, H - 1),
		    fbuser_pixel(&fbuser[0], 1, 1));
	}
}

static void
polling_a_dead_device_ends(void **state)
{
	struct fb *fb;

	attach_to(&plain, 1, W, H);
	fb = fbuser[0].fu_fb;
	gp->gp_hold = DRAW;
	fb->fb_ops->fo_poll(fb);
	sim_gpu_release(gp);
	run(100);
}

/* --- failures ------------------------------------------------------------ */

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		gp = sim_gpu_new(n & 1 ? &plain : &blobs, 2, W, H);
		sim_gpu_want(gp, 1, W, H);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		end();
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 10 && n < 500);
	hosted_fail_at = 0;
}

static void
a_failure_while_it_works_leaves_a_picture(void **state)
{
	u_int n;

	for (n = 1; n < 100; n++) {
		attach_to(&plain, 1, W, H);
		draw_and_see(0);
		hosted_fail_at = n;
		resize(0, W + 7, H);
		(void)cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW, true, 0, 0);
		draw_and_see(0);
		if (hosted_fail_at != 0)
			break;
		assert_int_equal(mode("80x80"), 0);
		draw_and_see(0);
		end();
		assert_int_equal(hosted_nallocs, 0);
	}
	assert_true(n > 3 && n < 100);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n;

	for (n = 1; n < 3000; n += n < 200 ? 1 : 3) {
		sim_gone = false;
		gp = sim_gpu_new(&plain, 1, W, H);
		sim_gone_at = n;
		sim_attach();
		run(1);
		if (fbuser[0].fu_fb != NULL) {
			draw(0, 1);
			(void)cursor(FB_CURSOR_SHAPE | FB_CURSOR_SHOW, true,
			    0, 0);
		}
		if (!sim_gone) {
			sim_gpu_want(gp, 0, W + 1, H);
			sim_gpu_event(gp, EVENT);
		}
		run(20000);
		if (fbuser[0].fu_fb != NULL)
			draw(0, 1);
		run(10);
		end();
		assert_int_equal(hosted_nallocs, 0);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 50 && n < 3000);
	sim_gone = false;
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_drawn_is_shown),
		TEST(it_is_black_at_first),
		TEST(only_what_is_damaged_is_sent),
		TEST(damage_outside_the_picture_is_cut),
		TEST(near_rectangles_are_joined_and_far_ones_are_not),
		TEST(while_it_is_busy_damage_is_gathered),
		TEST(a_picture_takes_one_interrupt),
		TEST(nothing_happens_while_nothing_is_drawn),
		TEST(who_draws_is_told_when_it_is_shown),
		TEST(a_device_that_works_behind_its_answers_is_waited_for),
		TEST(rings_of_any_kind),
		TEST(a_size_that_cannot_be_is_the_monitors),
		TEST(without_a_monitor_there_is_a_fallback),
		TEST(a_display_that_is_resized_gets_its_size),
		TEST(it_is_resized_while_somebody_draws),
		TEST(every_number_of_screens),
		TEST(a_screen_may_come_later_and_go),
		TEST(when_all_screens_go_the_first_stays),
		TEST(a_blank_screen_shows_nothing_and_costs_nothing),
		TEST(a_user_may_choose_the_mode),
		TEST(modes_that_cannot_be_are_refused),
		TEST(a_monitor_is_described),
		TEST(the_mode_of_a_frame_buffer_is_that_of_linux),
		TEST(a_blob_is_shown_without_transfers),
		TEST(blobs_are_as_large_as_the_device_wants),
		TEST(alignments_that_cannot_be_cost_the_blobs),
		TEST(a_device_that_refuses_blobs_gets_none),
		TEST(a_cursor_has_a_shape_and_a_place),
		TEST(of_many_moves_the_last_one_counts),
		TEST(a_hot_spot_outside_is_refused),
		TEST(a_reset_brings_everything_back),
		TEST(so_does_that_of_one_queue),
		TEST(a_command_in_the_other_queue_is_left_alone),
		TEST(what_a_queue_lost_stays_until_the_device_gives_it_back),
		TEST(a_reset_while_somebody_draws),
		TEST(a_device_that_asks_for_a_reset_gets_it),
		TEST(a_resize_that_is_refused_leaves_what_there_was),
		TEST(a_resource_that_is_kept_is_not_given_up),
		TEST(a_blank_that_is_refused_leaves_the_picture),
		TEST(refused_drawing_is_said_once),
		TEST(short_answers_are_called_so),
		TEST(a_device_without_room_for_pictures_attaches_without_one),
		TEST(a_device_that_never_shows_is_reset),
		TEST(a_device_has_its_time_for_each_picture),
		TEST(a_resize_of_a_device_that_never_shows_ends),
		TEST(a_device_that_never_answers_a_command),
		TEST(a_device_that_never_answers_at_all_can_be_left),
		TEST(a_device_that_answers_nothing_from_the_start),
		TEST(numbers_of_screens_that_cannot_be),
		TEST(answers_that_cannot_be),
		TEST(an_edid_of_garbage_is_no_monitor),
		TEST(no_lie_costs_more_than_the_screen),
		TEST(it_may_go_while_somebody_draws),
		TEST(who_waits_for_a_picture_is_let_go),
		TEST(after_a_panic_it_is_shown_by_polling),
		TEST(polling_a_dead_device_ends),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(a_failure_while_it_works_leaves_a_picture),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
