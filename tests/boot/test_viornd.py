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

"""Entropy: the raw device gives the host's bytes, the generator never the
same ones twice, and a source that has nothing to give holds nobody up."""

import random
import re
import threading

import pytest

from guest import THIS, GuestError, disk


def runs_of(data, source, least=8):
    """Whether data is a sequence of runs of at least so many bytes from
    the source (the last run may be shorter)."""
    at = 0
    while at < len(data):
        here = source.find(data[at:at + least])
        if here < 0:
            return False
        size = 0
        while at + size < len(data) and \
                source[here + size:here + size + 1] == \
                data[at + size:at + size + 1]:
            size += 1
        at += size
    return True


class Egd(threading.Thread):
    """An entropy daemon on a stream: for each request of n bytes, n bytes
    of the source."""

    def __init__(self, stream, source):
        super().__init__(daemon=True)
        self.stream, self.source, self.given = stream, source, 0

    def run(self):
        seen = 0
        while True:
            with self.stream.cond:
                while len(self.stream.data) < seen + 2:
                    if self.stream.eof:
                        return
                    self.stream.cond.wait()
                what, size = self.stream.data[seen:seen + 2]
            seen += 2
            assert what == 2
            try:
                self.stream.sock.sendall(
                    self.source[self.given:self.given + size])
            except OSError:
                return
            self.given += size


EGD = '-chardev socket,id=egd,fd={egd} -object rng-egd,id=r,chardev=egd ' \
    '-device virtio-rng-pci,rng=r'


def test_hwrng_gives_the_bytes_of_a_file(start, image):
    source = random.Random(1).randbytes(4 << 20)
    out = image('o.img', 4096)
    g = start(f'-object rng-random,id=r,filename={image("src", source)} '
        '-device virtio-rng-pci,rng=r', disk(out))
    assert re.search(r'^viornd0 at virtio\d+', g.text(), re.M)
    g.output('dd if=/dev/hwrng of=/dev/vioblk0 bs=512 count=4')
    g.output('dd if=/dev/hwrng of=/dev/vioblk0 bs=2048 seek=1 count=1')
    g.kill()
    got = out.read_bytes()
    assert runs_of(got, source)
    assert len({got[i:i + 16] for i in range(0, 4096, 16)}) == 256


def test_hwrng_gives_the_bytes_of_a_daemon(start, image):
    source = random.Random(2).randbytes(1 << 20)
    out = image('o.img', 4096)
    g = start(EGD, disk(out), extra=['egd'], shell=False)
    Egd(g.streams['egd'], source).start()
    g.wait_shell()
    g.output('dd if=/dev/hwrng of=/dev/vioblk0 bs=64 count=64')
    g.kill()
    assert runs_of(out.read_bytes(), source)


@pytest.mark.parametrize('size', [1, 7, 64, 1000])
def test_hwrng_reads_of_any_size(start, image, size):
    source = random.Random(3).randbytes(1 << 20)
    out = image('o.img', 8192)
    g = start(f'-object rng-random,id=r,filename={image("src", source)} '
        '-device virtio-rng-pci,rng=r', disk(out))
    g.output(f'dd if=/dev/hwrng of=/dev/vioblk0 bs={size} count=8')
    g.kill()
    got = out.read_bytes()
    assert any(got[:8 * size]) and not any(got[8 * size:])


@pytest.mark.parametrize('name', ['random', 'urandom'])
def test_the_generator_does_not_repeat_itself(start, name):
    g = start('-device virtio-rng-pci')
    seen = {g.output(f'head -c 32 /dev/{name} | hexdump -C')
        for _ in range(8)}
    assert len(seen) == 8
    for text in seen:
        assert '00 00 00 00' not in text and text.count('\n') >= 2


def test_two_boots_differ(boot):
    texts = [boot('-device virtio-rng-pci',
        append='-- head -c 16 /dev/urandom | hexdump -C')[0]
        for _ in range(2)]
    dumps = [re.findall(r'^0+ .*$', t, re.M) for t in texts]
    assert dumps[0] and dumps[0] != dumps[1]


def test_much_randomness(boot, image):
    out = image('o.img', 1 << 20)
    text, status = boot('-device virtio-rng-pci', disk(out),
        append='-- dd if=/dev/urandom of=/dev/vioblk0 bs=65536 count=16')
    assert status == 0
    data = out.read_bytes()
    ones = sum(bin(b).count('1') for b in data)
    assert abs(ones - 4 * len(data)) < 8000		# over five sigma
    assert len({data[i:i + 16] for i in range(0, len(data), 16)}) == 65536


def test_a_silent_source_does_not_hold_up_the_boot(start):
    g = start(EGD, extra=['egd'])
    assert g.output('echo ready') == 'ready\n'
    # It wakes up later, and what waited for it goes on.
    g.console.send('head -c 16 /dev/hwrng | hexdump -C; echo go"t i"t\n')
    Egd(g.streams['egd'], random.Random(4).randbytes(65536)).start()
    g.console.expect('got it')


def test_a_wait_for_a_silent_source_can_be_interrupted(start):
    g = start(EGD, extra=['egd'])
    g.console.send('head -c 16 /dev/hwrng\n')
    g.console.expect('head -c 16 /dev/hwrng\r\n')
    # The shell must have made it the foreground job before the key reaches it.
    for _ in range(20):
        g.console.send('\x03')
        try:
            g.console.expect('# ', timeout=1)
            break
        except GuestError:
            pass
    assert g.output('echo ready') == 'ready\n'


def test_a_throttled_source(start):
    g = start('-object rng-random,id=r,filename=/dev/urandom '
        '-device virtio-rng-pci,rng=r,max-bytes=64,period=200')
    g.output('head -c 128 /dev/hwrng > /dev/null')


def test_no_source_at_all(start):
    g = start(cpu=THIS.cpus[0])
    out, status = g.run('head -c 1 /dev/hwrng')
    assert status != 0
    assert g.output('echo ready') == 'ready\n'
