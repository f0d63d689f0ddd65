# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""A guest on the test hypervisor, which poses as one that QEMU is not.

    g = HvGuest('pose=vmware', 'guestinfo.a=b')
    g.wait_shell()
    g.hv('set guestinfo.c some value')
    g.hv_wait('^rpc "log')

What the hypervisor is told, and what it tells, is in tests/hv/README.
"""

import re
import time

from guest import Guest, GuestError, KERNEL, TIMEOUT, TOP

SHIM = TOP / 'build' / 'hv' / 'shim'

# A space is the end of a word, so options have it this way.
ESCAPES = {'\\': r'\\', '\n': r'\n', ' ': r'\s', '\0': r'\x00'}


def escape(value, blanks=True):
    """A value, text or bytes, for a command or an option."""
    text = value if isinstance(value, str) else value.decode('latin-1')
    return ''.join(c if c == ' ' and blanks else ESCAPES.get(c) or
        (c if ' ' <= c <= '~' else f'\\x{ord(c):02x}') for c in text)


def unescape(text):
    """The bytes of a value in an answer or an event."""
    return re.sub(r'\\(x[0-9a-f]{2}|.)', lambda m: '\n' if m[1] == 'n' else
        chr(int(m[1][1:], 16)) if m[1][0] == 'x' else m[1],
        text).encode('latin-1')


class HvGuest(Guest):
    """A QEMU with a hypervisor in it, and a guest in that.

    pose      'pose=NAME[,NAME...]'
    options   more words for the hypervisor
    commands  said to it before the guest starts
    append    the command line of the guest's kernel
    initrd    a root image for the guest instead of the one in its kernel
    guest     the guest's kernel
    The rest is what Guest takes: behind the options QEMU's arguments.
    """

    def __init__(self, pose, options='', *args, commands=(), append='',
            initrd=None, guest=KERNEL, cpu='max', extra=(), **more):
        for file in SHIM, guest:
            if not file.exists():
                raise GuestError(f'{file} is missing: run make hv all first')
        module = f'{guest} {append}'.strip().replace(',', ',,')
        if initrd:
            module += ',' + str(initrd).replace(',', ',,')
        words = [pose, options, 'wait' if commands else '']
        super().__init__('-chardev socket,id=hv,fd={hv} -serial chardev:hv',
            *args, kernel=SHIM, append=' '.join(w for w in words if w),
            initrd=module, cpu=cpu, extra=('hv', *extra), **more)
        if commands:
            try:
                self.hv_wait('^hello$')
                for command in [*commands, 'go']:
                    self.hv(command)
            except GuestError:
                self.kill()
                raise

    def hv(self, command, timeout=TIMEOUT):
        """Has the hypervisor do something; its answer, without the ok."""
        stream = self.streams['hv']
        with stream.cond:
            start = len(stream.data)
        stream.send(command + '\n')
        end = time.monotonic() + timeout
        with stream.cond:
            while True:
                match = re.search(rb'^(ok|error)(?: ([^\n]*))?\n',
                    stream.data[start:], re.M)
                left = end - time.monotonic()
                if match or left <= 0 or stream.eof:
                    break
                stream.cond.wait(left)
        text = (match[2] or b'').decode('latin-1') if match else 'no answer'
        if not match or match[1] != b'ok':
            raise GuestError(f'hypervisor: {command[:80]}: {text}')
        return text

    def hv_wait(self, pattern, timeout=TIMEOUT):
        """Waits for an event behind those waited for before; the match, of
        bytes, of a regular expression where ^ and $ are ends of lines."""
        return self.streams['hv'].expect(pattern, timeout)

    def hv_text(self):
        """All that the hypervisor has said so far."""
        return self.streams['hv'].text()
