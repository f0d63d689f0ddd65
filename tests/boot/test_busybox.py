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

"""Programs that know nothing of this kernel: the distribution's static
busybox, unmodified, from the root image."""

import hashlib
import pathlib
import random
import re

import pytest

from guest import busybox, compile, disk, has_file, make_root

pytestmark = [pytest.mark.libc, pytest.mark.needs('busybox')]


@pytest.fixture
def root(tmp_path):
    files = {'/bin/busybox': pathlib.Path(busybox()).read_bytes(), '/data/b': b'bee\n' * 100,
        '/data/a': b'one\ntwo\nthree\n', '/data/sub/c': b'x' * 5000}
    modes = {'/data/a': 0o640, '/data/b': 0o644, '/data/sub/c': 0o600}
    return make_root(tmp_path / 'busybox.cpio', files, modes)


@pytest.fixture
def guest(start, root):
    return start(initrd=root)


def test_sh_runs_commands(guest):
    assert guest.output('busybox sh -c "echo hello; echo $((6 * 7))"') == \
        'hello\n42\n'
    assert guest.run("busybox sh -c 'exit 9'")[1] == 9


def test_sh_has_pipes_loops_and_substitution(guest):
    assert guest.output("busybox sh -c 'for i in 1 2 3; do echo $i; done "
        "| busybox sort -r | busybox tr \"\\n\" +'") == '3+2+1+'
    assert guest.output("busybox sh -c 'x=$(cat /data/a | busybox wc -l); "
        "echo $x'").strip() == '3'
    assert guest.output("busybox sh -c 'busybox seq 3000 | busybox md5sum'"
        ) == hashlib.md5(''.join(f'{i}\n' for i in range(1, 3001)).encode()
        ).hexdigest() + '  -\n'


def test_sh_here_documents_and_redirections(guest):
    assert guest.output("busybox sh -c 'cat < /data/a 2>&1 | head -n 1'") == \
        'one\n'
    assert guest.output("busybox sh -c 'cat /no/such 2> /dev/null; "
        "echo $?'") == '1\n'


def test_sh_waits_and_traps(guest):
    assert guest.output("busybox sh -c 'busybox sleep 1 & wait $!; "
        "echo done'") == 'done\n'
    assert guest.output("busybox sh -c \"trap 'echo caught' USR1; "
        "kill -USR1 \\$\\$; echo after\"") == 'caught\nafter\n'


def test_an_interactive_sh(guest):
    c = guest.console
    c.send('busybox sh\n')
    c.expect('busybox sh\r\n')
    c.expect('[#$] ')
    c.send('echo in""side\n')
    c.expect('inside\r\n')
    c.expect('[#$] ')
    c.send('exit 4\n')
    c.expect('# ')
    assert guest.output('echo outside') == 'outside\n'


def test_ls_l(guest):
    lines = guest.output('busybox ls -l /data').splitlines()
    shown = {l.split()[-1]: l.split() for l in lines if not
        l.startswith('total')}
    assert set(shown) == {'a', 'b', 'sub'}
    assert shown['a'][0] == '-rw-r-----' and shown['a'][4] == '14'
    assert shown['b'][0] == '-rw-r--r--' and shown['b'][4] == '400'
    assert shown['sub'][0].startswith('d')


def test_ls_of_devices(guest):
    out = guest.output('busybox ls -l /dev')
    assert re.search(r'^crw.*\d+, +\d+ .* null$', out, re.M)
    assert re.search(r'^crw.* console$', out, re.M)


def test_dd_hexdump_and_od(start, image, root):
    g = start(disk(image('d.img', bytes(range(256)) * 64)), initrd=root)
    assert g.output('busybox dd if=/dev/vioblk0 bs=16 skip=1 count=1 '
        '2>/dev/null | busybox hexdump -C') == \
        '00000000  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f' \
        '  |................|\n00000010\n'
    out = g.output('busybox hexdump -C -n 32 /dev/vioblk0')
    assert out.startswith('00000000  00 01 02 03')


def test_sha256sum_of_64_megabytes_of_a_disk(start, image, root):
    data = random.Random(8).randbytes(64 << 20)
    g = start(disk(image('d.img', data)), initrd=root)
    out = g.output('busybox sha256sum /dev/vioblk0', timeout=240)
    assert out == hashlib.sha256(data).hexdigest() + '  /dev/vioblk0\n'


def test_dd_writes_what_the_host_reads(start, image, root):
    data = random.Random(8).randbytes(3 << 20)
    a, b = image('a.img', data), image('b.img', 8 << 20)
    g = start(disk(a, 'a'), disk(b, 'b'), initrd=root)
    g.output('busybox dd if=/dev/vioblk0 of=/dev/vioblk1 bs=12345 '
        'seek=7 conv=fsync')
    g.kill()
    assert b.read_bytes()[7 * 12345:][:3 << 20] == data


def test_programs_built_by_the_distributions_compiler(start, tmp_path):
    """Static, and static and position-independent; with the C library's
    stdio, malloc, time and environment."""
    (tmp_path / 'p.c').write_text(r'''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *p = malloc(5000000);
	struct timespec a, b;
	if (p == NULL)
		return 2;
	memset(p, 'x', 5000000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &b);
	double d = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%d %s %c %s %.1f %s\n", argc, argv[1], p[4999999],
	    d >= 0.05 && d < 5 ? "slept" : "did not sleep", 2.5,
	    time(NULL) > 1700000000 ? "now" : "then");
	free(p);
	fflush(stdout);
	write(2, "err\n", 4);
	return 3;
}
''')
    files = {}
    # Not every C library has what makes both.
    kinds = {'static': ['-static', '-no-pie']}
    if has_file('rcrt1.o'):
        kinds['pie'] = ['-static-pie']
    for name, flags in kinds.items():
        compile(tmp_path / 'p.c', tmp_path / name, *flags)
        files[f'/bin/{name}'] = (tmp_path / name).read_bytes()
    g = start(initrd=make_root(tmp_path / 'r.cpio', files))
    for name in kinds:
        assert g.run(f'{name} hello') == ('2 hello x slept 2.5 now\nerr\n', 3)
