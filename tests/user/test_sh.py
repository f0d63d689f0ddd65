# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
"""sh(1), from scripts and from -c."""

import signal
import time

import pytest


@pytest.mark.parametrize("text,expected", [
    ("echo a   b", "a b\n"),
    ("echo 'a   b' \"c  d\" e\\ \\ f", "a   b c  d e  f\n"),
    ("echo '$x `y` \\' \"\\$x \\\" \\a\"", "$x `y` \\ $x \" \\a\n"),
    ("echo a'b'\"c\"d", "abcd\n"),
    ("echo '' \"\" x | hexdump -C | head -n1",
     "00000000  20 20 78 0a" + " " * 39 + "|  x.|\n"),
    ("echo a\\\nb", "ab\n"),
    ("echo a#b #c", "a#b\n"),
    ("# only\necho x", "x\n"),
    ("echo \"a\nb\"", "a\nb\n"),
])
def test_quoting_and_comments(user, text, expected):
    assert user.out(text) == expected


@pytest.mark.parametrize("text,expected", [
    ("x=1; y=$x$x; echo $y", "11\n"),
    ("x='a  b'; echo $x \"$x\"", "a b a  b\n"),
    ("echo ${u-d} ${u:-e} ${u:=f} $u ${u:+g} ${#u}", "d e f f g 1\n"),
    ("p=/a/b.tar.gz; echo ${p##*/} ${p%.*} ${p%%.*} ${p#/}",
     "b.tar.gz /a/b.tar /a/b a/b.tar.gz\n"),
    ("x='*'; echo \"$x\" '*'", "* *\n"),
    ("echo \"${u:-a  b}\" ${u:-'c  d'}", "a  b c  d\n"),
    ("IFS=:; x=a:b::c; for i in $x; do echo -n \"[$i]\"; done",
     "[a][b][][c]"),
    ("x=5; unset x; echo [$x]", "[]\n"),
    ("echo ~ ~/a '~'", "/home/me /home/me/a ~\n"),
    ("x=1 sh -c 'echo $x'; echo [$x]", "1\n[]\n"),
    ("x=1; sh -c 'echo [$x]'; export x; sh -c 'echo [$x]'", "[]\n[1]\n"),
    ("export y=3; sh -c 'echo $y'", "3\n"),
])
def test_parameters(user, text, expected):
    assert user.out(text) == expected


def test_arguments_keep_their_boundaries(user):
    text = ("echo $# $0 $1 $2; for i in \"$@\"; do echo -n \"<$i>\"; done;"
            "for i in $*; do echo -n \"($i)\"; done; echo \"$*\"; shift;"
            "echo $1")
    assert user.out(text, "name", "a b", "c") == (
        "2 name a b c\n<a b><c>(a)(b)(c)a b c\nc\n")


def test_no_arguments_give_no_field(user):
    assert user.out("for i in \"$@\"; do echo x; done; echo $#") == "0\n"


@pytest.mark.parametrize("text,expected", [
    ("echo $(echo a; echo b)", "a b\n"),
    ("echo \"$(echo a; echo b)\"", "a\nb\n"),
    ("echo `echo a \\`echo b\\``", "a b\n"),
    ("echo $(case x in x) echo y;; esac)", "y\n"),
    ("x=$(exit 3); echo $?", "3\n"),
    ("echo \"a $(echo \"b  c\") d\"", "a b  c d\n"),
    ("echo $((1 + 2 * 3)) $(( (1+2)*3 % 4 )) $((7/-2)) $((1<2 && 3!=4))",
     "7 1 -3 1\n"),
    ("i=4; i=$((i+1)); echo $i $((0x1f)) $((i == 5 ? 1 : 2))", "5 31 1\n"),
])
def test_substitution_and_arithmetic(user, text, expected):
    assert user.out(text) == expected


