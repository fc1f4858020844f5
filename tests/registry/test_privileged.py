"""A program with more rights than the user who started it: it does not trust the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import pydfly
from tests.conftest import linux_only

pytestmark = [linux_only, pytest.mark.skipif(os.geteuid() != 0, reason="gives a program more rights than its user's")]

ROOT = Path(pydfly.__file__).parents[1]
NOBODY = 65534
PREFIX = "import sys; print(sys.base_prefix)"
CODE = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pydfly.backends import choice
from pydfly.backends.registry import directory
print(directory.location(None), choice.wanted(None)[0])
"""


@pytest.fixture
def interpreter() -> Iterator[Path]:
    """A copy of a Python that another user can run: of this one, or of the system's."""
    folder = Path(tempfile.mkdtemp(prefix="pydfly-"))
    folder.chmod(0o755)
    copy = folder / "python"
    refused = "there is none"
    try:
        for original in filter(None, (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin"))):
            shutil.copy(os.path.realpath(original), copy)
            copy.chmod(0o755)
            prefix = subprocess.run([original, "-c", PREFIX], capture_output=True, text=True, check=True).stdout.strip()
            (folder / "prefix").write_text(prefix)
            if not (refused := start(copy).stderr):
                break
        else:
            pytest.skip(f"no interpreter that another user can run: {refused}")
        yield copy
    finally:
        shutil.rmtree(folder)


def start(interpreter: Path) -> subprocess.CompletedProcess[str]:
    """Start it as another user."""
    home = (interpreter.parent / "prefix").read_text()
    environment = {"PYDFLY_STATE_DIR": "/theirs", "PYDFLY_BACKEND": "sim", "PYTHONHOME": home}
    return subprocess.run(
        [interpreter, "-S", "-B", "-c", CODE],
        env=environment,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )


def ask(interpreter: Path) -> str:
    """Ask it where the registry is, and which backend answers."""
    done = start(interpreter)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_plain_program(interpreter: Path) -> None:
    """The environment is its user's own."""
    assert ask(interpreter) == "/theirs sim"


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_set_id(interpreter: Path, mode: int) -> None:
    interpreter.chmod(mode)
    assert ask(interpreter) == "/run/pydfly linux"


@pytest.mark.skipif(not shutil.which("setcap"), reason="setcap is not installed")
def test_file_capabilities(interpreter: Path) -> None:
    """All ids are the user's there; only AT_SECURE tells."""
    subprocess.run(["setcap", "cap_chown+ep", interpreter], check=True)
    assert ask(interpreter) == "/run/pydfly linux"
