# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers

"""The Makefile: what it hands to others."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]

WORDS = '''-- echo "it's" $HOME $(pwd) $$ \\ #'''


@pytest.mark.parametrize('name', ['APPEND', 'INITRD'])
def test_words_with_dollars_arrive_as_they_were_given(tmp_path, name):
    """However they are given, and from a make that calls itself."""
    (tmp_path / 'show.mk').write_text('show:\n\t@$(MAKE) -s shown\n'
        f'shown:\n\t@printf "%s\\n" "$${name}"\n')
    make = ['make', '-s', '-f', 'Makefile', '-f', tmp_path / 'show.mk', 'show']
    make.insert(1, f'MAKE=make -f Makefile -f {tmp_path}/show.mk')
    for args, env in ([f'{name}={WORDS}'], {}), ([], {name: WORDS}):
        shown = subprocess.run([*make, *args], cwd=TOP, check=True,
            env={**os.environ, **env}, capture_output=True, text=True)
        assert shown.stdout == f'{WORDS}\n', args
