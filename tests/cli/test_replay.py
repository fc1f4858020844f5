"""`pydfly replay`: files plain and packed, standard input, differences, broken lines, the bar on a terminal."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pydfly.cli import main

DATA = Path(__file__).parent.parent / "data"
GOOD = {"name": "good", "os": "dragonfly", "ops": [{"op": "fork", "pid": 2, "child": 3}]}
WRONG = {"name": "wrong", "os": "dragonfly", "ops": [*GOOD["ops"], {"op": "fork", "pid": 2, "child": 5}]}


def write(path: Path, *scenarios: object) -> str:
    path.write_text("".join(json.dumps(scenario) + "\n" for scenario in scenarios))
    return str(path)


def run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pydfly", "replay", *words], input=stdin, capture_output=True, check=False, timeout=200
    )


def test_both_recordings_have_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(DATA / "dragonfly.jsonl.gz"), str(DATA / "dragonfly-extra.jsonl.gz")]) == 0
    assert capsys.readouterr() == ("461 scenarios, 23334 operations, 0 differences\n", "")


def test_each_difference_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", write(tmp_path / "a.jsonl", GOOD, WRONG, GOOD), write(tmp_path / "b.jsonl", WRONG)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "wrong: operation 2 (fork): expected 5, got 4",
        "wrong: operation 2 (fork): expected 5, got 4",
        "4 scenarios, 6 operations, 2 differences",
    ]


def test_an_empty_file_and_one_without_a_last_newline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "short").write_text(json.dumps(GOOD))
    assert main(["replay", str(tmp_path / "empty"), str(tmp_path / "short")]) == 0
    assert capsys.readouterr().out == "1 scenarios, 1 operations, 0 differences\n"


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(packed: bool) -> None:
    content = (json.dumps(GOOD) + "\n").encode()
    ran = run("-", stdin=gzip.compress(content) if packed else content)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"1 scenarios, 1 operations, 0 differences\n", b"")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"name": "x", "os": "plan9", "ops": []}', "unknown os 'plan9'"),
        (json.dumps({**GOOD, "ops": [{"op": "dance"}]}), "good: operation 1: unknown operation 'dance'"),
        (json.dumps({**GOOD, "ops": [{"op": "fork", "pid": 2}]}), "good: operation 1: fork: no key 'child'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, complaint: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n{json.dumps(GOOD)}\n")
    assert main(["replay", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pydfly: replay: {path}: line 2: ") and complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "tail"])
def test_damaged_gzip_data(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    content = gzip.compress((json.dumps(GOOD) + "\n").encode() * 200)
    damaged = {
        "cut": content[:-20],
        "flipped": content[:30] + bytes(byte ^ 255 for byte in content[30:60]) + content[60:],
        "tail": content[:-8] + b"x" * 8,
    }[damage]
    path = tmp_path / "a.gz"
    path.write_bytes(damaged)
    assert main(["replay", str(path)]) == 2
    assert f"pydfly: replay: {path}: line " in capsys.readouterr().err


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing")
    assert main(["replay", missing]) == 1
    assert capsys.readouterr().err == f"pydfly: {missing}: No such file or directory\n"
    assert main(["replay", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"pydfly: {tmp_path}: Is a directory\n"


def test_errors_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay"]) == 2
    assert capsys.readouterr().err.startswith("pydfly: replay: no file given; ")
    assert main(["replay", "--fast", "x"]) == 2
    assert "unknown option '--fast'" in capsys.readouterr().err
    assert main(["replay", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: pydfly replay FILE...\n")


def on_terminal(*words: str, stdin: int | None = None) -> bytes:
    """Run with a terminal as standard error; return what it saw."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pydfly", "replay", *words], stdin=stdin, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux: no process has the other end any more
            break
        if not part:
            break
        seen += part
    os.close(ours)
    process.wait(timeout=200)
    return seen


def test_a_bar_on_a_terminal_that_is_gone_at_the_end() -> None:
    seen = on_terminal(str(DATA / "dragonfly.jsonl.gz"))
    assert b"dragonfly.jsonl.gz: [####" in seen
    assert f"[{'#' * 40}]".encode() in seen
    assert seen.endswith(b"\r\x1b[K")


def test_a_count_on_a_terminal_where_the_size_is_not_known() -> None:
    reading, writing = os.pipe()
    os.write(writing, (json.dumps(GOOD) + "\n").encode() * 300)
    os.close(writing)
    seen = on_terminal("-", stdin=reading)
    os.close(reading)
    assert b"-: 1 scenarios" in seen and b"-: 300 scenarios" in seen and b"#" not in seen


def test_a_difference_takes_the_bar_away_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD, WRONG)
    assert b"\x1b[K" in on_terminal(path)
