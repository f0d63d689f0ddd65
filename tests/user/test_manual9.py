# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""Section 9 of the manual, against the headers: each prototype is as it is
declared, each function of a header that is described is there, each member
exists, and code that is shown is the code."""

import pathlib
import re
import shlex

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SYS = TOP / 'sys'
PAGES = sorted((TOP / 'share/man/man9').glob('*.9'))
EXAMPLE = 'share/examples/vioex/vioex.c'

# What has no page, though its header has one: True, all that is left.
NOT_HERE = {
    'sys/md.h': (True, 'what a machine owes: porting(7)'),
    'sys/selinfo.h': (('selowner', 'selgone', 'selreq_create',
        'selreq_destroy', 'selreq_reset', 'selreq_marked', 'selreq_mark',
        'selchan_marks', 'selchan_sleep', 'poll_file'),
        'between the device switch, poll and epoll'),
    'sys/timeout.h': (('timeout_init',), 'main calls it'),
    'sys/systm.h': (('time_init',), 'main calls it'),
    'sys/mbuf.h': (('mbuf_init',), 'main calls it'),
    'sys/rnd.h': (('rnd_init', 'chacha20_block'), 'main; a test'),
    'sys/task.h': (('taskq_run',), 'main makes a thread of it'),
    'sys/intr.h': (('softintr_run',), 'for a machine: porting(7)'),
}


# --- C ------------------------------------------------------------------------

def without_comments(text):
    return re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)


def without_bodies(text):
    """Without preprocessor lines and without what is in braces."""
    text = re.sub(r'^#(.*\\\n)*.*', '', without_comments(text), flags=re.M)
    before = None
    while before != text:
        before, text = text, re.sub(r'\{[^{}]*\}', ';', text)
    return text


def split(args):
    """At the commas that are in no parentheses."""
    parts, depth = [''], 0
    for c in args:
        depth += {'(': 1, ')': -1}.get(c, 0)
        if c == ',' and depth == 0:
            parts.append('')
        else:
            parts[-1] += c
    return [' '.join(p.split()) for p in parts]


def argument(text):
    """Its type and its name, or '' for that."""
    text = re.sub(r'\b__\w+(\([^()]*\))?', '', text)
    pointer = re.search(r'\(\*\s*(\w*)\)', text)
    if pointer:
        text = text.replace(pointer[0], '(*)')
        type_, rest = text.split('(*)', 1)
        inner = re.match(r'\s*\((.*)\)$', rest)
        if inner:
            rest = '(' + ', '.join(argument(a)[0]
                for a in split(inner[1])) + ')'
        return tidy(type_ + '(*)' + rest), pointer[1]
    array = ''.join(re.findall(r'\[\w*\]', text))
    words = re.findall(r'\w+|\*|\.\.\.', re.sub(r'\[\w*\]', '', text))
    plain = [w for w in words if w not in ('const', '*', 'volatile')]
    n = 2 if plain and plain[0] in ('struct', 'enum', 'union') else 1
    name = plain[n] if len(plain) > n else ''
    if name:
        words.reverse()
        words.remove(name)
        words.reverse()
    return tidy(' '.join(words) + array), name


def tidy(type_):
    return re.sub(r'\s*([*()\[\],])\s*', r'\1', ' '.join(type_.split()))


def returned(text):
    return tidy(re.sub(r'\b(static|inline|extern)\b|\b__\w+', '', text))


NESTED = r'((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)'


def declarations(text):
    """By name: what it returns and its arguments."""
    found = {}
    for statement in re.split(r';', without_bodies(text)):
        m = re.match(rf'\s*((?:[\w*]+[\s*]+)+)(\w+)\s*\({NESTED}\)\s*'
            r'(__\w+(\([^()]*\))?\s*)*$', statement)
        if m and not re.match(r'\s*(typedef|return)\b', m[1]) and \
                not m[2].startswith('_'):
            found[m[2]] = returned(m[1]), [argument(a) for a in split(m[3])]
    return found


def header(path):
    text = (SYS / path).read_text()
    if path == 'sys/wire.h':		# its macro, for each order and width
        body = re.search(r'#define WIRE_DECL(.*?)\n(?=WIRE_DECL)', text,
            re.S)[1].replace('\\\n', '\n')
        for order, bits in re.findall(r'^WIRE_DECL\((\w+), (\d+)', text,
                re.M):
            text += re.sub(r'order##bits##', order + bits, body).replace(
                'uint##bits##_t', f'uint{bits}_t').partition(')')[2]
    return text


HEADERS = {}


def declared(path):
    if path not in HEADERS:
        text = header(path)
        macros = {m[1]: split(m[2]) for m in re.finditer(
            r'^#define\s+(\w+)\(([^()]*)\)', text, re.M)}
        HEADERS[path] = declarations(text), macros
    return HEADERS[path]


def definitions():
    """The names of the arguments of each function, where it is written."""
    found = {}
    for path in SYS.glob('**/*.c'):
        if 'hosted' in path.parts:
            continue
        for m in re.finditer(rf'^(\w+)\({NESTED}\)\n\{{', path.read_text(),
                re.M):
            found.setdefault(m[1], []).append(
                [argument(a)[1] for a in split(m[2])])
    return found


DEFINED = definitions()


# --- pages --------------------------------------------------------------------

class Page:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        synopsis = self.text.partition('.Sh SYNOPSIS')[2].partition('\n.Sh ')
        self.body = synopsis[2]
        self.headers = []
        self.prototypes = []
        type_ = ''
        for line in synopsis[0].splitlines():
            macro, _, rest = line.partition(' ')
            words = shlex.split(rest) if macro in ('.In', '.Ft', '.Fn') else []
            if macro == '.In':
                self.headers += words
            elif macro == '.Ft':
                type_ = tidy(' '.join(words))
            elif macro == '.Fn':
                self.prototypes.append((self.headers[-1], type_, words[0],
                    words[1:]))
                type_ = ''

    def shown(self):
        """The code that is said to be that of a file."""
        for path, code in re.findall(r'^\.\\" from (\S+)\n\.Bd -literal.*\n'
                r'((?:.*\n)*?)\.Ed$', self.text, re.M):
            yield path, re.sub(r'^\\&', '', code, flags=re.M).replace(
                r'\e', '\\')


MANUAL = {path.stem: Page(path) for path in PAGES}
each_page = pytest.mark.parametrize('page', MANUAL.values(),
    ids=MANUAL.keys())


def wrong(page):
    """What is not as the header, or the source, has it."""
    for path, type_, name, args in page.prototypes:
        functions, macros = declared(path)
        if not type_:
            if macros.get(name) != split(','.join(args)):
                yield path, name, macros.get(name)
            continue
        if name not in functions:
            yield path, name, 'not declared'
            continue
        mine = [argument(a) for a in args]
        gives, theirs = functions[name]
        if (type_, [t for t, _ in mine]) != (gives, [t for t, _ in theirs]):
            yield path, name, (gives, theirs)
        names = [n for _, n in mine]
        if any(n and n != m for (_, n), m in zip(theirs, names)):
            yield path, name, theirs
        if name in DEFINED and names not in DEFINED[name]:
            yield path, name, DEFINED[name]


@each_page
def test_each_prototype_is_as_it_is_declared(page):
    assert list(wrong(page)) == []


@each_page
def test_each_function_that_is_shown_is_a_name_of_its_page(page):
    names = re.findall(r'^\.Nm (\S+)', page.text.split('.Sh SYNOPSIS')[0],
        re.M)
    assert page.path.stem in names
    for _, type_, name, _ in page.prototypes:
        assert name in names or not type_, name


def test_a_wrong_prototype_is_found():
    """The parser must be able to tell."""
    page = MANUAL['kmem']
    right = page.prototypes
    try:
        for old, new in (('size_t size', 'int size'),
                ('size_t size', 'size_t n'), ('size_t size', 'size_t *size'),
                ('int flags', 'const void *flags')):
            page.prototypes = [(h, t, n, [new if a == old else a
                for a in args]) for h, t, n, args in right]
            assert list(wrong(page)), (old, new)
        page.prototypes = [(h, 'int', n, a) for h, _, n, a in right]
        assert len(list(wrong(page))) == len(right)
        page.prototypes = [(h, t, n, a[:-1]) for h, t, n, a in right]
        assert len(list(wrong(page))) >= len(right)
    finally:
        page.prototypes = right


def test_each_function_of_a_header_that_is_described_has_a_page():
    shown = {}
    for page in MANUAL.values():
        for path, _, name, _ in page.prototypes:
            shown.setdefault(path, set()).add(name)
    for path, names in shown.items():
        functions = {n for n in declared(path)[0]
            if not re.match(r'(le|be)(8|32|64|16)_', n)}
        left, why = NOT_HERE.get(path, ((), ''))
        if left is not True:
            assert functions - names - set(left) == set(), path
            assert set(left) <= functions - names, (path, why)


def reach(path, seen):
    """That header and those that it includes."""
    if path not in seen and (SYS / path).exists():
        seen[path] = without_comments((SYS / path).read_text())
        for more in re.findall(r'^#include <(\S+)>', seen[path], re.M):
            reach(more, seen)
    return seen


@each_page
def test_each_member_that_is_named_exists(page):
    seen = {}
    near = [MANUAL[p] for p in re.findall(r'^\.Xr (\S+) 9', page.text, re.M)
        if p in MANUAL]
    for path in [h for p in [page, *near] for h in p.headers]:
        reach(path, seen)
    known = ' '.join(seen.values()) + ' '.join(
        code for _, code in page.shown())
    words = set(re.findall(r'\w+', known))
    for line in re.findall(r'^\.(?:It )?Va (.*)', page.body, re.M):
        for word in re.findall(r'[\w.]+', line.partition(' Ns')[0]):
            assert all(w in words for w in word.split('.') if w), line


@each_page
def test_each_constant_that_is_named_exists(page):
    known = {'NULL', 'O_NONBLOCK'}
    for path in SYS.glob('**/*.h'):
        known.update(re.findall(r'\b[A-Z][A-Z0-9_]*\b',
            without_comments(path.read_text())))
    for line in re.findall(r'^\.(?:It |Er )?Dv (.*)', page.text, re.M):
        for word in re.findall(r'[A-Z][A-Z0-9_]+\*?', line):
            assert word in known or (word.endswith('*') and
                any(k.startswith(word[:-1]) for k in known)), word


@each_page
def test_code_that_is_shown_is_that_of_the_file(page):
    for path, code in page.shown():
        assert code in (TOP / path).read_text(), (path, code)


def test_the_example_is_shown_as_a_whole():
    """Each line of it, in its order."""
    shown = [line for path, code in MANUAL['virtio'].shown()
        if path == EXAMPLE for line in code.splitlines() if line]
    source = (TOP / EXAMPLE).read_text()
    whole = source[source.index('#include'):].splitlines()
    assert shown == [line for line in whole if line]


@each_page
def test_each_file_that_is_named_exists(page):
    for name in re.findall(r'^\.(?:It )?Pa ((?:sys|tools|tests|share)/.*)',
            page.text, re.M):
        for path in name.replace(' ,', '').split():
            if '/' in path and '*' not in path and ' Ns' not in name:
                assert (TOP / path).exists(), path


def test_each_page_is_in_the_index():
    index = set(re.findall(r'^\.(?:It )?Xr (\S+) 9', MANUAL['intro'].text,
        re.M))
    assert index == set(MANUAL) - {'intro'}
