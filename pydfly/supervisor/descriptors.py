"""Descriptors that no exception can lose, not even one that a signal handler raises.

Between ``number = os.dup(3)`` and the next line Python may run a signal handler, and when that raises, the number is
gone and the descriptor open for good.  Python looks for signals only between its own instructions, so here the call
and the note of its result are one call of C code (``keep``).
"""

from __future__ import annotations

import errno
import os
import weakref
from collections import deque
from fcntl import F_DUPFD_CLOEXEC, fcntl
from itertools import starmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


LOWEST = 3
"""The lowest number for what this process keeps open: a daemon that has closed 0, 1 and 2 opens them again later."""

closed_in_forks: weakref.WeakSet[Any] = weakref.WeakSet()
"""Objects whose close() a forked copy of this process calls at once: its copies would hide this one's death."""


def keep(results: list[Any], call: Callable[..., Any], *arguments: object) -> None:
    """Append what a function of the C library's kind returns to a list, with no Python instruction in between."""
    results.extend(starmap(call, (arguments,)))


def above_standard(descriptor: int) -> int:
    """Return a copy of one of the standard descriptors that has a higher number, and close it.

    OSError: EMFILE, there are too many; it is closed all the same.
    """
    try:
        return fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST)
    finally:
        os.close(descriptor)


class _Held:
    """Closes descriptors, and those of an interrupted pipe() (``pairs``), when it is forgotten."""

    def __init__(self, numbers: list[int], pairs: list[tuple[int, int]]) -> None:
        self.numbers = numbers
        self.pairs = pairs

    def __del__(self) -> None:
        if hasattr(self, "pairs"):  # else an exception has come before it held anything
            self.close()

    def close(self) -> None:
        """Close them all."""
        for pair in self.pairs:
            self.numbers.extend(number for number in pair if number not in self.numbers)
        self.pairs.clear()
        while self.numbers:
            deque(map(os.close, starmap(self.numbers.pop, ((),))), maxlen=0)


class Descriptors:
    """Descriptors that are closed with this object, if not before."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._pairs: list[tuple[int, int]] = []
        # two, as an exception can come before the first line of a finalizer: the other one closes them then
        self._held = _Held(self.numbers, self._pairs), _Held(self.numbers, self._pairs)

    def open(self, path: str, flags: int) -> int:
        """Open a file as os.open() does; OSError: as open(2)."""
        keep(self.numbers, os.open, path, flags | os.O_CLOEXEC)
        return self.numbers[-1]

    def copy(self, descriptor: int) -> int:
        """Duplicate a descriptor; OSError: EBADF, it is not open; EMFILE, there are too many."""
        if descriptor < 0:  # a ValueError of fcntl()
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        keep(self.numbers, fcntl, descriptor, F_DUPFD_CLOEXEC, LOWEST)
        return self.numbers[-1]

    def pipe(self) -> tuple[int, int]:
        """Open a pipe; return its reading and its writing end; OSError: EMFILE or ENFILE."""
        keep(self._pairs, os.pipe)
        self.numbers.extend(self._pairs[-1])
        self._pairs.clear()
        return self.numbers[-2], self.numbers[-1]

    def move(self, number: int, other: Descriptors) -> None:
        """Hand a descriptor over to another owner."""
        other.numbers.extend(map(self.numbers.pop, (self.numbers.index(number),)))  # at no time both have it, or none

    def close(self) -> None:
        """Close them all."""
        self._held[0].close()


def _close_in_fork() -> None:
    for thing in list(closed_in_forks):
        thing.close()


os.register_at_fork(after_in_child=_close_in_fork)
