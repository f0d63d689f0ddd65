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

"""Random numbers: before the first seed, after it, and in a copy of the
machine."""

import re
import time

import pytest

from guest import ARCH, GuestError, drivable, make_root, program

RNG = 'virtio-rng-pci'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('random')
    return make_root(tmp / 'random.cpio',
        {'/bin/random': program('random', tmp)})


@pytest.mark.libc
@pytest.mark.arch('amd64')
def test_without_a_source_who_wants_a_seed_waits_a_while(start, root):
    # a processor without rdrand
    g = start(initrd=root, cpu='qemu64')
    lines = g.output('random nixpwnwp').splitlines()
    assert lines == ['EAGAIN', '32 bytes', 'EINVAL', 'poll 0', '32 bytes',
        '32 bytes', '32 bytes', 'poll 1']
    assert len(g.output('head -c 8 /dev/random | hexdump')) > 20


@pytest.mark.libc
def test_a_device_seeds_the_generator(start, root):
    g = start(f'-device {RNG}', initrd=root)
    g.output('sleep 1')
    assert g.output('random npw').splitlines() == ['32 bytes', 'poll 1',
        '32 bytes']


@pytest.mark.libc
@pytest.mark.arch('amd64')
def test_a_device_that_gives_nothing_stops_nobody(start, root):
    g = start('-object rng-egd,chardev=c,id=r -chardev null,id=c '
        f'-device {RNG},rng=r', initrd=root, cpu='qemu64')
    assert g.output('random inw').splitlines() == ['32 bytes', 'EAGAIN',
        '32 bytes']
    out, status = g.run('dd if=/dev/hwrng of=/dev/null count=1 & '
        'sleep 1; kill %1 2>/dev/null || kill $!; wait; echo killed')
    assert 'killed' in out


def asked(g):
    return int(re.search(r'=(\d+)', g.output(
        'sysctl hw.virtio.0.notifications'))[1])


def test_the_device_is_asked_while_numbers_are_used_and_not_else(start):
    g = start(f'-device {RNG}')
    g.output('sleep 1')
    before = asked(g)
    time.sleep(1.5)
    # the shell uses some itself, and the first intervals are short
    assert asked(g) - before <= 2
    before = asked(g)
    for _ in range(3):
        g.output('head -c 1500000 /dev/urandom > /dev/null')
    assert asked(g) - before >= 3
    assert asked(g) - before <= 8


@pytest.mark.parametrize('options', drivable(['disable-legacy=on,packed=on',
    'disable-modern=on']))
def test_the_raw_source_is_quick_and_each_byte_new(start, options):
    g = start(f'-device {RNG},{options}')
    g.output('dd if=/dev/hwrng of=/tmp/a bs=100001 count=20')
    g.output('dd if=/dev/hwrng of=/tmp/b bs=100001 count=20')
    assert g.output('ls -l /tmp/a').split()[4] == str(100001 * 20)
    assert g.output('hexdump /tmp/a | head -n 50') != \
        g.output('hexdump /tmp/b | head -n 50')


GUID = '324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb8'


@pytest.mark.arch('amd64')
def test_a_copy_of_a_machine_is_told_so(start, tmp_path):
    image = tmp_path / 'image'
    g = start(f'-device vmgenid,guid={GUID}0')
    assert re.search(r'^vmgenid0 at mainbus0 addr 0x\w+: VM generation$',
        g.text(), re.M)
    g.qmp.command('stop')
    g.qmp.command('migrate', uri=f'exec:cat > {image}')
    for _ in range(200):
        if g.qmp.command('query-migrate')['status'] == 'completed':
            break
        time.sleep(0.05)
    g.kill()
    said = 'vmgenid0: this machine was copied or restored'
    numbers = set()
    for digit in '012':
        g = start(f'-device vmgenid,guid={GUID}{digit}',
            f"-incoming 'exec:cat {image}'", shell=False)
        while g.qmp.command('query-status')['status'] == 'inmigrate':
            time.sleep(0.05)
        g.qmp.command('cont')
        numbers.add(g.output('head -c 16 /dev/urandom | hexdump'))
        assert (said in g.text()) == (digit != '0')
    assert len(numbers) == 3
