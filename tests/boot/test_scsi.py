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

"""What only SCSI has: many units on a bus, units that come and go while the
guest runs, CDs and what becomes of them."""

import random
import re
import time

import pytest

from disks import SD, ask, disk_root, info, read_byte
from guest import GuestError, blockdev

SIZE = 8 << 20

# test_disks.py has the other machines.
pytestmark = pytest.mark.arch('amd64')
BUS = '-device virtio-scsi-pci,id=scsi0'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('scsi'))


def nodes(g, driver='sd'):
    """The whole disks of a driver that have nodes."""
    return sorted(int(n) for n in
        re.findall(rf'\b{driver}(\d+)\b', g.output('ls /dev')))


def wait_nodes(g, wanted, driver='sd', timeout=10):
    end = time.monotonic() + timeout
    while nodes(g, driver) != wanted:
        if time.monotonic() > end:
            raise GuestError(f'{driver}: {nodes(g, driver)}, not {wanted}:\n'
                + g.console.tail())
        time.sleep(0.2)


# Units.

def unit(path, node, place, more=''):
    return blockdev(path, node) + ['-device',
        f'scsi-hd,drive={node},{place}{more}']


PLACES = ['scsi-id=0,lun=0', 'scsi-id=0,lun=1', 'scsi-id=0,lun=300',
    'scsi-id=7,lun=0', 'scsi-id=200,lun=3', 'scsi-id=255,lun=16383']


@pytest.fixture
def units(start, root, image):
    """A guest with a unit at each place, which has its number's letter."""
    def run(places):
        return start(BUS, *[unit(image(f'u{i}.img',
            bytes([ord('A') + i]) * SIZE), f'u{i}', place)
            for i, place in enumerate(places)], initrd=root)

    return run


def test_each_unit_has_a_node(units):
    g = units(PLACES)
    assert nodes(g) == list(range(len(PLACES)))


def test_each_node_is_another_unit(units):
    g = units(PLACES)
    seen = {g.output(f'head -c 1 /dev/sd{n}; echo').strip()
        for n in range(len(PLACES))}
    assert seen == {chr(ord('A') + i) for i in range(len(PLACES))}


@pytest.mark.parametrize('place', PLACES)
def test_a_unit_says_where_it_is(units, place):
    g = units([place])
    target, lun = re.match(r'scsi-id=(\d+),lun=(\d+)', place).groups()
    assert re.search(rf'^sd0 at scsibus0 targ {target} lun {lun}: ',
        g.text(), re.M), g.text()


def test_a_unit_far_away_keeps_every_block(units):
    g = units(['scsi-id=3,lun=300'])
    g.output('diskbench verify /dev/sd0 engine=aio depth=32 rw=mixed')


def test_units_are_used_side_by_side(units):
    g = units(PLACES[:4])
    text = g.output(' & '.join(f'diskbench verify /dev/sd{n} engine=aio '
        f'depth=16 seed={n + 1} bs=16k rw=mixed' for n in range(4)) +
        ' & wait')
    assert text.count('verify ok') == 4, text


def test_two_buses(start, root, image):
    g = start('-device virtio-scsi-pci,id=a -device virtio-scsi-pci,id=b',
        unit(image('a.img', b'A' * SIZE), 'a', 'bus=a.0'),
        unit(image('b.img', b'B' * SIZE), 'b', 'bus=b.0'), initrd=root)
    assert [read_byte(g, f'/dev/sd{n}', 0, 4096) for n in range(2)] == \
        [ord('A'), ord('B')]


# Units that come and go.

def plug(g, path, number):
    node = f'n{number}'
    g.qmp.command('blockdev-add', **{'driver': 'raw', 'node-name': node,
        'file': {'driver': 'file', 'filename': str(path),
        'locking': 'off'}})
    g.qmp.command('device_add', driver='scsi-hd', drive=node,
        id=f'hd{number}', bus='scsi0.0', **{'scsi-id': number})
    g.console.expect(f'sd\\d+ at scsibus0 targ {number} lun 0: [^\n]*\n')


def unplug(g, number):
    """Waits for what the guest says, lest it be in the middle of a line."""
    g.qmp.command('device_del', id=f'hd{number}')
    g.console.expect('[sc]d\\d+: detached\r?\n')


@pytest.fixture
def hot(start, root, image):
    def run(count=0):
        g = start(BUS, *[unit(image(f'h{i}.img', bytes([65 + i]) * SIZE),
            f'n{i}', f'id=hd{i},scsi-id={i}') for i in range(count)],
            initrd=root)
        return g

    return run


def test_a_unit_that_comes_has_a_node(hot, image):
    g = hot()
    plug(g, image('new.img', b'N' * SIZE), 5)
    wait_nodes(g, [0])
    assert read_byte(g, '/dev/sd0', 0, SIZE) == ord('N')


