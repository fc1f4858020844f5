"""Which descendants stay outside a domain: those that were there before ACQUIRE, and theirs.

FreeBSD's kernel lists the members.  DragonFly and Linux do not tell, so the others are remembered at ACQUIRE: once for
the process, whichever backend object asks.
"""

from __future__ import annotations

import os

from ..process_records import DescendantInfo


class Outsiders:
    """The descendants of this process that are no members of its domain."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know none."""
        self._of = 0  # pid of the process that they were noted for: a forked child has none
        self._known: set[tuple[int, float]] = set()

    def note(self, before: list[DescendantInfo]) -> None:
        """Note which processes are there at ACQUIRE."""
        self._of = os.getpid()
        self._known = {process.identity for process in before}

    def is_empty(self) -> bool:
        """Say whether every descendant is a member."""
        return not self._known or self._of != os.getpid()

    def pids(self) -> list[int]:
        """Return their pids, some of which may be other processes' by now."""
        return [] if self.is_empty() else [pid for pid, _ in list(self._known)]

    def without(self, descendants: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members among the descendants, which come parents first."""
        if self.is_empty():
            return descendants
        outside: set[int] = set()
        members = []
        for process in descendants:
            if process.identity in self._known or process.ppid in outside:
                outside.add(process.pid)
                self._known.add(process.identity)  # it stays outside when its parent dies and it is adopted
            else:
                members.append(process)
        return members


OWN = Outsiders()
"""Those of this process."""
