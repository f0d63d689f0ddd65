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

"""Disks under load: what was written is what is read, in the guest and on
the host, for each kind of ring, bus and request.

tests/bench/diskbench.c puts into each block its place, a generation and a
checksum.  The same program looks at the image when the guest has gone."""

import subprocess

import pytest

from disks import KINDS, SD, VIOBLK, disk_root, host_bench
from guest import ARCH, THIS, blockdev, drivable, qemu72

SIZE = 64 << 20

# Each in a region of its own, so that at the end all are there.
SMALL = 'bs=512 size=256k engine=aio depth=128 rw=mixed'
PAGES = 'bs=4k start=1m size=4m engine=aio depth=32 rw=mixed direct=1'
ODD = 'bs=5000 start=6000001 size=400k align=13 engine=aio depth=16 vec=5 ' \
    'rw=mixed'
LARGE = 'bs=1m start=8m size=8m order=seq direct=1'
HUGE = 'bs=4m start=16m size=16m engine=aio depth=4 rw=mixed'
PIECES = 'bs=64k start=32m size=4m engine=aio depth=8 vec=40 order=seq'
CUT = 'bs=256k start=36m size=4m engine=aio depth=4 vec=60 direct=1'
ONE = 'bs=4k start=40m size=1m align=1'
FLUSHED = 'bs=4k start=44m size=512k engine=aio depth=16 fsync=16'
LOADS = [SMALL, PAGES, ODD, LARGE, HUGE, PIECES, CUT, ONE, FLUSHED]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('disks'))


@pytest.fixture(scope='module')
def host(tmp_path_factory):
    return host_bench(tmp_path_factory.mktemp('host'))


@pytest.fixture
def verified(start, image, root, host):
    """A guest writes and reads; then the host reads."""
    def run(args, node, loads=LOADS, block=512, **more):
        path = image('verify.img', SIZE)
        # The offsets of a disk are whole blocks; what vec= cuts at, too.
        loads = [f'{load} sector={block}' for load in loads]
        g = start(*args(path), initrd=root, **more)
        for load in loads:
            out, status = g.run(f'diskbench verify /dev/{node} {load}')
            assert status == 0 and 'verify ok' in out, f'{load}\n{out}'
        g.kill()
        for load in loads:
            load = load.replace('direct=1', '')
            r = subprocess.run([host, 'check', path, *load.split()],
                capture_output=True, text=True)
            assert r.returncode == 0, f'{load}\n{r.stdout}'

    return run


IO = '-object iothread,id=io0 '

# The device's options; before them what the machine has to have.
VIOBLK_CASES = {
    'legacy': 'disable-modern=on',
    'transitional': '',
    'modern': 'disable-legacy=on',
    'packed': 'disable-legacy=on,packed=on',
    'packed-plain': 'disable-legacy=on,packed=on,event_idx=off,'
        'indirect_desc=off',
    'no-indirect': 'indirect_desc=off',
    'no-event-index': 'event_idx=off',
    'iothread': 'iothread=io0',
    'iothread-packed': 'iothread=io0,disable-legacy=on,packed=on',
    '4k-blocks': 'logical_block_size=4096,physical_block_size=4096',
    '4k-physical': 'physical_block_size=4096',
    'few-segments': 'queue-size=16',
    'many-segments': 'queue-size=16,seg-max-adjust=off',
    'tiny-queue': 'queue-size=4,indirect_desc=off',
    'large-queue': 'queue-size=1024,disable-legacy=on',
    'no-cache': 'write-cache=off',
    'no-cache-no-choice': 'write-cache=off,config-wce=off',
    'no-choice': 'config-wce=off',
    'queues': 'num-queues=4',
    'platform': 'disable-legacy=on,iommu_platform=on',
    'no-discard': 'discard=off,write-zeroes=off',
}
SD_CASES = {
    # the bus's options, the disk's
    'legacy': ('disable-modern=on', ''),
    'transitional': ('', ''),
    'modern': ('disable-legacy=on', ''),
    'packed': ('disable-legacy=on,packed=on', ''),
    'iothread': ('iothread=io0', ''),
    '4k-blocks': ('', 'logical_block_size=4096,physical_block_size=4096'),
    'small-queue': ('virtqueue_size=16,seg_max_adjust=on', ''),
    'no-indirect': ('indirect_desc=off', ''),
    'one-at-a-time': ('cmd_per_lun=1', ''),
    'small-transfers': ('max_sectors=64', ''),
    'queues': ('num_queues=4', ''),
    'no-cache': ('', 'write-cache=off'),
}
# Of another machine only what its processor or its buses have to do with.
ELSEWHERE = ['legacy', 'modern', 'packed', '4k-blocks', 'few-segments',
    'small-queue', 'queues']


