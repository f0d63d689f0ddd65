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

"""The manual that the guest carries."""

import re
import subprocess

import pytest

from guest import TOP

PAGES = sorted((TOP / 'share' / 'man').glob('man*/*.[1-9]'))


def formatted(path):
    text = subprocess.run(['mandoc', '-Tascii', '-Owidth=78', path],
        check=True, capture_output=True, text=True).stdout
    return re.sub('.\b', '', text).strip() + '\n'


@pytest.mark.parametrize('page', [PAGES[0], PAGES[len(PAGES) // 2],
    PAGES[-1]], ids=lambda p: p.name)
def test_a_page_is_as_it_was_formatted(start, page):
    g = start()
    assert g.output(f'man {page.suffix[1:]} {page.stem} | cat') == \
        formatted(page)


def test_every_page_is_there_by_all_its_names(start):
    g = start()
    listed = g.output("man -k ''").splitlines()
    assert len(listed) == len(PAGES)
    for page in PAGES:
        assert any(re.match(rf'(\S+ )*{re.escape(page.stem)}( \S+)*'
            rf'\({page.suffix[1:]}\) - ', line) for line in listed), page
    assert 'hvclock' in g.output('man hvclock | cat')
    assert g.run('man nothing') == ('man: no entry for nothing in the '
        'manual\n', 1)
    assert g.run('man 8 vioblk')[1] == 1


def test_a_long_page_is_shown_screen_by_screen(start):
    g = start()
    g.output('stty rows 20 columns 80')
    more = r'--more--'
    g.console.send('man vioblk\n')
    g.console.expect(r'VIOBLK\(4\)')
    g.console.expect(more)
    g.console.send(' ')
    g.console.expect(more)
    g.console.send('b')
    g.console.expect('NAME')
    g.console.expect(more)
    g.console.send('q')
    g.console.expect('# ')
    assert g.output('echo back') == 'back\n'
    g.console.send('man vioblk\n')
    g.console.expect(more)
    g.console.send('G')
    g.console.expect(r'Paravane\r?\n# ')
    assert g.output('echo back') == 'back\n'
