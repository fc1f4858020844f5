"""What a backend is: the kernel's calls, and the few things that the friendly layer needs.

No call needs this module; it is for type checkers.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..structs import Data, DescendantInfo, ModuleStat, Program, Reaped, ResidentEntry


class Processes(Protocol):
    """The processes that the calling process can see and act on."""

    def getpid(self) -> int:
        """Return the pid of the calling process."""

    def getppid(self) -> int:
        """Return the pid of its parent now."""

    def everyone(self) -> list[DescendantInfo]:
        """Return every process this system lists, the calling one included."""

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""

    def descendants(self) -> list[DescendantInfo]:
        """Return the members of the calling process's domain, zombies included, parents before their children."""

    def children(self) -> list[int]:
        """Return the pids of the calling process's children, zombies included, of every thread."""

    def born(self, pid: int) -> float:
        """Return the start time of a child, dead or alive; ProcessLookupError if there is no such process."""

    def births(self) -> Callable[[int], float]:
        """Return what tells the start times of many children as ``born`` does, as of its first call."""

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process; never one that got its pid later (ProcessLookupError then)."""

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members of the calling process's domain."""

    def reap(self, pid: int) -> Reaped | None:
        """Wait for one child without blocking: None while it lives, ChildProcessError if it is no child."""

    def wait(self, timeout: float) -> None:
        """Sleep until something may have died, at most ``timeout`` seconds."""

    def clock(self) -> float:
        """Seconds on a clock that only goes forward."""


class Kernel(Protocol):
    """One kernel, real or simulated, as seen by one process.  Refusals are SyscallErrors."""

    name: str
    flavour: str
    live: bool
    commands: dict[str, Callable[[Data], object]]
    """The commands of procctl that the backend can be asked for by name, for the calling process: a short cut past
    the numbers and the checks of idtype and id.  May be empty."""

    def procctl(self, idtype: int, id: int, cmd: int, data: Data) -> object:
        """Control a process; what comes back depends on the command."""


class Residency(Protocol):
    """Resident executables: DragonFly's system calls and what its runtime linker does with them."""

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Make the calling process's binary resident."""

    def exec_sys_unregister(self, id: int) -> int:
        """Remove registrations; return how many."""

    def vm_resident(self) -> list[ResidentEntry]:
        """List the registrations, oldest first."""

    def make_resident(self, program: Program) -> None:
        """Have this program registered, as its own runtime linker would do it."""

    def unmake_resident(self, program: Program) -> None:
        """Have this program's registration removed, as its own runtime linker would do it."""


class Modules(Protocol):
    """Kernel modules that bring system calls of their own."""

    def modfind(self, name: str) -> int:
        """Return the id of a kernel module."""

    def modstat(self, id: int) -> ModuleStat:
        """Describe a kernel module."""


class Backend(Kernel, Residency, Modules, Protocol):
    """All of it, for one process; what a system does not have comes from ``absent``."""

    @property
    def processes(self) -> Processes:
        """The processes around the calling one."""
