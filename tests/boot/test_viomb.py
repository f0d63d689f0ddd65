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

"""The memory balloon: QEMU gets memory back when it asks for it, and what it
got is seen in its own size; what the guest needs it keeps or gets again."""

import re
import time

import pytest

from guest import BIG_ENDIAN, THIS, drivable, make_root, program, qemu72

MB = 1 << 20
DEVICE = 'virtio-balloon-pci'
# the legacy interface has the order of the machine that QEMU was made for
MODERN = '-global virtio-mmio.force-legacy=false' if BIG_ENDIAN else ''

# The device, and the boards that have a place for it.
KINDS = {
    'as it is': (f'{DEVICE},id=b0', THIS.boards[0]),
    **{o: (f'{DEVICE},id=b0,{o}', THIS.boards[0]) for o in drivable([
        'disable-legacy=on', 'disable-modern=on',
        'disable-legacy=on,packed=on'])},
    **{f'MMIO {name}': ('virtio-balloon-device,id=b0', board)
        for name, board in THIS.mmio.items()},
}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('viomb')
    return make_root(tmp / 'memory.cpio',
        {'/bin/memory': program('memory', tmp)})


def rss(g):
    """Of QEMU, in bytes."""
    with open(f'/proc/{g.process.pid}/status') as f:
        return int(re.search(r'^VmRSS:\s+(\d+) kB$', f.read(), re.M)[1]) \
            << 10


def until(what, timeout=20):
    """Waits for it to become true."""
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end, 'it did not come to that'
        time.sleep(0.05)


def size(g):
    return g.qmp.command('query-balloon')['actual']


def balloon(g, to):
    """Has the guest shrink, or grow, to so many bytes."""
    g.qmp.command('balloon', value=to)
    until(lambda: size(g) == to)


def pages(g, name):
    return int(g.output(f'sysctl hw.viomb0.{name}').split('=')[1])


@pytest.mark.parametrize('kind', KINDS)
def test_shrinks_and_grows(start, root, kind):
    device, board = KINDS[kind]
    # all of it once; the others are about the way there
    whole, least, some = (1024, 128, 300) if kind == 'as it is' else \
        (320, 80, 120)
    g = start(f'{MODERN} -device {device}', machine=board, mem=f'{whole}M',
        initrd=root)
    assert re.search(r'^viomb0 at virtio\d+: \d+ MB can be spared', g.text(),
        re.M)
    for to in least, whole, some, whole:
        balloon(g, to * MB)
        assert pages(g, 'target') == pages(g, 'actual') == (whole - to) * 256
    want = whole * 2 // 3
    assert f'had {want} MB' in g.output(f'memory {want}')
    assert 'viomb0: ' not in g.text()


def test_qemu_gets_smaller(start, root):
    g = start(f'-device {DEVICE}', mem='1G', initrd=root)
    g.output('memory 600')
    full = rss(g)
    assert full > 600 * MB
    balloon(g, 128 * MB)
    assert rss(g) < full - 450 * MB
    # and what was given can be used again
    balloon(g, 1024 * MB)
    assert 'had 600 MB' in g.output('memory 600')
    assert rss(g) > 600 * MB


def test_statistics(start, root):
    g = start(f'-device {DEVICE},id=b0', mem='256M', initrd=root)
    path = {'path': '/machine/peripheral/b0'}

    def stats():
        return g.qmp.command('qom-get', property='guest-stats', **path)

    g.qmp.command('qom-set', property='guest-stats-polling-interval',
        value=1, **path)
    until(lambda: stats()['last-update'] > 0)
    first = stats()['stats']
    assert 200 * MB < first['stat-total-memory'] <= 256 * MB
    assert 100 * MB < first['stat-free-memory'] < first['stat-total-memory']
    assert first['stat-available-memory'] == first['stat-free-memory']
    balloon(g, 100 * MB)
    until(lambda: stats()['stats']['stat-free-memory'] <
        first['stat-free-memory'] - 150 * MB)
    faults = stats()['stats']['stat-minor-faults']
    g.output('memory 10')
    until(lambda: stats()['stats']['stat-minor-faults'] >= faults + 2560)


def test_more_than_can_be_given(start, root):
    g = start(f'-device {DEVICE}', mem='256M', initrd=root)
    g.qmp.command('balloon', value=4 * MB)
    g.console.expect(r'viomb0: asked for 252 MB, \d+ MB can be spared')
    least = size(g)
    assert 4 * MB < least < 100 * MB
    assert g.output('echo alive') == 'alive\n'
    assert 'had 4 MB' in g.output('memory 4')
    balloon(g, 256 * MB)
    assert 'had 150 MB' in g.output('memory 150')
    assert g.text().count('viomb0: asked') == 1


