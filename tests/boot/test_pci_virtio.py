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

"""The virtio transport over PCI: which interface is chosen, how interrupts
come, and devices behind bridges."""

import re

import pytest

from guest import ARCH, BIG_ENDIAN, BOARDS, disk, drivable, make_root

PATTERN = bytes(range(256)) * 16

# -device's options, virtio.flags, the interface that is chosen; None: the
# device is given up.
CHOICES = [
    ('', '0x0', '0.9'),
    ('', '0x4', '1.x'),
    ('', '0x8', '0.9'),
    ('', '0xc', '0.9'),
    ('disable-modern=on', '0x0', '0.9'),
    ('disable-modern=on', '0x4', '0.9'),
    ('disable-modern=on', '0x8', '0.9'),
    ('disable-legacy=on', '0x0', '1.x'),
    ('disable-legacy=on', '0x4', '1.x'),
    ('disable-legacy=on', '0x8', None),
]


def virtio_lines(text):
    return re.findall(r'^virtio\d+ at pci\d+ dev \d+ function \d+: '
        r'1af4:10[0-9a-f]{2} .*$', text, re.M)


@pytest.mark.parametrize('machine', BOARDS[:2])
@pytest.mark.parametrize('options, flags, chosen', CHOICES)
def test_flags_choose_the_interface(start, image, machine, options, flags,
        chosen):
    if BIG_ENDIAN and chosen == '0.9':
        forbidden = 'disable-modern' in options or int(flags, 0) & 8
        chosen = None if forbidden else '1.x'
    g = start(disk(image('d.img', PATTERN), device=options), machine=machine,
        append=f'virtio.flags={flags}')
    if chosen is None:
        assert 'vioblk0 at ' not in g.text()
        assert re.search(r'^virtio0.*', g.text(), re.M)
        return
    lines = virtio_lines(g.text())
    assert len(lines) == 1 and lines[0].endswith(f' Block Device, {chosen}')
    assert chosen == '0.9' or '1af4:1042' in lines[0] or \
        '1af4:1001' in lines[0]
    out = g.output('head -c 4096 /dev/vioblk0 | hexdump -C | head -n 2')
    assert '00 01 02 03 04 05 06 07' in out


def test_sysctl_shows_what_was_negotiated(start, image):
    g = start(disk(image('d.img', PATTERN)), append='virtio.flags=0x4')
    tree = {}
    for name in ('driver', 'transport', 'status', 'host_features',
            'features', 'queues', 'interrupts', 'notifications'):
        match = re.fullmatch(rf'hw\.virtio\.0\.{name}[=:] ?(.*)\n',
            g.output(f'sysctl hw.virtio.0.{name}'))
        assert match, name
        tree[name] = match[1]
    assert tree['driver'] == 'vioblk0'
    offered = set(tree['host_features'].split(','))
    taken = set(tree['features'].split(','))
    assert taken <= offered
    assert 'VERSION_1' in {f.upper() for f in taken}
    g.output('head -c 4096 /dev/vioblk0 > /dev/null')
    again = g.output('sysctl hw.virtio.0.interrupts')
    assert re.search(r'[1-9]\d*\n$', again)


@pytest.mark.parametrize('machine', BOARDS)
def test_sysctl_shows_shared_memory(start, machine):
    """A region of a GPU's, and none of a device that has none."""
    g = start('-device virtio-gpu-pci,hostmem=64M,addr=5 '
        '-device virtio-rng-pci,addr=6', machine=machine)
    region = g.output('sysctl hw.virtio.0.shm')
    assert re.search(r'[=:] ?1:0x[0-9a-f]+\+0x4000000\n', region), region
    assert re.fullmatch(r'hw\.virtio\.1\.shm[=:] ?\n',
        g.output('sysctl hw.virtio.1.shm'))


@pytest.mark.parametrize('machine', BOARDS)
@pytest.mark.parametrize('vectors', [0, 1, 2, 3, 8])
@pytest.mark.parametrize('flags', ['0x0', '0x4'])
def test_any_number_of_vectors(start, image, machine, vectors, flags):
    g = start(disk(image('a.img', PATTERN), 'a', f'vectors={vectors}'),
        disk(image('b.img', 4096), 'b', f'vectors={vectors},num-queues=4'),
        f'-device virtio-rng-pci,vectors={vectors} '
        f'-device virtio-serial-pci,vectors={vectors}',
        machine=machine, append=f'virtio.flags={flags}')
    g.output('dd if=/dev/vioblk0 of=/dev/vioblk1 bs=1000')
    out = g.output('hexdump -C /dev/vioblk1 | head -n 1')
    assert '00 01 02 03 04 05 06 07' in out
    g.output('head -c 100 /dev/hwrng > /dev/null')


def bridges(kind):
    """Arguments for a bridge with the bus b behind it."""
    return {
        'pcie-root-port':
            '-device pcie-root-port,id=b,chassis=1',
        'pcie-root-port of two':
            '-device pcie-root-port,id=a,chassis=1,addr=5.0,'
            'multifunction=on '
            '-device pcie-root-port,id=b,chassis=2,addr=5.1',
        'pcie switch':
            '-device pcie-root-port,id=r,chassis=1 '
            '-device x3130-upstream,id=u,bus=r '
            '-device xio3130-downstream,id=b,bus=u,chassis=2',
        'pci-bridge':
            '-device pci-bridge,id=b,chassis_nr=1',
        'pci-bridge behind pci-bridge':
            '-device pci-bridge,id=a,chassis_nr=1 '
            '-device pci-bridge,id=b,bus=a,chassis_nr=2,addr=3',
        'pcie-pci-bridge':
            '-device pcie-root-port,id=r,chassis=1 '
            '-device pcie-pci-bridge,id=b,bus=r',
    }[kind]


