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

"""Programs that no compiler would make: pieces of assembly for each
architecture, and what they are linked to."""

import subprocess

from guest import ARCH, COMPILER, USER_FLAGS

GENERIC = {'read': 63, 'write': 64, 'chdir': 49, 'execve': 221, 'exit': 93}
CALLS = {
    'amd64': {'read': 0, 'write': 1, 'chdir': 80, 'execve': 59, 'exit': 60},
}.get(ARCH, GENERIC)

KERNEL_ADDRESS = 0xffffffff80000000
NO_ADDRESS = 0x8000000000000000

FAMILY = ARCH.removesuffix('eb')


def call(number, *args):
    """A system call, whose result goes where the next one's result goes."""
    args += (0,) * (3 - len(args))
    if FAMILY == 'amd64':
        places = zip(['rax', 'rdi', 'rsi', 'rdx'], (number, *args))
        return ''.join(f'movabs ${v:#x}, %{r}\n' for r, v in places) + \
            'syscall\n'
    if FAMILY == 'arm64':
        places = zip(['x8', 'x0', 'x1', 'x2'], (number, *args))
        return ''.join(f'ldr {r}, ={v:#x}\n' for r, v in places) + 'svc #0\n'
    places = zip(['a7', 'a0', 'a1', 'a2'], (number, *args))
    return ''.join(f'li {r}, {v:#x}\n' for r, v in places) + 'ecall\n'


def leave(status):
    return call(CALLS['exit'], status)


def leave_by_result(none, some):
    """Exits with none if the last call gave an error or nothing."""
    test = {
        'amd64': 'test %rax, %rax\njg 1f\n',
        'arm64': 'cmp x0, #0\nb.gt 1f\n',
        'riscv64': 'bgtz a0, 1f\n',
    }[FAMILY]
    return test + leave(none) + '1:\n' + leave(some)


# What a program must not do, and what it does in place of it.
WRONG = {
    'amd64': {
        'write to null': 'movl $1, 0',
        'read of the kernel': 'mov 0xffffffff80000000, %rax',
        'write of the kernel': 'movl $1, 0xffffffff80000000',
        'jump to nowhere': 'mov $0x123456789000, %rax; jmp *%rax',
        'non-canonical': 'mov $0x8000000000000000, %rax; mov (%rax), %rax',
        'privileged': 'cli',
        'halt': 'hlt',
        'port': 'mov $0xf4, %dx; out %al, %dx',
        'undefined': 'ud2',
        'divide': 'xor %ecx, %ecx; div %ecx',
        'breakpoint': 'int3',
        'interrupt gate': 'int $0x20',
        'stack': 'xor %esp, %esp; push %rax',
        'execute data':
            'lea d(%rip), %rax; jmp *%rax\n.data\nd: nop\n.text',
        'write code': 'movb $1, _start(%rip)',
        'user gs': 'wrmsr',
    },
    'arm64': {
        'write to null': 'mov x1, #0\nstr w0, [x1]',
        'read of the kernel': 'ldr x1, =0xffffffff80000000\nldr x0, [x1]',
        'write of the kernel': 'ldr x1, =0xffffffff80000000\nstr x0, [x1]',
        'jump to nowhere': 'ldr x1, =0x123456789000\nbr x1',
        'jump to an odd place': 'ldr x1, =_start + 2\nbr x1',
        'no address at all': 'ldr x1, =0x8000000000000000\nldr x0, [x1]',
        'privileged': 'msr ttbr0_el1, x0',
        'masks interrupts': 'msr daifset, #2',
        'halt': 'hlt #0',
        'hypervisor call': 'hvc #0',
        'firmware call': 'smc #0',
        'undefined': '.inst 0',
        'breakpoint': 'brk #0',
        'stack': 'mov x1, #0\nmov sp, x1\nstr x0, [sp, #-16]!',
        'execute data':
            'ldr x1, =d\nbr x1\n.data\n.balign 4\nd: nop\n.text',
        'write code': 'ldr x1, =_start\nstrb w0, [x1]',
        'timer of the kernel': 'msr cntv_ctl_el0, x0',
    },
    'riscv64': {
        'write to null': 'sw a0, 0(zero)',
        'read of the kernel': 'li a1, 0xffffffff80000000\nld a0, 0(a1)',
        'write of the kernel': 'li a1, 0xffffffff80000000\nsd a0, 0(a1)',
        'jump to nowhere': 'li a1, 0x123456789000\njr a1',
        'no address at all': 'li a1, 0x8000000000000000\nld a0, 0(a1)',
        'privileged': 'csrw satp, zero',
        'masks interrupts': 'csrci sstatus, 2',
        'back to nobody': 'sret',
        'undefined': '.word 0',
        'breakpoint': 'ebreak',
        'stack': 'li sp, 0\nsd a0, -16(sp)',
        'execute data': 'la a1, d\njr a1\n.data\n.balign 4\nd: nop\n.text',
        'write code': 'la a1, _start\nsb a0, 0(a1)',
        'firmware register': 'csrr a0, mstatus',
    },
}[FAMILY]


def elf(tmp_path, source):
    """A static program from a piece of assembly."""
    (tmp_path / 'p.S').write_text('.globl _start\n_start:\n' + source +
        '\n.section .note.GNU-stack, "", %progbits\n')
    subprocess.run([COMPILER, *USER_FLAGS, '-nostdlib', '-static',
        '-Wl,--build-id=none', '-o', tmp_path / 'p', tmp_path / 'p.S'],
        check=True)
    return bytearray((tmp_path / 'p').read_bytes())
