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

"""virtio over MMIO: what microvm has, found by ACPI or on the command line,
with the registers of 0.9 and of 1.x."""

import os
import random
import re

import pytest

from guest import BIG_ENDIAN, THIS, blockdev

SIZE = 3 << 20

FOUND = THIS.mmio
ONE = next(iter(FOUND.values()))	# of the ways, any
VERSION = {
    '1.x': '-global virtio-mmio.force-legacy=false',
    **({} if BIG_ENDIAN else
        {'0.9': '-global virtio-mmio.force-legacy=true'}),
}

every_way = pytest.mark.parametrize('found', FOUND)
each_version = pytest.mark.parametrize('version', VERSION)


@pytest.fixture
def data(image):
    path = image('mmio.img', SIZE)
    with open(path, 'r+b') as f:
        f.write(random.Random(5).randbytes(SIZE))
    return path


def disk(path, options=''):
    return blockdev(path) + ['-device', 'virtio-blk-device,drive=d0' +
        options]


@every_way
@each_version
def test_devices_attach_and_work(start, image, data, found, version):
    to = image('to.img', SIZE)
    g = start(disk(data), blockdev(to, 'd1'),
        '-device virtio-blk-device,drive=d1',
        '-device virtio-rng-device -device virtio-serial-device '
        '-chardev null,id=n -device virtconsole,chardev=n', VERSION[version],
        machine=FOUND[found])
    tree = g.output('sysctl hw.virtio.0')
    assert f'hw.virtio.0.transport=mmio-{version}\n' in tree
    assert ('VERSION_1' in tree) == (version == '1.x')
    assert ',bit' not in tree       # QEMU repeats itself in the upper words
    g.output('echo through the console > /dev/viocon0')
    g.output('head -c 1000 /dev/hwrng > /dev/null')
    g.output('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=70000')
    g.console.send('halt -p\n')
    g.wait()
    assert to.read_bytes() == data.read_bytes()


@every_way
@each_version
def test_a_device_can_be_reset(start, data, found, version):
    g = start(disk(data), VERSION[version], machine=FOUND[found])
    for _ in range(3):
        g.output('sysctl hw.virtio.0.control=reset')
        g.output('dd if=/dev/vioblk0 of=/dev/null bs=1M')
    assert '=3\n' in g.output('sysctl hw.virtio.0.restarts')


def test_a_disk_may_grow(start, data):
    g = start(disk(data), VERSION['1.x'], machine=ONE)
    os.truncate(data, 2 * SIZE)
    g.qmp.command('block_resize', **{'node-name': 'd0', 'size': 2 * SIZE})
    g.console.expect('vioblk0: capacity is now 6 MB')


@pytest.mark.arch('amd64')
def test_a_malformed_place_is_reported(boot):
    text, status = boot(machine='q35', append='virtio_mmio.device=512@zz:5 '
        'virtio_mmio.device=512@0xfeb00001:5 virtio_mmio.device=0@4096:5 '
        'virtio_mmio.device=4K@0xfeb00000 -- echo on')
    assert text.count('malformed value: virtio_mmio.device=') == 4
    assert '\non\n' in text and status == 0


@pytest.mark.arch('amd64')
def test_a_place_without_a_device_is_passed_over(boot):
    text, status = boot(machine='q35',
        append='virtio_mmio.device=4K@0xfeb00000:5:0 -- echo on')
    assert 'virtio' not in text.replace('virtio_mmio.device', '')
    assert status == 0


def test_a_device_of_the_wrong_version_is_named(boot, data):
    text, status = boot(disk(data), VERSION['1.x'], machine=ONE,
        append='virtio.flags=8 -- echo on')
    assert '1.x only, which the flags forbid' in text
    assert status == 0


@pytest.mark.arch('arm64eb')
def test_a_device_of_0_9_alone_is_named(boot, data):
    """Its order of bytes is the guest's, which QEMU would have to guess."""
    text, status = boot(disk(data),
        '-global virtio-mmio.force-legacy=true', append='-- echo on')
    assert re.search('^virtio0 at fdt0 addr 0x[0-9a-f]+: .*0.9 only, which a '
        'big-endian kernel does not drive$', text, re.M)
    assert 'vioblk0' not in text and status == 0
