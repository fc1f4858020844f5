"""The benchmark command: pairs, ratios, goals and exit statuses; not how fast anything is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import escapes, peers, report
from benchmarks.forest import forest
from benchmarks.rows import Result, Row, measure
from tests.processes import eventually


def row(ours: float, theirs: float, goal: float | None = 1.0, **more: object) -> Row:
    """Make a row whose two sides cost what they are told to."""
    return Row("example", lambda: ours, "constant", lambda: theirs, goal, pairs=3, **more)  # type: ignore[arg-type]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Row]]:
    """Have only these rows in the table."""
    wanted: list[Row] = []
    monkeypatch.setattr(command, "TOPICS", ("example",))
    monkeypatch.setattr(command, "import_module", lambda name: type("module", (), {"rows": lambda: wanted}))
    yield wanted


def test_the_sides_take_turns() -> None:
    """Noise that lasts longer than one run must hit both sides."""
    turns: list[str] = []
    spied = Row(
        "example",
        lambda: turns.append("A") or 1.0,
        "constant",
        lambda: turns.append("B") or 2.0,
        pairs=3,
        note=lambda: "".join(turns),
    )
    result = measure(spied)
    assert result.note == "ABABABAB"
    assert (result.ours, result.theirs, result.ratio) == ([1.0] * 3, [2.0] * 3, 0.5)
    assert turns == [], "a row runs in a process of its own"


@pytest.mark.parametrize(("cost", "status"), [(1.0, 0), (1.24, 0), (1.26, 1)])
def test_check_allows_a_quarter(rows: list[Row], cost: float, status: int) -> None:
    """--check fails only on a ratio that is more than 25 % above its goal."""
    rows.append(row(cost, 1.0))
    assert command.main(["--check"]) == status
    assert command.main([]) == 0


def test_a_row_that_breaks_is_a_failure(rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    """No numbers are no success, and the reason is in the table."""

    def broken() -> float:
        raise RuntimeError("it broke")

    rows.append(Row("example", broken, "constant", lambda: 1.0))
    assert command.main(["--check"]) == 1
    assert "FAILED: RuntimeError: it broke" in capsys.readouterr().out


def test_missing_peers_are_told_with_the_way_to_get_them(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not installed is no failure, but it is shown."""
    monkeypatch.setitem(peers.PEERS, "no-such-peer", "apt-get install no-such-peer")
    rows.append(row(1.0, 1.0, peers=("no-such-peer",)))
    assert command.main(["--check"]) == 0
    told = capsys.readouterr()
    assert "missing: no-such-peer  (apt-get install no-such-peer)" in told.err
    assert "missing: no-such-peer" in told.out


def test_json_has_every_measurement(rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    """A program can do its own statistics."""
    rows.append(row(1.0, 2.0))
    assert command.main(["--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["rows"]
    assert (told["ours"], told["theirs"], told["ratio"], told["verdict"]) == ([1.0] * 3, [2.0] * 3, 0.5, "ok")


def test_markdown_names_its_command(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    """The page of the manual can be made again by what it says."""
    page = tmp_path / "docs" / "benchmarks.md"  # type: ignore[operator]
    monkeypatch.setattr(command, "PAGE", page)
    rows.append(row(1.0, 2.0))
    assert command.main(["--markdown"]) == 0
    assert "`python -m benchmarks --markdown`" in page.read_text()
    assert "| example | constant | 1 s | 2 s | 0.5 | 1 |" in page.read_text()


def test_a_count_of_nothing_is_within_a_goal_of_nothing() -> None:
    """Zero context switches against zero is no division by zero."""
    assert Result(row(0, 0, 0), [0.0], [0.0]).ratio == 0
    assert Result(row(1, 0, 0), [1.0], [0.0]).misses(0.25)


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5 s"), (0.0123, "12.3 ms"), (4e-6, "4 us"), (7e-9, "7 ns")])
def test_quantities_are_readable(value: float, text: str) -> None:
    """Three digits and a fitting prefix."""
    assert report.quantity(value, "s") == text


@pytest.mark.parametrize("shape", ["flat", "deep"])
def test_a_forest_grows_and_goes(shape: str) -> None:
    """The processes are there within the block, and no longer than that."""
    from pydfly.backends.linux.procfs import ProcFs

    everyone = ProcFs()
    before = {process.pid for process in everyone.below(os.getpid())}
    with forest(60, shape):
        below = [process for process in everyone.below(os.getpid()) if process.pid not in before]
        assert len(below) == 60
        assert max(sum(process.ppid == other.pid for process in below) for other in below) == (
            59 if shape == "flat" else 1
        )
    assert eventually(lambda: not {process.pid for process in below} & {process.pid for process in everyone.everyone()})


def test_every_row_is_listed() -> None:
    """The command finds its topics; each row has a name of its own."""
    names = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(names) == len(set(names)) > 10


def test_the_pages_can_be_written() -> None:
    """The template of the table has three fields and no other brace; the other page has the words of its template."""
    page = Path(report.__file__).with_name("page.md").read_text()
    assert sorted(re.findall(r"[{}][^{}]*[{}]?", page)) == ["{command}", "{machine}", "{rows}"]
    written = (Path(__file__).parents[1] / "docs" / "escapes.md").read_text()
    assert [part for part in re.split(r"\{\w+\}", escapes.TEXT) if part not in written] == []
