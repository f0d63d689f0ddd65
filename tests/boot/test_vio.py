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


"""The network driver on QEMU's devices, and the network above it, with peers
that nobody here wrote: QEMU's user network, and this machine's kernel behind a
tap device."""

import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from guest import BIG_ENDIAN, THIS, busybox, device_has, make_root
from netns import CONFIGURE, GUEST, GUEST6, HOST, HOST6, PEER, Net

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import peer				# noqa: E402

BUS = 'pci'
MB = 1 << 20
USER = ['-netdev', 'user,id=n0']


def user(*options):
    return [*USER, '-device', ','.join([f'virtio-net-{BUS}', 'netdev=n0',
        *options] + (['romfile='] if BUS == 'pci' else []))]


def wait_for(guest, command, pattern, seconds=10):
    """Runs a command until its output has that."""
    end = time.monotonic() + seconds
    while True:
        text, _ = guest.run(command)
        match = re.search(pattern, text, re.M)
        if match:
            return match
        assert time.monotonic() < end, f'{command}: no {pattern} in {text}'
        time.sleep(0.1)


def configure(guest):
    """An address of the tap's network, in place of DHCP's search for one."""
    guest.output(CONFIGURE)
    wait_for(guest, 'ifconfig vio0', r'inet6 fd77::2 prefixlen 64$')
    guest.output('ping -c 1 ' + HOST)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    path = None if BIG_ENDIAN else busybox()
    return path and make_root(tmp_path_factory.mktemp('vio') / 'vio.cpio',
        {'/bin/busybox': pathlib.Path(path).read_bytes()})


@pytest.fixture
def net():
    with Net() as n:
        yield n


def download(guest, size, host=HOST, timeout=60, port=7001):
    text = guest.output(f'echo {size} | busybox nc {host} {port} | '
        'busybox sha256sum', timeout)
    assert text.split()[0] == peer.sha(size)


