"""Records of single processes, as immutable named tuples: the part of ``structs`` that helpers need."""

from __future__ import annotations

from .named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class DescendantInfo(NamedTuple):
    """One member of a domain."""

    pid: int
    """Process id."""
    ppid: int
    """Process id of its parent now."""
    name: str
    """Name of the command, as the kernel keeps it (cut to 15 characters on Linux)."""
    state: str
    """``running``, ``sleeping``, ``waiting`` (uninterruptible), ``stopped``, ``zombie``, ``idle`` or ``other``."""
    start_time: float
    """Seconds since the epoch (simulated: the kernel's count of forks)."""

    @property
    def identity(self) -> tuple[int, float]:
        """Pid and start time, which tell it from every other process that had or will have the pid."""
        return self.pid, self.start_time


class Reaped(NamedTuple):
    """A dead process that was waited for."""

    pid: int
    """Process id, free for reuse from now on."""
    status: int
    """Wait status, as ``os.waitpid`` gives it: see ``os.waitstatus_to_exitcode``."""


class Survivor(NamedTuple):
    """A process that could not be ended."""

    pid: int
    """Process id."""
    name: str
    """Name of the command."""
    state: str
    """As in DescendantInfo."""
    why: str
    """Why: the errno of the signal, or that it does not die of SIGKILL."""


def below(everyone: Iterable[DescendantInfo], root: int) -> list[DescendantInfo]:
    """Pick the descendants of a process out of a listing: parents before their children."""
    children: dict[int, list[DescendantInfo]] = {}
    for process in everyone:
        children.setdefault(process.ppid, []).append(process)
    found = children.pop(root, [])
    for process in found:  # grows while it is walked
        found += children.pop(process.pid, ())
    return found
