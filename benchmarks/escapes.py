"""What gets away from which tool: ``python -m benchmarks.escapes [--rounds N] [--markdown]``.

Every tool runs a program that has started one kind of descendant, is told to end as its manual says, and is given
time; what lives afterwards has got away.  This process is a reaper, so no process can get away from it: ECHILD says
whether any is left.  The program itself obeys SIGTERM at once; the grace is half a second where one can be set.
With --markdown docs/escapes.md is written.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydfly import reaper

from .report import machine

GRACE = 0.5
ESCAPEES = Path(__file__).parents[1] / "tests" / "live" / "escapees.py"
PATIENCE = 8.0  # seconds until a tool that does not come back counts as hung
SETTLING = 0.5  # seconds that the kernel is given to finish with killed processes
KINDS = {
    "plain": "child",
    "deaf": "ignores TERM",
    "session": "setsid",
    "deaf_session": "both",
    "double_fork": "daemon",
    "deaf_daemon": "daemon, ignores TERM",
    "late": "forks on TERM",
    "stopped": "stopped",
    "hydra": "new pid every ms",
}
PAGE = Path(__file__).parents[1] / "docs" / "escapes.md"
Ending = Callable[[subprocess.Popen[bytes]], None]


def terminate(process: subprocess.Popen[bytes]) -> None:
    """Tell a wrapper to end."""
    process.terminate()
    process.wait(PATIENCE)


def terminate_then_kill(process: subprocess.Popen[bytes]) -> None:
    """Do as the documentation of subprocess shows."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Signal the process group; needs start_new_session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        time.sleep(GRACE)


def psutil_recipe(process: subprocess.Popen[bytes]) -> None:
    """Do as the documentation of psutil shows: kill_proc_tree()."""
    import psutil

    parent = psutil.Process(process.pid)
    everybody = [*parent.children(recursive=True), parent]
    for member in everybody:
        try:
            member.send_signal(signal.SIGTERM)
        except psutil.NoSuchProcess:
            continue
    for member in psutil.wait_procs(everybody, timeout=GRACE)[1]:
        member.kill()


WRAPPERS = {
    "tini -s": ["tini", "-s", "--"],
    "tini -s -g": ["tini", "-s", "-g", "--"],
    "dumb-init": ["dumb-init", "--"],
    "catatonit -g": ["catatonit", "-g", "--"],
    "timeout -k": ["timeout", "-k", str(GRACE), "60"],
    "bwrap, a pid namespace": [
        "bwrap",
        "--unshare-pid",
        "--as-pid-1",
        "--die-with-parent",
        "--dev-bind",
        "/",
        "/",
        "--",
    ],
    "pydfly run": [sys.executable, "-m", "pydfly", "run", "--grace", str(GRACE), "--"],
}
SUPERVISORD = """\
[supervisord]
nodaemon=true
user={user}
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/supervisord.pid
[program:escapee]
command={command}
stopasgroup=true
killasgroup=true
stopwaitsecs=1
"""
CIRCUS = """\
[watcher:escapee]
cmd = {command}
stop_children = True
graceful_timeout = {grace}
"""
OWNER = """
import sys, pydfly
with pydfly.supervise(sys.argv[2:], grace=float(sys.argv[1])) as service:
    sys.stdin.readline()
"""


def tools(folder: Path, script: Path) -> Iterator[tuple[str, list[str], Ending]]:
    """Yield every tool that is here: its name, the command line, and how it is told to end."""
    program = ["sh", str(script)]
    yield "subprocess, terminate and kill", program, terminate_then_kill
    yield "start_new_session, killpg", program, end_group
    yield "psutil, the kill-tree recipe", program, psutil_recipe
    for name, words in WRAPPERS.items():
        if shutil.which(words[0]):
            yield name, [*words, *program], terminate
    if supervisord := shutil.which("supervisord"):
        conf = folder / "supervisord.conf"
        conf.write_text(
            SUPERVISORD.format(user="root" if os.getuid() == 0 else "", folder=folder, command=f"sh {script}")
        )
        yield "supervisord, as group", [supervisord, "-c", str(conf)], terminate
    if circusd := shutil.which("circusd"):
        conf = folder / "circus.ini"
        conf.write_text(CIRCUS.format(command=f"sh {script}", grace=GRACE))
        yield "circusd, stop_children", [circusd, str(conf)], terminate
    if honcho := shutil.which("honcho"):
        (folder / "Procfile").write_text(f"escapee: sh {script}\n")
        yield "honcho", [honcho, "-d", str(folder), "start"], terminate
    yield "pydfly.supervise()", [sys.executable, "-c", OWNER, str(GRACE), *program], say_stop


