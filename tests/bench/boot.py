#!/usr/bin/python3
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

"""What a boot costs: time until the first command's output, and the guest's
instructions until then, against a kernel that only powers off.

    tests/bench/boot.py [runs]

And what a request to a disk costs: so many of 4 KB in a second, from a disk
that does nothing, one by one and 32 at a time.

Run by make bench.  The guests take turns, so that a busy hour hits all of
them; QEMU is bound to one processor.  LINUX=FILE, a kernel of another
system, adds a row for it: it starts busybox from a cpio archive, and with
LINUX=auto the newest kernel in /boot is taken.
"""

import glob
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'boot'))
sys.dont_write_bytecode = True

from guest import ARCH, BUILD, COMPILER, QEMU, THIS, TOP, program # noqa: E402

HERE = TOP / 'tests' / 'bench'
OUT = BUILD / 'bench'
FAMILY = ARCH.removesuffix('eb')
MARK = b'first-output'

# A disk, a console, entropy and a network, as somebody's guest would have.
MACHINE = ['-nodefaults', '-machine', THIS.boards[0], '-accel', 'tcg',
    '-m', '128M', *(['-cpu', THIS.cpu] if THIS.cpu else []),
    '-display', 'none', '-serial', 'stdio', '-no-reboot',
    *(THIS.exits or []),
    '-drive', f'if=none,id=d,format=raw,file={OUT}/disk.img',
    '-device', 'virtio-blk-pci,drive=d',
    '-device', 'virtio-rng-pci',
    '-device', 'virtio-serial-pci', '-chardev', 'null,id=c',
    '-device', 'virtconsole,chardev=c',
    '-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n,romfile=']


def run(*command):
    subprocess.run([str(c) for c in command], check=True)


def build():
    """The empty kernel, the plugin and the disk."""
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / 'disk.img', 'wb') as f:
        f.truncate(64 << 20)
    source = HERE / 'empty' / f'{FAMILY}.S'
    if ARCH == 'amd64':
        run('gcc', '-m32', '-nostdlib', '-static', '-Wl,--build-id=none',
            '-Wl,-Ttext-segment=0x100000', '-Wl,-e,start',
            '-Wl,-z,noseparate-code', '-o', OUT / 'empty', source)
    else:
        run(COMPILER, '-nostdlib', '-static', '-Wl,--build-id=none',
            '-Wl,-e,start', '-o', OUT / 'empty.elf', source)
        run(COMPILER.removesuffix('gcc') + 'objcopy', '-O', 'binary',
            '-j', '.text', OUT / 'empty.elf', OUT / 'empty')
    # Versions before 9 know the first interface only.
    version = subprocess.run([QEMU, '--version'], capture_output=True,
        text=True, check=True).stdout
    api = 1 if int(re.search(r'version (\d+)', version)[1]) < 9 else 2
    run('gcc', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra',
        f'-DPLUGIN_API={api}', '-o', OUT / 'icount.so', HERE / 'icount.c')
    return version.splitlines()[0]


class Case:
    """One thing to boot, and what was measured of it."""

    def __init__(self, name, args, mark=None):
        self.name, self.args, self.mark = name, args, mark
        self.first, self.marked, self.ended = [], [], []
        self.icount_marked = self.icount_ended = None

    def boot(self, *extra, peek=None):
        """Boots once: seconds until the first byte, the mark, the end; and
        what peek() said at the mark."""
        began = time.monotonic()
        process = subprocess.Popen([QEMU, *MACHINE, *self.args, *extra],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {last_cpu()}))
        text = b''
        first = marked = seen = None
        while True:
            got = os.read(process.stdout.fileno(), 65536)
            now = time.monotonic() - began
            if not got:
                break
            first = first or now
            text += got
            # The mark as output, not as a part of the command line.
            if self.mark and not marked and b'\n' + self.mark in text:
                marked = now
                seen = peek() if peek else None
        process.wait()
        ended = time.monotonic() - began
        if self.mark and not marked:
            sys.exit(f'bench: {self.name} did not say '
                f'{self.mark.decode()}:\n' + text.decode('latin-1')[-2000:])
        return first, marked, ended, seen

    def measure(self):
        first, marked, ended, _ = self.boot()
        self.first.append(first)
        self.marked.append(marked)
        self.ended.append(ended)

    def count(self):
        """Instructions from the reset vector on."""
        path = OUT / 'icount'
        path.write_bytes(bytes(8))

        def peek():
            return struct.unpack('=Q', path.read_bytes())[0]

        *_, self.icount_marked = self.boot('-plugin',
            f'{OUT}/icount.so,out={path}', peek=peek)
        self.icount_ended = peek()


