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

"""How the kernel starts, on each machine (by GRUB: test_image.py); how it ends;
what its first messages look like; and bad input that it survives."""

import random
import re
import struct

import pytest

from assembly import CALLS, KERNEL_ADDRESS, NO_ADDRESS, WRONG, call, elf, \
    leave, leave_by_result
from guest import BOARDS, KERNEL, ORDER, ROOT, THIS, disk, dmesg_lines, \
    make_root, mentions, qemu72

DEVICES = '-device virtio-rng-pci -device virtio-serial-pci'


# Boot protocols and machines.

@pytest.mark.parametrize('machine', THIS.all_boards)
def test_each_machine_reaches_a_command(boot, machine):
    text, status = boot(machine=machine, append='-- echo ready; false')
    assert '\nready\n' in text
    assert text.endswith('paravane: exit 1\n')
    assert status == 1


@pytest.mark.parametrize('machine', BOARDS)
def test_devices_attach_on_each_machine(boot, image, machine):
    text, status = boot(DEVICES, disk(image('d.img', 5 << 20)),
        machine=machine, append='-- echo ready')
    assert re.search(r'^vioblk0 at virtio\d+: 5 MB', text, re.M)
    assert re.search(r'^viornd0 at virtio\d+', text, re.M)
    assert re.search(r'^viocon0 at virtio\d+', text, re.M)
    assert status == 0


@pytest.mark.needs('qemu72')
@pytest.mark.parametrize('machine', BOARDS)
def test_an_old_qemu_boots_it(boot, image, machine):
    text, status = boot(DEVICES, disk(image('d.img', 5 << 20)),
        machine=machine, qemu=qemu72(), append='-- hostctl -t')
    assert '/dev/pvbus0: TCG\n' in text
    assert status == 0


@pytest.mark.parametrize('cpu', THIS.cpus)
def test_processors_old_and_new(boot, cpu):
    text, status = boot(cpu=cpu, append='-- echo ready')
    assert '\nready\n' in text and status == 0


def test_more_processors_than_are_used_do_no_harm(boot):
    text, status = boot(smp=4, append='-- echo ready')
    assert '\nready\n' in text and status == 0


# Memory.

@pytest.mark.parametrize('machine', BOARDS)
@pytest.mark.parametrize('mem', ['32M', '33M', '128M', '3G', '6G'])
def test_memory_from_little_to_much_with_holes(boot, machine, mem):
    text, status = boot(f'-object memory-backend-ram,id=m,size={mem},'
        'reserve=off', machine=f'{machine},memory-backend=m', mem=mem,
        append='-- sysctl hw.physmem')
    match = re.search(r'hw\.physmem[=:] *(\d+)', text)
    assert match, text[-2000:]
    unit = {'M': 20, 'G': 30}[mem[-1]]
    size = int(mem[:-1]) << unit
    assert size * 0.9 - (1 << 20) <= int(match[1]) <= size
    assert status == 0


@pytest.mark.arch('amd64')
@pytest.mark.parametrize('mem', ['16M', '17M'])
def test_very_little_memory_is_enough(start, mem):
    g = start(mem=mem)
    assert g.output('echo a | cat | cat') == 'a\n'


@pytest.mark.needs('overcommit')
def test_memory_of_64_gigabytes(boot):
    text, status = boot('-object memory-backend-ram,id=m,size=64G,'
        'reserve=off', machine=f'{BOARDS[0]},memory-backend=m', mem='64G',
        append='-- sysctl hw.physmem')
    match = re.search(r'hw\.physmem[=:] *(\d+)', text)
    assert int(match[1]) > 60 << 30 and status == 0


def test_little_memory_is_enough_for_devices_and_the_shell(start, image):
    g = start(DEVICES, disk(image('d.img', 1 << 20)), mem='32M')
    assert g.output('echo a | cat | cat') == 'a\n'
    assert g.output('ps | cat').count('\n') > 1


# The end of it.

@pytest.mark.parametrize('n', [0, 1, 2, 42, 100, 126, 127])
def test_the_status_of_the_command_leaves_the_machine(boot, n):
    text, status = boot(append=f"-- sh -c 'exit {n}'")
    assert text.endswith(f'paravane: exit {n}\n')
    assert status == n


