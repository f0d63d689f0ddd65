#!/usr/bin/python3 -B
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""Other people's guests on the test hypervisor: Linux in three poses, and in
that of VMware open-vm-tools.  Whoever wrote them read other descriptions
than we, so what they accept is not only our own opinion.

    make hv-linux	or tests/hv/linux.py NAME..., names as in TESTS

This is no part of make test.  It needs Debian 12 or newer with QEMU,
apt-get that reaches a mirror (about 90 MB once, kept in the user's cache),
busybox-static, cpio, lz4, zstd, and some minutes.
"""

import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'boot'))

from guest import GuestError		# noqa: E402
from hv import HvGuest			# noqa: E402

CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or
    pathlib.Path.home() / '.cache') / 'paravane' / 'hv-linux'
KERNEL = os.environ.get('HV_LINUX', 'linux-image-cloud-amd64')
# what open-vm-tools depends on, but only to be installed
NOT = r'perl|debconf|cdeb|textwrap|newt|slang|debian-installer'

INIT = '''#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /run /tmp /var/run /var/log
hostname tools
ip link set lo up
export PS1='# '
exec setsid cttyhack sh
'''

SHUTDOWN = '''#!/bin/sh
echo "shutdown $*" > /dev/console
sleep 1
case $1 in
-r) reboot -f ;;
*) poweroff -f ;;
esac
'''


def command(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, text=True,
        stdout=subprocess.PIPE, **more).stdout


def depends(package, recurse=False):
    words = ['apt-cache', 'depends', '--important', '--no-suggests',
        '--no-conflicts', '--no-breaks', '--no-replaces', '--no-enhances']
    text = command(*words, *(['--recurse'] if recurse else []), package)
    return re.findall(r'^(?:\w|  Depends: )(\S+)', text, re.M) if not \
        recurse else sorted(set(re.findall(r'^(\w\S*)', text, re.M)))


def unpack(packages, root):
    """The packages' files below root."""
    debs = CACHE / 'debs'
    debs.mkdir(parents=True, exist_ok=True)
    command('apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download',
        *packages, cwd=debs)
    for deb in debs.glob('*.deb'):
        command('dpkg', '-x', deb, root)
        deb.unlink()


def vmlinux(image):
    """The kernel in a bzImage, whose header says where it is."""
    data = image.read_bytes()
    start, size = struct.unpack_from('<II', data, 0x248)
    start += (data[0x1f1] + 1) * 512
    packed = data[start:start + size]
    if packed.startswith(b'\xfd7zXZ'):
        elf = lzma.LZMADecompressor().decompress(packed)
    elif packed.startswith(b'\x1f\x8b'):
        elf = zlib.decompressobj(31).decompress(packed)
    else:
        # the last four bytes are its size
        tool = 'lz4' if packed.startswith(b'\x02\x21\x4c\x18') else 'zstd'
        elf = subprocess.run([tool, '-dcq'], input=packed[:-4],
            stdout=subprocess.PIPE, check=False).stdout
    if not elf.startswith(b'\x7fELF'):
        raise SystemExit(f'{image}: no kernel found in it')
    return elf


def fetch_kernel():
    out = CACHE / f'vmlinux-{KERNEL}'
    if not out.exists():
        package = KERNEL
        if re.search(r'image-(cloud-)?amd64$', KERNEL):
            package = next(d for d in command('apt-cache', 'depends',
                KERNEL).split() if re.match(r'linux-image-\d', d))
        root = CACHE / 'kernel'
        unpack([package], root)
        for module in root.rglob('hv_vmbus.ko*'):
            shutil.copy(module, CACHE / f'{module.name}-{KERNEL}')
        elf = vmlinux(next((root / 'boot').glob('vmlinuz-*')))
        out.write_bytes(elf)
        shutil.rmtree(root)
    return out


def fetch_tools():
    """An initramfs with busybox and open-vm-tools."""
    out = CACHE / 'tools.cpio'
    if out.exists():
        return out
    root = CACHE / 'root'
    shutil.rmtree(root, ignore_errors=True)
    packages = [p for p in depends('open-vm-tools', recurse=True)
        if p == 'open-vm-tools' or (p.startswith('lib') and
        not re.search(NOT, p))]
    unpack(packages, root)
    for junk in 'usr/share', 'usr/include', 'usr/lib/systemd', 'lib/systemd':
        shutil.rmtree(root / junk, ignore_errors=True)
    for name in 'bin', 'sbin', 'proc', 'sys', 'dev', 'etc', 'tmp':
        (root / name).mkdir(exist_ok=True)
    shutil.copy(shutil.which('busybox'), root / 'bin' / 'busybox')
    os.symlink('busybox', root / 'bin' / 'sh')
    for name, text in ('init', INIT), ('sbin/shutdown', SHUTDOWN), \
            ('etc/passwd', 'root::0:0::/:/bin/sh\n'):
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    with open(out, 'wb') as f:
        cpio(root, f)
    shutil.rmtree(root)
    return out


class LinuxGuest(HvGuest):
    """busybox's sh shows what is typed in its own way."""

    def run(self, *args, **more):
        out, status = super().run(*args, **more)
        return out.removeprefix('$?\n'), status


def cpio(directory, out):
    subprocess.run(['cpio', '-o', '-H', 'newc', '-R', '0:0', '--quiet'],
        input=command('find', '.', cwd=directory), text=True, cwd=directory,
        stdout=out, check=True)


def linux(pose, options='', *args, append='', initrd=None, **more):
    g = LinuxGuest(f'pose={pose}', options, *args, guest=fetch_kernel(),
        initrd=initrd or fetch_tools(), mem='1G', exits=False,
        append='console=ttyS0 quiet rdinit=/init panic=-1 ' + append, **more)
    try:
        g.wait_shell(120)
    except GuestError:
        g.kill()
        raise
    return g


def check(what, good):
    print(f'{"ok  " if good else "FAIL"} {what}', flush=True)
    check.failed |= not good


check.failed = False


def check_log(g, pose, name):
    log = g.output('dmesg')
    found = re.search(r'Hypervisor detected: (.*)', log)
    check(f'{pose}: Linux says: {found[0] if found else "none detected"}',
        found and found[1].strip() == name)
    bad = [l for l in log.splitlines() if re.search(r'WARN|BUG|unchecked MSR|'
        r'general protection|Call Trace|Oops', l)]
    check(f'{pose}: no complaints {bad or ""}', not bad)
    source = g.output('cat /sys/devices/system/clocksource/clocksource0/'
        'current_clocksource').strip()
    sources = g.output('cat /sys/devices/system/clocksource/clocksource0/'
        'available_clocksource').split()
    gps = re.findall(r'^gp msr .*', g.hv_text(), re.M)
    check(f'{pose}: no MSR refused {gps or ""}', not gps)
    return log, source, sources


def same_speed(g, pose):
    """The guest's second is as long as ours, to two parts in a hundred."""
    first = float(g.output('cat /proc/uptime').split()[0])
    began = time.monotonic()
    time.sleep(3)
    last = float(g.output('cat /proc/uptime').split()[0])
    ratio = (last - first) / (time.monotonic() - began)
    check(f'{pose}: its clock runs at {ratio:.3f} of ours',
        0.98 < ratio < 1.02)


def test_kvm():
    # without the real-time clock, which it would believe in the end
    with linux('kvm', 'epoch=1700000000000000000',
            append='initcall_blacklist=cmos_init') as g:
        log, source, _ = check_log(g, 'kvm', 'KVM')
        check(f'kvm: clock source {source}', source == 'kvm-clock' or
            'kvm-clock: Using msrs 4b564d01' in log)
        same_speed(g, 'kvm')
        g.output('echo kvm-clock > /sys/devices/system/clocksource/'
            'clocksource0/current_clocksource')
        same_speed(g, 'kvm, kvm-clock')
        before = float(g.output('cat /proc/uptime').split()[0])
        g.hv('jump 100000000000')
        after = float(g.output('cat /proc/uptime').split()[0])
        check(f'kvm: a jump of 100 s is seen: {after - before:.1f}',
            100 <= after - before < 105)
        seen = int(g.output('date +%s')) - 1700000000
        check(f'kvm: wall clock, {seen} s after the start', 100 <= seen < 200)


def test_hyperv():
    with linux('hyperv') as g:
        log, source, _ = check_log(g, 'hyperv', 'Microsoft Hyper-V')
        check(f'hyperv: clock source {source}',
            source == 'hyperv_clocksource_tsc_page')
        check('hyperv: host build', 'Host Build' in log)
        same_speed(g, 'hyperv')
        before = float(g.output('cat /proc/uptime').split()[0])
        g.hv('jump 100000000000')
        after = float(g.output('cat /proc/uptime').split()[0])
        check(f'hyperv: a jump of 100 s is seen: {after - before:.1f}',
            100 <= after - before < 105)
        g.console.send('echo c > /proc/sysrq-trigger\n')
        g.hv_wait('^crash 0x')
        check('hyperv: a panic is told', True)


def aml(*parts):
    return b''.join(p if isinstance(p, bytes) else p.encode() for p in parts)


def vmbus_table():
    """The body of an SSDT with the device that Linux looks for: in \\_SB a
    VMB0 with the name VMBUS and no resources."""
    device = aml('VMB0', b'\x08_HID\x0dVMBUS\0',
        b'\x08_CRS\x11\x05\x0a\x02\x79\0')
    device = aml(b'\x5b\x82', bytes([len(device) + 1]), device)
    scope = aml('\\_SB_', device)
    return aml(b'\x10', bytes([len(scope) + 1]), scope)


def test_synic():
    """VMBus up to its list of devices, which is empty."""
    fetch_kernel()
    modules = list(CACHE.glob(f'hv_vmbus.ko*-{KERNEL}'))
    if not modules:
        check('synic: this kernel comes without hv_vmbus', False)
        return
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)
        (top / 'more').mkdir()
        shutil.copy(modules[0], top / 'more' / 'hv_vmbus.ko')
        with open(top / 'initrd', 'wb') as f:
            f.write(fetch_tools().read_bytes())
            f.write(bytes(-f.tell() % 512))
            f.flush()
            cpio(top / 'more', f)
        (top / 'aml').write_bytes(vmbus_table())
        for hints, how in (0x20, 'auto EOI'), (0x220, 'EOI'):
            synic(top, hints, f'synic, {how}')


