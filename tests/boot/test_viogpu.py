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

"""The GPU: what is drawn is on the screen, by the console, by write(2) and by
who has the frame buffer mapped; modes, displays, cursor; and nothing happens
while nothing is drawn."""

import pathlib
import re
import shutil
import subprocess
import time

import pytest

from guest import ARCH, BIG_ENDIAN, THIS, TOP, compile, drivable, make_root
from screen import Vnc, assert_drawn, key, picture, type_text, \
    wait_picture, wait_text

GPU = 'virtio-gpu-pci'
KEYBOARD = 'virtio-keyboard-pci'
BACK = '000000'
# the legacy interface has the order of the machine that QEMU was made for
MODERN = '-global virtio-mmio.force-legacy=false' if BIG_ENDIAN else ''

KINDS = {
    'as it is': (GPU, THIS.boards[0]),
    **{o: (f'{GPU},{o}', THIS.boards[0]) for o in drivable([
        'packed=on', 'edid=off', 'indirect_desc=off,event_idx=off',
        'iommu_platform=on'])},
    **{f'MMIO {name}': ('virtio-gpu-device', board)
        for name, board in THIS.mmio.items()},
}
if ARCH == 'amd64':
    KINDS['virtio-vga'] = ('virtio-vga', 'q35')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('viogpu')
    out = tmp / 'fbbench'
    compile(TOP / 'tests/bench/fbbench.c', out, '-static', '-O2')
    return make_root(tmp / 'fb.cpio', {'/bin/fbbench': out.read_bytes()})


@pytest.fixture
def vnc(tmp_path):
    """A place for VNC's socket; paths of sockets are short."""
    viewers = []

    def connect(path):
        viewers.append(Vnc(path))
        return viewers[-1]
    yield connect
    for v in viewers:
        v.close()


def sock(tmp_path, name='v'):
    return f'/tmp/{name}{abs(hash(str(tmp_path))) % 10**8}'


@pytest.mark.parametrize('kind', KINDS)
def test_the_screen_shows_the_boot_and_what_is_drawn(start, root, kind):
    device, board = KINDS[kind]
    g = start(f'{MODERN} -device {device}', machine=board, initrd=root,
        mem='192M')
    width, height = map(int, re.search(
        r'^viogpu0 at virtio\d+: 1 scanout, (\d+)x(\d+)$', g.text(),
        re.M).groups())
    lines = wait_text(g, r'^viogpu0 at virtio\d+: 1 scanout')
    assert lines[0].startswith('Paravane ')
    assert re.match(r'wsdisplay0 at viogpu0: console '
        f'{width // 8}x{height // 16}', next(l for l in lines if
        l.startswith('wsdisplay0')))
    assert_drawn(g, width, height)
    assert g.output('fbbench get 200 300; fbbench get 199 300') == \
        f'ff0000\n{BACK}\n'


@pytest.mark.parametrize('size', ['640x480', '1024x600', '1366x768',
    '1920x1080', '3840x2160'])