@pytest.mark.parametrize('machine', BOARDS)
def test_a_machine_without_a_place_for_the_status_powers_off(start, machine):
    g = start(machine=machine, append='-- echo ready', exits=False,
        shell=False)
    event = g.qmp.wait_event('SHUTDOWN')
    assert event['data']['reason'] == 'guest-shutdown'
    assert g.wait() == 0
    assert g.text().endswith('\nready\nparavane: exit 0\n')


def test_the_command_line_may_have_pipes_and_variables(boot):
    text, status = boot(append='-- x="a  b"; echo "<$x>" | cat && false || '
        'exit 3')
    assert '\n<a  b>\n' in text and status == 3


def test_halt_p_powers_off(start):
    g = start(exits=False)
    g.qmp.command('query-status')	# there may be no time for it later
    g.console.send('halt -p\n')
    event = g.qmp.wait_event('SHUTDOWN')
    assert event['data']['reason'] == 'guest-shutdown'
    assert g.wait() == 0


def test_reboot_starts_again(start):
    g = start(reboot=True)
    g.console.send('reboot\n')
    event = g.qmp.wait_event('RESET')
    assert event['data']['guest']
    g.wait_shell()
    assert g.output('echo again') == 'again\n'


@pytest.mark.arch('amd64')
def test_reboot_without_acpi_starts_again(start):
    g = start(machine='pc,acpi=off', reboot=True)
    g.console.send('reboot\n')
    g.qmp.wait_event('RESET')
    g.wait_shell()


def test_a_panic_prints_a_backtrace_by_names_and_ends_with_125(boot):
    text, status = boot(append='-- sysctl debug.panic=1')
    assert status == 125
    lines = text.splitlines()
    at = next(i for i, l in enumerate(lines) if l.startswith('panic: '))
    frames = [l for l in lines[at:] if re.search(r'\b\w+\+0x[0-9a-f]+', l)]
    assert len(frames) >= 3
    assert any('sysctl' in l for l in frames)


@pytest.mark.arch('amd64', 'arm64', 'arm64eb')
def test_a_panic_powers_off_where_nothing_takes_the_status(boot):
    text, status = boot(append='-- sysctl debug.panic=1', exits=False)
    assert '\npanic: ' in text and status == 0


def test_a_panic_halts_when_asked_to(start):
    g = start(append='panic=halt')
    g.console.send('sysctl debug.panic=1\n')
    g.console.expect('^panic: ')
    g.console.expect(r'\+0x[0-9a-f]+')
    assert g.qmp.command('query-status')['running']
    with pytest.raises(AssertionError, match='still running'):
        g.wait(3)


# Messages.

def test_messages_have_autoconf_form_parents_first(boot, image):
    text, status = boot(DEVICES + ' -device pcie-root-port,id=r '
        '-device virtio-rng-pci,bus=r', disk(image('d.img', 1 << 20)),
        append='-- true')
    assert status == 0
    seen = {'root'}
    lines = [l for l in dmesg_lines(text) if ' not configured' not in l]
    assert len(lines) > 8
    for line in lines:
        match = re.fullmatch(r'([a-z]+\d+) at ([a-z]+\d*)'
            r'( [a-z]+ [0-9a-fx:/.-]+)*(: .+)?', line)
        assert match, line
        assert match[1] not in seen, f'twice: {line}'
        assert match[2] in seen, f'before its parent: {line}'
        seen.add(match[1])
    for name in ('mainbus0', 'cpu0', 'pvbus0', 'pci0', 'pci1',
            THIS.serial, 'virtio0', 'vioblk0', 'viornd0', 'viornd1', 'viocon0'):
        assert name in seen
    assert 'pvbus0 at mainbus0: TCG' in lines


def test_dmesg_repeats_what_the_console_showed(start, image):
    g = start(DEVICES, disk(image('d.img', 1 << 20)))
    shown = dmesg_lines(g.text())
    assert shown and dmesg_lines(g.output('dmesg')) == shown


def test_sysctl_tells_of_the_machine(start):
    g = start()
    for name, value in (('hw.ncpu', r'\d+'), ('hw.hypervisor', 'TCG'),
            ('kern.version', 'Paravane.*'), ('hw.model', '.+'),
            ('kern.boottime', '.+')):
        assert re.match(re.escape(name) + '[=:] *' + value,
            g.output(f'sysctl {name}'))
    out, status = g.run('sysctl no.such.thing')
    assert status == 1 and 'no.such.thing' in out


