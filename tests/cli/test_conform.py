"""``pydfly conform``: the table, the trace, the exit status."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from pydfly.cli import main
from pydfly.conformance import behaviour, suite
from tests.conftest import linux_only


@pytest.mark.parametrize(
    "backend",
    ["sim", "sim:freebsd", pytest.param("linux", marks=linux_only), pytest.param("linux:freebsd", marks=linux_only)],
)
def test_the_trace_replays_without_differences(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was seen on real processes is what the simulated kernel does."""
    monkeypatch.setenv("PYDFLY_BACKEND", backend)
    trace = tmp_path / "trace.jsonl"
    assert main(["conform", "--out", str(trace)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    counted = re.fullmatch(r"(\d+) behaviours: (\d+) hold, (\d+) differ as listed, (\d+) not checked, 0 failed", last)
    assert counted
    held = [line.split()[1] for line in lines if line.startswith("  holds ")]
    assert len(held) == int(counted[2]) > 30
    scenarios = [json.loads(line) for line in trace.read_text().splitlines()]
    names = [scenario["name"] for scenario in scenarios]
    assert set(names) <= set(held)
    assert len(names) > 40
    assert main(["replay", str(trace)]) == 0
    assert re.search(rf"^{len(names)} scenarios, \d+ operations, 0 differences$", capsys.readouterr().out, re.MULTILINE)


def test_the_trace_on_standard_output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With --out - the table moves to standard error."""
    monkeypatch.setenv("PYDFLY_BACKEND", "sim")
    assert main(["conform", "--out=-"]) == 0
    printed = capsys.readouterr()
    assert all(json.loads(line)["os"] == "dragonfly" for line in printed.out.splitlines())
    assert "0 failed" in printed.err


def test_a_failure_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A behaviour that does not hold: what was expected, what was observed, exit status 1."""
    monkeypatch.setenv("PYDFLY_BACKEND", "sim")
    wrong = behaviour.Behaviour("wrong", "reaping", "It is two.", ("DP-1",), {"dragonfly": 2}, lambda world: 1)
    broken = behaviour.Behaviour("broken", "reaping", "It is.", ("DP-1",), {"dragonfly": 2}, lambda world: 1 // 0)
    absent = behaviour.Behaviour(
        "absent", "reaping", "It is.", ("DP-1",), {"dragonfly": 2}, lambda world: world.need_model("why") and 2
    )
    elsewhere = behaviour.Behaviour("elsewhere", "reaping", "It is.", ("DP-1",), {"freebsd": 2}, lambda world: 2)
    monkeypatch.setattr(suite, "every", lambda: [wrong, broken, absent, elsewhere])
    assert main(["conform"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"FAILED +wrong\n +It is two\.\n +to be observed: 2\n +observed: +1\n", printed)
    assert "ZeroDivisionError" in printed
    assert "3 behaviours: 1 hold, 0 differ as listed, 0 not checked, 2 failed" in printed


@pytest.mark.parametrize("words", [["--in", "x"], ["--out"], ["--out", "a", "b"], ["x"]])
def test_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2."""
    assert main(["conform", *words]) == 2
    assert capsys.readouterr().err.startswith("pydfly: conform: ")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """--help says what the verdicts mean."""
    assert main(["conform", "--help"]) == 0
    assert "not checked" in capsys.readouterr().out
    assert sys.platform
