"""DragonFly, FreeBSD: what guard, deputy and warden ask of the kernel, straight through the extension.

The friendly layer costs a fresh interpreter more than the interpreter itself: enums, records, the choice of a backend.
Nothing of that is needed to become a reaper.  Each call acts on the calling process, and raises OSError.

The numbers are those of sys/procctl.h; ``build_ffi.py`` has the compiler prove them.
"""

from __future__ import annotations

import errno
import os
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_P_PID = 0
_DRAGONFLY, _FREEBSD = 1, 2  # PYDFLY_SYSTEM
_ACQUIRE = {_DRAGONFLY: 1, _FREEBSD: 2}
_PDEATHSIG_CTL = {_DRAGONFLY: 4, _FREEBSD: 11}
_FREEBSD_STATUS, _OWNED, _FREEBSD_KILL = 4, 1, 6
_TRACE_CTL, _TRACE_DISABLE = 7, 2
_ALREADY = (errno.EALREADY, errno.EBUSY)


def extension() -> ModuleType:
    """Return the extension; BackendError: it is not built, or cannot be loaded."""
    try:
        return import_module("pydfly._native")
    except ImportError:
        from ..errors import BackendError
        from .native import obstacle

        raise BackendError(f"native: {obstacle()}") from None


class Call:
    """The extension, for ``KernelProcesses``; a refusal is a plain OSError."""

    def __init__(self) -> None:
        native = extension()
        self.ffi: Any = native.ffi
        self.lib: Any = native.lib

    def refusal(self, syscall: str, number: int, reason: str | None = None) -> OSError:
        """Make the error for a call that failed."""
        return OSError(number, f"{syscall}: {reason or os.strerror(number)}")


def become_reaper() -> None:
    """Own a domain, or keep the present one; BackendError: no extension is built; OSError: as procctl(2) says."""
    lib = extension().lib
    _control(_ACQUIRE.get(lib.PYDFLY_SYSTEM, 0), None, tolerated=_ALREADY)


def signal_at_parents_death(signal: int) -> None:
    """Have the kernel send a signal (0: none) to this process when its parent dies; OSError: EINVAL, no such one."""
    native = extension()
    _control(_PDEATHSIG_CTL.get(native.lib.PYDFLY_SYSTEM, 0), native.ffi.new("int *", signal))


def refuse_debuggers() -> None:
    """FreeBSD: keep ptrace(2) away from this process until its next exec, for all but the superuser.

    A traced helper stands still, and its domain with it.  DragonFly has no such call, so nothing happens there.

    Raises:
        OSError: EPERM, EBUSY: it is traced already.
    """
    native = extension()
    if native.lib.PYDFLY_SYSTEM == _FREEBSD:
        _control(_TRACE_CTL, native.ffi.new("int *", _TRACE_DISABLE))


def close_from(lowest: int) -> None:
    """Close every descriptor from this number on, by closefrom(2).

    SC_OPEN_MAX is 64,832 on DragonFly, whose CPython would close them one by one.
    """
    extension().lib.pydfly_close_from(lowest)


def count_members() -> int:
    """FreeBSD: return how many members the domain of this reaper has, those included that wait never returns.

    On DragonFly, whose wait returns each, that is 0.
    """
    return int(_status().rs_descendants) if extension().lib.PYDFLY_SYSTEM == _FREEBSD else 0


def kill_domain() -> None:
    """FreeBSD: send SIGKILL to every member of this process's domain, forks that are under way included.

    What the call returns tells nothing certain (FK-5 to FK-8), so nothing is returned.  A process that is no reaper
    stands for its reaper, usually init (FK-11): it is not allowed to ask.  DragonFly has no such call.

    Raises:
        OSError: EPERM, this process is no reaper; ESRCH, no member is left.
    """
    native = extension()
    if native.lib.PYDFLY_SYSTEM != _FREEBSD:
        return
    if not _status().rs_flags & _OWNED:
        raise OSError(errno.EPERM, "this process owns no domain")
    request = native.ffi.new("struct procctl_reaper_kill *")
    request.rk_sig = 9  # SIGKILL, on every system
    _control(_FREEBSD_KILL, request)


def _status() -> Any:
    status = extension().ffi.new("struct procctl_reaper_status *")
    _control(_FREEBSD_STATUS, status)
    return status


def _control(command: int, data: object, tolerated: tuple[int, ...] = ()) -> None:
    """Call procctl for the calling process, by its pid: 0 does not mean it in every version of FreeBSD (K-7)."""
    native = extension()
    memory = native.ffi.NULL if data is None else data
    failed = native.ffi.errno if native.lib.procctl(_P_PID, os.getpid(), command, memory) else None
    if failed is not None and failed not in tolerated:
        raise OSError(failed, f"procctl: {os.strerror(failed)}")
