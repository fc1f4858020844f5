"""The processes of a Linux machine, and which of them are members of this process's reaper domain."""

from __future__ import annotations

import os

from ...errors import refusal
from ...process_records import DescendantInfo
from ..waiting import look_at
from .process import OWN
from .procfile import trouble
from .procfs import ProcFs


def is_dead(pid: int) -> bool:
    """Say whether a child is dead, or is no child any more."""
    return look_at(pid) is not False


class Domain(ProcFs):
    """What a backend asks about processes; which are members is the process's own state, shared by all backends."""

    def descendants(self) -> list[DescendantInfo]:
        """Return the members, zombies included: descendants, without those from before ACQUIRE and theirs.

        OSError: as require_proc().
        """
        self.require_proc()
        return self.members(self.below(os.getpid()))

    def require_proc(self) -> None:
        """Refuse to answer where /proc shows no members although there may be some.

        OSError: EOPNOTSUPP, /proc is not mounted, or belongs to another pid namespace.
        """
        wrong = trouble()
        if wrong:
            raise refusal("procctl", "EOPNOTSUPP", f"/proc {wrong}")

    def living_members(self) -> list[DescendantInfo]:
        """Return the members without the dead children of this process: thousands of zombies cost next to nothing."""
        own = os.getpid()
        if not self._has_children_files:
            return [member for member in self.descendants() if member.state != "zombie" or member.ppid != own]
        return self.members(self.walk([pid for pid in self.children() if not is_dead(pid)], {own}))

    def members(self, descendants: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members among the descendants (which come parents first)."""
        return OWN.members(descendants)

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members."""
        if OWN.outsiders.is_empty():
            return self.children()
        own = os.getpid()
        return [process.pid for process in self.descendants() if process.ppid == own]
