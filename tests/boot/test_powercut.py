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

"""The power goes: what a program was told to be on the disk is there.

POWERCUTS=N cuts so often, 10 if not said; POWERCUT_SEED=N repeats one."""

import os
import random
import re
import subprocess
import time

import pytest

import nbd
from disks import KINDS, VIOBLK, disk_root, host_bench
from guest import ARCH
from journal import SECTOR, Journal

CUTS = int(os.environ.get('POWERCUTS') or (10 if ARCH == 'amd64' else 2))
SIZE = 4 << 20

each_kind = pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('powercut'))


@pytest.fixture(scope='module')
def host(tmp_path_factory):
    return host_bench(tmp_path_factory.mktemp('host'))


def dice():
    seed = int(os.environ.get('POWERCUT_SEED') or
        random.SystemRandom().randrange(1, 1 << 20))
    print(f'POWERCUT_SEED={seed}')
    return seed, random.Random(seed)


def journal_until_cut(g, node, seed, rnd, load, cut, least=3):
    """Runs the journal, cuts the power; how many rounds were flushed."""
    g.console.send(f'diskbench journal {node} seed={seed} {load}\n')
    g.console.expect(f'^flushed {least}\r?\n')
    time.sleep(rnd.uniform(0, 0.5))
    cut()
    g.process.kill()
    g.console.wait_eof()
    return max(map(int, re.findall(r'^flushed (\d+)\n', g.text(), re.M)))


AT_ONCE = 'engine=aio depth=16'


@pytest.mark.parametrize('load', [AT_ONCE, 'engine=sync',
    AT_ONCE + ' direct=1', AT_ONCE + ' vec=3'])
