"""Linux: members are found by listing /proc, and signalled through pidfds.

The kernel has no call for "everyone below me", so a listing races with every fork, and it takes longer than some
processes live.  ``sweep`` wins that race: it asks for the newest pid of the machine by itself (/proc/loadavg
names it), and of a new list of pids it looks only at those that were not in the one before.
"""

from __future__ import annotations

import os

from ..backends import current
from ..backends.linux.domain import Domain
from ..backends.linux.procfile import read
from .sending import send_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal

    from ..structs import DescendantInfo
    from .policy import Orders
    from .sending import Refusals
else:
    import _signal

PROBES = 20  # looks at the newest pid for one look at the list of pids
PASSES = 50  # such series at most in one sweep


class Scan:
    """The members of this process's domain, on Linux."""

    def __init__(self) -> None:
        processes = current().processes
        assert isinstance(processes, Domain)
        self._processes = processes
        self._seen: set[str] = set()  # the pids that were there before the last full listing was made

    def members(self) -> list[DescendantInfo]:
        """List the members, zombies included, parents before their children."""
        self._seen = set(os.listdir("/proc"))
        return self._processes.descendants()

    def signal(self, orders: Orders) -> Refusals:
        """Signal each target; return which refused, and why."""
        signal = orders.signal
        return send_each(self._processes, orders, getattr(_signal, signal) if isinstance(signal, str) else signal)

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Kill the processes that were born after the listing that gave these members, and return them."""
        # a new child of this process is a member, as the next listing would say: children from before are not new
        ours = {str(os.getpid()), *(str(member.pid) for member in members)}
        found: list[DescendantInfo] = []
        for _ in range(PASSES):
            before = len(found)
            for _ in range(PROBES):
                newest = read("/proc/loadavg").split()[-1].decode()
                if newest not in self._seen:
                    found += self._kill_if_ours(newest, ours)
            for pid in reversed(os.listdir("/proc")):
                if pid not in self._seen:
                    found += self._kill_if_ours(pid, ours)
            if len(found) == before:
                break
        return found

    def _kill_if_ours(self, pid: str, ours: set[str]) -> list[DescendantInfo]:
        """Kill a process whose parent is one of ours; one with an unknown parent is looked at again later."""
        try:
            descriptor = os.pidfd_open(int(pid))  # from here on the pid means one process, dead or alive
        except (OSError, ValueError):
            return []  # gone, or the id of a thread
        try:
            process = self._processes.info(int(pid))
            if str(process.ppid) in ours:
                ours.add(pid)
                self._seen.add(pid)
                _signal.pidfd_send_signal(descriptor, _signal.SIGKILL)
                return [process]
            if str(process.ppid) in self._seen:
                self._seen.add(pid)
        except OSError:
            pass
        finally:
            os.close(descriptor)
        return []
