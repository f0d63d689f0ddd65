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

"""The shell, as somebody at the console meets it."""

import re
import time

import pytest

from guest import PROMPT, make_root


def pid_of(shell, name):
    """Of a program that was started just now, and may yet be called sh."""
    for _ in range(50):
        for line in shell.output('ps').splitlines():
            if re.search(rf'\b{name}\b', line):
                return re.search(r'\d+', line)[0]
    raise AssertionError(f'no {name}')


@pytest.fixture(scope='module')
def shell():
    from guest import Guest
    with Guest() as g:
        g.wait_shell()
        yield g


def typed(g, keys):
    """Types keys that end a line; what is printed up to the next prompt."""
    g.console.send(keys)
    g.console.expect('\r\n')
    start = g.console.at
    end = g.console.expect('^' + PROMPT).start()
    return g.console.text(start)[:end - start].replace('\r\n', '\n')


# Editing the line.

def test_what_is_typed_is_echoed(shell):
    shell.console.send('echo abc')
    shell.console.expect('echo abc')
    shell.console.send('\n')
    shell.console.expect('\r\nabc\r\n' + PROMPT)


@pytest.mark.parametrize('erase', ['\x7f', '\x08'])
def test_erase_takes_back_a_character(shell, erase):
    assert typed(shell, f'echo abx{erase}c\n') == 'abc\n'


def test_erase_stops_at_the_lines_start(shell):
    assert typed(shell, 'ab' + '\x7f' * 10 + 'echo ok\n') == 'ok\n'


def test_control_u_takes_back_the_line(shell):
    assert typed(shell, 'echo wrong\x15echo right\n') == 'right\n'


def test_control_w_takes_back_a_word(shell):
    assert typed(shell, 'echo one two\x17three\n') == 'one three\n'


def test_control_c_gives_a_new_line(shell):
    shell.console.send('echo never\x03')
    shell.console.expect(PROMPT)
    assert shell.output('echo now') == 'now\n'


def test_return_ends_a_line_as_newline_does(shell):
    shell.console.send('echo cr\r')
    shell.console.expect('\r\ncr\r\n' + PROMPT)


def test_an_empty_line_is_nothing(shell):
    shell.console.send('\n\n  \n')
    for _ in range(3):
        shell.console.expect(PROMPT)
    assert shell.output('echo ok') == 'ok\n'


def test_what_is_typed_early_is_kept(shell):
    shell.console.send('sleep 1\necho fir""st\necho sec""ond\n')
    shell.console.expect('first\r\n')
    shell.console.expect('second\r\n')
    shell.console.expect(PROMPT)


def test_a_line_that_is_too_long_does_no_harm(shell):
    shell.console.send('echo ' + 'y' * 6000)
    shell.console.send('\x15\n')
    shell.console.expect(PROMPT)
    shell.console.send('\n')
    shell.console.expect(PROMPT)
    assert shell.output('echo ok') == 'ok\n'


# Signals and jobs.

def test_control_c_stops_a_command(shell):
    began = time.monotonic()
    shell.console.send('sleep 1000\n')
    shell.console.expect('sleep 1000\r\n')
    shell.console.send('\x03')
    shell.console.expect(PROMPT, 20)
    assert time.monotonic() - began < 20
    assert shell.output('echo $?') in ('130\n', '0\n')


def test_control_c_stops_all_of_a_pipeline(shell):
    shell.console.send('sleep 1000 | sleep 1000 | cat\n')
    shell.console.expect('cat\r\n')
    shell.console.send('\x03')
    shell.console.expect(PROMPT, 20)
    assert 'sleep' not in shell.output('ps')


def test_control_c_spares_the_background(shell):
    shell.console.send('sleep 777 &\n')
    shell.console.expect(PROMPT)
    shell.console.send('sleep 1000\n')
    shell.console.expect('sleep 1000\r\n')
    shell.console.send('\x03')
    shell.console.expect(PROMPT, 20)
    pid = pid_of(shell, 'sleep')
    shell.output(f'kill {pid}')
    # It goes at once or a little later.
    for _ in range(50):
        if 'sleep' not in shell.output('ps'):
            break
    else:
        assert False, 'still there'


