"""`pydfly help`: every page, with and without a program that renders it."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pydfly.cli import COMMANDS, mdoc
from pydfly.cli import help as manual

from .test_cli import pydfly

PAGES = sorted(Path(manual.PAGES).glob("*.[1-9]"))


def test_every_topic_is_answered() -> None:
    topics = manual.topics()
    assert {"pydfly", "python", *COMMANDS} - set(topics) == {"help"}
    for topic in topics:
        output = pydfly("help", topic)
        assert (output.returncode, output.stderr) == (0, ""), topic
        assert len(output.stdout.splitlines()) > 3


@pytest.mark.parametrize("name", ["run", "pydfly-run", "pydfly-run.1"])
def test_names_of_a_page(name: str) -> None:
    assert pydfly("help", name).stdout.startswith("PYDFLY-RUN(1)\n\nNAME\n     pydfly-run – ")  # noqa: RUF001


def test_without_topic_the_commands() -> None:
    assert pydfly("help").stdout == pydfly("--help").stdout


@pytest.mark.parametrize("words", [["bogus"], ["run", "more"], ["../man/pydfly"]])
def test_errors_of_use(words: list[str]) -> None:
    output = pydfly("help", *words)
    assert (output.returncode, output.stdout) == (2, "")


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_our_rendering_has_the_words_of_mandoc(page: Path) -> None:
    """Nothing lost, nothing added, nothing in another order: only the lines break elsewhere."""
    done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=400", str(page)], capture_output=True, check=True)
    lines = re.sub(".\b", "", done.stdout.decode()).splitlines()[1:-1]  # without the header and the footer
    assert mdoc.render(page.read_text()).split()[1:] == " ".join(lines).split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_fit(page: Path) -> None:
    text = mdoc.render(page.read_text())
    assert max(len(line) for line in text.splitlines()) <= mdoc.WIDTH + 2
    assert "\n\n\n" not in text


def test_unknown_macros_are_told() -> None:
    with pytest.raises(ValueError, match=r"unknown macro: \.Bogus"):
        mdoc.render(".Bogus word")


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
        timeout=60,
    )
    shown = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)
    assert done.returncode == 0
    assert shown.startswith(f"{viewers[0]} shows pydfly-run.1" if viewers else "PYDFLY-RUN(1)")
