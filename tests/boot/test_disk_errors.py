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

"""Disks that fail: errors of the host, a host that is full, a disk that does
not answer, and one that becomes another size."""

import re
import time

import pytest

from disks import KINDS, SD, VIOBLK, ask, disk_root, info
from guest import qemu72

SIZE = 16 << 20

# The disks' own code is the same everywhere.
pytestmark = pytest.mark.arch('amd64')

each_kind = pytest.mark.parametrize('kind', KINDS, ids=lambda k: k.name)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return disk_root(tmp_path_factory.mktemp('errors'))


@pytest.fixture
def failing(start, root, image):
    """A guest with a disk on which something goes wrong; more: of the
    device.  sector -1 is any."""
    def run(kind, what, sector=-1, once='on', errno=5, more='', path=None):
        path = path or image('d.img', SIZE)
        return start(*kind.bus, ['-blockdev', 'driver=blkdebug,node-name=d0,'
            f'image.driver=file,image.filename={path},image.locking=off,'
            f'inject-error.0.event=none,inject-error.0.iotype={what},'
            f'inject-error.0.errno={errno},inject-error.0.once={once},'
            f'inject-error.0.sector={sector}'],
            kind.disk('d0', 'rerror=report,werror=report' + more),
            initrd=root)

    return run


# Errors of the host.

DO = {'read': 'dread %s 409600 4096', 'write': 'dwrite %s 409600 4096 1',
    'flush': 'fsync %s'}
DONE = {'read': 4096, 'write': 4096, 'flush': 0}


def errors(kind, good, *others):
    """How an error that comes once may end: a command of SCSI that was
    aborted, as QEMU has it, is tried again."""
    return ('errno 5', *others) + ((good,) if kind is SD else ())



@each_kind
@pytest.mark.parametrize('what', DO)
def test_an_error_is_one_and_the_next_works(failing, kind, what):
    g = failing(kind, what, -1 if what == 'flush' else 800)
    if what == 'flush':		# there is nothing to do otherwise
        ask(g, f'write {kind.path()} 0 512 1')
    assert ask(g, DO[what] % kind.path()) in errors(kind, DONE[what])
    assert ask(g, DO[what] % kind.path()) == DONE[what]


@each_kind
@pytest.mark.parametrize('what', DO)
def test_an_error_that_stays_harms_nothing_else(failing, kind, what):
    g = failing(kind, what, -1 if what == 'flush' else 800, once='off')
    for _ in range(3):
        if what == 'flush':
            ask(g, f'write {kind.path()} 0 512 1')
        assert ask(g, DO[what] % kind.path()) == 'errno 5'
    assert ask(g, f'dwrite {kind.path()} 8192 4096 1') == 4096
    assert ask(g, f'dread {kind.path()} 8192 4096') == 4096


@each_kind
@pytest.mark.parametrize('rw', ['read', 'write'])
def test_of_many_requests_one_fails(failing, kind, rw):
    """The one that has the sector, and with it only those next to it that the
    device was given as one."""
    g = failing(kind, rw, 800, once='off')
    out, status = g.run(f'diskbench bench {kind.path()} engine=aio depth=32 '
        f'rw={rw} order=seq count=4096 direct=1')
    failed = int(re.search(r'(\d+) failed', out)[1])
    assert 1 <= failed <= 32 and status == 1, out


@each_kind
@pytest.mark.parametrize('errno', [28, 95, 110])
def test_other_errors_of_the_host_are_errors(failing, kind, errno):
    g = failing(kind, 'write', 800, errno=errno)
    assert ask(g, DO['write'] % kind.path()) in errors(kind, 4096,
        'errno 28')
    assert ask(g, DO['write'] % kind.path()) == 4096


