"""A reaper domain on Linux as FreeBSD's commands see it: subtrees, and signals for every member."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from ...process_records import DescendantInfo
from .domain import Domain
from .process import OWN

MOST_PASSES = 1000
"""How often a domain that keeps forking is looked at again; FreeBSD repeats for ever."""


class FreeBSDDomain(Domain):
    """The processes of the machine, and the domain of the calling one."""

    def subtrees(self, members: list[DescendantInfo]) -> dict[int, int]:
        """Return the direct child that each member (parents come first) descends from (FP-7).

        Where ancestors of a member have died, it is known only if this was asked before.
        """
        own = os.getpid()
        lines: dict[int, int] = {}
        seen: dict[tuple[int, float], int] = {}
        for process in members:
            line = lines.get(process.ppid, process.pid) if process.ppid != own else process.pid
            lines[process.pid] = seen[process.identity] = OWN.lines.get(process.identity, line)
        OWN.lines = seen
        return lines

    def signal_members(self, signal: int, subtree: int | None) -> tuple[int, int | None]:
        """Signal every living member, or every one of a subtree, until a pass finds no new one (FK-3).

        Return how many were signalled, and the pid of the first that refused.
        """
        met: set[tuple[int, float]] = set()
        killed, refused = 0, None
        for _ in range(MOST_PASSES):
            members = self.descendants()
            lines = self.subtrees(members)
            new = [
                process for process in members if process.identity not in met and subtree in (None, lines[process.pid])
            ]
            if not new:
                break
            met.update(process.identity for process in new)
            got, refuser = self._signal(new, signal)
            killed += got
            refused = refuser if refused is None else refused
        return killed, refused

    def signal_children(self, signal: int) -> tuple[int, int | None]:
        """Signal the children, those from before ACQUIRE too, in one pass: new ones escape."""
        own = os.getpid()
        return self._signal((process for process in self.below(own) if process.ppid == own), signal)

    def _signal(self, processes: Iterable[DescendantInfo], signal: int) -> tuple[int, int | None]:
        killed, refused = 0, None
        for process in processes:
            if process.state == "zombie":
                continue
            with suppress(ProcessLookupError):  # gone meanwhile
                try:
                    self.send(process, signal)
                    killed += 1
                except PermissionError:
                    refused = process.pid if refused is None else refused
        return killed, refused
