"""The terminal face: colours on a terminal only, never with NO_COLOR, nothing that a process name could do to it."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from pydfly.cli import summary
from pydfly.cli.tree import age, lines
from pydfly.structs import DescendantInfo
from tests.conftest import linux_only

ESCAPE = "\x1b["


def in_terminal(*words: str, **environment: str) -> str:
    """Run `pydfly` with a terminal for its output, and return what it shows there."""
    reading, writing = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pydfly", *words],
        stdout=writing,
        stderr=writing,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environment},
    )
    os.close(writing)
    shown = b""
    while True:
        try:
            piece = os.read(reading, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(reading)
    process.wait(60)
    return shown.decode()


@pytest.mark.parametrize(
    ("words", "page"), [(["resident", "--help"], "resident"), (["svc", "--bogus"], "svc"), (["svc", "--help"], "svc")]
)
def test_where_more_help_is(words: list[str], page: str) -> None:
    """These two follow the tools whose names they have, which say little; on a terminal a line tells of the manual."""
    assert f"pydfly help {page} shows" in in_terminal(*words)


@linux_only
def test_tree_in_colours_where_they_are_wanted() -> None:
    pytest.importorskip("rich")
    assert ESCAPE in in_terminal("tree", str(os.getpid()))
    assert ESCAPE not in in_terminal("tree", str(os.getpid()), NO_COLOR="1")
    assert ESCAPE not in in_terminal("tree", str(os.getpid()), TERM="dumb")


@linux_only
def test_tree_shows_the_same_with_and_without_colours() -> None:
    plain = in_terminal("tree", str(os.getpid()), NO_COLOR="1").splitlines()
    drawn = in_terminal("tree", str(os.getpid())).splitlines()
    assert len(plain) == len(drawn) >= 2
    assert f"{os.getpid()}" in plain[0]
    assert f"{os.getpid()}" in drawn[0]


@linux_only
def test_run_summary(tmp_path: Path) -> None:
    """On standard error, beside a report that is still JSON on standard output."""
    command = ["run", "--summary", "--report", "-", "--grace", "1", "--", "sh", "-c", "setsid sleep 99 & exit 3"]
    done = subprocess.run([sys.executable, "-m", "pydfly", *command], capture_output=True, text=True)
    assert done.returncode == 3
    assert json.loads(done.stdout)["exit_status"] == 3
    first, head, *rows = done.stderr.splitlines()
    assert first.startswith("pydfly: sh -c 'setsid sleep 99 & exit 3': exit 3, ")
    assert first.endswith("; the command ended; 2 processes met, no process is left")
    assert head.split() == list(summary.HEAD)
    assert [row.split()[3] for row in rows] == ["exit", "SIGTERM"]
    assert rows[0].split()[2] == "sh"  # the other is sh, setsid or sleep, whenever it was seen
    assert ESCAPE not in done.stderr


@linux_only
def test_run_summary_in_a_terminal() -> None:
    pytest.importorskip("rich")
    assert ESCAPE in in_terminal("run", "--summary", "true")
    assert ESCAPE not in in_terminal("run", "--summary", "true", NO_COLOR="1")
    assert in_terminal("run", "true") == ""


@linux_only
def test_run_summary_of_what_cannot_be_started() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pydfly", "run", "--summary", "/nowhere/x"], capture_output=True, text=True
    )
    assert done.returncode == 127
    assert "Traceback" not in done.stderr
    assert "/nowhere/x: No such file or directory" in done.stderr


def report(**changes: object) -> dict[str, object]:
    record = {
        "pid": 2,
        "name": "x",
        "parent": 1,
        "status": 0,
        "signal": None,
        "rusage": None,
        "start": None,
        "end": 2.0,
    }
    plain: dict[str, object] = {
        "command": ["x"],
        "pid": 2,
        "exit_status": 0,
        "signal": None,
        "reason": "the command ended",
        "start": 1.0,
        "end": 2.0,
        "processes": [record],
        "unlisted": 0,
        "survivors": [],
        "spared": [],
    }
    return plain | changes


def test_summary_of_more_than_can_be_shown() -> None:
    processes = report()["processes"]
    assert isinstance(processes, list)
    paper = io.StringIO()
    summary.show(report(processes=processes * 100, unlisted=7), paper)
    assert paper.getvalue().splitlines()[-1] == "and 67 more"
    assert "107 processes" in paper.getvalue()


def test_summary_names_survivors() -> None:
    left = {"pid": 9, "name": "stuck", "state": "waiting", "why": "it does not die"}
    paper = io.StringIO()
    summary.show(report(survivors=[left], exit_status=None), paper)
    assert "x: not ended, 1.00 s" in paper.getvalue()
    assert "1 left" in paper.getvalue()
    assert paper.getvalue().endswith("left: stuck (pid 9, waiting): it does not die\n")


def test_names_cannot_act_on_the_terminal() -> None:
    paper = io.StringIO()
    summary.show(report(command=["\x1b[31mx"], processes=[]), paper)
    assert "\x1b" not in paper.getvalue()


def test_deep_and_wide_trees() -> None:
    """Deeper than Python's stack, and drawn with every branch in place."""
    chain = [DescendantInfo(pid, pid - 1, "x", "sleeping", 0.0) for pid in range(1, 3001)]
    children = {process.pid: [after] for process, after in pairwise(chain)}
    drawn = list(lines(chain[0], children))
    assert [process.pid for _, process in drawn] == list(range(1, 3001))
    assert drawn[-1][0] == "   " * 2998 + "└─ "


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200000, "2 days")]
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text
