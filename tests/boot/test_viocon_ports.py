# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""Ports of virtio consoles: streams of bytes in /dev/vport, terminals, and
what happens when they come and go."""

import hashlib
import random
import re
import socket
import threading
import time

import pytest

from guest import BIG_ENDIAN, PROMPT, THIS, TIMEOUT, GuestError, make_root, \
    program


MB = 1 << 20
IN, OUT, HUP = 1, 4, 16
NONBLOCK = 2048
EINTR, ENXIO, EAGAIN, EBUSY = 4, 6, 11, 16
BUS = '-device virtio-serial-pci,id=vs'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    tmp = tmp_path_factory.mktemp('vport')
    return make_root(tmp / 'vport.cpio', {'/bin/vport': program('vport',
        tmp)})


class Ends:
    """Chardevs of a guest that the test may connect to, or not."""

    def __init__(self, directory):
        self.directory = directory
        self.open = {}

    def chardev(self, name):
        return f'-chardev socket,id={name},path={self.directory}/{name},' \
            'server=on,wait=off'

    def port(self, end, kind='virtserialport', **props):
        extra = ''.join(f',{k}={v}' for k, v in props.items())
        return f'{self.chardev(end)} -device {kind},chardev={end},' \
            f'id=d{end}{extra}'

    def connect(self, end):
        path = self.directory / end
        for _ in range(100):
            if path.exists():
                break
            time.sleep(0.05)	# QEMU is not that far yet
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(TIMEOUT)
        s.connect(str(path))
        self.open[end] = s
        return s

    def close(self):
        for s in self.open.values():
            s.close()


@pytest.fixture
def ends(tmp_path):
    e = Ends(tmp_path)
    yield e
    e.close()


def get(sock, n):
    """That many bytes."""
    data = bytearray()
    while len(data) < n:
        got = sock.recv(min(n - len(data), MB))
        assert got, f'the end after {len(data)} of {n} bytes'
        data += got
    return bytes(data)


def digest(data):
    return hashlib.sha256(data).hexdigest() + '\n'


def connected(g, name):
    """Waits until the guest has heard that the far end is open."""
    for _ in range(100):
        if g.output(f'vport poll /dev/vport/{name} {IN} 0') != \
                f'poll {IN | HUP}\n':
            # until QEMU has heard that the port was closed again it would
            # send what the next one to open it drops
            g.qmp.command('query-name')
            return
        time.sleep(0.05)
    raise GuestError(f'{name} is not connected')


def appears(g, port, what):
    """Waits until the guest says so of a port."""
    g.console.expect(f'viocon0: port {port}: {what}\r?\n')


def plug(g, ends, end, kind='virtserialport', bus='vs.0', **props):
    """Plugs a port in, whose chardev is made the first time."""
    if end not in ends.open:
        g.qmp.command('chardev-add', id=end, backend={'type': 'socket',
            'data': {'addr': {'type': 'unix', 'data': {
            'path': f'{ends.directory}/{end}'}}, 'server': True,
            'wait': False}})
        ends.connect(end)
    for left in reversed(range(100)):
        try:
            g.qmp.command('device_add', driver=kind, chardev=end,
                id='d' + end, bus=bus, **props)
            break
        except GuestError as e:
            # The guest may be faster than QEMU with the last one.
            if not left or 'in use' not in str(e):
                raise
            time.sleep(0.05)


def unplug(g, end):
    g.qmp.command('device_del', id='d' + end)


# --- names and nodes ---------------------------------------------------------

NAMES = [
    # what it is called on the host, and in the guest
    ('org.qemu.guest_agent.0', 'org.qemu.guest_agent.0', None),
    ('', 'vport0p2', None),
    ('a/b', 'vport0p3', 'not fit for a file'),
    ('..', 'vport0p4', 'not fit for a file'),
    ('x' * 129, 'vport0p5', 'too long'),
    ('x' * 128, 'x' * 128, None),
    ('with space', 'vport0p7', 'not fit for a file'),
    ('vport0p3', 'vport0p8', 'one of those for ports without'),
    ('gr\u00fc\u00df', 'gr\u00fc\u00df', None),
    ('\u202egnp.exe', 'vport0p10', 'not fit for a file'),
    ('x' * 1000, 'vport0p11', 'too long'),
]


def test_names_of_the_host_are_names_in_dev_vport(start, root, tmp_path):
    args = [['-chardev', 'null,id=n']]
    for i, (name, _, _) in enumerate(NAMES):
        args.append(['-chardev', f'null,id=c{i}', '-device',
            f'virtserialport,chardev=c{i}' + (f',name={name}' if name
            else '')])
    g = start(BUS, *args, initrd=root)
    listing = g.output('ls /dev/vport').encode('latin-1').decode()
    assert sorted(listing.split()) == sorted(n for _, n, _ in NAMES)
    log = g.output('dmesg').encode('latin-1').decode()
    assert 'viocon0 at virtio0: 31 ports\n' in log
    for i, (_, node, why) in enumerate(NAMES):
        line = f'viocon0: port {i + 1}: {node}' + (
            f', since its name is {why}' if why else '') + '\n'
        assert line in log
    assert g.run('ls /dev/viocon0')[1] != 0


def test_several_consoles_of_several_devices(start, root):
    g = start('-device virtio-serial-pci,id=one '
        '-device virtio-serial-pci,id=two,max_ports=1 '
        '-chardev socket,id=a,fd={a} -device virtconsole,chardev=a,bus=one.0 '
        '-chardev socket,id=b,fd={b} -device virtconsole,chardev=b,bus=one.0,'
        'nr=3,name=named '
        '-chardev socket,id=c,fd={c} -device virtconsole,chardev=c,bus=two.0',
        extra=['a', 'b', 'c'], initrd=root)
    log = g.output('dmesg')
    multi = int(re.search(r'viocon(\d) at .*: 31 ports', log)[1])
    for node, stream in (f'viocon{multi}', 'a'), (f'viocon{multi}.3', 'b'), \
            ('vport/named', 'b'), (f'viocon{1 - multi}', 'c'):
        g.output(f'echo to {node} > /dev/{node}')
        g.streams[stream].expect(f'to {node}\r\n')


# --- bytes -------------------------------------------------------------------

@pytest.mark.parametrize('options', ['', ',disable-legacy=on,packed=on',
    ',disable-legacy=on,vectors=0,event_idx=off'])
def test_much_goes_both_ways_and_is_whole(start, root, ends, options):
    g = start(BUS + options, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    size = 4 * MB + 12345
    sent = []
    t = threading.Thread(target=lambda: sent.append(get(s, size)))
    t.start()
    out = g.output(f'vport send /dev/vport/test {size}')
    t.join(TIMEOUT)
    assert digest(sent[0]) == out
    data = random.Random(1).randbytes(size)
    t = threading.Thread(target=s.sendall, args=(data,))
    t.start()
    assert g.output(f'vport recv /dev/vport/test {size}') == digest(data)
    t.join(TIMEOUT)


def test_both_ways_at_once(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    data = random.Random(2).randbytes(2 * MB)
    t = threading.Thread(target=s.sendall, args=(data,))
    g.console.send('vport echo /dev/vport/test\n')
    t.start()
    assert get(s, len(data)) == data
    t.join(TIMEOUT)
    s.close()
    g.console.expect('end 0\r\n')


def test_a_reader_that_is_slow_loses_nothing(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    data = random.Random(3).randbytes(MB)
    t = threading.Thread(target=s.sendall, args=(data,))
    t.start()
    assert g.output(f'vport recv /dev/vport/test {MB} 10') == digest(data)
    t.join(TIMEOUT)


def test_a_host_that_is_slow_loses_nothing(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    g.console.send(f'vport send /dev/vport/test {2 * MB}\n')
    time.sleep(0.5)
    data = bytearray()
    for _ in range(32):
        data += get(s, MB // 16)
        time.sleep(0.01)
    g.console.expect(digest(data).strip())


def test_few_bytes_at_a_time(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    g.console.send('vport echo /dev/vport/test\n')
    for i in range(300):
        text = b'%d\n' % i
        s.sendall(text)
        assert get(s, len(text)) == text


def test_twenty_ports_at_once(start, root, ends):
    g = start(BUS, *(ends.port(f'p{i}', name=f'port.{i}')
        for i in range(20)), initrd=root)
    socks = [ends.connect(f'p{i}') for i in range(20)]
    assert len(g.output('ls /dev/vport').split()) == 20
    for i in range(20):
        g.output(f'vport echo /dev/vport/port.{i} > /dev/null & true')
    blocks = [random.Random(i).randbytes(100000 + i) for i in range(20)]
    threads = [threading.Thread(target=s.sendall, args=(b,))
        for s, b in zip(socks, blocks)]
    for t in threads:
        t.start()
    for s, b in zip(socks, blocks):
        assert get(s, len(b)) == b
    for t in threads:
        t.join(TIMEOUT)


# --- what calls return -------------------------------------------------------

def test_without_a_host_nothing_is_read_and_nothing_fits(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    node = '/dev/vport/test'
    assert g.output(f'vport read {node} 0') == 'read 0\n'
    assert g.output(f'vport read {node} {NONBLOCK}') == 'read 0\n'
    assert g.output(f'vport write {node} {NONBLOCK}') == \
        f'write errno {EAGAIN}\n'
    assert g.output(f'vport poll {node} {IN | OUT} 0') == f'poll {IN | HUP}\n'
    s = ends.connect('p')
    connected(g, 'test')
    assert g.output(f'vport read {node} {NONBLOCK}') == f'read errno {EAGAIN}\n'
    assert g.output(f'vport poll {node} {IN | OUT} 0') == f'poll {OUT}\n'
    assert g.output(f'vport write {node} {NONBLOCK}') == 'write 6\n'
    assert get(s, 6) == b'hello\n'


def test_a_write_waits_for_a_host(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    g.console.send('vport write /dev/vport/test 0\n')
    time.sleep(0.2)
    s = ends.connect('p')
    assert get(s, 6) == b'hello\n'
    g.console.expect('write 6\r\n')


def test_a_host_that_does_not_read_fills_the_port(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    connected(g, 'test')
    out = g.output('vport fill /dev/vport/test')
    assert f'write errno {EAGAIN}\n' in out and 'poll 0\n' in out
    total = int(re.search(r'total (\d+)', out)[1])
    assert total >= 65536
    # The rest of the guest goes on, and all of that arrives.
    assert g.output('echo on') == 'on\n'
    assert get(s, total) == b'x' * total


def test_a_port_is_opened_once(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    assert g.output('vport twice /dev/vport/test') == \
        f'second errno {EBUSY}\nafter ok\n'


def test_signals_end_what_waits(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    ends.connect('p')
    connected(g, 'test')
    assert g.output('vport interrupted /dev/vport/test') == \
        f'read errno {EINTR}\nwrite errno {EINTR}\n'


def test_the_host_hears_when_it_is_opened_and_closed(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    ends.connect('p')
    g.qmp.command('query-name')

    def expect(*want):
        # QEMU tells of one change in a second.
        end = time.monotonic() + TIMEOUT
        got = []
        while len(got) < len(want) and time.monotonic() < end:
            time.sleep(0.05)
            got = [l['data'] for l in g.qmp._lines()
                if l.get('event') == 'VSERPORT_CHANGE']
        assert got == [{'open': w, 'id': 'dp'} for w in want]

    connected(g, 'test')
    g.console.send('vport read /dev/vport/test 0\n')
    expect(True)
    ends.open['p'].sendall(b'x')
    g.console.expect('read 1\r\n')
    expect(True, False)


def test_a_reader_meets_the_end_when_the_host_goes(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    for word in b'first', b'second':
        s = ends.connect('p')
        connected(g, 'test')
        g.console.send('vport echo /dev/vport/test\n')
        s.sendall(word)
        assert get(s, len(word)) == word
        s.close()
        g.console.expect('end 0\r\n')
        g.console.expect(PROMPT)


def test_epoll_tells_each_time_something_comes(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    connected(g, 'test')
    g.console.send('vport watch /dev/vport/test\n')
    for n in 5, 1, 3000:
        g.console.expect('waiting\r\n')
        s.sendall(b'x' * n)
        g.console.expect(f'read {n}\r\n')


# --- ports come and go -------------------------------------------------------

def test_ports_are_plugged_and_unplugged(start, root, ends):
    g = start(BUS, initrd=root)
    for _ in range(3):
        plug(g, ends, 'p', name='hot', nr=5)
        appears(g, 5, 'hot')
        connected(g, 'hot')
        assert g.output('vport write /dev/vport/hot 0') == 'write 6\n'
        assert get(ends.open['p'], 6) == b'hello\n'
        unplug(g, 'p')
        appears(g, 5, 'gone')
        assert g.run('ls /dev/vport')[1] != 0
    log = g.output('dmesg')
    assert log.count('viocon0: port 5: hot\n') == 3
    assert log.count('viocon0: port 5: gone\n') == 3


def test_an_id_is_another_port_the_next_time(start, root, ends):
    g = start(BUS, initrd=root)
    plug(g, ends, 'p', name='first', nr=1)
    appears(g, 1, 'first')
    unplug(g, 'p')
    appears(g, 1, 'gone')
    plug(g, ends, 'p', nr=1)
    appears(g, 1, 'vport0p1')
    unplug(g, 'p')
    appears(g, 1, 'gone')
    plug(g, ends, 'p', 'virtconsole', nr=1)
    appears(g, 1, 'terminal viocon0')
    g.output('echo terminal > /dev/viocon0')
    assert get(ends.open['p'], 10) == b'terminal\r\n'


def test_users_of_a_port_that_goes_are_woken(start, root, ends):
    g = start(BUS, initrd=root)
    plug(g, ends, 'p', name='hot')
    appears(g, 1, 'hot')
    connected(g, 'hot')
    g.console.send('vport gone /dev/vport/hot\n')
    g.console.expect('ready\r\n')
    unplug(g, 'p')
    assert '\n'.join(g.console.expect('errno 2\r\n') and
        g.console.tail(8).split('\n')).count(f'errno {ENXIO}') == 2
    assert re.search(r'poll 1[67]', g.console.tail(8))


def test_a_terminal_that_goes_hangs_up(start, root, ends):
    g = start(BUS, initrd=root)
    plug(g, ends, 'p', 'virtconsole', nr=2)
    appears(g, 2, 'terminal viocon0')
    g.console.send('cat /dev/viocon0; echo over\n')
    ends.open['p'].sendall(b'line\n')
    g.console.expect('^line\r\n')
    unplug(g, 'p')
    g.console.expect('^over\r\n')
    g.console.expect(PROMPT)
    assert g.run('ls /dev/viocon0')[1] != 0


def test_ports_come_and_go_under_load(start, root, ends):
    g = start(BUS, ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    g.output('vport echo /dev/vport/test > /dev/null & true')
    plug(g, ends, 'q', name='other')
    stop = threading.Event()

    def load():
        block = random.Random(5).randbytes(50000)
        while not stop.is_set():
            t = threading.Thread(target=s.sendall, args=(block,))
            t.start()
            if get(s, len(block)) != block:
                wrong.append(True)
            t.join()

    wrong = []
    t = threading.Thread(target=load)
    t.start()
    try:
        for i in range(10):
            appears(g, 2, 'other')
            g.output('vport pour /dev/vport/other 100000000 '
                '2> /dev/null & true')
            unplug(g, 'q')
            appears(g, 2, 'gone')
            ends.open['q'].settimeout(0.05)
            with pytest.raises(socket.timeout):
                while ends.open['q'].recv(MB):
                    pass
            plug(g, ends, 'q', name='other')
    finally:
        stop.set()
        t.join(TIMEOUT)
    assert not wrong
    appears(g, 2, 'other')


# --- resets ------------------------------------------------------------------

@pytest.mark.parametrize('options', ['', ',disable-legacy=on,packed=on'])
def test_a_port_stays_open_over_a_reset(start, root, ends, options):
    g = start(BUS + options, ends.port('p', name='test'),
        ends.port('q', 'virtconsole', nr=0), initrd=root)
    s, q = ends.connect('p'), ends.connect('q')
    g.output('vport echo /dev/vport/test > /dev/null & true')
    for i in range(3):
        text = b'round %d' % i
        s.sendall(text)
        assert get(s, len(text)) == text
        g.output('sysctl hw.virtio.0.control=reset')
        g.output('echo again > /dev/viocon0')
        assert get(q, 7) == b'again\r\n'
    assert 'control: ' not in g.output('dmesg')


def test_each_queue_is_reset_alone(start, root, ends):
    g = start(BUS + ',disable-legacy=on,queue_reset=on,max_ports=3',
        ends.port('p', name='test'), initrd=root)
    s = ends.connect('p')
    g.output('vport echo /dev/vport/test > /dev/null & true')
    for queue in 'ctl-transmit', 'ctl-receive', 'transmit1', 'receive1':
        g.output(f'sysctl "hw.virtio.0.control=reset {queue}"')
        s.sendall(queue.encode())
        assert get(s, len(queue)) == queue.encode()
    assert 'control: ' not in g.output('dmesg')


# --- the kernel's console ----------------------------------------------------

def test_the_kernels_console_on_another_port(start, root):
    g = start(BUS + ' -chardev null,id=a -device virtconsole,chardev=a '
        '-chardev socket,id=vc,fd={vc} -device virtconsole,chardev=vc,nr=3',
        extra=['vc'], append='console=viocon0.3', shell=False)
    vc = g.streams['vc']
    g.wait_shell(stream=vc)
    assert g.run('echo hello', stream=vc) == ('hello\n', 0)
    text = vc.text().replace('\r', '')
    assert re.search(r'^viocon0: port 3: terminal viocon0.3$', text, re.M)
    assert re.search(r'^mainbus0 at root', text, re.M)


def test_the_only_console_may_be_asked_for_by_number(start, root):
    g = start(BUS + ' -chardev socket,id=vc,fd={vc} '
        '-device virtconsole,chardev=vc,nr=3', extra=['vc'],
        append='console=viocon0.3', shell=False)
    g.wait_shell(stream=g.streams['vc'])


def test_a_console_that_nobody_reads_does_not_stop_the_kernel(start, root,
        ends):
    """The host is connected and takes nothing."""
    g = start(BUS, ends.port('p', 'virtconsole'), append='console=viocon0 '
        '-- cat /bin/sh > /dev/viocon0 & dmesg; sleep 1; halt -p',
        shell=False, initrd=root)
    ends.connect('p')
    g.wait()


def test_a_console_is_plugged_in_later(start, root, ends):
    g = start(BUS, initrd=root, append=f'console={THIS.serial}')
    plug(g, ends, 'p', 'virtconsole')
    appears(g, r'\d+', 'terminal viocon0')
    g.output('echo hello > /dev/viocon0')
    assert get(ends.open['p'], 7) == b'hello\r\n'


@pytest.mark.parametrize('legacy', ['false'] + ['true'] * (not BIG_ENDIAN))
def test_over_mmio(start, root, ends, legacy):
    g = start(f'-global virtio-mmio.force-legacy={legacy} '
        '-device virtio-serial-device,id=vs,max_ports=4',
        ends.port('p', name='test'), ends.port('q', 'virtconsole'),
        machine=next(iter(THIS.mmio.values())), initrd=root)
    s, q = ends.connect('p'), ends.connect('q')
    data = random.Random(6).randbytes(MB)
    t = threading.Thread(target=s.sendall, args=(data,))
    t.start()
    assert g.output(f'vport recv /dev/vport/test {MB}') == digest(data)
    t.join(TIMEOUT)
    g.output('echo terminal > /dev/viocon0')
    assert get(q, 10) == b'terminal\r\n'
