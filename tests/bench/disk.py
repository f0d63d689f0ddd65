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

"""What disks can do, beside Linux in the same machine.

    tests/bench/disk.py [runs]

The disk is null-co: reads are zeros and take no time, so that what is
measured is the guest and QEMU.  diskbench runs in all guests; they take turns,
and QEMU is bound to one processor.  Linux is the distribution's cloud kernel,
as in net.py; LINUX=no leaves it out.

The time of QEMU's process is read when diskbench says that it begins and when
it has ended; it waits for an answer to both.  Notifications and interrupts are
counted in runs of their own, by QEMU's trace.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'boot'))
sys.dont_write_bytecode = True

import net						# noqa: E402
from boot import last_cpu, table			# noqa: E402
from disks import KINDS					# noqa: E402
from guest import ARCH, BUILD, QEMU, THIS, busybox, compile	# noqa: E402

OUT = net.OUT
COMMON = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev',
    'virtio_pci_legacy_dev', 'virtio_pci']
MODULES = {'vioblk': ['virtio_blk'], 'sd': ['scsi_common', 'scsi_mod',
    'virtio_scsi', 'crc-t10dif', 'crc64', 'crc64-rocksoft', 't10-pi',
    'sd_mod']}
LINUX_NODE = {'vioblk': 'vda', 'sd': 'sda'}
LOADS = [
    ('4 KB at random, 1 at a time', 'bs=4k depth=1 count=%d', 20000, 500),
    ('4 KB at random, 32 at a time', 'bs=4k depth=32 count=%d', 60000, 3200),
    ('1 MB in a row, 4 at a time', 'bs=1m depth=4 order=seq count=%d', 3000,
        200),
]
TICK = os.sysconf('SC_CLK_TCK')


def commands(node, counted):
    """What a guest runs: with sync=1 it waits for us."""
    return [f'diskbench bench {node} engine=aio direct=1 sync=1 ' +
        load % (few if counted else many) for _, load, many, few in LOADS]


def paravane(kind, counted):
    image = net.cpio('disk', [f'file /bin/diskbench 0755 {OUT}/diskbench',
        f'file /etc/rc 0644 {OUT}/rc'], '-b', BUILD / 'root.cpio')
    return ['-kernel', str(BUILD / 'paravane'), '-initrd', image, '-append',
        '-- ' + '; '.join(commands(kind.path(), counted))]


def linux(where, kind, counted):
    lines = [f'file /bin/busybox 0755 {busybox()}',
        f'file /bin/diskbench 0755 {OUT}/diskbench',
        f'file /init 0755 {OUT}/diskinit', 'chr /dev/console 600 5 1',
        'dir /proc 0755', 'dir /sys 0755']
    modules = []
    for m in COMMON + MODULES[kind.name]:
        # what is built in has no file
        found = next(where.glob(f'lib/modules/*/kernel/**/{m}.ko'), None)
        if found:
            lines.append(f'file /mod/{m}.ko 0644 {found}')
            modules.append(m)
    node = f'/dev/{LINUX_NODE[kind.name]}'
    (OUT / 'diskinit').write_text('#!/bin/busybox sh\n'
        '/bin/busybox --install -s /bin\nmount -t proc proc /proc\n'
        'mount -t devtmpfs dev /dev\n' +
        ''.join(f'insmod /mod/{m}.ko\n' for m in modules) +
        f'while [ ! -b {node} ]; do sleep 0.1; done\n' +
        ''.join(f'{c}\n' for c in commands(node, counted)) +
        'poweroff -f\n')
    return ['-cpu', 'max,-erms,-fsrm', '-kernel',
        str(next(where.glob('boot/vmlinuz-*'))), '-initrd',
        net.cpio('disklinux', lines), '-append',
        'console=ttyS0 quiet panic=-1 tsc=reliable']


def cpu_seconds(pid):
    text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    fields = text[text.rindex(')') + 2:].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def boot(kind, args, *more, look=cpu_seconds):
    """Runs a guest: of each load what diskbench said, and what look() gave
    after it less what it gave before."""
    def bind():
        os.sched_setaffinity(0, {last_cpu()})
    process = subprocess.Popen([QEMU, '-nodefaults', '-machine',
        THIS.boards[0], '-accel', 'tcg', '-m', '256M',
        *(['-cpu', THIS.cpu] if THIS.cpu else []), '-display', 'none',
        '-serial', 'stdio', '-no-reboot', *(THIS.exits or []),
        '-blockdev', 'driver=null-co,node-name=d0,size=8589934592,'
        'read-zeroes=on', *[w.replace('virtio-scsi-pci',
        'virtio-scsi-pci,disable-legacy=on') for w in kind.bus],
        *kind.disk('d0', 'disable-legacy=on' if kind.name == 'vioblk'
        else ''), *args, *more], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, preexec_fn=bind)
    results, before = [], 0
    for line in process.stdout:
        line = line.decode('latin-1').strip()
        if line == 'begin':
            before = look(process.pid)
        elif line == 'end':
            spent = look(process.pid) - before
        elif (m := re.match(r'bench: (\d+) requests, (\d+)/s, (\d+) kB/s, '
                r'\d+ us, (\d+) failed', line)):
            results.append((*map(int, m.groups()), spent))
        if line in ('begin', 'end'):
            process.stdin.write(b'\n')
            process.stdin.flush()
    process.wait()
    if len(results) != len(LOADS) or any(r[3] for r in results):
        print(f'bench: {kind.name}: {results}', file=sys.stderr)
    return results


# What a device sends from a thread of its own, or might, has another name.
EVENTS = [['virtio_queue_notify'], ['virtio_notify', 'virtio_notify_irqfd']]


def count(kind, args, events):
    """So many of these events of QEMU's in each request."""
    trace = OUT / 'disktrace'
    trace.unlink(missing_ok=True)

    def look(_):
        return sum(line.split(' ')[0] in events for line in open(trace)) \
            if trace.exists() else 0

    got = boot(kind, args, *[w for e in events for w in ('-trace', e)],
        '-D', str(trace), look=look)
    return [spent / requests for requests, _, _, _, spent in got]


