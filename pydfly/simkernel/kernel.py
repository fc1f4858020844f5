"""The machine: it owns the tables, and ``sysent`` is the one door for calls by number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NoReturn

from .. import constants
from .execution import replace_image
from .faults import KernelPanic
from .machine import Flavour
from .proc import NO_CONTROLS, NO_ENVIRONMENT, Proc
from .process import SystemCalls
from .states import RUNNING
from .syscalls.freebsd import FreeBSDTable
from .syscalls.modules import Modules
from .syscalls.sysent import SyscallHelperData
from .vnodes import Vnodes


class Process(SystemCalls):
    """One simulated process.  The methods are its system calls; refusals are SyscallErrors."""

    __slots__ = ()

    # every record that a kernel makes is one of these
    kernel: Kernel
    parent: Process | None


class Kernel:
    """One simulated machine.  Several can live side by side; nothing outside it is read or changed.

    Attributes:
        flavour (Flavour): the rules of DragonFly or FreeBSD.
        constants (module): the constants of that system.
        by_pid (dict[int, Process]): its processes, zombies included, oldest first.
        init (Process): process 1.
        vnodes (Vnodes): its files.
        sysent (SyscallTable): the system-call table.
        modules (Modules): the kernel modules that are loaded.
        traced (list[Process]): the processes that debuggers hold (FreeBSD).
        clock (float): seconds of its own time, which pass only when they are made to pass.
        panicked (str | None): why the kernel is dead, or None.
        death_order (list[int]): pids, in the order in which they are to die when several are killed at once; empty:
            the order in which the signals were sent.
    """

    def __init__(self, flavour: Flavour[Proc]) -> None:
        self.flavour = flavour
        self.constants = constants.of(flavour.name)
        self.by_pid: dict[int, Process] = {}
        self._last_pid = 0
        self.vnodes = Vnodes()
        self.sysent = flavour.table(self)
        self.modules = Modules(flavour.name, self.sysent)
        self.doomed: deque[Proc] = deque()
        self.death_order: list[int] = []
        self.traced: list[Proc] = []
        self.clock = 0.0
        self.panicked: str | None = None
        self.init: Process = self.new_process()
        self.init.pgid = self.init.sid = self.init.pid
        self.init.become(RUNNING)
        flavour.start(self)

    def __repr__(self) -> str:
        return f"<simulated {self.flavour.name} {self.flavour.version}, {len(self.by_pid)} processes>"

    def new_process(self) -> Process:
        """Make an embryo with the next pid: they count up and are never reused."""
        self._last_pid += 1
        process = self.by_pid[self._last_pid] = Process(self, self._last_pid, NO_ENVIRONMENT, NO_CONTROLS)
        return process

    def forget(self, process: Proc) -> None:
        """Take a process that was waited for out of the table."""
        del self.by_pid[process.pid]

    def find(self, pid: int) -> Process | None:
        """Return the process with this pid, zombie or not."""
        return self.by_pid.get(pid)

    def process(self, pid: int) -> Process:
        """Return the process with this pid; KeyError if there is none."""
        return self.by_pid[pid]

    def processes(self) -> Iterator[Process]:
        """Return every process there is, zombies included, oldest first."""
        return iter(list(self.by_pid.values()))

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

    def syscall(self, process: Proc, number: int, *args: object) -> object:
        """Make the system call ``number`` for a process, through the table."""
        return self.sysent.call(number, args, process.capmode, process)

    def syscall_register(self, entry: SyscallHelperData, flags: int = 0) -> int:
        """Register one system call: see ``SyscallTable.register``."""
        return self.sysent.register(entry, flags)

    def syscall_deregister(self, entry: SyscallHelperData) -> int:
        """Remove one system call: see ``SyscallTable.deregister``."""
        return self.sysent.deregister(entry)

    def syscall_helper_register(self, entries: Sequence[SyscallHelperData], flags: int = 0) -> int:
        """Register an array of system calls, ended by SYSCALL_INIT_LAST: syscall_helper_register(9).

        Args:
            entries: the array; the kernel writes into its elements.
            flags: 0, or SY_THR_STATIC.

        Returns:
            Always 0: what fails is raised.

        Raises:
            OSError, FileExistsError: EINVAL, EEXIST: see ``FreeBSDTable.helper_register``.
            NotImplementedError: DragonFly's kernel has no such function.
        """
        return self._helpers("syscall_helper_register").helper_register(entries, flags)

    def syscall_helper_unregister(self, entries: Sequence[SyscallHelperData]) -> int:
        """Remove an array of system calls; always returns 0: syscall_helper_unregister(9)."""
        return self._helpers("syscall_helper_unregister").helper_unregister(entries)

    def _helpers(self, name: str) -> FreeBSDTable:
        if not isinstance(self.sysent, FreeBSDTable):
            raise NotImplementedError(f"DragonFly's kernel has no {name}(): syscall_register() is what it has")
        return self.sysent

    def sysctl(self, name: str, value: int | None = None) -> int:
        """Return one of the system's switches, and set it.

        Args:
            name: ``security.bsd.see_other_uids``, for example.
            value: its new value; it stays as it is if not given.

        Raises:
            NotImplementedError: the model does not look at this one.
        """
        switches = self.flavour.sysctls
        if name not in switches:
            raise NotImplementedError(f"sysctl {name} is not modelled; these are: {', '.join(sorted(switches))}")
        before = switches[name]
        if value is not None:
            switches[name] = value
        return before

    def panic(self, why: str) -> NoReturn:
        """Stop the machine."""
        self.panicked = why
        self.doomed.clear()
        raise KernelPanic(why)
