# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
"""The guest agent, on a terminal in the place of the port."""

import base64
import json
import os
import pathlib
import pty
import random
import select
import signal
import socket
import subprocess
import time
import tty

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CRUNCH = pathlib.Path(os.environ.get("CRUNCH", TOP / "build/amd64/crunch"))

# Process 1 of the machine that tests is not to be told to power off, and
# its clock is right.
SAFE = "block guest-shutdown\nblock guest-set-time\n"
FILES = ["open", "close", "read", "write", "seek", "flush"]
ALL = SAFE + "allow guest-exec\nallow guest-exec-status\n" + "".join(
    f"allow guest-file-{c}\n" for c in FILES)
SMALL, LARGE = 64 << 10, 1 << 20


class Agent:
    def __init__(self, argv, config, tmp, env=None):
        self.config = tmp / "qemu-ga.conf"
        self.config.write_text(config)
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self.fd, False)
        self.process = subprocess.Popen(
            [*argv, "-c", self.config, "-p", os.ttyname(slave)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        # Until it has the port open, ours keeps it from hanging up.
        self.slave = slave
        self.data = b""

    def send(self, data):
        """All of it; what comes back meanwhile is kept."""
        while data:
            r, w, _ = select.select([self.fd], [self.fd], [], 10)
            assert r or w, "the agent reads no more"
            if r:
                self.data += os.read(self.fd, 65536)
            if w:
                try:
                    data = data[os.write(self.fd, data):]
                except BlockingIOError:
                    pass

    def wait(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        self.data += os.read(self.fd, 65536)
        return True

    def line(self):
        while b"\n" not in self.data:
            assert self.wait(10), f"no answer, only {self.data[:200]}"
        line, self.data = self.data.split(b"\n", 1)
        return line

    def silent(self):
        return not self.data and not self.wait(0.1)

    def reply(self, data):
        self.send(data)
        return json.loads(self.line())

    def call(self, name, **args):
        request = {"execute": "guest-" + name}
        if args:
            request["arguments"] = {
                k.rstrip("_").replace("_", "-"): v for k, v in args.items()}
        return self.reply(json.dumps(request).encode())

    def ok(self, name, **args):
        reply = self.call(name, **args)
        assert list(reply) == ["return"], reply
        return reply["return"]

    def error(self, name, **args):
        reply = self.call(name, **args)
        assert reply["error"]["class"] == "GenericError"
        return reply["error"]["desc"]

    def sync(self):
        """In step again, whatever there was."""
        n = random.randrange(1 << 40)
        self.send(b'\xff{"execute": "guest-sync-delimited", '
            b'"arguments": {"id": %d}}' % n)
        want = b'\xff{"return": %d}\n' % n
        while want not in self.data:
            assert self.wait(10), "lost"
        self.data = self.data.split(want, 1)[1]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.fd)
        os.close(self.slave)


@pytest.fixture
def start(tmp_path):
    if not CRUNCH.exists():
        pytest.skip(f"{CRUNCH} is not built")
    agents = []

    def one(config=SAFE, argv=(CRUNCH, "qemu-ga"), env=None):
        agents.append(Agent(argv, config, tmp_path, env))
        return agents[-1]
    yield one
    for a in agents:
        a.close()


@pytest.fixture
def agent(start):
    return start()


@pytest.fixture
def full(start):
    return start(ALL)


# --- the stream ----------------------------------------------------------------

PING = b'{"execute": "guest-ping"}'
PONG = {"return": {}}


@pytest.mark.parametrize("data", [
    PING, PING + b"\n", b" \t\r\n" + PING + b"\r\n",
    b'{"execute":"guest-ping","arguments":{}}',
    b'\n{ "arguments" : { } ,\n\t"execute" : "guest-ping" }',
    b'{"execute": "guest\\u002dping"}', b'\xff' + PING,
])
def test_a_request_needs_no_newline_and_may_have_blanks(agent, data):
    assert agent.reply(data) == PONG
    assert agent.silent()


def test_requests_come_in_pieces_or_together(agent):
    for b in PING:
        agent.send(bytes([b]))
        time.sleep(0.002)
    assert json.loads(agent.line()) == PONG
    agent.send(PING * 300)
    assert [agent.line() for _ in range(300)] == [b'{"return": {}}'] * 300


def test_an_id_comes_back_as_it_was(agent):
    for text in ["1", '"x"', "null", "true", "[]", "{}", "2.50", "-1e400",
            "18446744073709551616", '{"a": [1, {"b": "\\u0001\\"\\\\"}]}']:
        agent.send(b'{"execute": "guest-ping", "id": %s}' % text.encode())
        assert agent.line() == b'{"return": {}, "id": %s}' % text.encode()
        agent.send(b'{"execute": "no", "id": %s}' % text.encode())
        assert agent.line().endswith(b'"id": %s}' % text.encode())
    text = "\u00e9\u20ac\U0001f600\n\t\x7f"
    assert agent.reply(json.dumps({"execute": "guest-ping", "id": text},
        ensure_ascii=False).encode())["id"] == text
    assert agent.reply(json.dumps({"execute": "guest-ping",
        "id": text}).encode())["id"] == text


def test_sync_gives_the_number_back(agent):
    for n in (0, 1, -1, 2**63 - 1, -2**63):
        assert agent.ok("sync", id=n) == n
    agent.send(b'\xff{"execute":"guest-sync-delimited",'
        b'"arguments":{"id":123456}}\n')
    assert agent.line() == b'\xff{"return": 123456}'


@pytest.mark.parametrize("before", [
    b"\xff", b"\xff" * 5, b'{"execute": "guest-pi', b'{"a', b"[[[[{", b'{"\\',
    b'{"execute": "guest-ping", "id": {',
    pytest.param(b'{"x": "' + b"y" * LARGE, id="long"),
])
def test_0xff_drops_what_came_before_it_in_silence(agent, before):
    agent.send(before + b"\xff")
    assert agent.reply(PING) == PONG
    assert agent.silent()


@pytest.mark.parametrize("junk", [
    b"x", b"}", b"]]]", b":", b"\x00\x01\x02", b"\xfe", b"hello world",
    b"GET / HTTP/1.1", b'"text"', b"12", b"\\", b"'single'",
    b'"{"', b'{"a": "broken',
])
def test_junk_is_one_error_and_the_next_line_counts(agent, junk):
    reply = agent.reply(junk + b"\n" + PING)
    assert reply["error"]["class"] == "GenericError"
    assert "JSON parse error" in reply["error"]["desc"]
    assert json.loads(agent.line()) == PONG
    assert agent.silent()


@pytest.mark.parametrize("text", [
    b"{]", b"{}", b"[1]", b"[]", b"{,}", b'{"a"}', b'{"a":}',
    b'{"a":1,}', b'{a:1}', b"{'execute':'guest-ping'}", b'{"a" 1}',
    b'{"a":01}', b'{"a":+1}', b'{"a":1.}', b'{"a":.5}', b'{"a":1e}',
    b'{"a":-}', b'{"a":tru}', b'{"a":nullx}', b'{"a":NaN}', b'{"a":1 2}',
    b'{"a":"\x01"}', b'{"a":"\\x"}', b'{"a":"\\u12g4"}', b'{"a":"\\u0000"}',
    b'{"a":"\\ud800"}', b'{"a":"\\udc00"}', b'{"a":"\\ud800\\u0041"}',
    b'{"a":"\x80"}', b'{"a":"\xc0\x80"}', b'{"a":"\xc3"}',
    b'{"a":"\xe0\x80\x80"}', b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xf8\x88\x80\x80\x80"}',
    b'{"execute":"guest-ping","execute":"guest-ping"}',
    b'{"execute":"guest-sync","arguments":{"id":1,"id":2}}',
    b'{"execute":"guest-ping","id":{"a":1,"a":1}}', b"[" * 65 + b"]" * 65,
    b'{"execute":"guest-ping","id":' + b"[" * 65 + b"]" * 65 + b"}",
    b'{"id":[' + b"1," * 5000 + b"1]}",
])
def test_what_is_not_json_or_no_request_is_an_error(agent, text):
    reply = agent.reply(text)
    assert reply["error"]["class"] == "GenericError"
    assert agent.reply(PING) == PONG
    assert agent.silent()


def test_nesting_up_to_the_limit(agent):
    deep = b"[" * 63 + b"]" * 63
    assert agent.reply(b'{"execute":"guest-ping","id":' + deep + b"}") == {
        "return": {}, "id": json.loads(deep)}


@pytest.mark.parametrize("text,what", [
    ('{}', "QMP input lacks member 'execute'"),
    ('{"id": 1}', "QMP input lacks member 'execute'"),
    ('[]', "QMP input must be a JSON object"),
    ('{"execute": 1}', "QMP input member 'execute' must be a string"),
    ('{"execute": "guest-ping", "arguments": []}',
        "QMP input member 'arguments' must be an object"),
    ('{"execute": "guest-ping", "foo": 1}',
        "QMP input member 'foo' is unexpected"),
    ('{"exec-oob": "guest-ping"}',
        "QMP input member 'exec-oob' is unexpected"),
])
def test_the_form_of_a_request(agent, text, what):
    assert agent.reply(text.encode())["error"] == {
        "class": "GenericError", "desc": what}


def test_the_length_of_a_request(agent, start):
    def ping(n):
        text = '{"execute": "guest-ping", "id": "%s"}'
        return (text % ("x" * (n - len(text) + 2))).encode()
    assert agent.reply(ping(SMALL))["return"] == {}
    for n in (SMALL + 1, LARGE - 1, LARGE + 1, 3 * LARGE):
        assert "too long" in agent.reply(ping(n))["error"]["desc"]
        assert agent.reply(PING) == PONG
    assert agent.silent()


def test_a_flood_without_an_end_is_read_and_costs_no_memory(agent):
    agent.send(b"[" * (3 * LARGE) + b"\xff")
    agent.send(b"]" * LARGE + b"\xff")
    agent.sync()
    with open(f"/proc/{agent.process.pid}/statm") as f:
        assert int(f.read().split()[1]) * 4096 < 4 * LARGE


def test_an_unknown_command(agent):
    for name in ("guest-fsfreeze-freeze", "guest-suspend-ram", "", "x",
            "guest-set-user-password", "guest-ssh-get-authorized-keys",
            "guest-pin", "guest-pingg"):
        assert agent.reply(json.dumps({"execute": name}).encode()) == {
            "error": {"class": "CommandNotFound", "desc":
            f"The command {name} has not been found"}}
    reply = agent.reply(json.dumps({"execute": "x" * 5000}).encode())
    assert reply["error"]["class"] == "CommandNotFound"


# --- arguments --------------------------------------------------------------------

def test_arguments_that_are_missing_unexpected_or_of_another_type(agent):
    error = agent.error
    assert error("sync") == "Parameter 'id' is missing"
    assert error("sync", x=1) == "Parameter 'id' is missing"
    assert error("sync", id=1, x=1) == "Parameter 'x' is unexpected"
    assert error("sync", id=1, i=1) == "Parameter 'i' is unexpected"
    assert error("ping", id=1) == "Parameter 'id' is unexpected"
    for value in ("1", None, True, 1.5, [], {}, 2**63, 1e3):
        assert error("sync", id=value) == \
            "Invalid parameter type for 'id', expected: integer"


def test_optional_arguments_and_lists(full):
    error = full.error
    assert error("exec") == "Parameter 'path' is missing"
    assert error("exec", path=1) == \
        "Invalid parameter type for 'path', expected: string"
    assert error("exec", path="x", arg="y") == \
        "Invalid parameter type for 'arg', expected: array"
    assert error("exec", path="x", arg=["y", 1]) == \
        "Invalid parameter type for 'arg[1]', expected: string"
    assert error("exec", path="x", capture_output=1).startswith(
        "Invalid parameter type for 'capture-output'")
    assert error("exec", path="x", capture_output="some") == \
        "Parameter 'capture-output' does not accept value 'some'"
    assert "base64" in error("exec", path="x", input_data="a")
    assert error("file-read", handle=1000, count="x") == \
        "Invalid parameter type for 'count', expected: integer"


# --- commands that tell -----------------------------------------------------------------

def test_info_names_every_command(agent):
    info = agent.ok("info")
    assert info["version"].count(".") == 2
    by_name = {c["name"]: c for c in info["supported_commands"]}
    assert len(by_name) == len(info["supported_commands"]) == 27
    for c in by_name.values():
        assert sorted(c) == ["enabled", "name", "success-response"]
        assert c["success-response"] is (c["name"] != "guest-shutdown")
        assert c["enabled"] is not (c["name"] in (
            "guest-shutdown", "guest-set-time", "guest-exec",
            "guest-exec-status") or c["name"].startswith("guest-file-"))
    page = (TOP / "share/man/man8/qemu-ga.8").read_text()
    for name in by_name:
        assert f".It Cm {name}\n" in page


def test_time_and_zone(agent):
    before = time.time_ns()
    assert before <= agent.ok("get-time") <= time.time_ns()
    assert agent.ok("get-timezone") == {"zone": "UTC", "offset": 0}


def test_names(agent):
    u = os.uname()
    assert agent.ok("get-host-name") == {"host-name": u.nodename}
    info = agent.ok("get-osinfo")
    assert info["kernel-release"] == u.release
    assert info["kernel-version"] == u.version
    assert info["machine"] == u.machine
    try:
        text = open("/etc/os-release").read()
    except OSError:
        assert info["name"] == u.sysname
        return
    for line in text.splitlines():
        if line.startswith("PRETTY_NAME="):
            assert info["pretty-name"] == line[12:].strip("\"'")


def test_users_load_memory(agent):
    assert agent.ok("get-users") == []
    load = agent.ok("get-load")
    assert sorted(load) == ["load15m", "load1m", "load5m"]
    assert all(isinstance(v, float) for v in load.values())
    blocks = agent.ok("get-memory-blocks")
    assert blocks == [{"phys-index": 0, "online": True,
        "can-offline": False}]
    assert agent.ok("get-memory-block-info")["size"] == 1024 * int(
        open("/proc/meminfo").readline().split()[1])


def test_processors_stay_as_they_are(agent):
    cpus = agent.ok("get-vcpus")
    n = open("/proc/cpuinfo").read().count("processor\t")
    assert cpus == [{"logical-id": i, "online": True, "can-offline": False}
        for i in range(n)]
    on = {"logical-id": 0, "online": True}
    off = {"logical-id": 0, "online": False, "can-offline": True}
    assert agent.ok("set-vcpus", vcpus=[]) == 0
    assert agent.ok("set-vcpus", vcpus=cpus) == n
    assert agent.ok("set-vcpus", vcpus=[on, on, off, on]) == 2
    assert agent.error("set-vcpus", vcpus=[off]) == \
        "logical processor #0 can't be offlined"
    assert "#99999" in agent.error("set-vcpus", vcpus=[
        {"logical-id": 99999, "online": True}])
    assert agent.error("set-vcpus", vcpus=[on, {"logical-id": 0}]) == \
        "Parameter 'vcpus[1].online' is missing"
    assert agent.error("set-vcpus", vcpus=[{"logical-id": 0, "online": 1}]) \
        == "Invalid parameter type for 'vcpus[0].online', expected: boolean"
    assert agent.error("set-vcpus", vcpus=[1]) == \
        "Invalid parameter type for 'vcpus[0]', expected: object"
    assert agent.error("set-vcpus", vcpus=[dict(on, x=1)]) == \
        "Parameter 'vcpus[0].x' is unexpected"


def test_interfaces(agent):
    lo = [i for i in agent.ok("network-get-interfaces")
        if i["name"] == "lo"][0]
    for a in lo["ip-addresses"]:
        family = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
        socket.inet_pton(family[a["ip-address-type"]], a["ip-address"])
    assert {"ip-address": "127.0.0.1", "ip-address-type": "ipv4",
        "prefix": 8} in lo["ip-addresses"]
    assert sorted(lo["statistics"]) == sorted(
        f"{d}-{what}" for d in ("rx", "tx")
        for what in ("bytes", "packets", "errs", "dropped"))


def test_disks_and_file_systems(agent):
    for disk in agent.ok("get-disks"):
        assert disk["name"].startswith("/dev/")
        assert disk["partition"] is (disk["dependencies"] != [])
        assert disk["partition"] is ("address" not in disk)
    root = [f for f in agent.ok("get-fsinfo") if f["mountpoint"] == "/"][0]
    st = os.statvfs("/")
    assert root["total-bytes-privileged"] == st.f_blocks * st.f_frsize
    assert 0 < root["used-bytes"] <= root["total-bytes"] <= \
        root["total-bytes-privileged"]


# --- what is allowed -----------------------------------------------------------------------

@pytest.mark.parametrize("name", [
    "exec", "exec-status", *("file-" + c for c in FILES)])
def test_what_is_dangerous_is_off_unless_allowed(start, name):
    for config in ("", "block guest-ping\n", f"# allow guest-{name}\n",
            f"allow guest-{name}\nblock guest-{name}\n"):
        agent = start(config + SAFE)
        assert agent.call(name) == {"error": {"class": "CommandNotFound",
            "desc": f"Command guest-{name} has been disabled: "
            "the command is not allowed"}}
    agent = start(f"{SAFE}\n \t allow \t guest-{name} \t # yes\n")
    assert "is missing" in agent.error(name)


def test_a_line_that_is_wrong_is_told_and_left_out(start):
    agent = start("allow\npermit guest-exec\nallow exec\n"
        "allow guest-exec guest-ping\n\n# allow x\nblock guest-ping\n" + SAFE)
    assert agent.call("ping")["error"]["class"] == "CommandNotFound"
    assert agent.call("exec")["error"]["class"] == "CommandNotFound"
    agent.process.kill()
    lines = agent.process.stderr.read().decode().splitlines()
    assert [s.split(":")[2] for s in lines] == ["1", "2", "3", "4"]


def test_the_file_of_the_root_image_allows_nothing(start):
    agent = start((TOP / "etc/qemu-ga.conf").read_text() + SAFE)
    off = [c["name"] for c in agent.ok("info")["supported_commands"]
        if not c["enabled"]]
    assert len(off) == 2 + 2 + len(FILES)


def test_options_and_a_port_that_is_not_there(user):
    r = user.run("qemu-ga", "-~")
    assert r.returncode == 1 and b"usage: qemu-ga" in r.stderr
    r = user.run("qemu-ga", "-p", "nosuch")
    assert r.returncode == 1
    assert r.stderr == b"qemu-ga: nosuch: No such file or directory\n"


# --- programs -----------------------------------------------------------------------------------

def b64(data):
    return base64.b64encode(data).decode()


def run(agent, path="/bin/sh", **args):
    """A program to its end: its state then."""
    pid = agent.ok("exec", path=path, **args)["pid"]
    for _ in range(1000):
        status = agent.ok("exec-status", pid=pid)
        if status["exited"]:
            break
        assert status == {"exited": False}
        time.sleep(0.01)
    assert agent.error("exec-status", pid=pid) == f"PID {pid} does not exist"
    return status


def test_exec_status_and_signal(full):
    assert run(full, arg=["-c", "exit 7"]) == {"exited": True, "exitcode": 7}
    assert run(full, arg=["-c", "kill -9 $$"]) == {
        "exited": True, "signal": 9}
    assert run(full, path="true") == {"exited": True, "exitcode": 0}


def test_exec_that_cannot(full):
    for path in ("/nosuch", "nosuch", "", "/etc/hosts", "/"):
        assert full.error("exec", path=path).startswith(
            f"Failed to execute child process '{path}': ")
    for pid in (0, -1, 1, full.process.pid, 2**40):
        assert full.error("exec-status", pid=pid) == \
            f"PID {pid} does not exist"


def test_exec_arguments_and_environment(full):
    r = run(full, arg=["-c", "echo \"$0|$1|$X|$HOME\"", "a b", "\u00e9"],
        env=["X=1 2"], capture_output=True)
    assert base64.b64decode(r["out-data"]) == "a b|\u00e9|1 2|\n".encode()


@pytest.mark.parametrize("mode,out,err", [
    (True, b"out", b"err"), (False, None, None), ("none", None, None),
    ("stdout", b"out", None), ("stderr", None, b"err"),
    ("separated", b"out", b"err"), ("merged", b"outerr", None),
])
def test_exec_captures_what_is_asked_for(full, mode, out, err):
    r = run(full, arg=["-c", "printf out; printf err >&2"],
        capture_output=mode)
    want = {"exited": True, "exitcode": 0}
    want.update({"out-data": b64(out)} if out else {})
    want.update({"err-data": b64(err)} if err else {})
    assert r == want


@pytest.mark.parametrize("size", [0, 1, 2, 3, 200, 70000, 700000])
def test_exec_input_comes_out_again(full, size):
    data = bytes(random.Random(size).randbytes(size))
    r = run(full, path="cat", input_data=b64(data), capture_output=True)
    assert base64.b64decode(r.get("out-data", "")) == data


def test_exec_input_that_nobody_reads(full):
    r = run(full, path="true", input_data=b64(b"x" * 700000))
    assert r == {"exited": True, "exitcode": 0}


def test_exec_output_is_kept_up_to_a_limit(full):
    r = run(full, arg=["-c", "head -c 3000000 /dev/zero; "
        "head -c 1048576 /dev/zero >&2"], capture_output=True)
    assert r["exitcode"] == 0
    assert len(base64.b64decode(r["out-data"])) == 1 << 20
    assert len(base64.b64decode(r["err-data"])) == 1 << 20
    assert r["out-truncated"] is True and "err-truncated" not in r


def test_exec_ends_when_its_output_does(full):
    pid = full.ok("exec", path="/bin/sh", capture_output=True,
        arg=["-c", "{ sleep 0.5; echo late; } & exit 3"])["pid"]
    time.sleep(0.2)
    assert full.ok("exec-status", pid=pid) == {"exited": False}
    time.sleep(0.6)
    assert full.ok("exec-status", pid=pid) == {
        "exited": True, "exitcode": 3, "out-data": b64(b"late\n")}


def until(what, seconds=10):
    """The first answer that is one; on a busy machine it may take a while."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return answer


def test_exec_has_a_limit_and_forgets_the_oldest(full):
    pids = [full.ok("exec", path="sleep", arg=["100"])["pid"]
        for _ in range(16)]
    assert full.error("exec", path="true") == \
        "too many processes run already"
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    # while all places are taken by some that still run there is an error
    more = [until(lambda: full.call("exec", path="true").get("return"))["pid"]
        for _ in range(40)]
    until(lambda: full.call("exec-status", pid=more[-1]).get("return",
        {}).get("exited"))
    assert "does not exist" in full.error("exec-status", pid=more[0])
    assert "does not exist" in full.error("exec-status", pid=pids[0])
    # nobody is left to be waited for
    pid = full.process.pid
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: path.read_text() == "")


def test_exec_programs_get_no_descriptor_of_the_agent(full):
    r = run(full, path="ls", arg=["/proc/self/fd"], capture_output=True,
        input_data=b64(b"x"))
    assert base64.b64decode(r["out-data"]).split() == [
        b"0", b"1", b"2", b"3"]


# --- files ------------------------------------------------------------------------------------------

def test_files_are_written_and_read(full, tmp_path):
    path = str(tmp_path / "f\u00fc")
    data = bytes(range(256)) * 1000
    h = full.ok("file-open", path=path, mode="w")
    assert full.ok("file-write", handle=h, buf_b64=b64(data)) == {
        "count": len(data), "eof": False}
    assert full.ok("file-write", handle=h, buf_b64=b64(b"12345"),
        count=2) == {"count": 2, "eof": False}
    assert full.ok("file-flush", handle=h) == {}
    assert full.ok("file-close", handle=h) == {}
    assert open(path, "rb").read() == data + b"12"
    h2 = full.ok("file-open", path=path)
    assert h2 != h
    assert full.ok("file-read", handle=h2) == {
        "count": 4096, "buf-b64": b64(data[:4096]), "eof": False}
    assert full.ok("file-seek", handle=h2, offset=-3, whence="end") == {
        "position": len(data) - 1, "eof": False}
    assert full.ok("file-read", handle=h2, count=100) == {
        "count": 3, "buf-b64": b64(b"\xff12"), "eof": True}
    for offset, whence, at in ((10, 0, 10), (5, 1, 15), (-15, "cur", 0),
            (7, "set", 7), (0, 2, len(data) + 2)):
        assert full.ok("file-seek", handle=h2, offset=offset,
            whence=whence)["position"] == at
    assert full.ok("file-read", handle=h2, count=0) == {
        "count": 0, "buf-b64": "", "eof": False}
    assert full.error("file-write", handle=h2, buf_b64="AAAA") == \
        "failed to write to file: Bad file descriptor"


def test_file_modes(full, tmp_path):
    path = tmp_path / "f"
    assert "No such file" in full.error("file-open", path=str(path))
    for mode in ("", "q", "rw", "r+x", "wbb", "++"):
        assert full.error("file-open", path=str(path), mode=mode) == \
            f"invalid file open mode '{mode}'"
    for mode, before, after in (("w", b"old", b"NEW"),
            ("r+", b"older", b"NEWer"), ("a", b"old", b"oldNEW"),
            ("wb", b"x", b"NEW"), ("ab+", b"x", b"xNEW"),
            ("r+b", b"x", b"NEW"), ("w+", b"xxxx", b"NEW")):
        path.write_bytes(before)
        h = full.ok("file-open", path=str(path), mode=mode)
        full.ok("file-write", handle=h, buf_b64=b64(b"NEW"))
        full.ok("file-close", handle=h)
        assert path.read_bytes() == after


def test_file_handles_and_limits(full, tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3000000)
    path = str(tmp_path / "f")
    for handle in (0, -1, 999, 2**63 - 1):
        for command in ("close", "read", "flush"):
            assert full.error("file-" + command, handle=handle) == \
                f"handle '{handle}' has not been found"
    handles = [full.ok("file-open", path=path) for _ in range(32)]
    assert full.error("file-open", path=path) == "too many open files"
    h = handles[0]
    assert full.ok("file-read", handle=h, count=2000000)["count"] == 1 << 20
    assert full.ok("file-read", handle=h, count=48 << 20)["count"] == 1 << 20
    for count in (-1, (48 << 20) + 1):
        assert full.error("file-read", handle=h, count=count) == \
            f"value '{count}' is invalid for argument count"
    for bad in ("A", "AA", "AAA", "A===", "AA=A", "A\nAA", "AB==", "AAA?"):
        assert "not valid base64" in full.error("file-write", handle=h,
            buf_b64=bad)
    for count in (-1, 4):
        assert "invalid for argument count" in full.error("file-write",
            handle=h, buf_b64="AAAA", count=count)
    assert full.error("file-seek", handle=h, offset=0, whence=3) == \
        "invalid whence code 3"
    assert full.error("file-seek", handle=h, offset=0, whence="x") == \
        "Parameter 'whence' does not accept value 'x'"
    assert "expected: GuestFileWhence" in full.error("file-seek", handle=h,
        offset=0, whence=True)
    assert "Invalid argument" in full.error("file-seek", handle=h,
        offset=-1, whence="set")
    for h in handles:
        full.ok("file-close", handle=h)
    assert full.error("file-close", handle=h) == \
        f"handle '{h}' has not been found"


def test_a_pipe_without_a_writer_does_not_stop_the_agent(full, tmp_path):
    os.mkfifo(tmp_path / "p")
    h = full.ok("file-open", path=str(tmp_path / "p"))
    assert full.ok("file-read", handle=h)["count"] == 0
    other = os.open(tmp_path / "p", os.O_WRONLY)
    assert "Resource temporarily unavailable" in full.error("file-read",
        handle=h)
    os.close(other)


# --- everything at once ----------------------------------------------------------------------------

def test_an_idle_agent_does_nothing(full):
    full.ok("ping")
    full.ok("exec", path="true")
    time.sleep(0.2)

    def switches():
        text = open(f"/proc/{full.process.pid}/status").read()
        return [s for s in text.splitlines() if "ctxt_switches" in s]
    before = switches()
    time.sleep(0.5)
    assert switches() == before


SEEDS = [
    PING, b'{"execute": "guest-info", "id": [1, {"a": "\\ud83d\\ude00"}]}',
    b'{"execute":"guest-sync-delimited","arguments":{"id":-5}}',
    b'{"execute":"guest-set-vcpus","arguments":{"vcpus":[{"logical-id":0,'
        b'"online":true,"can-offline":false}]}}',
    b'{"execute":"guest-file-open","arguments":{"path":"/dev/null",'
        b'"mode":"r+"}}',
    b'{"execute":"guest-file-write","arguments":{"handle":1000,'
        b'"buf-b64":"QUJDRA==","count":3}}',
    b'{"execute":"guest-file-seek","arguments":{"handle":1001,"offset":1,'
        b'"whence":"cur"}}',
    b'{"execute":"guest-file-read","arguments":{"handle":1001,"count":9}}',
    b'{"execute":"guest-network-get-interfaces"}',
    b'{"execute":"guest-get-fsinfo"}', b'{"execute":"guest-get-osinfo"}',
    b'{"execute":"guest-get-disks","id":1.5e3}',
    b'{"execute":"guest-exec-status","arguments":{"pid":1}}',
]


def mutate(rnd, data):
    data = bytearray(data)
    for _ in range(rnd.choice((0, 1, 1, 2, 5))):
        at = rnd.randrange(len(data) + 1)
        how = rnd.randrange(5)
        if how == 0:
            data[at:at] = rnd.choice((b"\xff", b"\n", b"{", b"[", b'"',
                b"\\", b"\\u", b"}", b",", b":", b"\x00", b"\xc3", b"-"))
        elif how == 1:
            del data[at:at + rnd.randrange(4)]
        elif how == 2 and at < len(data):
            data[at] = rnd.randrange(256)
        elif how == 3:
            end = at + rnd.randrange(30)
            data[at:at] = data[at:end] * rnd.randrange(3)
        elif how == 4:
            data[at:at] = rnd.choice(SEEDS)[:rnd.randrange(60)]
    return bytes(data)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """The agent again, with the compiler's checks."""
    out = tmp_path_factory.mktemp("asan") / "crunch"
    main = out.with_name("main.c")
    main.write_text('#include "util.h"\nint qemu_ga_main(int, char **);\n'
        "int main(int argc, char **argv)\n"
        "{ return (qemu_ga_main(argc, argv)); }\n")
    crunch = TOP / "bin/crunch"
    r = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g",
        "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
        "-I", crunch, "-o", out, main, crunch / "util.c", crunch / "net.c",
        *TOP.glob("usr.sbin/qemu-ga/*.c")], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    return out


def test_mutations_of_requests_do_no_harm(start, checked):
    """Without guest-exec, whose arguments would be made up as well."""
    config = SAFE + "allow guest-exec-status\n" + "".join(
        f"allow guest-file-{c}\n" for c in FILES if c != "open")
    agent = start(config, argv=(checked,), env=dict(os.environ,
        ASAN_OPTIONS="detect_leaks=0"))
    rnd = random.Random(1)
    for _ in range(60):
        agent.send(b"".join(mutate(rnd, rnd.choice(SEEDS))
            for _ in range(50)))
        agent.sync()
    assert agent.process.poll() is None


def test_the_commands_that_do_things_with_the_compilers_checks(start,
        checked, tmp_path):
    agent = start(ALL, argv=(checked,), env=dict(os.environ,
        ASAN_OPTIONS="detect_leaks=0"))
    r = run(agent, path="cat", input_data=b64(b"x" * 300000),
        capture_output=True)
    assert base64.b64decode(r["out-data"]) == b"x" * 300000
    h = agent.ok("file-open", path=str(tmp_path / "f"), mode="w+")
    agent.ok("file-write", handle=h, buf_b64=b64(b"y" * 300001))
    agent.ok("file-seek", handle=h, offset=0, whence=0)
    assert agent.ok("file-read", handle=h, count=400000)["count"] == 300001
    for i in range(20):
        agent.ok("exec", path="echo", arg=["x"] * i, capture_output="merged")
    assert agent.process.poll() is None