@pytest.mark.parametrize("text,expected", [
    ("true && echo a || echo b", "a\n"),
    ("false && echo a || echo b", "b\n"),
    ("! false; echo $?", "0\n"),
    ("if false; then echo a; elif true; then echo b; else echo c; fi", "b\n"),
    ("for i in 1 2 3; do\n[ $i = 2 ] && continue\necho $i\ndone", "1\n3\n"),
    ("i=0; while true; do i=$((i+1)); [ $i = 3 ] && break; done; echo $i",
     "3\n"),
    ("i=0; until [ $i = 2 ]; do i=$((i+1)); done; echo $i", "2\n"),
    ("for i in a b; do for j in c d; do break 2; done; done; echo $i$j",
     "ac\n"),
    ("case a.c in *.h) echo h;; *.[co]|x) echo c;; esac", "c\n"),
    ("case '*' in a) echo a;; '*') echo star;; esac", "star\n"),
    ("{ echo a; echo b; } | cat", "a\nb\n"),
    ("x=1; (x=2; echo $x); echo $x", "2\n1\n"),
    ("f() { echo $1 $#; return 4; }; f a b; echo $?", "a 2\n4\n"),
    ("f() { local x=2; echo $x; }; x=1; f; echo $x", "2\n1\n"),
    ("eval 'x=3; echo $x'", "3\n"),
    ("set -- a b; echo $2; set -- ; echo $#", "b\n0\n"),
    ("echo 'a b c' | { read x y; echo $y; }", "b c\n"),
    ("read x < /dev/null || echo end", "end\n"),
    ("umask 027; umask", "0027\n"),
])
def test_control_flow_and_builtins(user, text, expected):
    assert user.out(text) == expected


def test_redirections(user):
    assert user.out("echo a > f; echo b >> f; cat < f") == "a\nb\n"
    assert user.out("{ echo o; echo e >&2; } > f 2>&1; cat f") == "o\ne\n"
    assert user.out("ls /nosuch 2> f; cat f").startswith("ls: /nosuch: ")
    assert user.out("ls /nosuch 2>&1 >/dev/null | cat").startswith("ls: ")
    assert user.out("exec 3> g; echo x >&3; exec 3>&-; cat g") == "x\n"
    assert user.out("echo y 4> h >&4; cat h") == "y\n"
    assert user.out("while read l; do echo [$l]; done < f").startswith("[ls:")
    assert user.out("echo >z; [ -s z ] && echo yes") == "yes\n"


def test_a_builtin_gets_its_descriptors_back(user):
    assert user.out("echo a > f; echo b; : > g; echo c") == "b\nc\n"


def test_here_documents(user):
    text = "x=1\ncat <<E; cat <<'F'\na $x $(echo b) \\$x\nE\n$x\nF\necho end\n"
    assert user.out(text) == "a 1 b $x\n$x\nend\n"
    assert user.out("cat <<-E\n\t\ta\n\tE\n") == "a\n"


def test_pipelines(user):
    assert user.out("echo a | cat | cat | head -n 1") == "a\n"
    assert user.sh("true | false").returncode == 1
    assert user.sh("false | true").returncode == 0
    # The first program is ended by the pipe, not waited for.
    assert user.out("dd if=/dev/zero bs=64k status=none | head -c 3 "
                    "| hexdump -C | head -n1").startswith("00000000  00 00 00")


def test_globbing(user):
    for n in ("a.c", "b.c", ".hid", "x[1]", "d1/e.c", "d2/e.c"):
        p = user.work / n
        p.parent.mkdir(exist_ok=True)
        p.write_text("")
    assert user.out("echo *.c") == "a.c b.c\n"
    assert user.out("echo ?.[ab] ?.[!ab]") == "?.[ab] a.c b.c\n"
    assert user.out("echo */*.c") == "d1/e.c d2/e.c\n"
    assert user.out("echo '*'.c \"*\" \\*") == "*.c * *\n"
    assert user.out("echo nosuch*") == "nosuch*\n"
    assert user.out("echo .h*; echo x\\[*") == ".hid\nx[1]\n"
    assert user.out("p='*.c'; echo $p \"$p\"") == "a.c b.c *.c\n"
    assert user.out("cd d1; echo ../[[:alpha:]].c") == "../a.c ../b.c\n"


@pytest.mark.parametrize("text,status", [
    ("exit 3", 3), ("true", 0), ("false", 1), ("(exit 5)", 5),
    ("nosuch", 127), ("/nosuch/x", 127), ("/etc", 126),
    ("kill -9 $$", -9), ("sh -c 'kill -9 $$'; exit $?", 137),
    ("set -e; false; exit 9", 1), ("set -e; false || true; if false; then "
     ":; fi; ! true; exit 8", 8),
    ("exec false", 1), ("exec nosuch; exit 3", 127),
    ("${u?}", 1), ("set -u; echo $u", 1), ("[ 1 -eq x ]", 2),
    ("return 4", 4),
])
def test_exit_status(user, text, status):
    assert user.sh(text).returncode == status


