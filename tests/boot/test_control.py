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

"""hw.virtio.N.control: devices and queues are reset while they work."""

import re

import pytest

from guest import blockdev

RINGS = ['packed=off', 'packed=on', 'packed=on,event_idx=off']


def devices(image, options):
    return (blockdev(image('d.img', 8 << 20)),
        f'-device virtio-blk-pci,drive=d0,disable-legacy=on,{options} '
        f'-device virtio-rng-pci,disable-legacy=on,{options} '
        f'-device virtio-serial-pci,disable-legacy=on,{options} '
        '-chardev null,id=n -device virtconsole,chardev=n')


@pytest.mark.parametrize('options', RINGS)
def test_each_device_can_be_reset_and_goes_on(start, image, options):
    g = start(*devices(image, options))
    for n in range(3):
        for _ in range(4):
            out = g.output(f'sysctl hw.virtio.{n}.control=reset')
            assert f'hw.virtio.{n}.control: running -> running\n' == out
        assert f'hw.virtio.{n}.restarts=4\n' == \
            g.output(f'sysctl hw.virtio.{n}.restarts')
    g.output('dd if=/dev/vioblk0 of=/dev/null bs=1M')
    g.output('head -c 1000 /dev/hwrng > /dev/null')
    g.output('echo still there > /dev/viocon0')


@pytest.mark.parametrize('options', RINGS)
def test_each_queue_can_be_reset_and_goes_on(start, image, options):
    g = start(*devices(image, options))
    for n in range(3):
        tree = g.output(f'sysctl hw.virtio.{n}')
        assert 'RING_RESET' in tree
        queues = re.search(r'\.queues=(.*)$', tree, re.M)[1]
        for queue in queues.split(','):
            name = queue.split(':')[0]
            g.output(f'sysctl "hw.virtio.{n}.control=reset {name}"')
        assert 'restarts=0\n' in g.output(f'sysctl hw.virtio.{n}.restarts')
    g.output('dd if=/dev/vioblk0 of=/dev/null bs=1M')
    g.output('head -c 1000 /dev/hwrng > /dev/null')
    g.output('echo still there > /dev/viocon0')


def test_a_reset_while_a_program_reads(start, image):
    g = start(*devices(image, 'packed=on'))
    for _ in range(10):
        g.run('dd if=/dev/vioblk0 of=/dev/null bs=4096 & '
            'sysctl hw.virtio.0.control=reset; wait')
    g.output('dd if=/dev/vioblk0 of=/dev/null bs=1M')


@pytest.mark.parametrize('word, why', [
    ('suspend', 'Operation not supported'),
    ('resume', 'busy'),
    ('reset nosuch', 'No such file'),
    ('restart', 'Invalid argument'),
])
def test_what_cannot_be_is_refused(start, image, word, why):
    g = start(*devices(image, 'packed=on'))
    out, status = g.run(f'sysctl "hw.virtio.0.control={word}"')
    assert status == 1 and why in out
    assert 'running' in g.output('sysctl hw.virtio.0.control')
