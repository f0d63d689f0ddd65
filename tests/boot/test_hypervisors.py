# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""What a guest makes of each hypervisor: its name, its store with every
error that programs rely on, its clock.  The test hypervisor poses as those
that QEMU is not."""

import re
import time

import pytest

from guest import ARCH, ORDER, dmesg_lines, make_root, mentions, program
from hv import escape

MS, S = 10**6, 10**9
HOUR = 3600 * S
amd64 = pytest.mark.arch('amd64')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A root image with progs/pvreq.c."""
    path = tmp_path_factory.mktemp('pvreq')
    return make_root(path / 'root.cpio', {'/bin/pvreq':
        program('pvreq', path)})


@pytest.fixture
def hv(start_hv, root):
    def run(pose, options='', **more):
        return start_hv(f'pose={pose}', options=options, initrd=root, **more)
    return run


# --- errors ---------------------------------------------------------------

# What progs/pvreq.c does, in its order; where there is a store, and how that
# differs from one to the next.
STRUCTURES = '''
write, read-only, no structure: EPERM
write, no structure: EFAULT
read, no structure: EFAULT
read, structure of the kernel: EFAULT
read, half a structure: EFAULT
list, no structure: EFAULT
type, no structure: EFAULT
type, structure of zeros: ENOMEM
read, structure of zeros: EINVAL
unknown 0: ENOTTY
unknown 5: ENOTTY
unknown size: ENOTTY
unknown direction: ENOTTY
unknown group: ENOTTY
unknown at all: ENOTTY
'''
TYPES = '''
type: <name>, with room for <room>
type: is whole
type, no room: ENOMEM
type, a byte less: ENOMEM
type, any room: ok
type, no memory: EFAULT
type, kernel's memory: EFAULT
type, memory to read: EFAULT
'''
LENGTHS = ''.join(f'''
{what}, key of 0: EINVAL
{what}, value of 0: EINVAL
{what}, key of 0x10001: ENAMETOOLONG
{what}, value of 0x10001: ENAMETOOLONG
{what}, key of 0x100000000: ENAMETOOLONG
{what}, value of 0x100000000: ENAMETOOLONG
{what}, key of 0xffffffffffffffff: ENAMETOOLONG
{what}, value of 0xffffffffffffffff: ENAMETOOLONG
''' for what in ('read', 'list', 'write'))
POINTERS = '''
read, no key: EFAULT
read, kernel's key: EFAULT
read, key without end: EFAULT
read, key ends early: ok
read, key ends at the edge: ok
read, key over the edge: EFAULT
read, no value: EFAULT
read, kernel's value: EFAULT
read, value to read: EFAULT
write, no value: EFAULT
write, value without end: EFAULT
write, read-only, bad lengths: EPERM
'''
VALUES = '''
read, unknown key: <unknown>
read, empty key: <unknown>
read, longest key: <unknown>
read: ok
read: length told
read, exact room: ok
read: within its room
read, a byte less: ERANGE
read, one byte: ERANGE
read: nothing cut off
'''
LISTS = '''
list, unknown prefix: ENOENT
list: ok
list, one byte: ERANGE
'''
NO_LISTS = '''
list, unknown prefix: EOPNOTSUPP
list: EOPNOTSUPP
list, one byte: EOPNOTSUPP
'''


def table(text, **words):
    """The lines of a table with these words in place of others."""
    for word, other in words.items():
        text = text.replace(f'<{word}>', other)
    return [line for line in text.splitlines() if line]


def without_store(name):
    """All but the name is ENXIO, behind what is wrong with the descriptor
    and the command."""
    lines = table(STRUCTURES + TYPES + LENGTHS + POINTERS + VALUES + LISTS,
        name=name, room=str(len(name) + 1))
    shown = []
    for line in lines:
        what, _, error = line.rpartition(': ')
        if re.match('(read|list|write)', what) and error != 'EPERM':
            line = f'{what}: ENXIO'
        if line == 'read: ENXIO':
            if line in shown:
                continue
        if what in ('read, exact room', 'read, a byte less',
                'read, one byte') or line.startswith('read: w'):
            continue
        shown.append(line)
    return shown + ['write: ENXIO', 'write, unknown key: ENXIO']