def synic(top, hints, what):
    with linux('hyperv', f'hyperv.hints={hints} hyperv.connection=4',
            f'-acpitable sig=SSDT,rev=2,data={top}/aml',
            initrd=top / 'initrd') as g:
        g.console.send('insmod /hv_vmbus.ko; dmesg | grep -i vmbus\n')
        try:
            # INITIATE_CONTACT, and the answer that this version will do
            g.hv_wait(r'^post 4 1 "\\x0e\\x00', 20)
            g.hv(r'message 2 1 \x0f' + r'\0' * 7 + r'\x01' + r'\0' * 3 +
                r'\x04\0\0\0')
            # REQUESTOFFERS: there are none
            g.hv_wait(r'^post 4 1 "\\x03\\x00', 20)
            g.hv(r'message 2 1 \x04' + r'\0' * 7)
            match = g.console.expect(r'Vmbus version:(\d+\.\d+)', 20)
            check(f'{what}: Linux has VMBus {match[1].decode()}', True)
        except GuestError as error:
            check(f'{what}: {error}\n{g.hv_text()[-3000:]}', False)


def test_vmware():
    with linux('vmware') as g:
        log, source, _ = check_log(g, 'vmware', 'VMware')
        hz = re.search(r'TSC freq read from hypervisor : (\S+) MHz', log)
        check(f'vmware: frequency {hz and hz[1]} MHz', hz)
        check(f'vmware: clock source {source}', source == 'tsc')
        same_speed(g, 'vmware')