def test_a_background_job_runs_beside(shell):
    shell.console.send('sleep 1 && echo fin"ish"ed &\n')
    shell.console.expect(PROMPT)
    assert shell.output('echo mean""while') == 'meanwhile\n'
    shell.console.expect('finished')
    assert shell.output('echo ok') == 'ok\n'


def test_many_processes_come_and_go(shell):
    for _ in range(10):
        assert shell.output('true | true | true | true | echo a') == 'a\n'
    assert shell.output('ps').count('\n') < 12


def test_control_d_ends_input(shell):
    shell.console.send('cat\n')
    shell.console.expect('cat\r\n')
    shell.console.send('line\n')
    shell.console.expect('line\r\nline\r\n')
    shell.console.send('\x04')
    shell.console.expect(PROMPT)


def test_control_d_within_a_line_sends_it(shell):
    shell.console.send('cat\n')
    shell.console.expect('cat\r\n')
    shell.console.send('part\x04')
    shell.console.expect('partpart')
    shell.console.send('\x04')
    shell.console.expect(PROMPT)


def test_control_d_at_the_prompt_does_not_lose_the_console(start):
    g = start()
    g.console.send('\x04')
    g.console.expect(PROMPT)
    assert g.output('echo again') == 'again\n'


def test_stty_turns_the_echo_off_and_on(shell):
    shell.output('stty')
    shell.output('stty -echo')
    shell.console.send('echo qui""et\n')
    match = shell.console.expect('(.*)quiet\r\n' + PROMPT)
    assert b'qui""et' not in match[1]
    shell.console.send('stty echo\n')
    shell.console.expect(PROMPT)
    assert shell.output('echo loud') == 'loud\n'


# The language.

@pytest.mark.parametrize('command, wanted, status', [
    ('echo a   b', 'a b\n', 0),
    ('echo "a   b"', 'a   b\n', 0),
    ("echo 'a $HOME \"b\"'", 'a $HOME "b"\n', 0),
    ('echo a\\ \\ b', 'a  b\n', 0),
    ('echo "a\\"b"', 'a"b\n', 0),
    ("echo a'b c'd", 'ab cd\n', 0),
    ('echo ""', '\n', 0),
    ('true', '', 0),
    ('false', '', 1),
    ('true && echo yes', 'yes\n', 0),
    ('false && echo no', '', 1),
    ('false || echo yes', 'yes\n', 0),
    ('true || echo no; echo end', 'end\n', 0),
    ('false; echo $?', '1\n', 0),
    ('echo a; echo b; false', 'a\nb\n', 1),
    ('echo hi | cat | cat', 'hi\n', 0),
    ('false | true', '', 0),
    ('true | false', '', 1),
    ('x=5; echo $x', '5\n', 0),
    ('x=5; echo "${x}y"', '5y\n', 0),
    ("x='a b'; echo \"$x\"", 'a b\n', 0),
    ('echo $nosuchvariable.', '.\n', 0),
    ('echo out > /dev/null', '', 0),
    ('cat < /etc/rc > /dev/null', '', 0),
    ('cat /no/such/file 2> /dev/null', '', 1),
    ('cat /no/such/file > /dev/null 2>&1', '', 1),
    ('echo a >> /dev/null', '', 0),
    ('echo # not this', '\n', 0),
    ('sh -c "exit 7"', '', 7),
    ('sh -c "echo one; echo two"', 'one\ntwo\n', 0),
    ('cd /dev; echo null | cat', 'null\n', 0),
])
def test_the_language(shell, command, wanted, status):
    if '#' in command:
        shell.console.send(command + '\n')
        shell.console.expect('\r\n\r\n' + PROMPT)
        return
    assert shell.run(command) == (wanted, status)


