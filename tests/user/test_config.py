# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""tools/config.awk: what a configuration leaves in, and where it looks."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]

GENERIC = """
mainbus0 at root
pci*	at mainbus?
virtio*	at pci? dev ? function ? flags 0x00
viogpu*	at virtio?
wsdisplay* at viogpu?
viornd*	at virtio?
"""
FILES = """
locators pci dev function
file kern/always.c
file dev/viornd.c viornd
file dev/virtio.c virtio
file dev/virtio_pci.c virtio pci
file dev/wsdisplay.c wsdisplay
"""


@pytest.fixture
def config(tmp_path):
    """Makes a kernel's tables out of a configuration: what is in them, the
    sources, those elsewhere, and what the tool said."""
    (tmp_path / 'sys/arch/pdp11').mkdir(parents=True)
    (tmp_path / 'sys/GENERIC').write_text(GENERIC)
    (tmp_path / 'sys/arch/pdp11/GENERIC').write_text('include GENERIC\n')
    (tmp_path / 'sys/files').write_text(FILES)
    (tmp_path / 'my').mkdir()

    def run(text, files='', machine='pdp11'):
        (tmp_path / 'my/FOO').write_text(text)
        (tmp_path / 'my/files.foo').write_text(files)
        r = subprocess.run(['awk', '-v', 'sys=sys', '-v',
            f'machine={machine}', '-v', 'ioconf=out.c', '-v',
            'sources=out.mk', '-f', TOP / 'tools/config.awk', 'my/FOO',
            'sys/files'], cwd=tmp_path, capture_output=True, text=True,
            timeout=20)
        if r.returncode != 0:
            assert r.returncode == 1
            return r.stderr
        make = (tmp_path / 'out.mk').read_text()
        variables = {v: re.search(rf'^{v} =(.*)', make, re.M)[1].split()
            for v in ('SOURCES', 'OUTSIDE')}
        lines = re.findall(r'\{ &(\w+)_ca, &\w+, parents(\d+)',
            (tmp_path / 'out.c').read_text())
        assert [n for _, n in lines] == [str(n) for n in range(len(lines))]
        return {'devices': [name for name, _ in lines], 'make': make,
            'ioconf': (tmp_path / 'out.c').read_text(), **variables}

    return run


def test_an_included_configuration_is_all_there(config):
    got = config('include GENERIC\n')
    assert got['devices'] == ['mainbus_root', 'pci_mainbus', 'virtio_pci',
        'viogpu_virtio', 'wsdisplay_viogpu', 'viornd_virtio']
    assert got['SOURCES'] == ['kern/always.c', 'dev/viornd.c',
        'dev/virtio.c', 'dev/virtio_pci.c', 'dev/wsdisplay.c']
    assert got['OUTSIDE'] == []


def test_a_device_that_is_left_out_has_no_table_and_no_sources(config):
    got = config('include GENERIC\nno viornd*\n')
    assert 'viornd' not in got['ioconf']
    assert 'dev/viornd.c' not in got['SOURCES']
    assert 'dev/virtio.c' in got['SOURCES']
    # the others' parents are still theirs
    assert re.search(r'parents4\[\] = \{ 3, -1 \}', got['ioconf'])


def test_of_two_places_of_a_device_one_can_be_left_out(config):
    text = 'include GENERIC\nvirtio* at mainbus?\n'
    got = config(text + 'no virtio* at pci?\n')
    assert 'virtio_pci' not in got['devices']
    assert 'virtio_mainbus' in got['devices']
    assert 'dev/virtio_pci.c' not in got['SOURCES']
    assert 'dev/virtio.c' in got['SOURCES']
    # "no device at" takes all that is there
    got = config('include GENERIC\nno device at virtio?\n'
        'no device at viogpu?\n')
    assert got['devices'] == ['mainbus_root', 'pci_mainbus', 'virtio_pci']


def test_what_was_left_out_may_come_again(config):
    got = config('include GENERIC\nno viornd*\nviornd1 at virtio?\n')
    assert got['devices'][-1] == 'viornd_virtio'
    assert 'parents5, NULL, 1, 0, false }' in got['ioconf']


