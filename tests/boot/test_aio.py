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


"""Programs that have many requests on their way; progs/aio.c is one."""

import re

import pytest

from guest import TOP, aio_blocks, blockdev, disk, make_root, program

SOURCE = TOP / 'tests' / 'boot' / 'progs' / 'aio.c'
NAMES = re.findall(r'^\t\{ "(\w+)"', SOURCE.read_text(), re.M)
# Those that need requests which take their time.
SLOW = ['a_signal_in_the_middle', 'an_early_end', 'a_fork_in_between']


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('aio')
    return make_root(tmp / 'aio.cpio', {'/bin/aio': program('aio', tmp)})


@pytest.mark.parametrize('name', [n for n in NAMES if n not in SLOW])
def test_the_calls(boot, root, image, name):
    text, status = boot(disk(image('d.img', 8 << 20)),
        append=f'-- aio {name}', initrd=root, timeout=30)
    assert status == 0, text
    assert 'ok' in text.splitlines()


@pytest.mark.parametrize('name', SLOW)
def test_the_calls_on_a_slow_disk(boot, root, image, name):
    text, status = boot('-object throttle-group,id=slow,x-iops-total=60',
        blockdev(image('d.img', 8 << 20), 'raw'), ['-blockdev',
        'driver=throttle,node-name=t,throttle-group=slow,file=raw',
        '-device', 'virtio-blk-pci,drive=t'],
        append=f'-- aio {name} && sysctl vm.free && aio {name} && '
        'sysctl vm.free', initrd=root, timeout=30)
    assert status == 0, text
    free = [int(n) for n in re.findall(r'^vm\.free=(\d+)', text, re.M)]
    # Nothing of the first time is left behind, but for a page of kmem.
    assert len(free) == 2 and free[1] >= free[0] - 8192


def test_what_is_read_and_written(boot, root, image):
    """More than the ring holds, all over a disk."""
    path = image('d.img', aio_blocks(1, 0, 4096))
    text, status = boot(disk(path), append='-- aio batch /dev/vioblk0 300 '
        '9000 1 && aio steady /dev/vioblk0 300 3000 1 && '
        'aio write /dev/vioblk0 300 900 1', initrd=root, timeout=60)
    assert status == 0, text
    data = path.read_bytes()
    for n in range(4096):
        written = n % (4096 // 900) == 0 and n < 900 * (4096 // 900)
        assert data[n * 4096:(n + 1) * 4096] == aio_blocks(
            2 if written else 1, n, 1), n


def test_requests_to_several_disks_at_once(boot, root, image):
    data = aio_blocks(1, 0, 512)
    disks = [disk(image(f'{n}.img', data), n) for n in 'abc']
    text, status = boot(*disks, append='-- ' + ' & '.join(
        f'aio steady /dev/vioblk{i} 20 2000 1 || echo FAILED'
        for i in range(3)) + ' & wait', initrd=root, timeout=60)
    assert status == 0 and 'FAILED' not in text, text
    assert text.count('2000 requests') == 3


def test_a_reset_in_the_middle(start, root):
    """What the device had ends with an error, which aio shows, unless it had
    nothing just then; no request is lost, and nothing stays behind."""
    g = start('-blockdev driver=null-co,node-name=n,size=1073741824,'
        'read-zeroes=on,latency-ns=5000000 '
        '-device virtio-blk-pci,drive=n,disable-legacy=on', initrd=root)
    g.output('aio batch /dev/vioblk0 32 320')
    free = int(re.search(r'=(\d+)', g.output('sysctl vm.free'))[1])
    for _ in range(4):
        out, status = g.run('aio steady /dev/vioblk0 32 2000 & sleep 0.1; '
            'sysctl hw.virtio.0.control=reset; wait')
        assert re.search(r'request \d+: -5(?!\d)|^2000 requests', out, re.M), out
    g.output('aio batch /dev/vioblk0 32 320')
    after = int(re.search(r'=(\d+)', g.output('sysctl vm.free'))[1])
    assert after >= free - 16384
