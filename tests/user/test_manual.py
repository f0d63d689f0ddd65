# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The manual, against the sources: what a driver says, what it negotiates and
how it is configured is in its page, and each page that is referred to exists."""

import html.parser
import pathlib
import re
import subprocess
import urllib.parse

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = {p: p.read_text() for p in
    sorted((TOP / 'share' / 'man').glob('man*/*.[1-9]'))}
# of other systems' manuals, and so are their sections 2 and 3
ELSEWHERE = {('make', '1'), ('termios', '4'), ('vmd', '8')}


def names(text):
    head = text.split('.Sh NAME')[1].split('.Sh ')[0]
    return re.findall(r'^\.Nm (\S+)', head, re.M)


NAMED = {(name, path.suffix[1:]): text for path, text in PAGES.items()
    for name in names(text)}


def source(path):
    return (TOP / path).read_text()


def sources():
    for where in 'sys/dev', 'sys/scsi', 'sys/arch', 'sys/kern', 'sys/net', \
            'sys/netinet', 'sys/netinet6', 'sys/vm', 'sys/compat':
        yield from sorted(p for p in (TOP / where).rglob('*.c')
            if 'hosted' not in p.parts)


def pages_of(path):
    """The pages that may explain what this file prints: that of the driver
    it is part of, or any where it is part of none."""
    stem = re.sub(r'^if_|^pv_', '', path.stem)
    if path.parent.name == 'scsi':
        stem = {'disk': 'sd'}.get(stem, stem)
    while stem and 'arch' not in path.parts:
        if (stem, '4') in NAMED:
            return [NAMED[stem, '4']]
        stem = stem.rpartition('_')[0]
    return [text for (_, section), text in NAMED.items() if section in '478']


def page_of(path):
    return pages_of(path)[0]


def plain(text):
    """Without what stands for a value, and what the core adds."""
    text = re.sub(r'%[-#0-9.*]*(ll|[lhz])?[a-zA-Z]', '%', text)
    text = re.sub(r'\b\d+\b', '%', text)
    text = re.sub(r'%(:?%)+', '%', text)
    return re.sub(r'\s+', ' ', text).strip()


# what others' messages are put into
FRAMES = {'panic:', '% at root: %', '%+0x%'}


def has_words(text):
    """Something of its own, not only what is put in elsewhere."""
    return text not in FRAMES and re.sub(r'[%:, ]|screen', '', text) != ''


def bare(text):
    """Without the device's name before it, and what was done after it."""
    text = re.sub(r'^\S+?: ', '', text)
    return re.sub(r'(; reset|; not used any more|, not used)$', '', text)


def diagnostics(page):
    for quoted in re.findall(r'^\.It "(.*)"', page, re.M):
        text = bare(plain(quoted.replace(r'\e', '\\')))
        if has_words(text):
            yield text


SAYS = re.compile(r'\b(device_printf|device_describe|virtio_fail|'
    r'virtio_giveup|printf)\(([^;]*?)\);',
    re.S)


def said(path):
    for call in SAYS.finditer(source(path)):
        literals = re.search(r'("(?:[^"\\]|\\.)*"\s*)+', call[2])
        if literals is None:
            continue
        text = ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals[0]))
        text = bare(plain(text.replace(r'\n', '')))
        if has_words(text):
            yield text


def alike(said, told):
    """The page may say more, or have a value for what stands for one."""
    def pattern(text):
        return '.*'.join(map(re.escape, text.split('%')))
    return re.search(pattern(said), told) or re.fullmatch(pattern(told), said)


@pytest.mark.parametrize('path', [p for p in sources()
    if SAYS.search(p.read_text())],
    ids=lambda p: str(p.relative_to(TOP / 'sys')))
def test_what_a_driver_says_is_in_its_page(path):
    told = [text for page in [*pages_of(path), NAMED['virtio', '4']]
        for text in diagnostics(page)]
    assert [t for t in said(path) if not any(alike(t, x) for x in told)] == []


# behind "why", "return" and a question: what is put into another message
REASON = re.compile(r'(?:return \(|why = |\? |: )((?:"(?:[^"\\]|\\.)*"\s*)+)')
# answers to hosts and the names of kinds of device, which nobody diagnoses
NO_REASONS = {'vmt', 'pci', 'vfs_procfs', 'subr_prf', 'kern_exec'}


def running(page):
    """The text of a page, in one line."""
    return re.sub(r'\s+', ' ', re.sub(r'^\.[A-Z]\w* ?|"', '', page, flags=re.M))


@pytest.mark.parametrize('path', [p for p in sources()
    if REASON.search(p.read_text()) and p.stem not in NO_REASONS],
    ids=lambda p: str(p.relative_to(TOP / 'sys')))
def test_the_reasons_that_a_driver_gives_are_in_its_page(path):
    pages = ' '.join(running(text) for text in [*pages_of(path),
        *(NAMED[f'virtio{bus}', '4'] for bus in ('', '_pci', '_mmio'))])
    pages = re.sub(r'%\w+', '%', pages)
    for match in REASON.finditer(source(path)):
        text = ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[1]))
        text = plain(text.replace(r'\n', '').strip(' ,'))
        if ' ' not in text:
            continue
        assert all(piece.strip() in pages for piece in text.split('%')), text


