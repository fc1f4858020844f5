"""The smallest program there is: it asks for its parent-death signal and becomes the program that was meant.

Only the child itself can set the signal, between fork and exec.  In Python that means preexec_fn: a copy
of the whole interpreter, which takes the longer the larger this process is, and may hang if it has threads.  With
this program between, a child starts as fast as any.  It lives in memory that is sealed, and is x86-64 Linux only.
"""

from __future__ import annotations

import errno
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_made: dict[tuple[int, int], int] = {}  # descriptors by signal and parent


def find(command: str | bytes, env: Mapping[Any, Any] | None, cwd: str | bytes | None) -> bytes:
    """Find a program as subprocess does, for the launcher that cannot say what is wrong with it.

    Raises:
        OSError: ENOENT, EACCES.
    """
    name = os.fsencode(command)
    folders = [b""] if b"/" in name else map(os.fsencode, os.get_exec_path(env))
    names = [os.path.join(folder, name) for folder in folders]
    for found in names:
        place = os.path.join(os.fsencode(cwd), found) if cwd else found
        if os.access(place, os.X_OK) and os.path.isfile(place):
            return found
    number = errno.EACCES if any(map(os.path.exists, names)) else errno.ENOENT
    raise OSError(number, os.strerror(number), command)


def path(signal: int, parent: int) -> str | None:
    """Return what to execute, with the path of the program that is meant as its argv[0]; None: not on this machine.

    If its parent is not ``parent`` any more (or, in another pid namespace, unknown), it gets the signal at once.
    """
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return None
    if (signal, parent) not in _made:
        _made[signal, parent] = _sealed(_elf(_code(signal, parent)))
    found = f"/proc/{os.getpid()}/fd/{_made[signal, parent]}"  # not /proc/self: the child may have closed its own
    return found if os.access(found, os.X_OK) else None  # vm.memfd_noexec, or no /proc


def _code(signal: int, parent: int) -> bytes:
    """Return the instructions; numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl."""
    number, expected = struct.pack("<i", signal), struct.pack("<i", parent)
    start = (
        b"\x48\x8b\x04\x24\x48\x8d\x74\x24\x08\x48\x8b\x3e\x48\x8d\x54\xc4\x10"  # rdi, rsi, rdx: argv[0], argv, envp
    )
    start += b"\xb8\x3b\x00\x00\x00\x0f\x05"  # execve
    start += b"\xbf\x7f\x00\x00\x00\xb8\xe7\x00\x00\x00\x0f\x05"  # exit_group(127)
    strike = b"\xb8\x27\x00\x00\x00\x0f\x05"  # getpid
    strike += b"\x89\xc7\xbe" + number + b"\xb8\x3e\x00\x00\x00\x0f\x05"  # kill(that, signal)
    arm = (
        b"\xbf\x01\x00\x00\x00\xbe" + number + b"\x31\xd2\x45\x31\xd2\x45\x31\xc0"
    )  # PR_SET_PDEATHSIG, signal, 0, 0, 0
    arm += b"\xb8\x9d\x00\x00\x00\x0f\x05"  # prctl
    arm += b"\xb8\x6e\x00\x00\x00\x0f\x05"  # getppid
    compare = b"\x3d" + expected + b"\x74" + bytes([len(strike)])  # as expected: past the strike
    unknown = b"\x85\xc0\x74" + bytes([len(compare) + len(strike)])  # 0, in another pid namespace: the same
    return arm + unknown + compare + strike + start


def _elf(code: bytes) -> bytes:
    """Wrap instructions into an executable with one segment; the layout is that of elf(5)."""
    base, head = 0x400000, 64 + 56
    size = head + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code


def _sealed(content: bytes) -> int:
    """Return a descriptor of a file in memory that cannot be changed."""
    import fcntl

    descriptor = os.memfd_create("pydfly-pdeathsig", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor
