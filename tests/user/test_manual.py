# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The manual, against the sources: what a driver says, what it negotiates and
how it is configured is in its page, and each page that is referred to exists."""

import html.parser
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = {p: p.read_text() for p in
    sorted((TOP / 'share' / 'man').glob('man*/*.[1-9]'))}
# of other systems' manuals, and so are their sections 2 and 3
ELSEWHERE = {('make', '1'), ('termios', '4')}


def names(text):
    head = text.split('.Sh NAME')[1].split('.Sh ')[0]
    return re.findall(r'^\.Nm (\S+)', head, re.M)


NAMED = {(name, path.suffix[1:]): text for path, text in PAGES.items()
    for name in names(text)}


def source(path):
    return (TOP / path).read_text()


def sources():
    for where in 'sys/dev/pv', 'sys/dev/ic', 'sys/dev/acpi', 'sys/scsi':
        yield from sorted((TOP / where).glob('*.c'))


def page_of(path):
    """The page of the driver that this file is part of."""
    stem = re.sub(r'^if_|^pv_', '', path.stem)
    if re.match(r'virt|vq_', stem):
        return NAMED['virtio', '4']
    if path.parent.name == 'scsi':
        stem = {'scsi_disk': 'sd', 'scsi_cd': 'cd'}.get(stem, 'scsibus')
    while stem:
        if (stem, '4') in NAMED:
            return NAMED[stem, '4']
        stem = stem.rpartition('_')[0]
    return NAMED['pvbus', '4']


def plain(text):
    """Without what stands for a value, and what the core adds."""
    text = re.sub(r'%[-#0-9.*]*(ll|[lhz])?[a-zA-Z]', '%', text)
    text = re.sub(r'\b\d+\b', '%', text)
    return re.sub(r'\s+', ' ', text).strip()


def has_words(text):
    """Something of its own, not only what is put in elsewhere."""
    return re.sub(r'[%:, ]|screen', '', text) != ''


def diagnostics(page):
    for quoted in re.findall(r'^\.It "(.*)"', page, re.M):
        text = plain(quoted.replace(r'\e', '\\'))
        text = re.sub(r'^\S+?: ', '', text)
        text = re.sub(r'(; reset|; not used any more|, not used)$', '', text)
        if has_words(text):
            yield text


SAYS = re.compile(r'\b(device_printf|virtio_fail|virtio_giveup)\(([^;]*?)\);',
    re.S)


def said(path):
    for call in SAYS.finditer(source(path)):
        pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', call[2])
        text = plain(''.join(pieces[:1] if not re.search(r'"\s+"', call[2])
            else re.findall(r'"((?:[^"\\]|\\.)*)"',
                re.search(r'("(?:[^"\\]|\\.)*"\s*)+', call[2])[0]))
            .replace(r'\n', ''))
        if has_words(text):
            yield text


@pytest.mark.parametrize('path', sources(), ids=lambda p: p.stem)
def test_what_a_driver_says_is_in_its_page(path):
    told = list(diagnostics(page_of(path)))
    told += list(diagnostics(NAMED['virtio', '4']))
    for text in said(path):
        wanted = '.*'.join(re.escape(t) for t in text.split('%'))
        assert any(re.search(wanted, t) or re.fullmatch(
            '.*'.join(re.escape(x) for x in t.split('%')), text)
            for t in told), text


@pytest.mark.parametrize('path', [p for p in sources()
    if 'struct virtio_feature ' in p.read_text()], ids=lambda p: p.stem)
def test_each_feature_a_driver_knows_is_named_in_its_page(path):
    tables = re.findall(r'struct virtio_feature \w+\[\] = \{(.*?)\n\};',
        source(path), re.S)
    bits = re.findall(r'"([A-Z0-9_]+)"', ''.join(tables))
    page = page_of(path)
    assert not [b for b in bits if not re.search(rf'\b{b}\b', page)]


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


def test_every_device_of_the_configuration_has_a_page():
    for path in TOP.glob('sys/**/conf/GENERIC*'):
        for name in re.findall(r'^([a-z]+)[0-9*]+\s+at\s', path.read_text(),
                re.M):
            assert any(re.search(rf'^\.Cd "{name}[0-9*]+ at ', t, re.M)
                for t in PAGES.values()), name


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
    intro = 'intro.4.html'
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