@each_kind
@pytest.mark.parametrize('errno', [5, 28])
def test_a_guest_that_was_stopped_goes_on(start, root, image, kind, errno):
    """And sees nothing of it.  werror=stop: the host makes room, or whatever,
    and the write is done then."""
    path = image('d.img', SIZE)
    g = start(*kind.bus, ['-blockdev', 'driver=blkdebug,node-name=d0,'
        f'image.driver=file,image.filename={path},image.locking=off,'
        'inject-error.0.event=none,inject-error.0.iotype=write,'
        f'inject-error.0.errno={errno},inject-error.0.once=on,'
        'inject-error.0.sector=800'],
        kind.disk('d0', 'werror=stop,rerror=stop'), initrd=root)
    g.console.send(f'diskbench verify {kind.path()} engine=aio depth=32 '
        'bs=4k size=1m rw=mixed\n')
    g.qmp.wait_event('STOP')
    assert g.qmp.command('query-status')['status'] == 'io-error'
    time.sleep(0.5)
    assert 'verify ok' not in g.text()
    g.qmp.command('cont')
    g.console.expect('verify ok: 512 written')


# No answer.

def throttle(g, bytes_a_second):
    """0: no limit."""
    g.qmp.command('qom-set', path='/objects/tg', property='limits',
        value={'bps-total': bytes_a_second})


@pytest.fixture
def slow(start, root, image):
    """A guest with a disk that throttle() can stop."""
    def run(kind, timeout=2, **more):
        g = start('-object throttle-group,id=tg', *kind.bus, ['-blockdev',
            'driver=throttle,node-name=d0,throttle-group=tg,file.driver=file,'
            f'file.filename={image("d.img", SIZE)},file.locking=off'],
            kind.disk('d0'), initrd=root, **more)
        g.output(f'sysctl hw.{kind.driver}.timeout={timeout}')
        assert f'={timeout}\n' in g.output(
            f'sysctl hw.{kind.driver}.timeout')
        return g

    return run


def works_again(g, kind):
    """In the end."""
    deadline = time.monotonic() + 20
    while ask(g, f'dread {kind.path()} 0 65536', 30) != 65536:
        assert time.monotonic() < deadline, 'it does not'
        time.sleep(1)
    out, status = g.run(f'diskbench verify {kind.path()} engine=aio '
        'depth=16 size=1m')
    assert status == 0, out


def stop(g):
    """What is in the bucket may still go; from then on next to nothing."""
    throttle(g, 1)


@each_kind
def test_a_request_without_an_answer_is_an_error(slow, kind):
    g = slow(kind)
    stop(g)
    began = time.monotonic()
    results = [ask(g, f'dread {kind.path()} {n * 65536} 65536', 30)
        for n in range(2)]
    # Where a reset lets the host finish what it has, the data are as good.
    assert 'errno 5' in results or kind is SD and set(results) == {65536}
    assert 1.5 < time.monotonic() - began < 20


@each_kind
def test_a_request_without_an_answer_is_told_of(slow, kind):
    g = slow(kind)
    stop(g)
    for n in range(2):
        g.run(f'diskctl dread {kind.path()} {n * 65536} 65536', 30)
    assert re.search(r'^\w+: .*(no answer|2 seconds)', g.output('dmesg'),
        re.M)


@each_kind
def test_many_requests_without_an_answer_all_end(slow, kind):
    g = slow(kind)
    stop(g)
    began = time.monotonic()
    out, status = g.run(f'diskbench bench {kind.path()} engine=aio depth=32 '
        'bs=64k count=32 direct=1', 50)
    assert time.monotonic() - began < 40
    failed = int(re.search(r'(\d+) failed', out)[1])
    # Where a reset lets the host finish what it has, the data are as good.
    assert failed >= 1 or kind is SD
    assert status == (failed > 0)


@each_kind
def test_a_disk_that_answers_again_works_again(slow, kind):
    g = slow(kind)
    stop(g)
    for n in range(2):
        g.run(f'diskctl dread {kind.path()} {n * 65536} 65536', 30)
    throttle(g, 0)
    works_again(g, kind)


@each_kind
def test_who_is_only_slow_is_waited_for(slow, kind):
    """Each request in less than the limit, all together in more."""
    g = slow(kind, timeout=3)
    throttle(g, 400000)
    out, status = g.run(f'diskbench verify {kind.path()} bs=64k size=512k '
        'rounds=1 direct=1')
    assert status == 0 and 'verify ok' in out, out


