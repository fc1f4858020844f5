"""``pydfly run --report`` and ``--summary``, whatever goes wrong with them: the command's own status stays."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.conftest import live_only
from tests.live.test_run import ENVIRONMENT, RUN, run

pytestmark = live_only
has_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full, as on DragonFly")


def redirected(redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``pydfly run`` as a shell does with a redirection."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *RUN, *words]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        pytest.param("/dev/full", "No space left on device", marks=has_full),
        ("directory", "Is a directory"),
        ("nowhere/report", "No such file or directory"),
        ("fifo", "it has no reader"),
    ],
)
def test_a_report_that_cannot_be_written(name: str, trouble: str, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    place = name if name.startswith("/") else str(tmp_path / name)
    result = run("--report", place, "--", "sh", "-c", "echo done; exit 3")
    assert (result.returncode, result.stdout) == (3, "done\n")
    assert result.stderr == f"pydfly: run: --report: {place}: {trouble}\n"


def test_a_report_to_a_closed_descriptor() -> None:
    result = redirected(">&-", "--report", "-", "--", "sh", "-c", "exit 3")
    assert (result.returncode, result.stderr) == (3, "pydfly: run: --report: -: Bad file descriptor\n")


@has_full
def test_a_report_to_a_full_standard_output() -> None:
    result = redirected(">/dev/full", "--report", "-", "--", "sh", "-c", "exit 3")
    assert (result.returncode, result.stderr) == (3, "pydfly: run: --report: -: No space left on device\n")


def test_a_fifo_whose_reader_comes_late(tmp_path: Path) -> None:
    """There is no reader when the command starts: the place is tried again at the end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = [*RUN, "--report", str(fifo), "--", "sh", "-c", "echo started; read line; exit 3"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        _, trouble = process.communicate("go on\n", timeout=200)
        report = os.read(reading, 65536)
        os.close(reading)
    assert (process.returncode, trouble) == (3, "")
    assert json.loads(report)["exit_status"] == 3


@pytest.mark.parametrize("redirection", ["2>&-", pytest.param("2>/dev/full", marks=has_full)])
@pytest.mark.parametrize("option", ["--summary", "--report=/nowhere/report"])
def test_trouble_that_can_be_told_nowhere(redirection: str, option: str) -> None:
    result = redirected(redirection, option, "--", "sh", "-c", "exit 3")
    assert (result.returncode, result.stdout, result.stderr) == (3, "", "")


def test_closed_descriptors_reach_the_command_closed() -> None:
    """What is opened in their place is for this program alone."""
    for number in (0, 1, 2):
        code = f"import os, sys\ntry: os.fstat({number})\nexcept OSError: sys.exit(7)"
        result = redirected(f"{number}>&-", "--", sys.executable, "-c", code)
        assert (result.returncode, result.stdout, result.stderr) == (7, "", "")


@pytest.mark.parametrize("columns", [40, 100])
def test_a_summary_on_a_narrow_terminal_is_a_list(columns: int) -> None:
    lines = on_terminal(columns, "--summary", "--", "sh", "-c", "sleep 60 & exit 3")
    assert lines[0].endswith("; 2 processes met, no process is left")
    assert any("PARENT" in line for line in lines) == (columns == 100)
    if columns == 40:
        assert re.fullmatch(r"\d+ sh: exit 3", lines[1])
        assert max(len(line) for line in lines[1:]) <= 40
        # the other was met as what it had become by then
        assert [line for line in lines if re.fullmatch(r"\d+ (sh|sleep): SIGTERM", line)]


def on_terminal(columns: int, *words: str) -> list[str]:
    """Return what is shown on a terminal of so many columns."""
    reading, writing = pty.openpty()
    fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**ENVIRONMENT, "NO_COLOR": "1"}
    with subprocess.Popen([*RUN, *words], env=environment, stdout=writing, stderr=writing) as process:
        os.close(writing)
        shown = b""
        try:
            while piece := os.read(reading, 65536):
                shown += piece
        except OSError:  # EIO: the other end is closed
            pass
        os.close(reading)
        process.wait(60)
    return shown.decode().splitlines()
