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

"""Disks: every byte where it belongs, under every ring that QEMU offers,
and what happens at the end of a disk, on a full one and on a failing one.

Data are made on the host and lie on a second disk; the guest's dd copies
them about, with block sizes and offsets that fit nothing; the host then
does the same to a file of its own, and compares."""

import os
import random
import re
import subprocess

import pytest

from guest import BOARDS, blockdev, disk, drivable, make_root

SOURCE_SIZE = 4 << 20
BIG = 8 << 30


class Copies:
    """A list of dd's commands, and what they should do."""

    def __init__(self, seed, count, size, largest=70001):
        rnd = random.Random(seed)
        self.source = random.Random(seed + 1).randbytes(SOURCE_SIZE)
        self.writes, self.reads = [], []
        at = 0
        for i in range(count):
            bs = rnd.choice([1, 3, 511, 512, 513, 4095, 4096, 4097,
                rnd.randrange(1, 20000), rnd.randrange(1, largest)])
            blocks = rnd.randrange(1, 4) if bs > 64 else rnd.randrange(1, 40)
            skip = rnd.randrange(SOURCE_SIZE // bs - blocks)
            # All over the disk, and now and then near the last write or
            # the end, so that some overlap.
            where = rnd.choice([rnd.randrange(size), rnd.randrange(size),
                at + rnd.randrange(-5000, 5000), size - bs * blocks])
            seek = max(0, min(where, size - bs * blocks)) // bs
            at = seek * bs
            self.writes.append((bs, skip, seek, blocks))
        at = 0
        for bs, _, seek, blocks in rnd.sample(self.writes, len(self.writes)):
            # Read about where something was written.
            new_bs = rnd.choice([bs, max(1, bs - 1), bs + 1])
            skip = min(seek * bs // new_bs, size // new_bs - blocks)
            self.reads.append((new_bs, skip, -(-at // new_bs), blocks))
            at = (self.reads[-1][2] + blocks) * new_bs
        self.out_size = (at + 4095) // 4096 * 4096

    def script(self, target='vioblk0', source='vioblk1', out='vioblk2'):
        lines = ['dd if=/dev/%s of=/dev/%s bs=%d skip=%d seek=%d count=%d '
            '2>/dev/null || echo FAILED %d' % (source, target, *w, i)
            for i, w in enumerate(self.writes)]
        lines += ['dd if=/dev/%s of=/dev/%s bs=%d skip=%d seek=%d count=%d '
            '2>/dev/null || echo FAILED read %d' % (target, out, *r, i)
            for i, r in enumerate(self.reads)]
        return ('\n'.join(lines) + '\necho copies made\n').encode()

    def check(self, target, out, tmp_path, size):
        expected = tmp_path / 'expected.img'
        with open(expected, 'w+b') as f:
            f.truncate(size)
            for bs, skip, seek, blocks in self.writes:
                f.seek(seek * bs)
                f.write(self.source[skip * bs:(skip + blocks) * bs])
            wanted = bytearray(self.out_size)
            for bs, skip, seek, blocks in self.reads:
                f.seek(skip * bs)
                wanted[seek * bs:(seek + blocks) * bs] = f.read(bs * blocks)
        fmt = 'qcow2' if target.suffix == '.qcow2' else 'raw'
        r = subprocess.run(['qemu-img', 'compare', '-f', fmt, '-F', 'raw',
            target, expected], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr
        got = out.read_bytes()
        differ = next((i for i in range(len(wanted))
            if wanted[i] != got[i]), None) if got != wanted else None
        assert differ is None, f'read: byte {differ} differs'


def run_copies(boot, image, tmp_path, copies, size, name='big.img',
        device='', args=(), timeout=240, flags='0x0', **more):
    target = image(name, size)
    source = image('source.img', copies.source)
    out = image('out.img', copies.out_size)
    root = make_root(tmp_path / 'r.cpio', {'/etc/copies': copies.script()})
    text, status = boot(*args, disk(target, 'big', device),
        disk(source, 'src', device), disk(out, 'out', device),
        initrd=root, append=f'virtio.flags={flags} -- sh /etc/copies',
        timeout=timeout, **more)
    assert 'FAILED' not in text and '\ncopies made\n' in text
    assert status == 0
    copies.check(target, out, tmp_path, size)
    return text


@pytest.mark.needs('qemu-img')
@pytest.mark.parametrize('name, flags', [('big.img', '0x4'),
    ('big.qcow2', '0x0')])
def test_eight_gigabytes_at_odd_places(boot, image, tmp_path, name, flags):
    text = run_copies(boot, image, tmp_path, Copies(7, 120, BIG), BIG, name,
        flags=flags)
    assert re.search(r'^vioblk0 at virtio0: 8192 MB, 512 bytes/sector',
        text, re.M)


RINGS = [
    'packed=off,indirect_desc=off,event_idx=off',
    'packed=off,indirect_desc=off,event_idx=on',
    'packed=off,indirect_desc=on,event_idx=off',
    'packed=off,indirect_desc=on,event_idx=on',
    'packed=on',
    'disable-modern=on',
    'disable-modern=on,indirect_desc=off,event_idx=off',
    'disable-legacy=on',
    'vectors=0',
    'vectors=0,disable-legacy=on',
    'queue-size=4',
    'queue-size=4,indirect_desc=off',
    'queue-size=16',
    'queue-size=16,indirect_desc=off,event_idx=off',
    'queue-size=256',
    'queue-size=1024',
    'queue-size=1024,disable-legacy=on,indirect_desc=off',
    'num-queues=1',
    'num-queues=4,vectors=5',
    'config-wce=off,write-cache=off',
    'logical_block_size=4096,physical_block_size=4096',
    'physical_block_size=4096',
    'seg-max-adjust=off,queue-size=128',
]


@pytest.mark.needs('qemu-img')
@pytest.mark.parametrize('device', drivable(RINGS))
def test_each_kind_of_ring_keeps_every_byte(boot, image, tmp_path, device):
    size = 1 << 30
    run_copies(boot, image, tmp_path, Copies(len(device), 24, size), size,
        device=device)


@pytest.mark.needs('qemu-img')
@pytest.mark.parametrize('place', [
    {'machine': BOARDS[1]},
    # Not microvm: QEMU puts an initrd over the end of its DSDT there, and
    # without that the PCI bus cannot be found.
    {'device': 'bus=b%d', 'args': [' '.join('-device pcie-root-port,id=b%d,'
        'chassis=%d' % (i, i) for i in range(3))]},
    {'smp': 2, 'device': 'num-queues=2'},
    {'mem': '32M'},
    {'mem': '6G'},
], ids=['board', 'root-port', 'smp', '32M', '6G'])
def test_each_machine_keeps_every_byte(boot, image, tmp_path, place):
    size = 1 << 30
    copies = Copies(3, 24, size)
    if 'args' not in place:
        run_copies(boot, image, tmp_path, copies, size, **place)
        return
    target, source = image('t.img', size), image('s.img', copies.source)
    out = image('o.img', copies.out_size)
    root = make_root(tmp_path / 'r.cpio', {'/etc/copies': copies.script()})
    text, status = boot(*place['args'], disk(target, 't', 'bus=b0'),
        disk(source, 's', 'bus=b1'), disk(out, 'o', 'bus=b2'), initrd=root,
        append='-- sh /etc/copies')
    assert status == 0 and 'FAILED' not in text
    copies.check(target, out, tmp_path, size)


def test_a_transfer_larger_than_any_request(boot, image):
    data = random.Random(5).randbytes(9 << 20)
    a, b = image('a.img', data), image('b.img', len(data))
    text, status = boot(disk(a, 'a'), disk(b, 'b'),
        append='-- dd if=/dev/vioblk0 of=/dev/vioblk1 bs=3145728')
    assert status == 0
    assert b.read_bytes() == data


def test_requests_side_by_side(start, image):
    data = [random.Random(i).randbytes(2 << 20) for i in range(4)]
    target = image('t.img', 8 << 20)
    g = start(disk(target, 't'), *[disk(image(f's{i}.img', d), f's{i}')
        for i, d in enumerate(data)])
    for i in range(4):
        g.console.send(f'dd if=/dev/vioblk{i + 1} of=/dev/vioblk0 bs=8192 '
            f'seek={i * 256} && echo fi"nis"hed &\n')
    for i in range(4):
        g.console.expect('finished')
    g.kill()
    assert target.read_bytes() == b''.join(data)


def test_several_disks_keep_their_order(start, image):
    names = 'ABCDEFGH'
    g = start(*[disk(image(f'{n}.img', n.encode() * (1 << 20)), n)
        for n in names])
    for i, n in enumerate(names):
        assert g.output(f'head -c 5 /dev/vioblk{i}; echo') == n * 5 + '\n'


def test_the_serial_number_is_shown(start, image):
    g = start(disk(image('d.img', 1 << 20), device='serial=PV-0123456789'))
    out, status = g.run('sysctl hw.vioblk0.serial')
    assert 'PV-0123456789' in out + g.text()


def test_a_serial_number_of_all_twenty_bytes(start, image):
    serial = 'ABCDEFGHIJKLMNOPQRST'
    g = start(disk(image('d.img', 1 << 20), device=f'serial={serial}'))
    out, status = g.run('sysctl hw.vioblk0.serial')
    assert serial in out + g.text()


def test_a_disk_without_a_serial_number(start, image):
    g = start(disk(image('d.img', 1 << 20)))
    g.output('head -c 512 /dev/vioblk0 > /dev/null')


# The end of a disk.

def test_reading_past_the_end_gives_what_there_is(start, image):
    data = random.Random(9).randbytes(100 * 512)
    out = image('o.img', 64 << 10)
    g = start(disk(image('d.img', data), 'd'), disk(out, 'o'))
    # A block that the end cuts, one just behind it, one far away.
    g.run('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=4096 skip=12 count=1')
    for skip in 100, 101, 5000000000:
        text, status = g.run(f'dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512 '
            f'skip={skip} count=1 seek=64')
    assert g.run('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=1 skip=51199 '
        'seek=40000 count=2')[1] in (0, 1)
    g.output('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512 count=1 seek=100')
    g.kill()
    got = out.read_bytes()
    # Short or refused, but nothing else.
    assert got[:2048] in (data[12 * 4096:], bytes(2048))
    assert not any(got[2048:40000])
    assert got[40000] == data[51199] and not any(got[40001:51200])
    assert got[51200:51712] == data[:512]


def test_writing_past_the_end_fails_and_changes_nothing(start, image):
    data = random.Random(9).randbytes(128 * 512)
    target = image('t.img', bytes(100 * 512))
    g = start(disk(target, 't'), disk(image('s.img', data), 's'))
    for place in ('seek=100 count=1 bs=512', 'seek=101 count=1 bs=512',
            'seek=5000000000 count=1 bs=512', 'seek=51200 count=1 bs=1'):
        out, status = g.run(
            f'dd if=/dev/vioblk1 of=/dev/vioblk0 {place}')
        assert status != 0, place
    # One that the end cuts is written as far as it goes, or not at all.
    assert g.run('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=4096 seek=12 '
        'count=1')[1] != 0
    g.output('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=512 count=1')
    g.kill()
    got = target.read_bytes()
    assert len(got) == 51200
    assert got[:512] == data[:512] and not any(got[512:12 * 4096])
    assert got[12 * 4096:] in (data[:2048], bytes(2048))


def test_a_read_only_disk_refuses_writes(start, image):
    data = random.Random(9).randbytes(64 << 10)
    target = image('t.img', data)
    g = start(disk(target, 't', **{'read-only': 'on'}))
    out, status = g.run('echo overwritten > /dev/vioblk0')
    assert status != 0
    out, status = g.run('dd if=/dev/zero of=/dev/vioblk0 bs=512 count=1')
    assert status != 0
    g.output('head -c 512 /dev/vioblk0 > /dev/null')
    g.kill()
    assert target.read_bytes() == data


# Disks that fail.

def failing(path, node, event, sector, once):
    """A disk on which a request that touches the sector gets EIO."""
    return ['-blockdev', f'driver=blkdebug,node-name={node},'
        f'image.driver=file,image.filename={path},inject-error.0.event=none,'
        f'inject-error.0.iotype={event},inject-error.0.errno=5,'
        f'inject-error.0.sector={sector},inject-error.0.once={once}',
        '-device', f'virtio-blk-pci,drive={node},rerror=report,'
        'werror=report']


@pytest.mark.parametrize('once', ['on', 'off'])
def test_a_failed_read_is_an_error_and_the_next_works(start, image, once):
    data = random.Random(9).randbytes(1 << 20)
    out_image = image('o.img', 64 << 10)
    g = start(failing(image('d.img', data), 'd', 'read', 800, once),
        disk(out_image, 'o'))
    out, status = g.run('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512 '
        'skip=800 count=1')
    assert status != 0 and 'nput/output error' in out
    if once == 'on':
        g.output('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512 skip=800 '
            'count=1')
    else:
        assert g.run('head -c 500000 /dev/vioblk0 > /dev/null')[1] != 0
    g.output('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512 skip=801 seek=1 '
        'count=10')
    g.kill()
    got = out_image.read_bytes()
    assert got[512:11 * 512] == data[801 * 512:811 * 512]
    if once == 'on':
        assert got[:512] == data[800 * 512:801 * 512]


@pytest.mark.parametrize('once', ['on', 'off'])
def test_a_failed_write_is_an_error_and_the_next_works(start, image, once):
    data = random.Random(9).randbytes(64 << 10)
    target = image('t.img', 1 << 20)
    g = start(failing(target, 'd', 'write', 800, once),
        disk(image('s.img', data), 's'))
    out, status = g.run('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=512 '
        'seek=800 count=1')
    assert status != 0 and 'nput/output error' in out
    again = g.run('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=512 seek=800 '
        'count=1')
    assert (again[1] == 0) == (once == 'on')
    g.output('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=512 seek=801 count=10')
    g.kill()
    got = target.read_bytes()
    assert got[801 * 512:811 * 512] == data[:10 * 512]
    if once == 'on':
        assert got[800 * 512:801 * 512] == data[:512]


def test_a_disk_of_no_size_does_not_stop_the_boot(start, image):
    g = start(disk(image('zero.img', 0), 'z'),
        disk(image('d.img', b'good' * 1024), 'd'))
    assert re.search(r'^vioblk0\b', g.text(), re.M)
    g.run('dd if=/dev/vioblk0 of=/dev/null bs=512 count=1')
    assert g.run('dd if=/dev/zero of=/dev/vioblk0 bs=512 count=1')[1] != 0
    assert g.output('head -c 4 /dev/vioblk1; echo') == 'good\n'


def test_a_disk_of_one_sector(start, image):
    g = start(disk(image('d.img', b'x' * 512), 'd'))
    assert g.output('cat /dev/vioblk0; echo') == 'x' * 512 + '\n'


def test_blocks_of_4096_bytes_are_told_and_used(start, image):
    data = random.Random(4).randbytes(1 << 20)
    target = image('t.img', data)
    g = start(disk(target, 't', 'logical_block_size=4096,'
        'physical_block_size=4096'), disk(image('s.img', b'odd' * 512), 's'))
    assert re.search(r'^vioblk0 at virtio0: 1 MB, 4096 bytes/sector',
        g.text(), re.M)
    g.output('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=3 seek=33333 count=5')
    g.kill()
    expected = bytearray(data)
    expected[99999:100014] = b'odd' * 5
    assert target.read_bytes() == bytes(expected)


def test_a_slow_disk_is_waited_for(boot, image):
    data = random.Random(4).randbytes(256 << 10)
    a, b = image('a.img', data), image('b.img', len(data))
    text, status = boot('-object throttle-group,id=slow,x-iops-total=40',
        blockdev(a, 'raw'), ['-blockdev',
        'driver=throttle,node-name=t,throttle-group=slow,file=raw',
        '-device', 'virtio-blk-pci,drive=t'], disk(b, 'b'),
        append='-- dd if=/dev/vioblk0 of=/dev/vioblk1 bs=4096')
    assert status == 0
    assert b.read_bytes() == data


@pytest.mark.needs('qemu-img')
def test_what_was_written_is_there_after_a_boot(boot, image):
    path = image('d.qcow2', 1 << 30)
    text, status = boot(disk(path),
        append='-- echo remember me > /dev/vioblk0')
    assert status == 0
    text, status = boot(disk(path), append='-- head -n 1 /dev/vioblk0')
    assert '\nremember me\n' in text and status == 0


def test_a_resized_disk_is_no_harm(start, image):
    path = image('d.img', 1 << 20)
    g = start(disk(path, 'd'))
    g.qmp.command('block_resize', **{'node-name': 'd', 'size': 2 << 20})
    # not in the middle of what is typed next
    g.console.expect('vioblk0: capacity is now 2 MB')
    assert g.output('head -c 1 /dev/vioblk0 | hexdump -C') != ''
    assert os.path.getsize(path) == 2 << 20