def last_cpu():
    return max(os.sched_getaffinity(0))


def linux_case():
    """A boot of Linux to busybox's first command, if there is a kernel."""
    kernel = os.environ.get('LINUX') if ARCH == 'amd64' else None
    if kernel == 'auto':
        found = sorted(glob.glob('/boot/vmlinuz-*'), key=os.path.getmtime)
        kernel = found[-1] if found else None
    busybox = shutil.which('busybox')
    if not kernel or not busybox:
        return None
    (OUT / 'init').write_text('#!/bin/busybox sh\n'
        f'/bin/busybox echo {MARK.decode()}\n/bin/busybox poweroff -f\n')
    (OUT / 'manifest').write_text(f'file /bin/busybox 755 {busybox}\n'
        f'file /init 755 {OUT}/init\nchr /dev/console 600 5 1\n')
    run('/usr/bin/python3', '-B', TOP / 'tools' / 'mkcpio', OUT / 'linux.cpio',
        OUT / 'manifest')
    return Case('Linux (no modules)', ['-cpu', 'max,-erms,-fsrm', '-kernel',
        kernel, '-initrd', f'{OUT}/linux.cpio', '-append',
        'console=ttyS0 quiet panic=-1'], MARK)


def requests():
    """Rows of the depth and the requests in a second, the best of three."""
    (OUT / 'aio').write_bytes(program('aio', OUT))
    (OUT / 'aio.manifest').write_text(f'file /bin/aio 0755 {OUT}/aio\n')
    run('/usr/bin/python3', '-B', TOP / 'tools' / 'mkcpio', '-b',
        BUILD / 'root.cpio', OUT / 'aio.cpio', OUT / 'aio.manifest')
    rows = [['requests in a second', 'depth 1', 'depth 32']]
    best = []
    for depth in 1, 32:
        text = subprocess.run([QEMU, *MACHINE, '-blockdev',
            'driver=null-co,node-name=z,size=8589934592,read-zeroes=on',
            '-device', 'virtio-blk-pci,drive=z', '-kernel',
            BUILD / 'paravane', '-initrd', OUT / 'aio.cpio', '-append',
            '-- ' + '; '.join([f'aio batch /dev/vioblk1 {depth} 20000'] * 3)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
        best.append(max(map(int, re.findall(r'requests, (\d+)', text)),
            default=0))
    return rows + [['Paravane', *map(str, best)]]


def table(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print('  '.join(c.ljust(w) if i == 0 else c.rjust(w)
            for i, (c, w) in enumerate(zip(r, widths))).rstrip())


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    version = build()
    cases = [Case('empty kernel', ['-kernel', f'{OUT}/empty'])]
    kernel = BUILD / 'paravane'
    if kernel.exists():
        cases.append(Case('Paravane', ['-kernel', str(kernel), '-append',
            f'-- echo {MARK.decode()}'], MARK))
    else:
        print(f'bench: {kernel} is missing: only the empty kernel is run')
    linux = linux_case()
    if linux:
        cases.append(linux)

    for case in cases:
        case.boot()				# warms the host's caches
    for _ in range(runs):
        for case in cases:
            case.measure()
    for case in cases:
        case.count()

    base = statistics.median(cases[0].ended)
    base_icount = cases[0].icount_ended

    def ms(values):
        if values[0] is None:
            return ['-', '-']
        median = statistics.median(values)
        return [f'{median * 1000:.1f}', f'{median / base:.2f}']

    def millions(n):
        if n is None:
            return ['-', '-']
        return [f'{n / 1e6:.2f}', f'{n / base_icount:.2f}']

    print(f'{version}; TCG, {THIS.boards[0]}, one processor; medians of {runs} '
        'interleaved runs;\neach ratio is to the empty kernel\'s power-off.\n')
    rows = [['from the start of QEMU, ms', 'first byte', 'ratio',
        'first command', 'ratio', 'power-off', 'ratio']]
    for case in cases:
        rows.append([case.name, *ms(case.first), *ms(case.marked),
            *ms(case.ended)])
    table(rows)
    print()
    rows = [['guest instructions, millions', 'first command', 'ratio',
        'power-off', 'ratio']]
    for case in cases:
        rows.append([case.name, *millions(case.icount_marked),
            *millions(case.icount_ended)])
    table(rows)
    if kernel.exists():
        print()
        table(requests())


if __name__ == '__main__':
    main()
