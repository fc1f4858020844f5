"""A simulated process, as a test drives it: its record, with its system calls as methods.

A modelled process runs no code: it does what it is told, one call at a time, and blocks every signal that can be
blocked (until ``block_signals(False)``), so that what arrives stays visible in ``pending``.
"""

from __future__ import annotations

from ..errors import refusal
from . import credentials, lifecycle, signals
from .execution import File
from .syscalls.process import TableCalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..structs import ResidentEntry
    from .execution import Executed

SIZEOF_XRESIDENT = 1168
"""Bytes of one entry of vm.resident: ``struct xresident`` of sys/sys/resident.h."""


class Process(TableCalls):
    """One simulated process.  The methods are its system calls; refusals are SyscallErrors."""

    __slots__ = ()

    def fork(self, *, nowait: bool = False) -> Process:
        """Make a copy of this process: fork(2).

        Args:
            nowait: as rfork(RFNOWAIT): the child's parent is the nearest living reaper from the start.

        Returns:
            The child, which is a member of its parent's domain.

        Source: sys/kern/kern_fork.c, fork1().
        """
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

        Source: sys/kern/kern_exec.c, kern_execve() (FreeBSD: do_execve()).
        """
        kernel = self.enter()
        file = File(path, suid, owner, sgid, group, nosuid, bad, interpreter, static)
        argv, environ = tuple(argv) or (path,), self.environ if environ is None else dict(environ)
        return kernel.flavour.execve(self, file, argv, environ)

    def exit(self, status: int = 0) -> None:
        """End: _exit(2).

        Args:
            status: ``int``, of which the low 8 bits count.

        Source: sys/kern/kern_exit.c, exit1().
        """
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

        Source: sys/kern/kern_exit.c, kern_wait().
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

        Source: sys/kern/kern_sig.c, kern_kill() (FreeBSD: sys_kill()).
        """
        kernel = self.enter()
        signals.kill(self, pid, sig)
        if kernel.doomed:
            signals.settle(kernel, self)

    def setuid(self, uid: int) -> None:
        """Set the real, effective and saved user id: setuid(2).

        Args:
            uid: ``uid_t``.

        Raises:
            PermissionError: EPERM, it is neither the real nor the effective id, and the caller is not root.

        Source: sys/kern/kern_prot.c, sys_setuid().
        """
        self.enter()
        credentials.setuid(self, uid)

    def setgid(self, gid: int) -> None:
        """Set the real, effective and saved group id: setgid(2).

        Args:
            gid: ``gid_t``.

        Raises:
            PermissionError: EPERM, it is neither the real nor the effective id, and the caller is not root.

        Source: sys/kern/kern_prot.c, sys_setgid().
        """
        self.enter()
        credentials.setgid(self, gid)

    def setpgid(self, pid: int, pgid: int) -> None:
        """Put a process into a process group: setpgid(2).

        Args:
            pid: ``pid_t``, this process (also as 0) or one of its children.
            pgid: ``pid_t``, a group of this session; 0: the process's own.

        Raises:
            ProcessLookupError: ESRCH, the process is neither the caller nor a child of it.
            PermissionError: EPERM, it leads a session or is in another one, or there is no such group.
            OSError: EINVAL, ``pgid`` is negative.

        Source: sys/kern/kern_prot.c, sys_setpgid().
        """
        self.enter()
        credentials.setpgid(self, pid, pgid)

    def setsid(self) -> int:
        """Begin a session of one's own: setsid(2).

        Returns:
            Its id, the pid of the caller.

        Raises:
            PermissionError: EPERM, there is a process group with that id.

        Source: sys/kern/kern_prot.c, sys_setsid().
        """
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

    def block_signals(self, blocked: bool = True) -> None:
        """Block every signal that can be blocked, as every process does at first; or none: they act by default."""
        kernel = self.enter()
        signals.block(self, blocked)
        if kernel.doomed:
            signals.settle(kernel, self)

    def vm_resident(self, length: int | None = None) -> list[ResidentEntry]:
        """Read the sysctl vm.resident into a buffer.

        Args:
            length: its length in bytes; large enough if not given.

        Raises:
            PermissionError: EPERM, the caller is not privileged.
            OSError: ENOMEM, the buffer is too short; ``result`` has the entries that fitted wholly.
        """
        entries = self.enter().flavour.vm_resident(self)
        if length is not None and length < len(entries) * SIZEOF_XRESIDENT:
            fitting = entries[: length // SIZEOF_XRESIDENT]
            raise refusal("vm.resident", "ENOMEM", "the buffer is too short for the list", result=fitting)
        return entries

    def vm_resident_length(self) -> int:
        """Read vm.resident without a buffer: the number of entries, not of bytes."""
        return self.enter().flavour.vm_resident_length(self)