# Bad input.

def test_bad_words_are_reported_once_and_the_boot_goes_on(boot):
    bad = ['frobnicate=quickly', 'Nonsense', 'virtio.flags=zebra',
        'panic=perhaps', 'virtio_mmio.device=4K@elephant:5', 'console=nonesuch7']
    text, status = boot(append=' '.join(bad) + ' -- echo ready')
    assert '\nready\n' in text and status == 0
    complaint = '(?i)malformed|bad|invalid|unknown|no such|ignor'
    for word in bad:
        name, _, value = word.partition('=')
        lines = [l for l in text.splitlines() if (value and value in l) or
            (name in l and re.search(complaint, l))]
        # A line that repeats the whole command line is not a report.
        lines = [l for l in lines if sum(w in l for w in bad) < 2]
        assert len(lines) == 1, (word, lines)


def test_a_long_command_line_is_no_harm(boot):
    text, status = boot(append='x' * 1500 + ' -- echo ready')
    assert status == 0 and '\nready\n' in text


def test_an_empty_command_line_gives_a_shell(start):
    g = start(append='')
    assert g.output('echo $?') == '0\n'


def test_disable_leaves_a_device_or_a_driver_out(boot, image):
    disks = [disk(image(f'{i}.img', 1 << 20), f'd{i}') for i in range(2)]
    text, status = boot(DEVICES, *disks,
        append='disable=vioblk1 disable=viornd -- echo ready')
    assert re.search('^vioblk0 at ', text, re.M)
    assert not re.search('^vioblk1 at ', text, re.M)
    assert not re.search('^viornd0 at ', text, re.M)
    assert re.search('^viocon0 at ', text, re.M)
    assert '\nready\n' in text and status == 0


def test_init_may_be_another_program(start):
    g = start(append='init=/bin/sh')
    listing = g.output('ps')
    assert 'sh' in listing and 'init' not in listing


def test_a_missing_init_is_named(boot):
    text, status = boot(append='init=/no/such/init')
    assert mentions(text, '/no/such/init')
    assert status == 125


def test_initrd_replaces_the_root(boot, tmp_path):
    root = make_root(tmp_path / 'r.cpio', {'/etc/greeting': b'from here\n'})
    text, status = boot(initrd=root, append='-- cat /etc/greeting')
    assert '\nfrom here\n' in text and status == 0


def test_root_may_be_on_a_disk(boot, image, tmp_path):
    root = make_root(tmp_path / 'r.cpio', {'/etc/greeting': b'from a disk\n'})
    text, status = boot(disk(image('root.img', root.read_bytes()), 'd0'),
        append='root=vioblk0 -- cat /etc/greeting')
    assert '\nfrom a disk\n' in text and status == 0


@pytest.mark.parametrize('name', ['vioblk7', THIS.serial, 'vioblk0'])
def test_a_root_that_is_none_is_named_and_the_built_in_one_used(boot, image,
        name):
    text, status = boot(disk(image('blank.img', 1 << 20), 'd0'),
        append=f'root={name} -- echo ready')
    assert re.search('^root: ', text, re.M)
    assert '\nready\n' in text and status == 0


@pytest.mark.arch('amd64', 'arm64', 'arm64eb')
def test_the_power_button_powers_off(start):
    g = start()
    g.qmp.command('system_powerdown')
    g.console.expect('(acpi0|plgpio0): the host asks to power off\r\n')
    assert g.wait() == 0


@pytest.mark.parametrize('kind', ['header', 'name', 'data', 'trailer',
    'garbage', 'size', 'empty name'])
