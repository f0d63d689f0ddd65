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

"""What is on a guest's screen: pictures by QMP, read as text where it is text,
and a VNC client that does what a user's window does."""

import collections
import os
import re
import socket
import struct
import tempfile
import time

from guest import BUILD, GuestError

WIDTH, HEIGHT = 8, 16		# of a character


def font():
    """The characters of ASCII by their pixels, from the kernel's own font."""
    text = (BUILD / 'include/wsfont_data.h').read_text()
    rows = re.findall(r'\{((?: 0x[0-9a-f]{2},?){16}) \}', text)[:95]
    return {bytes(int(b, 16) for b in row.replace(',', ' ').split()):
        chr(32 + n) for n, row in enumerate(rows)}


class Picture:
    """What screendump gives: rows of pixels, three bytes each."""

    def __init__(self, data):
        match = re.match(rb'P6\s+(\d+)\s+(\d+)\s+255\s', data)
        self.width, self.height = int(match[1]), int(match[2])
        data = data[match.end():]
        row = self.width * 3
        stride = len(data) // self.height
        # QEMU pads the lines to words, where that is not the format
        assert len(data) % self.height == 0 and row <= stride < row + 4
        self.data = b''.join(data[at:at + row] for at in
            range(0, len(data), stride))

    def pixel(self, x, y):
        at = (y * self.width + x) * 3
        return self.data[at:at + 3].hex()

    def colours(self):
        """How many pixels there are of each colour."""
        return collections.Counter(self.data[i:i + 3].hex()
            for i in range(0, len(self.data), 3))

    def box(self, colour):
        """The smallest rectangle that has all pixels of that colour, as
        x, y, width, height, and how many they are."""
        want = bytes.fromhex(colour)
        n = x0 = y0 = x1 = y1 = 0
        for y in range(self.height):
            row = self.data[y * self.width * 3:(y + 1) * self.width * 3]
            if want not in row:
                continue
            xs = [x for x in range(self.width) if
                row[3 * x:3 * x + 3] == want]
            if not xs:
                continue
            if n == 0:
                x0, y0, x1 = xs[0], y, xs[-1]
            x0, x1, y1 = min(x0, xs[0]), max(x1, xs[-1]), y
            n += len(xs)
        return (x0, y0, x1 - x0 + 1, y1 - y0 + 1, n) if n else None

    def text(self, scale=1):
        """The lines of text on black, as far as the characters are of ASCII;
        a margin is shared by both sides."""
        glyphs = font()
        w, h = WIDTH * scale, HEIGHT * scale
        cols, rows = self.width // w, self.height // h
        left, top = self.width % w // 2 & ~1, self.height % h // 2
        lit = bytes([ord('0')] + [ord('1')] * 255)
        lines = []
        for row in range(rows):
            bits = []
            for y in range(HEIGHT):
                at = (top + row * h + y * scale) * self.width * 3
                points = self.data[at + 1:at + self.width * 3:3]
                points = points.translate(lit)[left:left + cols * w:scale]
                bits.append(int(points, 2).to_bytes(cols, 'big'))
            line = ''.join(self._character(bytes(b[col] for b in bits),
                glyphs) for col in range(cols))
            lines.append(line.rstrip())
        return lines

    @staticmethod
    def _character(bits, glyphs):
        """As it is, or inverted where the text cursor stands."""
        return glyphs.get(bits) or glyphs.get(bytes(255 - b for b in bits),
            '\ufffd')


def picture(g, **arguments):
    """The screen as it is now."""
    with tempfile.NamedTemporaryFile(suffix='.ppm') as f:
        g.qmp.command('screendump', filename=f.name, **arguments)
        return Picture(f.read())


def wait_picture(g, good, timeout=15, **arguments):
    """The first one that is as it should be."""
    end = time.monotonic() + timeout
    while True:
        shot = picture(g, **arguments)
        if good(shot):
            return shot
        if time.monotonic() > end:
            raise GuestError('the screen shows\n' + '\n'.join(shot.text()))
        time.sleep(0.1)


def wait_text(g, pattern, timeout=15, scale=1, **arguments):
    """Text that is to be on the screen; its lines."""
    return wait_picture(g, lambda shot: re.search(pattern,
        '\n'.join(shot.text(scale)), re.M), timeout,
        **arguments).text(scale)


