"""What the programs of these tests find: a setsid(1), also on the BSDs, and signals that are not ignored."""

from __future__ import annotations

import os
import shutil
import signal
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


@pytest.fixture(scope="session", autouse=True)
def _signals() -> Iterator[None]:
    """Take back what nohup(1), or a CI, has set: a signal that is ignored stays ignored in every command."""
    ignored = [number for number in (signal.SIGHUP, signal.SIGQUIT) if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
