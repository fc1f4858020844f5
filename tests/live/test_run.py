"""``pydfly run`` from outside: exit statuses, signals, time limits, reports, descriptors, PID 1."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import linux_only, live_only
from tests.live import onlooker
from tests.live.arena import ROOT
from tests.processes import eventually

pytestmark = live_only
RUN = [sys.executable, "-m", "pydfly", "run"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYDFLY_BACKEND"} | {"PYTHONPATH": ROOT}


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=200, **options)


@contextmanager
def start(*words: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Have it run in the background; whatever the test does, it is over in the end."""
    with subprocess.Popen([*RUN, *words], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 77"], 77),
        (["sh", "-c", "kill -KILL $$"], -9),
        (["sh", "-c", "kill -SEGV $$"], -11),
        (["sh", "-c", "kill -TERM $$"], -15),
    ],
)
def test_the_exit_status_is_that_of_the_command(command: list[str], status: int) -> None:
    result = run("--", *command)
    assert (result.returncode, result.stderr) == (status, "")


def test_no_such_command() -> None:
    result = run("no-such-command-anywhere", "x")
    assert (result.returncode, result.stdout) == (127, "")
    assert result.stderr == "pydfly: no-such-command-anywhere: No such file or directory\n"


def test_not_executable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a program\n")
    result = run(str(file))
    assert result.returncode == 126
    assert result.stderr == f"pydfly: {file}: Permission denied\n"
    file.write_text("exit $#\n")
    file.chmod(0o755)
    assert run(str(file), "a", "b").returncode == 2  # a script without #! is run by sh


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--"],
        ["--frobnicate", "true"],
        ["--grace"],
        ["--grace", "-1", "true"],
        ["--grace", "soon", "true"],
        ["--grace=nan", "true"],
        ["--timeout", "inf", "true"],
        ["--timeout=", "true"],
        ["--pdeathsig", "SIGNOTHING", "true"],
        ["--pdeathsig", "SIG_DFL", "true"],
        ["--pdeathsig", "9999", "true"],
        ["--report", "", "true"],
        ["--wait-all=yes", "true"],
    ],
)
def test_what_cannot_be_meant_is_told_so(words: list[str]) -> None:
    result = run(*words)
    assert result.returncode == 2
    assert result.stderr.startswith("pydfly: run: ")
    assert len(result.stderr.splitlines()) == 1


def test_help() -> None:
    result = run("--help")
    assert result.returncode == 0
    for option in ("--grace", "--timeout", "--wait-all", "--pdeathsig", "--report"):
        assert option in result.stdout


def test_options_end_where_the_command_begins() -> None:
    assert run("echo", "--grace", "x").stdout == "--grace x\n"
    assert run("--", "echo", "--", "-n").stdout == "-- -n\n"


def test_a_simulated_kernel_has_nothing_to_supervise() -> None:
    result = subprocess.run(
        [*RUN, "true"], env=ENVIRONMENT | {"PYDFLY_BACKEND": "sim"}, capture_output=True, text=True, timeout=200
    )
    assert result.returncode == 125
    assert "no real processes" in result.stderr


def test_standard_files_are_untouched() -> None:
    result = run("sh", "-c", "cat; echo error >&2", input="through\n")
    assert (result.stdout, result.stderr) == ("through\n", "error\n")


def test_inherited_descriptors_reach_the_command() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        code = f"import os; os.write({writing}, b'through')"
        result = run(sys.executable, "-c", code, pass_fds=[writing])
        os.close(writing)
        assert result.returncode == 0
        assert pipe.read() == "through"


def test_no_other_process_holds_what_the_command_closes() -> None:
    """A reader of the command's output sees its end when the command closes it, not when pydfly ends."""
    with start("sh", "-c", "echo; exec >&-; exec sleep 1000") as process:  # more than a test may take
        assert process.stdout
        assert process.stdout.read() == "\n"
        process.terminate()
        process.wait()