@pytest.mark.parametrize("text", [
    "echo 'a", "echo \"a", "if true; then", "echo )", "a && ; b", "| x",
    "for 1 in a; do :; done", "fi", "echo $(", "{ echo a", "case x in a",
    "while true; done", "echo >", "f(", "( )", "a | | b", "echo `x", "${x",
])
def test_syntax_error_is_one_line_and_status_2(user, text):
    r = user.sh(text)
    assert r.returncode == 2
    assert r.stdout == b""
    assert r.stderr.count(b"\n") == 1 and b"syntax error" in r.stderr


def test_unknown_option_prints_usage_and_exits_2(user):
    r = user.run("sh", "-Z")
    assert r.returncode == 2 and b"usage: sh" in r.stderr


def test_script_file_and_standard_input(user):
    (user.work / "s").write_text("echo $0 $1\nread x\necho $x\n")
    r = user.run("sh", "s", "arg", input=b"line\n")
    assert r.stdout == b"s arg\nline\n"
    # Programs find what follows the shell's own line, in a pipe ...
    r = user.run("sh", input=b"head -n 1\nfor cat\necho done\n")
    assert r.stdout.startswith(b"for cat\n")
    # ... and in a file.
    (user.work / "s").write_text("read x\ndata\necho $x; cat\nrest\n")
    with open(user.work / "s", "rb") as f:
        assert user.run("sh", stdin=f).stdout == b"data\nrest\n"
    assert user.run("sh", "nosuch").returncode == 127


def test_script_without_an_interpreter_line_runs(user):
    p = user.work / "s"
    p.write_text("#!/nosuch/interpreter\n")
    p.chmod(0o755)
    assert user.sh("./s").returncode == 127
    assert user.out("echo 'x=5' > v; . ./v; echo $x") == "5\n"


def test_background_and_wait(user):
    t = time.monotonic()
    assert user.out("sleep 0.3 & sleep 0.3 & wait; echo $?") == "0\n"
    assert time.monotonic() - t < 0.6
    assert user.out("(exit 7) & wait $!; echo $?") == "7\n"
    assert user.out("sleep 60 & kill $!; wait $!; echo $?") == "143\n"


def test_trace(user):
    r = user.sh("set -x; x=1; echo $x 'a b'")
    assert r.stderr == b"+ x=1\n+ echo 1 a b\n" and r.stdout == b"1 a b\n"


def test_test(user):
    (user.work / "f").write_text("x")
    for yes in ("-f f", "-s f", "-d .", "! -d f", "a = a", "a != b",
                "2 -lt 10", "-n x", "-z ''", "x", "( a = a )",
                "-f f -a -d .", "-d f -o a", "-n = -n", "! = !", "-5 -lt 3"):
        assert user.sh(f"[ {yes.replace('(', chr(92) + '(').replace(')', chr(92) + ')')} ]"
                       ).returncode == 0, yes
    for no in ("-f .", "", "''", "a = b", "10 -lt 9", "! x", "-e nosuch"):
        assert user.sh(f"test {no}").returncode == 1, no


def test_the_last_command_takes_the_place_of_the_shell(user):
    r = user.sh("echo $$; exec 2>&1; sh -c 'echo $PPID $$'")
    first, second = r.stdout.split()[0], r.stdout.split()[-1]
    assert first == second


def test_a_write_error_of_a_builtin_is_reported(user):
    r = user.sh("echo x > /dev/full; echo $?")
    assert r.stdout == b"1\n" and b"No space left" in r.stderr


def test_long_loop_does_not_grow(user):
    r = user.sh("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); x=$i; done;"
                "echo $i; while read a b c; do [ \"$a\" = VmRSS: ] &&"
                " echo $b; done < /proc/self/status; exit 0")
    n, rss = r.stdout.split()
    assert n == b"3000" and int(rss) < 2000


def test_signals_end_a_script(user):
    r = user.sh("kill -TERM $$; echo no")
    assert r.returncode == -signal.SIGTERM and r.stdout == b""
