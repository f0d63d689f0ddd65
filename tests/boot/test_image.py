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


"""What tools/mkimage makes boots by GRUB, under BIOS and under UEFI, as a CD
and as a disk; and the screen that the boot loader leaves is the console."""

import os
import re
import shutil
import subprocess
import time

import pytest

from guest import KERNEL, OVMF, TOP, compile, disk, make_root
from screen import assert_drawn, type_text, wait_picture, wait_text

pytestmark = [pytest.mark.arch('amd64'), pytest.mark.needs('grub')]

DOWN = '\x1b[B'


def mkimage(*args, **env):
    subprocess.run([TOP / 'tools' / 'mkimage', *args], check=True,
        env={**os.environ, **env})


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('root')
    out = tmp / 'fbbench'
    compile(TOP / 'tests/bench/fbbench.c', out, '-static', '-O2')
    return make_root(tmp / 'fb.cpio', {'/bin/fbbench': out.read_bytes(),
        '/etc/greeting': b'a root image beside the kernel\n'})


@pytest.fixture
def make(tmp_path):
    """Makes an image: its path, for QEMU's arguments."""
    def run(name, *args, **env):
        mkimage(*args, KERNEL, tmp_path / name, **env)
        return tmp_path / name
    return run


@pytest.fixture
def uefi(tmp_path):
    """The arguments for a machine with UEFI."""
    code = next(p for p in OVMF if os.path.exists(p))
    shutil.copy(code.replace('CODE', 'VARS'), tmp_path / 'vars.fd')
    return (f'-drive if=pflash,format=raw,readonly=on,file={code} '
        f'-drive if=pflash,format=raw,file={tmp_path}/vars.fd')


def test_a_cd_boots_by_bios_and_its_screen_is_the_console(start, make):
    """There is no serial port, and a pixel has three bytes."""
    iso = make('a.iso', '-t', '0', '-a', 'panic=halt')
    g = start(f'-cdrom {iso} -vga cirrus', kernel=None, serial=False,
        shell=False)
    lines = wait_text(g, '^# ?$')
    assert lines[0].startswith('Paravane ')
    assert 'booted by Multiboot2' in lines[1]
    assert any(re.fullmatch(r'genfb0 at mainbus0 addr 0x[0-9a-f]+: '
        r'1024x768, 24 bits a pixel', l) for l in lines)
    assert 'wsdisplay0 at genfb0: console 128x48, font 8x16' in lines
    assert not any(l.startswith('com') for l in lines)
    type_text(g, 'echo typed\n')
    wait_text(g, '^typed$')
    type_text(g, 'sysctl debug.panic=1\n')
    lines = wait_text(g, '^panic: ')
    assert any(re.search(r'\+0x[0-9a-f]+', l) for l in lines)


def test_a_disk_boots_by_bios_and_its_menu_is_on_the_serial_port(start, make,
        root):
    words = '''-- echo "a  b" 'c' \\\\ it\\'s; cat /etc/greeting; ''' \
        '''sysctl kern.cmdline'''
    img = make('a.img', '-t', '60', '-a', words, '-i', root)
    g = start(f'-drive if=ide,format=raw,file={img} -vga std', kernel=None,
        machine='pc', shell=False)
    g.console.expect('virtio 1.0 rather')
    wait_picture(g, lambda p: p.width == 720)
    g.console.send(DOWN * 3 + '\r')
    assert g.wait() == 0
    text = g.text()
    assert "\na  b c \\ it's\na root image beside the kernel\n" in text
    assert f'kern.cmdline=virtio.flags=0x4 {words}\n' in text


@pytest.mark.needs('uefi')
def test_a_cd_boots_by_uefi_and_viogpu_takes_the_screen_over(start, make,
        uefi):
    iso = make('a.iso', '-t', '0')
    g = start(f'{uefi} -cdrom {iso} -device virtio-vga', kernel=None,
        mem='4G', timeout=100)
    text = g.text()
    order = [text.index(line) for line in ('\ngenfb0 at mainbus0 addr ',
        '\nwsdisplay0 at genfb0: ', '\nviogpu0 at virtio',
        '\ngenfb0: viogpu0 has the screen from now on\n',
        '\nwsdisplay0 at viogpu0: ')]
    assert order == sorted(order)
    assert g.output('ls /dev/fb* /dev/ttyC*').split() == ['/dev/fb0',
        '/dev/ttyC0']
    assert wait_text(g, '^# $|^#$')[0].startswith('Paravane ')


@pytest.mark.needs('uefi')
def test_a_disk_boots_by_uefi_and_programs_draw(start, make, root, uefi):
    img = make('a.img', '-t', '0', '-i', root)
    g = start(f'{uefi} -drive if=none,id=d,format=raw,file={img} '
        '-device nvme,drive=d,serial=1 -vga std', kernel=None, mem='256M',
        timeout=100)
    width, height = 1024, 768
    assert f': {width}x{height}, 32 bits a pixel\n' in g.text()
    wait_text(g, '^wsdisplay0 at genfb0: console 128x48')
    assert g.output('fbbench info').startswith(f'{width}x{height} 32 bits')
    assert_drawn(g, width, height)
    assert g.run('fbbench mode 800 600')[1] != 0


def test_two_screens_are_two_consoles(start, make, image):
    """GRUB's, and one of viogpu(4) that has no VGA; on a CD's disk form."""
    iso = make('a.iso', '-t', '0')
    g = start(f'-device VGA,id=vga -device virtio-gpu-pci,id=gpu '
        f'-drive if=none,id=d,format=raw,file={iso} '
        '-device qemu-xhci -device usb-storage,drive=d,bootindex=0',
        disk(image('d.img', 5 << 20), 'd1'), kernel=None)
    text = g.text()
    assert re.search(r'^vioblk0 at virtio\d+: 5 MB', text, re.M)
    assert '\nwsdisplay0 at genfb0: ' in text
    assert '\nwsdisplay1 at viogpu0: ' in text
    g.output('echo one > /dev/ttyC0; echo two > /dev/ttyC1')
    wait_text(g, 'one$', device='vga')
    wait_text(g, 'two$', device='gpu')


def test_the_same_input_makes_the_same_bytes(make):
    def both():
        return [make(f'a.{kind}', SOURCE_DATE_EPOCH='1700000001').read_bytes()
            for kind in ('iso', 'img')]
    first = both()
    # FAT counts in two seconds, ISO in hundredths of one
    time.sleep(2.1)
    assert both() == first


def test_words_may_be_any_bytes(make):
    word = b'foo=\xff'
    assert word in make('a.img', '-a', os.fsdecode(word)).read_bytes()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    r = subprocess.run([TOP / 'tools' / 'mkimage', KERNEL, tmp_path / 'b/a.img'],
        capture_output=True, text=True)
    assert r.returncode == 1
    assert r.stderr == f'mkimage: {tmp_path}/b/a.img: No such file or ' \
        'directory\n'