def upload(guest, size, host=HOST, timeout=60, port=7002):
    """What is sent is the root image's busybox, again and again."""
    one = pathlib.Path(busybox()).read_bytes()
    n = max(size // len(one), 1)
    loop = f'i=0; while [ $i -lt {n} ]; do cat /bin/busybox; i=$((i + 1)); done'
    text = guest.output(f"busybox sh -c '{loop}' | busybox nc {host} {port}",
        timeout)
    h = hashlib.sha256()
    for _ in range(n):
        h.update(one)
    assert text.split()[0] == h.hexdigest()


# --- the line, the counters -------------------------------------------------------------


def test_the_line_names_the_address(start):
    guest = start(*user('mac=52:54:00:ab:cd:ef'))
    assert re.search(r'^vio0 at virtio\d+: address 52:54:00:ab:cd:ef',
        guest.output('dmesg'), re.M)
    assert 'lladdr 52:54:00:ab:cd:ef' in guest.output('ifconfig vio0')


def test_two_devices_are_two_interfaces(start):
    guest = start(*user(), '-netdev', 'user,id=n1,net=10.1.0.0/24',
        '-device', f'virtio-net-{BUS},netdev=n1' + (',romfile=' if
        BUS == 'pci' else ''))
    text = guest.output('ifconfig')
    assert 'vio0: ' in text and 'vio1: ' in text


@pytest.mark.parametrize('disabled', ['vio', 'vio0'])
def test_disable_leaves_it_alone(start, disabled):
    guest = start(*user(), append=f'disable={disabled}')
    assert 'vio0' not in guest.output('ifconfig')


# --- the user network ----------------------------------------------------------------


@pytest.fixture(scope='module')
def slirp(started, root):
    guest = started(*user(), initrd=root)
    wait_for(guest, 'ifconfig vio0', r'inet 10\.0\.2\.15 netmask '
        r'255\.255\.255\.0 broadcast 10\.0\.2\.255$')
    return guest


def test_dhcp_gives_address_route_and_names(slirp):
    text = slirp.output('route')
    assert re.search(r'^default +10\.0\.2\.2 +UG', text, re.M)
    assert slirp.output('cat /etc/resolv.conf') == 'nameserver 10.0.2.3\n'


def test_the_gateway_answers_pings(slirp):
    text = slirp.output('ping -c 3 -i 0.1 10.0.2.2')
    assert '3 packets transmitted, 3 packets received, 0.0%' in text


def test_an_address_of_ipv6_comes_from_the_router(slirp):
    wait_for(slirp, 'ifconfig vio0', r'inet6 fec0:\S+ prefixlen 64 autoconf')
    assert ' 0.0% packet loss' in slirp.output('ping -c 2 -i 0.1 fec0::2')


@pytest.mark.libc
@pytest.mark.needs('busybox')
def test_a_connection_to_nobody_is_refused(slirp):
    text, status = slirp.run('busybox nc 10.0.2.2 1')
    assert status != 0 and 'refused' in text


@pytest.mark.libc
@pytest.mark.needs('busybox')
def test_an_unmodified_dhcp_client_gets_a_lease(slirp):
    text = slirp.output('busybox udhcpc -i vio0 -n -q -s /bin/true 2>&1')
    assert 'lease of 10.0.2.15 obtained from 10.0.2.2' in text


@pytest.mark.libc
@pytest.mark.needs('busybox')
def test_unmodified_ifconfig_and_route(slirp):
    text = slirp.output('busybox ifconfig vio0')
    assert 'inet addr:10.0.2.15  Bcast:10.0.2.255  Mask:255.255.255.0' \
        in text and 'UP BROADCAST RUNNING MULTICAST  MTU:1500' in text
    assert re.search(r'^0\.0\.0\.0 +10\.0\.2\.2 +0\.0\.0\.0 +UG',
        slirp.output('busybox route -n'), re.M)


@pytest.mark.libc
@pytest.mark.needs('busybox')
def test_downloads_over_http(slirp, tmp_path):
    (tmp_path / 'file').write_bytes(peer.data(8 * MB))
    server = subprocess.Popen([sys.executable, '-u', '-m', 'http.server',
        '--bind', '127.0.0.1', '-d', tmp_path, '0'],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = re.search(r'port (\d+)', server.stdout.readline())[1]
        text = slirp.output('busybox wget -q -O - http://10.0.2.2:'
            f'{port}/file | busybox sha256sum', 30)
        assert text.split()[0] == peer.sha(8 * MB)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.mark.needs('busybox')
@pytest.mark.arch('amd64')
def test_a_gigabyte_each_way(slirp):
    sends, takes = peer.listen(0, peer.send), peer.listen(0, peer.take)
    download(slirp, 1024 * MB, '10.0.2.2', 240, sends)
    upload(slirp, 1024 * MB, '10.0.2.2', 240, takes)


@pytest.mark.libc
@pytest.mark.needs('busybox')
def test_serves_http(start, root):
    guest = start('-netdev', 'user,id=n0,hostfwd=tcp:127.0.0.1:0-:80',
        '-device', user()[-1], initrd=root)
    wait_for(guest, 'ifconfig vio0', r'inet 10\.0\.2\.15')
    guest.output('busybox httpd -p 80 -h /etc')
    info = guest.qmp.command('human-monitor-command',
        **{'command-line': 'info usernet'})
    port = re.search(r'TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)', info)[1]
    r = subprocess.run([sys.executable, '-c', 'import urllib.request, sys;'
        f'print(urllib.request.urlopen("http://127.0.0.1:{port}/hosts", '
        'timeout=10).read().decode(), end="")'], capture_output=True,
        text=True)
    assert r.stdout == guest.output('cat /etc/hosts'), r.stderr


# --- each feature on its own -----------------------------------------------------------


FEATURES = ['csum', 'guest_csum', 'host_tso4', 'host_tso6', 'host_ecn',
    'guest_tso4', 'guest_tso6', 'guest_ecn', 'mrg_rxbuf', 'status',
    'ctrl_vq', 'ctrl_rx', 'ctrl_rx_extra', 'ctrl_vlan', 'guest_announce',
    'ctrl_mac_addr', 'ctrl_guest_offloads', 'host_uso', 'guest_uso4',
    'guest_uso6', 'event_idx', 'indirect_desc', 'any_layout', 'gso']
OTHERS = {		# more than one property
    'legacy': 'disable-modern=on,disable-legacy=off',
    'modern': 'disable-legacy=on',
    'packed': 'disable-legacy=on,packed=on',
    'no event index, packed': 'disable-legacy=on,packed=on,event_idx=off',
    'small rings': 'rx_queue_size=256,tx_queue_size=256',
    'large rings': 'rx_queue_size=1024',
    'no vectors': 'vectors=0',
    'no offloads': 'csum=off,guest_csum=off,gso=off',
    'one large buffer': 'mrg_rxbuf=off',
    'legacy without merging': 'disable-modern=on,disable-legacy=off,'
        'mrg_rxbuf=off,any_layout=off',
    'hash report': 'disable-legacy=on,hash=on,rss=on',
}


def exchange(guest):
    """Data both ways in both families, and pings of odd sizes."""
    for size in (0, 1, 1472, 1473, 9001, 60001):
        for host in (HOST, HOST6):
            text = guest.output(f'ping -q -c 1 -s {size} {host}')
            assert ' 0.0% packet loss' in text
    if not BIG_ENDIAN:
        for host in (HOST, HOST6):
            download(guest, 3 * MB, host)
            upload(guest, 3 * MB, host)


def no_bad_sums(net):
    assert net.snmp('Tcp', 'InCsumErrors') == 0
    assert net.snmp('Icmp', 'InCsumErrors') == 0
    assert net.snmp('Ip', 'InHdrErrors') == 0


def features(guest):
    return set(guest.output('sysctl -n hw.virtio.0.features'
        ).strip().split(','))


@pytest.mark.needs('netns')
@pytest.mark.parametrize('name', FEATURES)
def test_without(start, root, net, name):
    if not device_has(f'virtio-net-{BUS}', name):
        pytest.skip(f'this QEMU has no {name}')
    modern = [] if name in ('any_layout',) or BUS != 'pci' else \
        ['disable-legacy=on']
    guest = start(*net.device(*modern, f'{name}=off'), initrd=root,
        within=net.within)
    assert name.upper() not in features(guest)
    configure(guest)
    exchange(guest)
    no_bad_sums(net)


@pytest.mark.needs('netns')
@pytest.mark.parametrize('name', [name for name in OTHERS if not
    (BIG_ENDIAN and 'legacy' in name)])	# 0.9 has the other order
def test_with(start, root, net, name):
    options = OTHERS[name].split(',')
    for o in options:
        if not device_has(f'virtio-net-{BUS}', o.split('=')[0]):
            pytest.skip(f'this QEMU has no {o} on this bus')
    guest = start(*net.device(*options), initrd=root, within=net.within)
    configure(guest)
    exchange(guest)
    no_bad_sums(net)


# A packet of several buffers QEMU does not return whole with in_order=on where
# the ring wraps: the two are not taken together.
@pytest.mark.needs('netns')
@pytest.mark.parametrize('merging', ['on', 'off'])
def test_in_order(start, root, net, merging):
    if not device_has(f'virtio-net-{BUS}', 'in_order'):
        pytest.skip('this QEMU has no in_order')
    guest = start(*net.device('disable-legacy=on', 'in_order=on',
        f'mrg_rxbuf={merging}'), initrd=root, within=net.within)
    assert ('IN_ORDER' in features(guest)) == (merging == 'off')
    configure(guest)
    exchange(guest)
    no_bad_sums(net)


@pytest.mark.needs('netns')
@pytest.mark.parametrize('version', ['1.x', 'packed'] + ([] if BIG_ENDIAN else
    ['0.9']))
def test_over_mmio(start, root, net, version):
    legacy = 'true' if version == '0.9' else 'false'
    guest = start('-global', f'virtio-mmio.force-legacy={legacy}',
        *net.device(*(['packed=on'] if version == 'packed' else []),
        bus='device'), initrd=root, within=net.within,
        machine=next(iter(THIS.mmio.values())))
    assert 'mmio' in guest.output('sysctl -n hw.virtio.0.transport')
    assert ('RING_PACKED' in features(guest)) == (version == 'packed')
    configure(guest)
    exchange(guest)
    no_bad_sums(net)


@pytest.mark.needs('netns')
def test_a_link_without_offloads(start, root, net):
    """QEMU strips what the tap would have had."""
    guest = start(*net.device(vhdr=False), initrd=root, within=net.within)
    assert not {'CSUM', 'HOST_TSO4', 'GUEST_CSUM'} & features(guest)
    configure(guest)
    exchange(guest)
    no_bad_sums(net)


@pytest.mark.needs('netns')
@pytest.mark.parametrize('word', ['csum', 'tso', 'rxcsum', 'lro'])
def test_offloads_are_switched_while_it_runs(start, root, net, word):
    modern = ['disable-legacy=on'] if BUS == 'pci' else []
    guest = start(*net.device(*modern), initrd=root, within=net.within)
    configure(guest)
    guest.output(f'ifconfig vio0 -{word}')
    exchange(guest)
    guest.output(f'ifconfig vio0 {word}')
    exchange(guest)
    no_bad_sums(net)


@pytest.mark.needs('netns')
@pytest.mark.arch('amd64', 'arm64', 'riscv64')
def test_pairs_of_queues(start, root):
    with Net(queues=4) as net:
        guest = start(*net.device('mq=on', 'vectors=10'), initrd=root,
            within=net.within)
        assert 'MQ' in features(guest)
        configure(guest)
        exchange(guest)


@pytest.mark.needs('netns')
def test_large_frames(start, root):
    with Net(mtu=9000) as net:
        guest = start(*net.device('host_mtu=9000'), initrd=root,
            within=net.within)
        assert 'mtu 9000' in guest.output('ifconfig vio0')
        configure(guest)
        exchange(guest)
        guest.output('ifconfig vio0 mtu 1280')
        exchange(guest)


# --- things that happen ------------------------------------------------------------------


def test_the_link_goes_and_comes(start):
    guest = start(*user())
    wait_for(guest, 'ifconfig vio0', 'inet 10.0.2.15')
    guest.qmp.command('set_link', name='n0', up=False)
    wait_for(guest, 'ifconfig vio0', r'<UP,BROADCAST,MULTICAST>', 1)
    guest.qmp.command('set_link', name='n0', up=True)
    wait_for(guest, 'ifconfig vio0', r'<UP,BROADCAST,RUNNING,MULTICAST>', 1)
    assert ' 0.0% packet loss' in guest.output('ping -c 1 10.0.2.2')


@pytest.mark.needs('netns')
def test_a_flood_leaves_the_shell_usable(start, root, net):
    guest = start(*net.device(), initrd=root, within=net.within)
    configure(guest)
    flood = subprocess.Popen([*net.within, sys.executable, str(PEER),
        'flood', GUEST, '4', '18'], stdout=subprocess.PIPE, text=True)
    times = []
    while flood.poll() is None:
        began = time.monotonic()
        assert guest.output('echo still here') == 'still here\n'
        times.append(time.monotonic() - began)
    assert int(flood.stdout.read()) > 10000
    flood.stdout.close()
    assert max(times) < 1, times
    assert ' 0.0% packet loss' in guest.output(f'ping -c 2 -i 0.1 {HOST}')


@pytest.mark.needs('netns', 'ping')
@pytest.mark.parametrize('address', [GUEST, GUEST6])
def test_pings_of_all_sizes_come_back(start, root, net, address):
    guest = start(*net.device(), initrd=root, within=net.within)
    configure(guest)
    for size in [*range(0, 1600, 53), 1471, 1472, 1473, 8000, 65507]:
        # with -w it waits for that many answers
        r = net.run('ping', '-f', '-c', '3', '-w', '5', '-s', str(size),
            address)
        assert ' 3 received' in r.stdout, (size, r.stdout, r.stderr)


@pytest.mark.libc
@pytest.mark.needs('netns', 'busybox')
def test_little_memory(start, root, net):
    """Data to be sent leave room for the headers and what is to come."""
    guest = start(*net.device(), initrd=root, within=net.within, mem='24M')
    configure(guest)
    upload(guest, 30 * MB)
    download(guest, 10 * MB)


@pytest.mark.libc
@pytest.mark.needs('netns', 'busybox')
def test_a_neighbour_that_is_not_there(start, root, net):
    guest = start(*net.device(), initrd=root, within=net.within)
    configure(guest)
    for address in ('192.168.77.99', 'fd77::99'):
        text, status = guest.run(f'busybox nc {address} 9')
        assert status != 0 and 'No route to host' in text
    assert ' 0.0% packet loss' in guest.output(f'ping -c 1 {HOST}')


@pytest.mark.libc
@pytest.mark.needs('netns', 'busybox')
@pytest.mark.parametrize('what', ['loss', 'twice', 'late', 'all'])
def test_a_bad_link_loses_no_data(start, root, net, what):
    """5 % of the frames, of each way, suffer this."""
    link = {w: 0.05 if what in (w, 'all') else 0
        for w in ('loss', 'twice', 'late')}
    with net.bad_link(**link) as device:
        guest = start(*device, initrd=root, within=net.within)
        guest.output(CONFIGURE)
        wait_for(guest, f'ping -c 1 -W 0.2 {HOST}', ' 1 packets received')
        download(guest, 4 * MB)
        upload(guest, 4 * MB)
        no_bad_sums(net)


@pytest.mark.needs('netns')
def test_an_address_of_another_is_reported(start, root, net):
    guest = start(*net.device(), initrd=root, within=net.within)
    configure(guest)
    r = net.run(sys.executable, str(PEER), 'claim', GUEST)
    assert r.returncode == 0, r.stderr
    wait_for(guest, 'dmesg', '^vio0: 02:00:00:00:00:01 uses our address '
        '192.168.77.2$', 2)


@pytest.mark.needs('netns', 'tcpdump')
def test_our_own_sums_are_right(start, root, net):
    """Where the device makes none, this machine's tcpdump looks at each."""
    guest = start(*net.device('csum=off', 'guest_csum=off'), initrd=root,
        within=net.within)
    configure(guest)
    dump = subprocess.Popen([*net.within, 'tcpdump', '-i', 'tap0', '-n',
        '-vv', '-l', '--immediate-mode', f'src {GUEST} or src {GUEST6}'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    exchange(guest)
    time.sleep(0.5)
    dump.terminate()
    text = dump.communicate()[0]
    assert text.count('length') > 20
    assert 'incorrect' not in text and 'bad cksum' not in text


@pytest.mark.needs('netns', 'iperf3')
@pytest.mark.arch('amd64')
def test_iperf3_unmodified(start, net, tmp_path):
    """A dynamic program of the distribution, with its libraries."""
    files = {'/bin/iperf3': pathlib.Path('/usr/bin/iperf3').read_bytes()}
    for line in subprocess.run(['ldd', '/usr/bin/iperf3'], text=True,
            capture_output=True, check=True).stdout.splitlines():
        m = re.match(r'\s*(?:(\S+) => )?(/\S+)', line)
        if m:
            name = m[2] if m[1] is None else '/lib/x86_64-linux-gnu/' + m[1]
            files[name] = pathlib.Path(os.path.realpath(m[2])).read_bytes()
    image = make_root(tmp_path / 'iperf.cpio', files,
        {name: 0o755 for name in files})
    guest = start(*net.device(), initrd=image, within=net.within,
        mem='256M')
    configure(guest)
    server = subprocess.Popen([*net.within, 'iperf3', '-s'],
        stdout=subprocess.DEVNULL)
    try:
        for way in ('', '-R'):
            # It may need a moment until it listens, and between two tests.
            for _ in range(20):
                text = guest.output(f'iperf3 -c {HOST} -t 1 {way} > /tmp/o; '
                    'cat /tmp/o')
                if 'refused' not in text and 'busy' not in text:
                    break
                time.sleep(0.5)
            assert re.search(r'[1-9]\S* [MG]bits/sec +receiver', text)
    finally:
        server.kill()
        server.wait()
    no_bad_sums(net)