def test_a_command_that_is_not_there(shell):
    out, status = shell.run('nosuchcommand')
    assert status == 127 and 'nosuchcommand' in out
    out, status = shell.run('/etc/rc/x')
    assert status in (126, 127)


@pytest.mark.parametrize('line', ['echo "open', "echo 'open", '| cat', 'a ||',
    '&& b', 'echo >', ';;', '&'])
def test_a_line_with_a_mistake_is_survived(shell, line):
    shell.console.send(line + '\n')
    shell.console.expect(re.escape(line) + '\r\n')
    # Some shells ask for more: say that there is none.
    shell.console.expect('[#>] ')
    shell.console.send('\x03')
    shell.console.expect(PROMPT)
    assert shell.output('echo ok') == 'ok\n'


def test_a_pipe_carries_much(start, tmp_path):
    text = ''.join(f'{i:06d}\n' for i in range(30000))
    g = start(initrd=make_root(tmp_path / 'r.cpio',
        {'/etc/much': text.encode()}))
    assert g.output('cat /etc/much | cat | cat | cat | head -n 30000 | '
        'hexdump -C | head -n 1').startswith('00000000  30 30 30 30')
    # The writer ends when its reader has gone.
    assert g.run('cat /etc/much | head -n 1') == ('000000\n', 0)


def test_a_script_from_a_file(start, tmp_path):
    g = start(initrd=make_root(tmp_path / 'r.cpio',
        {'/etc/script': b'# a comment\necho first\nx=2\n\necho $x\nexit 3\n'
        b'echo never\n'}))
    assert g.run('sh /etc/script') == ('first\n2\n', 3)


# The programs.

def test_ls(shell):
    names = shell.output('ls /').split()
    for name in 'bin', 'dev', 'etc', 'sbin', 'usr':
        assert name in names
    assert 'null' in shell.output('ls /dev').split()
    out, status = shell.run('ls /no/such/place')
    assert status != 0 and '/no/such/place' in out


def test_all_promised_programs_are_there(shell):
    found = ' '.join(shell.output(f'ls {d}') for d in
        ('/bin', '/sbin', '/usr/bin', '/usr/sbin') if
        shell.run(f'ls {d}')[1] == 0).split()
    for name in ('init sh hostctl dmesg sysctl dd cat echo ls head hexdump '
            'sleep ps kill stty true false halt reboot').split():
        assert name in found, name


def test_head_and_hexdump(shell):
    assert shell.output('echo abc | head -c 2') == 'ab'
    assert shell.output('echo abc | hexdump -C') == \
        '00000000  61 62 63 0a' + ' ' * 39 + '|abc.|\n00000004\n'


def test_dd_counts_its_blocks(shell):
    out, status = shell.run('dd if=/dev/zero of=/dev/null bs=1000 count=7')
    assert status == 0
    assert '7+0 records in\n7+0 records out\n' in out


def test_sleep_takes_its_time(shell):
    began = time.monotonic()
    shell.output('sleep 2')
    assert 1.9 < time.monotonic() - began < 20


def test_ps_shows_processes(shell):
    # by then it is no shell any more
    out = shell.output('sleep 3 & sleep 1; ps')
    assert 'sleep' in out and 'init' in out and 'sh' in out
    shell.run('sleep 3')


def test_kill(shell):
    assert shell.run('kill 99999')[1] != 0
    shell.console.send('sleep 500 &\n')
    shell.console.expect(PROMPT)
    pid = pid_of(shell, 'sleep')
    assert shell.run(f'kill -9 {pid}')[1] == 0


def test_null_and_zero(shell):
    assert shell.output('cat /dev/null') == ''
    assert shell.output('head -c 3 /dev/zero | hexdump -C').startswith(
        '00000000  00 00 00 ')
    assert shell.run('ls /dev/mem')[1] != 0
