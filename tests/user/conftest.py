# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
"""Where the programs of the root image are, for the tests in this folder."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CRUNCH = pathlib.Path(os.environ.get("CRUNCH", TOP / "build/amd64/crunch"))


class Programs:
    """Runs programs by links to the multi-call binary, as in the guest."""

    def __init__(self, root):
        self.bin = root / "bin"
        self.work = root / "work"
        self.bin.mkdir()
        self.work.mkdir()
        for line in (TOP / "bin/crunch/links").read_text().splitlines():
            name = line.split()[0].rsplit("/", 1)[1]
            (self.bin / name).symlink_to(CRUNCH.resolve())
        self.env = {"PATH": str(self.bin), "HOME": "/home/me"}

    def run(self, *argv, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        if "input" in kw:
            del kw["stdin"]
        return subprocess.run(
            [str(self.bin / argv[0]), *map(str, argv[1:])],
            cwd=self.work, env=self.env, capture_output=True, timeout=20,
            **kw)

    def sh(self, text, *args, **kw):
        return self.run("sh", "-c", text, *args, **kw)

    def out(self, text, *args, **kw):
        """What a command line prints; it must succeed in silence."""
        r = self.sh(text, *args, **kw)
        assert r.stderr == b"", r.stderr
        assert r.returncode == 0
        return r.stdout.decode()


@pytest.fixture
def user(tmp_path):
    if not CRUNCH.exists():
        pytest.skip(f"{CRUNCH} is not built")
    return Programs(tmp_path)
