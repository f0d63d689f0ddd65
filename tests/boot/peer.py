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


"""What the tests of the network have on this machine's side: run in a name
space of its own, "peer.py serve" has

    7001/tcp    sends as many bytes as the first line asks for
    7002/tcp    takes bytes until the end, answers with their sha256
    7003/udp    sends back what comes

"peer.py flood ADDRESS SECONDS SIZE" sends as fast as it can, and "peer.py claim
ADDRESS" says by ARP that another machine has it.  "peer.py relay PORT PORT LOSS
TWICE LATE" is a bad link between the tap device and a QEMU whose network is
datagrams from the second port to the first: these parts of the frames are
lost, come twice, or come some milliseconds late, behind others.
"""

import fcntl
import hashlib
import heapq
import itertools
import os
import random
import select
import socket
import struct
import sys
import threading
import time


def pieces(size):
    """The same bytes for the same size, everywhere."""
    chunk = random.Random(size).randbytes(1 << 20)
    for _ in range(size >> 20):
        yield chunk
    yield chunk[:size % len(chunk)]


def data(size):
    return b''.join(pieces(size))


def sha(size):
    h = hashlib.sha256()
    for piece in pieces(size):
        h.update(piece)
    return h.hexdigest()


def send(conn):
    with conn:
        size = int(conn.makefile('rb').readline())
        try:
            for piece in pieces(size):
                conn.sendall(piece)
        except OSError:
            pass


def take(conn):
    with conn:
        h = hashlib.sha256()
        try:
            while block := conn.recv(1 << 18):
                h.update(block)
            conn.sendall(h.hexdigest().encode() + b'\n')
        except OSError:
            pass


def listen(port, handle):
    s = socket.create_server(('', port), family=socket.AF_INET6,
        dualstack_ipv6=True, backlog=64)

    def run():
        while True:
            conn, _ = s.accept()
            threading.Thread(target=handle, args=(conn,),
                daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return s.getsockname()[1]


def serve():
    listen(7001, send)
    listen(7002, take)
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(('', 7003))
    print('ready', flush=True)
    while True:
        block, where = s.recvfrom(70000)
        s.sendto(block, where)


def flood(address, seconds, size):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + float(seconds)
    block = b'x' * int(size)
    n = 0
    while time.monotonic() < end:
        for _ in range(100):
            try:
                s.sendto(block, (address, 9))
                n += 1
            except OSError:
                pass
    print(n)


def claim(address):
    mac = bytes.fromhex('020000000001')
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('tap0', 0x0806))
    a = socket.inet_aton(address)
    s.send(b'\xff' * 6 + mac + bytes.fromhex('08060001080006040001') +
        mac + a + bytes(6) + a)


def relay(here, there, loss, twice, late):
    loss, twice, late = float(loss), float(twice), float(late)
    tap = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH', b'tap0', 0x1002))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind(('127.0.0.1', int(here)))
    chance = random.Random(1)
    wait, order = [], itertools.count()
    print('ready', flush=True)

    def put(to_tap, frame):
        try:
            if to_tap:
                os.write(tap, frame)
            else:
                s.sendto(frame, ('127.0.0.1', int(there)))
        except OSError:
            pass

    def carry(to_tap, frame):
        if chance.random() < loss:
            return
        for _ in range(2 if chance.random() < twice else 1):
            if chance.random() < late:
                heapq.heappush(wait, (time.monotonic() +
                    chance.uniform(0.001, 0.005), next(order), to_tap,
                    frame))
            else:
                put(to_tap, frame)

    while True:
        now = time.monotonic()
        while wait and wait[0][0] <= now:
            put(*heapq.heappop(wait)[2:])
        ready, _, _ = select.select([tap, s], [], [],
            max(wait[0][0] - now, 0) if wait else None)
        if tap in ready:
            carry(False, os.read(tap, 70000))
        if s in ready:
            carry(True, s.recv(70000))


if __name__ == '__main__':
    {'serve': serve, 'flood': flood, 'claim': claim,
        'relay': relay}[sys.argv[1]](*sys.argv[2:])
