"""A simulated process, as a test drives it: its record, with its system calls as methods.

A modelled process runs no code: it does what it is told, one call at a time, and blocks every signal that can be
blocked (until ``block_signals(False)``), so that what arrives stays visible in ``pending``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import structs
from ..errors import refusal
from ..structs import Data, ModuleStat, ResidentEntry
from . import credentials, lifecycle, signals
from .proc import PendingSignal, Proc
from .states import CATCH, DEFAULT, IGNORE
from .vnodes import Executed, File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self  # no dependency: only type checkers need it


class SystemCalls(Proc):
    """What a process can do.  Refusals are SyscallErrors; see ``kernel.Process``."""

    __slots__ = ()

    @property
    def children(self) -> list[Self]:
        """Its children, zombies included, in the kernel's order: attached last comes first."""
        return list(self.each_child())

    def syscall(self, number: int, *args: object) -> Any:
        """Make a system call by its number, through the kernel's table."""
        kernel = self.enter()
        try:
            return kernel.sysent.call(number, args, self.capmode, self)
        finally:  # a call that is refused may have killed all the same
            if kernel.doomed:
                lifecycle.settle(kernel, self)

    def call(self, name: str, *args: object) -> Any:
        """Make a system call by its name, one of ``kernel.flavour.calls``; OSError (ENOSYS) if it is none of them."""
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
        return int(self.call("exec_sys_unregister", id))

    def modfind(self, name: str) -> int:
        """Return the id of a kernel module: modfind(2); see ``syscalls.modules.Modules.modfind``."""
        return int(self.call("modfind", name))

    def modstat(self, id: int, version: int | None = None) -> ModuleStat:
        """Describe a kernel module: modstat(2); see ``syscalls.modules.Modules.modstat``."""
        described: ModuleStat = self.call("modstat", id, version)
        return described

    def modnext(self, id: int) -> int:
        """Return the id of the module after this one: modnext(2); see ``syscalls.modules.Modules.modnext``."""
        return int(self.call("modnext", id))

    def cap_enter(self) -> None:
        """Enter capability mode, for good: cap_enter(2).  Most calls are ECAPMODE then.  ENOSYS on DragonFly."""
        self.call("cap_enter")

    def pdfork(self, flags: int = 0) -> tuple[int, Self]:
        """Fork a child that has a descriptor: pdfork(2); see ``freebsd.capsicum.pdfork``.  ENOSYS on DragonFly."""
        number, child = self.call("pdfork", flags)
        return number, child

    def close(self, descriptor: int) -> None:
        """Close a descriptor from pdfork; OSError (EBADF) if it is none."""
        self.call("close", descriptor)

    def ptrace(self, request: str, pid: int) -> None:
        """Attach to a process as its debugger, or let it go; see ``freebsd.tracing.ptrace``."""
        self.call("ptrace", request, pid)

    def fork(self, *, nowait: bool = False) -> Self:
        """Make a copy of this process, a member of the same domain: fork(2).  Source: sys/kern/kern_fork.c, fork1().

        Args:
            nowait: as rfork(RFNOWAIT): the child's parent is the nearest living reaper from the start.
        """
        self.enter()
        return lifecycle.fork(self, nowait)  # type: ignore[return-value]  # all records of a kernel are alike

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
            suid, owner: the file has the set-uid bit; uid of its owner.
            sgid, group: the file has the set-gid bit; gid of its group.
            nosuid: the file system is mounted with set-id bits disabled.
            bad: the file is in no format that can be executed.
            interpreter: the file is a script, and this is the path behind its ``#!``; the set-id arguments are
                about the interpreter then.
            static: the program runs without the run-time linker, which on DragonFly obeys LD_RESIDENT_REGISTER_NOW
                and LD_RESIDENT_UNREGISTER_NOW in the environment: the process has exited afterwards.

        Returns whether it started from a resident snapshot, and at which address; OSError (ENOEXEC) if ``bad``.
        Source: sys/kern/kern_exec.c, kern_execve() (FreeBSD: do_execve()).
        """
        kernel = self.enter()
        if not all(isinstance(word, str) for word in (path, interpreter or "", *argv)):
            raise TypeError("a path, an interpreter and each argument is a str")
        file = File(path, suid, owner, sgid, group, nosuid, bad, interpreter, static)
        argv, environ = tuple(argv) or (path,), self.environ if environ is None else dict(environ)
        return kernel.flavour.execve(self, file, argv, environ)

    def exit(self, status: int = 0) -> None:
        """End: _exit(2).  The low 8 bits of the ``int`` count.  Source: sys/kern/kern_exit.c, exit1()."""
        kernel = self.enter()
        lifecycle.die(self, (status & 0xFF) << 8)
        if kernel.doomed:
            lifecycle.settle(kernel, self)

    def wait(self, pid: int = -1, nohang: bool = False) -> tuple[int, int] | None:
        """Wait for a child: wait4(2).  Source: sys/kern/kern_exit.c, kern_wait().

        Args:
            pid: a pid; -1: any child; 0: any of the own process group; -N: any of process group N.
            nohang: WNOHANG.

        Returns pid and status word of the child; None with ``nohang`` when none has died yet.

        Raises:
            ChildProcessError: ECHILD, there is no such child.
            SimulationError: the wait would never end, as nothing else runs meanwhile.
        """
        self.enter()
        return lifecycle.wait(self, pid, nohang)

    def kill(self, pid: int, sig: int) -> None:
        """Send a signal: kill(2).

        Args:
            pid: a pid; 0: the own process group; -1: every process; -N: process group N.
            sig: the simulated system's number; a host's ``signal.Signals`` keeps its number and acts by its name.

        Raises:
            OSError: EINVAL, no such signal.
            ProcessLookupError: ESRCH, there is no such process.
            PermissionError: EPERM, the credentials or (DragonFly) the domain do not allow it.

        Source: sys/kern/kern_sig.c, kern_kill() (FreeBSD: sys_kill()).
        """
        kernel = self.enter()
        signals.kill(self, pid, sig)
        if kernel.doomed:
            lifecycle.settle(kernel, self)

    def setuid(self, uid: int) -> None:
        """Set all three user ids (``uid_t``): setuid(2).  EPERM: another user's id, and the caller is not root."""
        self.enter()
        credentials.setuid(self, uid)

    def setgid(self, gid: int) -> None:
        """Set all three group ids (``gid_t``): setgid(2).  EPERM: another group's id, and the caller is not root."""
        self.enter()
        credentials.setgid(self, gid)

    def setpgid(self, pid: int, pgid: int) -> None:
        """Put a process (the caller, also as 0, or a child) into a group (0: its own): setpgid(2), two ``pid_t``.

        ESRCH: it is neither; EPERM: it leads a session or is in another one, or there is no such group; EINVAL: < 0.
        """
        self.enter()
        credentials.setpgid(self, pid, pgid)

    def setsid(self) -> int:
        """Begin a session of one's own and return its id: setsid(2).  EPERM: a group with that id is there."""
        self.enter()
        return credentials.setsid(self)

    def ignore_sigchld(self, ignore: bool = True) -> None:
        """Set the disposition of SIGCHLD to SIG_IGN, or back to SIG_DFL."""
        self.enter()
        signals.dispose_sigchld(self, IGNORE if ignore else DEFAULT)

    def catch_sigchld(self, catch: bool = True) -> None:
        """Give SIGCHLD a handler (it is blocked, so it shows up as pending), or take it away."""
        self.enter()
        signals.dispose_sigchld(self, CATCH if catch else DEFAULT)

    def set_nocldwait(self, value: bool = True) -> None:
        """Set or clear SA_NOCLDWAIT, with the default action for SIGCHLD."""
        self.enter()
        signals.dispose_sigchld(self, DEFAULT)
        self.nocldwait = value

    def block_signals(self, blocked: bool = True) -> None:
        """Block every signal that can be blocked, as every process does at first; or none: they act by default."""
        kernel = self.enter()
        signals.block(self, blocked)
        if kernel.doomed:
            lifecycle.settle(kernel, self)

    def take_signals(self) -> list[PendingSignal]:
        """Take every signal that waits for it, as sigtimedwait(2) does: the lowest number first, then the oldest."""
        self.enter()
        queue, self.signal_queue = self.signal_queue or [], None
        return sorted(queue, key=lambda entry: int(entry.signal))

    def vm_resident(self, length: int | None = None) -> list[ResidentEntry]:
        """Read the sysctl vm.resident into a buffer of ``length`` bytes; large enough if not given.

        EPERM: the caller is not privileged; ENOMEM: too short, ``result`` has the entries that fitted wholly.
        """
        return self.enter().flavour.vm_resident(self, length)

    def vm_resident_length(self) -> int:
        """Read vm.resident without a buffer: the number of entries, not of bytes."""
        return self.enter().flavour.vm_resident_length(self)
