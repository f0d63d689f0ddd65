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


"""How often a disk and its driver tell each other something: QEMU's trace
counts what it is told and what it sends, hw.virtio.0 what the kernel tells
and what interrupts it takes."""

import re
import subprocess

import pytest

from guest import QEMU, drivable, make_root, program

EVENTS = ['virtio_queue_notify', 'virtio_notify']
RING = 256


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('depth')
    r = subprocess.run([QEMU, '-trace', 'help'], capture_output=True,
        text=True)
    if not set(EVENTS) <= set(r.stdout.split()):
        pytest.skip(f'{QEMU} has no {" or no ".join(EVENTS)} to trace')
    return make_root(tmp / 'depth.cpio', {'/bin/aio': program('aio', tmp)})


class Counts:
    """So many so far: notifications and interrupts, by QEMU's account and
    by the kernel's."""

    def __init__(self, g, log):
        out = g.output('sysctl hw.virtio.0')
        lines = log.read_text().splitlines()
        self.told, self.sent = (sum(l.startswith(e + ' ') for l in lines)
            for e in EVENTS)
        self.notified, self.taken = (int(re.search(
            rf'^hw\.virtio\.0\.{n}=(\d+)', out, re.M)[1])
            for n in ('notifications', 'interrupts'))

    def since(self, before):
        return {k: v - getattr(before, k) for k, v in vars(self).items()}


@pytest.fixture
def counting(start, root, tmp_path):
    """A guest with a disk that answers at once; runs aio and counts."""
    def run(options):
        log = tmp_path / 'trace.log'
        trace = [w for e in EVENTS for w in ('-trace', e)]
        g = start('-blockdev driver=null-co,node-name=n,size=8589934592,'
            f'read-zeroes=on -device virtio-blk-pci,drive=n,{options}',
            trace + ['-D', str(log)], initrd=root)
        features = g.output('sysctl hw.virtio.0.features')
        for name, option in (('RING_PACKED', 'packed=on'),
                ('EVENT_IDX', 'event_idx=on')):
            assert (name in features) == (option in options), features

        def aio(mode, depth, count):
            before = Counts(g, log)
            g.output(f'aio {mode} /dev/vioblk0 {depth} {count}')
            return Counts(g, log).since(before)

        return aio

    return run


RINGS = [f'disable-legacy=on,packed={packed},event_idx={event}'
    for packed in ('off', 'on') for event in ('off', 'on')] + [
    'disable-modern=on,event_idx=on', 'event_idx=on']


@pytest.mark.parametrize('options', drivable(RINGS))
def test_a_batch_is_one_notification_and_one_interrupt(counting, options):
    aio = counting(options)
    for depth in 1, 4, 32, 64:
        count = depth * 100
        n = aio('batch', depth, count)
        print(depth, n)
        assert n['told'] == n['notified'] == count // depth, (depth, n)
        assert n['taken'] <= count // depth, (depth, n)
        # Without the event index each request that QEMU has done while it
        # has not yet been interrupted is a message; the processor sees one.
        # In a packed ring QEMU compares the event with places on both
        # sides of the ring's end as if they were on one, and sends a message
        # too many, or two, in each round.
        more = 0
        if 'event_idx=off' in options:
            more = count
        elif 'packed=on' in options:
            more = 2 * (count // RING + 1)
        assert n['sent'] <= count // depth + more, (depth, n)


@pytest.mark.parametrize('options', drivable(RINGS))
def test_what_is_steady_takes_at_most_one_of_each(counting, options):
    aio = counting(options)
    for depth in 1, 32:
        n = aio('steady', depth, 3200)
        print(depth, n)
        assert n['told'] <= n['notified'] <= 3200, (depth, n)
        assert n['taken'] <= 3200, (depth, n)


def test_a_batch_larger_than_what_may_be_on_its_way(counting):
    aio = counting('disable-legacy=on,event_idx=on')
    n = aio('batch', 512, 5120)
    assert n['told'] <= 5120 // 32 and n['taken'] <= 5120 // 32, n
    # A request that waits sees all of its own, and nobody waits in vain.
    assert aio('steady', 512, 5120)['told'] <= 5120
