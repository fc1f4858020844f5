"""A tiny program: it asks for its parent-death signal and becomes the program that was meant.

Only the child itself can set the signal, between fork and exec.  In Python that means preexec_fn: a copy
of the whole interpreter, which takes longer for a larger process, and may hang if that has threads.  With this
program between, a child starts as fast as any.

It lives in sealed memory, under a descriptor of its own for each start, which the child executes as /proc/self/fd/N and
the program closes: so nothing is kept that other code could close or reuse, and it works after setuid() and in a
process that is not dumpable, which may look into its own /proc/self/fd and into no other.

It is for x86-64 Linux, and only for files that are sure to be executable: it cannot tell its parent of an error.  For
everything else ``None`` is returned, and subprocess does the whole work itself.
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

_MFD_EXEC = 0x10  # Linux 6.3; without it vm.memfd_noexec=1 makes memory that cannot be executed
_LOWEST = 10  # the child's descriptors 0 to 2 are about to become others
_PT_INTERP = 3
_HEAD = 4096
_SCRIPT_BYTES = 256  # BINPRM_BUF_SIZE


def find(command: Any, env: Mapping[Any, Any] | None, cwd: Any, anybody: bool = False) -> bytes | None:
    """Find the program that subprocess would execute; None if it cannot be told, or might turn out not executable.

    Args:
        command: the first word of the command.
        anybody: the child will be another user's: only what every user may execute is sure.
    """
    try:
        name = os.fsencode(command)
        folders = [b""] if b"/" in name else map(os.fsencode, os.get_exec_path(env))
        for folder in folders:
            found = os.path.join(folder, name)
            place = os.path.join(os.fsencode(cwd), found) if cwd else found
            if _is_executable(place, anybody):
                return found if _is_sure(place, anybody) else None
    except (TypeError, ValueError, OSError):  # subprocess says what is wrong
        return None
    return None


def _is_sure(place: bytes, anybody: bool) -> bool:
    """Say whether exec cannot fail because of the file's content: a script or program whose interpreter exists."""
    head = _head(place)
    if head.startswith(b"#!"):
        interpreter = _interpreter(head)
        # a chain of scripts may be too long, or end at a file that is no program
        return (
            interpreter.startswith(b"/")
            and _is_executable(interpreter, anybody)
            and _is_elf(_head(interpreter), anybody)
        )
    return _is_elf(head, anybody)


def _is_executable(path: bytes, anybody: bool) -> bool:
    """Ask for the effective user, as exec does and access(2) by itself does not; or for every user."""
    effective = os.access in os.supports_effective_ids
    if not os.access(path, os.X_OK, effective_ids=effective) or not os.path.isfile(path):
        return False
    return not anybody or _is_executable_by_all(os.path.realpath(path))


def _is_executable_by_all(path: bytes) -> bool:
    """Look at the modes of the file and of each directory above it."""
    above = os.path.dirname(path)
    return os.stat(path).st_mode & 0o111 == 0o111 and (path == above or _is_executable_by_all(above))


def _interpreter(head: bytes) -> bytes:
    """Return what the kernel takes for a script's interpreter: fs/binfmt_script.c; empty if it may refuse the line.

    Only blanks and tabs end a name (a carriage return belongs to it), and so does a null byte.
    """
    line, newline, _ = head[2:_SCRIPT_BYTES].partition(b"\n")
    words = line.partition(b"\0")[0].replace(b"\t", b" ").split(b" ")
    return next(filter(None, words), b"") if newline or len(head) < _SCRIPT_BYTES else b""


def _head(path: bytes) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read(_HEAD)


