"""`pydfly help`: every page, with and without a program that renders it."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

from pydfly.cli import COMMANDS
from pydfly.cli import help as manual

from .test_cli import pydfly

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "pydfly" / "man").glob("*.[1-9]"))


def test_every_topic_is_answered() -> None:
    topics = manual.topics()
    assert {"pydfly", "python", *COMMANDS} - set(topics) == {"help"}
    for topic in topics:
        output = pydfly("help", topic)
        assert (output.returncode, output.stderr) == (0, ""), topic
        assert len(output.stdout.splitlines()) > 3


@pytest.mark.parametrize("name", ["run", "pydfly-run", "pydfly-run.1"])
def test_names_of_a_page(name: str) -> None:
    assert pydfly("help", name).stdout.startswith("PYDFLY-RUN(1) ")


def test_without_topic_the_commands() -> None:
    assert pydfly("help").stdout == pydfly("--help").stdout


@pytest.mark.parametrize("words", [["bogus"], ["run", "more"], ["../man/pydfly"]])
def test_errors_of_use(words: list[str]) -> None:
    output = pydfly("help", *words)
    assert (output.returncode, output.stdout) == (2, "")


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_shipped_texts_are_what_mandoc_makes_of_the_pages(tmp_path: Path) -> None:
    """`sh ci/man.sh` was run after the last change of a page."""
    subprocess.run(["sh", str(ROOT / "ci/man.sh"), str(tmp_path)], check=True)
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert made == {f"{page.name}.txt": manual.rendered(page.name) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_fit(page: Path) -> None:
    text = manual.rendered(page.name)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\n\n\n" not in text
    assert "\b" not in text


@pytest.mark.parametrize("viewers", [["man", "mandoc"], ["mandoc"], []])
def test_on_a_terminal_the_systems_viewer_shows_it(viewers: list[str], tmp_path: Path) -> None:
    """Stand-ins for the viewers say that they were called, and with which page."""
    for viewer in viewers:
        (tmp_path / viewer).write_text(f'#!/bin/sh\nfor word; do :; done\necho "{viewer} shows ${{word##*/}}"\n')
        (tmp_path / viewer).chmod(0o755)
    reading, writing = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "pydfly", "help", "run"],
        stdout=writing,
        env={**os.environ, "PATH": f"{tmp_path}:/nowhere"} if viewers else {**os.environ, "PATH": "/nowhere"},
        timeout=200,
    )
    shown = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)
    assert done.returncode == 0
    assert shown.startswith(f"{viewers[0]} shows pydfly-run.1" if viewers else "PYDFLY-RUN(1) ")


@pytest.mark.parametrize("words", [["help", "run"], ["help"], ["run", "--help"], ["conform", "--help"]])
def test_without_docstrings(words: list[str]) -> None:
    """`python -OO` drops docstrings, and no text of ours."""
    plain = subprocess.run([sys.executable, "-m", "pydfly", *words], capture_output=True, text=True, check=True)
    bare = subprocess.run([sys.executable, "-OO", "-m", "pydfly", *words], capture_output=True, text=True, check=True)
    assert bare.stdout == plain.stdout
    assert len(bare.stdout.splitlines()) > 3


def test_from_a_zip_archive(tmp_path: Path) -> None:
    """Pages are read through the importer, wherever that finds the package; a viewer cannot open them there."""
    package = tmp_path / "app"
    shutil.copytree(ROOT / "pydfly", package / "pydfly", ignore=shutil.ignore_patterns("__pycache__"))
    zipapp.create_archive(package, tmp_path / "pydfly.pyz", main="pydfly.cli:main")
    command = [sys.executable, str(tmp_path / "pydfly.pyz")]
    for words in (["help", "run"], ["help", "completion"], ["completion", "bash"], ["conform", "--help"]):
        output = subprocess.run([*command, *words], capture_output=True, text=True)
        assert (output.returncode, output.stderr) == (0, ""), words
        assert output.stdout == pydfly(*words).stdout


@pytest.mark.parametrize("words", [["help", "run"], ["help"], ["--help"], ["run", "--help"], ["completion", "zsh"]])
@pytest.mark.parametrize(("redirection", "status"), [(">&-", 0), (">/dev/full", 1), (">/dev/full 2>&1", 1)])
def test_output_that_cannot_be_written(words: list[str], redirection: str, status: int) -> None:
    """One line of complaint, if there is somewhere to say it."""
    command = [sys.executable, "-m", "pydfly", *words]
    done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *command], stderr=subprocess.PIPE, text=True)
    told = "No space left on device\n" if status and "2>" not in redirection else ""
    assert done.returncode == (125 if status and words[0] == "run" else status)
    assert done.stderr.endswith(told)
    assert len(done.stderr.splitlines()) == bool(told)
