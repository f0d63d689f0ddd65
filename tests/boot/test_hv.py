# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The test hypervisor itself: that it poses, listens, and misbehaves as it
is told.  Drivers are tested elsewhere; VMware's backdoor is used here by a
program, as VMware's own tools do."""

import os
import pathlib
import re
import struct
import time

import pytest

from guest import GuestError, make_root, program, qemu72
from hv import escape, unescape

pytestmark = pytest.mark.arch('amd64')

POSES = {
    'kvm': 'KVM', 'hyperv': 'Hyper-V', 'vmware': 'VMware', 'xen': 'Xen',
    'bhyve': 'bhyve', 'openbsd': 'OpenBSD', 'sig:TCGTCGTCGTCG': 'TCG',
}


@pytest.fixture(scope='module')
def backdoor(tmp_path_factory):
    """A root image with progs/backdoor.c."""
    path = tmp_path_factory.mktemp('hv')
    return make_root(path / 'root.cpio', {'/bin/backdoor':
        program('backdoor', path)})


def kernel(path, code):
    """The smallest kernel: machine code, 32 bits, at 1 MB."""
    note = struct.pack('<III4sI', 4, 4, 18, b'Xen', 0x100000)
    header = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 2, 62, 1,
        0x100000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    at = 64 + 2 * 56
    segments = struct.pack('<IIQQQQQQ', 4, 4, at, 0, 0, len(note), len(note),
        4) + struct.pack('<IIQQQQQQ', 1, 7, at + len(note), 0x100000,
        0x100000, len(code), len(code), 4096)
    path.write_bytes(header + segments + note + code)
    return path


def rpc(g, command, *flags):
    out, status = g.run(f"backdoor {' '.join(flags)} rpc '{command}'")
    return out.removesuffix('\n') if status == 0 else f'failed: {out.strip()}'


@pytest.mark.parametrize('pose', POSES)
def test_each_pose_boots(start_hv, pose):
    g = start_hv(f'pose={pose}')
    assert g.output('hostctl -t') == f'/dev/pvbus0: {POSES[pose]}\n'
    assert g.hv('ping') == ''


def test_several_poses_at_once(start_hv):
    g = start_hv('pose=xen,hyperv,vmware', 'xen.minor=19 '
        'hyperv.major=11 hyperv.minor=3')
    line = re.search(r'^pvbus0 at mainbus0: (.*)', g.text(), re.M)[1]
    assert line == 'Hyper-V 11.3, VMware, Xen 4.19'


def test_no_pose_is_no_hypervisor(start_hv):
    g = start_hv('pose=none')
    assert 'pvbus0 at mainbus0: no hypervisor' in g.text()


@pytest.mark.parametrize('words, wrong', [
    ('pose=nonsense', 'pose=nonsense'),
    ('pose=kvm,', 'pose=kvm,'),
    ('pose=sig:thirteen_byte', 'pose=sig:thirteen_byte'),
    ('pose=kvm kvm.what=1', 'kvm.what=1'),
    ('pose=kvm kvm.mul=many', 'kvm.mul=many'),
    ('pose=kvm quietly', 'quietly'),
    ('wait', 'pose= is missing'),
])
def test_what_it_does_not_know_it_refuses(start_hv, words, wrong):
    g = start_hv(words, shell=False)
    assert g.wait() == 99
    assert re.search(f'^hv: {re.escape(wrong)}', g.text(), re.M)
    assert 'Paravane' not in g.text()


@pytest.mark.parametrize('more, why', [
    ({'smp': 2}, 'more than one processor'),
    ({'cpu': 'max,-svm'}, 'no SVM'),
    ({'cpu': 'max,-npt'}, 'no nested paging'),
    ({'mem': '16M'}, 'too little memory'),
])
def test_a_machine_that_will_not_do(start_hv, more, why):
    g = start_hv('pose=kvm', shell=False, **more)
    assert g.wait() == 99
    assert why in g.text()


def test_commands_before_the_guest_starts(start_hv):
    g = start_hv('pose=vmware', commands=['set guestinfo.a before',
        'option vmware.log=off'], shell=False)
    assert g.hv('get guestinfo.a') == 'before'
    with pytest.raises(GuestError, match='no such command'):
        g.hv('what')
    with pytest.raises(GuestError, match='no such option'):
        g.hv('option what=1')
    g.wait_shell()


