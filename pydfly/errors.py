"""The errors, and the one function that makes a refusal of the kernel.

::

    OSError
      SyscallError                      every refusal of a kernel, real or simulated
        AlreadyReaperError              EALREADY (DragonFly) or EBUSY (FreeBSD): a second ACQUIRE
        NotReaperError                  ENOTCONN (DragonFly) or EINVAL (FreeBSD): RELEASE without ACQUIRE
        NotRegistrableError             ENOEXEC: resident(8) refuses this file
        (and one class with a builtin twin each, so that ``except PermissionError`` works:
         EPERM, EACCES PermissionError, ENOENT FileNotFoundError, EEXIST FileExistsError,
         ESRCH ProcessLookupError, ECHILD ChildProcessError)
    RuntimeError
      BackendError                      no such backend, or it cannot work here
      SupervisionError                  guard, deputy or warden were killed, or could not be started
      SurvivorsError                    some processes could not be ended; they are named
      UnsafeRegistrationError           exec_sys_register would register the Python interpreter itself
    Warning
      UnsafeRegistrationWarning         the same, where nothing can break
      SimulatedBackendWarning           this system has no live backend: the simulator answers

An error raised here never becomes BlockingIOError: EALREADY has nothing to do with blocking.
"""

from __future__ import annotations

import errno as _errno
import os as _os
import sys as _sys

from .escape import escape as _escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .structs import Survivor


_UNNAMED = {"ENOTCAPABLE": 93, "ECAPMODE": 94} if _sys.platform.startswith("freebsd") else {}
"""Errors that FreeBSD has and Python's errno module does not (all) name."""


