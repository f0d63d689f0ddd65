/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): ports come and go, and have names.
 *
 * The device says what a port is in several messages, in any order: it is
 * added, is a console, has a name, is open at the far end.  They are noted,
 * and when there are no more for now the port is settled: nodes and terminals
 * become what was noted.  What somebody has open stays as it is until it is
 * closed.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/pv/vioconvar.h>

#define FALLBACK_MAX	24		/* "vport0p511" */

void
viocon_port_init(struct viocon_port *p, struct viocon_softc *sc, uint32_t id)
{
	p->p_sc = sc;
	p->p_id = id;
	mtx_init(&p->p_rxmtx, IPL_TTY);
	mtx_init(&p->p_txmtx, IPL_TTY);
	selinit(&p->p_rsel);
	selinit(&p->p_wsel);
	p->p_txtail = &p->p_txhead;
	p->p_gone = true;
}

void
viocon_port_enter(struct viocon_port *p)
{
	mtx_enter(&p->p_rxmtx);
	mtx_enter(&p->p_txmtx);
}

void
viocon_port_leave(struct viocon_port *p)
{
	mtx_leave(&p->p_txmtx);
	mtx_leave(&p->p_rxmtx);
}

/* --- is it open? -------------------------------------------------------- */

/* What to say; false: the host knows, or somebody else is about to say it. */
static bool
tell_begin(struct viocon_port *p, bool *openp, int *errorp)
{
	bool tell = false;

	mtx_enter(&p->p_rxmtx);
	*openp = p->p_user != NULL || p->p_term != NULL;
	*errorp = 0;
	if (p->p_telling || *openp == p->p_told)
		;
	else if (!p->p_ready)
		*errorp = ENXIO;
	else
		tell = p->p_telling = true;
	mtx_leave(&p->p_rxmtx);
	return (tell);
}

int
viocon_port_tell(struct viocon_port *p)
{
	bool open;
	int error;

	while (tell_begin(p, &open, &error)) {
		error = viocon_ctl_send(p->p_sc, p->p_id,
		    VIRTIO_CONSOLE_PORT_OPEN, open);
		mtx_enter(&p->p_rxmtx);
		p->p_telling = false;
		/* unless it was reset meanwhile */
		if (error == 0 && p->p_ready)
			p->p_told = open;
		mtx_leave(&p->p_rxmtx);
		if (error != 0)
			break;
	}
	return (error);
}

static void
set_hostopen(struct viocon_port *p)
{
	viocon_port_enter(p);
	if (p->p_hostopen != p->p_hostnew) {
		p->p_hostopen = p->p_hostnew;
		viocon_dev_wake(p);
	}
	viocon_port_leave(p);
}

/* While the port is being introduced it does not count yet. */
void
viocon_port_hostopen(struct viocon_port *p, bool open)
{
	p->p_hostnew = open;
	if (!p->p_unsettled)
		set_hostopen(p);
}

/* --- names -------------------------------------------------------------- */

/* Those that show nothing, or change how what follows them is shown. */
static bool
rune_unseen(uint32_t c)
{
	static const struct { uint32_t first, last; } unseen[] = {
		{ 0x00, 0x20 }, { 0x7f, 0xa0 }, { 0xad, 0xad },
		{ 0x1680, 0x1680 }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
		{ 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xd800, 0xf8ff },
		{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffc }, { 0xe0000, 0x10ffff },
	};
	u_int i;

	for (i = 0; i < nitems(unseen); i++) {
		if (c >= unseen[i].first && c <= unseen[i].last)
			return (true);
	}
	return ((c & 0xfffe) == 0xfffe);
}

/* One character of UTF-8, in its shortest form; its length, 0: it is none. */
static size_t
rune_get(const u_char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
	if (n == 0 || n > len)
		return (0);
	*cp = n == 1 ? s[0] : s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return (0);
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	return (*cp < least[n] || *cp > 0x10ffff ? 0 : n);
}

static size_t
digits(const char *s)
{
	size_t n;

	for (n = 0; s[n] >= '0' && s[n] <= '9'; n++)
		;
	return (n);
}

/* "vport0p1": such names are for the ports that have none. */
static bool
is_fallback(const char *name)
{
	size_t n;

	if (strncmp(name, "vport", 5) != 0 || (n = digits(name + 5)) == 0)
		return (false);
	name += 5 + n;
	return (*name == 'p' && (n = digits(name + 1)) != 0 &&
	    name[1 + n] == '\0');
}