def here(cases):
    names = [n for n in cases if ARCH == 'amd64' or n in ELSEWHERE]
    return [n for n in names if drivable([str(cases[n])])]


def block_size(options):
    return 4096 if 'logical_block_size=4096' in options else 512


@pytest.mark.parametrize('name', here(VIOBLK_CASES))
def test_virtio_disks_keep_every_block(verified, name):
    device = VIOBLK_CASES[name]
    verified(lambda path: [IO, *VIOBLK.bus, VIOBLK.on(path, device=device)],
        'vioblk0', block=block_size(device),
        smp=2 if name == 'queues' else 1)


@pytest.mark.parametrize('name', here(SD_CASES))
def test_scsi_disks_keep_every_block(verified, name):
    bus, device = SD_CASES[name]
    verified(lambda path: [IO, '-device virtio-scsi-pci,' + bus,
        SD.on(path, device=device)], 'sd0', block=block_size(device),
        smp=2 if name == 'queues' else 1)


@pytest.mark.parametrize('version', drivable(['disable-modern', 'modern']))
@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)
def test_disks_over_mmio_keep_every_block(verified, kind, version):
    legacy = 'true' if version == 'disable-modern' else 'false'
    bus = ['-device virtio-scsi-device'] if kind is SD else []
    device = 'scsi-hd' if kind is SD else 'virtio-blk-device'
    verified(lambda path: [f'-global virtio-mmio.force-legacy={legacy}',
        blockdev(path), *bus, f'-device {device},drive=d0'],
        kind.path().removeprefix('/dev/'),
        machine=next(iter(THIS.mmio.values())))


BLOCKS = ['512', '4k', '64k', '1m', '4m']
DEPTHS = [1, 2, 16, 128]


@pytest.mark.arch('amd64')
@pytest.mark.parametrize('order', ['random', 'seq'])
@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)
def test_each_size_and_depth(verified, kind, order):
    """Not more than 8 MB at once, which a small guest has."""
    unit = {'512': 512, '4k': 4096, '64k': 65536, '1m': 1 << 20,
        '4m': 4 << 20}
    loads, at = [], 0
    for bs in BLOCKS:
        for depth in DEPTHS:
            n = unit[bs]
            if n * depth > 16 << 20:
                continue
            size = max(n * min(depth, 64), min(64 * n, 1 << 20))
            loads.append(f'bs={bs} depth={depth} engine=aio order={order} '
                f'start={at} size={size} rounds=1 rw=mixed direct=1')
            at += size
    assert at <= SIZE
    verified(lambda path: [*kind.bus, kind.on(path)],
        kind.path().removeprefix('/dev/'), loads)


ALIGNED = [(engine, align, direct)
    for engine in ('sync', 'aio') for align in (0, 512, 1, 13)
    for direct in (0, 1) if not direct or align % 512 == 0]


@pytest.mark.arch('amd64')
@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)
def test_memory_at_any_place(verified, kind):
    loads = [f'bs={bs} vec={vec} engine={engine} depth=8 align={align} '
        f'direct={direct} size=256k start={i}m rw=mixed'
        for i, (bs, vec, (engine, align, direct)) in enumerate(
            (bs, vec, a) for bs in (4096, 65536) for vec in (0, 7)
            for a in ALIGNED)]
    verified(lambda path: [*kind.bus, kind.on(path)],
        kind.path().removeprefix('/dev/'), loads)


@pytest.mark.arch('amd64')
@pytest.mark.needs('qemu72')
@pytest.mark.parametrize('device', ['', 'disable-legacy=on,packed=on'])
def test_an_old_qemu_keeps_every_block(verified, device):
    verified(lambda path: [VIOBLK.on(path, device=device)], 'vioblk0',
        qemu=qemu72())


@pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)
def test_programs_side_by_side(start, image, root, kind):
    """Each on its part of a disk."""
    path = image('d.img', SIZE)
    g = start(*kind.bus, kind.on(path), initrd=root, smp=2)
    text = g.output(' & '.join('diskbench verify %s seed=%d bs=4k size=2m '
        'start=%dm engine=aio depth=16 rw=mixed' % (kind.path(), i, 2 * i)
        for i in range(1, 5)) + ' & wait')
    assert text.count('verify ok') == 4, text


def test_another_program_s_blocks_are_foreign(start, image, root):
    """That is: diskbench notices."""
    g = start(VIOBLK.on(image('d.img', 1 << 20)), initrd=root)
    g.output('diskbench verify /dev/vioblk0 seed=1')
    out, status = g.run('diskbench check /dev/vioblk0 seed=2')
    assert status == 1 and 'foreign: ' in out