def with_store(name, unknown, lists, writes):
    return table(STRUCTURES + TYPES + LENGTHS + POINTERS + VALUES + lists,
        name=name, room=str(len(name) + 1), unknown=unknown) + \
        [f'write: {writes[0]}', f'write, unknown key: {writes[1]}']


def errors(g, unit=0, key='x'):
    out, status = g.run(f'pvreq errors /dev/pvbus{unit} {key}')
    assert status == 0, out
    return out.splitlines()


def pvbuses(g):
    return g.output('ls /dev').split().count('pvbus0'), \
        [n for n in g.output('ls /dev').split() if n.startswith('pvbus')]


# --- each hypervisor ------------------------------------------------------

QEMU_STORE = 'ENOENT', LISTS, ('EROFS', 'EOPNOTSUPP')

POSES = {
    # its name, in the dmesg, devices, clock, store, key
    'kvm': ('KVM', 'KVM', ['fwcfg', 'smbios', 'pvclock'], 'pvclock',
        QEMU_STORE, 'smbios/system/product'),
    'hyperv': ('Hyper-V', 'Hyper-V 10.0', ['hvclock'], 'hvclock', None, 'x'),
    'vmware': ('VMware', 'VMware', ['vmt'], 'tsc',
        ('EINVAL', NO_LISTS, ('ok', 'EINVAL')), 'guestinfo.key'),
    'xen': ('Xen', 'Xen 4.17', [], 'tsc', None, 'x'),
    'openbsd': ('OpenBSD', 'OpenBSD', ['fwcfg', 'pvclock'], 'pvclock',
        ('ENOENT', LISTS, ('EROFS', 'EOPNOTSUPP')), 'etc/boot-fail-wait'),
    'sig:ACRNACRNACRN': ('ACRN', 'ACRN', [], 'tsc', None, 'x'),
}


@amd64
@pytest.mark.parametrize('pose', POSES)
def test_a_hypervisor_with_its_devices_clock_and_errors(hv, pose):
    name, shown, devices, clock, store, key = POSES[pose]
    g = hv(pose, 'guestinfo.key=value')
    lines = dmesg_lines(g.text())
    assert f'pvbus0 at mainbus0: {shown}' in lines
    assert [line.split('0 at')[0] for line in lines
        if ' at pvbus0' in line] == devices
    assert g.output('sysctl -n hw.hypervisor') == f'{shown}\n'
    assert g.output('sysctl -n kern.timecounter.hardware') == f'{clock}\n'
    assert g.output('hostctl -t') == f'/dev/pvbus0: {name}\n'
    assert pvbuses(g)[1] == ['pvbus0']
    assert errors(g, key=key) == (with_store(name, *store) if store else
        without_store(name))


@amd64
def test_bhyve(hv):
    # in QEMU the ports are those of fw_cfg
    g = hv('bhyve')
    assert 'pvbus0 at mainbus0: bhyve' in dmesg_lines(g.text())
    assert not mentions(g.text(), 'fwctl0')
    assert g.output('hostctl -t') == '/dev/pvbus0: bhyve\n'
    assert g.output('sysctl -n kern.timecounter.hardware') == 'tsc\n'


@amd64
def test_no_hypervisor_at_all(hv):
    g = hv('none')
    assert 'pvbus0 at mainbus0: no hypervisor' in dmesg_lines(g.text())
    assert g.output('sysctl -n hw.hypervisor') == 'none\n'
    shown = errors(g)
    assert 'write, read-only, no structure: EPERM' in shown
    assert 'write, read-only, bad lengths: EPERM' in shown
    # before what is unknown
    rest = [line for line in shown if not line.endswith(': EPERM') and
        not line.startswith('type: ')]
    assert rest and all(line.endswith(': ENXIO') for line in rest)