@pytest.mark.parametrize('line', ['no viornd', 'no viornd0', 'no vioblk*',
    'no viornd* at pci?', 'no device at root7'])
def test_nothing_to_leave_out_is_a_mistake(config, line):
    assert config(f'include GENERIC\n\n{line}\n') == \
        f'my/FOO:3: {line.split()[1]}: no such device to leave out\n'


def test_who_leaves_out_a_parent_hears_of_its_children(config):
    assert config('include GENERIC\nno viogpu*\n') == \
        'sys/GENERIC:6: viogpu: no such device in this configuration\n'


def test_sources_may_be_beside_their_list_or_anywhere(config, tmp_path):
    got = config('include GENERIC\nfiles ./files.foo\nfoo* at virtio?\n',
        'file ./foo.c foo\nfile ../your/bar.c foo\nfile /abs/baz.c foo\n'
        'file ./never.c never\nfile dev/foo.c foo\n')
    assert got['OUTSIDE'] == ['my/foo.c', 'my/../your/bar.c', '/abs/baz.c']
    assert got['SOURCES'][-1] == 'dev/foo.c'
    assert got['devices'][-1] == 'foo_virtio'


def test_what_was_read_makes_the_tables_anew(config):
    make = config('include arch/$MACHINE/GENERIC\nfiles ./files.foo\n')['make']
    for name in ('my/FOO', 'my/files.foo', 'sys/arch/pdp11/GENERIC',
            'sys/GENERIC', 'sys/files'):
        assert f'out.mk: {name}\n' in make and f'\n{name}:\n' in make


def test_the_machine_is_only_there_when_it_was_told(config):
    assert 'virtio_pci' in config('include arch/$MACHINE/GENERIC\n')['devices']
    assert 'MACHINE is not known' in \
        config('include arch/$MACHINE/GENERIC\n', machine='')


def test_a_file_that_is_not_there_is_named(config, tmp_path):
    assert config('\ninclude ./NOT\n') == \
        'my/FOO:2: my/NOT: cannot be read\n'
    assert config('files /not/there\n') == \
        '/not/there: cannot be read\n'
    (tmp_path / 'sys/files').write_text('include NOT\n')
    assert config('include GENERIC\n') == \
        'sys/files:1: sys/NOT: cannot be read\n'


@pytest.mark.parametrize('loop', ['./FOO', '../my/FOO', './BAR'])
def test_a_file_that_includes_itself_is_a_mistake(config, tmp_path, loop):
    (tmp_path / 'my/BAR').write_text('include ./FOO\n')
    assert config(f'include {loop}\n').endswith('FOO: includes itself\n')
    # twice is not in a loop
    (tmp_path / 'my/BAR').write_text('# nothing\n')
    config('include GENERIC\n' + 'include ./BAR\n' * 2)


def test_a_list_of_lists_that_includes_itself_is_a_mistake(config):
    assert config('include GENERIC\nfiles ./files.foo\n',
        'include ./files.foo\n') == \
        'my/files.foo:1: my/files.foo: includes itself\n'


def test_a_source_that_two_lists_have_is_linked_once(config):
    got = config('include GENERIC\n' + 'files ./files.foo\n' * 2,
        'file ./foo.c\nfile dev/foo.c\n')
    assert got['OUTSIDE'] == ['my/foo.c']
    assert got['SOURCES'].count('dev/foo.c') == 1


def test_lines_may_end_as_those_of_dos(config):
    assert config('include GENERIC\r\nfoo* at root\r\n')['devices'][-1] == \
        'foo_root'


@pytest.mark.parametrize('path', ['', 'my/', 'my stuff/FOO', 'my/obj'])
def test_a_configuration_without_a_folder_of_its_own_is_refused(path):
    r = subprocess.run(['make', '-n', f'CONFIG={path}'], cwd=TOP,
        capture_output=True, text=True, timeout=20)
    assert r.returncode == 2
    assert f'CONFIG={path}: ' in r.stderr and len(r.stderr.split('\n')) == 2
