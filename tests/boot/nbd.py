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

"""A disk that loses what was not flushed: a server of NBD over a Unix socket,
for QEMU.

Writes are seen by reads at once, as of a disk with a cache.  What came since
the last flush is at risk: cut() is the end of the power, and each sector of
that kind is then as it was, or as one of the writes since has left it."""

import random
import socket
import struct
import threading

SECTOR = 512

FLAGS = 1 | 4 | 8 | 32 | 64	# flush, FUA, trim, write zeroes
READ, WRITE, DISC, FLUSH, TRIM, WRITE_ZEROES = 0, 1, 2, 3, 4, 6
FUA = 1
EXPORT_NAME, ABORT, INFO, GO = 1, 2, 6, 7
ACK, REP_INFO, UNSUPPORTED = 1, 3, 0x80000001
EINVAL = 22


class Closed(Exception):
    pass


class Server:
    def __init__(self, path, size, flushes=True):
        self.path, self.size = str(path), size
        self.flags = FLAGS if flushes else FLAGS & ~(4 | 8)
        self.now = bytearray(size)
        self.stable = bytearray(size)
        self.risky = {}		# by sector: what it has been since
        self.count = {READ: 0, WRITE: 0, FLUSH: 0, TRIM: 0, WRITE_ZEROES: 0}
        self.fua = 0
        self.over = False
        self.lock = threading.Lock()
        self.peers = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.cut()

    def node(self, name='d0'):
        """QEMU's arguments for a block node of this."""
        return ['-blockdev', f'driver=nbd,node-name={name},export=,'
            f'server.type=unix,server.path={self.path}']

    def cut(self, rnd=random):
        """The power goes: what the disk has then."""
        with self.lock:
            self.over = True
            for sector, versions in self.risky.items():
                at = sector * SECTOR
                self.stable[at:at + SECTOR] = rnd.choice(
                    [self.stable[at:at + SECTOR], *versions])
            self.risky = {}
        for s in [self.listener, *self.peers]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        return bytes(self.stable)

    # The disk.

    def write(self, at, data, sure=False):
        self.now[at:at + len(data)] = data
        for sector in range(at // SECTOR, -(-(at + len(data)) // SECTOR)):
            a = sector * SECTOR
            new = bytes(self.now[a:a + SECTOR])
            if sure:
                self.stable[a:a + SECTOR] = new
                self.risky.pop(sector, None)
            else:
                self.risky.setdefault(sector, []).append(new)

    def flush(self):
        for sector, versions in self.risky.items():
            at = sector * SECTOR
            self.stable[at:at + SECTOR] = versions[-1]
        self.risky = {}

    def request(self, kind, flags, at, length, data):
        """An error, and what is read."""
        if self.over:
            raise Closed
        if kind != FLUSH and at + length > self.size:
            return EINVAL, b''
        if kind in self.count:
            self.count[kind] += 1
        self.fua += bool(flags & FUA)
        if kind == READ:
            return 0, bytes(self.now[at:at + length])
        if kind in (WRITE, WRITE_ZEROES):
            self.write(at, data if kind == WRITE else bytes(length),
                bool(flags & FUA))
        elif kind == FLUSH:
            self.flush()
        elif kind != TRIM:
            return EINVAL, b''
        return 0, b''

    # The protocol.

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,),
                daemon=True).start()

    def _serve(self, peer):
        try:
            self._handshake(peer)
            while self._one(peer):
                pass
        except (Closed, OSError):
            pass

    def _get(self, peer, n):
        data = bytearray()
        while len(data) < n:
            got = peer.recv(n - len(data))
            if not got:
                raise Closed
            data += got
        return bytes(data)

    def _handshake(self, peer):
        peer.sendall(b'NBDMAGICIHAVEOPT' + struct.pack('>H', 1 | 2))
        self._get(peer, 4)
        while True:
            _, option, length = struct.unpack('>QII', self._get(peer, 16))
            self._get(peer, length)

            def reply(kind, data=b''):
                peer.sendall(struct.pack('>QIII', 0x3e889045565a9, option,
                    kind, len(data)) + data)

            if option == EXPORT_NAME:
                peer.sendall(struct.pack('>QH', self.size, self.flags))
                return
            if option in (INFO, GO):
                reply(REP_INFO, struct.pack('>HQH', 0, self.size,
                    self.flags))
                # the least, the best and the largest of a block
                reply(REP_INFO, struct.pack('>HIII', 3, 1, 4096, 32 << 20))
                reply(ACK)
                if option == GO:
                    return
            elif option == ABORT:
                reply(ACK)
                raise Closed
            else:
                reply(UNSUPPORTED)

    def _one(self, peer):
        magic, flags, kind, cookie, at, length = struct.unpack('>IHHQQI',
            self._get(peer, 28))
        if magic != 0x25609513 or kind == DISC:
            return False
        data = self._get(peer, length) if kind == WRITE else b''
        with self.lock:
            error, out = self.request(kind, flags, at, length, data)
        peer.sendall(struct.pack('>IIQ', 0x67446698, error, cookie) + out)
        return True
