"""What one event loop does for one guard connection: read when there is something, and wake the tasks that wait."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable

from .guard_connection import GuardConnection
from .waiting_threads import INSISTENCE, PAUSES, NotYetError, deadline_of, rest_until


class Watching:
    """Ties a guard connection to a loop, and keeps no reference to it: a dropped handle ends its domain."""

    def __init__(self, guard: GuardConnection) -> None:
        self._guard = weakref.ref(guard)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = -1
        self._waiting: list[asyncio.Future[None]] = []
        self._owner = os.getpid()
        self._collects = False  # whether the guard is being collected
        guard.listeners.append(self._wake)
        self.attach()

    def attach(self) -> asyncio.AbstractEventLoop:
        """Have the running loop read, if no other one does; RuntimeError: another loop does, and is not closed."""
        running = asyncio.get_running_loop()
        guard = self._guard()
        if running is self._loop or guard is None:
            return running
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError("this handle belongs to another event loop that is still open")
        self._loop = running
        self._descriptor = guard.fileno()
        if self._descriptor >= 0:
            running.add_reader(self._descriptor, _read, weakref.ref(self), self._descriptor, running)
        return running

    def detach(self) -> None:
        """Stop reading: the descriptor will be closed."""
        descriptor, self._descriptor = self._descriptor, -1
        if self._loop is None or self._loop.is_closed() or os.getpid() != self._owner:
            return  # a forked copy shares the loop's epoll set
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)

    async def until(
        self,
        condition: Callable[[], bool],
        timeout: float | None = None,
        purpose: Callable[[], str] = str,
        urge: bool = False,
    ) -> None:
        """Wait until a condition holds that only news can change; ``purpose``, ``urge``: as ``WaitingThreads.until``.

        TimeoutError: not within ``timeout`` seconds, and what had come by then was read.
        """
        deadline = deadline_of(timeout)
        loop = self.attach()
        guard = self._guard()
        assert guard
        guard.exchange()
        late = False
        while not condition():
            if late:
                raise NotYetError(f"{purpose()} not within {timeout} s")
            await self._next(loop, guard, rest_until(deadline), urge)
            late = rest_until(deadline) == 0
            if late:  # the program may have been held up, and the answer have lain there for long
                guard.exchange()

    async def _next(
        self, loop: asyncio.AbstractEventLoop, guard: GuardConnection, rest: float | None, urge: bool
    ) -> None:
        """Wait so long for the next news; at least for a turn of the loop, so that a poll lets others run."""
        future = loop.create_future()
        self._waiting.append(future)
        timers = [loop.call_later(INSISTENCE, self._urge, guard)] if urge or guard.is_cut() else []
        if rest is not None:
            timers.append(loop.call_later(rest, _finish, future))
        try:
            await future
        finally:
            for timer in timers:
                timer.cancel()
            if future in self._waiting:
                self._waiting.remove(future)

    async def until_gone(self, timeout: float | None = None) -> None:
        """Wait until the helpers have ended; TimeoutError: not within ``timeout`` seconds."""
        deadline = deadline_of(timeout)
        guard = self._guard()
        assert guard
        await self.until(guard.is_cut, timeout, guard.helper.ends, urge=True)
        pause, longest = PAUSES
        while not guard.is_gone():
            guard.wake()
            if rest_until(deadline) == 0:
                raise NotYetError(f"{guard.helper.ends()} not within {timeout} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
        self.detach()
        guard.close()

    def read(self) -> None:
        """Take what has come."""
        guard = self._guard()
        if guard is None:
            return
        guard.exchange()
        if not guard.is_cut():
            return
        if not guard.expects_news():  # else a warden may outlive guard and deputy, and says how its domain has ended
            self.detach()
        if self._loop is not None and not self._collects:
            self._collects = True
            self._collect(self._loop, guard, PAUSES[0])

    def _collect(self, loop: asyncio.AbstractEventLoop, guard: GuardConnection, pause: float) -> None:
        """Collect the guard that is about to end, though no task waits for it."""
        if not guard.is_gone():
            guard.wake()
            loop.call_later(pause, self._collect, loop, guard, min(2 * pause, PAUSES[1]))

    def _urge(self, guard: GuardConnection) -> None:
        """Continue the helpers that something has stopped; a task that waits for them has this called again."""
        guard.wake()
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _finish(future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _read(watching: weakref.ref[Watching], descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
    there = watching()
    if there is None:
        loop.remove_reader(descriptor)
    else:
        there.read()


def watching(guard: GuardConnection) -> Watching:
    """Return the one of a guard connection."""
    if not isinstance(guard.companion, Watching):
        guard.companion = Watching(guard)
    return guard.companion
