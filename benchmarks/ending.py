"""Ending: how long until no process is left, and how many are left when others say so."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydfly import reaper
from pydfly.backends import current

from . import daemons
from .rows import Row, Sample, command, in_fork

GRACE = 0.3
STUBBORN = 500
WARM_UP = 20
STORM = 16
ORPHANS = 100_000
PYDFLY = (sys.executable, "-m", "pydfly", "run", "--grace", "0", "--")
BOX = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
BWRAP = ("bwrap", "--unshare-pid", "--as-pid-1", "--die-with-parent", "--dev-bind", "/", "/", "--")


def rows() -> Iterator[Row]:
    """Dead orphans, stubborn daemons, and daemons that a kernel could end all at once."""
    yield Row(
        "reaping 2,000 dead orphans",
        _with_domain(2000, "dead", _reap),
        "os.waitpid(-1) in a loop",
        _with_domain(2000, "dead", _wait_for_any),
        1.5,
        pairs=9,
    )
    yield Row(
        f"ending {STUBBORN} TERM-ignoring daemons, after the grace",
        _with_domain(STUBBORN, "stubborn", _kill_all),
        "psutil's kill-tree recipe, in a reaper",
        _with_domain(STUBBORN, "stubborn", _recipe),
        0.6,
        peers=("psutil",),
        pairs=5,
        note=_survivors_of_the_recipe,
    )
    for count, kind, goal in ((51, "plain", 2.0), (4, "hydra", 4.0)):
        name = "51 daemons" if kind == "plain" else "a hydra of 4 heads"
        yield Row(
            f"ending {name} with KILL",
            _until_gone(PYDFLY, count, kind),
            "bwrap --unshare-pid --as-pid-1: the kernel does it",
            _until_gone(BWRAP, count, kind),
            goal,
            peers=("bwrap",),
        )
    lacking = "" if os.geteuid() == 0 and shutil.which("unshare") else "needs a pid namespace: root, unshare(1)"
    yield Row(
        f"ending {STORM} lines that fork and exit as fast as they can, with KILL",
        _until_gone((*BOX, *PYDFLY), STORM, "comet"),
        "bwrap --unshare-pid --as-pid-1: the kernel does it",
        _until_gone(BWRAP, STORM, "comet"),
        peers=("bwrap",),
        lacking=lacking,
        pairs=5,
    )
    words = (sys.executable, "-I", "-S", daemons.__file__, f"{ORPHANS}", "orphans")
    yield Row(
        f"a command that leaves {ORPHANS:,} orphans, which die at once",
        command(*PYDFLY[:-1], "--wait-all", "--", *words),
        "tini -s",
        command("tini", "-s", "--", *words),
        1.5,
        peers=("tini",),
        pairs=1,
        warm=False,
    )


@contextmanager
def _service(count: int, kind: str, *around: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run daemons.py, perhaps by another command; its daemons end with the block at the latest."""
    words = [*around, sys.executable, "-I", "-S", daemons.__file__, str(count), kind]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        yield service


def _with_domain(count: int, kind: str, end: Callable[[int], float]) -> Sample:
    """Let orphans be adopted by a process that was made for it, and have them ended there."""

    def sample() -> float:
        def measured() -> float:
            reaper.acquire()
            once(WARM_UP)  # a forked process pays for every page that it touches first, a program that runs does not
            return once(count)

        def once(number: int) -> float:
            with _service(number, kind) as service:
                service.wait()
                return end(number)

        cost = in_fork(measured)
        if not isinstance(cost, float):
            raise RuntimeError(cost)  # noqa: TRY004  the text of what went wrong there
        return cost

    return sample


def _reap(count: int) -> float:
    begin = time.process_time()
    found = reaper.reap()
    cost = time.process_time() - begin
    assert len(found) == count
    return cost


def _wait_for_any(count: int) -> float:
    begin = time.process_time()
    found = []
    try:
        while True:
            found.append(os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        pass
    cost = time.process_time() - begin
    assert len(found) == count
    return cost


def _kill_all(count: int) -> float:
    report = reaper.kill_all(grace=GRACE)
    assert len(report.ended) == count
    assert not report.survivors
    return report.seconds - GRACE


def _recipe(count: int) -> float:
    """Do as psutil's documentation shows: terminate, wait, kill those that are left."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for process in children:
        process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(children, timeout=GRACE)
    begin = time.perf_counter()
    for process in alive:
        process.kill()
    _, alive = psutil.wait_procs(alive, timeout=60)
    cost = time.perf_counter() - begin
    assert (len(children), len(alive)) == (count, 0)
    return cost


def _floor(count: int) -> float:
    """Do the least that ends them: one signal and one wait for each, with the pids known."""
    children = current().processes.children()
    begin = time.perf_counter()
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    return time.perf_counter() - begin


def _survivors_of_the_recipe() -> str:
    """Count the processes that are left when the recipe is used as it stands, without a reaper around it."""
    import psutil

    floor = statistics.median(_with_domain(STUBBORN, "stubborn", _floor)() for _ in range(5))

    reaper.acquire()  # of this process, one above the one that uses the recipe: to see what is left

    def recipe() -> int:
        with _service(STUBBORN, "stubborn") as service:
            service.wait()
            return sum(process.kill() is None for process in psutil.Process().children(recursive=True))

    found = in_fork(recipe)
    left = STUBBORN - int(str(found))
    return f"survivors: 0; of the recipe without a reaper: {left}; kill(2) and waitpid(2) alone: {floor * 1e3:.0f} ms"


def _until_gone(around: tuple[str, ...], count: int, kind: str) -> Sample:
    """Return the seconds from the end of the service to the end of the command that runs it."""

    def sample() -> float:
        with _service(count, kind, *around) as service:
            assert service.stdout
            service_ended = float(service.stdout.readline())
            assert service.wait() == 0
            return time.monotonic() - service_ended

    return sample