def _is_elf(head: bytes, anybody: bool) -> bool:
    """Say whether this begins a program for x86-64 whose run-time linker, if it has one, is there: elf(5)."""
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return False
    kind, machine = struct.unpack_from("<HH", head, 16)
    if kind not in (2, 3) or machine != 62:  # ET_EXEC, ET_DYN; EM_X86_64
        return False
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    if size != 56 or not count or table + size * count > len(head):
        return False
    for place in range(table, table + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", head, place)
        if kind == _PT_INTERP:
            name, null, _ = head[offset : offset + length].partition(b"\0")
            return offset + length <= len(head) and bool(null) and _is_executable(name, anybody)
    return True


def make(signal: int, parent: int) -> int | None:
    """Return a descriptor of the program, which the caller closes; None: not on this machine.

    It is executed as ``/proc/self/fd/N``, with the path of the program that is meant and then the whole command as
    arguments.  If its parent is not ``parent`` any more (or, in another pid namespace, unknown), it gets the signal at
    once.
    """
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64" or sys.maxsize < 2**32:
        return None
    try:
        descriptor = _memory()
    except (OSError, AttributeError):  # no descriptor is free; a kernel without it
        return None
    try:
        os.write(descriptor, _elf(_code(signal, parent, descriptor)))
        _seal(descriptor)
        if os.access(f"/proc/self/fd/{descriptor}", os.X_OK):  # not with vm.memfd_noexec=2, or without /proc
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _memory() -> int:
    """Return a descriptor of new memory, above the standard ones."""
    import fcntl

    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        low = os.memfd_create("pydfly-pdeathsig", flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        low = os.memfd_create("pydfly-pdeathsig", flags)  # before Linux 6.3
    try:
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    finally:
        os.close(low)


def _seal(descriptor: int) -> None:
    """Seal it: a process that can open it cannot change it."""
    import fcntl

    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _code(signal: int, parent: int, descriptor: int) -> bytes:
    """Return the instructions; numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl."""
    number, expected, itself = (struct.pack("<i", value) for value in (signal, parent, descriptor))
    arm = (
        b"\xbf\x01\x00\x00\x00",  # mov edi, 1            PR_SET_PDEATHSIG
        b"\xbe" + number,  #        mov esi, signal
        b"\x31\xd2",  #             xor edx, edx          the kernel wants zeros
        b"\x45\x31\xd2",  #         xor r10d, r10d
        b"\x45\x31\xc0",  #         xor r8d, r8d
        b"\xb8\x9d\x00\x00\x00",  # mov eax, 157          prctl
        b"\x0f\x05",  #             syscall
        b"\xbf" + itself,  #        mov edi, descriptor   of this program
        b"\xb8\x03\x00\x00\x00",  # mov eax, 3            close
        b"\x0f\x05",  #             syscall
        b"\xb8\x6e\x00\x00\x00",  # mov eax, 110          getppid
        b"\x0f\x05",  #             syscall
    )
    die = (
        b"\xb8\x27\x00\x00\x00",  # mov eax, 39           getpid
        b"\x0f\x05",  #             syscall
        b"\x89\xc7",  #             mov edi, eax
        b"\xbe" + number,  #        mov esi, signal
        b"\xb8\x3e\x00\x00\x00",  # mov eax, 62           kill
        b"\x0f\x05",  #             syscall
    )
    over_die = bytes([sum(map(len, die))])
    compare = (
        b"\x3d" + expected,  #      cmp eax, parent
        b"\x74" + over_die,  #      je become             it lives
    )
    over_both = bytes([sum(map(len, compare + die))])
    ask = (
        b"\x85\xc0",  #             test eax, eax         0: it is in another pid namespace
        b"\x74" + over_both,  #     jz become
    )
    become = (
        b"\x48\x8b\x04\x24",  #     mov rax, [rsp]        argc
        b"\x48\x8b\x7c\x24\x08",  # mov rdi, [rsp+8]      argv[0]: the path of the program that is meant
        b"\x48\x8d\x74\x24\x10",  # lea rsi, [rsp+16]     argv + 1: the command
        b"\x48\x8d\x54\xc4\x10",  # lea rdx, [rsp+rax*8+16]  envp
        b"\xb8\x3b\x00\x00\x00",  # mov eax, 59           execve
        b"\x0f\x05",  #             syscall
        b"\xbf\x7f\x00\x00\x00",  # mov edi, 127          it has failed
        b"\xb8\xe7\x00\x00\x00",  # mov eax, 231          exit_group
        b"\x0f\x05",  #             syscall
    )
    return b"".join(arm + ask + compare + die + become)


def _elf(code: bytes) -> bytes:
    """Wrap instructions into an executable with one segment; the layout is that of elf(5)."""
    base, head = 0x400000, 64 + 56
    size = head + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code
