"""procctl through the extension: pointers in, errno out, the same for both flavours.  See ``RawCall``."""

from __future__ import annotations

import errno
import os

from ... import errors
from ...structs import BAD_POINTER, NULL, OMITTED
from .. import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCRATCH = 64  # ints: room for what a newer kernel may write for a command that is unknown here
_UNMAPPED = 1  # an address in the first page, where neither system maps anything


class RawCall:
    """The extension's ``ffi`` and ``lib``, and how they are called.

    The return value decides whether a call failed; only then is errno read, in the same expression.
    """

    def __init__(self, ffi: Any, lib: Any) -> None:
        self.ffi = ffi
        self.lib = lib
        self.null = ffi.NULL
        self.bad = ffi.cast("void *", _UNMAPPED)
        self.known = {row.number: ffi.string(row.name).decode() for row in lib.pydfly_commands if row.name != ffi.NULL}
        """Names of the commands that the headers had when the extension was built."""
        self._names = {
            **errno.errorcode,
            errno.EOPNOTSUPP: "EOPNOTSUPP",
            **{
                number: name
                for name, number in (("ENOTCAPABLE", lib.PYDFLY_ENOTCAPABLE), ("ECAPMODE", lib.PYDFLY_ECAPMODE))
                if number
            },
        }

    def errno_name(self, number: int) -> str:
        """Return the name of an errno of this system."""
        return self._names.get(number, f"errno {number}")

    def refusal(
        self, syscall: str, number: int, reason: str | None = None, *, operation: str = "", result: object = None
    ) -> errors.SyscallError:
        """Make the error for a call that failed."""
        error = errors.refusal(syscall, self.errno_name(number), reason, operation=operation, result=result)
        if number not in self._names:  # no name, and so no number: not the EPERM that would stand in for it
            error.errno, error.strerror = number, os.strerror(number)
        return error

    def control(self, idtype: int, id: int, cmd: int, memory: Any, operation: str = "") -> None:
        """Call procctl; SyscallError: as the kernel says; OverflowError: a number does not fit its C type."""
        failed = self.ffi.errno if self.lib.procctl(idtype, id, cmd, memory) else None
        if failed is not None:
            unknown = failed == errno.EINVAL and cmd not in self.known
            reason = f"the headers of this system have no command {cmd}" if unknown else None
            raise self.refusal("procctl", failed, reason, operation=operation)

    def memory(self, data: object) -> Any:
        """Return what a command gets that ignores what is there: a pointer, or an int in memory of its own."""
        if data is NULL or data is OMITTED:
            return self.null
        if data is BAD_POINTER:
            return self.bad
        memory = self.ffi.new("int[]", _SCRATCH)
        memory[0] = arguments.c_value(data, "int", "data")
        return memory

    def reads_int(self, data: object, name: str) -> Any:
        """Return the memory of a command that reads an int."""
        if data is OMITTED:
            raise TypeError(f"{name} reads an int: pass it as data")
        return self.memory(data)

    def writes_into(self, data: object, c_type: str, name: str) -> Any:
        """Return the memory of a command that writes; NULL and a bad pointer are the kernel's to judge."""
        if data is OMITTED:
            return self.ffi.new(c_type)
        if data is NULL or data is BAD_POINTER:
            return self.memory(data)
        raise TypeError(f"{name} writes its own result: leave data out, or pass pydfly.NULL")
