"""The table of options is what the parsers, the help texts and the manual pages say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pydfly.cli import COMMANDS, options
from pydfly.cli import help as manual

from .test_cli import pydfly

MAN = Path(manual.PAGES)


def documented(page: str) -> set[str]:
    """Return the options that a manual page describes."""
    lines = (MAN / page).read_text().splitlines()
    return {f"-{line.split()[2]}" for line in lines if line.startswith(".It Fl ")}


def test_every_command_is_in_the_tables() -> None:
    assert list(options.OPTIONS) == list(options.ARGUMENTS) == list(COMMANDS)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("resident", "help")])
def test_help_texts_name_the_same_options(command: str) -> None:
    output = pydfly(command, "--help")
    assert (output.returncode, output.stderr) == (0, "")
    named = set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", output.stdout))
    assert named | {"--help"} == {option.flag for option in options.OPTIONS[command]}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "completion")])
def test_parsers_know_every_option(command: str, tmp_path: Path) -> None:
    """Each option is accepted with a value where it takes one: what is complained about is something else."""
    values = {"file": str(tmp_path / "none" / "file"), "id": "12345", "seconds": "1", "signal": "TERM"}
    for option in options.OPTIONS[command]:
        words = [option.flag, *([values[option.value]] if option.value else [])]
        output = pydfly(command, *words, PYDFLY_BACKEND="sim")
        assert not re.search(r"unknown option|unrecognized|illegal option", output.stderr), (words, output.stderr)
        if option.value:
            missing = pydfly(command, option.flag)
            assert missing.returncode != 0, option


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "completion")])
def test_unknown_options_are_refused(command: str) -> None:
    assert pydfly(command, "--bogus").returncode != 0


@pytest.mark.parametrize(("command", "page"), [("run", "pydfly-run.1"), ("resident", "pydfly-resident.8")])
def test_manual_pages_describe_the_same_options(command: str, page: str) -> None:
    assert documented(page) | {"--help"} == {option.flag for option in options.OPTIONS[command]} | {"--help"}


def test_the_overview_names_every_command_with_its_options() -> None:
    text = (MAN / "pydfly.1").read_text()
    for command in COMMANDS:
        entry = re.search(rf"^\.It Cm {command}\b(.*)$", text, re.MULTILINE)
        assert entry, command
        if command not in ("run", "resident", "completion"):
            flags = {option.flag for option in options.OPTIONS[command]} - {"--help"}
            assert {f"-{flag}" for flag in re.findall(r"Fl (-[a-z]+)", entry[1])} == flags


def test_summaries_can_stand_in_any_shell() -> None:
    """No quote and no bracket, which zsh and fish would take for their own."""
    summaries = [option.summary for entries in options.OPTIONS.values() for option in entries]
    assert [text for text in summaries if re.search(r"['\"\[\]:`$\\]", text)] == []
