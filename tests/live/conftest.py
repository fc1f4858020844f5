"""A setsid(1) for systems without one: the BSDs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

import pytest

SETSID = f"""#!{sys.executable} -IS
import os, sys
words = sys.argv[1:]
if words[0] == "-f":
    del words[0]
    if os.fork():
        os._exit(0)
elif os.getpid() == os.getpgrp() and os.fork():
    os._exit(0)
os.setsid()
os.execvp(words[0], words)
"""


@pytest.fixture(scope="session", autouse=True)
def _setsid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("PATH", os.defpath)
    if shutil.which("setsid") is None:
        folder = tmp_path_factory.mktemp("bin")
        (folder / "setsid").write_text(SETSID)
        (folder / "setsid").chmod(0o755)
        os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    yield
    os.environ["PATH"] = before