def test_a_unit_that_goes_has_no_node(hot):
    g = hot(2)
    unplug(g, 1)
    wait_nodes(g, [0])
    assert read_byte(g, '/dev/sd0', 0, SIZE) == ord('A')


def test_a_unit_may_come_again(hot, image):
    g = hot()
    for turn in range(4):
        plug(g, image(f'{turn}.img', bytes([48 + turn]) * SIZE), turn)
        wait_nodes(g, [0])
        assert read_byte(g, '/dev/sd0', 0, 4096) == 48 + turn
        unplug(g, turn)
        wait_nodes(g, [])


def test_who_has_a_unit_open_that_went_gets_errors(hot):
    g = hot(1)
    g.console.send('sh -c "sleep 2; head -c 512 > /dev/null && echo it is '
        'the" "re" < /dev/sd0\n')
    time.sleep(0.5)
    unplug(g, 0)
    time.sleep(2.5)
    assert nodes(g) == []
    assert 'it is there' not in g.text()


@pytest.mark.parametrize('rw', ['read', 'write'])
def test_a_unit_may_go_under_load(hot, rw):
    """What is on its way ends, well or not; the other one goes on."""
    g = hot(2)
    g.console.send(f'diskbench bench /dev/sd1 engine=aio depth=32 rw={rw} '
        'seconds=4; echo en"ded"\n')
    time.sleep(1)
    unplug(g, 1)
    g.console.expect('^ended', timeout=30)
    g.wait_shell()
    wait_nodes(g, [0])
    g.output('diskbench verify /dev/sd0 engine=aio depth=16 size=1m')


def test_units_come_and_go_beside_one_in_use(hot, image):
    g = hot(1)
    g.console.send('diskbench verify /dev/sd0 engine=aio depth=16 '
        'rounds=20\n')
    for turn in range(5):
        plug(g, image(f'{turn}.img', SIZE), 1)
        time.sleep(0.2)
        unplug(g, 1)
        time.sleep(0.3)
        # a node of QEMU's is free when the device is
        for _ in range(50):
            try:
                g.qmp.command('blockdev-del', **{'node-name': 'n1'})
                break
            except GuestError:
                time.sleep(0.1)
    g.console.expect('verify (ok|FAILED)[^\n]*\n', timeout=60)
    assert 'verify ok' in g.text()


def test_nothing_is_left_of_units_that_went(hot, image):
    g = hot()
    free = []
    for turn in range(6):
        plug(g, image(f'{turn}.img', SIZE), turn)
        wait_nodes(g, [0])
        unplug(g, turn)
        wait_nodes(g, [])
        free.append(int(re.search(r'=(\d+)', g.output('sysctl vm.free'))[1]))
    assert free[-1] >= free[1] - 16384, free


# CDs.

DATA = random.Random(11).randbytes(64) * (1 << 14)	# 1 MB
CD = '-device scsi-cd,id=cd,scsi-id=1'


@pytest.fixture
def cd(start, root, image):
    """A guest with a CD, or an empty drive."""
    def run(data=DATA):
        if data is None:
            return start(BUS, CD, initrd=root)
        return start(BUS, blockdev(image('cd.iso', data), 'c0',
            **{'read-only': 'on'}), CD + ',drive=c0', initrd=root)

    return run


def change(g, path):
    g.qmp.command('blockdev-change-medium', id='cd', filename=str(path),
        format='raw')
    settle(g)


def take_out(g):
    g.qmp.command('eject', id='cd', force=True)
    settle(g)


def settle(g):
    """Until the guest has said of it what it says."""
    seen = None
    while seen != g.text():
        seen = g.text()
        time.sleep(0.3)


def read_start(g, node='/dev/cd0', timeout=20):
    """Waits until there is something; the first bytes."""
    end = time.monotonic() + timeout
    while True:
        out, status = g.run(f'head -c 8 {node}')
        if status == 0 and len(out) >= 8:
            return out[-8:]
        if time.monotonic() > end:
            raise GuestError(f'nothing to read:\n{g.console.tail()}')
        time.sleep(0.3)


TEXT = b'medium-%d'


