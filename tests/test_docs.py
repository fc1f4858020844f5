"""The documentation is true: every Python example runs, and every command is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pydfly
from pydfly.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE), 1)
]


@pytest.mark.skipif(sys.platform != "linux", reason="the examples act on the live Linux backend")
@pytest.mark.parametrize("source", EXAMPLES)
def test_python_example_runs(source: str, tmp_path: Path) -> None:
    """As a reader would run it: in a fresh process, in an empty directory."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pydfly.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_examples_were_found() -> None:
    """The pattern above still matches."""
    assert len(EXAMPLES) >= 4


def test_commands_are_documented() -> None:
    """Each command of the command line stands in the documentation."""
    text = "".join(page.read_text() for page in PAGES)
    assert [command for command in COMMANDS if f"pydfly {command}" not in text and f"`{command}`" not in text] == []