def test_time_limit() -> None:
    began = time.monotonic()
    assert run("--timeout", "0.3", "sleep", "60").returncode == 124
    assert time.monotonic() - began >= 0.3


def test_time_limit_with_a_command_that_ignores_everything() -> None:
    result = run("--timeout", "0.2", "--grace", "0.2", "sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done")
    assert result.returncode == 124


def test_a_command_in_time_is_not_touched() -> None:
    assert run("--timeout", "30", "sh", "-c", "sleep 0.1; exit 5").returncode == 5


def test_the_end_of_the_command_is_the_end_of_all() -> None:
    sleep = f"sleep 4717.{os.getpid()}"
    assert run("sh", "-c", f"setsid {sleep} & echo $!").returncode == 0
    assert onlooker.with_command(sleep) == []


def test_wait_all_waits_for_the_others() -> None:
    began = time.monotonic()
    result = run("--wait-all", "sh", "-c", "(setsid sleep 0.7; echo late) & exit 4")
    assert (result.returncode, result.stdout) == (4, "late\n")
    assert time.monotonic() - began >= 0.7


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "USR1", "USR2"])
def test_signals_reach_the_daemons_that_the_command_left(name: str) -> None:
    """With --wait-all, when the command has ended: a server's master reloads, reopens its logs, or shuts down."""
    daemon = f"trap 'echo {name}; exit 9' {name}; while kill -0 $0 2>&-; do sleep 0.01; done; echo ready; "
    daemon += "while :; do sleep 0.05; done"
    with start("--wait-all", "sh", "-c", 'setsid -f sh -c "$0" $$', daemon) as process:
        assert line(process) == "ready"
        process.send_signal(getattr(signal, f"SIG{name}"))
        assert line(process) == name
        assert process.wait(30) == 0


def test_term_ends_a_deaf_command_right_after_the_grace() -> None:
    with start("--grace", "0.5", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done") as process:
        line(process)
        began = time.monotonic()
        process.terminate()
        assert process.wait(30) == -signal.SIGKILL
        assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "CONT"])
def test_signals_reach_the_command(name: str) -> None:
    with start("sh", "-c", f"trap 'echo {name}; exit 9' {name}; echo ready; while :; do sleep 0.05; done") as process:
        line(process)
        process.send_signal(getattr(signal, f"SIG{name}"))
        assert line(process) == name
        assert process.wait(30) == 9


def test_term_reaches_the_command() -> None:
    with start("sh", "-c", "trap 'echo TERM; exit 9' TERM; echo ready; while :; do sleep 0.05; done") as process:
        line(process)
        process.terminate()
        assert line(process) == "TERM"
        assert process.wait(30) == 9


