/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_DEVICE_H_
#define _SYS_DEVICE_H_

/* Autoconfiguration: the tree of devices, attached and detached by config lines. */

#include <sys/queue.h>
#include <sys/types.h>

enum devclass { DV_DULL, DV_BUS, DV_CPU, DV_DISK, DV_IFNET, DV_TTY };

enum devact { DVACT_QUIESCE, DVACT_SUSPEND, DVACT_RESUME, DVACT_POWERDOWN };

struct cfdata;

/* Every softc begins with one of these; CFATTACH_DECL checks that it does. */
struct device {
	TAILQ_ENTRY(device)	 dv_list;	/* all, parents first */
	struct device		*dv_parent;
	const struct cfdata	*dv_cfdata;	/* config line that found us */
	u_int			 dv_flags;	/* DVF_* */
	u_int			 dv_ref;	/* softc is freed at 0 */
	int			 dv_unit;
	char			 dv_xname[16];	/* "vio0" */
	char			 dv_loc[48];	/* " dev 3 function 0" */
};
#define DVF_ACTIVE	0x01		/* device_lookup() may return it */
#define DVF_GONE	0x02		/* hardware vanished: do not touch */
#define DVF_DESCRIBED	0x04		/* its line has been printed */

typedef int	(*cfmatch_t)(struct device *, const struct cfdata *,
		    const void *);

/* a match that says: mine, but nothing is there; the bus prints nothing */
#define CFMATCH_EMPTY	(-1)

/* What a bus says of a device it found, before a driver knows it. */
struct cfident {
	char	ci_what[64];		/* "1af4:1042 Block Device" */
	char	ci_loc[48];		/* " dev 3 function 0" */
};
typedef void	(*cfprint_t)(const void *, struct cfident *);

/* One way for a driver to attach: there may be several per driver. */
struct cfattach {
	size_t		  ca_devsize;
	cfmatch_t	  ca_match;		/* 0: no; else priority */
	int		(*ca_attach)(struct device *, struct device *, void *);
	int		(*ca_detach)(struct device *, int);
	int		(*ca_activate)(struct device *, enum devact);
	const void	 *ca_ident;		/* for the bus's ca_match */
};

struct cfdriver {
	const char	 *cd_name;
	enum devclass	  cd_class;
	struct device	**cd_devs;		/* by unit */
	int		  cd_ndevs;
	int		  cd_minunit;	/* below: names that failed to attach */
};

/* One line of the configuration file, in ioconf.c.  Never written to. */
struct cfdata {
	const struct cfattach	*cf_attach;
	struct cfdriver		*cf_driver;
	const short		*cf_parents;	/* cfdata[] indices, -1 ends */
	const long		*cf_loc;	/* locators */
	int			 cf_unit;	/* first unit to try */
	int			 cf_flags;
	bool			 cf_star;	/* any number of units */
};
extern const struct cfdata	cfdata[];	/* cf_driver NULL ends */

#define CFDRIVER_DECL(name, class)					\
	struct cfdriver name##_cd = { .cd_name = #name, .cd_class = class }
#define CFATTACH_DECL(name, parent, type, ...)				\
	_Static_assert(offsetof(struct type, sc_dev) == 0,		\
	    "struct " #type " must begin with its sc_dev");		\
	const struct cfattach name##_##parent##_ca = {			\
		.ca_devsize = sizeof(struct type), __VA_ARGS__ }

/* flags of config_detach() and ca_detach */
#define DETACH_FORCE	0x01			/* the hardware has gone */
#define DETACH_QUIET	0x02

/*
 * All in thread context, except where it is said.
 *
 * config_init: once, before the rest.
 * config_rootfound: attach the device of that name at the root.
 * config_found: a bus has found something.  The driver that matches best is
 *	attached; NULL if none does (one line says "not configured", where
 *	print is given) or if its attach failed.
 * config_attach: the same for a configuration line chosen by the caller.
 * config_detach: the device and all below it.  The errno of a ca_detach that
 *	refuses, which DETACH_FORCE does not allow.
 * config_gone: the hardware of this subtree has vanished; any context.
 * config_defer: call fn(dev) when all devices have attached.
 * config_enter, config_leave: nobody else attaches or detaches meanwhile; for
 *	the thread of a bus, around all it does.  Who detaches the bus waits for
 *	that thread and must not be waited for: false when *stop has become true.
 * config_disabled: disable= on the command line names it.
 */
void		 config_init(void);
struct device	*config_rootfound(const char *, void *);
struct device	*config_found(struct device *, void *, cfprint_t);
int		 config_attach(struct device *, const struct cfdata *, void *,
		    cfprint_t, struct device **);
int		 config_detach(struct device *, int);
int		 config_detach_children(struct device *, int);
int		 config_activate_children(struct device *, enum devact);
void		 config_defer(struct device *, void (*)(struct device *));
void		 config_deferred(void);		/* main: now */
void		 config_gone(struct device *);
bool		 config_enter(const bool *);
void		 config_leave(void);

struct device	*device_lookup(struct cfdriver *, int);	/* takes a reference */
void		 device_ref(struct device *);
void		 device_unref(struct device *);

/*
 * device_describe: the device's one line in the dmesg, "vioblk0 at virtio1:
 *	2048 MB\n", from its attach, before children attach.  An attach that
 *	fails says why in the same way; if it says nothing the errno is shown.
 * device_printf: a later line, "vioblk0: ...".  Any context.
 */
void		 device_describe(struct device *, const char *, ...)
		    __printflike(2, 3);
void		 device_printf(const struct device *, const char *, ...)
		    __printflike(2, 3);
#define DEVICE_LOCATOR(cf, n)	((cf)->cf_loc == NULL ? -1L : (cf)->cf_loc[n])

#endif /* _SYS_DEVICE_H_ */
