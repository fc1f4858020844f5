"""DragonFly and FreeBSD: the children of a process, as the kernel's own process list has them."""

from __future__ import annotations

import os

from ..backends import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo


class KernelList:
    """The children of the calling process."""

    descriptors: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._backend = current()
        self._processes = self._backend.processes
        self._processes.children()

    def renew(self) -> None:
        """Nothing to do after a fork: the calling process is asked for each time."""

    def pids(self) -> list[int]:
        """Return the pids of the children, zombies included."""
        return self._processes.children()

    def walk(self, pids: list[int]) -> list[DescendantInfo]:
        """Return these children and their descendants, parents first."""
        below = set(pids)
        found = []
        for process in self._processes.below(os.getpid()):
            if process.pid in below or process.ppid in below:
                below.add(process.pid)
                found.append(process)
        return found

    def info(self, pid: int) -> DescendantInfo:
        """Describe one process.

        Raises:
            ProcessLookupError: there is none that can be seen.
        """
        for process in self._processes.below(os.getpid()):
            if process.pid == pid:
                return process
        raise ProcessLookupError(f"no process {pid}")

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process; see ``Processes.send``."""
        self._processes.send(target, signal)

    def kill_domain(self) -> None:
        """Have FreeBSD's kernel kill the whole domain, forks that are under way included (FK-5 to FK-8).

        What the call returns tells nothing certain; the members that are left show in the next listing.
        """
        if self._backend.flavour != "freebsd":
            return
        from signal import SIGKILL

        from ..structs import ReaperKill
        from ..syscalls import control

        try:  # noqa: SIM105  contextlib would be imported for this alone
            control("PROC_REAP_KILL", ReaperKill(SIGKILL))
        except OSError:
            pass
