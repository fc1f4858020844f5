"""The supervisor: what it costs to start under it, to end a deaf command, and to have it idle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pydfly
from pydfly.backends import current

from . import peers
from .rows import SCRIPT, Row, Sample, command

GRACE = 1.0
DEAF = "trap '' TERM; echo; while :; do sleep 1; done"
IDLE = 10.0

_svc_directory: str


def rows() -> Iterator[Row]:
    """Starts, a deaf command, idleness."""
    run = command(*SCRIPT, "run", "--", "true")
    bare = command(sys.executable, "-c", "pass")
    yield Row("pydfly run -- true", run, "python -c pass", bare, 1.7, pairs=41, robust=True)
    theirs = command(sys.executable, "-c", "import subprocess; subprocess.run(['true'])")
    yield Row("pydfly run -- true (subprocess)", run, "python -c subprocess.run(['true'])", theirs, 0.9, robust=True)
    least = command(sys.executable, "-I", "-S", "-c", "pass")
    name = "supervise() until the command runs"
    yield Row(name, _supervise, "python -I -S -c pass", least, 2.0, pairs=41)
    yield Row(f"{name} (Popen)", _supervise, "subprocess.Popen", _popen, pairs=21)
    yield from _svc_rows(bare)
    name = f"a TERM-ignoring command under pydfly run, grace {GRACE:g} s"
    against = "the grace (goal: 50 ms more)"
    yield Row(name, _deaf, against, lambda: GRACE, 1 + 0.05 / GRACE, pairs=5, note=_who_waits_for_ever)
    yield Row(
        f"context switches of guard and warden in {IDLE:g} s",
        _idle(_run_switches),
        "tini",
        _idle(_tini_switches),
        0.0,
        peers=("tini",),
        pairs=1,
        warm=False,
        unit="switches",
    )


def _svc_rows(bare: Sample) -> Iterator[Row]:
    """A service's daemon: its start until the command runs, and a question to it."""
    name = "pydfly svc init, until the command runs"
    yield Row(name, _svc_start, "python -c pass", bare, 6.0, pairs=15)
    yield Row("pydfly svc status", _svc_status, "python -c pass", bare, 2.5, pairs=21, inside=_svc)


@contextmanager
def _svc() -> Iterator[None]:
    """Have a daemon with a service, in a directory of its own."""
    global _svc_directory
    with tempfile.TemporaryDirectory() as _svc_directory:
        _say("init", "bench", "sleep", "600")
        try:
            yield
        finally:
            _say("exit", "bench")


def _say(*words: str) -> str:
    script = [*SCRIPT, "svc", "-p", _svc_directory, *words]
    return subprocess.run(script, capture_output=True, text=True, check=True).stdout


def _svc_start() -> float:
    begin = time.perf_counter()
    with _svc():
        while "running" not in _say("status", "bench"):
            continue
        return time.perf_counter() - begin


def _svc_status() -> float:
    begin = time.perf_counter()
    told = _say("status", "bench")
    cost = time.perf_counter() - begin
    assert "running" in told, told
    return cost


def _supervise() -> float:
    begin = time.perf_counter()
    with pydfly.supervise(["sleep", "60"]) as service:
        service.wait_started()
        cost = time.perf_counter() - begin
        service.stop(grace=0)
    return cost


def _popen() -> float:
    begin = time.perf_counter()
    with subprocess.Popen(["sleep", "60"]) as process:
        cost = time.perf_counter() - begin
        process.kill()
    return cost


def _deaf() -> float:
    words = [*SCRIPT, "run", "--grace", str(GRACE), "--", "sh", "-c", DEAF]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        begin = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait()
        return time.perf_counter() - begin


def _who_waits_for_ever() -> str:
    """Say which of the others are still there when a command has ignored SIGTERM for three times the grace."""
    with tempfile.TemporaryDirectory() as folder:
        procfile = Path(folder) / "Procfile"
        procfile.write_text(f"deaf: {DEAF}\n")
        ways = {
            "tini": ["tini", "-s", "-g", "--", "sh", "-c", DEAF],
            "dumb-init": ["dumb-init", "sh", "-c", DEAF],
            "catatonit": ["catatonit", "-g", "--", "sh", "-c", DEAF],
            "honcho": [peers.path("honcho"), "-f", str(procfile), "start"],
        }
        here = {name: words for name, words in ways.items() if words[0] and shutil.which(words[0])}
        return ", ".join(f"{name}: {_still_there(words)}" for name, words in here.items())


def _still_there(words: list[str]) -> str:
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.2)
        below = [process.pid, *(child.pid for child in current().processes.below(process.pid))]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(3 * GRACE)
        except subprocess.TimeoutExpired:
            return f"still there after {3 * GRACE:g} s"
        else:
            return "ended"
        finally:
            for pid in below:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _idle(switches: Callable[[int], int]) -> Sample:
    """Count the context switches of a supervisor whose command sleeps."""

    def sample() -> float:
        words = [*SCRIPT, "run", "--"] if switches is _run_switches else ["tini", "-s", "--"]
        with subprocess.Popen([*words, "sleep", "60"]) as process:
            time.sleep(1)  # what is loaded after the start is loaded
            before = switches(process.pid)
            time.sleep(IDLE)
            cost = switches(process.pid) - before
            process.terminate()
        return float(cost)

    return sample


def _tini_switches(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if "ctxt_switches" in row)


def _run_switches(pid: int) -> int:
    below = [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == pid]
    return sum(map(_tini_switches, [pid, *below]))


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
