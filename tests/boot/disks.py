#
# Copyright (c) 2026 The Paravane developers
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

"""What the tests of disks share: their programs, on a root image and on the
host, and the two kinds of disk."""

import pathlib
import subprocess

from guest import TOP, blockdev, compile, make_root, program

BENCH = TOP / 'tests' / 'bench' / 'diskbench.c'


def disk_root(directory):
    """A root image with diskbench and diskctl."""
    directory = pathlib.Path(directory)
    out = directory / 'diskbench'
    compile(BENCH, out, '-O2', '-static', '-Wall', '-Wextra')
    return make_root(directory / 'disks.cpio', {
        '/bin/diskbench': out.read_bytes(),
        '/bin/diskctl': program('diskctl', directory)})


def host_bench(directory):
    """The path of diskbench for this machine."""
    out = pathlib.Path(directory) / 'hostbench'
    subprocess.run(['gcc', '-O2', '-o', out, BENCH], check=True)
    return out


class Kind:
    """A kind of disk: the device, the driver's node, and what its variables
    below hw are called.

    bus: arguments that come before the first disk."""

    def __init__(self, name, device, node, driver, bus=()):
        self.name, self.device, self.driver = name, device, driver
        self.node = node
        self.bus = list(bus)

    def disk(self, drive, device=''):
        """The arguments for one on a block node."""
        return ['-device', f'{self.device},drive={drive}' +
            (',' + device if device else '')]

    def on(self, path, node='d0', device='', **options):
        """The arguments for one on an image; device: more properties."""
        return blockdev(path, node, **options) + self.disk(node, device)

    def path(self, n=0):
        return f'/dev/{self.node}{n}'


VIOBLK = Kind('vioblk', 'virtio-blk-pci', 'vioblk', 'vioblk0')
SD = Kind('sd', 'scsi-hd', 'sd', 'vioscsi0',
    ['-device', 'virtio-scsi-pci,id=scsi0'])


KINDS = [VIOBLK, SD]


def ask(g, what, timeout=60):
    """What diskctl's command gave: a number, or 'errno N'."""
    out = g.output(f'diskctl {what}', timeout)
    value = dict(line.split('=', 1) for line in out.splitlines()
        if '=' in line)['result']
    return value if value.startswith('errno') else int(value)


def info(g, node):
    """What the ioctls of a node tell, by name."""
    return dict(line.split('=', 1) for line in
        g.output(f'diskctl info {node}').splitlines())


def read_byte(g, node, start, length):
    """The byte that all of it is, or None."""
    out = g.output(f'diskctl read {node} {start} {length}')
    assert f'result={length}\n' in out, out
    return int(out.split('all=')[1]) if 'all=' in out else None
