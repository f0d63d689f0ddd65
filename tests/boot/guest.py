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

"""A guest under QEMU: how the tests start one and talk to it.

    with Guest(qemu_args..., append='...') as g:
        g.wait_shell()
        output, status = g.run('ls /dev')

The serial console and QMP are both ends of socket pairs that QEMU inherits,
so there is nothing to connect to and nothing to wait for.  Every wait has a
limit, and what a wait that fails raises has the console's last lines.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import struct
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
ARCH = os.environ.get('ARCH') or 'amd64'
BUILD = TOP / 'build' / ARCH
KERNEL = BUILD / 'paravane'
ROOT = BUILD / 'root.cpio'


class Arch:
    """What differs between architectures: QEMU and its boards with PCI, of
    which the first is the usual one, and more that it boots on; the name of
    the serial port; the prefix of the compiler; processors; the arguments by
    which a guest's exit status leaves QEMU, None where there is no way but
    the console's last line."""

    def __init__(self, qemu, boards, more, serial, cross, cpus, cpu=None,
            exits=None, mmio=None):
        self.qemu = f'qemu-system-{qemu}'
        self.boards = boards
        self.all_boards = boards + more
        self.serial = serial
        self.cross = cross
        self.cpus = cpus
        self.cpu = cpu
        self.exits = exits
        # by name: a board with places for virtio over MMIO
        self.mmio = mmio or {'by FDT': boards[0]}


