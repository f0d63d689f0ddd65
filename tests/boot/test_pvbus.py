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

"""The hypervisor's interface: its name, and the keys that QEMU's fw_cfg
holds, read byte for byte by hostctl."""

import random
import re

import pytest

from guest import ARCH, BOARDS, disk

FW_CFG = 'fw_cfg_io' if ARCH == 'amd64' else 'fw_cfg_mem'


def unvis(data):
    """The bytes that vis(3) made this of, with VIS_SAFE and VIS_CSTYLE."""
    out, at = bytearray(), 0
    names = {b'n': 10, b'r': 13, b'b': 8, b'a': 7, b'v': 11, b't': 9,
        b'f': 12, b's': 32, b'0': 0, b'\\': 92}
    while at < len(data):
        c = data[at:at + 1]
        if c != b'\\':
            out += c
            at += 1
            continue
        rest = data[at + 1:at + 5]
        if re.match(rb'[0-7]{3}', rest):
            out.append(int(rest[:3], 8))
            at += 4
        elif rest[:1] == b'^':
            out.append(127 if rest[1:2] == b'?' else rest[1] & 31)
            at += 3
        elif rest[:2] == b'M-':
            out.append(rest[2] | 128)
            at += 4
        elif rest[:2] == b'M^':
            out.append((127 if rest[2:3] == b'?' else rest[2] & 31) | 128)
            at += 4
        else:
            out.append(names[rest[:1]])
            at += 2
    return bytes(out)


def fails(g, command, *texts):
    """The command fails with one of these errors from the ioctl."""
    out, status = g.run(command)
    assert status == 1
    assert out in [f'hostctl: ioctl: {t}\n' for t in texts], out


def test_the_name_of_the_hypervisor(start):
    g = start()
    assert g.output('hostctl -t') == '/dev/pvbus0: TCG\n'
    assert re.search(r'^pvbus0 at mainbus0: TCG', g.text(), re.M)


@pytest.mark.arch('amd64')
def test_no_hypervisor_to_be_seen(start):
    g = start(cpu='qemu64,tcg-cpuid=off')
    assert g.run('hostctl -t')[1] == 1
    assert g.output('echo ready') == 'ready\n'


def test_a_string(start):
    g = start('-fw_cfg', ['name=opt/org.example/key,string=some  value: '
        'x=1 $HOME "q"'])
    assert g.output('hostctl opt/org.example/key') == \
        'some  value: x=1 $HOME "q"\n'
    assert g.output('hostctl -q opt/org.example/key') == ''


def test_keys_one_after_another(start):
    g = start(*[f'-fw_cfg name=opt/k{i},string=value{i}' for i in range(8)])
    for i in range(8):
        assert g.output(f'hostctl opt/k{i}') == f'value{i}\n'


def test_every_byte_but_nul_comes_through(start, image):
    value = bytes(range(1, 256)) + random.Random(1).randbytes(3000) \
        .replace(b'\0', b'')
    out, out2 = image('o.img', 64 << 10), image('p.img', 64 << 10)
    g = start(f'-fw_cfg name=opt/bin,file={image("bin", value)}',
        disk(out, 'o'), disk(out2, 'p'))
    g.output('hostctl opt/bin > /dev/vioblk0')
    g.output('hostctl -o /dev/vioblk1 opt/bin')
    g.kill()
    shown = out.read_bytes().rstrip(b'\0')
    assert shown == out2.read_bytes().rstrip(b'\0')
    assert shown.endswith(b'\n') and unvis(shown[:-1]) == value
    # Nothing in it that could disturb a terminal.
    assert not re.search(rb'[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\xff]', shown)


@pytest.mark.parametrize('size', [1, 4095, 4096, 4097, 8191, 8192, 65534,
    65535])
def test_values_up_to_64_kilobytes_are_whole(start, image, size):
    value = bytes(b'abcdefghijklmnopqrstuvwxyz'[i % 26]
        for i in range(size - 1)) + b'!'
    out = image('o.img', 128 << 10)
    g = start(f'-fw_cfg name=opt/big,file={image("big", value)}', disk(out))
    g.output('hostctl opt/big > /dev/vioblk0')
    g.kill()
    assert out.read_bytes().rstrip(b'\0') == value + b'\n'


