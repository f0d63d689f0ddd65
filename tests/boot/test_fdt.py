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

"""Device trees that are not what a kernel likes: as long as a console can be
found, the boot goes on."""

import re
import subprocess

import pytest

from guest import ARCH, BOARDS, QEMU, THIS

pytestmark = pytest.mark.arch('arm64', 'arm64eb', 'riscv64')

# Of the usual board: what its parts call themselves.
CONTROLLER, MACHINE = {
    'riscv64': ([b'sifive,plic-1.0.0', b'riscv,plic0'], b'riscv-virtio'),
}.get(ARCH, ([b'arm,gic-v3'], b'linux,dummy-virt'))


@pytest.fixture
def boot_with(boot, tmp_path):
    """Boots with QEMU's own tree, in which these bytes are others."""
    def run(changes, append='-- echo ready', **more):
        path = tmp_path / 'machine.dtb'
        cpu = ['-cpu', THIS.cpu] if THIS.cpu else []
        subprocess.run([QEMU, '-machine', f'{BOARDS[0]},dumpdtb={path}',
            '-m', '128M', '-display', 'none', *cpu], check=True,
            capture_output=True)
        tree = path.read_bytes()
        for old, new in changes.items():
            assert old in tree and len(old) == len(new)
            tree = tree.replace(old, new)
        path.write_bytes(tree)
        return boot('-dtb', str(path), append=append, **more)

    return run


def test_a_machine_of_another_name(boot_with):
    text, status = boot_with({MACHINE: MACHINE[::-1]})
    assert '\nready\n' in text and status == 0


def test_a_tree_without_a_named_console(boot_with):
    text, status = boot_with({b'stdout-path': b'stdout-xxxx'})
    assert f'{THIS.serial} at fdt0' in text
    assert '\nready\n' in text and status == 0


def test_an_unknown_interrupt_controller(boot_with):
    """Nothing can interrupt then, and output is what remains."""
    text, status = boot_with({name + b'\0': b'x' + name[1:] + b'\0'
        for name in CONTROLLER})
    assert re.search(rf'^{THIS.serial} at fdt0.*: .*output only$', text, re.M)
    assert '\nready\n' in text and status == 0


def test_a_device_that_nothing_is_known_of(boot_with):
    text, status = boot_with({b'cfi-flash': b'acme-disk'})
    assert re.search('^acme-disk at fdt0 addr 0x?[0-9a-f]* not configured$',
        text, re.M)
    assert '\nready\n' in text and status == 0


@pytest.mark.arch('arm64', 'arm64eb')
def test_a_serial_port_of_the_sbsa(boot_with):
    text, status = boot_with({b'arm,pl011\0arm,primecell\0':
        b'arm,sbsa-uart\0no,second\0'})
    assert re.search('^pluart0 at fdt0 addr 0x9000000: sbsa$', text, re.M)
    assert '\nready\n' in text and status == 0


@pytest.mark.parametrize('name', [b'interrupts', b'reg\0', b'ranges\0',
    b'interrupt-map\0', b'#interrupt-cells', b'phandle', b'compatible'])
def test_properties_that_have_gone(start, tmp_path, boot_with, name):
    """Whatever is missing, nothing faults: the boot ends or goes quiet."""
    try:
        text, _ = boot_with({name: b'x' + name[1:]}, timeout=8)
    except AssertionError as e:
        text = str(e)
    assert 'panic' not in text