/* Why this cannot be the name of a file; NULL: it can. */
static const char *
name_check(const char *name, size_t len)
{
	uint32_t c = 0;
	size_t i, n;

	if (len == 0)
		return ("empty");
	if (len > VIOCON_NAMEMAX)
		return ("too long");
	for (i = 0; i < len; i += n) {
		n = rune_get((const u_char *)name + i, len - i, &c);
		if (n == 0)
			return ("not UTF-8");
		if (c == '/' || rune_unseen(c))
			return ("not fit for a file");
	}
	if ((len == 1 && name[0] == '.') ||
	    (len == 2 && name[0] == '.' && name[1] == '.'))
		return ("not fit for a file");
	return (NULL);
}

static void
name_drop(struct viocon_port *p, const char *why)
{
	if (p->p_name != NULL)
		kmem_free(p->p_name, strlen(p->p_name) + 1);
	p->p_name = NULL;
	p->p_nameless = why;
}

/* 5.3.6.2: UTF-8, without a NUL; there are devices that send one. */
void
viocon_port_setname(struct viocon_port *p, const char *name, size_t len,
    bool cut)
{
	const char *why;

	if (len > 0 && !cut && name[len - 1] == '\0')
		len--;
	name_drop(p, NULL);
	p->p_unsettled = true;
	if ((why = cut ? "too long" : name_check(name, len)) != NULL) {
		p->p_nameless = why;
		return;
	}
	if ((p->p_name = kmem_zalloc(len + 1, KM_NOSLEEP)) == NULL) {
		p->p_nameless = "not kept, there is no memory";
		return;
	}
	memcpy(p->p_name, name, len);
	if (is_fallback(p->p_name))
		name_drop(p, "one of those for ports without");
}

/* --- nodes -------------------------------------------------------------- */

static void
fallback(const struct viocon_port *p, char *buf)
{
	snprintf(buf, FALLBACK_MAX, "vport%dp%u", p->p_sc->sc_dev.dv_unit,
	    p->p_id);
}

static bool
has_name(const struct cdev *node, const char *name)
{
	return (node != NULL && strcmp(dev_name(node) + strlen("vport/"),
	    name) == 0);
}

/*
 * Take a node away unless it is in use: true, it is gone.  From when that is
 * decided nobody can open it.
 */
static bool
node_retire(struct viocon_port *p, struct cdev **nodep)
{
	bool used;

	if (*nodep == NULL)
		return (true);
	viocon_port_enter(p);
	used = p->p_user == *nodep;
	if (!used)
		p->p_closed = *nodep;
	viocon_port_leave(p);
	if (used) {
		p->p_again = true;
		return (false);
	}
	dev_destroy(*nodep);
	*nodep = NULL;
	p->p_closed = NULL;
	return (true);
}

static void
node_say(struct viocon_port *p)
{
	const char *name = dev_name(p->p_node) + strlen("vport/");

	if (p->p_nameless != NULL)
		viocon_say(p->p_sc, "port %u: %s, since its name is %s",
		    p->p_id, name, p->p_nameless);
	else
		viocon_say(p->p_sc, "port %u: %s", p->p_id, name);
	p->p_nameless = NULL;
}

/* A node by the name of the port, beside one of another name that is used. */
static void
node_settle(struct viocon_port *p)
{
	char other[FALLBACK_MAX];
	struct cdev *node = NULL;
	int error = EEXIST;

	if (!node_retire(p, &p->p_oldnode))
		return;			/* two are enough */
	fallback(p, other);
	if (p->p_node != NULL && p->p_nameless == NULL &&
	    has_name(p->p_node, p->p_name != NULL ? p->p_name : other))
		return;
	if (p->p_name != NULL &&
	    (error = dev_create(&node, &viocon_cdevsw, p, 0600,
	    "vport/%s", p->p_name)) == EEXIST)
		name_drop(p, "taken");
	if (p->p_name == NULL && !has_name(p->p_node, other))
		error = dev_create(&node, &viocon_cdevsw, p, 0600, "vport/%s",
		    other);
	else if (p->p_name == NULL)
		error = 0;		/* it keeps the one it has */
	if (error != 0) {
		viocon_say(p->p_sc, "port %u: no node, error %d", p->p_id,
		    error);
		(void)viocon_ctl_send(p->p_sc, p->p_id,
		    VIRTIO_CONSOLE_PORT_READY, 0);
		return;
	}
	if (node != NULL) {
		p->p_oldnode = p->p_node;
		p->p_node = node;
		(void)node_retire(p, &p->p_oldnode);
	}
	node_say(p);
}

