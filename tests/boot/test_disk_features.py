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

"""What a disk's node tells and does beside reading and writing, as Linux has
it: the ioctls, O_DIRECT, ranges that are discarded or zeroed, variables."""

import os

import pytest

from disks import KINDS, SD, VIOBLK, ask, disk_root, info, read_byte

SIZE = 16 << 20

# One of each order of bytes.
pytestmark = pytest.mark.arch('amd64', 'arm64eb')

each_kind = pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('features'))


@pytest.fixture
def on_disk(start, root, image):
    """A guest with one disk; device: its properties."""
    def run(kind, device='', path=None, **options):
        path = path or image('d.img', SIZE)
        return start(*kind.bus, kind.on(path, device=device, **options),
            initrd=root)

    return run


# What it tells.

@each_kind
def test_the_size_in_all_its_forms(on_disk, kind):
    told = info(on_disk(kind), kind.path())
    assert told['end'] == told['size'] == str(SIZE)
    assert told['sectors'] == str(SIZE // 512)


@each_kind
def test_a_disk_s_node_is_of_blocks_or_characters_and_says_so(on_disk, kind):
    """Programs look at this before they ask for the size."""
    assert info(on_disk(kind), kind.path())['block'] in ('0', '1')


@each_kind
@pytest.mark.parametrize('logical, physical', [(512, 512), (512, 4096),
    (4096, 4096)])
def test_the_sizes_of_blocks(on_disk, kind, logical, physical):
    told = info(on_disk(kind, f'logical_block_size={logical},'
        f'physical_block_size={physical}'), kind.path())
    assert told['logical'] == str(logical)
    assert told['physical'] == str(physical)


@each_kind
def test_what_is_best_for_a_disk(on_disk, kind):
    told = info(on_disk(kind, 'min_io_size=8192,opt_io_size=65536'),
        kind.path())
    assert (told['io_min'], told['io_opt']) == ('8192', '65536')


@each_kind
def test_where_nothing_is_told_about_blocks(on_disk, kind):
    told = info(on_disk(kind), kind.path())
    assert told['io_min'] == '512' and told['io_opt'] == '0'
    assert told['align_offset'] == '0' and told['discard_zeroes'] == '0'


@each_kind
def test_the_geometry_is_there(on_disk, kind):
    told = info(on_disk(kind), kind.path())
    cylinders, heads, sectors = map(int, told['geometry'].split('/'))
    assert heads and sectors and told['start'] == '0'
    assert cylinders * heads * sectors <= SIZE // 512


def test_the_geometry_that_the_host_gives(on_disk):
    told = info(on_disk(VIOBLK, 'cyls=17,heads=5,secs=33'), VIOBLK.path())
    assert told['geometry'] == '17/5/33'


@each_kind
def test_a_disk_that_cannot_be_written_says_so(on_disk, kind):
    told = info(on_disk(kind, **{'read-only': 'on'}), kind.path())
    assert told['read_only'] == '1'


@each_kind
def test_a_disk_that_can_be_written_says_so(on_disk, kind):
    assert info(on_disk(kind), kind.path())['read_only'] == '0'


@pytest.mark.parametrize('rate, rotates', [(1, '0'), (7200, '1')])
def test_a_disk_without_motion_says_so(on_disk, rate, rotates):
    told = info(on_disk(SD, f'rotation_rate={rate}'), SD.path())
    assert told['rotational'] == rotates


# Reading and writing: diskctl's own checks.

@each_kind
@pytest.mark.parametrize('block', [512, 4096])
@pytest.mark.parametrize('name', ['direct', 'vectors', 'ends', 'ranges'])
def test_the_calls(on_disk, kind, block, name):
    g = on_disk(kind, f'logical_block_size={block},'
        f'physical_block_size={block}')
    assert g.output(f'diskctl {name} {kind.path()}') == 'ok\n'


# Ranges.

def filled(image, name='d.img'):
    """An image without holes."""
    return image(name, b'\x5a' * SIZE)


def allocated(path):
    return os.stat(path).st_blocks * 512


@each_kind
def test_what_is_discarded_leaves_a_sparse_image(on_disk, image, kind):
    path = filled(image)
    before = allocated(path)
    g = on_disk(kind, path=path, discard='unmap')
    assert ask(g, f'discard {kind.path()} {1 << 20} {8 << 20}') == 0
    assert allocated(path) <= before - (7 << 20)


@each_kind
@pytest.mark.needs('qemu-img')
def test_what_is_discarded_leaves_a_qcow2_image(on_disk, image, kind):
    path = image('d.qcow2', SIZE)
    g = on_disk(kind, path=path, discard='unmap')
    g.output(f'diskctl write {kind.path()} 0 {8 << 20} 1')
    ask(g, f'fsync {kind.path()}')
    before = allocated(path)
    assert ask(g, f'discard {kind.path()} 0 {8 << 20}') == 0
    ask(g, f'fsync {kind.path()}')
    assert allocated(path) <= before - (7 << 20)


@each_kind
def test_what_is_beside_a_discarded_range_stays(on_disk, image, kind):
    path = filled(image)
    g = on_disk(kind, path=path, discard='unmap')
    assert ask(g, f'discard {kind.path()} {1 << 20} {1 << 20}') == 0
    g.kill()
    data = path.read_bytes()
    assert set(data[:1 << 20]) == set(data[2 << 20:]) == {0x5a}


@each_kind
def test_a_discard_of_one_block(on_disk, kind):
    g = on_disk(kind, discard='unmap')
    assert ask(g, f'discard {kind.path()} 512 512') == 0


def test_a_disk_that_cannot_discard_says_so(on_disk):
    g = on_disk(VIOBLK, 'discard=off')
    assert ask(g, f'discard {VIOBLK.path()} 0 4096') == 'errno 95'


@each_kind
def test_a_disk_that_cannot_erase_says_so(on_disk, kind):
    g = on_disk(kind)
    assert ask(g, f'secdiscard {kind.path()} 0 4096') == 'errno 95'


@each_kind
@pytest.mark.parametrize('first, length', [(0, SIZE), (512, 512),
    (1 << 20, 3 << 20), (SIZE - 512, 512)])
def test_what_is_zeroed_reads_as_zeroes(on_disk, image, kind, first,
        length):
    path = filled(image)
    g = on_disk(kind, path=path)
    assert ask(g, f'zeroout {kind.path()} {first} {length}') == 0
    for at in range(first, first + length, 4 << 20):
        n = min(4 << 20, first + length - at)
        assert read_byte(g, kind.path(), at, n) == 0
    g.kill()
    data = path.read_bytes()
    assert not any(data[first:first + length])
    assert set(data[:first] + data[first + length:]) <= {0x5a}


def test_zeroes_are_written_where_the_device_has_no_such_request(on_disk,
        image):
    path = filled(image)
    g = on_disk(VIOBLK, 'write-zeroes=off', path=path)
    assert ask(g, f'zeroout {VIOBLK.path()} 512 {3 << 20}') == 0
    g.kill()
    data = path.read_bytes()
    assert not any(data[512:512 + (3 << 20)])
    assert data[:512] + data[512 + (3 << 20):] == b'\x5a' * (SIZE - (3 << 20))


def test_a_range_is_split_where_the_device_wants_it(on_disk, image):
    path = filled(image)
    g = on_disk(VIOBLK, 'max-write-zeroes-sectors=100,'
        'max-discard-sectors=64', path=path, discard='unmap')
    assert ask(g, f'zeroout {VIOBLK.path()} 0 {1 << 20}') == 0
    assert ask(g, f'discard {VIOBLK.path()} {2 << 20} {1 << 20}') == 0
    g.kill()
    data = path.read_bytes()
    assert not any(data[:1 << 20])
    assert set(data[1 << 20:2 << 20]) == set(data[3 << 20:]) == {0x5a}


@each_kind
def test_a_read_only_disk_is_neither_discarded_nor_zeroed(start, root, image,
        kind):
    path = filled(image)
    g = start(*kind.bus, kind.on(path, **{'read-only': 'on'}), initrd=root)
    for what in 'discard', 'zeroout':
        out, status = g.run(f'diskctl {what} {kind.path()} 0 4096')
        assert status != 0 or 'errno' in out
    g.kill()
    assert path.read_bytes() == b'\x5a' * SIZE


@each_kind
def test_what_is_read_ahead_is_not_kept_over_zeroing(on_disk, image, kind):
    """Nor over a write through another descriptor."""
    g = on_disk(kind, path=filled(image))
    node = kind.path()
    g.output(f'dd if={node} of=/dev/null bs=512 count=16')
    assert ask(g, f'zeroout {node} 4096 65536') == 0
    assert read_byte(g, node, 4096, 65536) == 0
    assert ask(g, f'dwrite {node} 4096 4096 7') == 4096
    assert read_byte(g, node, 4096, 4096) == 7


# Variables.

@each_kind
def test_the_serial_number_is_a_variable(on_disk, kind):
    g = on_disk(kind, 'serial=PV-12345')
    name = kind.path().removeprefix('/dev/')
    assert g.output(f'sysctl hw.{name}.serial') == \
        f'hw.{name}.serial=PV-12345\n'


@each_kind
def test_the_size_is_a_variable(on_disk, kind):
    g = on_disk(kind)
    name = kind.path().removeprefix('/dev/')
    assert g.output(f'sysctl hw.{name}.size') == f'hw.{name}.size={SIZE}\n'


@pytest.mark.parametrize('on, value', [('on', 1), ('off', 0)])
def test_the_cache_is_a_variable(on_disk, on, value):
    g = on_disk(VIOBLK, f'write-cache={on}')
    assert g.output('sysctl hw.vioblk0.writeback') == \
        f'hw.vioblk0.writeback={value}\n'


def test_the_cache_can_be_switched(on_disk):
    g = on_disk(VIOBLK, 'write-cache=on')
    g.output('sysctl hw.vioblk0.writeback=0')
    assert '=0\n' in g.output('sysctl hw.vioblk0.writeback')
    g.output('diskbench verify /dev/vioblk0 size=1m')
    g.output('sysctl hw.vioblk0.writeback=1')
    assert '=1\n' in g.output('sysctl hw.vioblk0.writeback')


def test_no_choice_of_the_cache_is_no_variable(on_disk):
    g = on_disk(VIOBLK, 'config-wce=off')
    assert g.run('sysctl hw.vioblk0.writeback')[1] != 0


@pytest.mark.parametrize('value', ['2', '-1', 'on', '01'])
def test_a_wrong_value_for_the_cache_is_refused(on_disk, value):
    g = on_disk(VIOBLK)
    assert g.run(f'sysctl hw.vioblk0.writeback={value}')[1] != 0
    assert '=1\n' in g.output('sysctl hw.vioblk0.writeback')


@each_kind
@pytest.mark.parametrize('value', ['0', '-1', '3601', 'x', '2s'])
def test_a_wrong_limit_of_time_is_refused(on_disk, kind, value):
    g = on_disk(kind)
    assert g.run(f'sysctl hw.{kind.driver}.timeout={value}')[1] != 0
