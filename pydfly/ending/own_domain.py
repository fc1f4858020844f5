"""End the domain of this very process, whose other children belong to others."""

from __future__ import annotations

import os

from ..backends import current
from ..backends.waiting import waitid
from ..structs import KillReport
from . import orphans
from .drive import CONFIRMATIONS, Ending, actuator
from .policy import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo
    from .drive import Actuator


class Living:
    """An actuator that leaves out the dead children of this process: their owners have not collected them yet."""

    def __init__(self, whole: Actuator, own: int) -> None:
        self.signal = whole.signal
        self.sweep = whole.sweep
        self._whole = whole
        self._own = own

    def members(self) -> list[DescendantInfo]:
        """List the members without those dead children."""
        return [member for member in self._whole.members() if member.state != "zombie" or member.ppid != self._own]


def kill_all(signal: int | str, grace: float) -> KillReport:
    """See ``reaper.kill_all``."""
    processes = current().processes
    began = processes.clock()
    seen: dict[tuple[int, float], DescendantInfo] = {}
    there: list[DescendantInfo] = []

    def saw(members: list[DescendantInfo]) -> None:
        seen.update((identity(member), member) for member in members)
        there.extend(members)

    ending = Ending(Living(actuator(), processes.getpid()), began, grace, saw, first=signal)
    reaped = orphans.reap()
    confirmed = 0
    while confirmed < CONFIRMATIONS and not _childless():
        there.clear()
        now = processes.clock()
        pause = ending.step(now)
        reaped += orphans.reap()
        if pause is None:
            break
        confirmed = 0 if there else confirmed + 1
        # a step takes its time, too: with 500 members as long as they take to be listed
        processes.wait(max(0.0, now + pause - processes.clock()) if there else min(pause, 0.001))
    reaped += orphans.reap()
    left = {survivor.pid for survivor in ending.survivors}
    ended = [member for member in seen.values() if member.pid not in left]
    return KillReport(ended, reaped, ending.survivors, processes.clock() - began)


def _childless() -> bool:
    """Say whether there is no child at all: the one proof; with children of others there is none."""
    if not current().live:
        return False
    try:
        waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False