@pytest.mark.needs('qemu72')
def test_a_disk_of_an_old_qemu_works_again(slow):
    """Which aborts what QEMU 10 locks itself up with."""
    g = slow(SD, qemu=qemu72())
    stop(g)
    g.run(f'diskbench bench {SD.path()} engine=aio depth=8 bs=64k count=8', 50)
    throttle(g, 0)
    works_again(g, SD)


# Another size.

def resize(g, size, told=True):
    """told: wait until the guest says so, not in the middle of what is typed
    next."""
    g.qmp.command('block_resize', **{'node-name': 'd0', 'size': size})
    if told:
        g.console.expect(f'capacity is now {size >> 20} MB[^\n]*\n')


@pytest.fixture
def sized(start, root, image):
    def run(kind):
        return start(*kind.bus, kind.on(image('d.img', SIZE)), initrd=root)

    return run


@each_kind
@pytest.mark.parametrize('size', [2 * SIZE, SIZE // 2])
def test_a_new_size_is_seen(sized, kind, size):
    g = sized(kind)
    resize(g, size)
    told = info(g, kind.path())
    assert told['end'] == str(size) and told['sectors'] == str(size // 512)


@each_kind
def test_a_new_size_is_told_of(sized, kind):
    g = sized(kind)
    resize(g, 2 * SIZE)
    assert re.search(r'^\w+: capacity is now 32 MB\b', g.output('dmesg'), re.M)


@each_kind
def test_a_larger_disk_is_used_to_its_end(sized, kind):
    g = sized(kind)
    resize(g, 2 * SIZE)
    g.output(f'diskbench verify {kind.path()} start={SIZE} bs=64k')


@each_kind
def test_behind_a_smaller_disk_there_is_nothing(sized, kind):
    g = sized(kind)
    resize(g, SIZE // 2)
    assert ask(g, f'read {kind.path()} {SIZE // 2} 4096') == 0
    assert ask(g, f'write {kind.path()} {SIZE // 2} 4096 1') == 'errno 28'


@each_kind
def test_the_rest_of_a_smaller_disk_works(sized, kind):
    g = sized(kind)
    g.output(f'diskbench verify {kind.path()} size={SIZE // 2} bs=64k')
    resize(g, SIZE // 2)
    g.output(f'diskbench check {kind.path()} bs=64k')


@each_kind
def test_a_disk_may_grow_in_use(sized, kind):
    g = sized(kind)
    g.console.send(f'diskbench verify {kind.path()} engine=aio depth=32 '
        'rounds=4\n')
    for n in range(17, 33):
        resize(g, n << 20, told=False)
        time.sleep(0.05)
    g.console.expect('verify (ok|FAILED)')
    assert 'verify ok' in g.text()
    g.wait_shell()
    assert info(g, kind.path())['size'] == str(32 << 20)


@each_kind
def test_a_disk_may_shrink_in_use(sized, kind):
    """What is behind the end fails, and nothing waits for ever."""
    g = sized(kind)
    g.console.send(f'diskbench bench {kind.path()} engine=aio depth=32 '
        'seconds=3 rw=mixed\n')
    time.sleep(1)
    resize(g, SIZE // 2, told=False)
    g.console.expect(r'bench: \d+ requests.* (\d+) failed', timeout=30)
    g.wait_shell()
    assert info(g, kind.path())['size'] == str(SIZE // 2)
    g.output(f'diskbench verify {kind.path()} engine=aio depth=32')


def test_a_disk_that_becomes_nothing(sized):
    g = sized(VIOBLK)
    resize(g, 0, told=False)
    g.console.expect('vioblk0: [^\n]*capacity[^\n]*\n')
    assert ask(g, 'dread /dev/vioblk0 0 4096') in (0, 'errno 5', 'errno 123')
    resize(g, SIZE, told=False)
    time.sleep(0.5)
    g.output('diskbench verify /dev/vioblk0 size=1m')
