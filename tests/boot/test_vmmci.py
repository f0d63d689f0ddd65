# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The control device of OpenBSD's vmm, as a function of PCI that QEMU has
from a server beside it: tests/hv/README.vmmci."""

import json
import re
import subprocess
import threading
import time

import pytest

from guest import TOP, TIMEOUT, GuestError, mentions, qemu11

pytestmark = [pytest.mark.arch('amd64'), pytest.mark.needs('qemu11')]

SENSOR = 'hw.sensors.vmmci0.timedelta0'
SERVER = TOP / 'build' / 'hv' / 'vmmci_server'


class Host:
    """The device's server, and what it has said."""

    def __init__(self, path):
        subprocess.run(['make', '-s', '-f', 'tests/hv/vmmci.mk'], check=True,
            cwd=TOP)
        self.path = path
        self.lines = []
        self.at = 0
        self.ended = False
        self.cond = threading.Condition()
        self.process = subprocess.Popen([SERVER, path], text=True,
            bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()
        self.expect('listening')

    def _read(self):
        for line in self.process.stdout:
            with self.cond:
                self.lines.append((time.monotonic(), line.rstrip('\n')))
                self.cond.notify_all()
        with self.cond:
            self.ended = True
            self.cond.notify_all()

    def expect(self, line, timeout=TIMEOUT):
        """Waits for such a line after those that were expected before; when
        it came."""
        end = time.monotonic() + timeout
        with self.cond:
            while True:
                for n in range(self.at, len(self.lines)):
                    if self.lines[n][1] == line:
                        self.at = n + 1
                        return self.lines[n][0]
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    raise GuestError(f'no {line!r} in {self.said()}')
                self.cond.wait(left)

    def said(self):
        with self.cond:
            return [line for _, line in self.lines]

    def say(self, line):
        """Has been heard when it returns, and when that was."""
        self.process.stdin.write(line + '\n')
        return self.expect('done: ' + line)

    def ask(self, word, answer, within=1):
        """The host's word, and the guest's answer in good time."""
        asked = time.monotonic()
        self.process.stdin.write(word + '\n')
        assert self.expect(answer) - asked < within

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def vmm(start, tmp_path):
    """Starts guests with such a device: the guest and the host."""
    hosts = []

    def run(*says, **more):
        host = Host(str(tmp_path / f'vmmci{len(hosts)}'))
        hosts.append(host)
        for line in says:
            host.say(line)
        device = {'driver': 'vfio-user-pci', 'socket':
            {'type': 'unix', 'path': host.path}}
        g = start(['-device', json.dumps(device)], qemu=qemu11(), **more)
        return g, host

    yield run
    for host in hosts:
        host.close()
    # what the function was asked was what a function may be asked
    for host in hosts:
        assert [l for l in host.said() if l.startswith('error')] == []


def delta(g):
    """The sensor: guest less host, in seconds."""
    text = g.output(f'sysctl -n {SENSOR}')
    assert re.fullmatch(r'-?\d+\.\d{6} secs\n', text), text
    return float(text.split()[0])


def still_here(g):
    """Whatever the kernel has to say meanwhile."""
    assert g.output('echo still here').endswith('still here\n')


def test_a_day_with_its_host(vmm):
    g, host = vmm(exits=False)
    assert re.search(r'^virtio0 at pci0 .*\bVMM Control\b.*, 0\.9$', g.text(),
        re.M)
    assert re.search(r'^vmmci0 at virtio0\b', g.text(), re.M)
    host.expect('features 0x7')
    host.expect('status 0x7')
    # the machine's clock is of whole seconds
    assert abs(delta(g)) < 2
    host.say('time 3600')
    assert abs(delta(g) + 3600) < 2
    host.ask('syncrtc', 'ack 3')
    assert abs(delta(g)) < 0.1
    host.say('time -500')
    assert abs(delta(g) - 4100) < 0.1
    host.ask('syncrtc', 'ack 3')
    assert abs(delta(g)) < 0.1
    # what nobody knows is not answered, and nothing is no command
    host.say('command 9')
    g.console.expect('vmmci0: unknown command 9')
    host.say('interrupt')
    host.say('command 0')
    still_here(g)
    assert len(mentions(g.text(), 'vmmci0: unknown')) == 1
    assert 'host asks to power' not in g.text()
    g.qmp.command('query-status')
    host.ask('shutdown', 'ack 1')
    event = g.qmp.wait_event('SHUTDOWN')
    assert event['data']['reason'] == 'guest-shutdown'
    assert g.wait() == 0
    assert len(mentions(g.text(), 'vmmci0: the host asks to power off')) == 1
    said = host.said()
    assert [l for l in said if l.startswith('ack')] == ['ack 3', 'ack 3',
        'ack 1']
    assert not {'poweroff', 'wrong 1'} & set(said)


def test_a_reboot_and_the_same_in_its_second_life(vmm):
    g, host = vmm(reboot=True, exits=False, smp=2, machine='pc')
    g.qmp.command('query-status')
    host.ask('reboot', 'ack 2')
    host.expect('reset')
    g.wait_shell()
    assert len(mentions(g.text(), 'vmmci0: the host asks to reboot')) == 1
    host.ask('shutdown', 'ack 1')
    assert g.wait() == 0


@pytest.mark.parametrize('command', ['halt', 'kill -USR2 1',
    'sysctl debug.panic=1'])
def test_a_guest_that_ends_by_itself_says_so_first(vmm, command):
    g, host = vmm(exits=False)
    g.console.send(command + '\n')
    host.expect('poweroff')
    assert g.wait() == 0
    assert host.said().count('poweroff') == 1


def test_a_reboot_by_the_guest_is_no_power_off(vmm):
    g, host = vmm(exits=False)
    g.console.send('reboot\n')
    g.wait()
    assert 'poweroff' not in host.said()


@pytest.mark.parametrize('features', [0, 2])
def test_a_host_that_offers_less(vmm, features):
    g, host = vmm(f'features {features}', exits=False)
    host.expect(f'features {features:#x}')
    host.say('syncrtc')
    assert 'skipped 3' in host.said()
    host.say('shutdown')
    assert g.wait() == 0
    acks = [l for l in host.said() if l.startswith('ack')]
    assert acks == (['ack 1'] if features & 2 else [])


def test_a_hostile_host_costs_a_few_lines(vmm):
    g, host = vmm(exits=False, smp=2)
    before = len(g.text().splitlines())
    host.say('storm 20000')
    still_here(g)
    host.say('lie 1800000000 0')
    assert g.output(f'sysctl -n {SENSOR}') == 'unknown\n'
    host.say('lie 1800000000 1000000')
    assert g.output(f'sysctl -n {SENSOR}') == 'unknown\n'
    host.say('lie -9223372036854775808 5')
    assert g.output(f'sysctl -n {SENSOR}') == 'unknown\n'
    host.say('flip 77 78')
    host.say('storm 5000')
    still_here(g)
    host.say('flip')
    host.say('gone')
    host.say('interrupt')
    # a line that stays up is no reason to stop
    still_here(g)
    assert len(g.text().splitlines()) - before < 100
    g.console.send('halt\n')
    assert g.wait() == 0
