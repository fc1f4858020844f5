"""What one event loop does for one switchboard: read when there is something, and wake the tasks that wait."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

from .switchboard import Switchboard
from .turns import INSISTENCE, PAUSES, NotYetError, deadline_of


class Watching:
    """The tie between a switchboard and a loop, which keeps no reference to it: a dropped handle ends its domain."""

    def __init__(self, board: Switchboard) -> None:
        self._board = weakref.ref(board)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = -1
        self._waiting: list[asyncio.Future[None]] = []
        self._owner = os.getpid()
        self._collects = False  # whether the guard is being collected
        board.listeners.append(self._wake)
        self.attach()

    def attach(self) -> asyncio.AbstractEventLoop:
        """Have the running loop read, if no other one does; RuntimeError: another loop does, and is not closed."""
        running = asyncio.get_running_loop()
        board = self._board()
        if running is self._loop or board is None:
            return running
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError("this handle belongs to another event loop that is still open")
        self._loop = running
        self._descriptor = board.fileno()
        if self._descriptor >= 0:
            running.add_reader(self._descriptor, _read, weakref.ref(self), self._descriptor, running)
        return running

    def detach(self) -> None:
        """Have no loop read any more: the descriptor will be closed."""
        descriptor, self._descriptor = self._descriptor, -1
        if self._loop is None or self._loop.is_closed() or os.getpid() != self._owner:
            return  # a forked copy shares the loop's epoll set
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)

    async def until(self, condition: Callable[[], bool], urge: bool = False) -> None:
        """Wait until a condition holds that only news can change; ``urge`` as ``Turns.until`` has it."""
        loop = self.attach()
        board = self._board()
        assert board
        board.exchange()
        while not condition():
            future = loop.create_future()
            self._waiting.append(future)
            timer = loop.call_later(INSISTENCE, self._urge, board) if urge or board.is_cut() else None
            try:
                await future
            finally:
                if timer is not None:
                    timer.cancel()
                if future in self._waiting:
                    self._waiting.remove(future)

    async def until_gone(self) -> None:
        """Wait until the helpers have ended."""
        board = self._board()
        assert board
        await self.until(board.is_cut, urge=True)
        pause, longest = PAUSES
        while not board.is_gone():
            board.wake()
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
        self.detach()
        board.close()

    def read(self) -> None:
        """Take what has come."""
        board = self._board()
        if board is None:
            return
        board.exchange()
        if not board.is_cut():
            return
        if not board.expects_news():  # else a warden may outlive guard and deputy, and says how its domain has ended
            self.detach()
        if self._loop is not None and not self._collects:
            self._collects = True
            self._collect(self._loop, board, PAUSES[0])

    def _collect(self, loop: asyncio.AbstractEventLoop, board: Switchboard, pause: float) -> None:
        """Collect the guard that is about to end, though no task waits for it."""
        if not board.is_gone():
            board.wake()
            loop.call_later(pause, self._collect, loop, board, min(2 * pause, PAUSES[1]))

    def _urge(self, board: Switchboard) -> None:
        """Continue the helpers that something has stopped; a task that waits for them has this called again."""
        board.wake()
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


def _read(watching: weakref.ref[Watching], descriptor: int, loop: asyncio.AbstractEventLoop) -> None:
    there = watching()
    if there is None:
        loop.remove_reader(descriptor)
    else:
        there.read()


def watching(board: Switchboard) -> Watching:
    """Return the one of a switchboard."""
    if not isinstance(board.companion, Watching):
        board.companion = Watching(board)
    return board.companion


async def within(timeout: float | None, work: Coroutine[Any, Any, None], purpose: Callable[[], str]) -> None:
    """Wait for a coroutine; TimeoutError: not within ``timeout`` seconds; says what was waited for."""
    try:
        deadline_of(timeout)
    except (TypeError, ValueError):
        work.close()
        raise
    try:
        await asyncio.wait_for(work, timeout)
    except asyncio.TimeoutError:
        raise NotYetError(f"{purpose()} not within {timeout} s") from None