def measure(kind, cases, runs):
    results = {name: [] for name in cases}
    for _ in range(runs):
        for name, case in cases.items():
            results[name].append(boot(kind, case(kind, False)))
    counts = {name: [count(kind, case(kind, True), events)
        for events in EVENTS]
        for name, case in cases.items()}
    show(kind, results, counts, runs)


def show(kind, results, counts, runs):
    print(f'\n{kind.name}: TCG, {THIS.boards[0]}, {kind.device} on null-co, '
        f'one processor; medians of {runs} interleaved runs.\n')
    names = list(results)
    rows = [['', *names, *(['ratio'] if len(names) > 1 else [])]]

    def add(words, values, form):
        rows.append([words, *('-' if v is None else format(v, form)
            for v in values), *([f'{values[0] / values[1]:.2f}' if
            None not in values and values[1] else '-']
            if len(values) > 1 else [])])

    def median(name, n, figure):
        return statistics.median([figure(r[n]) for r in results[name]
            if n < len(r)] or [0])

    for n, (words, *_) in enumerate(LOADS):
        add(f'{words}: requests/s', [median(m, n, lambda r: r[1])
            for m in names], '.0f')
        add('  requests for a second of QEMU\'s processor', [median(m, n,
            lambda r: r[0] / max(r[4], 1 / TICK)) for m in names], '.0f')
        for i, what in enumerate(('notifications', 'interrupts')):
            add(f'  {what} a request', [counts[m][i][n]
                if n < len(counts[m][i]) else None for m in names], '.3f')
    table(rows)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / 'rc').write_text('umask 022\n')
    compile('tests/bench/diskbench.c', OUT / 'diskbench', '-O2', '-static')
    where = net.fetch_linux() if ARCH == 'amd64' and \
        os.environ.get('LINUX') != 'no' else None
    cases = {'Paravane': paravane}
    if where:
        cases['Linux'] = lambda *a: linux(where, *a)
    for kind in KINDS:
        measure(kind, cases, runs)


if __name__ == '__main__':
    main()