def say_stop(process: subprocess.Popen[bytes]) -> None:
    """Have the owner leave its block."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.wait(PATIENCE)


@contextmanager
def running(command: list[str], ready: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a tool until its program has announced itself; afterwards no process is left."""
    ready.unlink(missing_ok=True)
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            end = time.monotonic() + 20
            while not ready.exists() or not ready.stat().st_size:
                if time.monotonic() > end:
                    raise TimeoutError(f"not started: {command}")
                time.sleep(0.01)
            yield process
        finally:
            reaper.kill_all(signal.SIGKILL)


def got_away(kind: str, command: list[str], end: Ending, script: Path) -> str:
    """Play one round: "" when no process has got away, else what happened."""
    ready = script.with_name("ready")
    script.write_text(f"exec {sys.executable} -I -S {ESCAPEES} {kind} 9 9>{ready}\n")
    with running(command, ready) as process:
        try:
            end(process)
        except subprocess.TimeoutExpired:
            return "hung"
        limit = time.monotonic() + SETTLING
        while (somebody := anybody_left(process)) and time.monotonic() < limit:
            time.sleep(0.01)
        return "left" if somebody else ""


def anybody_left(tool: subprocess.Popen[bytes]) -> bool:
    """Collect the dead, and ask the kernel."""
    tool.poll()  # its own status, before the loop takes every child's
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def matrix(rounds: int) -> list[list[str]]:
    """Play every tool against every kind; a row for each tool."""
    rows = []
    with reaper.acquired(), tempfile.TemporaryDirectory() as place:
        script = Path(place) / "program.sh"
        for name, command, end in tools(Path(place), script):
            cells = []
            for kind in KINDS:
                results = [got_away(kind, command, end, script) for _ in range(rounds)]
                lost = sum(result != "" for result in results)
                cells.append(f"{lost}/{rounds}{' hung' if 'hung' in results else ''}")
            clean = sum(cell.startswith("0/") for cell in cells)
            rows.append([name, *cells, f"{clean}/{len(KINDS)}"])
            print("  ".join(rows[-1]), flush=True)
    return rows


VERSIONS = {
    "tini": "--version",
    "dumb-init": "--version",
    "catatonit": "--version",
    "bwrap": "--version",
    "timeout": "--version",
    "supervisord": "--version",
    "circusd": "--version",
    "honcho": "version",
}


def versions() -> str:
    """Say which versions were measured."""
    found = []
    for name, option in VERSIONS.items():
        if shutil.which(name):
            done = subprocess.run([name, option], capture_output=True, text=True)
            number = re.search(r"\d+(\.\d+)+", done.stdout or done.stderr)
            found.append(f"{name} {number[0] if number else '?'}")
    import psutil

    return ", ".join([*found, f"psutil {psutil.__version__}"])


def main() -> None:
    """Print the matrix, and write the page if asked."""
    parser = argparse.ArgumentParser("python -m benchmarks.escapes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is played (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="also write docs/escapes.md")
    options = parser.parse_args()
    rows = matrix(options.rounds)
    if options.markdown:
        head = ["", *KINDS.values(), "clean"]
        lines = [head, ["---"] * len(head), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        command = f"python -m benchmarks.escapes --rounds {options.rounds} --markdown"
        PAGE.write_text(TEXT.format(command=command, machine=machine(), versions=versions(), table=table, grace=GRACE))


TEXT = """# What gets away

Fourteen ways to run a program and end it, and nine kinds of descendants that the program has started. In short:

- `pydfly run`, `pydfly.supervise()` and a pid namespace leave no process of any kind.
- A daemon gets away from every other way: it has left its parent and its process group.
- A tool that signals a process group misses each process that has called setsid(2).
- A plain `terminate()` and `kill()` miss every descendant.

In each field: rounds in which a process was left / rounds; `hung`: the tool itself did not come back within 8 seconds.
*both*: a process that ignores SIGTERM and has called setsid(2). *clean*: kinds of which no process was ever left.
The program obeys SIGTERM at once itself. The grace is {grace} s where one can be set. The process that plays this is a
reaper, so ECHILD tells whether a process was left.

{table}

To be fair:

- tini, dumb-init and catatonit are made to be process 1 of a container, where the kernel ends the rest when they
  exit. Here they run as any other process does.
- supervisord, circusd and honcho watch the program that they started. It obeys at once here; when it lingers, their
  group kill reaches the processes that stayed in the group.
- A stopped child whose process group is orphaned gets SIGHUP and SIGCONT from the kernel, and may die of that.
- A pid namespace ends every process for sure. It needs privileges or user namespaces, gives no process a grace, and the
  processes inside see other pids.
- A few rounds prove little. `python -m tests.live.arena 20` plays pydfly against all the kinds
  and endings that its own tests know.

Written by `{command}` on a machine with {machine}.
Versions: {versions}.
"""

if __name__ == "__main__":
    main()
