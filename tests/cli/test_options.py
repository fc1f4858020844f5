"""The table of options: what is made of it, and what is written by hand about it: manual pages and resident."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from pydfly.cli import COMMANDS, options, values

from .test_cli import pydfly

MAN = Path(options.__file__).parent.parent / "man"


def documented(page: str) -> set[str]:
    """Return the options that a manual page describes."""
    lines = (MAN / page).read_text().splitlines()
    return {f"-{line.split()[2]}" for line in lines if line.startswith(".It Fl ")}


def test_every_kind_of_value_and_argument_is_known() -> None:
    for command in COMMANDS.values():
        assert command.arguments in values.ARGUMENTS
        assert {option.value for option in command.options} <= {"", *values.VALUES}


@pytest.mark.parametrize("command", [name for name in COMMANDS if not COMMANDS[name].own_parser])
def test_help_texts_name_the_same_options(command: str) -> None:
    output = pydfly(command, "--help")
    assert (output.returncode, output.stderr) == (0, "")
    named = set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", output.stdout))
    assert named | {"--help"} == {option.flag for option in COMMANDS[command].options}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "completion")])
def test_parsers_know_every_option(command: str, tmp_path: Path) -> None:
    """Each option is accepted with a value where it takes one: what is complained about is something else."""
    given = {"file": str(tmp_path / "none" / "file"), "id": "12345", "time": "1", "signal": "TERM"}
    given |= {"mode": "everyone", "glob": "*", "status": "9"}
    for option in COMMANDS[command].options:
        words = [option.flag, given[option.value]] if option.value else [option.flag]
        if option.implied:
            words = [f"{option.flag}={given[option.value]}"]
        output = pydfly(command, *words, PYDFLY_BACKEND="sim")
        assert not re.search(r"unknown option|unrecognized|illegal option", output.stderr), (words, output.stderr)
        if option.value and not option.implied:
            missing = pydfly(command, option.flag)
            assert missing.returncode != 0, option


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "completion")])
def test_unknown_options_are_refused(command: str) -> None:
    assert pydfly(command, "--bogus").returncode != 0


@pytest.mark.parametrize(
    ("command", "page"), [("run", "pydfly-run.1"), ("resident", "pydfly-resident.8"), ("svc", "pydfly-svc.8")]
)
def test_manual_pages_describe_the_same_options(command: str, page: str) -> None:
    assert documented(page) | {"--help"} == {option.flag for option in COMMANDS[command].options} | {"--help"}


def test_the_overview_names_every_command_with_its_options() -> None:
    text = (MAN / "pydfly.1").read_text()
    for command in COMMANDS:
        entry = re.search(rf"^\.It Cm {command}\b(.*)$", text, re.MULTILINE)
        assert entry, command
        if command not in ("run", "resident", "svc", "completion"):
            flags = {option.flag for option in COMMANDS[command].options} - {"--help"}
            assert {f"-{flag}" for flag in re.findall(r"Fl (-[a-z]+)", entry[1])} == flags


def test_summaries_can_stand_in_any_shell() -> None:
    """No quote and no bracket, which zsh and fish would take for their own."""
    summaries = [option.summary for command in COMMANDS.values() for option in command.options]
    assert [text for text in summaries if re.search(r"['\"\[\]:`$\\]", text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("0", 0), ("0.25s", 0.25), ("2m", 120), ("1.5h", 5400), ("1d", 86400), ("1e3", 1000), (".5m", 30)],
)
def test_times_are_those_of_timeout(text: str, expected: float) -> None:
    assert values.seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "s", "5 s", " 5", "5ms", "5S", "1_0", "-1", "-0.1s", "nan", "inf", "1e308d", "٣", "soon", "1m30s"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        values.seconds(text)


@pytest.mark.parametrize("text", ["TERM", "sigterm", "15", "SigTerm"])
def test_signals_by_name_and_number(text: str) -> None:
    assert values.signal_number(text) == signal.SIGTERM


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="a system without real-time signals")
def test_real_time_signals_by_name() -> None:
    assert values.signal_number("RTMIN") == signal.SIGRTMIN
    assert values.signal_number("rtmin+3") == signal.SIGRTMIN + 3
    assert values.signal_number("SIGRTMAX-1") == signal.SIGRTMAX - 1


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "999", "NOTHING", "SIG", "SIG_DFL", "_DFL", "TERM+1", "RTMIN-1", "RTMIN+99", "RTMAX-"]
)
def test_what_is_no_signal(text: str) -> None:
    with pytest.raises(ValueError, match="is no signal"):
        values.signal_number(text)


@pytest.mark.parametrize(
    ("name", "words", "found", "arguments"),
    [
        ("run", ["--grace=1", "--wait-all", "a", "--grace", "-x"], {"--grace": 1, "--wait-all": True}, None),
        ("run", ["--grace", "1", "--wait-all", "--", "a", "--grace", "-x"], {"--grace": 1, "--wait-all": True}, None),
        ("run", ["-", "--help"], {}, ["-", "--help"]),
        ("run", ["--", "--", "x"], {}, ["--", "x"]),
        ("run", ["--grace", "1", "--grace", "2", "x"], {"--grace": 2}, ["x"]),
        ("run", ["--spare", "a*", "--spare=b", "x"], {"--spare": ["a*", "b"]}, ["x"]),
        ("run", ["--fail-on-leak", "x"], {"--fail-on-leak": 1}, ["x"]),
        ("run", ["--fail-on-leak=9", "x"], {"--fail-on-leak": 9}, ["x"]),
        ("replay", ["a", "-", "--", "-b"], {}, ["a", "-", "-b"]),
        ("tree", ["7", "--json"], {"--json": True}, [7]),
    ],
)
def test_words_are_read(name: str, words: list[str], found: dict[str, object], arguments: list[object] | None) -> None:
    parsed = options.parse(name, words)
    assert parsed is not None
    assert (parsed.values, parsed.arguments) == (found, arguments or ["a", "--grace", "-x"])
