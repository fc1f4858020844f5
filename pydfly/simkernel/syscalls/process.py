"""The system calls of a process that go through the kernel's table: by number, by name, and the methods for them."""

from __future__ import annotations

from ... import structs
from ...errors import refusal
from .. import signals
from ..faults import KernelPanic, SimulationError
from ..record import Record
from ..states import RUNNING
from .modules import STRUCT_SIZES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...structs import Data
    from ..kernel import Kernel
    from ..process import Process


class TableCalls(Record):
    """What a process can ask of the kernel through the system-call table."""

    __slots__ = ()

    def enter(self) -> Kernel:
        """Return the kernel, having made sure that this process can call it."""
        kernel = self.kernel
        if kernel.panicked is not None:
            raise KernelPanic(kernel.panicked)
        if self.state is not RUNNING:
            raise SimulationError(f"{self!r} cannot make system calls")
        return kernel

    def syscall(self, number: int, *args: object) -> object:
        """Make a system call by its number, through the kernel's table."""
        kernel = self.enter()
        try:
            return kernel.syscall(self, number, *args)  # type: ignore[arg-type]  # nobody but Process is one of these
        finally:  # a call that is refused may have killed all the same
            if kernel.doomed:
                signals.settle(kernel, self)  # type: ignore[arg-type]

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

    def modfind(self, name: str) -> int:
        """Return the id of a kernel module: modfind(2).

        Args:
            name: of a SYSCALL_MODULE: ``sys/NAME`` on FreeBSD, ``NAME`` on DragonFly.

        Raises:
            FileNotFoundError: ENOENT, there is no module of this name.
            OSError: ENAMETOOLONG, no module can have such a name.

        Source: sys/kern/kern_module.c, sys_modfind().
        """
        found = self.call("modfind", name)
        assert isinstance(found, int)
        return found

    def modstat(self, id: int, version: int | None = None) -> structs.ModuleStat:
        """Describe a kernel module: modstat(2).

        Args:
            id: the module.
            version: the size of the structure that is to be filled; the largest one if not given.

        Raises:
            FileNotFoundError: ENOENT, there is no such module.
            OSError: EINVAL, no structure has this size.

        Source: sys/kern/kern_module.c, sys_modstat().
        """
        if version is None:
            version = STRUCT_SIZES[self.kernel.flavour.name][-1]
        described = self.call("modstat", id, version)
        assert isinstance(described, structs.ModuleStat)
        return described

    def modnext(self, id: int) -> int:
        """Return the id of the module after this one (0: the first), or 0 after the last: modnext(2).

        Raises:
            FileNotFoundError: ENOENT, there is no such module; for 0, there is none at all.
        """
        following = self.call("modnext", id)
        assert isinstance(following, int)
        return following

    def cap_enter(self) -> None:
        """Enter capability mode, for good: cap_enter(2).  ENOSYS on DragonFly.

        Most system calls, procctl and execve among them, are ECAPMODE from then on.
        """
        self.call("cap_enter")

    def pdfork(self, flags: int = 0) -> tuple[int, Process]:
        """Fork a child that is known by a descriptor: pdfork(2).  ENOSYS on DragonFly.

        Args:
            flags: ``capsicum.PD_DAEMON`` (1): it is not killed when the descriptor is closed.

        Returns:
            The descriptor, and the child, which a wait for anybody does not find.
        """
        made = self.call("pdfork", flags)
        assert isinstance(made, tuple)
        return made

    def close(self, descriptor: int) -> None:
        """Close a descriptor from pdfork; OSError (EBADF) if it is none."""
        self.call("close", descriptor)

    def ptrace(self, request: str, pid: int) -> None:
        """Attach to a process as its debugger, or let it go (FreeBSD).

        Args:
            request: ``PT_ATTACH`` or ``PT_DETACH``.
            pid: the process.

        Raises:
            ProcessLookupError: ESRCH, there is no such process.
            PermissionError: EPERM, it may not be debugged, or is not traced.
            OSError: EBUSY, somebody else traces it; EINVAL, it is the process itself.
        """
        if "ptrace" not in self.kernel.flavour.calls:
            raise NotImplementedError("ptrace is modelled for FreeBSD only")
        self.call("ptrace", request, pid)

    def take_signals(self) -> list[signals.PendingSignal]:
        """Take every signal that waits for it: sigtimedwait(2) until nothing is left.

        The lowest number comes first; of one number, the one sent first.
        """
        self.enter()
        queue, self.signal_queue = self.signal_queue or [], None
        return sorted(queue, key=lambda entry: int(entry.signal))
