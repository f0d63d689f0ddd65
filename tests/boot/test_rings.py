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


"""Every combination of what a ring can be, for a disk, an entropy device
and a console at once: what is offered is taken, and every byte is where it
belongs after the rings have gone round many times."""

import itertools
import random
import re

import pytest

from guest import QEMU, aio_blocks, device_has, disk, make_root, program

# Properties of QEMU's devices, and the features they are.
BITS = {
    'packed': 'RING_PACKED',
    'in_order': 'IN_ORDER',
    'event_idx': 'EVENT_IDX',
    'indirect_desc': 'INDIRECT_DESC',
    'queue_reset': 'RING_RESET',
    'iommu_platform': 'ACCESS_PLATFORM',
}
READ_BLOCKS, WRITE_BLOCKS = 1024, 512
LINES = 40

# What the script is called with.  A batch of 64 is as many requests as there
# are places in the ring of the disk, and without indirect descriptors more
# than fit.
ANY_ORDER = 'batch 64 64'
# QEMU (10.0, at least) ends what is asked for together last one first.  With
# in_order it looks for such a request among those before it, and where the
# end of the ring lies between, or the ring is full, it does not find it: it
# is never returned.  Requests for blocks in a row become one, and their order
# stays.
IN_ORDER = 'row 32 1'

# The loop answers each line on the console.
SCRIPT = f'''
sysctl hw.virtio.0 hw.virtio.1 hw.virtio.2 hw.virtio.3
aio $1 /dev/vioblk0 $2 2048 1 || echo FAILED
aio steady /dev/vioblk0 $3 512 1 || echo FAILED
aio write /dev/vioblk1 $2 {WRITE_BLOCKS} 1 || echo FAILED
for i in 1 2; do
    head -c 1000 /dev/hwrng > /tmp/r$i || echo FAILED
    hexdump -C /tmp/r$i
    echo end of $i
done
exec < /dev/viocon0
stty raw -echo
echo ready > /dev/viocon0
while read line; do
    echo "<$line>" > /dev/viocon0
    [ "$line" = end ] && break
done
'''


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('rings')
    return make_root(tmp / 'rings.cpio', {'/bin/aio': program('aio', tmp),
        '/etc/rings': SCRIPT.encode()})


@pytest.fixture(scope='module')
def pattern(tmp_path_factory):
    path = tmp_path_factory.mktemp('pattern') / 'read.img'
    path.write_bytes(aio_blocks(1, 0, READ_BLOCKS))
    return path


def check_features(text, on):
    """What was asked for is offered, and all that is offered of it taken."""
    for n in range(4):
        taken, offered = (re.search(rf'^hw\.virtio\.{n}\.{name}=(.*)$',
            text, re.M)[1].split(',') for name in ('features',
            'host_features'))
        for prop, bit in BITS.items():
            assert (bit in offered) == on[prop], (n, bit, offered)
            assert (bit in taken) == on[prop], (n, bit, taken)
        assert 'VERSION_1' in taken


def check_entropy(text):
    dumps = [re.findall(r'^[0-9a-f]{8}  ((?:[0-9a-f]{2} +)+)', part, re.M)
        for part in re.split(r'^end of \d$', text, flags=re.M)[:2]]
    data = [bytes.fromhex(''.join(d)) for d in dumps]
    assert [len(d) for d in data] == [1000, 1000]
    assert data[0] != data[1]
    # Each byte value is there about four times.
    assert all(len(set(d)) > 200 for d in data)


def talk(console, name):
    rnd = random.Random(name)
    console.expect('ready\n')
    for i in range(LINES):
        line = f'{i}:' + 'x' * rnd.randrange(100)
        console.send(line + '\n')
        console.expect(f'<{line}>\n')
    console.send('end\n')
    console.expect('<end>\n')


@pytest.mark.parametrize('values', itertools.product((False, True),
    repeat=len(BITS)), ids=lambda values: '-'.join(p for p, v in
    zip(BITS, values) if v) or 'none')
def test_rings(start, root, pattern, image, values):
    on = dict(zip(BITS, values))
    missing = [p for p in BITS if not device_has('virtio-blk-pci', p)]
    if missing:
        wanted = [p for p in missing if on[p]]
        if wanted:
            pytest.skip(f'{QEMU} has no {", ".join(wanted)}')
    options = ''.join(f',{p}={"on" if v else "off"}' for p, v in on.items()
        if p not in missing) + ',disable-legacy=on,disable-modern=off'
    stride = 1 if on['in_order'] else 4
    target = image('write.img', WRITE_BLOCKS * 4096 * stride)
    g = start(disk(pattern, 'r', f'queue-size=64{options}',
        **{'read-only': 'on'}), disk(target, 'w', f'queue-size=64{options}'),
        f'-device virtio-rng-pci{options} -device virtio-serial-pci{options} '
        '-chardev socket,id=vc,fd={vc} -device virtconsole,chardev=vc',
        extra=['vc'], initrd=root, shell=False, append='-- sh /etc/rings ' +
        (IN_ORDER if on['in_order'] else ANY_ORDER))
    talk(g.streams['vc'], str(values))
    assert g.wait() == 0
    text = g.text()
    assert 'FAILED' not in text, text
    check_features(text, on)
    check_entropy(text)
    data = target.read_bytes()
    for n in range(0, WRITE_BLOCKS * stride, stride):
        assert data[n * 4096:(n + 1) * 4096] == aio_blocks(2, n, 1), n
