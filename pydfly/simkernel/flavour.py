"""What a flavour is: the rules that DragonFly and FreeBSD do not share.  Only type checkers import this module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..structs import ResidentEntry
from .execution import Executed, File
from .kernel import Kernel
from .process import Process
from .syscalls.table import SyscallTable


class Flavour(Protocol):
    """One system's rules.  A kernel has one, made for it by ``boot``."""

    name: str
    """``dragonfly`` or ``freebsd``."""
    version: str
    """Which kernel of that system."""
    ignored_by_default: frozenset[int]
    """Signals that leave no trace in a process that did nothing about them; SIGCHLD is not among them."""
    highest_killable: int
    """What kill(2) accepts."""
    highest_deliverable: int
    """What can be delivered without a panic."""
    queues_every_instance: bool
    """The same signal sent twice is pending twice."""
    nobody_allowed: str
    """The errno of kill(2) for many, when all who are there refuse."""
    sysctls: dict[str, int]
    """The system's switches by name, those that the model looks at."""
    calls: Mapping[str, int]
    """System call numbers by name, of those that the simulation makes by name."""

    def table(self, kernel: Kernel) -> SyscallTable:
        """Make the kernel's system-call table, empty but for its layout."""

    def start(self, kernel: Kernel) -> None:
        """Make init the root reaper, and put the kernel's own calls into the table."""

    def fork(self, parent: Process, child: Process, nowait: bool) -> Process:
        """Make the child a member of a domain; return the process that becomes its parent."""

    def execve(self, process: Process, file: File, argv: tuple[str, ...], environ: Mapping[str, str]) -> Executed:
        """Execute a file."""

    def exit(self, process: Process) -> None:
        """Do what a death means for children, parent and domain; the process is a zombie already."""

    def reap(self, zombie: Process) -> None:
        """Do what the end of a zombie means for its domain; it is still in its parent's list."""

    def give_back(self, zombie: Process) -> None:
        """Hand a zombie that a debugger has waited for to its real parent."""

    def refuses_kill(self, sender: Process, target: Process, sig: int, direct: bool) -> tuple[str, str] | None:
        """Return the errno and the reason why the sender may not signal the target; zombies are targets too."""

    def is_reaper(self, process: Process) -> bool:
        """Say whether it owns a domain."""

    def is_member(self, process: Process, reaper: Process) -> bool:
        """Say whether it belongs, or as a zombie belonged, to the reaper's domain or to one inside it."""

    def vm_resident(self, process: Process) -> list[ResidentEntry]:
        """Read the sysctl into a large enough buffer."""

    def vm_resident_length(self, process: Process) -> int:
        """Read the sysctl without a buffer."""

    def missing_call(self, process: Process | None, number: int, told: bool) -> object:
        """Do what happens on a system call that is not there; ``told``: the process gets SIGSYS."""