def test_the_second_port_is_not_the_guests(start_hv, tmp_path):
    # mov $0x2ff,%dx; mov $0x55,%al; out; in; mov $0xf4,%dx; out; hlt
    code = b'\x66\xba\xff\x02\xb0\x55\xee\xec\x66\xba\xf4\0\xee\xf4'
    g = start_hv('pose=kvm', guest=kernel(tmp_path / 'k', code), shell=False)
    assert g.wait() == 0xff >> 1


def test_an_idle_guest_is_idle_and_listens(start_hv):
    g = start_hv('pose=kvm')
    stat = pathlib.Path(f'/proc/{g.process.pid}/stat')

    def used():
        fields = stat.read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / \
            os.sysconf('SC_CLK_TCK')

    time.sleep(0.3)
    before = used()
    time.sleep(1)
    assert used() - before < 0.1
    began = time.monotonic()
    for _ in range(20):
        g.hv('ping')
    # a guest that slept until its next interrupt would take longer
    assert time.monotonic() - began < 2


def test_a_busy_guest_listens_too(start_hv):
    g = start_hv('pose=kvm')
    g.console.send('dd if=/dev/zero of=/dev/null bs=64k count=100000\n')
    time.sleep(0.2)
    began = time.monotonic()
    for _ in range(20):
        g.hv('ping')
    assert time.monotonic() - began < 2
    assert 'records' not in g.text()


def test_the_clock_goes_and_jumps(start_hv):
    g = start_hv('pose=kvm', 'epoch=1700000000000000000')
    ns, wall, _ = map(int, g.hv('clock').split())
    assert wall - ns == 1700000000 * 10**9
    assert 0 < ns < 60 * 10**9
    g.hv('jump 3600000000000')
    later, wall, _ = map(int, g.hv('clock').split())
    assert 3600 * 10**9 < later - ns < 3660 * 10**9
    g.hv('wall -1000000000')
    ns, wall, _ = map(int, g.hv('clock').split())
    assert wall - ns == 1699999999 * 10**9


def test_a_reset_is_one(start_hv):
    g = start_hv('pose=hyperv')
    g.streams['hv'].send('reset\n')
    assert g.wait() == 0


def test_the_guest_powers_off_and_leaves_its_status(start_hv):
    g = start_hv('pose=vmware', append='-- false', shell=False)
    assert g.wait() == 1


def test_a_triple_fault_is_told(start_hv, tmp_path):
    # lidt 0x100100, where nothing is; int3
    code = b'\x0f\x01\x1d' + struct.pack('<I', 0x100100) + b'\xcc'
    g = start_hv('pose=kvm', guest=kernel(tmp_path / 'k', code), shell=False)
    assert g.wait() == 0
    assert re.search(r'^hv: triple fault at 0x100007,', g.text(), re.M)
    assert 'triple fault' in g.hv_text()


def test_what_is_not_offered_is_not_there(start_hv, tmp_path):
    # mov $0x4b564d00,%ecx; xor %eax,%eax; xor %edx,%edx; wrmsr
    code = b'\xb9\x00\x4d\x56\x4b\x31\xc0\x31\xd2\x0f\x30'
    g = start_hv('pose=hyperv', guest=kernel(tmp_path / 'k', code),
        shell=False)
    g.hv_wait('^gp msr 0x4b564d00 write 0x0$')
    g.hv_wait('^triple fault at 0x100009')


def test_the_hypervisors_memory_is_its_own(start_hv, tmp_path):
    # mov 0x40000(%ebx),%eax: it is behind what EBX tells of
    code = b'\x8b\x83\x00\x00\x04\x00'
    g = start_hv('pose=kvm', guest=kernel(tmp_path / 'k', code), shell=False)
    assert g.wait() == 99
    assert 'which is the shim' in g.text()


@pytest.mark.parametrize('cut, why', [
    (0, 'no 64-bit ELF'), (100, 'is broken'), (190, 'is broken')])
def test_a_kernel_that_is_none_is_refused(start_hv, tmp_path, cut, why):
    path = kernel(tmp_path / 'k', b'\xf4')
    data = path.read_bytes()[:cut].ljust(cut or 1, b'\0')
    path.write_bytes(data)
    g = start_hv('pose=kvm', guest=path, shell=False)
    assert g.wait() == 99
    assert why in g.text()


