"""The threads that wait for news of one guard, and the one of them that reads for all.

It is the first in the list of turns; the others sleep until it wakes them.  A signal handler that waits too has a turn
of its own; it reads when its thread does, because the frame that it has interrupted cannot go on before.  When it is
done, it makes the poller ready once, so that this frame looks again: the call of the frame itself would go on sleeping
(PEP 475), while what it sleeps for has been read already.

Nothing is locked, so an exception at any line leaves nothing locked.
"""

from __future__ import annotations

import contextlib
import time
from _thread import get_ident

from ..errors import SupervisionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import Empty, SimpleQueue
    from typing import Protocol

    Condition = Callable[[], bool]
    Purpose = Callable[[], str]

    class Guard(Protocol):
        """What the threads wait for: see ``GuardConnection``."""

        def exchange_within(self, timeout: float) -> None: ...
        def kick(self) -> None: ...
        def expects_news(self) -> bool: ...
        def is_cut(self) -> bool: ...
        def wake(self) -> None: ...
        def left(self) -> None: ...

else:
    from _queue import Empty, SimpleQueue  # queue itself loads threading

_LONGEST = 1e6  # seconds: what the calls below can take; a longer wait is several


class NotYetError(TimeoutError):
    """A wait of this package has come to the end of its time."""


def deadline_of(timeout: float | None) -> float | None:
    """Return when a wait must be over, on the monotonic clock; None: never.

    TypeError: ``timeout`` is no number.  ValueError: it is NaN, which no time is ever later than.
    """
    if timeout is None:
        return None
    if timeout != timeout:
        raise ValueError(f"timeout is a number of seconds, not {timeout!r}")
    return time.monotonic() + timeout


def rest_until(deadline: float | None) -> float | None:
    """Return how many seconds are left, 0 when it is late; None: it is never late."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


PAUSES = (0.001, 0.05)  # seconds between two looks at a guard that is about to end: at first, and at most
INSISTENCE = 1.0  # seconds after which helpers that are to end something are continued: they may have been stopped


class WaitingThreads:
    """The waits of all threads, in the order in which they began."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def __bool__(self) -> bool:
        return bool(self._turns)

    def until(
        self, guard: Guard, condition: Condition, timeout: float | None, purpose: Purpose, urge: bool = False
    ) -> None:
        """Wait until a condition holds that only news can change: it is asked after everything that has come.

        ``purpose`` says what is waited for.  ``urge``: the helpers are to end something, and are continued whenever
        that takes long: what has stopped them may do it again.  Without guard and deputy the wardens are ending
        everything in any case.

        Raises:
            TimeoutError: not within ``timeout`` seconds.
            SupervisionError: it does not hold, and there is nothing left that news could come from.
        """
        deadline = deadline_of(timeout)
        turn = _Turn()
        urged = time.monotonic()
        try:  # twice, so that an exception in the first clause does not skip it; a return would skip both
            try:
                self._turns.append(turn)
                leads, over = self._reads(guard, turn)
                while not condition():
                    if over:
                        raise SupervisionError("this handle was closed: no more is known of it")
                    now = time.monotonic()
                    rest = _LONGEST if deadline is None else min(deadline - now, _LONGEST)
                    if rest <= 0:
                        raise NotYetError(f"{purpose()} not within {timeout} s")
                    if urge or guard.is_cut():
                        if now >= urged + INSISTENCE:
                            guard.wake()
                            urged = now
                        rest = min(rest, urged + INSISTENCE - now)
                    if leads:  # taken before the condition was asked: a turn that leads only since then was woken, too
                        guard.exchange_within(rest)
                    else:
                        turn.sleep(rest)
                    leads, over = self._reads(guard, turn)
            finally:
                self._leave(guard, turn)
        finally:
            self._leave(guard, turn)

    def _reads(self, guard: Guard, turn: _Turn) -> tuple[bool, bool]:
        """Read what is there, if this turn reads for all; return whether it does, and whether no more will come.

        The condition is asked after both: a signal handler that ends everything in between has made it true.
        """
        leads = self._turns[0].thread == turn.thread
        if leads:
            guard.exchange_within(0)
        return leads, not guard.expects_news()

    def wake_others(self) -> None:
        """Have the other threads look at their conditions."""
        own = get_ident()
        for turn in tuple(self._turns):
            if turn.thread != own:
                turn.wake()

    def _leave(self, guard: Guard, turn: _Turn) -> None:
        if turn in self._turns:
            self._turns.remove(turn)
        for other in tuple(self._turns):
            other.wake()
        if any(other.thread == turn.thread for other in tuple(self._turns)):
            guard.kick()
        elif not self._turns:
            guard.left()


class _Turn:
    """One wait of one thread."""

    def __init__(self) -> None:
        self.thread = get_ident()
        self._bells: SimpleQueue[None] = SimpleQueue()

    def sleep(self, timeout: float) -> None:
        """Sleep until ``wake``, which may have been called before."""
        with contextlib.suppress(Empty):
            self._bells.get(timeout=timeout)

    def wake(self) -> None:
        """End one ``sleep``."""
        if self._bells.empty():
            self._bells.put(None)