# Feature bits: the drivers' tables.

def bits():
    """The numbers of the names."""
    found = {}
    for path in TOP.glob('sys/dev/pv/*reg.h'):
        for name, one in re.findall(
                r'^#define\s+(\w+_F_\w+)\s+\(?(?:1ULL << |VIRTIO_BIT\()(\d+)\)',
                path.read_text(), re.M):
            found[name] = int(one)
    return found


def features(path):
    """Rows of a table: bit, name, what it needs, use."""
    text, number = source(path), bits()
    table = re.search(r'struct virtio_feature \w+\[\] = \{(.*?)\n\};', text,
        re.S)[1]
    prefix = re.search(r'#define FEATURE\(.*?(\w+_F_)##', text, re.S)
    rows = []
    for name, rest in re.findall(r'FEATURE\((\w+),(.*?)\),\n', table, re.S):
        rows.append((prefix[1] + name, *rest.split(','), f'"{name}"'))
    for row in re.findall(r'^\t\{(.*?)\},?$', table, re.S | re.M):
        rows.append(row.split(','))
    for bit, needs, flags, quoted in rows:
        needs = re.findall(r'_F_(\w+)', needs)
        use = 'no' if 'UNUSED' in flags else 'required' if 'REQUIRED' in \
            flags else 'yes'
        yield number[bit.strip()], quoted.strip(' "\t\n'), needs, use


WITH_FEATURES = [p for p in sorted(TOP.glob('sys/dev/pv/*.c'))
    if re.search(r'struct virtio_feature \w+\[\] = \{', p.read_text())]


@pytest.mark.parametrize('path', WITH_FEATURES, ids=lambda p: p.stem)
def test_each_feature_a_driver_knows_is_named_in_its_page(path):
    page = page_of(path)
    named = [name for _, name, _, _ in features(path)]
    assert named
    assert not [n for n in named if not re.search(rf'\b{n}\b', page)]


@pytest.mark.parametrize('path', WITH_FEATURES, ids=lambda p: p.stem)
def test_the_table_of_feature_bits_is_that_of_the_driver(path):
    name = re.sub(r'^if_', '', path.stem)
    section = NAMED['virtio', '4'].partition('.Ss Feature bits\n')[2]
    title = 'each device:' if name == 'virtio' else f'.Xr {name} 4 :'
    table = section.partition(f'{title}\n.Bl -column')[2].partition('.El')[0]
    shown = [(int(bit), mark, name, re.findall(r'[A-Z][A-Z0-9_]+', needs), use)
        for bit, mark, name, needs, use in re.findall(
            r'^\.It (\d+) Ta (\w+) (\w+) Ta (.*) Ta (\w+)$', table, re.M)]
    assert shown == [(bit, 'Dv', name, needs, use)
        for bit, name, needs, use in sorted(features(path))]


def test_each_line_of_configuration_is_one():
    known = set()
    for path in TOP.glob('sys/**/conf/GENERIC*'):
        for line in path.read_text().splitlines():
            m = re.match(r'([a-z]+)[0-9*]+\s+at\s+([a-z]+)', line)
            if m:
                known.add(m.groups())
    for path, text in PAGES.items():
        for line in re.findall(r'^\.Cd "(.*?)"', text, re.M):
            m = re.match(r'([a-z]+)[0-9*]+ at ([a-z]+)', line)
            assert line.startswith('device at') or m.groups() in known, \
                (path.name, line)


@pytest.mark.parametrize('name', re.findall(r'^(\w+)\*\s+at virtio\?',
    '\n'.join(p.read_text() for p in TOP.glob('sys/**/conf/GENERIC*')), re.M))
def test_the_page_of_a_virtio_driver_has_all_its_parts(name):
    page = NAMED[name, '4']
    heads = re.findall(r'^\.S[hs] (.*)', page, re.M)
    for part in ('SYNOPSIS', 'DESCRIPTION', 'Features', 'EXAMPLES',
            'DIAGNOSTICS', 'SEE ALSO', 'STANDARDS', 'CAVEATS'):
        assert part in heads, part
    order = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'FILES', 'EXAMPLES',
        'DIAGNOSTICS', 'ERRORS', 'SEE ALSO', 'STANDARDS', 'CAVEATS', 'BUGS']
    main = re.findall(r'^\.Sh (.*)', page, re.M)
    assert main == sorted(main, key=order.index)


def test_every_device_of_the_configuration_has_a_page():
    for path in TOP.glob('sys/**/conf/GENERIC*'):
        for name in re.findall(r'^([a-z]+)[0-9*]+\s+at\s', path.read_text(),
                re.M):
            assert any(re.search(rf'^\.Cd "{name}[0-9*]+ at ', t, re.M)
                for t in PAGES.values()), name


