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

"""Partitions: nodes for what a table has, at their places and within their
bounds; what a damaged table leads to.

sfdisk makes the tables; those that it cannot make are put together here."""

import re
import struct
import subprocess
import uuid
import zlib

import pytest

from disks import KINDS, VIOBLK, ask, disk_root, info, read_byte
from guest import disk, sfdisk

SIZE = 32 << 20
MB = 1 << 20

each_kind = pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)
# One of each order of bytes.
pytestmark = [pytest.mark.arch('amd64', 'arm64eb'),
    pytest.mark.needs('sfdisk')]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('partitions'))


def make_table(path, script):
    subprocess.run([sfdisk(), '-q', '--no-reread', '--no-tell-kernel', path],
        input=script, text=True, check=True, capture_output=True)


DOS = 'label: dos\n'
THREE = 'start=2048, size=4096\nstart=8192, size=8192\nstart=20480\n'
GPT = 'label: gpt\nfirst-lba: 34\n' + THREE.replace('start=20480',
    'start=20480, size=20480')
LOGICAL = DOS + 'start=2048, size=4096\n' \
    'start=8192, size=50000, type=5\n' \
    'start=10240, size=4096, type=83\nstart=16384, size=2048, type=83\n' \
    'start=20480, size=20480, type=83\n'


@pytest.fixture
def parted(start, root, image):
    """A guest with a disk of that table; change() may damage it first."""
    def run(table, kind=VIOBLK, change=None, device=''):
        path = image('d.img', SIZE)
        if callable(table):
            with open(path, 'r+b') as f:
                table(f)
        elif table:
            make_table(path, table)
        if change:
            with open(path, 'r+b') as f:
                change(f)
        g = start(*kind.bus, kind.on(path, device=device), initrd=root)
        g.path = path
        return g

    return run


def partitions(g):
    """/proc/partitions: the sizes in KB by name."""
    lines = g.output('cat /proc/partitions').splitlines()
    return {f[3]: int(f[2]) for line in lines
        if len(f := line.split()) == 4 and f[0].isdigit()}


def nodes(g, kind=VIOBLK):
    """The numbers of the partitions that have nodes."""
    return sorted(int(n) for n in
        re.findall(rf'\b{kind.node}0p(\d+)\b', g.output('ls /dev')))


@each_kind
@pytest.mark.parametrize('table', [DOS + THREE, GPT], ids=['dos', 'gpt'])
def test_each_partition_has_a_node(parted, kind, table):
    assert nodes(parted(table, kind), kind) == [1, 2, 3]


@pytest.mark.parametrize('table', [DOS + THREE, GPT], ids=['dos', 'gpt'])
def test_partitions_are_as_large_as_the_table_says(parted, table):
    g = parted(table)
    for n, size in (1, 4096 * 512), (2, 8192 * 512):
        told = info(g, f'/dev/vioblk0p{n}')
        assert told['size'] == told['end'] == str(size)


def test_a_partition_without_a_size_goes_on_to_the_end(parted):
    told = info(parted(DOS + THREE), '/dev/vioblk0p3')
    assert told['size'] == str(SIZE - 20480 * 512)


def test_a_partition_tells_where_it_begins(parted):
    assert info(parted(GPT), '/dev/vioblk0p2')['start'] == '8192'


def test_partitions_are_listed(parted):
    g = parted(GPT)
    assert partitions(g) == {'vioblk0': SIZE // 1024, 'vioblk0p1': 2048,
        'vioblk0p2': 4096, 'vioblk0p3': 10240}


@each_kind
@pytest.mark.parametrize('table', [DOS + THREE, GPT], ids=['dos', 'gpt'])
def test_what_is_written_lies_in_its_partition(parted, kind, table):
    g = parted(table, kind)
    for n in 1, 2:
        node = f'{kind.path()}p{n}'
        assert ask(g, f'write {node} 0 8192 {n}') == 8192
        assert ask(g, f'dwrite {node} 65536 512 {n + 10}') == 512
        ask(g, f'fsync {node}')
    g.kill()
    data = g.path.read_bytes()
    for n, at in (1, 2048 * 512), (2, 8192 * 512):
        assert set(data[at:at + 8192]) == {n}
        assert set(data[at + 65536:at + 66048]) == {n + 10}


@each_kind
def test_a_whole_partition_keeps_every_block_and_no_other_changes(parted,
        kind):
    path = f'{kind.path()}p2'
    g = parted(GPT, kind)
    before = g.path.read_bytes()
    for load in 'bs=4k', 'bs=64k vec=5', 'bs=5000 align=13', 'bs=1m':
        out, status = g.run(f'diskbench verify {path} engine=aio depth=16 '
            f'rw=mixed {load}')
        assert status == 0 and 'verify ok' in out, out
    g.kill()
    after = g.path.read_bytes()
    assert after[:8192 * 512] == before[:8192 * 512]
    assert after[16384 * 512:] == before[16384 * 512:]


