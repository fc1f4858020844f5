"""DragonFly and FreeBSD: the children of a process, as the kernel's own process list has them.

There are no pidfds.  A direct child is signalled by its pid, which stays its own until it is collected (see
``warden_domain``); a deeper member after its start time was compared (see ``backends.native.processes``).
"""

from __future__ import annotations

import os

from ..backends import bsd_helper_calls
from ..backends.native.processes import KernelProcesses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..structs import DescendantInfo


class KernelList:
    """The children of the calling process."""

    descriptors: tuple[int, ...] = ()

    def __init__(self) -> None:
        # not the backend in force: choosing and making it takes longer than all else that a start needs
        self._processes = KernelProcesses(bsd_helper_calls.Call(), self._below)
        self._processes.children()

    def _below(self) -> list[DescendantInfo]:
        return self._processes.below(os.getpid())

    def renew(self) -> None:
        """Nothing to do after a fork: the calling process is asked for each time."""

    def pids(self) -> list[int]:
        """Return the pids of the children, zombies included."""
        return self._processes.children()

    def each(self) -> Iterator[int]:
        """Yield the pids of the children."""
        yield from self.pids()

    def walk(self, pids: list[int], parents: set[int]) -> list[DescendantInfo]:
        """Return these children of the calling process and their descendants, parents first."""
        below = set(pids)
        found = []
        for process in self._processes.below(os.getpid()):
            if process.pid in below or process.ppid in below:
                below.add(process.pid)
                found.append(process)
        return found

    def info(self, pid: int) -> DescendantInfo:
        """Describe one process; ProcessLookupError: there is none that can be seen."""
        try:
            return self._processes.info(pid)
        except ProcessLookupError:  # DragonFly finds no zombie by its pid
            for process in self._processes.everyone():
                if process.pid == pid:
                    return process
            raise

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process; see ``Processes.send``."""
        self._processes.send(target, signal)

    def kill_domain(self) -> None:
        """Have FreeBSD's kernel kill the whole domain, forks that are under way included (FK-5 to FK-8).

        What the call returns tells nothing certain; the members that are left show in the next listing.
        """
        try:  # noqa: SIM105  contextlib would be imported for this alone
            bsd_helper_calls.kill_domain()
        except OSError:
            pass
