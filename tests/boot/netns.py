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


"""A network of a guest and this machine's own kernel: a tap device in a name
space of its own, with the servers of peer.py in it.

    with Net() as net:
        guest = start(*net.device(), within=net.within)

The guest is 192.168.77.2 and fd77::2, this machine .1 and ::1.
"""

import contextlib
import itertools
import os
import pathlib
import subprocess
import sys

HOST, GUEST = '192.168.77.1', '192.168.77.2'
HOST6, GUEST6 = 'fd77::1', 'fd77::2'
PEER = pathlib.Path(__file__).parent / 'peer.py'
CONFIGURE = ('ifconfig vio0 192.168.77.2/24; ifconfig vio0 inet6 fd77::2/64')

counter = itertools.count()


class Net:
    """A name space; why: what it could not do."""

    def __init__(self, queues=1, mtu=1500, serve=True):
        self.name = f'pv{os.getpid()}-{next(counter)}'
        self.within = ['ip', 'netns', 'exec', self.name]
        self.why = None
        self.peer = None
        self.queues = queues
        self.mtu = mtu
        self.serve = serve

    def run(self, *command, **more):
        return subprocess.run([*self.within, *command], capture_output=True,
            text=True, **more)

    def _made(self):
        tap = ['ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap',
            'vnet_hdr'] + (['multi_queue'] if self.queues > 1 else [])
        for command in (['ip', 'link', 'set', 'lo', 'up'], tap,
                ['ip', 'link', 'set', 'tap0', 'mtu', str(self.mtu), 'up'],
                ['ip', 'addr', 'add', f'{HOST}/24', 'dev', 'tap0'],
                ['ip', 'addr', 'add', f'{HOST6}/64', 'dev', 'tap0',
                    'nodad']):
            r = self.run(*command)
            if r.returncode:
                return r.stderr.strip()
        return None

    def __enter__(self):
        r = subprocess.run(['ip', 'netns', 'add', self.name],
            capture_output=True, text=True)
        self.why = r.stderr.strip() if r.returncode else self._made()
        if self.serve and not self.why:
            self.peer = subprocess.Popen([*self.within, sys.executable,
                str(PEER), 'serve'], stdout=subprocess.PIPE, text=True)
            self.peer.stdout.readline()
        return self

    def __exit__(self, *unused):
        if self.peer:
            self.peer.kill()
            self.peer.wait()
            self.peer.stdout.close()
        subprocess.run(['ip', 'netns', 'del', self.name],
            capture_output=True)

    def device(self, *options, bus='pci', vhdr=True, netdev=''):
        """QEMU's arguments for a network device with these properties."""
        queues = f',queues={self.queues}' if self.queues > 1 else ''
        device = ','.join([f'virtio-net-{bus}', 'netdev=n0', *options])
        if bus == 'pci':
            device += ',romfile='
        return ['-netdev', 'tap,id=n0,ifname=tap0,script=no,downscript=no'
            f'{queues}{netdev}' + ('' if vhdr else ',vnet_hdr=off'),
            '-device', device]

    @contextlib.contextmanager
    def bad_link(self, loss, twice, late):
        """QEMU's arguments for a device behind a link that does that."""
        relay = subprocess.Popen([*self.within, sys.executable, str(PEER),
            'relay', '7101', '7102', str(loss), str(twice), str(late)],
            stdout=subprocess.PIPE, text=True)
        try:
            relay.stdout.readline()
            yield ['-netdev', 'socket,id=n0,udp=127.0.0.1:7101,'
                'localaddr=127.0.0.1:7102', '-device',
                'virtio-net-pci,netdev=n0,romfile=']
        finally:
            relay.kill()
            relay.wait()
            relay.stdout.close()

    def snmp(self, group, name):
        """A counter of this machine's kernel, of the name space."""
        lines = self.run('cat', '/proc/net/snmp').stdout.splitlines()
        pairs = zip(lines[::2], lines[1::2])
        for names, values in pairs:
            if names.startswith(group + ':'):
                return int(dict(zip(names.split(), values.split()))[name])
        raise KeyError(name)
