"""Descriptors and times that something is to be done at: one poll, one list of timers.

A process with a Mailbox calls ``turn()`` after each signal, for descriptors that report by SIGIO (``announce``), and
when one is ``due``.  Nothing wakes up while nothing happens.
"""

from __future__ import annotations

import heapq
import select
import time
from collections.abc import Callable


class Timer:
    """Something to be done at a time; ``cancel`` it, or let it happen once."""

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def __lt__(self, other: Timer) -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        """Forget it."""
        self.call = None


class EventLoop:
    """What one process waits for.

    ``announce`` is called with each descriptor that is to be watched, to have the process woken up for it.
    """

    def __init__(self, announce: Callable[[int], None] | None = None) -> None:
        self._announce = announce
        self._poll = select.poll()
        self._calls: dict[int, Callable[[], None]] = {}
        self._timers: list[Timer] = []
        self._busy = False

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call when a descriptor can be read, or its other end is gone."""
        if self._announce and descriptor not in self._calls:
            self._announce(descriptor)
        self._calls[descriptor] = call
        self._poll.register(descriptor, select.POLLIN)

    def interest(self, descriptor: int, *, read: bool, write: bool) -> None:
        """Change what a watched descriptor is watched for; the end of its other side is always told."""
        self._poll.register(descriptor, read * select.POLLIN | write * select.POLLOUT)

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more; before it is closed."""
        if self._calls.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call after so many seconds."""
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def due(self) -> float:
        """When the next turn is due, on the monotonic clock."""
        return 0.0 if self._busy else self._next_time()

    def _next_time(self) -> float:
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        return self._timers[0].when if self._timers else float("inf")

    def turn(self, timeout: float | None = 0) -> None:
        """Call what can be read, then what is due; sleep up to ``timeout`` seconds for the first."""
        ready = self._poll.poll(None if timeout is None else timeout * 1000)
        self._busy = bool(ready)  # a call need not have read everything, and there may be no second signal for it
        for descriptor, _ in ready:
            call = self._calls.get(descriptor)  # another call of this turn may have forgotten it
            if call:
                call()
        while self._next_time() <= time.monotonic():
            timer = heapq.heappop(self._timers)
            if timer.call:
                timer.call()
