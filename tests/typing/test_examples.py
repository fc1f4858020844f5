"""Every Python example of README and documentation holds for type checkers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_mypy_strict(tmp_path: Path) -> None:
    """No example has an error under mypy --strict."""
    for name, code in examples().items():
        (tmp_path / name).write_text(code)
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", str(tmp_path / "cache"), "."],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