ARCHES = {
    'amd64': Arch('x86_64', ['q35', 'pc', 'microvm,pcie=on'],
        ['microvm', 'q35,vmport=off,smm=off', 'pc,acpi=off'],
        'com0', 'x86_64-linux-gnu-',
        ['qemu64', 'max', 'Nehalem', 'EPYC', 'max,tcg-cpuid=off',
            'qemu64,hypervisor=off'],
        exits=['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
        mmio={'by ACPI': 'microvm', 'on the command line':
            'microvm,acpi=off,pit=on,pic=on,rtc=on'}),
    'arm64': Arch('aarch64', ['virt,gic-version=3', 'virt,gic-version=2',
        'virt,gic-version=3,its=off'],
        ['virt,virtualization=on,gic-version=3', 'virt,virtualization=on',
            'virt,highmem=off', 'virt,acpi=off', 'virt-7.2'],
        'pluart0', 'aarch64-linux-gnu-',
        ['cortex-a53', 'cortex-a57', 'cortex-a72', 'cortex-a76',
            'neoverse-n1', 'max'], cpu='cortex-a72'),
    'riscv64': Arch('riscv64', ['virt', 'virt,aia=aplic',
        'virt,aia=aplic-imsic'], ['virt,acpi=off'],
        'com0', 'riscv64-linux-gnu-', ['rv64', 'max', 'rv64,sstc=off'],
        exits=[]),
}
# the same machine with another order of bytes
ARCHES['arm64eb'] = ARCHES['arm64']
THIS = ARCHES[ARCH]
BIG_ENDIAN = ARCH.endswith('eb')
ORDER = '>' if BIG_ENDIAN else '<'	# for struct
USER_FLAGS = ['-mbig-endian'] if BIG_ENDIAN else []
COMPILER = 'gcc' if THIS.qemu.endswith(os.uname().machine) else \
    THIS.cross + 'gcc'
BOARDS = THIS.boards
# make exports it also where it is empty
QEMU = os.environ.get('QEMU') or THIS.qemu

OVMF = ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_CODE.fd']

PROMPT = '# '
TIMEOUT = float(os.environ.get("GUEST_TIMEOUT") or 60)

# Everything that is alive, for the reports of failures and for the end.
guests = []


class GuestError(AssertionError):
    """The guest did not do what was waited for."""


class Stream:
    """One end of a byte stream to the guest, read as it comes."""

    def __init__(self):
        self.sock, self.theirs = socket.socketpair()
        self.data = bytearray()
        self.eof = False
        self.at = 0		# what expect() has gone past
        self.cond = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)

    def start(self):
        self.theirs.close()
        self.thread.start()

    def _read(self):
        while True:
            try:
                got = self.sock.recv(65536)
            except OSError:
                got = b''
            with self.cond:
                self.data += got
                self.eof = not got
                self.cond.notify_all()
                if self.eof:
                    return

    def text(self, start=0):
        with self.cond:
            return self.data[start:].decode('latin-1')

    def tail(self, lines=40):
        return '\n'.join(self.text().replace('\r', '').split('\n')[-lines:])

    def send(self, text):
        self.sock.sendall(text.encode('latin-1'))

    def expect(self, pattern, timeout=TIMEOUT):
        """Waits for the pattern after what was expected before; the match."""
        regex = re.compile(pattern.encode('latin-1'), re.M | re.S)
        end = time.monotonic() + timeout
        with self.cond:
            seen = self.at
            while True:
                match = regex.search(self.data, self.at)
                if match:
                    self.at = match.end()
                    return match
                seen = len(self.data)
                left = end - time.monotonic()
                why = 'the guest ended' if self.eof else \
                    f'{timeout} s went by' if left <= 0 else None
                if why:
                    raise GuestError(f'{why} before {pattern!r}; console:\n' +
                        self.data.decode('latin-1').replace('\r', '')[-4000:])
                while len(self.data) == seen and not self.eof and left > 0:
                    self.cond.wait(left)
                    left = end - time.monotonic()

    def wait_eof(self, timeout=TIMEOUT):
        self.thread.join(timeout)
        return self.eof

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Qmp:
    """QEMU's machine protocol."""

    def __init__(self):
        self.stream = Stream()
        self.replies = 0
        self.ready = False

    def _lines(self):
        return [json.loads(line) for line in
            self.stream.text().split('\r\n')[:-1]]

    def _wait(self, pick, timeout):
        end = time.monotonic() + timeout
        while True:
            with self.stream.cond:
                size, eof = len(self.stream.data), self.stream.eof
            found = pick(self._lines())
            if found is not None:
                return found
            left = end - time.monotonic()
            if eof or left <= 0:
                raise GuestError('QMP: no answer')
            with self.stream.cond:
                if len(self.stream.data) == size:
                    self.stream.cond.wait(left)

    def command(self, execute, timeout=TIMEOUT, **arguments):
        """Runs a command; what it returns."""
        if not self.ready:
            self.ready = True
            self.command('qmp_capabilities')
        self.replies += 1
        number = self.replies
        line = {'execute': execute, 'id': number}
        if arguments:
            line['arguments'] = arguments
        self.stream.send(json.dumps(line) + '\n')

        def mine(lines):
            return next((l for l in lines if l.get('id') == number), None)

        reply = self._wait(mine, timeout)
        if 'error' in reply:
            raise GuestError(f'QMP: {execute}: {reply["error"]["desc"]}')
        return reply['return']

    def wait_event(self, name, timeout=TIMEOUT):
        """Waits for an event of that name, also one that came before."""
        if not self.ready:
            self.command('query-name')
        return self._wait(lambda lines: next(
            (l for l in lines if l.get('event') == name), None), timeout)


