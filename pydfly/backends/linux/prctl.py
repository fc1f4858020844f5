"""prctl(2) of Linux through ctypes: the attributes of a process that stand for the BSDs' procctl."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable
    from typing import Any

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_GET_PDEATHSIG = 2
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37
PR_SET_NO_NEW_PRIVS = 38

_PTRACE_DETACH = 17  # include/uapi/linux/ptrace.h
_RT_SIGACTION = {"x86_64": 13, "aarch64": 134, "riscv64": 134, "loongarch64": 134}  # its number, by machine
_INTERNAL_SIGNALS = (32, 33)  # SIGCANCEL and SIGSETXID of glibc

_libc: ctypes.CDLL | None = None
_read: Callable[[int, Any], int] | None = None
_address = 0  # of prctl in this process, once it was called
_cells: list[tuple[ctypes.c_int, Any]] = []  # memory that prctl_read() has used and can use again


def libc() -> ctypes.CDLL:
    """Return the C library of this process, looked up at the first use."""
    global _libc
    if _libc is None:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        # glibc declares prctl variadic; the kernel takes five longs, and unused ones must be zero
        library.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
        library.prctl.restype = ctypes.c_int
        _libc = library
    return _libc


def prctl(option: int, argument: int = 0) -> int:
    """Call prctl with one argument and return what it returns; OSError: as the kernel says."""
    # what ctypes itself calls takes an int for each argument, so no address
    result = _plain(option, argument) if _libc is None and 0 <= argument <= 64 else -1
    if result < 0:
        result = libc().prctl(option, argument, 0, 0, 0)
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def set_name(name: bytes) -> None:
    """Name this thread, as listings show it; at most 15 bytes."""
    _plain(PR_SET_NAME, name)


def detach(pid: int, signal: int) -> None:
    """End the tracing of a stopped child, which gets this signal then, as ptrace(PTRACE_DETACH) does it.

    Nothing happens to one that is not traced by this process, or where the call is refused or cannot be looked up.
    """
    try:
        import ctypes

        libc().ptrace(ctypes.c_long(_PTRACE_DETACH), ctypes.c_long(pid), ctypes.c_long(0), ctypes.c_long(signal))
    except (OSError, ImportError, MemoryError):  # the domain has taken all descriptors or memory
        return


def heed_internal_signals() -> None:
    """Give the C library's own two signals their default action back: posix_spawn(3) of glibc has them ignored.

    The programs started from here would inherit that; a child of fork(2) does not.  signal(2) refuses their numbers.
    """
    number = _RT_SIGACTION.get(os.uname().machine)
    if number is None:
        return
    try:
        import _ctypes

        call = _ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall")  # type: ignore[arg-type]
        for signal in _INTERNAL_SIGNALS:
            _ctypes.call_function(call, (number, signal, bytes(32), None, 8))  # zeros: a struct sigaction of SIG_DFL
    except (ImportError, AttributeError, TypeError, OSError):  # not this interpreter's ctypes: no harm
        return


def _plain(option: int, argument: int | bytes) -> int:
    """Call prctl through what ctypes itself calls: loading ctypes takes longer than all else a start needs."""
    global _address
    try:
        import _ctypes

        if not _address:
            _address = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None: the program
        result: int = _ctypes.call_function(_address, (option, argument, 0, 0, 0))
    except (ImportError, AttributeError, TypeError, OSError):  # not this interpreter's ctypes
        return -1
    return result


def prctl_read(option: int) -> int:
    """Call a prctl that writes an int through its argument, and return that int."""
    try:
        value, pointer = _cells.pop()  # no other thread can have this memory now
    except IndexError:
        import ctypes

        value = ctypes.c_int()
        pointer = ctypes.byref(value)
    call = _read or _reader()
    if call(option, pointer) < 0:
        import ctypes

        prctl(option, ctypes.addressof(value))  # fails again, and says why
    answer = value.value
    _cells.append((value, pointer))
    return answer


def _reader() -> Callable[[int, Any], int]:
    """Return prctl as it is called fastest: no conversion of arguments, and the interpreter's lock is kept."""
    global _read
    import ctypes

    _read = ctypes.PyDLL(None).prctl
    return _read


def is_subreaper() -> bool:
    """Say whether orphans among this process's descendants come to it; an attribute of the process, not the thread."""
    return prctl_read(PR_GET_CHILD_SUBREAPER) != 0


def obstacle() -> str | None:
    """Say why this kernel cannot be used, or None: subreapers came with Linux 3.4, pidfds with 5.3."""
    try:
        is_subreaper()
        os.close(os.pidfd_open(os.getpid()))
    except AttributeError:
        return "this Python was built without pidfd_open (Linux 5.3)"
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0)
        return f"this kernel lacks subreapers or pidfds ({name}): Linux 5.3 or newer is needed"
    return None
