"""Resident executables in plain words: make programs resident, list them, remove them.

On DragonFly a resident program starts from a snapshot of its address space, already linked.  On Linux the package
keeps a registry with the same rules; nothing changes for later execs there.  FreeBSD has no residency: ENOSYS.

An id is no handle: the kernel gives ids out again while they live, and removing one removes every program that has
it.  A file is identified by device and inode: it stays resident under another name, and a new file under the old
name is another one.
"""

from __future__ import annotations

import os

from .. import syscalls
from ..backends import current
from ..errors import SyscallError, refusal
from ..named_tuple import NamedTuple
from . import conf as residentconf
from . import elf
from .conf import read_conf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..structs import ResidentEntry

_ABOUT_THE_PROGRAM = ("open", "execve", "resident", "exec_sys_register", "rtld")

__all__ = [
    "Applied", "apply_conf", "applying", "entries", "read_conf", "register", "unregister", "unregister_all",
    "unregister_program",
]  # fmt: skip


class Applied(NamedTuple):
    """What became of one program that a line of resident.conf names."""

    line: int
    """Number of the line, from 1."""
    pattern: str
    """The line."""
    program: str | None
    """The program; None when the line names none that could be tried."""
    error: SyscallError | None
    """Why it was refused; None when it is resident now."""


def entries() -> list[ResidentEntry]:
    """List the resident programs, oldest registration first.

    Raises:
        PermissionError: EPERM, only the superuser may.
        OSError: ENOSYS, the flavour is freebsd.

    Source: sysctl vm.resident, sys/kern/imgact_resident.c, sysctl_vm_resident().
    """
    return current().vm_resident()


def register(program: str | os.PathLike[str], force: bool = False) -> None:
    """Make a program resident.

    Args:
        program: path of a dynamic executable; no PATH search.
        force: skip the checks of the file's format, as ``resident -f``.

    Raises:
        NotRegistrableError: ENOEXEC, resident(8) refuses this file: static, shared object, PIE, script.
        FileExistsError: EEXIST, the file is resident already, perhaps under another name.
        PermissionError: EPERM, only the superuser may; EACCES, it cannot be opened or executed.
        FileNotFoundError: ENOENT, there is no such file.
        OSError: ENOSYS, the flavour is freebsd.

    Source: usr.sbin/resident/resident.c; libexec/rtld-elf/rtld.c, LD_RESIDENT_REGISTER_NOW.
    """
    _require_residency("exec_sys_register")
    current().make_resident(elf.examine(os.fspath(program), force))


def unregister(id: int) -> int:
    """Remove every program with this id, and return how many there were.

    Args:
        id: ``int``; ResidentId.OWN (-1) and ALL (-2) as for exec_sys_unregister.

    Raises:
        FileNotFoundError: ENOENT, no program has this id.
        PermissionError: EPERM, only the superuser may.
        OSError: ENOSYS, the flavour is freebsd.
    """
    return syscalls.exec_sys_unregister(id)


def unregister_program(program: str | os.PathLike[str], force: bool = True) -> None:
    """Remove a program, found by its file; and every other one that has the same id.

    Args:
        program: path of the program.
        force: skip the checks of the file's format (resident(8) makes them unless it is called with -f).

    Raises:
        FileNotFoundError: ENOENT, the program is not resident, or there is no such file.
        PermissionError: EPERM, only the superuser may.
        NotRegistrableError: ENOEXEC, ``force`` is false and resident(8) refuses this file.
        OSError: ENOSYS, the flavour is freebsd.
    """
    _require_residency("exec_sys_unregister")
    current().unmake_resident(elf.examine(os.fspath(program), force))


def unregister_all() -> int:
    """Remove every program, and return how many there were; 0 when there was none.

    Raises:
        PermissionError: EPERM, only the superuser may.
        OSError: ENOSYS, the flavour is freebsd.
    """
    from ..constants.dragonfly import ResidentId

    try:
        return syscalls.exec_sys_unregister(ResidentId.ALL)
    except FileNotFoundError:  # the kernel's answer for an empty list
        return 0


def apply_conf(path: str | os.PathLike[str] = residentconf.PATH, force: bool = False) -> list[Applied]:
    """Make resident what a resident.conf(5) names, as the boot script does it, and say what became of each line.

    Args:
        path: of the file.
        force: skip the checks of each program's format, as register(): for a trial on Linux, whose programs are PIE.

    Raises:
        OSError: the file cannot be read; the registry cannot be used; ENOSYS, the flavour is freebsd.
    """
    return list(applying(path, force))


def applying(path: str | os.PathLike[str] = residentconf.PATH, force: bool = False) -> Iterator[Applied]:
    """Do what apply_conf() does one program after the other, and yield each when it is done.

    Raises:
        OSError: as apply_conf().
    """
    _require_residency("exec_sys_register")
    for number, line in residentconf.lines(path):
        programs = residentconf.expand(line)
        if not programs:
            yield Applied(number, line, None, None)
        for program in programs:
            error = None
            try:
                register(program, force)
            except SyscallError as refused:
                if refused.syscall not in _ABOUT_THE_PROGRAM:  # the next one would fail, too
                    raise
                error = refused
            yield Applied(number, line, program, error)


def _require_residency(call: str) -> None:
    if current().flavour == "freebsd":
        raise refusal(call, "ENOSYS")