def test_a_damaged_initrd_is_reported_and_the_boot_goes_on(boot, tmp_path,
        kind):
    whole = bytearray(ROOT.read_bytes())
    first = whole.index(b'bin/')
    if kind == 'header':
        whole = whole[:first - 50]
    elif kind == 'name':
        whole = whole[:first + 2]
    elif kind == 'data':
        whole = whole[:len(whole) * 2 // 3]
    elif kind == 'trailer':
        whole = whole[:whole.rindex(b'070701')]
    elif kind == 'garbage':
        whole = random.Random(1).randbytes(40000)
    elif kind == 'size':
        whole[first - 110 + 54:first - 110 + 62] = b'FFFFFFFF'
    else:
        whole[first - 110 + 94:first - 110 + 102] = b'00000000'
    path = tmp_path / 'bad.cpio'
    path.write_bytes(whole)
    text, status = boot(initrd=path, append='-- echo ready')
    assert re.search(r'(?i)^.*\b(cpio|root|initrd)\b.*$', text, re.M)
    assert '\nready\n' in text and status == 0


def test_a_file_that_is_no_program_is_refused(start, tmp_path):
    busybox = KERNEL.read_bytes()[:300]
    files = {'/bin/noise': random.Random(1).randbytes(5000),
        '/bin/empty': b'', '/bin/cut': busybox, '/bin/elf': b'\177ELF'}
    g = start(initrd=make_root(tmp_path / 'r.cpio', files))
    for name in files:
        out, status = g.run(name)
        # An empty file is an empty script to a shell.
        assert status != 0 or name == '/bin/empty', name
    assert g.output('echo ready') == 'ready\n'


@pytest.mark.parametrize('damage, field', [
    ('entry in the kernel', (24, 'Q', KERNEL_ADDRESS)),
    ('entry not canonical', (24, 'Q', NO_ADDRESS)),
    ('headers past the end', (32, 'Q', 1 << 40)),
    ('too many headers', (56, 'H', 65535)),
    ('another machine', (18, 'H', 2)),
    ('another class', (4, 'B', 1)),
    ('another order of bytes', (5, 'B', 1 if ORDER == '>' else 2)),
    ('segment in the kernel', (64 + 16, 'Q', KERNEL_ADDRESS)),
    ('segment past the end of the file', (64 + 32, 'Q', 1 << 33)),
    ('segment beyond memory', (64 + 40, 'Q', 1 << 45)),
    ('segment that wraps', (64 + 40, 'Q', (1 << 64) - 4096)),
])
def test_a_damaged_program_does_not_take_the_kernel_along(start, tmp_path,
        damage, field):
    good = elf(tmp_path, leave(7))
    bad = bytearray(good)
    # Damage each loaded segment's header alike.
    count = struct.unpack_from(ORDER + 'H', good, 56)[0]
    offset, form, value = field
    places = [offset] if offset < 64 else [
        64 + 56 * i + offset - 64 for i in range(count)]
    for place in places:
        struct.pack_into(ORDER + form, bad, place, value)
    g = start(initrd=make_root(tmp_path / 'r.cpio',
        {'/bin/good': bytes(good), '/bin/bad': bytes(bad)}))
    assert g.run('/bin/good')[1] == 7
    assert g.run('/bin/bad')[1] not in (0, 7)
    assert g.run('/bin/good')[1] == 7


@pytest.mark.parametrize('name', WRONG)
def test_a_program_that_does_wrong_is_ended_by_a_signal(start, tmp_path,
        name):
    bad = elf(tmp_path, WRONG[name] + '\n' + leave(0))
    g = start(initrd=make_root(tmp_path / 'r.cpio', {'/bin/bad': bytes(bad)}))
    out, status = g.run('/bin/bad')
    assert status > 128, name
    assert g.output('echo ready') == 'ready\n'


@pytest.mark.parametrize('name, arguments', [
    ('write', (1, KERNEL_ADDRESS, 16)),
    ('write', (1, NO_ADDRESS, 16)),
    ('write', (1, 0, 16)),
    ('read', (0, KERNEL_ADDRESS, 0)),
    ('write', (1, 4096, 1 << 62)),
    ('chdir', (KERNEL_ADDRESS,)),
    ('execve', (0, 0, 0)),
    ('execve', (KERNEL_ADDRESS, KERNEL_ADDRESS, 8)),
    (9999, (1, 2, 3)),
    (0xffffffffffffffff, (1, 2, 3)),
])
def test_a_system_call_with_bad_arguments_fails(start, tmp_path, name,
        arguments):
    bad = elf(tmp_path, call(CALLS.get(name, name), *arguments) +
        leave_by_result(99, 1))
    g = start(initrd=make_root(tmp_path / 'r.cpio', {'/bin/bad': bytes(bad)}))
    assert g.run('/bin/bad')[1] == 99
    assert g.output('echo ready') == 'ready\n'