@pytest.mark.parametrize('number', range(-(-CUTS // 4)))
def test_a_killed_qemu_leaves_what_was_flushed(start, root, image, number,
        load):
    seed, rnd = dice()
    path = image('d.img', SIZE)
    g = start(VIOBLK.on(path), initrd=root)
    flushed = journal_until_cut(g, VIOBLK.path(), seed, rnd, load,
        lambda: None)
    assert Journal(seed, SIZE).check(path.read_bytes(), flushed) == []


@pytest.fixture
def lossy(start, root, tmp_path):
    """A guest with a disk that loses what is not flushed."""
    servers = []

    def run(kind=VIOBLK, device='', flushes=True):
        server = nbd.Server(tmp_path / 'nbd.sock', SIZE, flushes)
        servers.append(server)
        return server, start(*kind.bus, server.node(), kind.disk('d0',
            device), initrd=root)

    yield run
    for s in servers:
        s.cut()


def lost(server, g, kind, load, block=512):
    """Runs the journal and cuts; what is wrong then."""
    seed, rnd = dice()
    image = []
    flushed = journal_until_cut(g, kind.path(), seed, rnd, load,
        lambda: image.append(server.cut(rnd)))
    return Journal(seed, SIZE, sector=block).check(image[0], flushed)


@each_kind
@pytest.mark.parametrize('flush', ['fsync', 'fdatasync', 'dsync', 'aio'])
def test_a_flush_is_one(lossy, kind, flush):
    server, g = lossy(kind)
    assert lost(server, g, kind, f'{AT_ONCE} flush={flush}') == []


@each_kind
@pytest.mark.parametrize('number', range(CUTS))
def test_nothing_flushed_is_lost(lossy, kind, number):
    server, g = lossy(kind)
    load = [AT_ONCE, AT_ONCE + ' direct=1', 'engine=sync',
        AT_ONCE + ' vec=5'][number % 4]
    assert lost(server, g, kind, load) == []


@each_kind
def test_nothing_is_lost_of_large_blocks(lossy, kind):
    server, g = lossy(kind, 'logical_block_size=4096,'
        'physical_block_size=4096')
    assert lost(server, g, kind, f'{AT_ONCE} sector=4096', 4096) == []


@each_kind
def test_a_disk_without_a_cache_loses_nothing(lossy, kind):
    """Each write ends on the medium; a flush has nothing to do."""
    server, g = lossy(kind, 'write-cache=off')
    assert lost(server, g, kind, AT_ONCE) == []


def test_a_cache_that_was_switched_off_loses_nothing(lossy):
    server, g = lossy()
    g.output('sysctl hw.vioblk0.writeback=0')
    assert lost(server, g, VIOBLK, f'{AT_ONCE} flush=none') == []


# That a flush is sent, and only where one is asked for.

@each_kind
@pytest.mark.parametrize('flush', ['fsync', 'fdatasync', 'aio'])
def test_a_flush_reaches_the_host_once(lossy, kind, flush):
    server, g = lossy(kind)
    before = server.count[nbd.FLUSH]
    g.output(f'diskbench journal {kind.path()} rounds=5 flush={flush}')
    assert server.count[nbd.FLUSH] - before in (5, 6)	# and one at close


@each_kind
def test_no_flush_is_sent_without_a_request_for_it(lossy, kind):
    server, g = lossy(kind)
    before = server.count[nbd.FLUSH]
    g.output(f'diskbench journal {kind.path()} rounds=5 flush=none')
    assert server.count[nbd.FLUSH] - before <= 1	# at close


# The check itself.

def test_a_program_that_does_not_flush_is_noticed(lossy):
    server, g = lossy()
    assert lost(server, g, VIOBLK, f'{AT_ONCE} flush=none') != []


@pytest.fixture
def written(host, tmp_path):
    """An image with so many rounds, of diskbench on the host."""
    def run(rounds):
        path = tmp_path / 'host.img'
        with open(path, 'wb') as f:
            f.truncate(SIZE)
        subprocess.run([host, 'journal', path, 'seed=7',
            f'rounds={rounds}'], check=True, capture_output=True)
        return bytearray(path.read_bytes())

    return run


@pytest.fixture
def journal():
    return Journal(7, SIZE)


@pytest.mark.arch('amd64')
def test_the_check_finds_what_the_program_wrote(written, journal):
    assert journal.check(written(20), 20) == []
    assert journal.check(written(20), 19) == []


@pytest.mark.arch('amd64')
def test_the_check_misses_a_round(written, journal):
    assert journal.check(written(20), 21) != []


def newest(journal, rounds):
    """A sector that the last round has written."""
    return next(iter(journal.sectors(rounds)))


@pytest.mark.arch('amd64')
@pytest.mark.parametrize('what', ['zeros', 'torn', 'misplaced', 'foreign',
    'older'])
def test_the_check_finds_one_bad_sector(written, journal, what):
    data = written(20)
    sector = newest(journal, 20)
    at = sector * SECTOR
    if what == 'zeros':
        data[at:at + SECTOR] = bytes(SECTOR)
    elif what == 'torn':
        data[at + 256:at + SECTOR] = written(19)[at + 256:at + SECTOR]
        data[at + 300] ^= 1
    elif what == 'misplaced':
        data[at:at + SECTOR] = data[at + SECTOR:at + 2 * SECTOR] = \
            data[at:at + SECTOR]
    elif what == 'foreign':
        data[at] ^= 1
    else:
        data[at:at + SECTOR] = written(19)[at:at + SECTOR]
    wrong = journal.check(bytes(data), 20)
    assert len(wrong) >= 1 and len(wrong) <= 2


@pytest.mark.arch('amd64')
def test_a_write_that_was_not_flushed_may_be_there_or_not(written, journal):
    old, new = written(19), written(20)
    rnd = random.Random(3)
    mixed = b''.join(rnd.choice((old, new))[at:at + SECTOR]
        for at in range(0, SIZE, SECTOR))
    assert journal.check(mixed, 19) == []


@pytest.mark.arch('amd64')
def test_a_later_round_shows_that_one_was_flushed(written, journal):
    """Though nobody saw it said."""
    old, new = written(18), written(20)
    at = newest(journal, 20) * SECTOR
    old[at:at + SECTOR] = new[at:at + SECTOR]
    assert journal.check(bytes(old), 0) != []


@pytest.mark.arch('amd64')
def test_the_server_forgets_only_what_was_not_flushed(tmp_path):
    with nbd.Server(tmp_path / 's', 4096) as s:
        s.write(0, b'a' * 1024)
        s.flush()
        s.write(0, b'b' * 512)
        s.write(0, b'c' * 512)
        s.write(2048, b'd' * 512, sure=True)
        seen = s.cut(random.Random(1))
    assert seen[0:1] in (b'a', b'b', b'c') and seen[512:1024] == b'a' * 512
    assert seen[2048:2560] == b'd' * 512
