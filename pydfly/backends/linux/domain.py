"""The processes of a Linux machine, and which of them are members of this process's reaper domain."""

from __future__ import annotations

import os

from .process import OWN
from .procfs import ProcFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...structs import DescendantInfo


class Domain(ProcFs):
    """What a backend asks about processes; which are members is the process's own state, shared by all backends."""

    def owned(self) -> bool:
        """Say whether this process is a reaper."""
        return OWN.is_reaper()

    def acquire(self) -> bool:
        """Become a reaper; False if this process is one already."""
        return OWN.acquire(lambda: self.below(os.getpid()))

    def release(self) -> bool:
        """Stop being a reaper; False if this process is none."""
        return OWN.release()

    def descendants(self) -> list[DescendantInfo]:
        """Return the members, zombies included: descendants, without those from before ACQUIRE and theirs."""
        return self.members(self.below(os.getpid()))

    def members(self, descendants: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members among the descendants (which come parents first)."""
        return OWN.members(descendants)

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members."""
        if OWN.outsiders.nobody():
            return self.children()
        own = os.getpid()
        return [process.pid for process in self.descendants() if process.ppid == own]
