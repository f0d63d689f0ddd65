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
ADDRESS" says by ARP that another machine has it.
"""

import hashlib
import random
import socket
import sys
import threading
import time


def data(size):
    """The same bytes for the same size, everywhere."""
    chunk = random.Random(size).randbytes(1 << 20)
    return (chunk * (size // len(chunk) + 1))[:size]


def send(conn):
    with conn:
        size = int(conn.makefile('rb').readline())
        try:
            conn.sendall(data(size))
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


if __name__ == '__main__':
    {'serve': serve, 'flood': flood, 'claim': claim}[sys.argv[1]](*sys.argv[2:])