def test_ignored_and_blocked_signals_are_handed_down_as_they_were() -> None:
    """The command starts with the dispositions and the mask that ``pydfly run`` was given."""
    code = (
        "import signal; print(signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN, "
        "sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    )
    starter = (
        "import os, signal, sys; signal.signal(signal.SIGUSR1, signal.SIG_IGN); "
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = [sys.executable, "-c", starter, *RUN, "--", sys.executable, "-c", code]
    output = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=200).stdout
    assert output == f"True [{signal.SIGUSR2!r}]\n"


def test_broken_pipes_are_fatal_again() -> None:
    """Python ignores SIGPIPE; a command that starts like that would write into the void for ever."""
    assert run("sh", "-c", "kill -PIPE $$; echo ignored").stdout == ""


def test_pdeathsig_is_set_on_the_command() -> None:
    code = "import pydfly; print(pydfly.pdeathsig.get())"
    assert run("--pdeathsig", "USR2", sys.executable, "-c", code).stdout == f"{int(signal.SIGUSR2)}\n"
    assert run("--pdeathsig", "sigterm", sys.executable, "-c", code).stdout == "15\n"
    assert run("--pdeathsig=9", sys.executable, "-c", code).stdout == "9\n"
    assert run(sys.executable, "-c", code).stdout == "0\n"


def test_report_on_stdout_and_in_a_file(tmp_path: Path) -> None:
    words = ["sh", "-c", "setsid sleep 60 & sleep 0.2; exit 3"]
    printed = json.loads(run("--report", "-", "--", *words).stdout)
    file = tmp_path / "report.json"
    assert run("--report", str(file), "--", *words).returncode == 3
    for report in (printed, json.loads(file.read_text())):
        assert (report["command"], report["exit_status"], report["signal"]) == (words, 3, None)
        assert report["reason"] == "the command ended"
        command, *others = report["processes"]
        assert (command["pid"], command["name"], command["status"]) == (report["pid"], "sh", 3)
        assert ("sleep", None, 15) in [(other["name"], other["status"], other["signal"]) for other in others]
        for record in report["processes"]:
            assert record["start"] <= record["end"]
            assert record["rusage"]["max_rss"] > 0
        assert report["survivors"] == report["spared"] == []


def test_report_of_a_command_that_was_not_started() -> None:
    result = run("--report", "-", "no-such-command-anywhere")
    report = json.loads(result.stdout)
    assert (result.returncode, report["exit_status"], report["reason"]) == (127, None, "not started")


def test_a_stopped_warden_is_continued() -> None:
    """Stopping the supervisor gains nothing."""
    with start("--grace", "5", "sh", "-c", "echo ready; exec sleep 60") as process:
        line(process)
        warden = _warden(process.pid)
        os.kill(warden, signal.SIGSTOP)
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM


def test_a_killed_warden_is_told() -> None:
    with start("--grace", "5", "sh", "-c", "echo ready; exec sleep 60", stderr=subprocess.PIPE) as process:
        line(process)
        warden = _warden(process.pid)
        os.kill(warden, signal.SIGKILL)
        assert process.wait(30) == 125
        assert process.stderr
        assert process.stderr.read() == "pydfly: run: the warden was killed; everything it guarded was ended\n"


def test_times_that_no_clock_can_hold() -> None:
    words = ["--grace", "1e300", "--timeout", "1e300", "--", "sh", "-c", "sleep 0.1; exit 3"]
    assert run(*words).returncode == 3
    with start("--grace", "1e300", "sh", "-c", "echo ready; exec sleep 60") as process:
        line(process)
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM


def test_unread_messages_change_no_status() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [*RUN, "no-such-command-anywhere"]
    assert subprocess.run(words, env=ENVIRONMENT, stderr=writing, timeout=200).returncode == 127
    os.close(writing)


def test_a_command_that_dies_while_it_is_stopped_is_not_mistaken() -> None:
    """A death between two questions to the kernel is no error."""
    code = "for i in 1 2 3 4 5 6 7 8 9 10; do (kill -STOP $$; sleep 0.001; kill -CONT $$) & wait; done; exit 6"
    for _ in range(10):
        assert run("sh", "-c", code).returncode == 6


@linux_only
def test_nothing_happens_while_nothing_happens() -> None:
    """Guard, deputy and warden sleep in the kernel: no context switch in a second."""
    with start("sh", "-c", "echo ready; exec sleep 60") as process:
        line(process)
        warden = _warden(process.pid)
        sleepers = (process.pid, _child(process.pid), warden)

        def still() -> bool:
            before = [_switches(pid) for pid in sleepers]
            time.sleep(1)
            return before == [_switches(pid) for pid in sleepers]

        eventually(still)
        process.terminate()
        process.wait()


@linux_only
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="makes a pid namespace")
def test_as_init_of_a_container() -> None:
    """As PID 1 it keeps its promises, and collects orphans that are not its command's."""
    sleep = f"sleep 4718.{os.getpid()}"
    code = f"setsid {sleep} & sleep 0.1; echo $PPID; exit 6"
    words = ["unshare", "--pid", "--fork", "--mount-proc", *RUN, "--", "sh", "-c", code]
    result = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    assert (result.returncode, result.stdout, result.stderr) == (6, "3\n", "")
    assert onlooker.with_command(sleep) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="makes a pid namespace")
