"""The documentation is true: every example runs, every command is documented, every page is reached."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import pydfly
from pydfly.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = ("redis-server",)  # what examples start besides the shell's own tools


def examples(language: str) -> list[object]:
    """Return the fenced blocks of a language in all pages."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}:{language}-{number}")
        for page in PAGES
        for number, block in enumerate(pattern.findall(page.read_text()), 1)
    ]


def run(command: list[str], place: Path, status: int = 0) -> None:
    """Run an example as a reader would: in a fresh process, in an empty directory, with `pydfly` on the PATH."""
    home = place / "home"
    home.mkdir()
    for name, words in (("pydfly", "-m pydfly"), ("python3", "")):
        (home / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (home / name).chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{home}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(pydfly.__file__).parent.parent),
        "PYTEST_PLUGINS": "pydfly.pytest_plugin",  # an installed package brings it by its entry point
    }
    empty = place / "empty"
    empty.mkdir()
    done = subprocess.run(
        command, cwd=empty, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the examples act on the live Linux backend")
@pytest.mark.parametrize("source", examples("python"))
def test_python_example_runs(source: str, tmp_path: Path) -> None:
    """Every ```python block; they clean up after themselves."""
    run([sys.executable, "-W", "error", "-c", source], tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="the examples act on the live Linux backend")
@pytest.mark.parametrize("source", examples("sh"))
def test_shell_example_runs(source: str, tmp_path: Path) -> None:
    """Every ```sh block; transcripts and what needs root or another system are ```console blocks.

    The last line may say how it ends: ``# exit status 124``.
    """
    for program in PROGRAMS:
        if program in source and not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    said = re.search(r"# exit status (\d+)$", source.rstrip())
    run(["sh", "-euc", source], tmp_path, int(said[1]) if said else 0)


def test_examples_were_found() -> None:
    """The pattern above still matches."""
    assert len(examples("python")) >= 20
    assert len(examples("sh")) >= 5


def test_no_example_hides() -> None:
    """Every fence has a language, and Python is never written under another name, where no test would run it."""
    fence = re.compile(r"^(`{3,}|:{3,})(\S*)[^\n]*\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
    blocks = [(page, *block) for page in PAGES for _, *block in fence.findall(page.read_text())]
    directives = {"{toctree}", "{figure}", "{command-output}", "{eval-rst}", "{include}", "{note}", "{warning}"}
    known = {"python", "sh", "console", "text", "dockerfile", "yaml", "groovy", ""}
    assert {language for _, language, _ in blocks} - directives <= known
    hidden = [page for page, language, text in blocks if language != "python" and re.search("^(import|from) ", text)]
    assert hidden == []


def test_commands_are_documented() -> None:
    """Each command of the command line stands in the documentation."""
    text = "".join(page.read_text() for page in PAGES)
    assert [command for command in COMMANDS if f"pydfly {command}" not in text and f"`{command}`" not in text] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "_static").glob("*.svg")), ids=lambda path: path.name)
def test_pictures_load_nothing(picture: Path) -> None:
    """They are whole, and show without a network."""
    text = picture.read_text()
    ElementTree.fromstring(text)
    assert not re.search(r"(href|src|url\()\s*[=(\"']*https?:", text)


def test_links_between_pages_lead_somewhere() -> None:
    """Relative links in the pages and in the README name files that exist; the generator checks the anchors."""
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!\w+:)([^)#\s]+)[^)]*\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []


def headings(page: Path) -> set[str]:
    """Return the anchors of a page as GitHub and the generator make them of its headings, and those it names itself."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def test_anchors_lead_somewhere() -> None:
    """A link into the middle of a page names a heading that is there, in the README as well."""
    links = [
        (page, target, anchor)
        for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
        for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)#([^)\s]+)\)", page.read_text())
    ]
    assert len(links) >= 3
    dead = [
        f"{page.relative_to(ROOT)}: {target}#{anchor}"
        for page, target, anchor in links
        if anchor not in headings(page.parent / target if target else page)
    ]
    assert dead == []


def tables() -> list[tuple[str, list[list[str]]]]:
    """Return the tables of all pages: where each is, and the texts of its cells as they are read."""
    found = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for number, block in enumerate(re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE), 1):
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", block).replace("\\|", "¦")
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in plain.splitlines()]
            found.append((f"{page.relative_to(ROOT)}:table-{number}", rows))
    return found


def test_tables_fit_a_window() -> None:
    """With each cell broken wherever it may be, a table needs less than 1,000 pixels; no cell is an essay."""
    assert len(tables()) >= 30
    longest = {
        name: [
            max(len(word) for cell in column for word in re.split(r"[\s-]+", cell))
            for column in zip(*rows, strict=True)
        ]
        for name, rows in tables()
    }
    needs = {name: sum(7 * letters + 14 for letters in columns) for name, columns in longest.items()}
    assert {name: pixels for name, pixels in needs.items() if pixels > 940} == {}
    assert [cell for _, rows in tables() for row in rows for cell in row if len(cell) > 450] == []


def test_no_example_shows_what_only_a_test_needs() -> None:
    """People read the blocks: no hidden exit status, no mark of a test tool."""
    text = "\n".join(page.read_text() for page in PAGES)
    blocks = re.findall(r"^```(?:sh|console|python)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert [block for block in blocks if re.search(r"\|\| (\[|true|:)|# doctest|\$\? [=!]", block)] == []


def test_every_public_name_is_in_the_reference() -> None:
    """What ``pydfly`` exports is described under its own name."""
    text = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    assert [name for name in pydfly.__all__ if not re.search(rf"\bpydfly\.{name}\b", text)] == []


def test_lines_of_code_fit_a_window() -> None:
    """A longer line would have to be moved sideways at 1,000 pixels, on GitHub as well."""
    lines = [
        (page.name, line)
        for page in PAGES
        for block in re.findall(r"^```.*?^```$", page.read_text(), re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert [(page, line) for page, line in lines if len(line) > 110] == []