class Guest:
    """A QEMU with one guest in it.

    args     more of QEMU's arguments; a string is split at its blanks
    append   the kernel's command line
    kernel   None: something else boots it
    initrd   a root image instead of the one in the kernel
    extra    names of further streams: {name} in args becomes the number of
             the file descriptor of a socket, and self.streams[name] its
             other end
    within   a command that QEMU is to be run by
    """

    def __init__(self, *args, append='', kernel=KERNEL, initrd=None,
            machine=BOARDS[0], mem='128M', smp=1, accel='tcg', cpu=THIS.cpu,
            exits=True, reboot=False, serial=True, extra=(), qemu=QEMU,
            within=()):
        self.console = Stream()
        self.qmp = Qmp()
        self.streams = {name: Stream() for name in extra}
        fds = {name: s.theirs.fileno() for name, s in self.streams.items()}
        words = []
        for arg in args:
            words += shlex.split(arg) if isinstance(arg, str) else arg
        words = [re.sub(r'\{(\w+)\}', lambda m: str(fds[m[1]]), w)
            for w in words]
        self.command = [*within, qemu, '-nodefaults', '-machine', machine,
            '-accel', accel, '-m', str(mem), '-smp', str(smp),
            '-display', 'none',
            '-chardev', f'socket,id=qmp,fd={self.qmp.stream.theirs.fileno()}',
            '-mon', 'chardev=qmp,mode=control']
        if serial:
            self.command += ['-chardev',
                f'socket,id=com0,fd={self.console.theirs.fileno()}',
                '-serial', 'chardev:com0']
        if cpu:
            self.command += ['-cpu', cpu]
        if not reboot:
            self.command += ['-no-reboot']
        if exits and THIS.exits:
            self.command += THIS.exits
        if kernel:
            if not pathlib.Path(kernel).exists():
                raise GuestError(f'{kernel} is missing: run make first')
            self.command += ['-kernel', str(kernel)]
            if append:
                self.command += ['-append', append]
            if initrd:
                self.command += ['-initrd', str(initrd)]
        self.command += words
        self.exits = exits
        self.serial = serial
        self.count = 0
        self.printed = ''
        fd_list = [self.console.theirs.fileno(),
            self.qmp.stream.theirs.fileno(), *fds.values()]
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, pass_fds=fd_list,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.everything = [self.console, self.qmp.stream,
            *self.streams.values()]
        for stream in self.everything:
            stream.start()
        guests.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()

    def kill(self):
        """Ends the guest, if it did not end by itself."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        for stream in self.everything:
            stream.close()
        if self in guests:
            guests.remove(self)

    def wait_shell(self, timeout=TIMEOUT, stream=None):
        """Waits for the shell's first prompt."""
        (stream or self.console).expect('^' + PROMPT, timeout)

    def run(self, command, timeout=TIMEOUT, stream=None):
        """Runs a command at the shell; what it printed, and its status."""
        stream = stream or self.console
        self.count += 1
        mark = f'@{self.count}@'
        typed = f'{command}; echo {mark}$?'
        start = stream.at
        stream.send(typed + '\n')
        match = stream.expect(f'{mark}(\\d+)\r?\n', timeout)
        output = stream.text(start)[:match.start() - start]
        stream.expect(PROMPT, timeout)
        # a message of the kernel may stand in the middle of what was typed
        output = output[max(output.rfind(f'{mark}$?'), 0):]
        return output.replace('\r\n', '\n').partition('\n')[2], \
            int(match[1])

    def output(self, command, timeout=TIMEOUT):
        """Runs a command that must succeed; what it printed."""
        output, status = self.run(command, timeout)
        if status != 0:
            raise GuestError(f'{command}: status {status}: {output}')
        return output

    def wait(self, timeout=TIMEOUT):
        """Waits for QEMU's end; the guest's exit status."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise GuestError(f'still running after {timeout} s; console:\n' +
                self.console.tail()) from None
        for stream in self.everything:
            stream.wait_eof()
        errors = [l for l in self.said().splitlines()
            if l.startswith('qemu') and ' warning: ' not in l]
        if errors:
            raise GuestError('\n'.join(errors))
        if self.exits and THIS.exits is None and code == 0:
            return self.console_status()
        # isa-debug-exit: twice the status and one.
        return code // 2 if self.exits and THIS.exits and code % 2 else code

    def console_status(self):
        """The status as the console has it, 125 after a panic."""
        text = ''.join(s.text() for s in [self.console,
            *self.streams.values()]).replace('\r', '')
        match = re.findall(r'^paravane: exit (\d+)$', text, re.M)
        return int(match[-1]) if match else \
            125 if re.search(r'^panic: ', text, re.M) else 0

    def said(self):
        """What QEMU itself printed, when it has ended."""
        if self.process.poll() is None or self.process.stdout.closed:
            return ''
        self.printed += self.process.stdout.read().decode('latin-1')
        return self.printed

    def text(self):
        """All of the console so far."""
        return self.console.text().replace('\r', '')


def boot(*args, timeout=TIMEOUT, **more):
    """Boots, waits for the power-off; the console's text and the status."""
    with Guest(*args, **more) as guest:
        status = guest.wait(timeout)
        return guest.text(), status


def drivable(options):
    """Of some devices' options those that this kernel drives: not those of
    0.9 alone where the order of bytes is another."""
    return [o for o in options if not BIG_ENDIAN or 'disable-modern' not in o]