/* --- terminals ---------------------------------------------------------- */

static void
term_say(struct viocon_port *p)
{
	char size[32] = "";

	if (p->p_cols != 0 && p->p_rows != 0)
		snprintf(size, sizeof(size), ", %ux%u", p->p_cols, p->p_rows);
	viocon_say(p->p_sc, "port %u: terminal %s%s%s%s", p->p_id,
	    viocon_term_name(p), size, p->p_name != NULL ? ", " : "",
	    p->p_name != NULL ? p->p_name : "");
	if (p->p_nameless != NULL)
		viocon_say(p->p_sc, "port %u: its name is %s", p->p_id,
		    p->p_nameless);
	p->p_nameless = NULL;
}

static void
term_settle(struct viocon_port *p)
{
	bool created = p->p_term == NULL;
	bool news = created || p->p_nameless != NULL;
	int error;

	if (!node_retire(p, &p->p_oldnode) || !node_retire(p, &p->p_node))
		return;			/* when it is closed */
	if (created && (error = viocon_term_attach(p)) != 0) {
		viocon_say(p->p_sc, "port %u: no terminal, error %d", p->p_id,
		    error);
		(void)viocon_ctl_send(p->p_sc, p->p_id,
		    VIRTIO_CONSOLE_PORT_READY, 0);
		return;
	}
	viocon_term_alias(p);
	if (news)
		term_say(p);
	if (created)
		viocon_term_console(p);
}

/* --- life --------------------------------------------------------------- */

/* It may be one that was there before a reset, with its users. */
void
viocon_port_add(struct viocon_port *p)
{
	p->p_here = p->p_fresh = p->p_unsettled = true;
	p->p_console = p->p_hostnew = p->p_sized = false;
	name_drop(p, NULL);
}

void
viocon_port_settle(struct viocon_port *p)
{
	if (!p->p_here || p->p_fresh)
		return;
	if (p->p_unsettled || p->p_again) {
		p->p_unsettled = p->p_again = false;
		viocon_port_enter(p);
		p->p_gone = false;
		viocon_port_leave(p);
		set_hostopen(p);
		if (p->p_term != NULL && !p->p_console)
			viocon_term_detach(p);
		if (p->p_console)
			term_settle(p);
		else
			node_settle(p);
	}
	(void)viocon_port_tell(p);
}

void
viocon_port_resume(struct viocon_port *p)
{
	viocon_port_enter(p);
	viocon_tx_flush(p);
	if (p->p_user != NULL) {
		viocon_rx_fill(p);
		viocon_dev_wake(p);
	}
	viocon_port_leave(p);
	viocon_term_resume(p);
}

void
viocon_port_down(struct viocon_port *p)
{
	viocon_port_enter(p);
	p->p_down = true;
	viocon_tx_discard(p);
	if (p->p_rxq != NULL)
		viocon_dev_wake(p);
	viocon_port_leave(p);
}

/* What the device has of it, it keeps: see viocon_buf.c. */
void
viocon_port_remove(struct viocon_port *p)
{
	struct viocon_buf *cb;

	p->p_here = p->p_fresh = p->p_unsettled = p->p_again = false;
	p->p_hostnew = false;
	viocon_port_enter(p);
	p->p_gone = true;
	p->p_hostopen = false;
	p->p_ready = p->p_told = false;
	viocon_tx_discard(p);
	if (p->p_rxq != NULL)
		viocon_dev_wake(p);
	viocon_port_leave(p);
	if (p->p_term != NULL)
		viocon_term_detach(p);
	dev_destroy(p->p_oldnode);
	dev_destroy(p->p_node);
	p->p_node = p->p_oldnode = NULL;
	name_drop(p, NULL);
	viocon_port_enter(p);
	p->p_user = p->p_closed = NULL;
	if ((cb = p->p_rxheld) != NULL) {
		p->p_rxheld = NULL;
		viocon_rx_done(p, cb);
	}
	viocon_port_leave(p);
}
