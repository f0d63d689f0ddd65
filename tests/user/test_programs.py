# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
"""The small programs, each against what its manual page says."""

import os
import re
import subprocess
import time

import pytest

DATA = bytes((i * 7 + i // 256) % 256 for i in range(10000))


@pytest.mark.parametrize("name", [
    "cat", "ls", "sleep", "ps", "head", "hexdump", "dmesg", "sysctl",
    "halt", "reboot", "hostctl", "dd",
])
def test_unknown_option_prints_usage_and_exits_1(user, name):
    r = user.run(name, "-~")
    assert r.returncode == 1
    assert b"usage: " + name.encode() in r.stderr and r.stdout == b""


def test_unknown_program_name_is_refused(user):
    (user.bin / "frobnicate").symlink_to((user.bin / "sh").readlink())
    r = user.run("frobnicate")
    assert r.returncode == 1 and b"no such program" in r.stderr


def test_true_false_echo(user):
    assert user.run("true").returncode == 0
    assert user.run("false").returncode == 1
    assert user.run("echo", "-n", "a", "b").stdout == b"a b"
    assert user.run("echo", "a\\n", "-n").stdout == b"a\\n -n\n"
    assert user.run("echo").stdout == b"\n"


def test_cat_joins_files_and_standard_input(user):
    (user.work / "a").write_bytes(b"A")
    (user.work / "b").write_bytes(DATA)
    r = user.run("cat", "-u", "a", "-", "b", input=b"in")
    assert r.stdout == b"Ain" + DATA
    r = user.run("cat", "nosuch", "a")
    assert r.returncode == 1 and r.stdout == b"A"
    assert r.stderr == b"cat: nosuch: No such file or directory\n"


def test_head_lines_and_bytes(user):
    text = b"".join(b"%d\n" % i for i in range(50))
    (user.work / "f").write_bytes(text)
    assert user.run("head", "f").stdout == b"".join(
        text.splitlines(True)[:10])
    assert user.run("head", "-n", "3", "f").stdout == b"0\n1\n2\n"
    assert user.run("head", "-3", "f").stdout == b"0\n1\n2\n"
    assert user.run("head", "-c", "5", "f").stdout == text[:5]
    assert user.run("head", "-n", "1", "f", "f").stdout == (
        b"==> f <==\n0\n\n==> f <==\n0\n")
    assert user.run("head", "-n", "x").returncode == 1
    assert user.out("{ head -n 2; head -n 1; } < f") == "0\n1\n2\n"


def test_sleep_takes_fractions(user):
    t = time.monotonic()
    assert user.run("sleep", "0.25").returncode == 0
    assert 0.25 <= time.monotonic() - t < 2
    assert user.run("sleep", "0").returncode == 0
    for bad in ("x", "", "1x", ".", "-1"):
        assert user.run("sleep", bad).returncode == 1, bad


def test_hexdump_canonical(user):
    r = user.run("hexdump", "-C", input=b"Hello\x00\xff world, again")
    assert r.stdout == (
        b"00000000  48 65 6c 6c 6f 00 ff 20  77 6f 72 6c 64 2c 20 61  "
        b"|Hello.. world, a|\n"
        b"00000010  67 61 69 6e" + b" " * 39 + b"|gain|\n"
        b"00000014\n")


def test_hexdump_words_squeeze_and_offsets(user):
    (user.work / "z").write_bytes(bytes(64) + b"\x01\x02\x03")
    assert user.run("hexdump", "z").stdout == (
        b"0000000" + b" 0000" * 8 + b"\n*\n"
        b"0000040 0201 0003" + b" " * 30 + b"\n0000043\n")
    assert user.run("hexdump", "-v", "z").stdout.count(b"\n") == 6
    assert user.run("hexdump", "-C", "-s", "0x41", "-n", "1", "z"
                    ).stdout.startswith(b"00000041  02  ")
    assert user.run("hexdump", "-C", "-s", "65", input=bytes(64) + b"\x01\x02"
                    ).stdout.startswith(b"00000041  02  ")
    assert user.run("hexdump", "nosuch").returncode == 1
    assert user.run("hexdump", input=b"").stdout == b""


def dd(user, *args, **kw):
    r = user.run("dd", *args, **kw)
    return r.returncode, r.stdout, r.stderr.decode()


def test_dd_copies_with_odd_sizes_and_offsets(user):
    (user.work / "in").write_bytes(DATA)
    for bs, count, skip in ((1, 10, 3), (7, 100, 11), (512, 3, 2),
                            (4096, 9, 1), (1 << 20, 1, 0)):
        st, out, err = dd(user, "if=in", f"bs={bs}", f"count={count}",
                          f"skip={skip}")
        want = DATA[bs * skip:bs * (skip + count)]
        assert st == 0 and out == want, (bs, count, skip)
        full, part = divmod(len(want), bs)
        assert f"{full}+{int(part > 0)} records out\n" in err
        assert re.search(rf"^{len(want)} bytes transferred in \d", err, re.M)


def test_dd_reblocks(user):
    st, out, err = dd(user, "ibs=100", "obs=333", input=DATA[:1000])
    assert st == 0 and out == DATA[:1000]
    assert "10+0 records in\n3+1 records out\n" in err


def test_dd_seek_keeps_and_truncates(user):
    f = user.work / "f"
    f.write_bytes(b"x" * 100)
    dd(user, "of=f", "bs=10", "seek=3", "conv=notrunc", input=b"ABCDE")
    assert f.read_bytes() == b"x" * 30 + b"ABCDE" + b"x" * 65
    dd(user, "of=f", "bs=10", "seek=5", input=b"ABCDE")
    assert f.read_bytes() == b"x" * 30 + b"ABCDE" + b"x" * 15 + b"ABCDE"
    dd(user, "of=f", "oflag=append", input=b"end")
    assert f.read_bytes().endswith(b"xABCDEend")
    dd(user, "of=f", input=b"new")
    assert f.read_bytes() == b"new"


def test_dd_sync_pads_and_skips_in_a_pipe(user):
    st, out, _ = dd(user, "bs=8", "conv=sync", input=b"abc")
    assert out == b"abc" + bytes(5)
    st, out, _ = dd(user, "bs=4", "skip=2", input=b"0123456789")
    assert out == b"89"


def test_dd_fullblock_gathers_short_reads(user):
    text = ("{ echo a; sleep 0.1; echo b; sleep 0.1; echo c; } |"
            "dd bs=4 count=1 %s status=none")
    assert user.out(text % "iflag=fullblock") == "a\nb\n"
    assert user.out(text % "") == "a\n"


def test_dd_suffixes_and_quiet(user):
    st, out, err = dd(user, "if=/dev/zero", "bs=1k", "count=2x2",
                      "status=none")
    assert len(out) == 4096 and err == ""
    st, out, err = dd(user, "if=/dev/zero", "bs=1M", "count=1",
                      "status=noxfer")
    assert len(out) == 1 << 20
    assert err == "1+0 records in\n1+0 records out\n"
    assert len(dd(user, "if=/dev/zero", "count=1b", "bs=1")[1]) == 512


def test_dd_refuses_nonsense(user):
    for bad in ("bs=0", "bs=x", "count=-1", "conv=upper", "foo=1", "foo",
                "if=/nosuch", "of=/nosuch/x", "bs=9999999999999999999"):
        st, out, err = dd(user, bad)
        assert st == 1 and err.startswith("dd: "), bad


def test_dd_tells_the_count_after_an_error(user):
    st, out, err = dd(user, "of=/dev/full", "bs=4", input=b"abcdefgh")
    assert st == 1 and "No space left on device" in err
    assert "1+0 records in\n0+0 records out\n0 bytes transferred" in err
    # Reading a directory fails as a bad disk does.
    st, out, err = dd(user, "if=/")
    assert st == 1 and "dd: /: " in err and "0+0 records in" in err


def test_ls(user):
    w = user.work
    (w / "b").write_bytes(b"12345")
    (w / "a").mkdir()
    (w / "a/x").write_text("")
    (w / ".h").write_text("")
    (w / "l").symlink_to("b")
    assert user.run("ls").stdout == b"a\nb\nl\n"
    assert user.run("ls", "-a").stdout == b".\n..\n.h\na\nb\nl\n"
    assert user.run("ls", "-d", "a").stdout == b"a\n"
    assert user.run("ls", "-R").stdout == b".:\na\nb\nl\n\n./a:\nx\n"
    assert user.run("ls", "b", "a").stdout == b"b\n\na:\nx\n"
    r = user.run("ls", "nosuch", "b")
    assert r.returncode == 1 and r.stdout == b"b\n"
    assert r.stderr == b"ls: nosuch: No such file or directory\n"
    os.chmod(w / "b", 0o4751)
    os.utime(w / "b", (0, 951782400))           # 29 February 2000
    text = user.run("ls", "-l").stdout.decode()
    assert re.search(r"^total \d+\ndrwx", text)
    assert re.search(r"^-rwsr-x--x +1 \d+ +\d+ +5 Feb 29  2000 b$", text,
                     re.M)
    assert re.search(r" l -> b$", text, re.M)
    assert re.search(r"^crw.* 1, +3 .* /dev/null$",
                     user.run("ls", "-l", "/dev/null").stdout.decode())


def test_kill_lists_and_sends(user):
    assert user.run("kill", "-l").stdout.split()[:3] == [
        b"HUP", b"INT", b"QUIT"]
    assert user.run("kill", "-l", "9").stdout == b"KILL\n"
    assert user.run("kill", "-l", "143").stdout == b"TERM\n"
    for args, sig in ((["-9"], 9), (["-KILL"], 9), (["-s", "sigterm"], 15),
                      ([], 15), (["-HUP"], 1)):
        p = subprocess.Popen([user.bin / "sleep", "60"])
        assert user.run("kill", *args, p.pid).returncode == 0
        assert p.wait(10) == -sig
    r = user.run("kill", "-NOSUCH", "1")
    assert r.returncode == 1 and b"unknown signal" in r.stderr
    assert user.run("kill").returncode == 1
    assert user.run("kill", "x").returncode == 1


def test_ps_shows_itself(user):
    p = subprocess.Popen([user.bin / "sleep", "60"])
    try:
        lines = user.run("ps", "ax").stdout.decode().splitlines()
    finally:
        p.kill()
        p.wait()
    assert lines[0].split() == ["PID", "PPID", "STAT", "TIME", "COMMAND"]
    row = [x for x in lines if x.split()[0] == str(p.pid)]
    assert row and row[0].endswith("sleep 60")
    assert row[0].split()[1] == str(os.getpid())
    pids = [int(x.split()[0]) for x in lines[1:]]
    assert pids == sorted(pids)


def test_sysctl_reads_and_walks(user):
    r = user.run("sysctl", "kernel.ostype")
    assert r.stdout == b"kernel.ostype=Linux\n"
    assert user.run("sysctl", "-n", "kernel.ostype").stdout == b"Linux\n"
    r = user.run("sysctl", "kernel.random")
    assert b"kernel.random.uuid=" in r.stdout
    r = user.run("sysctl", "no.such")
    assert r.returncode == 1 and r.stderr.startswith(b"sysctl: no.such: ")


def test_init_refuses_to_be_other_than_the_first(user):
    r = user.run("init")
    assert r.returncode == 1 and b"not the first process" in r.stderr


def test_hostctl_command_line(user):
    def status(*args):
        r = user.run("hostctl", *args)
        return r.returncode, r.stderr.decode()

    for bad in ([], ["a", "b", "c"], ["-i", "f", "a", "b"], ["-l", "a", "b"]):
        st, err = status(*bad)
        assert st == 1 and err.startswith("usage: hostctl "), bad
    st, err = status("-f", "/dev/nosuch", "key")
    assert (st, err) == (1, "hostctl: open: /dev/nosuch: "
                         "No such file or directory\n")
    st, err = status("-f", "/dev/null", "key")
    assert (st, err) == (1, "hostctl: ioctl: "
                         "Inappropriate ioctl for device\n")
    assert status("-f", "/dev/null", "k" * 70000) == (
        1, "hostctl: key too long\n")
    assert status("-f", "/dev/null", "k", "v" * 70000) == (
        1, "hostctl: value too long\n")
    assert status("-f", "/dev/null", "-i", "/nosuch", "k") == (
        1, "hostctl: input file\n")