def blockdev(path, node='d0', fmt=None, **options):
    """The arguments for a node of an image, by its name raw or qcow2."""
    path = pathlib.Path(path)
    fmt = fmt or ('qcow2' if path.suffix == '.qcow2' else 'raw')
    extra = ''.join(f',{k}={v}' for k, v in options.items())
    return ['-blockdev', f'driver={fmt},node-name={node},file.driver=file,'
        f'file.filename={path},file.locking=off{extra}']


def disk(path, node='d0', device='', fmt=None, **options):
    """The arguments for a virtio disk on an image; device: more of its
    properties."""
    return blockdev(path, node, fmt, **options) + ['-device',
        f'virtio-blk-pci,drive={node}' + (',' + device if device else '')]


def make_root(path, files, modes=None):
    """A root image with these files ({'/etc/x': bytes}) laid over the
    default one; executable unless modes has another mode."""
    top = pathlib.Path(str(path) + '.d')
    for name, data in files.items():
        file = top / name.lstrip('/')
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod((modes or {}).get(name, 0o755))
    subprocess.run(['/usr/bin/python3', '-B', TOP / 'tools' / 'mkcpio',
        '-b', ROOT, path, '', top], check=True)
    return path


def has_file(name):
    """Whether the compiler for the guest comes with such a file."""
    r = subprocess.run([COMPILER, f'-print-file-name={name}'],
        capture_output=True, text=True, check=True)
    return r.stdout.strip() != name


# Of what takes the place of a C library where there is none.
NOLIBC = ['bin/crunch/nolibc.c', 'bin/crunch/nolibc_start.S',
    'bin/crunch/libc.c', 'bin/crunch/util.c', 'tests/boot/progs/nolibc.c']


def compile(source, out, *flags):
    """Compiles a program for the guest, with its C library or with ours."""
    more = ['-nostdlib', '-D_GNU_SOURCE', '-fno-stack-protector', '-w',
        '-fno-builtin', '-fno-tree-loop-distribute-patterns',
        '-mno-outline-atomics', '-U_FORTIFY_SOURCE', '-Ibin/crunch/nolibc',
        *NOLIBC] if BIG_ENDIAN else []
    subprocess.run([COMPILER, *USER_FLAGS, '-O1', *flags, '-o', out, source,
        *more], check=True, cwd=TOP)


def program(name, directory):
    """A program of progs/, compiled in that directory: its bytes."""
    out = pathlib.Path(directory) / name
    compile(TOP / 'tests' / 'boot' / 'progs' / f'{name}.c', out, '-static',
        '-Wall', '-Wextra')
    return out.read_bytes()


def busybox():
    """The path of a static busybox for the guest, or None."""
    if COMPILER == 'gcc':
        return shutil.which('busybox')
    r = subprocess.run([TOP / 'tools' / 'deps', 'busybox', ARCH],
        capture_output=True, text=True)
    return r.stdout.strip() if r.returncode == 0 else None


def sfdisk():
    """The path of sfdisk, also where it is root's alone, or None."""
    return shutil.which('sfdisk') or shutil.which('/usr/sbin/sfdisk')


def another_qemu(word):
    r = subprocess.run([TOP / 'tools' / 'deps', word, THIS.qemu],
        capture_output=True, text=True)
    return r.stdout.strip() if r.returncode == 0 else None


def qemu72():
    """The path of an old QEMU, if there is one to be had."""
    return another_qemu('qemu72')


def qemu11():
    """The path of one that is a client of vfio-user, likewise."""
    return another_qemu('qemu11')


def device_has(device, prop, qemu=QEMU):
    """Whether this QEMU has such a device with that property."""
    r = subprocess.run([qemu, '-device', f'{device},help'],
        capture_output=True, text=True)
    return re.search(rf'^  {prop}=', r.stdout, re.M) is not None


def aio_blocks(seed, first, count):
    """Blocks of a disk, of 4 KB, as progs/aio.c wants to find them."""
    return b''.join(struct.pack('<512Q', *range((seed << 48) + (n << 16),
        (seed << 48) + (n << 16) + 512)) for n in range(first, first + count))


def dmesg_lines(text):
    """The lines of the autoconf messages in a console's text."""
    return [line for line in text.splitlines()
        if re.match(r'[a-z]+\d+ at [a-z]+\d*\b', line) or
        line.endswith('not configured')]


def mentions(text, word):
    """The lines of the console's text that have this word in them."""
    return [line for line in text.splitlines() if word in line]
