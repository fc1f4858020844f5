"""What the rules for processes may ask of their machine, and a machine of its flavour.

``P`` is the process record, which is not known here: it has a machine, as the machine has processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import NoReturn, Protocol, TypeVar

from ..structs import ResidentEntry
from .syscalls.modules import Modules
from .syscalls.table import SyscallTable
from .vnodes import Executed, File, Vnodes

P = TypeVar("P")


class Machine(Protocol[P]):
    """A kernel, as its own rules see it: see ``Kernel``."""

    flavour: Flavour[P]
    constants: ModuleType
    vnodes: Vnodes
    sysent: SyscallTable
    modules: Modules
    doomed: deque[P]
    death_order: list[int]
    traced: list[P]
    clock: float
    panicked: str | None

    @property
    def init(self) -> P:
        """Process 1."""

    def new_process(self) -> P:
        """Make an embryo with the next pid."""

    def forget(self, process: P) -> None:
        """Take a process that was waited for out of the table."""

    def find(self, pid: int) -> P | None:
        """Return the process with this pid, zombie or not."""

    def processes(self) -> Iterator[P]:
        """Return every process there is, zombies included, oldest first."""

    def panic(self, why: str) -> NoReturn:
        """Stop the machine."""


class Flavour(Protocol[P]):
    """One system's rules, those that DragonFly and FreeBSD do not share.  A kernel has one, made for it by ``boot``."""

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
    """The errno of kill(2) for many, when every target refuses."""
    sysctls: dict[str, int]
    """The system's switches by name, those that the model looks at."""
    calls: Mapping[str, int]
    """System call numbers by name, of those that the simulation makes by name."""

    def table(self, kernel: Machine[P]) -> SyscallTable:
        """Make the kernel's system-call table, empty but for its layout."""

    def start(self, kernel: Machine[P]) -> None:
        """Make init the root reaper, and put the kernel's own calls into the table."""

    def fork(self, parent: P, child: P, nowait: bool) -> P:
        """Make the child a member of a domain; return the process that becomes its parent."""

    def execve(self, process: P, file: File, argv: tuple[str, ...], environ: Mapping[str, str]) -> Executed:
        """Execute a file."""

    def exit(self, process: P) -> None:
        """Do what a death means for children, parent and domain; the process is a zombie already."""

    def reap(self, zombie: P) -> None:
        """Do what the end of a zombie means for its domain; it is still in its parent's list."""

    def give_back(self, zombie: P) -> None:
        """Hand a zombie that a debugger has waited for to its real parent."""

    def refuses_kill(self, sender: P, target: P, sig: int, direct: bool) -> tuple[str, str] | None:
        """Return the errno and the reason why the sender may not signal the target; zombies are targets too."""

    def is_reaper(self, process: P) -> bool:
        """Say whether it owns a domain."""

    def is_member(self, process: P, reaper: P) -> bool:
        """Say whether it belongs, or as a zombie belonged, to the reaper's domain or to one inside it."""

    def vm_resident(self, process: P, length: int | None) -> list[ResidentEntry]:
        """Read the sysctl into a buffer of so many bytes; None: one that is large enough."""

    def vm_resident_length(self, process: P) -> int:
        """Read the sysctl without a buffer."""

    def missing_call(self, process: P | None, number: int, told: bool) -> object:
        """Do what happens on a system call that is not there; ``told``: the process gets SIGSYS."""
