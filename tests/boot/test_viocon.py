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

"""The virtio console: as the kernel's console, and as a terminal of its
own beside the serial one."""

import re

from guest import ARCH, BOARDS, PROMPT, THIS, make_root

PORT = '-device virtio-serial-pci%s -chardev socket,id=vc,fd={vc} ' \
    '-device virtconsole,chardev=vc'


def shell_on_viocon(start, options='', **more):
    g = start(PORT % options, extra=['vc'], append='console=viocon0',
        shell=False, **more)
    vc = g.streams['vc']
    g.wait_shell(stream=vc)
    return g, vc


def test_a_shell_on_it(start):
    g, vc = shell_on_viocon(start)
    out, status = g.run('echo hello | cat', stream=vc)
    assert (out, status) == ('hello\n', 0)
    assert g.run('false', stream=vc)[1] == 1


def test_the_kernel_talks_on_it(start):
    g, vc = shell_on_viocon(start)
    text = vc.text().replace('\r', '')
    assert re.search(r'^viocon0 at virtio\d+', text, re.M)
    assert re.search(r'^pvbus0 at mainbus0: TCG', text, re.M)


def test_it_is_the_console_where_there_is_no_other(start):
    # Some boards have a serial port whether asked for or not.
    g = start(PORT % '', extra=['vc'], serial=False, shell=False,
        append='' if ARCH == 'amd64' else f'disable={THIS.serial}')
    vc = g.streams['vc']
    g.wait_shell(stream=vc)
    assert g.run('echo hello', stream=vc) == ('hello\n', 0)


def test_on_each_machine_and_transport(start):
    for machine in BOARDS[1:]:
        for options in '', ',disable-legacy=on', ',vectors=0':
            g, vc = shell_on_viocon(start, options, machine=machine)
            assert g.run('echo hello', stream=vc) == ('hello\n', 0)
            g.kill()


def test_much_output_is_whole(start, tmp_path):
    """Into a file: what a socket does not take at once QEMU throws away,
    which it says in its source."""
    text = ''.join(f'{i:07d} {"x" * (i % 71)}\n' for i in range(40000))
    root = make_root(tmp_path / 'r.cpio', {'/etc/much': text.encode()})
    g = start('-device virtio-serial-pci '
        f'-chardev file,id=f,path={tmp_path}/out -device virtconsole,chardev=f',
        initrd=root)
    g.output('cat /etc/much > /dev/viocon0', timeout=120)
    out = (tmp_path / 'out').read_bytes().decode('latin-1')
    out = out.replace('\r\n', '\n')
    assert len(out) == len(text) and out == text


def test_much_output_on_the_serial_console_is_whole(start, tmp_path):
    text = ''.join(f'{i:07d} {"x" * (i % 71)}\n' for i in range(4000))
    root = make_root(tmp_path / 'r.cpio', {'/etc/much': text.encode()})
    g = start(initrd=root)
    assert g.output('cat /etc/much', timeout=120) == text


def test_input_while_there_is_output(start, tmp_path):
    # No more than the socket holds, see above.
    text = ''.join(f'{i:07d}\n' for i in range(10000))
    root = make_root(tmp_path / 'r.cpio', {'/etc/much': text.encode()})
    g, vc = shell_on_viocon(start, initrd=root)
    vc.send('cat /etc/much\n')
    vc.expect('0000100\r\n')
    vc.send('echo typed""ahead\n')
    vc.expect('0009999\r\n')
    vc.expect('^(' + PROMPT + ')?typedahead\r\n')
    vc.expect(PROMPT)
    assert g.run('echo on', stream=vc) == ('on\n', 0)


def test_much_input_is_whole(start):
    g, vc = shell_on_viocon(start)
    lines = [f'{i:05d} abcdefghijklmnopqrstuvwxyz' for i in range(300)]
    vc.send('cat > /dev/null\n')
    vc.expect('cat > /dev/null\r\n')
    for line in lines:
        # Each line as soon as the echo of the one before is here.
        vc.send(line + '\n')
        vc.expect(re.escape(line) + '\r\n')
    vc.send('\x04')
    vc.expect(PROMPT)
    assert g.run('echo on', stream=vc) == ('on\n', 0)


def test_control_c_stops_a_command_on_it(start):
    g, vc = shell_on_viocon(start)
    vc.send('sleep 1000\n')
    vc.expect('sleep 1000\r\n')
    vc.send('\x03')
    vc.expect(PROMPT, 20)
    assert g.run('echo on', stream=vc) == ('on\n', 0)


def test_a_terminal_beside_the_console(start):
    g = start(PORT % '', extra=['vc'])
    vc = g.streams['vc']
    assert g.output('echo over there > /dev/viocon0') == ''
    vc.expect('over there\r?\n')
    g.console.send('head -n 1 /dev/viocon0\n')
    g.console.expect('head -n 1 /dev/viocon0\r\n')
    vc.send('from there\n')
    g.console.expect('^from there\r\n')
    g.console.expect(PROMPT)


def test_nobody_at_the_other_end(start):
    """Output to a port that is read by none does not stop the guest."""
    g = start('-device virtio-serial-pci -chardev null,id=vc '
        '-device virtconsole,chardev=vc')
    g.output('dmesg > /dev/viocon0')
    assert g.output('echo on') == 'on\n'


def test_ports_that_are_no_consoles_do_no_harm(start):
    g = start('-device virtio-serial-pci,max_ports=4 '
        '-chardev null,id=a -device virtserialport,chardev=a,name=org.port '
        '-chardev null,id=b -device virtconsole,chardev=b')
    assert g.output('echo on') == 'on\n'
