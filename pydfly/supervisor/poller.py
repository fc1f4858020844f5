"""Wait for several descriptors at once: epoll(7), or kqueue(2) on the BSDs.

Both remember what to wait for in the kernel.  So a thread that sleeps in ``wait`` can be woken by another one, or by a
signal handler that interrupts it, with no pipe for that: ``watch(descriptor, writing=True)`` makes it ready at once.
"""

from __future__ import annotations

import os
import select
import sys

from .descriptors import LOWEST, above_standard, closed_in_forks

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
            try:
                self._set.register(descriptor, select.EPOLLIN)
            except (FileExistsError, ValueError):  # it is waited for already, or it or the set is closed
                return

        def watch(self, descriptor: int, writing: bool) -> None:
            """Wait for room to write, too, or no longer."""
            try:
                self._set.modify(descriptor, select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN)
            except (FileNotFoundError, ValueError):  # it, or the set, is not waited for any more
                return

        def remove(self, descriptor: int) -> None:
            """Wait for a descriptor no longer; called before it is closed, because a forked copy may hold it open."""
            try:
                self._set.unregister(descriptor)
            except (FileNotFoundError, ValueError):
                return

        def wait(self, timeout: float | None) -> dict[int, bool]:
            """Return the descriptors that are ready, and whether to be read; none after ``timeout`` seconds."""
            return {descriptor: event != select.EPOLLOUT for descriptor, event in self._set.poll(timeout)}

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
                self._change(descriptor, select.KQ_FILTER_READ, select.KQ_EV_ADD)

        def watch(self, descriptor: int, writing: bool) -> None:
            """Wait for room to write, too, or no longer."""
            try:
                self._change(descriptor, select.KQ_FILTER_WRITE, select.KQ_EV_ADD if writing else select.KQ_EV_DELETE)
            except (FileNotFoundError, ValueError):  # it, or the set, is not waited for any more
                return

        def remove(self, descriptor: int) -> None:
            """Wait for a descriptor no longer."""
            try:
                self._change(descriptor, select.KQ_FILTER_READ, select.KQ_EV_DELETE)
            except (FileNotFoundError, ValueError):
                return
            self.watch(descriptor, False)

        def wait(self, timeout: float | None) -> dict[int, bool]:
            """Return the descriptors that are ready, and whether to be read; none after ``timeout`` seconds."""
            ready: dict[int, bool] = {}
            for event in self._set.control(None, 256, timeout):
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