def test_the_mode_is_what_the_display_wants(start, root, size):
    w, h = map(int, size.split('x'))
    g = start(f'-device {GPU},xres={w},yres={h}', initrd=root, mem='256M')
    assert f': 1 scanout, {size}\n' in g.text()
    columns, rows, scale = (int(n) for n in re.search(r'^wsdisplay0 at '
        r'viogpu0: console (\d+)x(\d+), font (\d+)x', g.text(),
        re.M).groups())
    scale //= 8
    assert (columns, rows) == (w // (8 * scale), h // (16 * scale))
    # a character stays as large as it was, seen from the same distance
    assert scale == (1 if w <= 1920 else 3)
    wait_text(g, '^wsdisplay0 at viogpu0: console', scale=scale)
    shot = picture(g)
    assert (shot.width, shot.height) == (w, h)
    assert g.output('fbbench info').startswith(f'{size} 32 bits')
    assert g.output('sysctl -n hw.viogpu0.0.modes').split(',')[0] == size


def test_modes_can_be_chosen(start, root):
    g = start(f'-device {GPU}', initrd=root, mem='256M')
    modes = g.output('sysctl -n hw.viogpu0.0.modes').strip().split(',')
    assert len(modes) > 5 and '1920x1080' in modes and len(modes) == \
        len(set(modes))
    assert g.output('sysctl -n hw.viogpu0.0.monitor') == 'QEMU Monitor\n'
    for mode in [*modes[:4], '717x533', '64x64']:
        w, h = map(int, mode.split('x'))
        g.output(f'sysctl hw.viogpu0.0.mode={mode}')
        g.output(f'fbbench rect 0 0 {w} {h} 123456')
        shot = wait_picture(g, lambda p: p.width == w and
            p.box('123456') == (0, 0, w, h, w * h))
    g.output('sysctl hw.viogpu0.0.mode=auto')
    wait_picture(g, lambda p: (p.width, p.height) == (1280, 800))
    for bad in ['0x0', '1x1', '100000x100', '1024', '1024x', 'x768',
        '1024x768x', '-1x5']:
        out, status = g.run(f"sysctl hw.viogpu0.0.mode='{bad}'")
        assert status != 0, bad
    # more than there is memory for
    out, status = g.run('sysctl hw.viogpu0.0.mode=16384x16384')
    assert status != 0
    assert g.output('sysctl -n hw.viogpu0.0.mode') == '1280x800\n'
    g.output('fbbench mode 800 600')
    assert g.output('fbbench info').startswith('800x600 ')
    assert g.output('stty size < /dev/ttyC0') == '37 100\n'


def test_who_has_it_mapped_sees_the_next_mode(start, root):
    g = start(f'-device {GPU}', initrd=root, mem='256M')
    g.output('fbbench hold 2 > /tmp/held & sleep 1; '
        'sysctl hw.viogpu0.0.mode=800x600; wait')
    assert 'held' in g.output('cat /tmp/held')
    wait_picture(g, lambda p: p.width == 800 and p.box('333333') is not
        None and p.box('333333')[4] == 1024)


@pytest.mark.needs('fbset')
@pytest.mark.arch('amd64')
def test_programs_of_linux_that_were_not_made_for_it(start, tmp_path):
    """Debian's own, with its shared C library."""
    files = {}
    for name in 'fbset', 'fbcat':
        path = shutil.which(name)
        files[f'/bin/{name}'] = pathlib.Path(path).read_bytes()
        for line in subprocess.run(['ldd', path], capture_output=True,
                text=True, check=True).stdout.splitlines():
            if match := re.search(r'(/\S+) \(', line):
                files[match[1]] = pathlib.Path(match[1]).read_bytes()
    out = tmp_path / 'fbbench'
    compile(TOP / 'tests/bench/fbbench.c', out, '-static', '-O2')
    files['/bin/fbbench'] = out.read_bytes()
    image = make_root(tmp_path / 'more.cpio', files)
    g = start(f'-device {GPU}', initrd=image, mem='256M')
    assert 'geometry 1280 800 1280 800 32' in g.output('fbset')
    g.output('fbset -g 800 600 800 600 32')
    assert 'Name        : viogpu0' in g.output('fbset -i')
    g.output('fbbench rect 10 20 30 40 fedcba')
    shot = wait_picture(g, lambda p: p.box('fedcba') is not None)
    assert (shot.width, shot.height) == (800, 600)
    # what it reads by the mapping is what is on the screen
    g.output('fbcat > /tmp/p; head -c 15 /tmp/p | head -n 2')
    assert g.output('hexdump /tmp/p | head -n 1').startswith('0000000 3650')


def test_a_window_that_changes_its_size(start, root, vnc, tmp_path):
    path = sock(tmp_path)
    g = start(f'-device {GPU} -vnc unix:{path}', initrd=root, mem='256M')
    v = vnc(path)
    for w, h in [(1000, 700), (640, 400), (1600, 1200)]:
        v.resize(w, h)
        wait_picture(g, lambda p: (p.width, p.height) == (w, h))
        assert g.output('stty size < /dev/ttyC0') == f'{h // 16} {w // 8}\n'
        assert g.output('sysctl -n hw.viogpu0.0.mode') == f'{w}x{h}\n'
        # the text has come along
        g.output(f'echo now {w} > /dev/ttyC0')
        assert any(l.startswith('# ') for l in wait_text(g, f'now {w}$'))
    # who chose a mode keeps it
    g.output('sysctl hw.viogpu0.0.mode=720x480')
    v.resize(900, 600)
    time.sleep(0.5)
    assert (picture(g).width, picture(g).height) == (720, 480)
    g.output('sysctl hw.viogpu0.0.mode=auto')
    wait_picture(g, lambda p: (p.width, p.height) == (900, 600))


def test_a_display_that_is_plugged_later(start, root, vnc, tmp_path):
    one, two = sock(tmp_path, 'a'), sock(tmp_path, 'b')
    g = start(f'-device {GPU},max_outputs=3,id=gpu0 '
        f'-vnc unix:{one},display=gpu0,head=0 '
        f'-vnc unix:{two},display=gpu0,head=1', initrd=root, mem='256M')
    assert ': 3 scanouts, 1280x800\n' in g.text()
    vnc(two).resize(1024, 768)
    g.console.expect(r'wsdisplay1 at viogpu0: console 128x48')
    g.output('FB=/dev/fb1 fbbench rect 5 6 70 80 abcdef')
    shot = wait_picture(g, lambda p: p.box('abcdef'), device='gpu0', head=1)
    assert (shot.width, shot.height) == (1024, 768)
    assert shot.box('abcdef') == (5, 6, 70, 80, 70 * 80)
    assert picture(g, device='gpu0', head=0).box('abcdef') is None
    g.output('echo the second > /dev/ttyC1')
    wait_text(g, '^the second$', device='gpu0', head=1)


def test_the_cursor_has_its_shape(start, root, vnc, tmp_path):
    path = sock(tmp_path)
    g = start(f'-device {GPU} -vnc unix:{path}', initrd=root, mem='192M')
    v = vnc(path)
    g.output('fbbench cursor 100 100 ff8040')
    assert v.wait_cursor() == (64, 64, 0, 0, 'ff8040')
    g.output('fbbench cursor 200 50 102030')
    assert v.wait_cursor() == (64, 64, 0, 0, '102030')


def counters(g):
    return [int(n) for n in re.findall(r'=(\d+)$', g.output(
        'sysctl hw.virtio.0.interrupts hw.virtio.0.notifications'), re.M)]


def test_nothing_happens_while_nothing_is_drawn(start, root):
    g = start(f'-device {GPU},id=gpu', initrd=root, mem='192M')
    wait_text(g, '^viogpu0 at')
    time.sleep(0.3)
    before = counters(g)
    time.sleep(2)
    assert counters(g) == before
    # and a little is little: each line by itself, and what is the same not
    g.output('echo 1 > /dev/ttyC0; echo 2 > /dev/ttyC0')
    time.sleep(0.2)
    after = counters(g)
    assert after != before and after[1] - before[1] <= 12


def test_a_flood_of_text_is_not_drawn_line_by_line(start, root):
    g = start(f'-device {GPU}', initrd=root, mem='192M')
    wait_text(g, '^viogpu0 at')
    before = counters(g)
    many = ' /tmp/e' * 30
    g.output('dmesg > /tmp/d; cat' + ' /tmp/d' * 20 + ' > /tmp/e; '
        f'cat{many} > /dev/ttyC0; echo all of it > /dev/ttyC0')
    lines = wait_text(g, '^all of it$')
    assert sum(l.startswith('viogpu0 at') for l in lines) >= 2
    flood = 600 * len(g.output('dmesg').splitlines())
    assert counters(g)[1] - before[1] < flood / 10


def test_a_reset_brings_the_picture_back(start, root):
    g = start(f'-device {GPU}', initrd=root, mem='192M')
    wait_text(g, '^viogpu0 at')
    g.output('fbbench rect 600 400 200 200 ff00ff')
    wait_picture(g, lambda p: p.box('ff00ff') == (600, 400, 200, 200, 40000))
    for how in ['reset', 'reset'] + ([f'reset {q}' for q in
            ['control', 'cursor']] if 'RING_RESET' in g.output(
            'sysctl hw.virtio.0.features') else []):
        g.output(f"sysctl 'hw.virtio.0.control={how}'")
        shot = wait_picture(g, lambda p: p.box('ff00ff') is not None)
        assert shot.box('ff00ff') == (600, 400, 200, 200, 40000)
    g.output('fbbench rect 0 700 20 20 00ffff')
    wait_picture(g, lambda p: p.box('00ffff') == (0, 700, 20, 20, 400))


def test_a_panic_is_on_the_screen(start):
    g = start(f'-device {GPU}', mem='192M', append='panic=halt')
    g.console.send('sysctl debug.panic=1\n')
    lines = wait_text(g, '^panic: ')
    at = next(i for i, l in enumerate(lines) if l.startswith('panic: '))
    assert any(re.search(r'\w+\+0x[0-9a-f]+', l) for l in lines[at:])


def test_without_a_serial_port_the_screen_is_the_console(start):
    g = start(f'-device {GPU} -device {KEYBOARD}', mem='192M', serial=False,
        shell=False)
    wait_text(g, '^#', 30)
    type_text(g, 'echo Hello; echo done\n')
    lines = wait_text(g, '^done$')
    assert 'Hello' in lines


@pytest.mark.parametrize('keyboard', ['virtio'] +
    (['PS/2'] if ARCH == 'amd64' else []))
def test_keys_reach_the_shell_on_the_screen(start, keyboard):
    more = f' -device {KEYBOARD}' if keyboard == 'virtio' else ''
    g = start(f'-device {GPU}{more}', mem='192M')
    wait_text(g, '^#', 30)
    type_text(g, "echo 'A b-C_1' > /tmp/f; cat /tmp/f\n")
    assert wait_text(g, '^A b-C_1$')
    assert g.output('cat /tmp/f') == 'A b-C_1\n'
    type_text(g, 'ecjo')
    key(g, 'left')
    key(g, 'left')
    type_text(g, '\n')
    key(g, 'ctrl', 'c')
    type_text(g, 'sleep 100\n')
    time.sleep(0.3)
    key(g, 'ctrl', 'c')
    type_text(g, 'echo interrupted\n')
    wait_text(g, '^interrupted$')