class SyscallError(OSError):
    """A kernel, real or simulated, refused a call.  ``errno`` is the host's constant.

    Attributes:
        errno (int): the host's number of the error (``errno.EALREADY`` is 114 on Linux, 37 on the BSDs).
        strerror (str): the host's words for it.
        syscall (str): the name of the call.
        reason (str): one plain sentence: what the caller did and what to do; names in it are exact, while str()
            shows them with control characters escaped.
        errno_name (str): the name of the error in the system that gave it; differs from ``errno`` only where the
            host has no such error (ECAPMODE is raised as EPERM on Linux).
        result (object): what the call wrote although it failed (ReaperKilled), else None.
    """

    def __init__(self, syscall: str, errno_name: str, reason: str, result: object = None) -> None:
        number = getattr(_errno, errno_name, None) or _UNNAMED.get(errno_name, _errno.EPERM)
        super().__init__(number, _os.strerror(number))
        self.syscall = syscall
        self.errno_name = errno_name
        self.reason = reason
        self.result = result

    def __str__(self) -> str:
        return _escape(f"{self.syscall}: {self.strerror} ({self.errno_name}): {self.reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.syscall, self.errno_name, self.reason, self.result))


class AlreadyReaperError(SyscallError):
    """ACQUIRE by a process that already is a reaper."""


class NotReaperError(SyscallError):
    """RELEASE by a process that is not a reaper."""


class NotRegistrableError(SyscallError):
    """resident(8) refuses this program; ``reason`` is the tool's text."""


class SyscallPermissionError(SyscallError, PermissionError):
    """EPERM, EACCES or ECAPMODE."""


class SyscallNotFoundError(SyscallError, FileNotFoundError):
    """ENOENT."""


class SyscallExistsError(SyscallError, FileExistsError):
    """EEXIST."""


class SyscallLookupError(SyscallError, ProcessLookupError):
    """ESRCH."""


class SyscallChildError(SyscallError, ChildProcessError):
    """ECHILD."""


class BackendError(RuntimeError):
    """There is no such backend, or it cannot work on this machine; the text says what to do."""


class SupervisionError(RuntimeError):
    """The helpers of a supervised command were killed, or were not started, so its end is not known in full.

    The domain was ended even so, before this is raised.
    """


class SurvivorsError(RuntimeError):
    """Some processes could not be ended.

    Attributes:
        survivors (list[Survivor]): for each of them pid, name, state and why.
    """

    def __init__(self, survivors: list[Survivor]) -> None:
        names = "; ".join(f"{left.name} (pid {left.pid}, {left.state}): {left.why}" for left in survivors)
        super().__init__(_escape(f"{len(survivors)} could not be ended: {names}"))
        self.survivors = survivors


class UnsafeRegistrationError(RuntimeError):
    """exec_sys_register would register the Python interpreter: use ``resident.register(program)``."""


class UnsafeRegistrationWarning(UserWarning):
    """exec_sys_register registers the Python interpreter; on a real DragonFly this would be refused."""


class SimulatedBackendWarning(UserWarning):
    """This system has no live backend, so the simulated kernel answers."""


_BY_ERRNO: dict[str, type[SyscallError]] = {
    "EPERM": SyscallPermissionError,
    "EACCES": SyscallPermissionError,
    "ECAPMODE": SyscallPermissionError,
    "ENOENT": SyscallNotFoundError,
    "EEXIST": SyscallExistsError,
    "ESRCH": SyscallLookupError,
    "ECHILD": SyscallChildError,
}
_BY_OPERATION: dict[tuple[str, str], type[SyscallError]] = {
    ("PROC_REAP_ACQUIRE", "EALREADY"): AlreadyReaperError,
    ("PROC_REAP_ACQUIRE", "EBUSY"): AlreadyReaperError,
    ("PROC_REAP_RELEASE", "ENOTCONN"): NotReaperError,
    ("PROC_REAP_RELEASE", "EINVAL"): NotReaperError,
}
_REASONS = {
    ("PROC_REAP_ACQUIRE", "EALREADY"): "this process is a reaper already; share the domain it has, or release it",
    ("PROC_REAP_ACQUIRE", "EBUSY"): "this process is a reaper already; share the domain it has, or release it",
    ("PROC_REAP_RELEASE", "ENOTCONN"): "this process is not a reaper; acquire first",
    ("PROC_REAP_RELEASE", "EINVAL"): "this process is not a reaper, or is init, or passed data; acquire first",
    ("procctl", "EINVAL"): "the idtype, id, command or value is not one that this call accepts",
    ("procctl", "EFAULT"): "the command needs memory that the pointer does not give",
    ("procctl", "EPERM"): "this process may not do that to the process it named",
    ("procctl", "ESRCH"): "no such process, or none to act on",
    ("procctl", "EBUSY"): "the process is being traced, or is in the middle of an exec",
    ("procctl", "ENOSYS"): "this system has no such call",
    ("modfind", "ENOENT"): "no module has this name",
    ("modfind", "ENAMETOOLONG"): "no module can have so long a name",
    ("modfind", "ENOSYS"): "this system has no such modules",
    ("modstat", "ENOENT"): "no module has this id",
    ("modstat", "ENOSYS"): "this system has no such modules",
    ("exec_sys_register", "EPERM"): "only the superuser, outside a jail, may make programs resident",
    ("exec_sys_register", "ENOENT"): "the calling process runs no file that could be registered",
    ("exec_sys_register", "EEXIST"): "this program is resident already; unregister it first",
    ("exec_sys_register", "ENOSYS"): "resident executables exist on DragonFly only",
    ("exec_sys_unregister", "EPERM"): "only the superuser, outside a jail, may remove resident programs",
    ("exec_sys_unregister", "ENOENT"): "no resident program has this id",
    ("exec_sys_unregister", "ENOSYS"): "resident executables exist on DragonFly only",
    ("vm.resident", "EPERM"): "only the superuser, outside a jail, may list resident programs",
    ("vm.resident", "ENOSYS"): "resident executables exist on DragonFly only",
}


def refusal(
    syscall: str, errno_name: str, reason: str | None = None, *, operation: str = "", result: object = None
) -> SyscallError:
    """Make the error for a refused call, of the class that callers catch.

    Args:
        syscall: name of the C call, ``"procctl"``.
        errno_name: name of the errno in the system that answers, ``"EALREADY"``.
        reason: one plain sentence; without it the usual one for this call and errno.
        operation: name of the procctl command, which decides between errors of one number.
        result (object): what the call wrote although it failed.
    """
    kind = _BY_OPERATION.get((operation, errno_name)) or _BY_ERRNO.get(errno_name, SyscallError)
    if reason is None:
        reason = _REASONS.get((operation, errno_name)) or _REASONS.get((syscall, errno_name)) or "refused"
    return kind(syscall, errno_name, reason, result)


def refusal_of(error: OSError, syscall: str, reason: str | None = None) -> SyscallError:
    """Make the error for a refusal that the host's kernel gave as ``error``."""
    return refusal(syscall, _errno.errorcode.get(error.errno or 0, "EINVAL"), reason)
