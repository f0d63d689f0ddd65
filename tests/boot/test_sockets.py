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


"""What programs expect of sockets, epoll and eventfd, on the loopback interface;
progs/sockets.c has the programs' side."""

import pathlib
import re

import pytest

from guest import make_root, program

pytestmark = pytest.mark.libc

SOURCE = pathlib.Path(__file__).parent / 'progs' / 'sockets.c'
NAMES = re.findall(r'^\t\{ "(\w+)"', SOURCE.read_text(), re.M)


@pytest.fixture(scope='module')
def guest(started, tmp_path_factory):
    tmp = tmp_path_factory.mktemp('sockets')
    return started(initrd=make_root(tmp / 'sockets.cpio',
        {'/bin/sockets': program('sockets', tmp)}))


@pytest.mark.parametrize('name', NAMES)
def test_a_program(guest, name):
    text, status = guest.run(f'sockets {name}')
    assert (text.strip(), status) == ('ok', 0)
