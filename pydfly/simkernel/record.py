"""What is known of a process: its record in the process table, and views of its family."""

from __future__ import annotations

from . import signals
from .faults import SimulationError
from .states import EMBRYO, RUNNING, STOPPED, TRANSITIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .dragonfly.reaping import Node
    from .freebsd.capsicum import ProcessDescriptor
    from .kernel import Kernel
    from .process import Process
    from .signals import PendingSignal
    from .vnodes import Vnode

NO_ENVIRONMENT: Mapping[str, str] = {}
"""What a process has that never executed anything; shared, and never written to."""
NO_CONTROLS: Mapping[str, int] = {}
"""What a process has that nobody ever controlled; likewise."""


class Record:
    """``struct proc``: what is known of one process.

    Attributes:
        kernel: the kernel it lives in.
        pid: process id; never given out twice by one kernel.
        state: ``embryo``, ``running``, ``stopped``, ``zombie`` or ``gone``.
        parent: the process that may wait for it; None for init.
        deathsig: the signal it gets when its parent dies; 0: none.
        ruid, euid, svuid, rgid, egid, svgid: credentials.
        setid_mark: ids were changed by an exec or by setuid() (``P_SUGID``).
        jailed: it lives in a jail.
        pgid, sid: process group and session.
        text: the vnode of the file it runs; None for init at boot and for zombies.
        blocks_signals: every signal that can be blocked is.
        sigchld: what it does with SIGCHLD: ``default``, ``ignore`` or ``catch``.
        nocldwait: SA_NOCLDWAIT is set.
        argv, environ: what the last exec got.
        stack: the strings on its stack, newest first; a snapshot brings those of the registrant along.
        pages: ``memory``, or None while nobody has used it.
        node: DragonFly only: the reaper node of its domain (``p_reaper``).
        reaper: FreeBSD only: the process that adopts what it leaves behind (``p_reaper``).
        domain: FreeBSD only: of a reaper, the members by pid, the one that came last at the end (``p_reaplist``,
            which begins with that one); None: it is no reaper.
        subtree: FreeBSD only: the child of its reaper from whose line it comes (``p_reapsubtree``).
        controls: FreeBSD only: what procctl set, by name; shared between processes, replaced and never changed.
        capmode: FreeBSD only: it is in capability mode.
        real_parent: FreeBSD only: while ``parent`` is a debugger, whose child it really is.
        stop_report: FreeBSD only: the signal that stopped it, until the debugger has waited for it.
        descriptor: FreeBSD only: the open file from pdfork(2) that stands for it; a wait for anybody does not find it.
        files: FreeBSD only: the process descriptors that it has open itself.
    """

    __slots__ = (
        "argv",
        "blocks_signals",
        "capmode",
        "controls",
        "deathsig",
        "descriptor",
        "domain",
        "egid",
        "environ",
        "euid",
        "files",
        "first_child",
        "jailed",
        "kernel",
        "next_sibling",
        "nocldwait",
        "node",
        "pages",
        "parent",
        "pgid",
        "pid",
        "previous_sibling",
        "real_parent",
        "reaper",
        "rgid",
        "ruid",
        "setid_mark",
        "sid",
        "sigchld",
        "signal_queue",
        "stack",
        "state",
        "status",
        "stop_report",
        "subtree",
        "svgid",
        "svuid",
        "text",
    )

    argv: tuple[str, ...]
    controls: Mapping[str, int]
    deathsig: int
    descriptor: ProcessDescriptor | None
    domain: dict[int, Process] | None
    environ: Mapping[str, str]
    files: dict[int, ProcessDescriptor] | None
    first_child: Process | None
    next_sibling: Process | None
    node: Node | None
    pages: dict[str, object] | None
    parent: Process | None
    previous_sibling: Process | None
    real_parent: Process | None
    reaper: Process | None
    sigchld: str
    signal_queue: list[PendingSignal] | None
    stack: tuple[str, ...]
    state: str
    text: Vnode | None

    def __init__(self, kernel: Kernel, pid: int) -> None:
        self.kernel = kernel
        self.pid = pid
        self.state = EMBRYO
        self.parent = self.first_child = self.next_sibling = self.previous_sibling = None
        self.deathsig = self.status = self.subtree = self.stop_report = 0
        self.signal_queue = self.pages = self.text = self.node = None
        self.reaper = self.domain = self.real_parent = self.descriptor = self.files = None
        self.ruid = self.euid = self.svuid = self.rgid = self.egid = self.svgid = 0
        self.blocks_signals = True
        self.setid_mark = self.jailed = self.nocldwait = self.capmode = False
        self.sigchld = signals.DEFAULT
        self.pgid = self.sid = pid
        self.argv = self.stack = ()
        self.environ = NO_ENVIRONMENT
        self.controls = NO_CONTROLS

    def __repr__(self) -> str:
        return f"<simulated process {self.pid} {self.name!r} {self.state}>"

    def become(self, state: str) -> None:
        """Change the state, if the table of transitions has such a change."""
        if state not in TRANSITIONS[self.state]:
            raise SimulationError(f"{self!r} cannot become {state}")
        self.state = state

    @property
    def ppid(self) -> int:
        """Process id of the parent, also while a debugger stands in its place; 0 for init."""
        parent = self.real_parent or self.parent
        return parent.pid if parent is not None else 0

    @property
    def alive(self) -> bool:
        """It has not died."""
        return self.state is RUNNING or self.state is STOPPED

    @property
    def name(self) -> str:
        """Last part of the path of the file it runs (zombies keep it)."""
        return self.argv[0].rpartition("/")[2] if self.argv else "init"

    @property
    def children(self) -> list[Process]:
        """Its children, zombies included, in the kernel's order: attached last comes first."""
        return list(self.each_child())

    def each_child(self) -> Iterator[Process]:
        """Walk the list of children from the head."""
        child = self.first_child
        while child is not None:
            yield child
            child = child.next_sibling

    def below(self) -> Iterator[Process]:
        """Walk its descendants, zombies included, parents before their children."""
        stack = self.children[::-1]
        while stack:
            process = stack.pop()
            yield process
            stack += process.children[::-1]

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