def medium(n):
    return (TEXT % n) * (SIZE // 8)


def test_a_cd_is_read(cd):
    told = info(cd(), '/dev/cd0')
    assert told['size'] == str(len(DATA)) and told['logical'] == '2048'


def test_a_cd_has_what_is_on_it(start, root, image):
    out = image('out.img', len(DATA))
    g = start(BUS, blockdev(image('cd.iso', DATA), 'c0',
        **{'read-only': 'on'}), CD + ',drive=c0', unit(out, 'o', 'scsi-id=2'),
        initrd=root)
    for args in 'bs=2048', 'bs=65536', 'bs=3000':
        g.output(f'dd if=/dev/cd0 of=/dev/sd0 {args}')
    g.kill()
    assert out.read_bytes() == DATA


def test_a_cd_cannot_be_written(cd):
    g = cd()
    assert g.run('echo something > /dev/cd0')[1] != 0


def test_a_cd_in_part_blocks(cd):
    g = cd(medium(3))
    out = g.output('dd if=/dev/cd0 bs=7 skip=1001 count=1')
    assert medium(3)[7007:7014].decode() in out


def test_an_empty_drive_has_no_medium(cd):
    g = cd(None)
    assert nodes(g, 'cd') == [0]
    out, status = g.run('head -c 1 /dev/cd0')
    assert status != 0 and ('medium' in out.lower() or 'rror' in out)


def test_an_empty_drive_says_so(cd):
    assert ask(cd(None), 'tray /dev/cd0') in (1, 2)


def test_a_medium_that_is_put_in_is_read(cd, image):
    g = cd(None)
    change(g, image('one.iso', medium(1)))
    assert read_start(g) == 'medium-1'


def test_a_medium_that_is_changed_is_read(cd, image):
    g = cd(medium(1))
    assert read_start(g) == 'medium-1'
    for n in 2, 3, 4:
        change(g, image(f'{n}.iso', medium(n)))
        end = time.monotonic() + 10
        while (seen := read_start(g)) != f'medium-{n}':
            assert time.monotonic() < end, seen
            time.sleep(0.3)


def test_a_changed_medium_has_its_own_size(cd, image):
    g = cd(medium(1))
    change(g, image('two.iso', medium(2)[:1 << 20]))
    end = time.monotonic() + 10
    while True:
        out, status = g.run('diskctl info /dev/cd0')
        if f'\nsize={1 << 20}\n' in out:
            return
        assert time.monotonic() < end, out
        time.sleep(0.3)


def test_a_medium_that_is_taken_out_is_gone(cd):
    g = cd(medium(1))
    assert read_start(g) == 'medium-1'
    take_out(g)
    end = time.monotonic() + 10
    while g.run('head -c 8 /dev/cd0')[1] == 0:
        assert time.monotonic() < end
        time.sleep(0.3)


def test_a_medium_that_goes_while_it_is_read_ends_the_reading(cd):
    """With an error or at its end, but it ends."""
    g = cd(medium(1))
    g.console.send('diskbench bench /dev/cd0 bs=2k engine=aio depth=8 '
        'seconds=3; echo en"ded"\n')
    time.sleep(1)
    g.qmp.command('eject', id='cd', force=True)
    g.console.expect('^ended', timeout=30)


def test_a_medium_that_came_back_is_read(cd, image):
    g = cd(medium(1))
    assert read_start(g) == 'medium-1'
    take_out(g)
    g.run('head -c 8 /dev/cd0')
    change(g, image('five.iso', medium(5)))
    end = time.monotonic() + 10
    while (seen := read_start(g)) != 'medium-5':
        assert time.monotonic() < end, seen
        time.sleep(0.3)


def test_the_guest_opens_the_tray(cd):
    g = cd(medium(1))
    g.qmp.command('query-status')	# events come from now on
    assert ask(g, 'tray /dev/cd0') == 4
    assert ask(g, 'eject /dev/cd0') == 0
    event = g.qmp.wait_event('DEVICE_TRAY_MOVED')
    assert event['data']['tray-open']
    assert ask(g, 'tray /dev/cd0') in (1, 2)


def test_the_guest_closes_the_tray(cd):
    g = cd(medium(1))
    assert ask(g, 'eject /dev/cd0') == 0
    assert ask(g, 'close /dev/cd0') == 0
    assert read_start(g) == 'medium-1'


def test_a_tray_that_is_locked_stays_closed(cd):
    g = cd(medium(1))
    g.console.send('diskctl lock /dev/cd0\n')
    g.console.expect('^result=0\r?\n')
    with pytest.raises(GuestError, match='locked'):
        g.qmp.command('eject', id='cd')
    g.console.send('\n')
    g.wait_shell()
    assert read_start(g) == 'medium-1'


def test_a_drive_comes_and_goes(hot):
    g = hot()
    g.qmp.command('device_add', driver='scsi-cd', id='hd9', bus='scsi0.0')
    g.console.expect('cd0 at scsibus0 targ [^\n]*\n')
    wait_nodes(g, [0], 'cd')
    unplug(g, 9)
    wait_nodes(g, [], 'cd')


def test_a_cd_has_a_driver_of_its_own(cd):
    g = cd()
    assert nodes(g) == [] and nodes(g, 'cd') == [0]
    assert SD.node not in g.output('cat /proc/partitions')
