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


"""What programs must not be able to do to the kernel, and what they may
expect of it; progs/kernel.c has the programs' side."""

import pathlib
import re
import subprocess

import pytest

from guest import COMPILER, compile, make_root, program

SOURCE = pathlib.Path(__file__).parent / 'progs' / 'kernel.c'
NAMES = re.findall(r'^\t\{ "(\w+)"', SOURCE.read_text(), re.M)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('kernel')
    return make_root(tmp / 'kernel.cpio', {'/bin/kernel': program('kernel',
        tmp)})


@pytest.mark.parametrize('name', NAMES)
def test_a_program(boot, root, name):
    text, status = boot(append=f'-- kernel {name}', initrd=root, mem='32M',
        timeout=30)
    assert status == 0, text
    assert 'ok' in text.splitlines()


def test_a_full_memory_comes_back(boot, root):
    text, status = boot(append='-- sysctl vm.free; '
        'kernel memory_ends_in_a_copy; sysctl vm.free; '
        'kernel memory_ends_in_a_copy; sysctl vm.free', initrd=root,
        mem='16M', timeout=30)
    assert status == 0, text
    free = [int(n) for n in re.findall(r'^vm\.free=(\d+)', text, re.M)]
    assert len(free) == 3 and free[2] >= free[1]


def library(name):
    """A library of the compiler's, by the name that a program asks for."""
    path = subprocess.run([COMPILER, f'-print-file-name={name}'],
        capture_output=True, text=True, check=True).stdout.strip()
    return pathlib.Path(path).resolve()


@pytest.mark.libc
def test_a_program_with_shared_libraries(boot, tmp_path):
    """The dynamic linker allocates behind its own data, to the page's end."""
    (tmp_path / 'root.c').write_text('#include <stdio.h>\n#include <math.h>\n'
        'int main(int c, char **v) { (void)v; printf("root %.3f\\n", '
        'sqrt(c + 1.0)); return (0); }\n')
    compile(tmp_path / 'root.c', tmp_path / 'root', '-fno-builtin',
        '-Wl,--no-as-needed', '-lm')
    headers = subprocess.run(['readelf', '-lW', tmp_path / 'root'],
        capture_output=True, text=True, check=True).stdout
    linker = re.search(r'interpreter: (\S+)\]', headers)[1]
    files = {'/bin/root': (tmp_path / 'root').read_bytes(),
        linker: library(pathlib.Path(linker).name).read_bytes()}
    for name in ('libc.so.6', 'libm.so.6'):
        files[f'/lib/{name}'] = library(name).read_bytes()
    image = make_root(tmp_path / 'root.cpio', files,
        {name: 0o755 for name in files})
    text, status = boot(append='-- LD_LIBRARY_PATH=/lib root', initrd=image)
    assert status == 0 and 'root 1.414' in text, text
