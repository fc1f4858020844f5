"""Every Python example of README and documentation holds for type checkers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETTINGS = "[mypy]\nstrict = true\nignore_missing_imports = true\n"


def examples() -> dict[str, str]:
    """Return the code blocks of all pages, by a name for each."""
    found = {}
    for page in PAGES:
        name = re.sub(r"\W", "_", str(page.relative_to(ROOT).with_suffix("")))
        blocks = BLOCK.findall(page.read_text())
        for number, block in enumerate(blocks):
            if ">>>" not in block:
                found[f"{name}_{number}.py"] = block
    return found


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Write every example to a file of its own; return the directory."""
    for name, code in examples().items():
        (tmp_path / name).write_text(code)
    return tmp_path


def test_mypy_strict(written: Path) -> None:
    """No example has an error under mypy --strict."""
    (written / "mypy.ini").write_text(SETTINGS)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", str(written / "cache"), "."],
        cwd=written,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_pyright(written: Path) -> None:
    """No example has an error under pyright, and what it refuses of api.py is what mypy refuses."""
    pytest.importorskip("pyright", reason="the extra `types` brings it")
    api = Path(__file__).with_name("api.py")
    (written / "api.py").write_text(api.read_text())
    settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.10", "reportUnnecessaryTypeIgnoreComment": "error"}
    (written / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--project", str(written), "--pythonpath", sys.executable]
    checked = subprocess.run(command, cwd=written, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
