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

"""What the network can do, beside Linux in the same machine.

    tests/bench/net.py [runs]

The peer is this machine's kernel behind a tap device in a name space of its
own (root only).  The guests take turns; QEMU is bound to one processor, the
peer to the others.  Linux is the distribution's cloud kernel with its own
modules, which is fetched from its packages into build/; LINUX=no leaves it
out.  Notifications and interrupts are counted in runs of their own, where
each notification leaves the guest and QEMU writes a line of trace.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'boot'))
sys.dont_write_bytecode = True

from boot import last_cpu, table		# noqa: E402
from guest import ARCH, BUILD, QEMU, THIS, TOP, busybox, compile # noqa: E402
from netns import GUEST, HOST, Net		# noqa: E402

HERE = TOP / 'tests' / 'bench'
OUT = BUILD / 'bench'
PACKAGE = 'linux-image-cloud-amd64'
MODULES = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev',
    'virtio_pci_legacy_dev', 'virtio_pci', 'failover', 'net_failover',
    'virtio_net']
# What is run, and the unit of its figure; more is better but for a time.
TESTS = [('tx', '2', 'TCP to the host, Mbit/s'),
    ('rx', '2', 'TCP from the host, Mbit/s'),
    ('rr', '3000', 'UDP round trip, us'),
    ('pps', '100000', 'UDP packets sent a second')]
COUNTED = [('tx', '1'), ('rx', '1'), ('rr', '2000'), ('pps', '20000')]


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, **more)


def cpio(name, lines, *base):
    (OUT / f'{name}.manifest').write_text(''.join(f'{l}\n' for l in lines))
    run('/usr/bin/python3', '-B', TOP / 'tools' / 'mkcpio', *base,
        OUT / f'{name}.cpio', OUT / f'{name}.manifest')
    return str(OUT / f'{name}.cpio')


def paravane(tests, counted):
    show = 'cat /proc/net/dev; sysctl hw.virtio.0.interrupts ' \
        'hw.virtio.0.notifications; '
    body = ''.join((show if counted else '') + f'netbench {t} {HOST} {n}; '
        for t, n in tests) + (show if counted else '')
    image = cpio('net', [f'file /bin/netbench 0755 {OUT}/netbench',
        f'file /etc/rc 0644 {OUT}/rc'], '-b', BUILD / 'root.cpio')
    return ['-kernel', str(BUILD / 'paravane'), '-initrd', image, '-append',
        f'-- ifconfig vio0 {GUEST}/24; ping -q -c 1 {HOST}; {body}']


def fetch_linux(package=PACKAGE, where=OUT / 'linux'):
    """The kernel and its modules; None: they cannot be had."""
    if not list(where.glob('boot/vmlinuz-*')):
        where.mkdir(parents=True, exist_ok=True)
        text = subprocess.run(['apt-cache', 'depends', package],
            capture_output=True, text=True).stdout
        name = re.search(r'Depends: (linux-image-\S+)', text)
        if not name or subprocess.run(['apt-get', 'download', name[1]],
                cwd=where, capture_output=True).returncode:
            return None
        run('dpkg', '-x', next(where.glob('*.deb')), where)
    return where


def linux(where, tests, counted):
    """An initramfs that does the same."""
    lines = [f'file /bin/busybox 0755 {busybox()}',
        f'file /bin/netbench 0755 {OUT}/netbench',
        f'file /init 0755 {OUT}/init', 'chr /dev/console 600 5 1',
        'dir /proc 0755', 'dir /sys 0755']
    for m in MODULES:
        path = next(where.glob(f'lib/modules/*/kernel/**/{m}.ko'))
        lines.append(f'file /mod/{m}.ko 0644 {path}')
    show = 'cat /proc/net/dev; grep virtio /proc/interrupts\n'
    body = ''.join((show if counted else '') + f'netbench {t} {HOST} {n}\n'
        for t, n in tests) + (show if counted else '')
    (OUT / 'init').write_text('#!/bin/busybox sh\n'
        '/bin/busybox --install -s /bin\nmount -t proc proc /proc\n' +
        ''.join(f'insmod /mod/{m}.ko\n' for m in MODULES) +
        f'ifconfig eth0 {GUEST} netmask 255.255.255.0 up\n'
        f'ping -q -c 1 {HOST}\n{body}poweroff -f\n')
    return ['-cpu', 'max,-erms,-fsrm', '-kernel',
        str(next(where.glob('boot/vmlinuz-*'))), '-initrd',
        cpio('netlinux', lines), '-append',
        'console=ttyS0 quiet panic=-1 tsc=reliable']


def boot(net, args, *more, device=()):
    def bind():
        os.sched_setaffinity(0, {last_cpu()})
    command = [*net.within, QEMU, '-nodefaults', '-machine', THIS.boards[0],
        '-accel', 'tcg', '-m', '256M', *(['-cpu', THIS.cpu] if THIS.cpu
        else []), '-display', 'none', '-serial', 'stdio', '-no-reboot',
        *(THIS.exits or []), *net.device('disable-legacy=on', *device),
        *args, *more]
    return subprocess.run(command, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120,
        errors='replace', preexec_fn=bind).stdout


def figures(text):
    return {t: float(m[1]) for t, _, _ in TESTS
        if (m := re.search(rf'^{t} ([0-9.]+)', text, re.M))}


def packets(text):
    """Received and sent so far, at each place of the output."""
    return [int(f[2]) + int(f[10]) for line in text.splitlines()
        if (f := line.replace(':', ': ').split()) and
        f[0] in ('vio0:', 'eth0:')]


def interrupts(text):
    """The same of interrupts; Linux has a line for each queue."""
    if 'hw.virtio.0.interrupts' in text:
        return [int(n) for n in re.findall(
            r'^hw\.virtio\.0\.interrupts=(\d+)', text, re.M)]
    sums = []
    for line in text.splitlines():
        m = re.match(r' *\d+: +(\d+) .*virtio\d+-(\w+)', line)
        if m and m[2] == 'config':
            sums.append(0)
        if m and sums:
            sums[-1] += int(m[1])
    return sums


def count(net, args):
    """Notifications and interrupts for a packet, in each test."""
    trace = OUT / 'trace'
    trace.unlink(missing_ok=True)
    text = boot(net, args, '-trace', f'virtio_queue_notify,file={trace}',
        device=('ioeventfd=off',))
    p, i = packets(text), interrupts(text)
    kicks = sum(1 for _ in open(trace)) if trace.exists() else 0
    rows = {}
    for n, (t, _) in enumerate(COUNTED):
        if n + 1 < len(p) and n + 1 < len(i) and p[n + 1] > p[n]:
            rows[t] = (i[n + 1] - i[n]) / (p[n + 1] - p[n])
    return rows, kicks / p[-1] if p and p[-1] else None


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / 'rc').write_text('umask 022\n')
    compile(HERE / 'netbench.c', OUT / 'netbench', '-O2', '-static')
    run('gcc', '-O2', '-o', OUT / 'netpeer', HERE / 'netbench.c')
    plain = [(t, n) for t, n, _ in TESTS]
    cases = {'Paravane': paravane}
    where = fetch_linux() if ARCH == 'amd64' and \
        os.environ.get('LINUX') != 'no' else None
    if where:
        cases['Linux'] = lambda tests, c: linux(where, tests, c)
    results = {name: [] for name in cases}
    with Net(serve=False) as net:
        if net.why:
            print(f'bench: no network: {net.why}')
            return
        peer = subprocess.Popen([*net.within, OUT / 'netpeer', 'serve'],
            stdout=subprocess.PIPE)
        peer.stdout.readline()
        try:
            for _ in range(runs):
                for name, case in cases.items():
                    results[name].append(figures(boot(net,
                        case(plain, False))))
            counts = {name: count(net, case(COUNTED, True))
                for name, case in cases.items()}
        finally:
            subprocess.run(['pkill', '-P', str(peer.pid)])
            peer.kill()
            peer.wait()
    show(results, counts, runs)


def show(results, counts, runs):
    print(f'\nThe network: TCG, {THIS.boards[0]}, a tap device, one '
        f'processor; medians of {runs} interleaved runs.\n')
    names = list(results)
    rows = [['', *names, *(['ratio'] if len(names) > 1 else [])]]
    for t, _, words in TESTS:
        m = [statistics.median([r[t] for r in results[n] if t in r] or [0])
            for n in names]
        rows.append([words, *(f'{v:.1f}' if t == 'rr' else f'{v:.0f}'
            for v in m), *([f'{m[0] / m[1]:.2f}'] if len(m) > 1 and m[1]
            else [])])
    for t, _ in COUNTED:
        v = [counts[n][0].get(t) for n in names]
        rows.append([f'interrupts a packet, {t}', *('-' if x is None else
            f'{x:.3f}' for x in v), *([f'{v[0] / v[1]:.2f}'] if len(v) > 1
            and None not in v and v[1] else [])])
    v = [counts[n][1] for n in names]
    rows.append(['notifications a packet, all', *('-' if x is None else
        f'{x:.3f}' for x in v), *([f'{v[0] / v[1]:.2f}'] if len(v) > 1 and
        None not in v and v[1] else [])])
    width = max(len(r) for r in rows)
    table([r + [''] * (width - len(r)) for r in rows])


if __name__ == '__main__':
    main()