def assert_drawn(g, width, height):
    """What fbbench draws, by its mapping and by write(2), is on a screen of
    that size where it is to be."""
    g.output('fbbench rect 200 300 77 33 ff0000; '
        'fbbench write 301 401 99 3 00ff00; fbbench rect '
        f'{width - 1} {height - 1} 1 1 0000ff')
    shot = wait_picture(g, lambda p: p.box('0000ff'))
    assert (shot.width, shot.height) == (width, height)
    assert shot.box('ff0000') == (200, 300, 77, 33, 77 * 33)
    assert shot.box('00ff00') == (301, 401, 99, 3, 99 * 3)
    assert shot.box('0000ff') == (width - 1, height - 1, 1, 1, 1)


KEYS = {' ': 'spc', '-': 'minus', '/': 'slash', '\n': 'ret', '.': 'dot',
    ';': 'semicolon', '=': 'equal', ',': 'comma', "'": 'apostrophe'}
SHIFTED = {'>': 'dot', '<': 'comma', '|': 'backslash', '&': '7', '"':
    'apostrophe', '$': '4', '*': '8', '_': 'minus', '?': 'slash', ':':
    'semicolon', '+': 'equal'}


def key(g, *names):
    """Keys that are pressed together, by QEMU's names."""
    g.qmp.command('send-key', keys=[{'type': 'qcode', 'data': name}
        for name in names], **{'hold-time': 10})
    time.sleep(0.03)


def type_text(g, text):
    """As on a keyboard with the layout of the United States."""
    for c in text:
        if c in SHIFTED or c.isupper():
            key(g, 'shift', SHIFTED.get(c, c.lower()))
        else:
            key(g, KEYS.get(c, c))


class Vnc:
    """A viewer: RFB 3.8 without a password, raw pixels, and the extensions
    by which a window tells its size and gets the cursor's shape."""

    RAW, CURSOR, SIZE = 0, -239, -308

    def __init__(self, path, timeout=15):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        end = time.monotonic() + timeout
        while True:
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        assert self._read(12).startswith(b'RFB 003.')
        self.sock.sendall(b'RFB 003.008\n')
        assert 1 in self._read(self._read(1)[0])
        self.sock.sendall(b'\1')
        assert self._read(4) == bytes(4)
        self.sock.sendall(b'\1')
        self.width, self.height, _, length = struct.unpack('>HH16sI',
            self._read(24))
        self._read(length)
        self.cursor = None
        encodings = [self.RAW, self.CURSOR, self.SIZE]
        self.sock.sendall(struct.pack('>BxH', 2, len(encodings)) +
            struct.pack(f'>{len(encodings)}i', *encodings))

    def _read(self, n):
        data = b''
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise GuestError('VNC: the server has gone')
            data += part
        return data

    def resize(self, width, height):
        """The window has another size."""
        self.sock.sendall(struct.pack('>BxHHBxIHHHHI', 251, width, height, 1,
            0, 0, 0, width, height, 0))

    def wait_cursor(self):
        """The next shape of the cursor: size, hot spot, colour of the hot
        spot's pixel."""
        self.sock.sendall(struct.pack('>BBHHHH', 3, 1, 0, 0, 1, 1))
        while self.cursor is None:
            kind = self._read(1)[0]
            assert kind == 0, f'message {kind}'
            for _ in range(struct.unpack('>xH', self._read(3))[0]):
                self._rectangle()
        cursor, self.cursor = self.cursor, None
        return cursor

    def _rectangle(self):
        x, y, w, h, encoding = struct.unpack('>HHHHi', self._read(12))
        if encoding == self.RAW:
            self._read(w * h * 4)
        elif encoding == self.CURSOR:
            pixels = self._read(w * h * 4)
            self._read((w + 7) // 8 * h)
            if w:
                at = (y * w + x) * 4
                self.cursor = (w, h, x, y, pixels[at:at + 4][2::-1].hex())
        elif encoding == self.SIZE:
            self._read(16 * self._read(4)[0])
        else:
            raise GuestError(f'VNC: encoding {encoding}')

    def close(self):
        self.sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