@linux_only
def test_with_the_proc_of_another_namespace_it_does_not_begin() -> None:
    """Where the guarantee cannot be kept, nothing is started."""
    words = ["unshare", "--pid", "--fork", *RUN, "echo", "started"]
    result = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    assert (result.returncode, result.stdout) == (125, "")
    assert "pid namespace" in result.stderr


def _child(pid: int) -> int:
    (child,) = onlooker.children(pid)
    return child


def _warden(guard: int) -> int:
    """Return the pid of the warden; between it and the guard is the deputy."""
    return _child(_child(guard))


def _switches(pid: int) -> list[str]:
    status = Path(f"//proc/{pid}/status").read_text().splitlines()
    return [row for row in status if "ctxt_switches" in row]


@live_only
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors(closed: str) -> None:
    """What the caller has closed is /dev/null for the command, never a pipe of ours."""
    words = [sys.executable, "-m", "pydfly", "run", "--", "sh", "-c", "read line; echo x; echo y >&2; exit 7"]
    script = f'exec {closed}; exec "$@"'
    assert subprocess.run(["sh", "-c", script, "sh", *words], stdin=subprocess.DEVNULL, timeout=200).returncode == 7


ODD = [b"A=1", b"NO EQUALS SIGN", b"LC_CTYPE=C.UTF-8", b"B=2", b"A=3", b"=begins", b"", b"C==", b"\xff=\xfe"]


def executed_with(entries: list[bytes], words: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Execute Python with exactly these entries as its environment."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from pydfly.supervisor.keepers.execve import execute; "
        "from pydfly.supervisor.launch import Launch; "
        "words = [os.fsencode(word) for word in [sys.executable, *sys.argv[2:]]]; "
        f"entries = [b'PYTHONPATH=' + os.fsencode(sys.argv[1]), *{entries!r}]; "
        "execute(words[0], Launch(words, env={}, entries=entries))"
    )
    return subprocess.run([sys.executable, "-S", "-c", code, ROOT, *words], capture_output=True, timeout=200)


@linux_only
@pytest.mark.parametrize(
    "way",
    [
        [*RUN[1:], "--"],
        ["-c", "import pydfly, sys; pydfly.supervise(sys.argv[1:]).wait(60)"],
    ],
)
def test_an_environment_that_no_dictionary_can_hold(way: list[str]) -> None:
    """Doubled and empty names, no =: as they came, and in their order."""
    expected = executed_with(ODD, ["-c", "import os; os.execvp('env', ['env', '-0'])"])
    done = executed_with(ODD, [*way, "env", "-0"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected.stdout
    assert ODD[0] + b"\0" + ODD[1] in done.stdout


@linux_only
def test_names_that_are_one_as_text_and_as_bytes() -> None:
    """As Popen has it: both reach the program, which finds the first."""
    import pydfly

    env = {"A": "1", b"A": b"2", "": "3", "PATH": os.environ["PATH"]}
    with pydfly.supervise(["env", "-0"], env=env, stdout=subprocess.PIPE) as service:  # type: ignore[arg-type]
        assert service.stdout
        assert service.stdout.read().startswith(b"A=1\0A=2\0=3\0PATH=")


def test_a_limit_that_pydfly_itself_meets_is_not_the_commands(tmp_path: Path) -> None:
    """Its pid file must not be that large: the SIGXFSZ of that is for pydfly, and the command lives."""
    import resource

    def no_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    place = tmp_path / "pid"
    done = run("--pidfile", str(place), "--", "sh", "-c", "sleep 0.3; exit 3", preexec_fn=no_files)
    assert (done.returncode, done.stderr) == (3, f"pydfly: run: --pidfile: {place}: File too large\n")
    assert not place.exists()
