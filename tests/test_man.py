"""The manual pages: clean mdoc, and no option left out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs" / "man").glob("*.[1-9]"))


def test_pages_were_found() -> None:
    assert [page.name for page in PAGES] == ["pydfly-resident.8"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lint(page: Path) -> None:
    """Not a word from mandoc's checks, style included."""
    done = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("option", ["d", "f", "l", "R", "x", "-conf", "-explain", "-json"])
def test_every_option_is_explained(option: str) -> None:
    assert re.search(rf"^\.It Fl {option}\b", PAGES[0].read_text(), re.MULTILINE)