def test_a_large_machine(start_hv):
    g = start_hv('pose=kvm', mem='5G')
    memory = int(re.search(r'root: (\d+) MB memory', g.text())[1])
    assert 5000 < memory < 5120


@pytest.mark.parametrize('machine', ['pc', 'q35'])
@pytest.mark.parametrize('cpu', ['max', 'qemu64,+svm,+npt'])
@pytest.mark.needs('qemu72')
def test_an_old_qemu(start_hv, machine, cpu):
    g = start_hv('pose=vmware', qemu=qemu72(), machine=machine, cpu=cpu)
    assert g.output('hostctl -t') == '/dev/pvbus0: VMware\n'
    assert g.hv('ping') == ''


# --- VMware's backdoor -------------------------------------------------------

def test_messages_over_the_backdoor(start_hv, backdoor):
    g = start_hv('pose=vmware', initrd=backdoor,
        options=f'guestinfo.a={escape("two words", blanks=False)}')
    assert g.output('backdoor version') == \
        'version 6 magic 564d5868 type 2\n'
    for flags in [], ['-b'], ['-k']:
        assert rpc(g, 'info-get guestinfo.a', *flags) == '1 two words'
    g.hv_wait('^rpc "info-get guestinfo.a"$')
    for size in 1, 2, 3, 4, 5, 100:
        value = 'x' * (size - 1) + '!'
        for flags in [], ['-b']:
            assert rpc(g, f'info-set guestinfo.k{size} {value}', *flags) == \
                '1 '
            assert g.hv(f'get guestinfo.k{size}') == value
            assert rpc(g, f'info-get guestinfo.k{size}', *flags) == \
                f'1 {value}'
    assert rpc(g, 'info-get guestinfo.none') == '0 No value found'
    assert rpc(g, 'what is') == '0 Unknown command'
    data = bytes(range(1, 256))
    g.hv('set guestinfo.all ' + escape(data))
    assert unescape(g.hv('get guestinfo.all')) == data
    g.hv('unset guestinfo.all')
    assert 'guestinfo.all' not in g.hv('list')
    g.hv('fill guestinfo.big 100000')
    out, _ = g.run("backdoor -b rpc 'info-get guestinfo.big' > /dev/null")
    assert out == ''


def test_messages_to_the_tools(start_hv, backdoor):
    # the kernel's own tools would take them
    g = start_hv('pose=vmware', initrd=backdoor, append='disable=vmt')
    g.console.send("backdoor tclo 'OK ATR toolbox' 'OK pong' 'ERROR no'\n")
    g.hv_wait('^tclo-reply "OK ATR toolbox"$')
    g.hv('tclo ping')
    g.hv_wait('^tclo-reply "OK pong"$')
    g.hv('tclo OS_Halt')
    g.hv_wait('^tclo-reply "ERROR no"$')
    g.console.expect('reset\r?\nping\r?\nOS_Halt\r?\n')


def test_misbehaviour_as_ordered(start_hv, backdoor):
    g = start_hv('pose=vmware', initrd=backdoor, options='vmware.hb=0')
    ask = 'info-get guestinfo.a'
    g.hv('set guestinfo.a value')
    assert rpc(g, ask) == '1 value'
    assert 'no high bandwidth' in rpc(g, ask, '-b')
    for command, what in (('refuse 1', 'open: status 0x0'),
            ('drop 3', 'send data: status 0x4'),
            ('checkpoint 3', 'send data: status 0x10'),
            ('nonsense', 'open: status 0xff6c'),
            ('toolong 0x40000000', 'too long')):
        g.hv(command)
        assert what in rpc(g, ask), command
        assert rpc(g, ask) == '1 value', command
    g.hv('late 3')
    assert rpc(g, ask) == 'after 4 looks: 1 value'
    g.hv('option vmware.late=0 vmware.never=1')
    assert 'no reply' in rpc(g, ask)
    g.hv(r'option vmware.never=0 vmware.reply=2\swhat')
    assert rpc(g, ask) == '2 what'
    assert rpc(g, ask) == '1 value'
    g.hv('option vmware.dead=1')
    assert g.run('backdoor version')[0].startswith('version -1 ')
