"""What a process is: its record in the process table, which is also the handle that a test drives it with.

A modelled process runs no code: it does what it is told, one call at a time, and blocks every signal that can be
blocked, so that what arrives stays visible in ``pending``.
"""

from __future__ import annotations

from .. import structs
from ..errors import refusal
from . import credentials, lifecycle, signals
from .execution import File
from .faults import KernelPanic, SimulationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..structs import Data, ResidentEntry
    from .execution import Executed
    from .kernel import Kernel
    from .reaping import Node
    from .signals import PendingSignal
    from .vnodes import Vnode

EMBRYO, RUNNING, STOPPED, ZOMBIE, GONE = "embryo", "running", "stopped", "zombie", "gone"
TRANSITIONS = {
    EMBRYO: {RUNNING},  # sys/kern/kern_fork.c, start_forked_proc(): SIDL to SACTIVE
    RUNNING: {STOPPED, ZOMBIE},  # sys/kern/kern_sig.c, proc_stop(); sys/kern/kern_exit.c, exit1()
    STOPPED: {RUNNING, ZOMBIE},  # sys/kern/kern_sig.c, proc_unstop(); SIGKILL ends a stopped process
    ZOMBIE: {GONE},  # sys/kern/kern_exit.c, kern_wait()
    GONE: set(),
}
"""Which state may follow which."""


