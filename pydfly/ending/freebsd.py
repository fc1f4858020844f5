"""FreeBSD: the kernel itself signals a whole domain, nested ones included, and forks cannot escape it.

Sources: procctl(2), PROC_REAP_KILL; sys/kern/kern_procctl.c, reap_kill_subtree().
"""

from __future__ import annotations

from ..backends import current
from ..structs import ReaperKill, ReaperStatusFreeBSD
from ..syscalls import control
from .sending import number, send_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo
    from .policy import Orders
    from .sending import Refusals


class ReapKill:
    """The members of this process's domain, on FreeBSD."""

    def __init__(self) -> None:
        self._processes = current().processes

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        return self._processes.descendants()

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which refused, and why."""
        return send_each(self._processes, orders, number(orders.signal))

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill every process in the domain, also those born meanwhile.

        What the call returns tells nothing certain (rules FK-5 to FK-8): the next listing shows what is left.
        Only a reaper may ask, or the domain of *its* reaper would die (FK-11).
        """
        status = control("PROC_REAP_STATUS")
        assert isinstance(status, ReaperStatusFreeBSD)
        if status.owned:
            try:
                control("PROC_REAP_KILL", ReaperKill(number("SIGKILL")))
            except OSError:
                return []
        return []
