"""The domain of this very process on DragonFly and FreeBSD, whose kernels help against forks that no listing shows.

DragonFly names the child attached last; killing and collecting it brings the next one up.  Its manual proposes this
loop: procctl(2), PROC_REAP_STATUS.  A reaper can only signal its own domain there (sys/kern/kern_sig.c, CANSIGNAL), so
a reused pid is never hit.

FreeBSD signals a whole domain itself, nested ones included, and forks cannot escape it: procctl(2), PROC_REAP_KILL;
sys/kern/kern_procctl.c, reap_kill_subtree().
"""

from __future__ import annotations

from ..backends import current
from ..structs import ReaperKill, ReaperStatus, ReaperStatusFreeBSD
from ..syscalls import control
from .policy import Orders
from .sending import send_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo
    from .sending import Refusals


class _Members:
    def __init__(self) -> None:
        self._processes = current().processes

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        return self._processes.descendants()

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which refused, and why."""
        return send_each(self._processes, orders, _number(orders.signal))


class PidHead(_Members):
    """The members of this process's domain, on DragonFly."""

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill the child attached last if the listing had missed it; the caller collects it and comes again."""
        status = control("PROC_REAP_STATUS")
        assert isinstance(status, ReaperStatus)
        head = status.pid_head
        if head == -1 or any(member.pid == head for member in members):
            return []
        newborn = [member for member in self.members() if member.pid == head]
        self.signal(Orders("SIGKILL", newborn, float("inf")))
        return newborn


class ReapKill(_Members):
    """The members of this process's domain, on FreeBSD."""

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill every process in the domain, also those born meanwhile.

        What the call returns tells nothing certain (rules FK-5 to FK-8): the next listing shows what is left.
        Only a reaper may ask, or the domain of *its* reaper would die (FK-11).
        """
        status = control("PROC_REAP_STATUS")
        assert isinstance(status, ReaperStatusFreeBSD)
        if status.owned:
            try:
                control("PROC_REAP_KILL", ReaperKill(_number("SIGKILL")))
            except OSError:
                return []
        return []


def _number(signal: str | int) -> int:
    """Return the signal of this name, as a member of ``signal.Signals``: a simulated kernel judges it by its name."""
    from signal import Signals

    return Signals[signal] if isinstance(signal, str) else signal