@amd64
def test_several_hypervisors_have_a_node_each(hv):
    """In the order of the table, whatever that of CPUID is."""
    g = hv('vmware,sig:VBoxVBoxVBox,xen,hyperv,kvm',
        'guestinfo.key=value xen.major=4 xen.minor=19')
    names = ['KVM', 'Hyper-V', 'VMware', 'Xen', 'VirtualBox']
    assert 'pvbus0 at mainbus0: KVM, Hyper-V 10.0, VMware, Xen 4.19, ' \
        'VirtualBox' in dmesg_lines(g.text())
    assert pvbuses(g)[1] == [f'pvbus{i}' for i in range(5)]
    for unit, name in enumerate(names):
        assert g.output(f'hostctl -t -f /dev/pvbus{unit}') == \
            f'/dev/pvbus{unit}: {name}\n'
    # each has its own store
    assert g.output('hostctl -f /dev/pvbus2 guestinfo.key') == 'value\n'
    assert g.run('hostctl guestinfo.key') == \
        ('hostctl: ioctl: No such file or directory\n', 1)
    assert errors(g, 3) == without_store('Xen')
    assert g.output('hostctl smbios/system/manufacturer') == 'QEMU\n'


@amd64
def test_xen_tells_the_rate_of_the_counter(hv):
    g = hv('xen', 'xen.khz=1234000')
    assert [line for line in dmesg_lines(g.text())
        if line.startswith('cpu0 at') and ', 1234 MHz,' in line]


@amd64
def test_an_unknown_signature_does_not_end_the_search(hv):
    g = hv('sig:Nobody_knows,xen,sig:\\x01\\x02\\x03\\x04,kvm')
    # what is no text does
    assert 'pvbus0 at mainbus0: Xen 4.17' in dmesg_lines(g.text())


@amd64
def test_what_hypervisors_offer_is_named(hv):
    g = hv('kvm,hyperv', 'kvm.features=0x81000108 hyperv.features=0x40000202 '
        'hyperv.misc=0x80000400')
    assert g.output('sysctl -n hw.pvbus.0.features') == \
        'CLOCKSOURCE2,bit8,CLOCKSOURCE_STABLE,bit31\n'
    assert g.output('sysctl -n hw.pvbus.1.features') == \
        'TIME_REF_COUNT,REFERENCE_TSC,bit30,CRASH,bit63\n'
    assert 'pvbus0: KVM offers CLOCKSOURCE2,bit8,' in g.text()


# --- VMware ---------------------------------------------------------------

def log(g, pattern):
    g.hv_wait(pattern, timeout=5)


@amd64
def test_values_of_vmware(hv):
    g = hv('vmware', f'guestinfo.a={escape("two words", blanks=False)}')
    assert g.output('hostctl guestinfo.a') == 'two words\n'
    assert g.run('hostctl guestinfo.none') == \
        ('hostctl: ioctl: Invalid argument\n', 1)
    # written, and seen by the other side
    assert g.output("hostctl guestinfo.b 'from the guest'") == ''
    assert g.hv('get guestinfo.b') == 'from the guest'
    assert g.output('pvreq put /dev/pvbus0 guestinfo.c v') == 'ok ""\n'
    assert g.hv('get guestinfo.c') == 'v'
    assert g.run('hostctl other.key x') == \
        ('hostctl: ioctl: Invalid argument\n', 1)
    # bytes that a terminal would not like
    g.hv('set guestinfo.d ' + escape(b'\x1b[2J\x01\\ \xff'))
    assert g.output('hostctl guestinfo.d') == '\\^[[2J\\^A\\\\ \\M^?\n'
    # each size, by both ways, whole
    for hb in 1, 0:
        g.hv(f'option vmware.hb={hb}')
        for size in 1, 4095, 4096, 65535:
            g.hv(f'fill guestinfo.big {size}')
            value = g.hv('get guestinfo.big') if size < 5000 else None
            out = g.output('pvreq get /dev/pvbus0 guestinfo.big')
            assert out.startswith(f'{size} bytes, sum ')
            if value:
                assert out.endswith(f'sum {sum(map(ord, value))}\n')
        g.hv('fill guestinfo.big 65536')
        assert g.run('pvreq get /dev/pvbus0 guestinfo.big') == \
            ('ERANGE with 65536\n', 1)
    assert 'does not talk' not in g.text()


