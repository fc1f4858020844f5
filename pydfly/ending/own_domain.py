"""End the domain of this process, which has other children, too: those belong to other code."""

from __future__ import annotations

from ..backends import current
from ..backends.waiting import has_dead_children
from ..structs import KillReport
from . import orphans
from .drive import CONFIRMATIONS, Ending, actuator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..structs import DescendantInfo
    from .drive import Actuator
    from .own_domain_linux import Keep, LivingChildren

PRESSES = 50  # times that the living children are killed between two full listings
PATIENCE = 0.001  # seconds to the next listing while none shows, but that is no proof yet


class WithoutOwnDead:
    """An actuator that leaves out the dead children of this process: their owners have not collected them yet."""

    def __init__(self, whole: Actuator, own: int, keep: Keep | None) -> None:
        self.signal = whole.signal
        self._whole = whole
        self._own = own
        self._keep = keep

    def members(self) -> list[DescendantInfo]:
        """List the members without those dead children."""
        found = [member for member in self._whole.members() if member.state != "zombie" or member.ppid != self._own]
        return self._keep(found) if self._keep else found

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill those that were born meanwhile; a kernel's call for the whole domain would not spare anything."""
        return [] if self._keep else self._whole.sweep(members)


class OwnDomain:
    """The domain of this process while it is being ended, and the report about it.

    Args:
        keep: of some members, parents first, returns those that are to be ended; all of them if not given.
        spared: pids of members that are not, on Linux.
    """

    def __init__(self, signal: int | str, grace: float, keep: Keep | None = None, spared: Collection[int] = ()) -> None:
        self._processes = current().processes
        self._began = self._processes.clock()
        self._kill_at = self._began + grace
        self._seen: dict[tuple[int, float], DescendantInfo] = {}
        self._listed = 0
        self._confirmed = 0
        self._reaped = orphans.reap()
        self._children = _living_children(keep, spared)
        whole = self._children or WithoutOwnDead(actuator(), self._processes.getpid(), keep)
        self._ending = Ending(whole, self._began, grace, self._saw, first=signal)

    def end(self) -> KillReport:
        """Come back when no member lives, or when only those are left that cannot be ended."""
        while not self._is_over():
            now = self._processes.clock()
            if now >= self._kill_at and self._children is not None:
                if not self._seen:
                    self._saw(self._children.members())  # what is killed before any listing would not be in the report
                self._press(self._children)
                if self._is_over():
                    break
            self._listed = 0
            pause = self._ending.step(now)
            self._reaped += orphans.reap()
            if pause is None:
                break
            if not self._is_over():
                # a step takes its time, too: with 500 members as long as a listing of them
                rest = max(0.0, now + pause - self._processes.clock())
                self._processes.wait(rest if self._listed else min(rest, PATIENCE))
        self._reaped += orphans.reap()
        left = {survivor.pid for survivor in self._ending.survivors}
        ended = [member for member in self._seen.values() if member.pid not in left]
        return KillReport(ended, self._reaped, self._ending.survivors, self._processes.clock() - self._began)

    def _saw(self, members: list[DescendantInfo]) -> None:
        self._seen.update((member.identity, member) for member in members)
        self._listed += len(members)

    def _is_over(self) -> bool:
        """Say whether no member lives.  No child at all is the best proof; else see LivingChildren."""
        if current().live and has_dead_children() is None:
            return True
        if self._children is not None:
            return all(self._children.none_is_left() for _ in range(CONFIRMATIONS))
        self._confirmed = 0 if self._listed else self._confirmed + 1
        return self._confirmed > CONFIRMATIONS

    def _press(self, children: LivingChildren) -> None:
        """Kill as often as possible: a chain that forks and exits ends when one is killed between birth and fork."""
        for _ in range(PRESSES):
            found = children.kill()
            self._reaped += orphans.reap()  # each dead one makes the kernel's list longer
            if not found:
                return


def _living_children(keep: Keep | None, spared: Collection[int]) -> LivingChildren | None:
    if current().name != "linux":
        return None
    from .own_domain_linux import LivingChildren

    return LivingChildren(keep, spared)
