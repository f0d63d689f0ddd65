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

"""What the GPU's screen costs, beside Linux in the same machine.

    tests/bench/gpu.py [runs]

fbbench draws on /dev/fb0 at 1920x1080 in both guests, all lines or 5 % of
them, and has each picture sent to the device; QEMU is bound to one processor,
and its time is taken over each load and over an idle console.  Linux is the
distribution's kernel with its virtio-gpu; LINUX=no leaves it out.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'boot'))
sys.dont_write_bytecode = True

import net						# noqa: E402
from boot import last_cpu, table			# noqa: E402
from disk import cpu_seconds				# noqa: E402
from guest import ARCH, BUILD, QEMU, THIS, busybox, compile	# noqa: E402

OUT = net.OUT
PACKAGE = 'linux-image-amd64'
MODULES = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev',
    'virtio_pci_legacy_dev', 'virtio_pci', 'virtio_dma_buf', 'drm',
    'drm_shmem_helper', 'drm_kms_helper', 'virtio-gpu']
LOADS = [('all of 1920x1080', 'frames 100 100'),
    ('5 % of it', 'frames 1000 5'),
    ('all of it, by write(2)', 'writes 100 100'),
    ('5 % of it, by write(2)', 'writes 1000 5')]
IDLE = 5		# seconds


def script(path):
    return ''.join(f'echo begin; {path}fbbench {load}; echo end\n'
        for _, load in LOADS) + f'echo idle; sleep {IDLE + 2}\n'


def paravane():
    (OUT / 'gpurc').write_text('umask 022\n' + script('/bin/'))
    return ['-kernel', str(BUILD / 'paravane'), '-initrd', net.cpio('gpu',
        [f'file /bin/fbbench 0755 {OUT}/fbbench',
        f'file /etc/rc 0644 {OUT}/gpurc'], '-b', BUILD / 'root.cpio'),
        '-append', '-- true']


def linux(where):
    lines = [f'file /bin/busybox 0755 {busybox()}',
        f'file /bin/fbbench 0755 {OUT}/fbbench',
        f'file /init 0755 {OUT}/gpuinit', 'chr /dev/console 600 5 1',
        'dir /proc 0755', 'dir /sys 0755']
    modules = []
    for m in MODULES:
        # what is built in has no file
        found = next(where.glob(f'lib/modules/*/kernel/**/{m}.ko'), None)
        if found:
            lines.append(f'file /mod/{m}.ko 0644 {found}')
            modules.append(m)
    (OUT / 'gpuinit').write_text('#!/bin/busybox sh\n'
        '/bin/busybox --install -s /bin\nmount -t proc proc /proc\n'
        'mount -t devtmpfs dev /dev\n' +
        ''.join(f'insmod /mod/{m}.ko\n' for m in modules) +
        'while [ ! -c /dev/fb0 ]; do sleep 0.1; done; sleep 1\n' +
        script('/bin/') + 'poweroff -f\n')
    return ['-cpu', 'max,-erms,-fsrm', '-kernel',
        str(next(where.glob('boot/vmlinuz-*'))), '-initrd',
        net.cpio('gpulinux', lines), '-append',
        'console=tty0 console=ttyS0 quiet panic=-1 tsc=reliable']


def boot(args):
    """Of each load: pictures a second, QEMU's seconds for a thousand; and how
    much of a processor an idle console takes."""
    def bind():
        os.sched_setaffinity(0, {last_cpu()})
    process = subprocess.Popen([QEMU, '-nodefaults', '-machine',
        THIS.boards[0], '-accel', 'tcg', '-m', '512M',
        *(['-cpu', THIS.cpu] if THIS.cpu else []), '-display', 'none',
        '-vga', 'none', '-serial', 'stdio', '-no-reboot',
        *(THIS.exits or []), '-device',
        'virtio-gpu-pci,xres=1920,yres=1080', *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=bind)
    results, idle = [], None
    for line in process.stdout:
        line = line.decode('latin-1').strip()
        if line == 'begin':
            before = cpu_seconds(process.pid)
        elif m := re.match(r'frames=(\d+) lines=\d+ seconds=([\d.]+)', line):
            spent = cpu_seconds(process.pid) - before
            results.append((int(m[1]) / float(m[2]),
                spent * 1000 / int(m[1])))
        elif line == 'idle':
            time.sleep(1)
            before = cpu_seconds(process.pid)
            time.sleep(IDLE)
            idle = (cpu_seconds(process.pid) - before) / IDLE * 100
    process.wait()
    if len(results) != len(LOADS) or idle is None:
        print(f'bench: gpu: {results}', file=sys.stderr)
    return results, idle or 0


def show(results, runs):
    print(f'\nGPU: TCG, {THIS.boards[0]}, virtio-gpu-pci, one processor; '
        f'medians of {runs} interleaved runs.\n')
    names = list(results)
    rows = [['', *names, *(['ratio'] if len(names) > 1 else [])]]

    def add(words, figure, form, turn=False):
        values = [statistics.median(map(figure, results[n])) for n in names]
        ratio = values[::-1] if turn else values
        rows.append([words, *(format(v, form) for v in values),
            *([f'{ratio[0] / ratio[1]:.2f}' if ratio[1] else '-']
            if len(values) > 1 else [])])

    for n, (words, _) in enumerate(LOADS):
        add(f'{words}: pictures/s', lambda r: r[0][n][0] if n < len(r[0])
            else 0, '.0f')
        add('  QEMU\'s ms a picture', lambda r: r[0][n][1] if n < len(r[0])
            else 0, '.2f', True)
    add('idle console: % of a processor', lambda r: r[1], '.1f', True)
    table(rows)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    OUT.mkdir(parents=True, exist_ok=True)
    compile('tests/bench/fbbench.c', OUT / 'fbbench', '-O2', '-static')
    cases = {'Paravane': paravane()}
    where = net.fetch_linux(PACKAGE, OUT / 'linuxgpu') if ARCH == 'amd64' \
        and os.environ.get('LINUX') != 'no' else None
    if where:
        cases['Linux'] = linux(where)
    results = {name: [] for name in cases}
    for _ in range(runs):
        for name, args in cases.items():
            results[name].append(boot(args))
    show(results, runs)


if __name__ == '__main__':
    main()
