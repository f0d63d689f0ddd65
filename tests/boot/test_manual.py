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

"""The manual that the guest carries."""

import re
import shlex
import subprocess

import pytest

from guest import ARCH, KERNEL, QEMU, THIS, TIMEOUT, TOP, disk

PAGES = sorted((TOP / 'share' / 'man').glob('man*/*.[1-9]'))


def formatted(path):
    text = subprocess.run(['mandoc', '-Tascii', '-Owidth=78', path],
        check=True, capture_output=True, text=True).stdout
    return re.sub('.\b', '', text).strip() + '\n'


@pytest.mark.parametrize('page', [PAGES[0], PAGES[len(PAGES) // 2],
    PAGES[-1]], ids=lambda p: p.name)
def test_a_page_is_as_it_was_formatted(start, page):
    g = start()
    assert g.output(f'man {page.suffix[1:]} {page.stem} | cat') == \
        formatted(page)


def test_every_page_is_there_by_all_its_names(start):
    g = start()
    listed = g.output("man -k ''").splitlines()
    assert len(listed) == len(PAGES)
    for page in PAGES:
        assert any(re.match(rf'(\S+ )*{re.escape(page.stem)}( \S+)*'
            rf'\({page.suffix[1:]}\) - ', line) for line in listed), page
    assert 'hvclock' in g.output('man hvclock | cat')
    assert g.run('man nothing') == ('man: no entry for nothing in the '
        'manual\n', 1)
    assert g.run('man 8 vioblk')[1] == 1


def test_a_long_page_is_shown_screen_by_screen(start):
    g = start()
    g.output('stty rows 20 columns 80')
    more = r'--more--'
    g.console.send('man vioblk\n')
    g.console.expect(r'VIOBLK\(4\)')
    g.console.expect(more)
    g.console.send(' ')
    g.console.expect(more)
    g.console.send('b')
    g.console.expect('NAME')
    g.console.expect(more)
    g.console.send('q')
    g.console.expect('# ')
    assert g.output('echo back') == 'back\n'
    g.console.send('man vioblk\n')
    g.console.expect(more)
    g.console.send('G')
    g.console.expect(r'Paravane\r?\n# ')
    assert g.output('echo back') == 'back\n'


# What is in the guest, and what the pages say of it.

DEVICES = ' '.join((
    '-device virtio-rng-pci -device virtio-balloon-pci -device virtio-gpu-pci',
    '-device virtio-scsi-pci -device virtio-keyboard-pci',
    '-device virtio-net-pci,netdev=n -netdev user,id=n',
    '-device virtio-serial-pci -chardev null,id=c',
    '-device virtserialport,chardev=c,name=a.port'))


def explained():
    """Variables and files that a page explains, as patterns: a capital N or
    M in a name is a number, and what stands for a name is a word."""
    text = '\n'.join(p.read_text() for p in PAGES)
    for line in re.findall(r'\b(?:Va|Pa) (.*)', text):
        line = re.sub(r' Ns (?:Va )?', '', re.sub(r'Ar (\w+)N', r'\1N', line))
        for word in re.split(r'[ ,]+', line):
            yield re.sub(r'(?<![A-Z])[NM](?![A-Z])', r'\\d+',
                re.escape(word).replace('diskN', r'\w+'))


@pytest.mark.parametrize('list_all, prefix', [
    (r"sysctl -a | while IFS== read n v; do case $n in *.*) echo $n;; esac;"
        " done", ''),
    ('ls /dev', '/dev/')], ids=['variables', 'nodes'])
def test_what_there_is_is_explained(start, image, list_all, prefix):
    g = start(DEVICES, disk(image('d.img', 1 << 20)))
    known = list(explained())
    there = [prefix + line for line in g.output(list_all).split()
        if re.match(r'[\w.-]+$', line)]
    assert len(there) > 10
    assert [t for t in there if not any(re.fullmatch(k, t)
        for k in known)] == []


# The commands that the pages give.

def commands():
    """Those that boot this architecture's kernel."""
    for page in PAGES:
        text = page.read_text().replace(r'\e', '\\')
        blocks = re.findall(r'^\.Bd -literal.*?\n(.*?)^\.Ed', text, re.M | re.S)
        lines = [line for block in blocks
            for line in block.replace('\\\n', '').splitlines()
            if line.startswith(f'{THIS.qemu} ')
            and f'-kernel build/{ARCH}/paravane' in line]
        for i, line in enumerate(lines):
            yield pytest.param(shlex.split(line), id=f'{page.name}-{i}')


@pytest.mark.parametrize('words', commands())
def test_a_command_of_the_manual_boots(words, image):
    words = [re.sub(r'file=disk\S*', f'file={image("d.img", 1 << 20)}', w)
        for w in words]
    words[words.index('-kernel') + 1] = KERNEL
    if '-append' not in words:
        words += ['-append', '']
    append = words.index('-append') + 1
    words[append] = (words[append].partition('--')[0] +
        ' -- sysctl -n kern.ostype')
    run = subprocess.run([QEMU, *words[1:], '-no-reboot'], cwd=TOP,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=TIMEOUT * 4)
    assert '\nParavane\nparavane: exit 0\n' in run.stdout.replace('\r', ''), \
        run.stdout[-2000:] + run.stderr


# What porting(7) says that the drivers call.

CALLS = {
    'core': ['pv/virtio.o', 'pv/virtio_sysctl.o', 'pv/virtio_task.o',
        'pv/virtio_type.o', 'pv/virtqueue.o', 'pv/vq_*.o'],
    'virtio_mmio': ['pv/virtio_mmio.o'],
    'virtio_pci': ['pci/virtio_pci*.o'],
    'vio': ['pv/if_vio*.o'],
    'vioblk': ['pv/vioblk*.o'],
    'viocon': ['pv/viocon*.o'],
    'viogpu': ['pv/viogpu*.o'],
    'viokbd': ['pv/viokbd.o'],
    'viomb': ['pv/viomb.o'],
    'viornd': ['pv/viornd.o'],
    'vioscsi': ['pv/vioscsi.o'],
    'vmmci': ['pv/vmmci.o'],
}
# of KASSERT and the compiler
EVERYWHERE = {'panic', '__stack_chk_fail', '__stack_chk_guard'}


def symbols(who):
    """What these objects define, and what they take from elsewhere."""
    objects = [o for pattern in CALLS[who]
        for o in (KERNEL.parent / 'obj' / 'dev').glob(pattern)]
    listed = subprocess.run(['nm', '-g', *objects], check=True,
        capture_output=True, text=True).stdout
    has = set(re.findall(r'^\w+ [TDRB] (\w+)', listed, re.M))
    return has, set(re.findall(r'^ +U (\w+)', listed, re.M)) - has


@pytest.mark.arch('amd64')
@pytest.mark.parametrize('who', CALLS)
def test_what_a_driver_calls_is_as_porting_says(who):
    page = (TOP / 'share' / 'man' / 'man7' / 'porting.7').read_text()
    item = '.It Em core\n' if who == 'core' else f'.It Xr {who} 4\n'
    told = page.partition(item)[2]
    told = re.split(r'^\.(?:It|El)', told, flags=re.M)[0]
    core, everybody = symbols('core')
    calls = symbols(who)[1] - EVERYWHERE - core
    if who.startswith('vio') and not who.startswith('virtio') or \
            who == 'vmmci':
        calls -= everybody
    assert sorted(re.findall(r'^\.(?:Fn|Va) (\w+)', told, re.M)) == \
        sorted(calls)