# The end of a partition is not in the middle of a disk for who uses it.

@each_kind
@pytest.mark.parametrize('direct', ['', 'd'])
def test_a_write_stops_at_the_end_of_a_partition(parted, kind, direct):
    size = 4096 * 512
    g = parted(DOS + THREE.replace('8192, size', '6144, size'), kind)
    p1, p2 = f'{kind.path()}p1', f'{kind.path()}p2'
    assert ask(g, f'write {p2} 0 8192 7') == 8192
    assert ask(g, f'{direct}write {p1} {size - 4096} 8192 1') == 4096
    assert read_byte(g, p1, size - 4096, 4096) == 1
    assert read_byte(g, p2, 0, 8192) == 7


@pytest.mark.parametrize('at', [0, 1, 512, 1 << 20])
def test_a_write_behind_a_partition_has_no_room(parted, at):
    g = parted(GPT)
    assert ask(g, f'write /dev/vioblk0p1 {4096 * 512 + at} 512 1') == \
        'errno 28'


def test_a_read_stops_at_the_end_of_a_partition(parted):
    g = parted(GPT)
    end = 4096 * 512
    assert ask(g, f'read /dev/vioblk0p1 {end - 1000} 4096') == 1000
    assert ask(g, f'read /dev/vioblk0p1 {end} 4096') == 0


@each_kind
@pytest.mark.parametrize('what', ['discard', 'zeroout'])
def test_no_range_goes_over_the_end_of_a_partition(parted, kind, what):
    g = parted(GPT, kind)
    end = 4096 * 512
    assert ask(g, f'{what} {kind.path()}p1 {end - 4096} 8192') == 'errno 22'
    assert ask(g, f'{what} {kind.path()}p1 {end - 4096} 4096') == 0


def test_zeroes_go_to_their_partition(parted):
    g = parted(GPT)
    for n in 1, 2:
        ask(g, f'write /dev/vioblk0p{n} 0 {MB} 5')
    assert ask(g, f'zeroout /dev/vioblk0p2 4096 8192') == 0
    assert read_byte(g, '/dev/vioblk0p2', 4096, 8192) == 0
    assert read_byte(g, '/dev/vioblk0p2', 0, 4096) == 5
    assert read_byte(g, '/dev/vioblk0p1', 0, MB) == 5


# Tables of other kinds.

def test_logical_partitions_begin_at_five(parted):
    g = parted(LOGICAL)
    assert nodes(g) == [1, 5, 6, 7]
    for n, start, sectors in (5, 10240, 4096), (6, 16384, 2048), \
            (7, 20480, 20480):
        told = info(g, f'/dev/vioblk0p{n}')
        assert told['size'] == str(sectors * 512)
        assert told['start'] == str(start)


def test_what_is_written_lies_in_its_logical_partition(parted):
    g = parted(LOGICAL)
    for n in 5, 6, 7:
        assert ask(g, f'write /dev/vioblk0p{n} 0 4096 {n}') == 4096
    ask(g, 'fsync /dev/vioblk0p5')
    g.kill()
    data = g.path.read_bytes()
    for n, start in (5, 10240), (6, 16384), (7, 20480):
        assert set(data[start * 512:start * 512 + 4096]) == {n}


def gpt(f, block=512, size=SIZE, parts=((256, 511), (1024, 2047))):
    """A GPT with its copy, as it is in UEFI's specification."""
    last = size // block - 1
    entries = b''.join(uuid.UUID(
        '0fc63daf-8483-4772-8e79-3d69d8477de4').bytes_le +
        uuid.UUID(int=n + 1).bytes_le + struct.pack('<QQQ', a, b, 0) +
        f'part {n}'.encode('utf-16-le').ljust(72, b'\0')
        for n, (a, b) in enumerate(parts)).ljust(128 * 128, b'\0')
    rows = -(-len(entries) // block)

    def header(me, other, table):
        def fields(crc):
            return struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000,
                92, crc, 0, me, other, 2 + rows, last - rows - 1,
                uuid.UUID(int=99).bytes_le, table, 128, 128,
                zlib.crc32(entries))
        return fields(zlib.crc32(fields(0)))

    f.write(bytes(446) + struct.pack('<B3sB3sII', 0, b'\0\2\0', 0xee,
        b'\xff' * 3, 1, min(last, 0xffffffff)) + bytes(48) + b'\x55\xaa')
    f.seek(block)
    f.write(header(1, last, 2))
    f.seek(2 * block)
    f.write(entries)
    f.seek((last - rows) * block)
    f.write(entries)
    f.seek(last * block)
    f.write(header(last, 1, last - rows))


def gpt4k(f):
    gpt(f, 4096)


@each_kind
def test_a_gpt_of_large_blocks(parted, kind):
    g = parted(gpt4k, kind, device='logical_block_size=4096,'
        'physical_block_size=4096')
    assert nodes(g, kind) == [1, 2]
    told = info(g, f'{kind.path()}p2')
    assert told['size'] == str(1024 * 4096)
    assert told['start'] == str(1024 * 8)	# in units of 512 bytes


