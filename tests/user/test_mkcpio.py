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

"""tools/mkcpio: the root image that it makes, read by GNU cpio and by a
reader of our own that knows nothing of the writer."""

import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys

import pytest

MKCPIO = pathlib.Path(__file__).parents[2] / 'tools' / 'mkcpio'


def mkcpio(*args):
    return subprocess.run([sys.executable, MKCPIO, *args],
        capture_output=True, text=True)


def parse(data):
    """(name, mode, data, offset of the data) of each entry, as a strict
    reader sees it."""
    at, out = 0, []
    while True:
        head = data[at:at + 110]
        assert head[:6] == b'070701'
        f = [int(head[6 + 8 * i:14 + 8 * i], 16) for i in range(13)]
        assert f[2] == f[3] == 0, 'owner'
        assert f[5] == 0, 'time'
        assert 0 < f[11] <= 4096, 'Linux skips longer names'
        name = data[at + 110:at + 110 + f[11]]
        assert name.endswith(b'\0')
        start = at + 110 + f[11]
        start += -start % 4
        name = name.split(b'\0')[0].decode()
        if name == 'TRAILER!!!':
            assert not data[start:].strip(b'\0')
            return out
        out.append((name, f[1], data[start:start + f[6]], start,
            (f[9], f[10])))
        at = start + f[6]
        at += -at % 4


@pytest.fixture
def make(tmp_path):
    def run(manifest, overlay='', base=None):
        (tmp_path / 'manifest').write_text(manifest)
        out = tmp_path / 'out.cpio'
        args = ['-b', str(base)] if base else []
        r = mkcpio(*args, str(out), str(tmp_path / 'manifest'),
            str(overlay))
        assert r.returncode == 0, r.stderr
        return out.read_bytes()
    return run


def test_manifest_lines_become_entries(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'hello')
    got = parse(make(f'''
        # what a root has
        dir /tmp 1777
        file /bin/hello 755 {tmp_path}/a	# a program
        link /bin/hi 777 hello
        chr /dev/null 666 1 3
        blk /dev/disk 600 0x20 1
        fifo /tmp/queue 644
        '''))
    table = {n: (oct(m), d, dev) for n, m, d, _, dev in got}
    assert table == {
        '.': ('0o40755', b'', (0, 0)),
        'tmp': ('0o41777', b'', (0, 0)),
        'bin': ('0o40755', b'', (0, 0)),
        'bin/hello': ('0o100755', b'hello', (0, 0)),
        'bin/hi': ('0o120777', b'hello', (0, 0)),
        'dev': ('0o40755', b'', (0, 0)),
        'dev/null': ('0o20666', b'', (1, 3)),
        'dev/disk': ('0o60600', b'', (32, 1)),
        'tmp/queue': ('0o10644', b'', (0, 0)),
    }


def test_a_directory_comes_before_what_is_in_it(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'x')
    names = [e[0] for e in parse(make(f'file /a/b/c/d 644 {tmp_path}/a\n'))]
    assert names == ['.', 'a', 'a/b', 'a/b/c', 'a/b/c/d']


@pytest.mark.parametrize('seed', range(20))
def test_data_begin_at_pages_and_cpio_reads_them(make, tmp_path, seed):
    rnd = random.Random(seed)
    files = {}
    lines = ''
    for i in range(60):
        name = 'f%d' % i + 'x' * rnd.choice([0, 1, 2, 3, 90, 240])
        size = rnd.choice([0, 1, 3, 4, 100, 3900, 4095, 4096, 4097, 12345,
            rnd.randrange(9000)])
        files[name] = rnd.randbytes(size)
        (tmp_path / f'src{i}').write_bytes(files[name])
        lines += f'file /d/{name} 644 {tmp_path}/src{i}\n'
    data = make(lines)
    for name, mode, content, start, _ in parse(data):
        if stat.S_ISREG(mode):
            assert content == files[name[2:]]
            if content:
                assert start % 4096 == 0, name
    out = tmp_path / 'x'
    out.mkdir()
    r = subprocess.run(['cpio', '-idm', '--quiet', '--no-absolute-filenames'],
        input=data, capture_output=True, cwd=out)
    assert r.returncode == 0 and r.stderr == b''
    assert {p.name: p.read_bytes() for p in (out / 'd').iterdir()} == files


