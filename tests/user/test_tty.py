# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
"""The interactive shell and stty(1), on a pseudo-terminal."""

import fcntl
import os
import pty
import select
import struct
import termios
import time

import pytest


class Terminal:
    def __init__(self, user, *argv):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(user.work)
            os.execve(user.bin / argv[0], list(argv), user.env)
        self.pid, self.fd = pid, fd
        self.rest = b""         # read, but not expected yet

    def expect(self, text, limit=10):
        got, self.rest = self.rest, b""
        end = time.monotonic() + limit
        while text.encode() not in got:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} is not in {got!r}"
            if select.select([self.fd], [], [], left)[0]:
                try:
                    more = os.read(self.fd, 4096)
                except OSError:
                    more = b""
                assert more, f"end, but {text!r} is not in {got!r}"
                got += more
        end = got.index(text.encode()) + len(text)
        self.rest = got[end:]
        return got[:end].decode()

    def send(self, text):
        os.write(self.fd, text.encode())

    def status(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pid, st = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(st)
            time.sleep(0.01)
        raise AssertionError("still runs")

    def close(self):
        os.close(self.fd)
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)


@pytest.fixture
def tty(user):
    terms = []

    def start(*argv):
        terms.append(Terminal(user, *argv))
        return terms[-1]
    yield start
    for t in terms:
        t.close()


def test_prompt_command_and_exit_status(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("echo a$((40+2))\n")
    t.expect("a42\r\n# ")
    t.send("exit 3\n")
    assert t.status() == 3


def test_end_of_file_ends_the_shell(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("\x04")
    assert t.status() == 0


def test_second_prompt_inside_a_command(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("if true\n")
    t.expect("> ")
    t.send("then echo o''k; fi\n")
    t.expect("ok\r\n# ")


def test_interrupt_ends_the_job_and_not_the_shell(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("sleep 60\n")
    time.sleep(0.3)
    t.send("\x03")
    t.expect("# ")
    t.send("echo s=$?\n")
    t.expect("s=130")


def test_interrupt_at_the_prompt_drops_the_line(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("echo not th")
    t.send("\x03")
    t.expect("# ")
    t.send("echo ye''s\n")
    got = t.expect("yes\r\n# ")
    assert "not th" not in got


def test_interrupt_ends_a_loop_of_builtins_and_of_programs(tty):
    for loop in ("while true; do :; done", "while true; do sleep 5; done"):
        t = tty("sh")
        t.expect("# ")
        t.send(loop + "\n")
        time.sleep(0.3)
        t.send("\x03")
        t.expect("# ")
        t.send("echo aft''er\n")
        t.expect("after\r\n# ")


def test_interrupt_reaches_all_of_a_pipeline(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("sleep 60 | cat | cat\n")
    time.sleep(0.3)
    t.send("\x03")
    t.expect("# ")
    t.send("echo aft''er\n")
    t.expect("after\r\n# ")


def test_interrupt_gives_up_waiting_for_a_background_job(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("sleep 60 &\n")
    t.expect("# ")
    t.send("wait\n")
    time.sleep(0.3)
    t.send("\x03")
    t.expect("# ")
    t.send("kill $!; echo k=$?\n")
    t.expect("k=0")


def test_background_job_survives_an_interrupt(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("sleep 60 &\n")
    t.expect("# ")
    t.send("\x03")
    t.expect("# ")
    t.send("kill -0 $!; echo alive=$?; kill $!\n")
    t.expect("alive=0")


def test_suspend_key_stops_nothing(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("sleep 0.5; echo sl''ept\n")
    time.sleep(0.2)
    t.send("\x1a")
    t.expect("slept")


def test_syntax_error_leaves_the_shell_alive(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("fi\n")
    t.expect("syntax error: unexpected `fi'")
    t.expect("# ")
    t.send("echo s=$?\n")
    t.expect("s=2")


def test_error_inside_a_redirected_function_restores_everything(tty):
    t = tty("sh")
    t.expect("# ")
    t.send("f() { echo ${nope?gone}; }; f a b > /dev/null\n")
    t.expect("gone")
    t.expect("# ")
    t.send("echo args=$# vis''ible\n")
    t.expect("args=0 visible")


def attrs(fd):
    return termios.tcgetattr(fd)


def test_stty_changes_and_prints_modes(user):
    master, slave = pty.openpty()
    try:
        def stty(*args):
            r = user.run("stty", *args, stdin=slave)
            assert r.returncode == 0, r.stderr
            return r.stdout.decode()

        stty("-echo", "-icanon", "min", "3", "time", "5")
        a = attrs(slave)
        assert not a[3] & termios.ECHO and not a[3] & termios.ICANON
        assert a[6][termios.VMIN] in (3, b"\x03")
        assert "-icanon -echo\n" in stty() and "min = 3; time = 5" in stty()
        stty("raw")
        a = attrs(slave)
        assert not a[3] & termios.ISIG and not a[1] & termios.OPOST
        stty("cooked")
        a = attrs(slave)
        assert a[3] & termios.ISIG and a[3] & termios.ICANON
        assert a[1] & termios.OPOST
        stty("sane", "intr", "^A")
        a = attrs(slave)
        assert a[3] & termios.ECHO and a[6][termios.VINTR] == b"\x01"
        assert "intr = ^A" in stty("-a")
        stty("rows", "30", "cols", "100")
        assert stty("size") == "30 100\n"
        size = fcntl.ioctl(slave, termios.TIOCGWINSZ, bytes(8))
        assert struct.unpack("HHHH", size)[:2] == (30, 100)
        stty("9600")
        assert stty("speed") == "9600\n"
        text = stty("-a")
        for word in ("speed 9600 baud; 30 rows; 100 columns;", "icanon",
                     "icrnl", "onlcr", "cs8", "erase = ^?"):
            assert word in text
    finally:
        os.close(master)
        os.close(slave)


def test_stty_refuses_what_it_does_not_know(user):
    master, slave = pty.openpty()
    before = attrs(slave)
    r = user.run("stty", "-echo", "nonsense", stdin=slave)
    assert r.returncode == 1 and b"usage: stty" in r.stderr
    assert attrs(slave) == before
    os.close(master)
    os.close(slave)
    assert user.run("stty").returncode == 1