def test_what_a_program_gives_back_goes_to_who_asked(start, root):
    g = start(f'-device {DEVICE}', mem='256M', initrd=root)
    g.console.send('memory 150 && memory 150 && memory 150\n')
    g.qmp.command('balloon', value=80 * MB)
    g.console.expect('# ', 30)
    g.console.send('\n')
    until(lambda: size(g) == 80 * MB)


def test_a_program_in_want_gets_memory_if_the_host_allows_it(start, root):
    g = start(f'-device {DEVICE},deflate-on-oom=on', mem='256M', initrd=root)
    balloon(g, 64 * MB)
    assert 'had 150 MB' in g.output('memory 150')
    assert size(g) > 64 * MB


def test_a_program_in_want_is_killed_if_the_host_does_not(start, root):
    g = start(f'-device {DEVICE},deflate-on-oom=off', mem='256M',
        initrd=root)
    balloon(g, 64 * MB)
    output, status = g.run('memory 150')
    assert status > 128 and 'had' not in output
    assert size(g) == 64 * MB
    assert g.output('echo alive') == 'alive\n'
    balloon(g, 256 * MB)
    assert 'had 150 MB' in g.output('memory 150')


@pytest.mark.parametrize('options', ['', ',packed=on,disable-legacy=on',
    ',free-page-hint=on,iothread=io0', ',page-poison=off'])
def test_free_memory_is_reported(start, root, options):
    g = start('-object iothread,id=io0',
        f'-device {DEVICE},free-page-reporting=on{options}', mem='1G',
        initrd=root)
    assert 'free memory reported' in g.text()
    for _ in range(2):
        # the pages were all written to, so it had them
        assert 'had 500 MB' in g.output('memory 500')
        until(lambda: rss(g) < 250 * MB, 15)


def test_reports_and_a_balloon(start, root):
    g = start(f'-device {DEVICE},free-page-reporting=on', mem='512M',
        initrd=root)
    for to in 128, 400, 256, 512:
        balloon(g, to * MB)
        want = max(to - 80, 20)
        assert f'had {want} MB' in g.output(f'memory {want}')


def migrate(g, path):
    g.qmp.command('migrate-set-parameters', **{'max-bandwidth': 100 * MB})
    g.qmp.command('migrate', uri=f'exec:cat > {path}')
    until(lambda: g.qmp.command('query-migrate')['status'] in
        ('completed', 'failed'), 40)
    assert g.qmp.command('query-migrate')['status'] == 'completed'
    g.qmp.command('cont')


def test_a_migration_leaves_out_what_is_free(start, root, tmp_path):
    g = start('-object iothread,id=io0',
        f'-device {DEVICE},free-page-hint=on,iothread=io0', mem='1G',
        initrd=root)
    g.output('memory 500')
    out = tmp_path / 'state'
    for _ in range(2):
        migrate(g, out)
        assert out.stat().st_size < 250 * MB
        # all of it is there again
        assert 'had 800 MB' in g.output('memory 800')
    out.unlink()
    balloon(g, 200 * MB)
    balloon(g, 1024 * MB)


@pytest.mark.parametrize('options', ['', ',deflate-on-oom=on',
    ',free-page-reporting=on'])
def test_a_reset_fills_it_again(start, root, options):
    g = start(f'-device {DEVICE}{options}', mem='256M', initrd=root)
    balloon(g, 80 * MB)
    for _ in range(2):
        g.output('sysctl hw.virtio.0.control=reset')
        until(lambda: pages(g, 'actual') == 176 * 256)
        until(lambda: size(g) == 80 * MB)
    balloon(g, 256 * MB)
    assert 'had 180 MB' in g.output('memory 180')


@pytest.mark.needs('qemu72')
@pytest.mark.parametrize('options', ['', ',free-page-reporting=on',
    ',deflate-on-oom=on'])
def test_on_an_old_qemu(start, root, options):
    g = start(f'-device {DEVICE}{options}', mem='256M', initrd=root,
        qemu=qemu72())
    balloon(g, 80 * MB)
    assert pages(g, 'actual') == 176 * 256
    balloon(g, 256 * MB)
    assert 'had 180 MB' in g.output('memory 180')


def test_without_one_there_is_nothing(start):
    g = start()
    assert 'viomb' not in g.text()
    assert g.run('sysctl hw.viomb0.actual')[1] != 0
