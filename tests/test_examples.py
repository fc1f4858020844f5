"""The examples of the documentation run, and print what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = {
    "resident_exec.py": [
        "not resident: starts at 0x1000",
        "registered: id 1, /usr/local/sbin/server, entry address ",
        "resident: starts at ",
        "a link to the file is resident; the new file",
        "unregistered: later execs are ordinary ones",
    ],
    "system_call_in_python.py": [
        "call 210: sh is process 2, a child of 1",
        "call 211: ESRCH",
        "in capability mode: sh is process 3, a child of 2",
        "without SYF_CAPENABLED: ECAPMODE",
        "waited 0.0 s for 1 thread",
        "gone: True",
        "sys/family is call 210",
    ],
}


def test_every_example_is_tested() -> None:
    """A file that is put beside the others must be named above."""
    assert {path.name for path in (ROOT / "docs" / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(name: str, tmp_path: Path) -> None:
    """As a reader would run it: in a fresh process, from an empty directory; each line begins as expected."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "examples" / name)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(EXAMPLES[name])
    assert [line for line, start in zip(lines, EXAMPLES[name], strict=True) if not line.startswith(start)] == []
