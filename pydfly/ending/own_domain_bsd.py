"""DragonFly: the kernel names the child attached last; killing and collecting it brings the next one up.

A reaper can only signal its own domain there (sys/kern/kern_sig.c, CANSIGNAL), so a reused pid is never hit.
Source: procctl(2), PROC_REAP_STATUS, whose manual proposes this loop.
"""

from __future__ import annotations

from ..backends import current
from ..structs import ReaperStatus
from ..syscalls import control
from .policy import Orders
from .sending import number, send_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo
    from .sending import Refusals


class PidHead:
    """The members of this process's domain, on DragonFly."""

    def __init__(self) -> None:
        self._processes = current().processes

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        return self._processes.descendants()

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which refused, and why."""
        return send_each(self._processes, orders, number(orders.signal))

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill the child attached last if the listing had missed it; the caller collects it and comes again."""
        status = control("PROC_REAP_STATUS")
        assert isinstance(status, ReaperStatus)
        head = status.pid_head
        if head == -1 or any(member.pid == head for member in members):
            return []
        newborn = [member for member in self._processes.descendants() if member.pid == head]
        self.signal(Orders("SIGKILL", newborn, float("inf")))
        return newborn