@amd64
def test_a_vmware_that_misbehaves(hv):
    g = hv('vmware', 'guestinfo.a=value vmware.hb=0')
    log(g, '^tclo-reply "OK ATR toolbox"$')
    ask = 'hostctl guestinfo.a'
    failed = 'hostctl: ioctl: Input/output error\n', 1
    for command in 'refuse 2', 'drop 3', 'option vmware.reply=2\\swhat', \
            'option vmware.reply=nonsense', 'option vmware.reply=':
        g.hv(command)
        assert g.run(ask) == failed, command
        assert g.output(ask) == 'value\n', command
    for command in 'refuse 1', 'checkpoint 3', 'checkpoint 6', 'late 5':
        g.hv(command)
        assert g.output(ask) == 'value\n', command
    g.hv('option vmware.late=0')
    # a program tries again with more room, up to a limit
    g.hv('toolong 0x40000000')
    assert g.output(ask) == 'value\n'
    g.hv('option vmware.toolong-times=1000')
    assert g.run('pvreq get /dev/pvbus0 guestinfo.a') == \
        ('ERANGE with 65536\n', 1)
    g.hv('option vmware.toolong-times=0 vmware.never=1')
    began = time.monotonic()
    assert g.run(ask) == failed
    assert time.monotonic() - began < 10
    g.hv('option vmware.never=0 vmware.dead=1')
    assert g.run(ask) == failed
    g.hv('option vmware.dead=0')
    assert g.output(ask) == 'value\n'


@amd64
@pytest.mark.parametrize('command, number, what, before, answer', [
    ('OS_Halt', 1, 'power off', 'ping', 'OK '),
    ('OS_Reboot', 2, 'reboot', 'x' * 600, 'ERROR Unknown command')],
    ids=['halt', 'reboot'])
def test_vmware_is_obeyed(hv, command, number, what, before, answer):
    g = hv('vmware')
    log(g, '^tclo-reply "OK ATR toolbox"$')
    g.hv('tclo Capabilities_Register')
    log(g, '^rpc "SetGuestInfo  1 ')
    log(g, '^tclo-reply "OK "$')
    g.hv(f'tclo {before}')
    log(g, f'^tclo-reply "{answer}"$')
    began = time.monotonic()
    g.hv(f'tclo {command}')
    log(g, f'^rpc "tools.os.statechange.status 1 {number}"$')
    log(g, '^tclo-reply "OK "$')
    g.wait(10)
    assert time.monotonic() - began < 8
    assert f'vmt0: the host asks to {what}' in g.text()
    assert 'does not talk' not in g.text()


@amd64
def test_time_of_vmware(hv):
    """The guest's clock is that of the host, and follows it."""
    g = hv('vmware')

    def ahead():
        out = g.output('sysctl -n hw.sensors.vmt0.timedelta0')
        return float(re.fullmatch(r'(-?\d+\.\d{6}) secs\n', out)[1])

    def differs():
        """From what the hypervisor says, in seconds."""
        ours = int(g.output('pvreq time').split()[1])
        return abs(ours - int(g.hv('clock').split()[1])) / S

    assert abs(ahead()) < 0.5
    assert differs() < 1
    # a little is shown
    g.hv(f'wall {500 * MS}')
    assert -1 < ahead() < 0
    g.hv(f'wall {-1000 * MS}')
    assert 0 < ahead() < 1
    # and so is much, but the machine's own clock is what a user has set
    g.hv(f'wall {HOUR}')
    assert -3602 < ahead() < -3598
    assert 3590 < differs() < 3610
    g.hv('option vmware.no-time=1')
    assert g.output('sysctl -n hw.sensors.vmt0.timedelta0') == 'unknown\n'


