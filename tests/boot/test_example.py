# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The example driver of virtio(9), in a kernel made as the page says."""

import fcntl
import os
import random
import re
import subprocess

import pytest

from guest import ARCH, BIG_ENDIAN, BUILD, THIS, TOP, blockdev
from test_viornd import EGD, Egd, runs_of

# what a kernel of that order of bytes drives
NEW = ['-global virtio-mmio.force-legacy=false'] if BIG_ENDIAN else []
SOURCE = random.Random(9).randbytes(1 << 20)


@pytest.fixture(scope='session')
def kernel():
    """GENERIC's objects are there, so this takes a second."""
    config = 'share/examples/vioex/VIOEX'
    with open(BUILD / 'VIOEX.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(['make', '-s', f'ARCH={ARCH}', f'CONFIG={config}'],
            check=True, cwd=TOP, stdout=subprocess.DEVNULL,
            # a make(1) that runs the tests is no business of this one
            env={k: v for k, v in os.environ.items()
                if not k.startswith(('MAKE', 'MFLAGS'))})
    return BUILD / 'VIOEX' / 'paravane'


@pytest.mark.parametrize('where', ['pci', *THIS.mmio])
def test_it_attaches_and_gives_the_bytes_of_the_host(start, image, kernel,
        where):
    out = image('o.img', 4096)
    bus = 'pci' if where == 'pci' else 'device'
    board = {} if where == 'pci' else {'machine': THIS.mmio[where]}
    g = start(f'-object rng-random,id=r,filename={image("src", SOURCE)} '
        f'-device virtio-rng-{bus},rng=r', blockdev(out),
        f'-device virtio-blk-{bus},drive=d0', *NEW, kernel=kernel, **board)
    assert re.search(r'^vioex0 at virtio\d+: 256 bytes at a time$', g.text(),
        re.M)
    assert 'viornd' not in g.text()
    g.output('dd if=/dev/vioex0 of=/dev/vioblk0 bs=256 count=12')
    number = re.search(r'^vioex0 at virtio(\d+)', g.text(), re.M)[1]
    g.output(f'sysctl hw.virtio.{number}.control=reset')
    g.output('dd if=/dev/vioex0 of=/dev/vioblk0 bs=100 seek=31 count=9')
    g.kill()
    got = out.read_bytes()
    assert runs_of(got[:12 * 256], SOURCE)
    assert runs_of(got[3100:4000], SOURCE)


def test_a_silent_host_is_waited_for_as_long_as_was_set(start, kernel):
    g = start(EGD, extra=['egd'], kernel=kernel)
    g.output('sysctl hw.vioex0.timeout=1')
    text, status = g.run('head -c 1 /dev/vioex0')
    assert status != 0 and 'timed out' in text
    Egd(g.streams['egd'], SOURCE).start()
    assert g.output('head -c 16 /dev/vioex0 | hexdump -C').startswith(
        '00000000  ' + SOURCE[:8].hex(' '))
