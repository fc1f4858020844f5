"""A Supervisor with many domains: starts, memory, idleness, and its end, against what people do without one."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pydfly
from pydfly import reaper

from . import peers
from .rows import Row, Sample, in_fork

DOMAINS = 1000
WITH_DAEMON = ["sh", "-c", "setsid sleep 600 & exec sleep 600"]
GRACE = 5.0
IDLE = 10.0
_PAGE = os.sysconf("SC_PAGE_SIZE")

_left: dict[str, int] = {}  # how many each way to end has left, at most
_supervisor: pydfly.Supervisor


def rows() -> Iterator[Row]:
    """From one start to the end of a thousand domains."""
    name = "start in a warm Supervisor until the command runs"
    yield Row(name, _start, "subprocess.Popen", _popen, 6.0, pairs=101, inside=_warm)
    name = "start of a program that is not there in a warm Supervisor, until the error"
    yield Row(name, _refused(_start), "subprocess.Popen", _refused(_popen), pairs=101, inside=_warm)
    name = f"start of number {DOMAINS:,}"
    yield Row(name, _late_start, "number 10 of the same Supervisor", _early_start, 1.3, pairs=3, warm=False)
    for name, whose, limit in (
        ("private memory per domain", _of_domains, 2.0),
        ("private memory of guard and deputy", _of_helpers, 12.0),
    ):
        sample = _megabytes(whose)
        allowed = partial(float, limit)
        yield Row(name, sample, "the limit", allowed, 1.0, pairs=1, warm=False, unit="MB", inside=_warm)
    many = f"{DOMAINS:,} domains, each with a daemon"
    name = f"{many}: context switches of all helpers in {IDLE:g} s"
    yield Row(name, _idle, "none", lambda: 0.0, 0.0, pairs=1, warm=False, unit="switches")
    yield Row(f"{many}: started", _life(_domains, "start"), "as many Popen", _life(_popens, "start"), pairs=3)
    yield Row(
        f"{many}: started (supervisord)",
        _life(_domains, "start"),
        "supervisord with as many programs",
        _life(_supervisord, "start"),
        1.0,
        peers=("supervisord",),
        pairs=1,
        warm=False,
    )
    for word in ("KILL", "TERM"):
        yield Row(
            f"{many}: ended with {word}",
            _life(_domains, word),
            "psutil's recipe on as many Popen, in a reaper",
            _life(_popens, word),
            peers=("psutil",),
            pairs=3,
            warm=False,
            note=_who_is_left,
        )
        yield Row(
            f"{many}: ended with {word} (supervisord)",
            _life(_domains, word),
            "supervisord with as many programs",
            _life(_supervisord, word),
            peers=("supervisord",),
            pairs=1,
            warm=False,
            note=_who_is_left,
        )


@contextmanager
def _warm() -> Iterator[None]:
    global _supervisor
    with pydfly.Supervisor(grace=0.0) as _supervisor:
        _supervisor.supervise(["true"]).wait()
        yield


def _start(program: str = "sleep") -> float:
    begin = time.perf_counter()
    handle = _supervisor.supervise([program, "60"])
    handle.wait_started()
    cost = time.perf_counter() - begin
    handle.stop(0)
    return cost


def _popen(program: str = "sleep") -> float:
    begin = time.perf_counter()
    with subprocess.Popen([program, "60"]) as process:
        cost = time.perf_counter() - begin
        process.kill()
    return cost


def _refused(start: Callable[[str], object]) -> Sample:
    def sample() -> float:
        begin = time.perf_counter()
        try:
            start("/nothing/there")
        except FileNotFoundError:
            return time.perf_counter() - begin
        raise RuntimeError("it was started")

    return sample


def _late_start() -> float:
    return _starts(DOMAINS - 20)


def _early_start() -> float:
    return _starts(0)


def _starts(before: int) -> float:
    """Return the median of 20 starts, when there are that many domains already."""
    with pydfly.Supervisor(grace=0.0) as supervisor:
        for handle in [supervisor.supervise(["sleep", "600"]) for _ in range(before)]:
            handle.wait_started()
        times = []
        for _ in range(20):
            begin = time.perf_counter()
            supervisor.supervise(["sleep", "600"]).wait_started()
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _megabytes(whose: Callable[[list[int]], list[int]]) -> Sample:
    """Measure the mean private memory of the processes that are chosen of 50 wardens, or their sum if it is no mean."""

    def sample() -> float:
        handles = [_supervisor.supervise(["sleep", "600"]) for _ in range(50)]
        wardens = [_parent(handle.wait_started()) for handle in handles]
        chosen = whose(wardens)
        private = sum(map(_private, chosen)) / 1e6
        return private / len(chosen) if chosen == wardens else private

    return sample


def _of_domains(wardens: list[int]) -> list[int]:
    return wardens


def _of_helpers(wardens: list[int]) -> list[int]:
    deputy = _parent(wardens[0])
    return [deputy, _parent(deputy)]


def _private(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(row.split()[1]) for row in rows if row.startswith("Private_"))


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _idle() -> float:
    with pydfly.Supervisor(grace=0.0) as supervisor:
        handles = [supervisor.supervise(WITH_DAEMON) for _ in range(DOMAINS)]
        wardens = [_parent(handle.wait_started()) for handle in handles]
        helpers = [*wardens, *_of_helpers(wardens)]
        time.sleep(2)  # until every daemon is what it will be
        before = sum(map(_switches, helpers))
        time.sleep(IDLE)
        return float(sum(map(_switches, helpers)) - before)


def _switches(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if "ctxt_switches" in row)


def _life(live: Callable[[str], float], measured: str) -> Sample:
    """Let a thousand live and end in a process of their own, which ends those that are left, and counts them."""

    def sample() -> float:
        def whole() -> tuple[float, int]:
            reaper.acquire()
            cost = live(measured)
            left = [process for process in reaper.descendants() if process.state != "zombie"]
            reaper.kill_all(grace=0.0)
            return cost, len(left)

        answer = in_fork(whole)
        if not isinstance(answer, tuple):
            raise RuntimeError(answer)  # noqa: TRY004  the text of what went wrong there
        name = live.__name__.strip("_")
        _left[name] = max(_left.get(name, 0), answer[1])
        return float(answer[0])

    return sample


def _who_is_left() -> str:
    return "; ".join(f"left by {name}: {count}" for name, count in _left.items())


def _domains(measured: str) -> float:
    begin = time.perf_counter()
    supervisor = pydfly.Supervisor(grace=GRACE)
    for handle in [supervisor.supervise(WITH_DAEMON) for _ in range(DOMAINS)]:
        handle.wait_started()
    started = time.perf_counter()
    supervisor.stop(GRACE if measured == "TERM" else 0.0)
    return started - begin if measured == "start" else time.perf_counter() - started


def _popens(measured: str) -> float:
    import psutil

    begin = time.perf_counter()
    processes = [subprocess.Popen(WITH_DAEMON) for _ in range(DOMAINS)]
    started = time.perf_counter()
    everyone = psutil.Process().children(recursive=True)
    for process in everyone:
        if measured == "TERM":
            process.terminate()
        else:
            process.kill()
    for known in processes:
        known.wait()
    _, alive = psutil.wait_procs(everyone, timeout=GRACE)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=60)
    return started - begin if measured == "start" else time.perf_counter() - started


def _supervisord(measured: str) -> float:
    """Run as many programs under supervisord, and end it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "supervisord.conf"
        stop = "TERM" if measured == "TERM" else "KILL"
        file.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={folder}/pid\n"
            f"minfds={8 * DOMAINS}\nminprocs=200\nsilent=true\n"
            f"[program:p]\ncommand=sh -c 'setsid sleep 600 & exec sleep 600'\nnumprocs={DOMAINS}\n"
            f"process_name=%(process_num)d\nstartsecs=0\nautorestart=false\nstopsignal={stop}\n"
            "stdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
        begin = time.perf_counter()
        with subprocess.Popen([peers.path("supervisord"), "-c", str(file)], stdout=subprocess.DEVNULL) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            while len(children.read_text().split()) < DOMAINS:
                if process.poll() is not None or time.perf_counter() - begin > 120:
                    raise RuntimeError("supervisord does not start them all")
                time.sleep(0.01)
            started = time.perf_counter()
            time.sleep(1)  # a program that has just been started is not stopped yet
            stopping = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            process.wait()
            return started - begin if measured == "start" else time.perf_counter() - stopping