def test_tools(calls=0, hb=1):
    what = f'tools, calls={calls}, hb={hb}'
    with linux('vmware', f'guestinfo.first=one\\stwo vmware.calls={calls} '
            f'vmware.hb={hb} epoch=1700000000000000000') as g:
        def rpc(text):
            return g.run(f"vmware-rpctool '{text}'")

        check(f'{what}: info-get', rpc('info-get guestinfo.first') ==
            ('one two\n', 0))
        out, status = rpc('info-get guestinfo.none')
        check(f'{what}: no such key: {out!r}', status == 1 and
            out == 'No value found\n')
        check(f'{what}: info-set', rpc('info-set guestinfo.second three four')
            [1] == 0 and g.hv('get guestinfo.second') == 'three four')
        g.hv('set guestinfo.third a\\nb')
        check(f'{what}: vmtoolsd --cmd', g.run('vmtoolsd --cmd '
            '"info-get guestinfo.third"') == ('a\nb\n', 0))
        out, status = rpc('nonsense')
        check(f'{what}: {out!r}', status == 1 and out == 'Unknown command\n')
        g.hv('fill guestinfo.big 60000')
        check(f'{what}: 60000 bytes', g.output("vmware-rpctool 'info-get "
            "guestinfo.big' | wc -c").strip() == '60001')
        for n in range(1, 6):
            g.hv(f'checkpoint {n}')
            check(f'{what}: it survives a checkpoint, {n}',
                rpc('info-get guestinfo.first') == ('one two\n', 0))
        g.hv('drop 1')
        check(f'{what}: no channel that is dropped',
            rpc('info-get guestinfo.first')[1] == 1)
        out = g.output('vmware-toolbox-cmd stat hosttime')
        check(f'{what}: host time: {out.strip()}', '14 Nov 2023' in out)
        g.console.send('vmtoolsd > /tmp/log 2>&1 &\n')
        try:
            g.hv_wait('^tclo-reply "OK ATR', 30)
            check(f'{what}: vmtoolsd answers reset', True)
            g.hv('tclo ping')
            g.hv_wait('^tclo-reply "OK ', 30)
            g.hv('tclo Capabilities_Register')
            g.hv_wait('^rpc "tools.capability', 30)
            g.hv_wait('^rpc "tools.set.version', 30)
            check(f'{what}: vmtoolsd tells its version', True)
            g.hv_wait('^tclo-reply "OK ', 30)
            g.hv('tclo Set_Option broadcastIP 1')
            g.hv_wait('^tclo-reply "OK ', 30)
            g.hv('tclo what')
            g.hv_wait('^tclo-reply "ERROR Unknown Command', 30)
            check(f'{what}: and the messages that follow', True)
            g.hv('tclo OS_Halt')
            g.console.expect('shutdown ', 60)
            check(f'{what}: OS_Halt shuts down', True)
            g.hv_wait('^rpc "tools.os.statechange.status', 5)
            check(f'{what}: and tells so', True)
        except GuestError as error:
            check(f'{what}: {error}\n{g.hv_text()[-3000:]}', False)


def test_calls():
    test_tools(hb=0)
    test_tools(1)
    test_tools(2)


TESTS = {'kvm': test_kvm, 'hyperv': test_hyperv, 'synic': test_synic,
    'vmware': test_vmware,
    'tools': test_tools, 'calls': test_calls}


def main(names):
    for name in names or TESTS:
        TESTS[name]()
    return check.failed


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