def test_every_word_of_the_command_line_is_in_boot():
    told = set(re.findall(r'^\.It Cm ([\w.]+)=', NAMED['boot', '8'], re.M))
    read = set()
    for path in (TOP / 'sys').rglob('*.c'):
        read |= set(re.findall(r'cmdline_get\("([\w.]+)"',
            path.read_text()))
    assert told == read


def test_every_page_that_is_referred_to_exists():
    for path, text in PAGES.items():
        for ref in re.findall(r'\bXr ([\w.-]+) (\d)', text):
            assert ref in NAMED or ref in ELSEWHERE or ref[1] in '23', \
                (path.name, ref)


def test_every_program_of_the_root_image_has_a_page():
    links = source('bin/crunch/links').splitlines()
    for line in links:
        if line and not line.startswith('#'):
            name = line.split()[0].rpartition('/')[2]
            assert any((name, s) in NAMED for s in '18'), name


# The manual to browse.

class Links(html.parser.HTMLParser):
    """What a page can be entered at, what it leads to, and what was opened
    and not closed."""

    VOID = {'meta', 'link', 'br', 'img', 'hr', 'wbr', 'col'}

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.open = [], [], []
        self.text = path.read_text()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs['id']] if 'id' in attrs else []
        self.links += [attrs['href']] if 'href' in attrs else []
        self.open += [tag] if tag not in self.VOID else []

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())


@pytest.fixture(scope='module')
def browsed(tmp_path_factory):
    out = tmp_path_factory.mktemp('man')
    subprocess.run([TOP / 'tools' / 'mkhtml', out, *PAGES], check=True,
        cwd=TOP)
    return {p.name: Links(p) for p in out.glob('*.html')}, out


def test_every_link_leads_to_a_page_and_a_place_in_it(browsed):
    pages, out = browsed
    for name, page in pages.items():
        for link in page.links:
            file, _, place = link.partition('#')
            assert (out / (file or name)).exists(), (name, link)
            assert not place or place in pages[file or name].ids, (name, link)


def test_every_element_is_closed_and_every_place_is_one(browsed):
    for name, page in browsed[0].items():
        assert page.open == [], name
        assert len(set(page.ids)) == len(page.ids), name


def test_the_list_of_pages_has_every_page_once(browsed):
    listed = [link for link in browsed[0]['index.html'].links
        if re.match(r'.*\.\d\.html$', link)]
    intro = 'paravane.7.html'
    listed.remove(intro)                # the bar has it too
    assert sorted(listed) == sorted(f'{p.name}.html' for p in PAGES)


def test_the_index_has_every_diagnostic(browsed):
    text = browsed[0]['words.html'].text
    for path, page in PAGES.items():
        for quoted in re.findall(r'^\.It "(.*)"', page.partition(
                '.Bl -diag')[2].partition('.El')[0], re.M):
            shown = html.escape(quoted.replace(r'\e', '\\')
                .replace(r'\(dq', '"'))
            assert f'>{shown}</code>' in text, (path.name, quoted)


def test_a_name_on_another_page_is_a_link_to_that_page(browsed):
    assert 'mainbus.4.html' in [link for page in browsed[0].values()
        for link in page.links]
    for page in browsed[0].values():
        for file, shown in re.findall(r'<a class="Xr" href="(.*?)">(.*?)</a>',
                page.text):
            name, section = re.fullmatch(r'(\S+)\((\d)\)', shown).groups()
            assert name in names(source(
                f'share/man/man{section}/{file[:-5]}'))


PAGE = """\
.Dd November 21, 2026
.Dt X {section}
.Os Paravane
.Sh NAME
{name}
.Sh DESCRIPTION
See
.Xr c++ 4 .
.Bl -diag
.It "100% <done>"
It is.
.El
"""


def mkhtml(out, page):
    return subprocess.run([TOP / 'tools' / 'mkhtml', out, page],
        capture_output=True, text=True)


def test_any_name_of_a_page_can_be_linked_to(tmp_path):
    page = tmp_path / 'c#%.4'
    page.write_text(PAGE.format(section=4, name='.Nm c#% ,\n.Nm c++\n.Nd c'))
    assert mkhtml(tmp_path, page).returncode == 0
    for name in page.name, 'index', 'words':
        links = Links(tmp_path / f'{name}.html').links
        assert f'{page.name}.html' in [urllib.parse.unquote(
            link.partition('#')[0]) for link in links], name


@pytest.mark.parametrize('section, name, why', [
    (4, '.Nd c', 'no .Nm and .Nd in its NAME'),
    (4, '.Nm c', 'no .Nm and .Nd in its NAME'),
    (3, '.Nm c\n.Nd c', 'there is no section 3')])
def test_a_page_that_cannot_be_listed_is_named(tmp_path, section, name, why):
    page = tmp_path / f'c.{section}'
    page.write_text(PAGE.format(section=section, name=name))
    r = mkhtml(tmp_path, page)
    assert (r.returncode, r.stderr) == (1, f'mkhtml: {page}: {why}\n')
