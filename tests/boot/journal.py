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

"""What diskbench's journal leaves on a disk, and whether it may be so.

The same dice as in tests/bench/diskbench.c tell which sectors each round
writes.  A round begins when the one before has been flushed.  So once "flushed
N" was said, or a sector of round N + 1 is there, each sector is as the last
write to it up to round N has left it, or as a later one."""

import struct

MASK = (1 << 64) - 1
MAGIC = 0x314c4e4a56415250
SECTOR = 512
SLOT = 8 * SECTOR


def _table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)
    return table


TABLE = _table()


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for b in data:
        crc = crc >> 8 ^ TABLE[(crc ^ b) & 255]
    return crc ^ 0xffffffff


class Dice:
    def __init__(self, seed):
        self.s = (seed * 0x9e3779b97f4a7c15 + 88172645463325252) & MASK or 1
        self.next()

    def next(self):
        s = self.s
        s ^= s << 13 & MASK
        s ^= s >> 7
        s ^= s << 17 & MASK
        self.s = s
        return s


class Journal:
    """The options as diskbench's own; sector: of the disk."""

    def __init__(self, seed, size, count=64, sector=SECTOR):
        self.seed, self.count = seed, count
        self.whole = sector // SECTOR
        self.slots = 1
        while self.slots * 2 * SLOT <= size:
            self.slots *= 2

    def records(self, number):
        """The first sector and the number of sectors of each record."""
        dice = Dice(self.seed * 1000003 + number)
        slot = dice.next() % self.slots
        step = dice.next() % self.slots | 1
        for _ in range(self.count):
            v = dice.next()
            n = self.whole + v % 8 // self.whole * self.whole
            yield slot * 8 + (v >> 8) % ((8 - n) // self.whole + 1) * \
                self.whole, n
            slot = (slot + step) % self.slots

    def sectors(self, number):
        """What record of that round each sector belongs to."""
        return {first + i: index
            for index, (first, n) in enumerate(self.records(number))
            for i in range(n)}

    def read(self, data, sector):
        """The round and the index that a sector has; (0, 0): never written;
        a string: what is wrong with it."""
        raw = data[sector * SECTOR:(sector + 1) * SECTOR]
        if not any(raw):
            return 0, 0
        magic, seed, where, number, index, crc = struct.unpack_from('<QQQIII',
            raw)
        if magic != MAGIC or seed != self.seed:
            return 'foreign'
        if crc32c(raw[:32] + bytes(4) + raw[36:]) != crc:
            return 'torn'
        if where != sector:
            return f'misplaced, of {where}'
        return number, index

    def check(self, data, flushed):
        """What is wrong with an image, a line each."""
        wrong, found = [], {}
        for sector in range(self.slots * 8):
            got = self.read(data, sector)
            if isinstance(got, str):
                wrong.append(f'sector {sector} is {got}')
            else:
                found[sector] = got
        # What has begun tells what had ended.
        newest = max((number for number, _ in found.values()), default=0)
        flushed = max(flushed, newest - 1)
        last = {}
        for number in range(1, flushed + 1):
            for sector, index in self.sectors(number).items():
                last[sector] = number, index
        later = self.sectors(flushed + 1)
        for sector, got in found.items():
            want = [last.get(sector, (0, 0))]
            if sector in later:
                want.append((flushed + 1, later[sector]))
            if got not in want:
                wrong.append(f'sector {sector} has round {got[0]}, record '
                    f'{got[1]}; {flushed} rounds were flushed, it may have '
                    f'{want}')
        return wrong
