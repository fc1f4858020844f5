"""What is known about the children of this process: which ones it made, and when it made some that cannot be named.

Whatever is doubtful counts as made here: a zombie too many is harmless, a stolen exit status is not.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from itertools import count

from ..named_tuple import NamedTuple
from .waiting import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import FrameType

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


class _Call(NamedTuple):
    """A call that may make a child without telling its pid, and where its thread was then."""

    thread: int
    since: float
    place: tuple[int, int]
    outlived: bool


class Calls:
    """The calls under way; other threads may begin some at any moment.

    ``doubts`` gets the time of each that is over, if its child may still live.
    """

    def __init__(self, doubts: list[Span]) -> None:
        self._doubts = doubts
        self._calls: dict[int, _Call] = {}  # by a number of its own: a call that is over must not take out another
        self._numbers = count()

    def clear(self) -> None:
        """Know none."""
        self._calls.clear()

    def begin(self, frame: FrameType | None, outlived: bool, clock: Callable[[], float]) -> None:
        """Note a call of this thread, whose earlier ones are over; ``outlived``: its child may live on afterwards.

        ``frame`` is the caller's; None for C code outside of any Python.
        """
        thread = get_ident()
        place = (0, 0) if frame is None else (id(frame), frame.f_lasti)
        earlier = [(number, call) for number, call in list(self._calls.items()) if call.thread == thread]
        self._calls[next(self._numbers)] = _Call(thread, clock(), place, outlived)
        for number, call in earlier:
            self._end(number, call, clock)

    def settle(self, clock: Callable[[], float]) -> None:
        """Find out which are over: their thread is at another place now."""
        calls = list(self._calls.items())  # before the frames, which may be from before a call that begins just now
        frames = sys._current_frames() if calls else {}
        for number, call in calls:
            frame = frames.get(call.thread)
            while frame is not None and (id(frame), frame.f_lasti) != call.place:
                frame = frame.f_back  # inner frames: the call has led there, as to the hook that notes it
            if frame is None:
                self._end(number, call, clock)

    def spans(self) -> list[Span]:
        """Return when their children were born, or will be."""
        return [Span(call.since, EVER.until) for call in list(self._calls.values())]

    def _end(self, number: int, call: _Call, clock: Callable[[], float]) -> None:
        if call.outlived:
            self._doubts.append(Span(call.since, clock()))
        self._calls.pop(number, None)


class Kinship:
    """The children that this process made."""

    def __init__(self) -> None:
        self.made: dict[int, Span] = {}
        """By pid."""
        self.doubts: list[Span] = []
        """The times at which children were made whose pids cannot be known."""
        self.grain = STEP

    def clear(self) -> None:
        """Know none."""
        self.made.clear()
        self.doubts.clear()

    def drop(self, children: Collection[int]) -> None:
        """Forget those that have been collected.

        A listing may miss a child while others are collected (fs/proc/array.c, get_children_pid()); the answer of wait
        is certain.
        """
        for pid in list(self.made):  # a copy, as a signal handler may make children meanwhile
            if pid not in children and look_at(pid) is None:
                self.made.pop(pid, None)

    def is_ours(self, pid: int, born: Callable[[int], float], unnamed: Sequence[Span]) -> bool:
        """Say whether this process made the child, or may have.

        Args:
            born: tells the start time of a child; ProcessLookupError if there is none.
            unnamed: when children are being made whose pids are not known yet.
        """
        span = self.made.get(pid)
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
