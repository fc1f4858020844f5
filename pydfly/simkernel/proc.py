"""What the kernel keeps of a process, and what hangs on it: sys/proc.h of both systems.

The rules work on these records.  ``Process`` adds the system calls, for the program that drives the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..named_tuple import NamedTuple
from .faults import KernelPanic, SimulationError
from .machine import Machine
from .states import DEFAULT, EMBRYO, RUNNING, STOPPED, TRANSITIONS
from .vnodes import Vnode

NO_ENVIRONMENT: Mapping[str, str] = {}
"""What a process has that never executed anything; shared, and never written to."""
NO_CONTROLS: Mapping[str, int] = {}
"""What a process has before the first control; likewise."""


class PendingSignal(NamedTuple):
    """One signal that waits for a process, with what siginfo says of the sender."""

    signal: int
    code: str
    """``SI_USER``, ``SI_KERNEL``, or (SIGCHLD on FreeBSD) ``CLD_EXITED``, ``CLD_KILLED``, ``CLD_TRAPPED``."""
    pid: int | None = None
    uid: int | None = None
    """Real uid of the sender."""
    status: int | None = None
    """SIGCHLD on FreeBSD: exit code or signal number."""
    with_child: bool = False
    """It goes when the child is waited for: FreeBSD, sys/kern/kern_exit.c, sigqueue_take() in proc_reap()."""


@dataclass(slots=True, eq=False)
class Node:
    """``struct sysreaper``: one domain of a DragonFly; see ``dragonfly.reaping``."""

    owner: Proc | None
    parent: Node | None
    flags: int
    refs: int

    def __repr__(self) -> str:
        return f"<reaper node of {self.owner!r}, {self.refs} refs>"


@dataclass(slots=True, eq=False)
class ProcessDescriptor:
    """``struct procdesc`` of a FreeBSD, with the open file that refers to it; see ``freebsd.capsicum``."""

    process: Proc
    daemon: bool
    holders: int = 1


@dataclass(slots=True, eq=False, repr=False)
class Proc:
    """``struct proc``: what is known of one process."""

    kernel: Machine[Proc]
    pid: int
    """Never given out twice by one kernel."""
    environ: Mapping[str, str]
    """What the last exec got, with ``argv``."""
    controls: Mapping[str, int]
    """FreeBSD: what procctl set, by name; shared between processes, replaced and never changed."""
    state: str = EMBRYO
    status: int = 0
    """Status word that a wait for it returns, once it is a zombie."""
    parent: Proc | None = None
    """The process that may wait for it; None for init."""
    first_child: Proc | None = None
    next_sibling: Proc | None = None
    previous_sibling: Proc | None = None
    deathsig: int = 0
    """The signal it gets when its parent dies; 0: none."""
    ruid: int = 0
    euid: int = 0
    svuid: int = 0
    rgid: int = 0
    egid: int = 0
    svgid: int = 0
    setid_mark: bool = False
    """Ids were changed by an exec or by setuid() (``P_SUGID``)."""
    jailed: bool = False
    pgid: int = 0
    sid: int = 0
    blocks_signals: bool = True
    """Every signal that can be blocked is."""
    signal_queue: list[PendingSignal] | None = None
    sigchld: str = DEFAULT
    """What it does with SIGCHLD: ``default``, ``ignore`` or ``catch``."""
    nocldwait: bool = False
    """SA_NOCLDWAIT is set."""
    text: Vnode | None = None
    """The file it runs; None for init at boot and for zombies."""
    argv: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()
    """The strings on its stack, newest first; a snapshot brings those of the registrant along."""
    pages: dict[str, object] | None = None
    """``memory``, or None until it is used."""
    node: Node | None = None
    """DragonFly: the reaper node of its domain (``p_reaper``)."""
    reaper: Proc | None = None
    """FreeBSD: the process that adopts what it leaves behind (``p_reaper``)."""
    domain: dict[int, Proc] | None = None
    """FreeBSD: of a reaper, the members by pid, the one that came last at the end (``p_reaplist``, which begins with
    that one); None: it is no reaper."""
    subtree: int = 0
    """FreeBSD: the child of its reaper that it comes from (``p_reapsubtree``)."""
    capmode: bool = False
    """FreeBSD: it is in capability mode."""
    real_parent: Proc | None = None
    """FreeBSD: the real parent, while ``parent`` is a debugger."""
    stop_report: int = 0
    """FreeBSD: the signal that stopped it, until the debugger has waited for it."""
    descriptor: ProcessDescriptor | None = None
    """FreeBSD: the open file from pdfork(2) that stands for it; a wait for any child does not find it."""
    files: dict[int, ProcessDescriptor] | None = None
    """FreeBSD: the process descriptors that it has open itself."""

    def __repr__(self) -> str:
        return f"<simulated process {self.pid} {self.name!r} {self.state}>"

    def become(self, state: str) -> None:
        """Change the state, if the table of transitions has such a change."""
        if state not in TRANSITIONS[self.state]:
            raise SimulationError(f"{self!r} cannot become {state}")
        self.state = state

    def enter(self) -> Machine[Proc]:
        """Return the kernel, having made sure that this process can call it."""
        kernel = self.kernel
        if kernel.panicked is not None:
            raise KernelPanic(kernel.panicked)
        if self.state is not RUNNING:
            raise SimulationError(f"{self!r} cannot make system calls")
        return kernel

    @property
    def alive(self) -> bool:
        """It has not died."""
        return self.state is RUNNING or self.state is STOPPED

    @property
    def name(self) -> str:
        """Last part of the path of the file it runs (zombies keep it)."""
        return self.argv[0].rpartition("/")[2] if self.argv else "init"

    @property
    def ppid(self) -> int:
        """Process id of the parent, also while a debugger stands in its place; 0 for init."""
        parent = self.real_parent or self.parent
        return parent.pid if parent is not None else 0

    def each_child(self) -> Iterator[Any]:
        """Walk its children, zombies included, in the kernel's order: attached last comes first."""
        child = self.first_child
        while child is not None:
            yield child
            child = child.next_sibling

    def below(self) -> Iterator[Any]:
        """Walk its descendants, zombies included, parents before their children."""
        stack = [*self.each_child()][::-1]
        while stack:
            process = stack.pop()
            yield process
            stack += [*process.each_child()][::-1]

    # The list of children is doubly linked through the processes themselves, as the kernel's is, so that attaching and
    # detaching cost the same whatever its length.

    def attach(self, parent: Proc) -> None:
        """Become the first child of ``parent``: LIST_INSERT_HEAD on p_children (sys/kern/kern_fork.c, fork1())."""
        head = parent.first_child
        self.parent = parent
        self.previous_sibling = None
        self.next_sibling = head
        if head is not None:
            head.previous_sibling = self
        parent.first_child = self

    def detach(self) -> None:
        """Leave the parent's list: LIST_REMOVE on p_sibling."""
        before, after = self.previous_sibling, self.next_sibling
        if before is not None:
            before.next_sibling = after
        else:
            self.parent.first_child = after  # type: ignore[union-attr]  # only init has no parent, and it is never moved
        if after is not None:
            after.previous_sibling = before
        self.parent = self.previous_sibling = self.next_sibling = None

    def reparent(self, parent: Proc) -> None:
        """Move to the head of another list: proc_reparent() of sys/kern/kern_exit.c, in both systems."""
        self.detach()
        self.attach(parent)

    @property
    def pending(self) -> list[int]:
        """Numbers of the signals that wait for it, in ascending order."""
        return sorted({int(entry.signal) for entry in self.signal_queue}) if self.signal_queue else []

    @property
    def memory(self) -> dict[str, object]:
        """Its address space: variables by name.  Exec empties it, or fills it from a resident snapshot."""
        if self.pages is None:
            self.pages = {}
        return self.pages
