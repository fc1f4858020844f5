"""What is known about the children of this process: which ones it made, and when it made some that cannot be named.

Whatever is doubtful counts as made here: a zombie too many is harmless, a stolen exit status is not.
"""

from __future__ import annotations

import os

from ..records import NamedTuple
from .waiting import waitid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

TICK = 0.015
"""Seconds by which a start time may differ: the kernel's ticks of 10 ms, and two clocks read one after the other."""
STEP = 2.0
"""Seconds by which a clock that can be set may have been corrected meanwhile."""
LATE = 5.0
"""Seconds after which a child that no listing shows is not there: one listing may miss it."""


class Span(NamedTuple):
    """The time within which a child was born, on the clock of start times."""

    since: float
    until: float


EVER = Span(float("-inf"), float("inf"))


class Kinship:
    """The children that this process made."""

    def __init__(self) -> None:
        self.made: dict[int, Span] = {}
        """By pid."""
        self.doubts: list[Span] = []
        """When a child was made whose pid cannot be known."""
        self.grain = STEP

    def clear(self) -> None:
        """Know none."""
        self.made.clear()
        self.doubts.clear()

    def drop(self, children: Collection[int]) -> None:
        """Forget those that have been collected.

        A listing may miss a child while others are collected (fs/proc/array.c, get_children_pid()); what wait says is
        certain.
        """
        for pid in list(self.made):  # a copy, as a signal handler may make children meanwhile
            if pid not in children and not _is_child(pid):
                self.made.pop(pid, None)

    def is_ours(self, pid: int, born: Callable[[int], float], unnamed: Sequence[Span]) -> bool:
        """Say whether this process made the child, or may have.

        Args:
            born: tells the start time of a child; ProcessLookupError if there is none.
            unnamed: when children are being made whose pids are not known yet.
        """
        span = self.made.get(pid)
        if span is None and not (unnamed or self.doubts):
            return False
        try:
            if span is not None:
                if self.grain != TICK or self._covers(span, born(pid)):
                    return True
                self.made.pop(pid, None)  # its owner has collected it, and its pid is another child's now
            start = born(pid)
        except ProcessLookupError:  # collected in this moment
            return True
        return any(self._covers(span, start) for span in (*unnamed, *self.doubts))

    def over(
        self, spans: Collection[Span], now: float, children: Collection[int], born: Callable[[int], float]
    ) -> list[Span]:
        """Return the spans whose child is gone, or never was."""
        old = [span for span in spans if now - span.until > LATE]
        starts = self._starts(children, born) if old else []
        return [span for span in old if not any(self._covers(span, start) for start in starts)]

    def _starts(self, children: Collection[int], born: Callable[[int], float]) -> list[float]:
        """Return the start times of the children that are not known."""
        starts = []
        for pid in children:
            if pid not in self.made:
                try:
                    starts.append(born(pid))
                except ProcessLookupError:
                    continue
        return starts

    def _covers(self, span: Span, start_time: float) -> bool:
        return span.since - self.grain <= start_time <= span.until + self.grain


def _is_child(pid: int) -> bool:
    try:
        waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