KINDS = ['pcie-root-port', 'pcie-root-port of two', 'pcie switch',
    'pci-bridge', 'pcie-pci-bridge']
PLACES = [('q35', kind) for kind in KINDS] + [
    ('pc', 'pci-bridge'),
    ('pc', 'pci-bridge behind pci-bridge'),
    ('microvm,pcie=on', 'pcie-root-port'),
] if ARCH == 'amd64' else [(m, kind) for m in BOARDS for kind in KINDS
    # QEMU refuses PCI Express ports where nothing takes messages.
    if kind == 'pci-bridge' or 'its=off' not in m]


@pytest.mark.parametrize('vectors', [0, 3])
@pytest.mark.parametrize('machine, kind', PLACES)
def test_a_disk_behind_a_bridge(start, image, machine, kind, vectors):
    place = 'bus=b' + (',addr=2' if 'pci-bridge' in kind else '')
    g = start(bridges(kind), disk(image('d.img', PATTERN), 'd0',
        f'{place},vectors={vectors}'), machine=machine)
    lines = virtio_lines(g.text())
    assert len(lines) == 1 and ' at pci0 ' not in lines[0]
    assert re.search(r'^pci1 at \w+', g.text(), re.M)
    out = g.output('hexdump -C /dev/vioblk0 | head -n 1')
    assert '00 01 02 03 04 05 06 07' in out


def test_a_transitional_disk_behind_a_root_port(start, image):
    g = start(bridges('pcie-root-port'), disk(image('d.img', PATTERN), 'd0',
        'bus=b,disable-legacy=off'))
    out = g.output('hexdump -C /dev/vioblk0 | head -n 1')
    assert '00 01 02 03 04 05 06 07' in out


@pytest.mark.parametrize('options', drivable(['page-per-vq=on',
    'modern-pio-notify=on', 'iommu_platform=on,disable-legacy=on',
    'ats=on,disable-legacy=on', 'packed=on,disable-legacy=on',
    'queue_reset=off', 'any_layout=off,disable-modern=on',
    'notify_on_empty=off,disable-modern=on',
    'event_idx=off,indirect_desc=off,disable-modern=on']))
def test_transport_options(start, image, options):
    g = start(disk(image('d.img', PATTERN), device=options),
        append='virtio.flags=0x4')
    out = g.output('hexdump -C /dev/vioblk0 | head -n 1')
    assert '00 01 02 03 04 05 06 07' in out


@pytest.mark.parametrize('machine', BOARDS[:2])
def test_what_nothing_drives_is_printed_once(boot, machine):
    text, status = boot('-device edu,addr=9 -device virtio-balloon-pci,addr=a',
        machine=machine, append='-- true')
    lines = [l for l in text.splitlines() if 'not configured' in l]
    assert len([l for l in lines if 'dev 9 function 0' in l]) == 1
    assert len(lines) == len(set(lines))
    assert re.search(r'^virtio0 at pci0 dev 10 function 0', text, re.M)
    assert status == 0


def test_many_devices_on_few_interrupt_lines(start, image):
    disks = [disk(image(f'{i}.img', PATTERN), f'd{i}', 'vectors=0')
        for i in range(12)]
    g = start(*disks, machine=BOARDS[1])
    for i in range(12):
        out = g.output(f'hexdump -C /dev/vioblk{i} | head -n 1')
        assert '00 01 02 03 04 05 06 07' in out


def test_many_devices_with_many_vectors(start, image):
    disks = [disk(image(f'{i}.img', PATTERN), f'd{i}',
        'vectors=65,num-queues=64') for i in range(12)]
    g = start(*disks, mem='256M')
    for i in range(12):
        out = g.output(f'hexdump -C /dev/vioblk{i} | head -n 1')
        assert '00 01 02 03 04 05 06 07' in out


def test_functions_of_one_device(start, image):
    disks = [disk(image(f'{i}.img', PATTERN), f'd{i}',
        f'addr=7.{i},multifunction=on') for i in range(4)]
    g = start(*disks)
    for i in range(4):
        assert f' at pci0 dev 7 function {i}: ' in g.text()
        out = g.output(f'hexdump -C /dev/vioblk{i} | head -n 1')
        assert '00 01 02 03 04 05 06 07' in out


def test_interrupts_go_on_under_load(start, tmp_path, image):
    """A thousand requests of each kind of interrupt, with output between."""
    script = b'i=x\n' + b'dd if=/dev/vioblk0 of=/dev/vioblk1 bs=512\n' * 10
    root = make_root(tmp_path / 'r.cpio', {'/etc/load': script})
    for vectors in 0, 2:
        a = image(f'a{vectors}.img', PATTERN * 12)
        b = image(f'b{vectors}.img', len(PATTERN) * 12)
        g = start(disk(a, 'a', f'vectors={vectors}'),
            disk(b, 'b', f'vectors={vectors}'), initrd=root)
        g.output('sh /etc/load')
        g.output('echo done > /dev/null')
        g.kill()
        assert a.read_bytes() == b.read_bytes()
