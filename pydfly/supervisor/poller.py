"""Wait for several descriptors at once: epoll(7), or kqueue(2) on the BSDs.

Both remember what to wait for in the kernel.  So a thread that sleeps in ``wait`` can be woken by another one, or by a
signal handler that interrupts it, with no pipe for that: ``watch(descriptor, writing=True)`` makes it ready at once.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Callable

from .descriptors import LOWEST, above_standard, closed_in_forks


def _unless_closed(change: Callable[..., object], *arguments: object) -> None:
    """Change a set, unless it or the descriptor is closed: a signal handler may have done that just now."""
    try:
        change(*arguments)
    except (FileExistsError, FileNotFoundError, ValueError):  # it is waited for already, or not; it is closed
        return
    except OSError as error:
        if error.errno != errno.EBADF:
            raise


if sys.platform == "linux":

    class Poller:
        """A set of descriptors."""

        def __init__(self) -> None:
            self._set = select.epoll()
            if self._set.fileno() < LOWEST:
                self._set = select.epoll.fromfd(above_standard(os.dup(self._set.fileno())))
            closed_in_forks.add(self)

        def add(self, descriptor: int) -> None:
            """Wait for something to read from a descriptor, or its end."""
            _unless_closed(self._set.register, descriptor, select.EPOLLIN)

        def watch(self, descriptor: int, writing: bool) -> None:
            """Wait for room to write, too, or no longer."""
            _unless_closed(
                self._set.modify, descriptor, select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN
            )

        def remove(self, descriptor: int) -> None:
            """Wait for a descriptor no longer; called before it is closed, because a forked copy may hold it open."""
            _unless_closed(self._set.unregister, descriptor)

        def wait(self, timeout: float | None) -> dict[int, bool]:
            """Return the descriptors that are ready, and whether to be read; none after ``timeout`` seconds."""
            try:
                ready = self._set.poll(timeout)
            except ValueError:  # it was closed just now
                return {}
            return {descriptor: event != select.EPOLLOUT for descriptor, event in ready}

        def fileno(self) -> int:
            """Return a descriptor that is readable when one of the set is ready; -1 after ``close``."""
            return -1 if self._set.closed else self._set.fileno()

        def close(self) -> None:
            """Close this process's copy of the set, and change nothing in it."""
            self._set.close()

elif hasattr(select, "kqueue"):

    class Poller:
        """A set of descriptors."""

        def __init__(self) -> None:
            self._set = select.kqueue()
            if self._set.fileno() < LOWEST:
                self._set = select.kqueue.fromfd(above_standard(os.dup(self._set.fileno())))
            closed_in_forks.add(self)

        def add(self, descriptor: int) -> None:
            """Wait for something to read from a descriptor, or its end."""
            if descriptor >= 0 and not self._set.closed:
                _unless_closed(self._change, descriptor, select.KQ_FILTER_READ, select.KQ_EV_ADD)

        def watch(self, descriptor: int, writing: bool) -> None:
            """Wait for room to write, too, or no longer."""
            flag = select.KQ_EV_ADD if writing else select.KQ_EV_DELETE
            _unless_closed(self._change, descriptor, select.KQ_FILTER_WRITE, flag)

        def remove(self, descriptor: int) -> None:
            """Wait for a descriptor no longer."""
            _unless_closed(self._change, descriptor, select.KQ_FILTER_READ, select.KQ_EV_DELETE)
            self.watch(descriptor, False)

        def wait(self, timeout: float | None) -> dict[int, bool]:
            """Return the descriptors that are ready, and whether to be read; none after ``timeout`` seconds."""
            ready: dict[int, bool] = {}
            try:
                events = self._set.control(None, 256, timeout)
            except ValueError:  # it was closed just now
                return ready
            for event in events:
                reads = event.filter == select.KQ_FILTER_READ
                ready[event.ident] = ready.get(event.ident, False) or reads
            return ready

        def fileno(self) -> int:
            """Return a descriptor that is readable when one of the set is ready; -1 after ``close``."""
            return -1 if self._set.closed else self._set.fileno()

        def close(self) -> None:
            """Close the set; a forked process has no copy of it."""
            self._set.close()

        def _change(self, descriptor: int, kind: int, flags: int) -> None:
            self._set.control([select.kevent(descriptor, kind, flags)], 0)
