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

"""What all boot tests share: fixtures, what a machine must have for a test,
and the consoles in the reports of failures.

What cannot run here is skipped by name with its reason.  STRICT=1 turns a
skip into a failure, except for what CANNOT (a list of words) names as out
of this machine's reach.
"""

import collections
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import guest as guest_module		# noqa: E402
import netns				# noqa: E402
from guest import ARCH, BIG_ENDIAN, Guest, OVMF, QEMU, \
    busybox, qemu11, qemu72		# noqa: E402
from hv import HvGuest			# noqa: E402


def need_command(*names):
    missing = [n for n in names if not shutil.which(n)]
    return f'{", ".join(missing)} not installed' if missing else None


def need_kvm():
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return '/dev/kvm cannot be opened'
    # It may be there and refuse to make a machine.
    r = subprocess.run([QEMU, '-machine', 'none,accel=kvm', '-display',
        'none', '-S', '-monitor', 'stdio', '-nodefaults'],
        input='quit\n', capture_output=True, text=True, timeout=60)
    return f'/dev/kvm: {r.stderr.strip()}' if r.returncode else None


def need_overcommit():
    mode = pathlib.Path('/proc/sys/vm/overcommit_memory').read_text()
    return 'vm.overcommit_memory is 2' if mode.strip() == '2' else None


def need_grub():
    why = need_command('grub-mkimage', 'xorriso', 'mformat')
    if not why and not pathlib.Path('/usr/lib/grub/i386-pc').is_dir():
        why = 'GRUB for BIOS (grub-pc-bin) not installed'
    return why


def need_uefi():
    if not any(os.path.exists(p) for p in OVMF):
        return 'OVMF not installed'
    if not pathlib.Path('/usr/lib/grub/x86_64-efi').is_dir():
        return 'GRUB for UEFI (grub-efi-amd64-bin) not installed'
    return need_grub()


def need_busybox():
    path = busybox()
    if not path:
        return 'no busybox-static to be had'
    r = subprocess.run(['readelf', '-l', path], capture_output=True,
        text=True)
    return f'{path} is not static' if 'INTERP' in r.stdout else None


def need_netns():
    why = need_command('ip')
    if why:
        return why
    with netns.Net() as net:
        return net.why


NEEDS = {
    'netns': need_netns,
    'iperf3': lambda: need_command('iperf3'),
    'ping': lambda: need_command('ping'),
    'fbset': lambda: need_command('fbset', 'fbcat'),
    'tcpdump': lambda: need_command('tcpdump'),
    'kvm': need_kvm,
    'overcommit': need_overcommit,
    'grub': need_grub,
    'uefi': need_uefi,
    'busybox': need_busybox,
    'qemu-img': lambda: need_command('qemu-img'),
    'sfdisk': lambda: None if guest_module.sfdisk() else
        'sfdisk not installed',
    'qemu72': lambda: None if qemu72() else 'no QEMU 7.2 to be had here',
    'qemu11': lambda: None if qemu11() else 'no QEMU 11 to be had here',
}


# A look at the machine is worth one look.
reasons = {}


def pytest_collection_modifyitems(config, items):
    """What belongs to other architectures is no test of this one."""
    def here(item):
        return all(ARCH in mark.args for mark in
            item.iter_markers('arch')) and not (BIG_ENDIAN and
            item.get_closest_marker('libc'))

    items[:] = sample([item for item in items if here(item)])


# Of a test of so many variants or more amd64 takes two fifths, and all if it
# runs nowhere else; each of the others takes another fifth, so that each variant
# is taken somewhere.  ALL=1: all of them.
MANY = 6
FIFTHS = {'amd64': (0, 2), 'arm64': (1,), 'arm64eb': (3,), 'riscv64': (4,)}


def elsewhere(item):
    return all('riscv64' in mark.args for mark in item.iter_markers('arch'))


def sample(items):
    if os.environ.get('ALL') == '1':
        return items
    variants = collections.Counter((item.path, item.originalname)
        for item in items)
    seen = collections.Counter()
    kept = []
    for item in items:
        name = item.path, item.originalname
        if variants[name] < MANY or seen[name] % 5 in FIFTHS[ARCH] or \
                (ARCH == 'amd64' and not elsewhere(item)):
            kept.append(item)
        seen[name] += 1
    return kept


def pytest_runtest_setup(item):
    for mark in item.iter_markers('needs'):
        for what in mark.args:
            if what not in reasons:
                reasons[what] = NEEDS[what]()
            if reasons[what]:
                item.cannot = what
                pytest.skip(f'{item.name}: {reasons[what]}')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get('STRICT') == '1' and \
            not hasattr(report, 'wasxfail') and \
            getattr(item, 'cannot', None) not in \
            os.environ.get('CANNOT', '').split():
        report.outcome = 'failed'
        report.longrepr = 'STRICT=1, and this was skipped: ' + \
            str(call.excinfo.value)
    if report.failed and report.when == 'call':
        for g in guest_module.guests:
            report.sections.append(('QEMU', ' '.join(g.command) + '\n' +
                g.said()))
            for stream in [g.console, *g.streams.values()]:
                report.sections.append(('console', stream.tail()))


def starting(kind):
    """What a fixture yields that starts guests and ends them."""
    started = []

    def run(*args, shell=True, timeout=guest_module.TIMEOUT, **more):
        g = kind(*args, **more)
        started.append(g)
        if shell:
            g.wait_shell(timeout)
        return g

    yield run
    for g in started:
        g.kill()


@pytest.fixture
def start():
    """Starts guests that end with the test."""
    yield from starting(Guest)


@pytest.fixture
def start_hv():
    """The same on the test hypervisor."""
    yield from starting(HvGuest)


@pytest.fixture(scope='module')
def started():
    """Starts guests that end with the module."""
    started = []

    def run(*args, **more):
        g = Guest(*args, **more)
        started.append(g)
        g.wait_shell()
        return g

    yield run
    for g in started:
        g.kill()


@pytest.fixture
def boot(start):
    """Boots, waits for the end; the console's text and the status."""
    def run(*args, timeout=guest_module.TIMEOUT, **more):
        g = start(*args, shell=False, **more)
        status = g.wait(timeout)
        return g.text(), status

    return run


@pytest.fixture
def image(tmp_path):
    """Makes disk images: of a size, or of bytes."""
    def run(name, content):
        path = tmp_path / name
        if path.suffix == '.qcow2':
            subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', path,
                str(content)], check=True)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with open(path, 'wb') as f:
                f.truncate(content)
        return path

    return run
