"""The machine: it owns the tables, and ``syscall`` is the one door for calls by number."""

from __future__ import annotations

from collections import deque

from .. import constants
from . import proctable
from .execution import replace_image
from .faults import KernelPanic
from .process import Process
from .states import RUNNING
from .vnodes import Vnodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from .flavour import Flavour, Handler


class Kernel:
    """One simulated machine.  Several can live side by side; nothing outside it is read or changed.

    Attributes:
        flavour: the rules of DragonFly or FreeBSD.
        constants: the constants of that system.
        init: process 1.
        vnodes: its files.
        sysent: system calls by number.
        clock: seconds of its own time, which pass only where somebody lets them pass.
        panicked: why the kernel is dead, or None.
        death_order: pids, in the order in which they are to die when several are killed at once; empty: the order in
            which the signals were sent.
    """

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.constants = constants.of(flavour.name)
        self.table = proctable.ProcTable()
        self.vnodes = Vnodes()
        self.sysent: dict[int, Handler] = {}
        self.doomed: deque[Process] = deque()
        self.death_order: list[int] = []
        self.clock = 0.0
        self.panicked: str | None = None
        self.init = self.new_process()
        self.init.become(RUNNING)
        flavour.start(self)

    def __repr__(self) -> str:
        return f"<simulated {self.flavour.name} {self.flavour.version}, {len(self.table.by_pid)} processes>"

    def new_process(self) -> Process:
        """Make an embryo with the next pid."""
        process = Process(self, self.table.new_pid())
        self.table.add(process)
        return process

    def find(self, pid: int) -> Process | None:
        """Return the process with this pid, zombie or not."""
        return self.table.by_pid.get(pid)

    def process(self, pid: int) -> Process:
        """Return the process with this pid; KeyError if there is none."""
        return self.table.by_pid[pid]

    def processes(self) -> Iterator[Process]:
        """Return every process there is, zombies included, oldest first."""
        return iter(list(self.table.by_pid.values()))

    def spawn(self, path: str, uid: int = 0, *, gid: int = 0, jailed: bool = False) -> Process:
        """Have init fork a process that runs ``path`` for this user.

        Args:
            path: the file it executes.
            uid: its real, effective and saved user id.
            gid: its real, effective and saved group id.
            jailed: it lives in a jail.
        """
        process = self.init.fork()
        process.ruid = process.euid = process.svuid = uid
        process.rgid = process.egid = process.svgid = gid
        process.jailed = jailed
        replace_image(process, self.vnodes.lookup(path), (path,), {})
        return process

    def syscall(self, process: Process, number: int, *args: object) -> object:
        """Make the system call ``number`` for a process: its entry in the table, or what is done without one."""
        handler = self.sysent.get(number)
        if handler is None:
            return self.flavour.missing_call(process, number)
        return handler(process, *args)

    def panic(self, why: str) -> NoReturn:
        """Stop the machine."""
        self.panicked = why
        self.doomed.clear()
        raise KernelPanic(why)