# --- clocks ---------------------------------------------------------------

def times(g):
    return [int(w) for w in g.output('pvreq time').split()[-2:]]


def watch(g, msec):
    """Time went on all the while, never back; how long by each clock."""
    out, status = g.run(f'pvreq watch {msec}', timeout=20)
    assert status == 0, out
    return [int(w) / S for w in
        re.search(r'looks, (\d+) (\d+) (\d+)$', out, re.M).groups()]


def as_fast_as_ours(g, msec=150):
    began = time.monotonic()
    watch(g, msec)
    took = time.monotonic() - began
    assert msec / 1000 * 0.9 < took < msec / 1000 + 2


GIVEN_UP = 'clock: {} makes no sense, tsc is used'


@amd64
@pytest.mark.parametrize('pose', ['kvm', 'hyperv'])
def test_time_goes_on_through_jumps(hv, pose):
    g = hv(pose)
    as_fast_as_ours(g)
    before, wall = times(g)
    g.hv(f'jump {HOUR}')
    after, later = times(g)
    assert HOUR <= after - before < HOUR + 60 * S
    # the machine's clock has not jumped
    assert abs(later - wall) < 60 * S
    g.hv(f'jump {-HOUR // 2}')
    back, _ = times(g)
    assert after <= back < after + 60 * S
    as_fast_as_ours(g)
    g.output('sleep 0.2')
    assert 'makes no sense' not in g.text()
    assert g.output('sysctl -n kern.timecounter.hardware') in \
        ('pvclock\n', 'hvclock\n')


@amd64
def test_a_long_list_of_features_is_several_lines(hv):
    g = hv('kvm', 'kvm.features=0xffffffff')
    lines = mentions(g.text(), 'pvbus0: KVM offers ')
    assert len(lines) > 3 and all(len(line) < 80 for line in lines)
    words = ','.join(line.split()[-1] for line in lines)
    assert words.split(',')[0] == 'CLOCKSOURCE' and words.endswith('bit31')
    assert g.output('sysctl -n hw.pvbus.0.features') == words + '\n'
    assert re.search('^fwcfg0 at pvbus0', g.text(), re.M)


@amd64
def test_the_command_line_has_the_tsc(hv):
    g = hv('kvm,hyperv', append='clock=tsc')
    assert g.output('sysctl -n kern.timecounter.hardware') == 'tsc\n'
    assert not mentions(g.text(), 'clock0 at')
    as_fast_as_ours(g)


@amd64
def test_the_command_line_has_one_of_two(hv):
    g = hv('kvm,hyperv', append='clock=hvclock')
    assert g.output('sysctl -n kern.timecounter.hardware') == 'hvclock\n'
    as_fast_as_ours(g)


@amd64
@pytest.mark.parametrize('pose, wrong', [
    ('kvm', 'kvm.odd=1'), ('kvm', 'kvm.no-page=1'), ('kvm', 'kvm.mul=0'),
    ('kvm', 'kvm.shift=-100'),
    ('hyperv', 'hyperv.no-page=1 hyperv.features=0x220')])
def test_a_clock_that_never_worked_is_said_so_once(hv, pose, wrong):
    name = {'kvm': 'pvclock', 'hyperv': 'hvclock'}[pose]
    g = hv(pose, wrong)
    assert g.output('sysctl -n kern.timecounter.hardware') == 'tsc\n'
    as_fast_as_ours(g)
    assert g.text().count(f'clock: {name}') == 1


