"""The few calls that guard, deputy and warden make before the command starts, straight through the extension.

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

_P_PID = 0
_DRAGONFLY, _FREEBSD = 1, 2  # PYDFLY_SYSTEM
_ACQUIRE = {_DRAGONFLY: 1, _FREEBSD: 2}
_PDEATHSIG_CTL = {_DRAGONFLY: 4, _FREEBSD: 11}
_FREEBSD_STATUS = 4
_TRACE_CTL, _TRACE_DISABLE = 7, 2
_ALREADY = (errno.EALREADY, errno.EBUSY)


def _extension() -> ModuleType:
    return import_module("pydfly._native")


def become_reaper() -> None:
    """Own a domain; a process that owns one already keeps it.

    Raises:
        ImportError: the extension is not built.
        OSError: as procctl(2) says.
    """
    lib = _extension().lib
    _control(_ACQUIRE[lib.PYDFLY_SYSTEM], None, tolerated=_ALREADY)


def signal_at_parents_death(signal: int) -> None:
    """Have the kernel send a signal to this process when its parent dies; 0: none.

    Raises:
        OSError: EINVAL, no such signal.
    """
    native = _extension()
    _control(_PDEATHSIG_CTL[native.lib.PYDFLY_SYSTEM], native.ffi.new("int *", signal))


def refuse_debuggers() -> None:
    """FreeBSD: keep ptrace(2) away from this process until its next exec, for all but the superuser.

    A traced helper stands still, and its domain with it.  DragonFly has no such call, so nothing happens there.

    Raises:
        OSError: EPERM, EBUSY: it is traced already.
    """
    native = _extension()
    if native.lib.PYDFLY_SYSTEM == _FREEBSD:
        _control(_TRACE_CTL, native.ffi.new("int *", _TRACE_DISABLE))


def close_from(lowest: int) -> None:
    """Close every descriptor from this number on, by closefrom(2).

    SC_OPEN_MAX is 64,832 on DragonFly, whose CPython would close them one by one.
    """
    _extension().lib.pydfly_close_from(lowest)


def count_members() -> int:
    """FreeBSD: return how many members the domain of this reaper has, those included that wait never returns.

    On DragonFly, whose wait returns each, that is 0.
    """
    native = _extension()
    if native.lib.PYDFLY_SYSTEM != _FREEBSD:
        return 0
    status = native.ffi.new("struct procctl_reaper_status *")
    _control(_FREEBSD_STATUS, status)
    return int(status.rs_descendants)


def _control(command: int, data: object, tolerated: tuple[int, ...] = ()) -> None:
    """Call procctl for the calling process, by its pid: 0 does not mean it in every version of FreeBSD (K-7)."""
    native = _extension()
    memory = native.ffi.NULL if data is None else data
    failed = native.ffi.errno if native.lib.procctl(_P_PID, os.getpid(), command, memory) else None
    if failed is not None and failed not in tolerated:
        raise OSError(failed, f"procctl: {os.strerror(failed)}")
