"""What identifies a file, as the vnode does in a kernel: device, inode, and when the file was made.

Device and inode alone are not enough: a file system gives the inode number of a deleted file out again, ext4 at once,
and a new file would be taken for the old one.  The time of its making tells them apart, and neither a rename nor a link
nor a write changes it.  Python's stat does not have that time on Linux; statx(2) does.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable

# include/uapi/linux/stat.h, struct statx: stx_mask, stx_ino, stx_btime (seconds, nanoseconds), stx_dev (major, minor)
_STATX = struct.Struct("=I28xQ40xqI44xII")
_STATX_BYTES = 256
_STATX_BTIME = 0x800
_WANTED = 0x100 | _STATX_BTIME  # STATX_INO
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000

_statx: Callable[[int | str | bytes], ctypes.Array[ctypes.c_char] | None] | None = None


def identify(file: int | str | bytes) -> tuple[int, int, int]:
    """Return device, inode and time of birth (nanoseconds since the epoch, 0 where the system does not tell).

    ``file`` is an open descriptor, or a path, whose links are followed; OSError: there is no such file.
    """
    global _statx
    if _statx is None:
        _statx = _lookup()
    answer = _statx(file)
    if answer is None:  # no such call, or it failed: stat knows why
        status = os.stat(file)
        return status.st_dev, status.st_ino, _birth(status)
    mask, ino, seconds, nanoseconds, major, minor = _STATX.unpack_from(answer)
    born = seconds * 10**9 + nanoseconds if mask & _STATX_BTIME else 0
    return os.makedev(major, minor), ino, born


def _birth(status: os.stat_result) -> int:
    """What the stat of the BSDs and of macOS has."""
    exact = getattr(status, "st_birthtime_ns", None)
    return int(exact if exact is not None else getattr(status, "st_birthtime", 0) * 10**9)


def _lookup() -> Callable[[int | str | bytes], ctypes.Array[ctypes.c_char] | None]:
    """Return a call of statx(2); one that never knows where the C library has none."""
    try:
        import ctypes

        function = ctypes.CDLL(None).statx
    except (ImportError, OSError, TypeError, AttributeError):
        return lambda file: None

    record = ctypes.c_char * _STATX_BYTES

    def statx(file: int | str | bytes) -> ctypes.Array[ctypes.c_char] | None:
        buffer = record()
        if isinstance(file, int):
            failed = function(file, b"", _AT_EMPTY_PATH, _WANTED, buffer)
        else:
            failed = function(_AT_FDCWD, os.fsencode(file), 0, _WANTED, buffer)
        return None if failed else buffer

    return statx
