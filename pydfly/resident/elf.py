"""What resident(8) looks at before it registers a program: is this file a dynamic executable?

A file is opened once; what is examined is what was opened, and its identity (device, inode and birth) is what is
registered, so that nothing can be swapped in between.

Source: usr.sbin/resident/resident.c, main(); its texts are kept.
"""

from __future__ import annotations

import errno
import os
import stat
from struct import Struct, calcsize

from ..backends.registry.identity import identify
from ..errors import NotRegistrableError, SyscallError, refusal
from ..structs import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"\x7fELF"
SCRIPT = b"#!"
HEADER_BYTES, SEGMENT_BYTES = (64, 56) if calcsize("P") == 8 else (52, 32)  # sizeof(Elf_Ehdr) and (Elf_Phdr)
# e_phoff, e_phentsize and e_phnum of a header of this machine's own kind
_PLACES = Struct("=32xQ14xHH" if calcsize("P") == 8 else "=28xI10xHH")
_HALF, _WORD = Struct("=H"), Struct("=I")
TYPE = 16  # position of e_type
ET_DYN, PT_DYNAMIC = 3, 2
CLASS, DATA, OSABI = 4, 5, 7  # positions in e_ident
OSABI_FREEBSD = 9

# a fifo must not block, a terminal must not become ours
_QUIETLY = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

UNREADABLE = "can't read program header"
NOT_DYNAMIC = "not a dynamic executable"
NOT_FREEBSD = "not a FreeBSD ELF shared object"
SHARED_LIBRARY = "resident not supported on shared libraries."


def examine(path: str, force: bool = False) -> Program:
    """Open a program, and refuse what resident(8) refuses.

    Args:
        path: the program.
        force: skip the checks of its format, as the tool's -f does; it must still be executable.  A script stands
            for its interpreter then: the run-time linker of that would register it.

    Raises:
        FileNotFoundError, PermissionError, OSError: it cannot be opened (``syscall`` is ``open``) or executed
            (``syscall`` is ``execve``: EACCES, ENOEXEC).
        NotRegistrableError: ENOEXEC, its format is refused; ``result`` holds the tool's texts, a line each.
    """
    return _opened(path, force)


def _opened(path: str, force: bool, interpreter: bool = False) -> Program:
    # sys/kern/imgact_shell.c: an interpreter that is a script itself is in no format that can be executed
    try:
        descriptor = os.open(path, _QUIETLY)
    except ValueError:  # an embedded null byte
        raise refusal("open", "EINVAL", f"{path}: no path has a null character") from None
    except OSError as error:
        # with -f the tool does not open the file: the exec in its child fails
        name = errno.errorcode.get(error.errno or 0, "EIO")
        call = "execve" if force else "open"
        raise refusal(call, name, f"{path} cannot be {'executed' if force else 'opened'}") from None
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise _directory(path, force)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        texts = [] if force else problems(file)
        if texts:
            raise NotRegistrableError("resident", "ENOEXEC", f"{path}: {'; '.join(texts)}", tuple(texts))
        _require_executable(path, status)
        start = _start(file)
        if start[:2] == SCRIPT and not interpreter:
            return _opened(_interpreter(start, path), force=True, interpreter=True)
        if start[:4] != MAGIC:
            raise refusal("execve", "ENOEXEC", f"{path}: the file is in no format that can be executed")
        dev, ino, born = identify(descriptor)
        return Program(path, status.st_size, dev, ino, _entry(start), born)


def problems(file: BinaryIO) -> list[str]:
    """Return why an open file is no program for resident(8), in its words; nothing if it is one.

    The tool looks at neither class nor byte order of a file: it reads it as one of this machine's own kind.
    """
    try:
        start = _start(file)
    except OSError as error:
        return [f"{UNREADABLE}: {os.strerror(error.errno or 0)}"]
    if len(start) < HEADER_BYTES or start[:4] != MAGIC:
        return [NOT_DYNAMIC]
    dynamic, whole = _segments(file, start)
    shared = _HALF.unpack_from(start, TYPE)[0] == ET_DYN
    texts = [] if whole else [UNREADABLE]
    if not dynamic:
        return [*texts, NOT_DYNAMIC]
    if shared and not start[OSABI] & OSABI_FREEBSD:
        return [*texts, NOT_FREEBSD]
    return [SHARED_LIBRARY] if shared and whole else texts


def is_dynamic(path: str) -> bool:
    """Say whether a file is a dynamic ELF executable or a shared object; nothing that cannot be read is."""
    try:
        with open(os.open(path, _QUIETLY), "rb", buffering=0) as file:
            return not {UNREADABLE, NOT_DYNAMIC} & set(problems(file))
    except OSError:
        return False


def _segments(file: BinaryIO, start: bytes) -> tuple[bool, bool]:
    """Return whether there is a PT_DYNAMIC, and whether all program headers could be read."""
    offset, size, count = _PLACES.unpack_from(start)
    dynamic = False
    try:
        file.seek(offset)
        for _ in range(count):
            if size != SEGMENT_BYTES or len(segment := file.read(size) or b"") != size:
                return dynamic, False
            dynamic = dynamic or _WORD.unpack_from(segment)[0] == PT_DYNAMIC
    except (OSError, OverflowError, ValueError):  # it cannot be sought, or not so far
        return dynamic, False
    return dynamic, True


def _start(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, enough for a header or an interpreter's name."""
    file.seek(0) if file.seekable() else None
    return file.read(256) or b""


def _entry(start: bytes) -> int:
    """Return e_entry: a word of the file's class, 24 bytes into the header."""
    width = 4 * start[CLASS] if len(start) > DATA and start[CLASS] in (1, 2) else 0
    return int.from_bytes(start[24 : 24 + width], "big" if width and start[DATA] == 2 else "little")


def _require_executable(path: str, status: os.stat_result) -> None:
    executable = status.st_mode & 0o111 if os.geteuid() == 0 else os.access(path, os.X_OK)
    if not stat.S_ISREG(status.st_mode) or not executable:
        raise refusal("execve", "EACCES", f"{path}: not an executable file")


def _interpreter(start: bytes, path: str) -> str:
    # sys/kern/imgact_shell.c: blanks and tabs end the name; a carriage return belongs to it
    words = start[2:].partition(b"\n")[0].partition(b"\0")[0].replace(b"\t", b" ").split(b" ")
    name = next(filter(None, words), None)
    if name is None:
        raise refusal("execve", "ENOEXEC", f"{path}: the script names no interpreter")
    return os.fsdecode(name)


def _directory(path: str, force: bool) -> SyscallError:
    """A directory can be opened, but neither read nor executed."""
    if force:
        return refusal("execve", "EACCES", f"{path}: not an executable file")
    text = f"{UNREADABLE}: {os.strerror(errno.EISDIR)}"
    return NotRegistrableError("resident", "ENOEXEC", f"{path}: {text}", (text,))
