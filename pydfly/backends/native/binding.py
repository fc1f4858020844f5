"""What both flavours' procctl do with numbers and data.

An instance of ``Commands`` is one flavour's table of what each command reads and writes.
"""

from __future__ import annotations

import os
from operator import index

from ... import errors
from ...structs import NULL, OMITTED, ReaperKill
from .. import arguments, forked_children
from .processes import KernelProcesses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...structs import Data, DescendantInfo
    from .rawcall import RawCall

    Command = Callable[[int, int, int, Data], object]


class Commands:
    """What both flavours do: numbers are checked, then the table has the command; unknown ones are the kernel's."""

    status_type: str
    """What PROC_REAP_STATUS writes, for cffi."""

    def __init__(self, call: RawCall) -> None:
        self.call = call
        self.table: dict[int, Command] = {}
        self.names_itself = False
        """Pass the caller's pid for P_PID 0, which not every version of the system takes for the caller (K-7)."""
        self._buffers: list[Any] = []  # memory for STATUS: taken and given back, as several threads may ask at once
        self._call_kernel = call.lib.procctl
        self.processes = KernelProcesses(call, self.members)

    def procctl(self, idtype: int, id: int, cmd: int, data: Data) -> object:
        """Control a process."""
        try:
            idtype, id, cmd = index(idtype), index(id), index(cmd)
            if self.names_itself and id == 0 == idtype:
                id = os.getpid()
            command = self.table.get(cmd) or self.unknown
            return command(idtype, id, cmd, data)
        except (TypeError, OverflowError):
            arguments.procctl(idtype, id, cmd)  # says which number C cannot take, if it is one of these
            raise

    def unknown(self, idtype: int, id: int, cmd: int, data: Data) -> None:
        """Let the kernel refuse an unknown command."""
        memory = self.call.memory(data if isinstance(data, int) or not isinstance(data, ReaperKill) else NULL)
        self.call.control(idtype, id, cmd, memory)

    def acquire(self, idtype: int, id: int, cmd: int, memory: Any, operation: str) -> None:
        """Become a reaper.  Before it is one, this process begins to note its children: the others are orphans."""
        fresh = not forked_children.is_watching()
        forked_children.watch(self._own_children)
        try:
            self.call.control(idtype, id, cmd, memory, operation)
        except errors.AlreadyReaperError:
            raise
        except BaseException:
            if fresh:
                forked_children.stop()
            raise

    def status(self, idtype: int, id: int, cmd: int, data: Data) -> Any:
        """Ask for PROC_REAP_STATUS; what the kernel writes to a pointer of the caller's is not seen here: None."""
        if data is not OMITTED:
            self.call.control(idtype, id, cmd, self.call.writes_into(data, self.status_type, "PROC_REAP_STATUS"))
            return None
        try:
            memory = self._buffers.pop()
        except IndexError:
            memory = self.call.ffi.new(self.status_type)
        failed = self.call.ffi.errno if self._call_kernel(idtype, id, cmd, memory) else None
        if failed is not None:
            raise self.call.refusal("procctl", failed)
        status = self.decoded(memory)
        self._buffers.append(memory)
        return status

    @staticmethod
    def decoded(memory: Any) -> Any:
        """Return the record that PROC_REAP_STATUS has written."""
        raise NotImplementedError

    def _own_children(self) -> list[int]:
        try:
            return self.processes.children()
        except errors.SyscallError:  # no reason to refuse what the kernel allows
            return []

    def members(self) -> list[DescendantInfo]:
        """Return the members of this process's domain; all its descendants while it is no reaper."""
        raise NotImplementedError
