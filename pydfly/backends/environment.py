"""What this machine is, and which environment variables a program may trust."""

from __future__ import annotations

import os
import sys

_AT_SECURE = 23  # include/uapi/linux/auxvec.h
_secure: bool | None = None  # what the kernel said; it is decided once, at exec, and inherited by fork


def machine() -> str:
    """Name the system this runs on: ``dragonfly``, ``freebsd``, ``linux`` or whatever sys.platform says."""
    return next((name for name in ("dragonfly", "freebsd", "linux") if sys.platform.startswith(name)), sys.platform)


def variable(name: str) -> str | None:
    """Read an environment variable; None where it is unset, empty, or not to be trusted.

    The user who starts a program with the set-id bit or with file capabilities chooses its environment, but must not
    choose what it does with its privileges.
    """
    return None if is_privileged() else os.environ.get(name) or None


def is_privileged() -> bool:
    """Say whether this program has rights that the user who started it may not have.

    The ids are compared each time, as a program may change them; file capabilities show only in what the kernel told
    the run-time linker at exec (Linux: AT_SECURE, getauxval(3); BSD: issetugid(2)).  Unreadable means yes.
    """
    global _secure
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        return True
    if _secure is None:
        _secure = _auxiliary_secure() if machine() == "linux" else _issetugid()
    return _secure


def _auxiliary_secure() -> bool:
    """Read AT_SECURE of the auxiliary vector: pairs of C longs, ended by a zero."""
    from struct import iter_unpack

    try:
        with open("/proc/self/auxv", "rb") as file:
            vector = file.read()
    except OSError:  # no /proc, or this process is not dumpable (as after a set-id exec)
        return _getauxval()
    return next((value != 0 for key, value in iter_unpack("LL", vector) if key == _AT_SECURE), True)


def _getauxval() -> bool:
    """Ask the C library for the same."""
    try:
        import ctypes

        call = ctypes.CDLL(None).getauxval
        call.argtypes, call.restype = [ctypes.c_ulong], ctypes.c_ulong
        return bool(call(_AT_SECURE))
    except (ImportError, OSError, AttributeError):
        return True


def _issetugid() -> bool:
    """Ask the C library of a BSD (macOS has it, too)."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).issetugid())
    except (ImportError, OSError, AttributeError):
        return os.name == "posix" and machine() in ("dragonfly", "freebsd")
