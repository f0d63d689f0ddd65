/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_VNODE_H_
#define _SYS_VNODE_H_

/*
 * The name space: one tree of vnodes, in memory (ramfs), which is filled
 * from the root image; below /dev the devices (devfs), below /proc the
 * processes and variables (procfs).
 */

#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/types.h>

struct file;
struct uio;
struct vm_object;
struct vnode;

enum vtype { VREG = 1, VDIR, VLNK, VCHR, VBLK, VFIFO };

/* stat(2), before the machine's layout is made of it */
struct kstat {
	dev_t		 ks_dev, ks_rdev;
	ino_t		 ks_ino;
	mode_t		 ks_mode;		/* with the type, S_IF* */
	u_int		 ks_nlink;
	uid_t		 ks_uid;
	gid_t		 ks_gid;
	off_t		 ks_size;
	uint64_t	 ks_blocks;		/* of 512 bytes */
	u_int		 ks_blksize;
	uint64_t	 ks_atime, ks_mtime, ks_ctime;	/* ns since 1970 */
};
#define S_IFMT		0170000
#define S_IFIFO		0010000
#define S_IFCHR		0020000
#define S_IFDIR		0040000
#define S_IFBLK		0060000
#define S_IFREG		0100000
#define S_IFLNK		0120000
#define S_IFSOCK	0140000

/* device numbers as stat(2) shows them: 12 bits of major, 20 of minor */
#define major(dev)	((dev) >> 8 & 0xfff)
#define minor(dev)	(((dev) & 0xff) | ((dev) >> 12 & 0xfff00))
#define makedev(ma, mi)							\
	((dev_t)(((mi) & 0xff) | ((dev_t)(ma) & 0xfff) << 8 |		\
	((dev_t)(mi) & 0xfff00) << 12))

struct kstatfs {
	uint64_t	 kf_type;		/* a magic number */
	uint64_t	 kf_bsize;
	uint64_t	 kf_blocks, kf_bfree;	/* of kf_bsize */
	const char	*kf_name;
};

/* one entry for vop_readdir to hand over; nonzero: no more room */
typedef int (*dirfill_t)(void *, const char *, ino_t, enum vtype, off_t);

/*
 * Called with a reference on the vnodes, without locks; names are checked:
 * not empty, no slash, at most NAME_MAX, never "." or "..".  A NULL operation
 * is EOPNOTSUPP, or EROFS for those that change a directory.
 */
struct vnodeops {
	int	(*vop_lookup)(struct vnode *, const char *, struct vnode **);
	int	(*vop_create)(struct vnode *, const char *, mode_t, dev_t,
		    struct vnode **);		/* type in the mode */
	int	(*vop_symlink)(struct vnode *, const char *, const char *);
	int	(*vop_link)(struct vnode *, const char *, struct vnode *);
	int	(*vop_remove)(struct vnode *, const char *, bool dir);
	int	(*vop_rename)(struct vnode *, const char *, struct vnode *,
		    const char *);
	int	(*vop_readdir)(struct vnode *, off_t, dirfill_t, void *);
	int	(*vop_readlink)(struct vnode *, char *, size_t, size_t *);
	int	(*vop_stat)(struct vnode *, struct kstat *);
	int	(*vop_setattr)(struct vnode *, const struct kstat *, int);
	int	(*vop_open)(struct vnode *, int, struct file *);
	int	(*vop_read)(struct vnode *, struct uio *);
	int	(*vop_write)(struct vnode *, struct uio *);
	int	(*vop_truncate)(struct vnode *, uint64_t);
	struct vm_object *(*vop_object)(struct vnode *); /* a reference */
	void	(*vop_inactive)(struct vnode *);	/* last reference */
	/*
	 * The directory it is in, with a reference, and its name there (a
	 * buffer of NAME_MAX + 1, or NULL).  ENOENT: it has been removed.  Is
	 * not called for the root of a mount.
	 */
	int	(*vop_where)(struct vnode *, struct vnode **, char *);
	/* VLNK: the vnode that is meant, in place of what readlink says */
	int	(*vop_follow)(struct vnode *, struct vnode **);
};
#define VA_MODE		0x01		/* of vop_setattr */
#define VA_OWNER	0x02
#define VA_ATIME	0x04
#define VA_MTIME	0x08

struct vnode {
	const struct vnodeops	*v_ops;
	enum vtype		 v_type;
	u_int			 v_refs;	/* atomic */
	void			*v_data;
	struct vnode		*v_covered;	/* root of a mount: what is below */
	struct vnode		*v_mounted;	/* what is mounted here */
	const char		*v_fsname;	/* roots of mounts: "ramfs" */
	struct rwlock		 v_lock;	/* who writes to a VREG */
};

/* vnode_init: one reference; vnode_unref: NULL is allowed */
void	 vnode_init(struct vnode *, const struct vnodeops *, enum vtype,
	    void *);
void	 vnode_ref(struct vnode *);
void	 vnode_unref(struct vnode *);

/*
 * Name lookup: from dir if the path does not begin with a slash (NULL: the
 * current directory).  A reference on the result.  ENOENT, ENOTDIR, ELOOP,
 * ENAMETOOLONG.  namei_parent: the directory, and the last name in the
 * buffer of NAME_MAX + 1; EEXIST-like cases are the caller's.
 */
#define NAMEI_NOFOLLOW	0x01		/* a symbolic link at the end itself */
#define NAMEI_DIRECTORY	0x02		/* ENOTDIR if it is none */
int	 namei(struct vnode *, const char *, int, struct vnode **);
int	 namei_parent(struct vnode *, const char *, struct vnode **, char *);
/* the absolute name of anything that has one; ENAMETOOLONG, ENOENT */
int	 vn_path(struct vnode *, char *, size_t);

/* open(2): flags O_*; a file with one reference */
int	 vn_open(struct vnode *, const char *, int, mode_t, struct file **);
/* read from a vnode to kernel memory: *donep may be short */
int	 vn_read(struct vnode *, void *, size_t, off_t, size_t *);

void	 vfs_init(void);		/* the root, /dev and /proc */
extern struct vnode *rootvnode;
int	 vfs_mount(struct vnode *, struct vnode *);	/* root at directory */
struct vnode *vfs_mounted(u_int);	/* the nth root; NULL: no more */
struct vnode *vfs_top(struct vnode *);	/* what is mounted there, or itself */
const char *vn_fsname(struct vnode *);

struct vnode *ramfs_root(void);		/* a new one each time; NULL */
struct vnode *devfs_root(void);
struct vnode *procfs_root(void);
/* a regular file whose contents lie in place */
int	 ramfs_file(struct vnode *, const char *, mode_t, const void *, size_t,
	    uint64_t mtime, struct vnode **);
/* new contents for one that nobody has open yet */
int	 ramfs_setdata(struct vnode *, const void *, size_t);

/*
 * Fill the root from a newc cpio archive, used in place.  EINVAL: torn; what
 * came before the tear is there, and one line says where it is.
 */
int	 cpio_load(const void *, size_t);

#endif /* _SYS_VNODE_H_ */
