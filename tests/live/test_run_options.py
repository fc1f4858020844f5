"""``pydfly run``'s options about what the command leaves: --spare, --fail-on-leak, --pidfile."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.conftest import live_only
from tests.live.test_run import run, start
from tests.processes import eventually

pytestmark = live_only
# by /proc, or by ps(1) where there is none
NAME = "{ cat //proc/$!/comm 2>/dev/null || ps -o comm= -p $! 2>/dev/null; }"
STATE = "{ cat //proc/$pid/stat 2>/dev/null || ps -o state= -p $pid 2>/dev/null; }"
DAEMON = f"setsid sleep 60 >/dev/null 2>&1 & until {NAME} | grep -q sleep; do :; done; echo $!; "


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("option", "status"), [("--fail-on-leak", 1), ("--fail-on-leak=77", 77)])
def test_a_leak_fails_and_is_named_and_ended(option: str, status: int) -> None:
    result = run(option, "--", "sh", "-c", f"{DAEMON} exit 0")
    pid = int(result.stdout)
    assert (result.returncode, result.stderr) == (status, f"pydfly: run: left behind: sleep (pid {pid})\n")
    assert not is_there(pid)


DEAD_ORPHAN = f"""\
pid=$(sh -c '(exit 3) >/dev/null & echo $!')
while {STATE} | grep -q -e ') [RSDI]' -e '^[RSDI]'; do :; done"""


@pytest.mark.parametrize("command", ["true", "sh -c 'sleep 0.01 & wait'", DEAD_ORPHAN])
def test_what_leaves_nothing_does_not_fail(command: str) -> None:
    result = run("--fail-on-leak", "--", "sh", "-c", 'eval "$1"; wait', "sh", command)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_failure_of_the_command_itself_counts_more() -> None:
    result = run("--fail-on-leak=77", "--", "sh", "-c", f"{DAEMON} exit 3")
    assert result.returncode == 3
    assert "left behind: sleep" in result.stderr


def test_what_is_asked_to_end_leaks_nothing() -> None:
    """It was not the command that ended by itself."""
    result = run("--fail-on-leak", "--timeout", "0.5", "--", "sh", "-c", f"{DAEMON} exec sleep 60")
    assert (result.returncode, result.stderr) == (124, "")


def test_what_is_spared_lives_on_and_is_no_leak() -> None:
    result = run("--fail-on-leak", "--spare", "nothing", "--spare", "slee[p]", "--", "sh", "-c", f"{DAEMON} exit 0")
    pid = int(result.stdout)
    assert (result.returncode, result.stderr) == (0, "")
    assert is_there(pid)
    os.kill(pid, signal.SIGKILL)


def test_the_report_says_what_was_spared(tmp_path: Path) -> None:
    file = tmp_path / "report"
    result = run("--spare", "sleep", "--report", str(file), "--", "sh", "-c", f"{DAEMON} exit 0")
    pid = int(result.stdout)
    os.kill(pid, signal.SIGKILL)
    assert [spared["pid"] for spared in json.loads(file.read_text())["spared"]] == [pid]


def test_the_pid_file_is_there_while_the_command_runs(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    file.write_text("99999999 of another time\n")
    with start("--pidfile", str(file), "--", "sh", "-c", "echo $$; exec sleep 60") as process:
        assert process.stdout
        pid = process.stdout.readline()
        eventually(lambda: file.read_text() == pid)
        process.terminate()
        process.wait(60)
    assert not file.exists()


def test_a_pid_file_that_cannot_be_written_starts_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path, tmp_path / "none" / "pid", tmp_path / "fifo"):
        result = run("--pidfile", str(place), "--", "touch", str(tmp_path / "started"))
        assert result.returncode == 125
        assert result.stderr.startswith(f"pydfly: run: --pidfile: {place}: ")
        assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "started").exists()


def test_a_status_without_its_sign() -> None:
    """``--fail-on-leak 9 CMD`` takes 9 for the command: the one line says how a status is given."""
    result = run("--fail-on-leak", "9", "true")
    assert result.returncode == 127
    assert result.stderr == (
        "pydfly: 9: No such file or directory (a status is given with =, as in --fail-on-leak=9)\n"
    )


def test_a_pid_file_that_another_has_replaced_is_his(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    result = run("--pidfile", str(file), "--", "sh", "-c", f"rm {file}; echo mine >{file}")
    assert result.returncode == 0
    assert file.read_text() == "mine\n"


def test_a_pid_file_that_is_a_device_stays(tmp_path: Path) -> None:
    """Root has no use for a machine without /dev/null."""
    link = tmp_path / "pid"
    link.symlink_to("/dev/null")
    result = run("--pidfile", str(link), "--", "true")
    assert (result.returncode, result.stderr) == (0, "")
    assert link.is_symlink()
    assert Path("/dev/null").is_char_device()


def test_a_pid_file_goes_when_the_command_cannot_be_started(tmp_path: Path) -> None:
    assert run("--pidfile", str(tmp_path / "pid"), "/nowhere/x").returncode == 127
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--kill-mode", "all"],
        ["--fail-on-leak=0"],
        ["--fail-on-leak=256"],
        ["--fail-on-leak="],
        ["--stop-signal", "NOTHING"],
        ["--spare"],
        ["--grace", "5ms"],
    ],
)
def test_errors_of_use(words: list[str]) -> None:
    result = run(*words, *([] if words == ["--spare"] else ["true"]))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("pydfly: run: ")
    assert len(result.stderr.splitlines()) == 1