def poke(at, data=b'\xff\xee\xdd\xcc'):
    def change(f):
        f.seek(at)
        f.write(data)

    return change


@pytest.mark.parametrize('at', [512, 512 + 16, 512 + 72, 2 * 512 + 32],
    ids=['signature', 'checksum', 'place', 'entry'])
def test_the_copy_is_used_where_a_gpt_is_damaged(parted, at):
    g = parted(gpt, change=poke(at))
    assert nodes(g) == [1, 2]
    assert info(g, '/dev/vioblk0p2')['start'] == '1024'


def test_a_gpt_is_used_though_its_copy_is_damaged(parted):
    assert nodes(parted(gpt, change=poke(SIZE - 512))) == [1, 2]


def test_a_gpt_that_is_damaged_twice_has_no_partitions(parted):
    def both(f):
        poke(512)(f)
        poke(SIZE - 512)(f)

    g = parted(gpt, change=both)
    assert nodes(g) == []


@pytest.mark.parametrize('parts', [
    ((256, SIZE // 512 + 10),), ((511, 256),), ((0, 511),),
    ((1 << 60, 1 << 61),),
], ids=['too-long', 'backwards', 'over-the-table', 'far'])
def test_an_impossible_partition_is_left_out(parted, parts):
    g = parted(lambda f: gpt(f, parts=parts + ((1024, 2047),)))
    assert nodes(g) == [2]


# Tables that are none.

def test_a_disk_without_a_table_has_no_partitions(parted):
    g = parted(None)
    assert nodes(g) == []
    assert partitions(g) == {'vioblk0': SIZE // 1024}


def entry(kind, start, size):
    return struct.pack('<B3sB3sII', 0, b'\0' * 3, kind, b'\0' * 3, start,
        size)


def mbr(*entries):
    return lambda f: f.write(bytes(446) + b''.join(entries).ljust(64, b'\0') +
        b'\x55\xaa')


def loop(f):
    """A chain of logical partitions that comes back to its beginning."""
    mbr(entry(5, 2048, 20480))(f)
    f.seek(2048 * 512)
    mbr(entry(0x83, 1, 100), entry(5, 0, 1))(f)


def noise(f):
    f.write(b'\xc3' * 510 + b'\x55\xaa')


@pytest.mark.parametrize('table', [
    noise, mbr(entry(0x83, 1 << 31, 1 << 31)), mbr(entry(0x83, 2048, 0)),
    mbr(entry(5, 1 << 31, 100)), mbr(entry(0, 2048, 4096)),
], ids=['noise', 'beyond', 'empty', 'chain-beyond', 'no-type'])
def test_a_broken_table_has_no_partitions(parted, table):
    g = parted(table)
    assert nodes(g) == []
    assert ask(g, 'write /dev/vioblk0 1048576 512 1') == 512


def test_a_chain_without_an_end_is_left(parted):
    g = parted(loop)
    assert len(nodes(g)) <= 64
    assert ask(g, 'read /dev/vioblk0 0 512') == 512


# The table may change while the guest runs.

def test_a_new_table_is_read_when_asked_for(parted):
    g = parted(DOS + THREE)
    # The table's own bytes, from a disk that has another.
    assert ask(g, 'zeroout /dev/vioblk0 0 512') == 0
    assert nodes(g) == [1, 2, 3]
    assert ask(g, 'rrpart /dev/vioblk0') == 0
    assert nodes(g) == []


def test_a_table_that_was_copied_is_read_when_asked_for(start, root, image):
    a, b = image('a.img', SIZE), image('b.img', SIZE)
    make_table(b, LOGICAL)
    g = start(disk(a, 'a'), disk(b, 'b'), initrd=root)
    g.output('dd if=/dev/vioblk1 of=/dev/vioblk0 bs=1M')
    assert ask(g, 'rrpart /dev/vioblk0') == 0
    assert nodes(g) == [1, 5, 6, 7]


def test_a_table_in_use_is_not_read_again(parted):
    g = parted(DOS + THREE)
    g.console.send('diskctl hold /dev/vioblk0p1\n')
    g.console.expect('^held')
    g.console.send('\n')
    g.wait_shell()
    g.console.send('sleep 1000 < /dev/vioblk0p1 &\n')
    g.wait_shell()
    assert ask(g, 'rrpart /dev/vioblk0') == 'errno 16'
    assert nodes(g) == [1, 2, 3]


def test_a_partition_has_no_table_of_its_own(parted):
    assert ask(parted(DOS + THREE), 'rrpart /dev/vioblk0p1') == 'errno 22'


def test_many_partitions(parted):
    table = 'label: gpt\n' + ''.join(f'start={2048 + 512 * i}, size=512\n'
        for i in range(100))
    g = parted(table)
    found = nodes(g)
    assert found == list(range(1, len(found) + 1)) and len(found) >= 15
