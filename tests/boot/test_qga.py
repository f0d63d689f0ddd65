# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The guest agent, asked as libvirt asks it.  What it answers to what is
tests/user/test_qga.py's."""

import base64
import json
import random
import re
import struct
import threading
import time

import pytest

from guest import THIS, TIMEOUT, make_root
from test_viocon_ports import BUS, Ends, unplug

PORT = 'org.qemu.guest_agent.0'
ALLOW = ''.join(f'allow guest-{c}\n' for c in ['exec', 'exec-status'] +
    [f'file-{c}' for c in ['open', 'close', 'read', 'write', 'flush']])


# a disk of 1 MB with one partition
MBR = bytes(446) + struct.pack('<B3xB3xII', 0, 0x83, 64, 1024) + \
    bytes(48) + b'\x55\xaa' + bytes((1 << 20) - 512)


class Client:
    """The host's end; it begins as libvirt does."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b''
        self.sync()

    def until(self, end):
        while end not in self.data:
            got = self.sock.recv(65536)
            assert got, f'the end, after {self.data[-200:]}'
            self.data += got
        before, self.data = self.data.split(end, 1)
        return before

    def send(self, request):
        self.sock.sendall(request)

    def sync(self):
        n = random.randrange(1 << 62)
        self.send(b'\xff{"execute":"guest-sync-delimited",'
            b'"arguments":{"id":%d}}\n' % n)
        self.until(b'\xff{"return": %d}\n' % n)

    def reply(self, name, **args):
        request = {'execute': 'guest-' + name}
        if args:
            request['arguments'] = {k.replace('_', '-'): v
                for k, v in args.items()}
        self.send(json.dumps(request).encode() + b'\n')
        return json.loads(self.until(b'\n'))

    def ask(self, name, **args):
        reply = self.reply(name, **args)
        assert list(reply) == ['return'], reply
        return reply['return']

    def run(self, path, *arg, **args):
        """A program, to its end."""
        pid = self.ask('exec', path=path, arg=list(arg), **args)['pid']
        while True:
            status = self.ask('exec-status', pid=pid)
            if status['exited']:
                return status
            time.sleep(0.05)


@pytest.fixture
def ends(tmp_path):
    e = Ends(tmp_path)
    yield e
    e.close()


@pytest.fixture(scope='module')
def allowing(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp('qga') / 'r.cpio',
        {'/etc/qemu-ga.conf': ALLOW.encode()}, {'/etc/qemu-ga.conf': 0o644})


def with_agent(start, ends, *args, **more):
    g = start(BUS, ends.port('ga', name=PORT), *args, **more)
    return g, Client(ends.connect('ga'))


def agents(g):
    return len(re.findall(r'\bqemu-ga\b', g.output('ps')))


# --- what the host sees ----------------------------------------------------------

def test_the_host_sees_what_the_guest_shows(start, ends, image):
    g, c = with_agent(start, ends, '-netdev user,id=n '
        '-device virtio-net-pci,netdev=n,mac=52:54:00:aa:bb:cc',
        f'-drive if=none,id=d,format=raw,file={image("d", MBR)} '
        '-device virtio-blk-pci,drive=d,serial=A-42', smp=2)
    assert c.ask('ping') == {}
    enabled = {i['name']: i['enabled']
        for i in c.ask('info')['supported_commands']}
    assert enabled['guest-shutdown'] and not enabled['guest-exec']
    assert c.reply('exec', path='true')['error']['class'] == \
        'CommandNotFound'

    version = g.output('sysctl -n kern.version').strip()
    info = c.ask('get-osinfo')
    assert (info['kernel-version'], info['id']) == (version, 'paravane')
    assert version.startswith(info['pretty-name'] + ' ')
    assert len(c.ask('get-vcpus')) == int(g.output('sysctl -n hw.ncpu'))
    disk, part = c.ask('get-disks')
    assert (disk['name'], disk['partition']) == ('/dev/vioblk0', False)
    assert disk['address']['bus-type'] == 'virtio'
    assert disk['address']['serial'] == 'A-42'
    assert part == {'name': '/dev/vioblk0p1', 'partition': True,
        'dependencies': ['/dev/vioblk0']}
    assert '/' in [f['mountpoint'] for f in c.ask('get-fsinfo')]
    assert abs(c.ask('get-time') / 1e9 - time.time()) < 5
    assert sorted(c.ask('get-load')) == ['load15m', 'load1m', 'load5m']
    total = c.ask('get-memory-block-info')['size']
    assert f' {total // 1024} kB' in g.output('head -n 1 /proc/meminfo')


def shown(text):
    """What ifconfig says, in the form of the protocol."""
    out = []
    for part in re.split(r'(?m)^(?=\S)', text)[1:]:
        lladdr = re.search(r'lladdr (\S+)', part)
        addresses = [(a, bin(sum(int(b) << 24 - 8 * i for i, b in
            enumerate(m.split('.')))).count('1'))
            for a, m in re.findall(r'inet (\S+) netmask (\S+)', part)]
        addresses += [(a, int(n)) for a, n in
            re.findall(r'inet6 ([0-9a-f:]+)\S* prefixlen (\d+)', part)]
        out.append((part.split(':')[0], lladdr[1] if lladdr else
            '00:00:00:00:00:00', addresses))
    return out


def test_interfaces_are_those_of_ifconfig(start, ends):
    g, c = with_agent(start, ends, '-netdev user,id=n -netdev hubport,id=m,hubid=1 '
        '-device virtio-net-pci,netdev=n,mac=52:54:00:aa:bb:cc '
        '-device virtio-net-pci,netdev=m')
    g.output('ifconfig vio1 10.9.8.7/21')
    for _ in range(50):
        text = g.output('ifconfig -a')
        ours = c.ask('network-get-interfaces')
        told = [(i['name'], i.get('hardware-address'),
            [(a['ip-address'], a['prefix']) for a in i['ip-addresses']])
            for i in ours]
        if told == shown(text):
            break
        time.sleep(0.2)			# an address came between the two
    assert told == shown(text)
    assert ('vio0', '52:54:00:aa:bb:cc') in [t[:2] for t in told]
    assert ('10.9.8.7', 21) in [a for t in told for a in t[2]]
    vio0 = [i for i in ours if i['name'] == 'vio0'][0]
    assert vio0['statistics']['rx-bytes'] > 0


def test_the_clock_is_set(start, ends):
    g, c = with_agent(start, ends)
    assert c.ask('set-time', time=2_000_000_000 * 10**9) == {}
    assert 0 <= c.ask('get-time') / 1e9 - 2_000_000_000 < 60
    # by the machine's clock
    assert c.ask('set-time') == {}
    assert abs(c.ask('get-time') / 10**9 - time.time()) < 10
    assert 'error' in c.reply('set-time', time=-1)


# --- the end of the guest -----------------------------------------------------------

@pytest.mark.parametrize('mode,reason', [(None, 'guest-shutdown'),
    ('powerdown', 'guest-shutdown'), ('halt', 'guest-shutdown'),
    ('reboot', 'guest-reset')])
def test_the_host_ends_the_guest(start, ends, mode, reason):
    g, c = with_agent(start, ends, exits=False)
    g.qmp.command('query-status')	# there may be no time for it later
    assert 'mode is invalid' in c.reply('shutdown',
        mode='hibernate')['error']['desc']
    args = f',"arguments":{{"mode":"{mode}"}}' if mode else ''
    c.send(b'{"execute":"guest-shutdown"%s}' % args.encode())
    event = g.qmp.wait_event('SHUTDOWN')
    assert event['data'] == {'guest': True, 'reason': reason}
    assert g.wait() == 0


def test_after_a_reboot_there_is_an_agent_again(start, ends):
    g, c = with_agent(start, ends, reboot=True)
    c.send(b'{"execute":"guest-shutdown","arguments":{"mode":"reboot"}}')
    g.wait_shell()
    c.sync()
    assert c.ask('ping') == {}


def test_the_host_may_leave_before_the_guest_ends(start, ends):
    g, c = with_agent(start, ends)
    c.send(b'{"execute":"guest-shutdown"}')
    c.sock.close()
    assert g.wait() == 0


def test_a_command_from_the_kernels_line_ends_as_ever(boot, ends):
    text, status = boot(BUS, ends.port('ga', name=PORT),
        append='-- sleep 0.3; ps; false')
    assert re.search(r'\bqemu-ga\b', text)
    assert text.endswith('paravane: exit 1\n')
    assert status == 1


# --- programs and files -----------------------------------------------------------------

def test_programs_and_files_if_they_are_allowed(start, ends, allowing):
    g, c = with_agent(start, ends, initrd=allowing)
    data = random.Random(1).randbytes(300000)
    h = c.ask('file-open', path='/tmp/f', mode='w')
    assert c.ask('file-write', handle=h, buf_b64=base64.b64encode(
        data).decode())['count'] == len(data)
    c.ask('file-flush', handle=h)
    c.ask('file-close', handle=h)
    s = c.run('cat', '/tmp/f', '-', capture_output=True,
        input_data=base64.b64encode(data[::-1]).decode())
    assert s.pop('out-data') == base64.b64encode(
        data + data[::-1]).decode()
    assert s == {'exited': True, 'exitcode': 0}
    h = c.ask('file-open', path='/tmp/f')
    assert base64.b64decode(c.ask('file-read', handle=h,
        count=1 << 20)['buf-b64']) == data
    assert c.run('sh', '-c', 'echo a; echo b >&2; kill -9 $$',
        capture_output='merged') == {'exited': True, 'signal': 9,
        'out-data': base64.b64encode(b'a\nb\n').decode()}
    assert c.run('sh', '-c', 'exit 3') == {'exited': True, 'exitcode': 3}
    desc = c.reply('exec', path='nosuch')['error']['desc']
    assert desc.endswith("'nosuch': No such file or directory")
    # nothing is left of them
    assert not re.search(r'(?m)\b(cat|sh -c)\b', g.output('ps'))


# --- the port ------------------------------------------------------------------------------

def costs(g, pid):
    """Of the port's device, and the agent's time on the processor."""
    counters = g.output('sysctl -n hw.virtio.0.notifications '
        'hw.virtio.0.interrupts').split()
    return counters, g.output(f'cat /proc/{pid}/stat').split()[13:15]


def test_an_idle_agent_costs_nothing(start, ends):
    g = start(BUS, ends.port('ga', name=PORT))
    pid = re.search(r'(?m)^\s*(\d+).*qemu-ga', g.output('ps'))[1]
    for connected in False, True:
        if connected:
            Client(ends.connect('ga')).ask('ping')
        before = costs(g, pid)
        time.sleep(1)
        assert costs(g, pid) == before


def test_the_host_comes_and_goes(start, ends):
    g, c = with_agent(start, ends)
    for last in (b'', b'{"execute":"guest-pi', b'{"execute":"guest-ping"',
            b'{"execute":"guest-info"}' * 100, b'\xff\x00[[["'):
        for _ in range(3):
            c.send(last)
            c.sock.close()
            c = Client(ends.connect('ga'))
            assert c.ask('ping') == {}
    assert agents(g) == 1


def test_a_host_that_does_not_read_is_waited_for(start, ends):
    g, c = with_agent(start, ends)
    n = 30000
    ping = b'{"execute":"guest-info"}\n'
    c.sock.settimeout(1)
    sent = 0
    try:
        for _ in range(n):
            c.send(ping)
            sent += 1
    except TimeoutError:
        pass
    assert sent < n
    c.sock.settimeout(TIMEOUT)
    assert g.output('echo on') == 'on\n'
    # what is on its way has to be read before more can be sent
    t = threading.Thread(target=c.send, args=(b'\xff\xff{"execute":'
        b'"guest-sync-delimited","arguments":{"id":42}}',))
    t.start()
    c.until(b'\xff{"return": 42}\n')
    t.join(TIMEOUT)
    assert c.ask('ping') == {}


@pytest.mark.parametrize('options', ['', ',disable-legacy=on,packed=on'])
def test_after_resets_of_the_device(start, ends, options):
    g = start(BUS + options, ends.port('ga', name=PORT))
    c = Client(ends.connect('ga'))
    for _ in range(3):
        g.output('sysctl hw.virtio.0.control=reset')
        c.sync()
        assert c.ask('ping') == {}
    assert agents(g) == 1


def test_the_agent_ends_when_the_port_goes(start, ends):
    g, c = with_agent(start, ends)
    assert agents(g) == 1
    unplug(g, 'ga')
    g.console.expect('viocon0: port 1: gone\r?\n')
    for _ in range(50):
        if agents(g) == 0:
            break
        time.sleep(0.1)
    assert agents(g) == 0
    assert 'qemu-ga: ' not in g.text()


def test_there_is_no_agent_without_its_port(start, ends):
    g = start(BUS, ends.port('x', name='org.example'))
    assert agents(g) == 0
    out, status = g.run('qemu-ga')
    assert (out, status) == (f'qemu-ga: /dev/vport/{PORT}: '
        'No such file or directory\n', 1)


def test_over_mmio(start, ends):
    g = start('-global virtio-mmio.force-legacy=false '
        '-device virtio-serial-device,id=vs,max_ports=4',
        ends.port('ga', name=PORT), exits=False,
        machine=next(iter(THIS.mmio.values())))
    g.qmp.command('query-status')
    c = Client(ends.connect('ga'))
    assert c.ask('get-osinfo')['name'] == 'Paravane'
    g.output('sysctl hw.virtio.0.control=reset')
    c.sync()
    c.send(b'{"execute":"guest-shutdown"}')
    assert g.qmp.wait_event('SHUTDOWN')['data']['reason'] == \
        'guest-shutdown'