class Process:
    """One simulated process.  The methods are its system calls; refusals are SyscallErrors.

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
        sigchld: what it does with SIGCHLD: ``default``, ``ignore`` or ``catch``.
        nocldwait: SA_NOCLDWAIT is set.
        argv, environ: what the last exec got.
        stack: the strings on its stack, newest first; a snapshot brings those of the registrant along.
        pages: ``memory``, or None while nobody has used it.
        node: DragonFly only: the reaper node of its domain (``p_reaper``).
    """

    __slots__ = (
        "argv",
        "deathsig",
        "egid",
        "environ",
        "euid",
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
        "rgid",
        "ruid",
        "setid_mark",
        "sid",
        "sigchld",
        "signal_queue",
        "stack",
        "state",
        "status",
        "svgid",
        "svuid",
        "text",
    )

    argv: tuple[str, ...]
    deathsig: int
    environ: Mapping[str, str]
    first_child: Process | None
    next_sibling: Process | None
    node: Node | None
    pages: dict[str, object] | None
    parent: Process | None
    previous_sibling: Process | None
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
        self.deathsig = self.status = 0
        self.signal_queue = self.pages = self.text = self.node = None
        self.ruid = self.euid = self.svuid = self.rgid = self.egid = self.svgid = 0
        self.setid_mark = self.jailed = self.nocldwait = False
        self.sigchld = signals.DEFAULT
        self.pgid = self.sid = pid
        self.argv = self.stack = ()
        self.environ = {}

    def __repr__(self) -> str:
        return f"<simulated process {self.pid} {self.name!r} {self.state}>"

    def become(self, state: str) -> None:
        """Change the state, if the table of transitions has such a change."""
        if state not in TRANSITIONS[self.state]:
            raise SimulationError(f"{self!r} cannot become {state}")
        self.state = state

    def enter(self) -> Kernel:
        """Return the kernel, having made sure that this process can call it."""
        kernel = self.kernel
        if kernel.panicked is not None:
            raise KernelPanic(kernel.panicked)
        if self.state is not RUNNING:
            raise SimulationError(f"{self!r} cannot make system calls")
        return kernel

    # -- what can be seen of it

    @property
    def ppid(self) -> int:
        """Process id of the parent; 0 for init."""
        return self.parent.pid if self.parent is not None else 0

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
        return sorted({entry.signal for entry in self.signal_queue}) if self.signal_queue else []

    @property
    def memory(self) -> dict[str, object]:
        """Its address space: variables by name.  Exec empties it, or fills it from a resident snapshot."""
        if self.pages is None:
            self.pages = {}
        return self.pages

    # -- its system calls

    def fork(self, *, nowait: bool = False) -> Process:
        """Fork; ``nowait``: as rfork(RFNOWAIT), the child's parent is the living reaper from the start."""
        self.enter()
        return lifecycle.fork(self, nowait)

    def execve(
        self,
        path: str,
        argv: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        *,
        suid: bool = False,
        owner: int = 0,
        sgid: bool = False,
        group: int = 0,
        nosuid: bool = False,
        bad: bool = False,
        interpreter: str | None = None,
        static: bool = False,
    ) -> Executed:
        """Execute a file.  Every path exists and is one file until it is renamed or replaced.

        Args:
            path: the file.
            argv: its arguments; the path alone if not given.
            environ: its environment; the present one if not given.
            suid: the file has the set-uid bit.
            owner: uid of the file's owner.
            sgid: the file has the set-gid bit.
            group: gid of the file's group.
            nosuid: the file system is mounted with set-id bits disabled.
            bad: the file is in no format that can be executed.
            interpreter: the file is a script, and this is the path behind its ``#!``; the set-id arguments are
                about the interpreter then.
            static: the program runs without the run-time linker, which on DragonFly obeys LD_RESIDENT_REGISTER_NOW
                and LD_RESIDENT_UNREGISTER_NOW in the environment: the process has exited afterwards.

        Returns:
            Whether it started from a resident snapshot, and at which address.

        Raises:
            OSError: ENOEXEC, ``bad``.
        """
        kernel = self.enter()
        file = File(path, suid, owner, sgid, group, nosuid, bad, interpreter, static)
        argv, environ = tuple(argv) or (path,), self.environ if environ is None else dict(environ)
        return kernel.flavour.execve(self, file, argv, environ)

    def exit(self, status: int = 0) -> None:
        """End with an exit code, of which the low 8 bits count."""
        kernel = self.enter()
        lifecycle.die(self, (status & 0xFF) << 8)
        if kernel.doomed:
            signals.settle(kernel, self)

    def wait(self, pid: int = -1, nohang: bool = False) -> tuple[int, int] | None:
        """Wait for a child: wait4(2).

        Args:
            pid: a pid; -1: any child; 0: any of the own process group; -N: any of process group N.
            nohang: WNOHANG.

        Returns:
            Pid and status word of the child; None with ``nohang`` when none has died yet.

        Raises:
            ChildProcessError: ECHILD, there is no such child.
            SimulationError: the wait would never end, as nothing else runs meanwhile.
        """
        self.enter()
        return lifecycle.wait(self, pid, nohang)

    def kill(self, pid: int, sig: int) -> None:
        """Send a signal: kill(2).

        Args:
            pid: a pid; 0: the own process group; -1: everybody; -N: process group N.
            sig: the simulated system's number; a host's ``signal.Signals`` keeps its number and acts by its name.

        Raises:
            OSError: EINVAL, no such signal.
            ProcessLookupError: ESRCH, nobody there.
            PermissionError: EPERM, the credentials or (DragonFly) the domain do not allow it.
        """
        kernel = self.enter()
        signals.kill(self, pid, sig)
        if kernel.doomed:
            signals.settle(kernel, self)

    def setuid(self, uid: int) -> None:
        """Set the real, effective and saved user id; PermissionError (EPERM) if the credentials do not allow it."""
        self.enter()
        credentials.setuid(self, uid)

    def setgid(self, gid: int) -> None:
        """Set the real, effective and saved group id; PermissionError (EPERM) if they do not allow it."""
        self.enter()
        credentials.setgid(self, gid)

    def setpgid(self, pid: int, pgid: int) -> None:
        """Put a process (0: this one) into a process group (0: one of its own)."""
        self.enter()
        credentials.setpgid(self, pid, pgid)

    def setsid(self) -> int:
        """Begin a session of one's own and return its id; PermissionError (EPERM) for a process group leader."""
        self.enter()
        return credentials.setsid(self)

    def ignore_sigchld(self, ignore: bool = True) -> None:
        """Set the disposition of SIGCHLD to SIG_IGN, or back to SIG_DFL."""
        self.enter()
        signals.dispose_sigchld(self, signals.IGNORE if ignore else signals.DEFAULT)

    def catch_sigchld(self, catch: bool = True) -> None:
        """Give SIGCHLD a handler (it is blocked, so it shows up as pending), or take it away."""
        self.enter()
        signals.dispose_sigchld(self, signals.CATCH if catch else signals.DEFAULT)

    def set_nocldwait(self, value: bool = True) -> None:
        """Set or clear SA_NOCLDWAIT, with the default action for SIGCHLD."""
        self.enter()
        signals.dispose_sigchld(self, signals.DEFAULT)
        self.nocldwait = value

    def syscall(self, number: int, *args: object) -> object:
        """Make a system call by its number, through the kernel's table."""
        kernel = self.enter()
        result = kernel.syscall(self, number, *args)
        if kernel.doomed:
            signals.settle(kernel, self)
        return result

    def call(self, name: str, *args: object) -> object:
        """Make a system call by its name; ENOSYS if the flavour has no such call."""
        number = self.kernel.flavour.calls.get(name)
        if number is None:
            raise refusal(name, "ENOSYS")
        return self.syscall(number, *args)

    def procctl(self, idtype: int, id: int, cmd: int, data: Data = structs.OMITTED) -> object:
        """As ``pydfly.procctl``, called by this process, without the guards: every value reaches the kernel."""
        return self.call("procctl", idtype, id, cmd, data)

    def exec_sys_register(self, entry: int) -> None:
        """As ``pydfly.exec_sys_register``, called by this process."""
        self.call("exec_sys_register", entry)

    def exec_sys_unregister(self, id: int) -> int:
        """As ``pydfly.exec_sys_unregister``, called by this process."""
        removed = self.call("exec_sys_unregister", id)
        assert isinstance(removed, int)
        return removed

    def vm_resident(self) -> list[ResidentEntry]:
        """Read the sysctl vm.resident into a large enough buffer; PermissionError (EPERM) if not privileged."""
        return self.enter().flavour.vm_resident(self)

    def vm_resident_length(self) -> int:
        """Read vm.resident without a buffer: the number of entries, not of bytes."""
        return self.enter().flavour.vm_resident_length(self)
