"""The manual pages: clean mdoc, as mandoc judges them; tests/cli/test_options.py holds them to the parsers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "pydfly" / "man").glob("*.[1-9]"))


def test_pages_were_found() -> None:
    assert [page.name for page in PAGES] == [
        "pydfly-resident.8",
        "pydfly-run.1",
        "pydfly-svc.8",
        "pydfly.1",
        "pydfly.3",
    ]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lint(page: Path) -> None:
    """No complaint from mandoc, style included."""
    done = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