@amd64
@pytest.mark.parametrize('pose, wrong', [
    ('kvm', 'kvm.odd=1'), ('kvm', 'kvm.mul=0'), ('kvm', 'kvm.mul=1'),
    ('kvm', 'kvm.shift=-31'), ('kvm', 'kvm.mul=0xffffffff kvm.shift=31'),
    ('hyperv', 'hyperv.sequence=0 hyperv.count=5')])
def test_a_clock_page_that_makes_no_sense_is_given_up(hv, pose, wrong):
    name = {'kvm': 'pvclock', 'hyperv': 'hvclock'}[pose]
    g = hv(pose)
    g.hv(f'option {wrong}')
    as_fast_as_ours(g)
    assert g.output('sysctl -n kern.timecounter.hardware') == 'tsc\n'
    # perhaps in the middle of what is typed
    assert g.text().count('clock: ') == 1
    assert GIVEN_UP.format(name) in g.text()


@amd64
def test_hyper_vs_register_does_while_the_page_is_not_valid(hv):
    g = hv('hyperv')
    for wrong in 'hyperv.sequence=0', 'hyperv.scale=0':
        g.hv(f'option {wrong}')
        as_fast_as_ours(g)
    assert g.output('sysctl -n kern.timecounter.hardware') == 'hvclock\n'
    assert not mentions(g.text(), 'clock: ')


@amd64
def test_without_the_register_the_page_is_all_there_is(hv):
    g = hv('hyperv', 'hyperv.features=0x220')
    assert g.output('sysctl -n kern.timecounter.hardware') == 'hvclock\n'
    g.hv('option hyperv.sequence=0')
    as_fast_as_ours(g)
    assert g.text().count('clock: ') == 1
    assert GIVEN_UP.format('hvclock') in g.text()


@amd64
def test_an_old_kvm(hv):
    """One that does not tell its highest leaf, with the old registers."""
    g = hv('kvm', 'kvm.max=0 kvm.features=1')
    assert re.search('^pvbus0: KVM offers CLOCKSOURCE$', g.text(), re.M)
    assert re.search('^pvclock0 at pvbus0: not stable', g.text(), re.M)
    as_fast_as_ours(g)


# --- QEMU itself ----------------------------------------------------------

def test_the_errors_of_qemus_store(start, root):
    """The same on all architectures."""
    g = start('-fw_cfg name=opt/key,string=value', initrd=root)
    assert errors(g, key='opt/key') == with_store('TCG', *QEMU_STORE)
    assert g.output('pvreq get /dev/pvbus0 opt/key') == \
        f'5 bytes, sum {sum(b"value")}\n'
    assert g.output('pvreq list /dev/pvbus0 opt/ 8') == '7: opt/key\n'
    assert g.run('pvreq list /dev/pvbus0 opt/ 7') == ('ERANGE\n', 1)


@pytest.mark.parametrize('options, wanted', [
    ('-smbios type=1,manufacturer=Some,product=Thing,serial=12-3 '
    '-smbios type=11,value=first,value=second -smbios type=11,value=third',
    {'system/manufacturer': 'Some', 'system/product': 'Thing',
        'system/serial': '12-3', 'oem/1': 'first', 'oem/2': 'second',
        'oem/3': 'third'})])
def test_the_strings_of_the_firmware(start, options, wanted):
    g = start(options)
    keys = g.output('hostctl smbios/').split()
    assert len(keys) == len(set(keys))
    for key, value in wanted.items():
        assert f'smbios/{key}' in keys
        assert g.output(f'hostctl smbios/{key}') == value + '\n'
    assert g.run('hostctl smbios/oem/4')[1] == 1
    assert [k for k in keys if '/oem/' in k] == \
        [f'smbios/oem/{i}' for i in (1, 2, 3)]