@pytest.mark.parametrize('before', range(3700, 4120, 60))
@pytest.mark.parametrize('length', [1, 2, 3, 4, 199, 250])
def test_no_name_is_longer_than_readers_take(make, tmp_path, before, length):
    (tmp_path / 'a').write_bytes(bytes(before))
    (tmp_path / 'b').write_bytes(b'data')
    name = '/'.join(['n' * 200] * (length // 200) + ['n' * (length % 200)])
    got = parse(make(f'file /a 644 {tmp_path}/a\n'
        f'file /{name} 644 {tmp_path}/b\n'))
    assert got[-1][0] == name and got[-1][2] == b'data'
    assert got[-1][3] % 4096 == 0


def test_cpio_lists_it(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'hello' * 999)
    data = make(f'dir /d 755\nfile /d/a 644 {tmp_path}/a\n')
    r = subprocess.run(['cpio', '-t', '--quiet'], input=data,
        capture_output=True)
    assert (r.returncode, r.stdout, r.stderr) == (0, b'.\nd\nd/a\n', b'')


def test_the_same_input_gives_the_same_bytes(make, tmp_path):
    top = tmp_path / 'top'
    for name in 'zebra', 'ant', 'mole':
        (top / name).mkdir(parents=True)
        (top / name / 'file').write_text(name)
    first = make('dir /a 755\n', top)
    shutil.copytree(top, tmp_path / 'again')
    for p in (tmp_path / 'again').rglob('*'):
        os.utime(p, (1, 1))
    assert make('dir /a 755\n', tmp_path / 'again') == first


def test_an_overlay_lies_over_the_manifest(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'old')
    top = tmp_path / 'top'
    (top / 'bin').mkdir(parents=True)
    (top / 'bin' / 'a').write_bytes(b'new')
    (top / 'bin' / 'a').chmod(0o750)
    (top / 'bin' / 'l').symlink_to('a')
    got = {e[0]: e for e in parse(make(
        f'dir /bin 711\nfile /bin/a 644 {tmp_path}/a\n', top))}
    assert got['bin/a'][1:3] == (0o100750, b'new')
    assert got['bin/l'][1:3] == (0o120777, b'a')
    assert got['bin'][1] == 0o40711, 'the manifest told its mode'


def test_a_base_archive_is_kept(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'first')
    (tmp_path / 'b').write_bytes(b'second')
    base = tmp_path / 'base.cpio'
    base.write_bytes(make(f'file /a 644 {tmp_path}/a\nchr /n 666 1 3\n'))
    got = {e[0]: e for e in parse(make(f'file /b 644 {tmp_path}/b\n',
        base=base))}
    assert got['a'][2] == b'first' and got['b'][2] == b'second'
    assert got['n'][4] == (1, 3)


@pytest.mark.parametrize('line, says', [
    ('door /a 644', 'door: no such type'),
    ('dir /a', 'expected 3 words'),
    ('file /a 644 /no/such/file', 'No such file'),
    ('dir /a 888', 'invalid literal'),
    ('dir /a 10000', '10000: bad mode'),
    ('dir /../a 755', 'must not contain ..'),
    ('file / 644 /etc/hostname', 'the root must be a directory'),
    ('link /a 777 b\nfile /a/b 644 /dev/null', 'a is not a directory'),
    ('dir /a/b 755\nlink /a 777 b', 'there are files below it'),
])
def test_a_bad_line_is_named(tmp_path, line, says):
    (tmp_path / 'm').write_text(line + '\n')
    r = mkcpio(str(tmp_path / 'out'), str(tmp_path / 'm'))
    number = line.count('\n') + 1
    assert r.returncode == 1
    assert f'/m:{number}: ' in r.stderr and says in r.stderr
    assert 'Traceback' not in r.stderr
    assert not (tmp_path / 'out').exists()


def test_a_truncated_base_is_refused(make, tmp_path):
    (tmp_path / 'a').write_bytes(b'first' * 1000)
    whole = make(f'file /a 644 {tmp_path}/a\n')
    for size in 0, 50, 110, 500, 5000:
        (tmp_path / 'cut').write_bytes(whole[:size])
        r = mkcpio('-b', str(tmp_path / 'cut'), str(tmp_path / 'o'))
        assert r.returncode == 1 and r.stderr.count('\n') == 1
