"""What a row of the table is, and how its two sides are measured: in pairs, A B A B, so that noise hits both."""

from __future__ import annotations

import os
import pickle
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

SCRIPT = (sys.executable, "-c", "import sys; from pydfly.cli import main; sys.exit(main())")
"""The words of the command line, as the console script begins."""

Sample = Callable[[], float]
"""One run of one side; returns what it cost: seconds, or what the row's unit says.  Less is better."""


@dataclass(frozen=True)
class Row:
    """One comparison.

    Everything of a row happens in a process forked for it, so that no row sees what another one left behind.
    """

    name: str
    """What is measured."""
    ours: Sample
    against: str
    """What it is compared with, in words."""
    theirs: Sample | None
    """None: nothing is compared; the row is a report."""
    goal: float | None = None
    """The ratio of medians, ours by theirs, that is to be kept at most; None: reported only."""
    peers: tuple[str, ...] = ()
    """Names from ``peers.PEERS`` without which the row cannot run."""
    lacking: str = ""
    """What else this machine lacks for the row."""
    pairs: int = 15
    warm: bool = True
    """One pair before those that count: it pays for imports and caches."""
    unit: str = "s"
    """``s`` for seconds, else what is counted."""
    outside: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered before the row's process is forked: processes started here are unrelated to it."""
    inside: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered in the row's process: processes started here are its descendants."""
    robust: bool = False
    """Quick, and steady on a loaded machine with two cores: part of the check in ci."""
    note: Callable[[], str] = field(default=lambda: "")
    """What else there is to say, asked after the pairs, in the row's process."""


@dataclass(frozen=True)
class Result:
    """What came out of a row."""

    row: Row
    ours: list[float]
    theirs: list[float]
    note: str = ""
    lacking: str = ""
    """The peers without which there are no numbers."""
    failed: str = ""
    """What went wrong, when there are no numbers."""

    @property
    def ratio(self) -> float | None:
        """The ratio of medians; None without numbers."""
        if not self.theirs:
            return None
        theirs = statistics.median(self.theirs)
        ours = statistics.median(self.ours)
        return ours / theirs if theirs else float(ours > 0)

    @property
    def spread(self) -> tuple[float, float] | None:
        """The quartiles of the ratios of the single pairs: how far the noise reaches."""
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=False) if theirs]
        if len(ratios) < 2:
            return None
        quartiles = statistics.quantiles(ratios, n=4)
        return quartiles[0], quartiles[2]

    def misses(self, slack: float) -> bool:
        """Say whether the goal is missed by more than the slack (0.25: a quarter of the goal)."""
        return self.row.goal is not None and self.ratio is not None and self.ratio > self.row.goal * (1 + slack)


def measure(row: Row) -> Result:
    """Run the pairs of a row in a process of their own."""
    with row.outside():
        answer = in_fork(lambda: _pairs(row))
    return Result(row, *answer) if isinstance(answer, tuple) else Result(row, [], [], failed=str(answer))


def _pairs(row: Row) -> tuple[list[float], list[float], str]:
    sides = [side for side in (row.ours, row.theirs) if side]
    with row.inside():
        if row.warm:
            for side in sides:
                side()
        turns = [[side() for side in sides] for _ in range(row.pairs)]
        ours, *theirs = map(list, zip(*turns, strict=True))
        return ours, [cost for other in theirs for cost in other], row.note()


def in_fork(function: Callable[[], object]) -> object:
    """Call a function in a forked process and return its result, or the text of what went wrong there."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            answer = function()
        except BaseException as error:  # the text is the answer
            answer = f"{type(error).__name__}: {error}"
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return pickle.loads(content) if content else f"the row's process ended with status {status}"


def timed(function: Callable[[], object], repeat: int = 1) -> Sample:
    """Make a sample of a call that waits for nothing: seconds of CPU for one, as the mean of ``repeat`` in a row.

    On an idle machine that is the time by the clock; on a busy one the others' turns are left out.
    """

    def sample() -> float:
        begin = time.process_time()
        for _ in range(repeat):
            function()
        return (time.process_time() - begin) / repeat

    return sample


def by_the_clock(function: Callable[[], object]) -> Sample:
    """Make a sample of a call that waits for other processes: seconds by the clock."""

    def sample() -> float:
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin

    return sample


def repeated(loop: Callable[[int], object], repeat: int) -> Sample:
    """Make the same of something too short to be called through anything: ``loop`` does it so many times."""

    def sample() -> float:
        begin = time.process_time()
        loop(repeat)
        return (time.process_time() - begin) / repeat

    return sample


def command(*words: str) -> Sample:
    """Make a sample of a command that must succeed: seconds from its start to its end."""

    def sample() -> float:
        begin = time.perf_counter()
        pid = os.posix_spawnp(words[0], words, os.environ, file_actions=list(_silence()))
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        elapsed = time.perf_counter() - begin
        if status:
            raise RuntimeError(f"{' '.join(words)} ended with status {status}")
        return elapsed

    return sample


def _silence() -> Iterator[tuple[int, int, str, int, int]]:
    yield os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0