@pytest.mark.parametrize('size', [65536, 65537, 200000])
def test_a_value_that_does_not_fit_is_not_cut_off(start, image, size):
    g = start(f'-fw_cfg name=opt/huge,file={image("huge", b"x" * size)} '
        '-fw_cfg name=opt/small,string=s')
    out, status = g.run('hostctl opt/huge')
    assert status == 1 and out.startswith('hostctl: ') and 'xxx' not in out
    assert g.output('hostctl opt/small') == 's\n'


def test_an_empty_value(start, image):
    g = start(f'-fw_cfg name=opt/empty,file={image("empty", b"")}')
    out, status = g.run('hostctl opt/empty')
    assert (out.strip(), status) == ('', 0)


def test_a_key_that_is_not_there(start):
    g = start()
    fails(g, 'hostctl opt/org.example/none', 'No such file or directory')
    fails(g, 'hostctl x', 'No such file or directory')
    fails(g, 'hostctl ' + 'k' * 100, 'No such file or directory')


def test_the_list_of_keys(start):
    g = start('-fw_cfg name=opt/org.example/one,string=1 '
        '-fw_cfg name=opt/org.example/two,string=2 '
        '-fw_cfg name=opt/org.other/three,string=3')
    for prefix, wanted in (('opt/', ['one', 'two', 'three']),
            ('opt/org.example/', ['one', 'two'])):
        lines = g.output(f'hostctl {prefix}').split()
        assert sorted(l.rsplit('/', 1)[-1] for l in lines) == sorted(wanted)
    everything = g.output("hostctl -l ''")
    assert 'opt/org.other/three' in everything.split()
    assert any(l.startswith('etc/') for l in everything.split())


def test_a_write_is_refused(start):
    g = start('-fw_cfg name=opt/key,string=before')
    fails(g, 'hostctl opt/key after', 'Read-only file system',
        'Operation not supported')
    assert g.output('hostctl opt/key') == 'before\n'


@pytest.mark.arch('amd64', 'arm64', 'arm64eb')
def test_what_qemu_lets_be_written_is_written_in_place(start):
    g = start('-device vmcoreinfo -fw_cfg name=opt/key,string=before')
    key = 'etc/vmcoreinfo'
    assert g.output(f'hostctl {key} abcdefghijklmnop') == ''
    assert g.output(f'hostctl {key}') == 'abcdefghijklmnop\n'
    assert g.output(f'hostctl {key} ABC') == ''
    assert g.output(f'hostctl {key}') == 'ABCdefghijklmnop\n'
    fails(g, f'hostctl {key} abcdefghijklmnopq',
        'Numerical result out of range', 'Result too large')
    fails(g, f"hostctl {key} ''", 'Invalid argument')
    fails(g, "hostctl opt/key ''", 'Invalid argument')
    fails(g, 'hostctl opt/key a', 'Read-only file system')
    assert g.output('hostctl opt/key') == 'before\n'


def test_a_device_that_is_not_there(start):
    g = start()
    for command in ('hostctl -f /dev/pvbus1 -t',
            'hostctl -f /dev/pvbus9 opt/x'):
        out, status = g.run(command)
        assert status == 1 and re.match(r'hostctl: .*(No such|not config)',
            out)
    assert g.run('hostctl -f /dev/null -t')[1] == 1


def test_wrong_use_prints_the_usage(start):
    g = start()
    for command in 'hostctl', 'hostctl -x', 'hostctl a b c', \
            'hostctl -i /dev/null a b':
        out, status = g.run(command)
        assert status == 1
        assert 'usage: hostctl [-qt] [-f device] [-i input] [-o output]' in \
            out.replace('-lqt', '-qt')


@pytest.mark.parametrize('dma', ['on', 'off'])
@pytest.mark.parametrize('machine', BOARDS)
def test_keys_over_either_of_fw_cfgs_ways(start, image, machine, dma):
    value = bytes(65 + i % 26 for i in range(30000))
    g = start(f'-fw_cfg name=opt/v,file={image("v", value)} '
        f'-global {FW_CFG}.dma_enabled={dma}', machine=machine)
    assert g.output('hostctl opt/v') == value.decode() + '\n'


@pytest.mark.arch('amd64')
@pytest.mark.needs('kvm')
def test_kvm_reaches_the_shell_and_says_so(start):
    # Some /dev/kvm are a hundred times slower than TCG.
    g = start('-fw_cfg name=opt/key,string=value', accel='kvm', timeout=400)
    assert re.search(r'^pvbus0 at mainbus0: KVM', g.text(), re.M)
    assert g.output('hostctl -t', timeout=120) == '/dev/pvbus0: KVM\n'
    assert g.output('hostctl opt/key', timeout=120) == 'value\n'
