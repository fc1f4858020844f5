"""Where the resident registry lives: one directory for the machine, that only its owner can touch.

platformdirs' site runtime directory, or $PYDFLY_STATE_DIR (not believed when set-id), or what use() was told.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from ...errors import SyscallError, refusal
from ..choice import environment

VARIABLE = "PYDFLY_STATE_DIR"
CALL = "resident registry"
MACHINE = "/run/pydfly"
"""What platformdirs names on Linux, were it not for the variables of a login session."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def location(told: str | None) -> str:
    """Return the path of the directory."""
    chosen = told or environment(VARIABLE)
    if chosen:
        return os.path.abspath(chosen)
    from platformdirs import site_runtime_dir

    path = site_runtime_dir("pydfly", ensure_exists=False)
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session and path.startswith(session):  # a login session's directory would divide the machine's one list
        return MACHINE
    return path


def open_directory(path: str) -> int:
    """Open the directory, making it if there is none, and return its descriptor.

    Raises:
        OSError: it is a file, a link or somebody else's, others can write to it or replace it, or it cannot be
            made.
    """
    try:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise unusable(error, path) from None
    try:
        _refuse_foreign(os.fstat(descriptor), path, "directory")
        _refuse_replaceable(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_file(name: str, directory: int, path: str) -> tuple[int, int]:
    """Make sure that a file of ours is in the directory, and return its identity.

    Raises:
        OSError: something else has its name, or it cannot be made.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)
            status = os.fstat(descriptor)
            os.close(descriptor)
    except OSError as error:
        raise unusable(error, path) from None
    if not stat.S_ISREG(status.st_mode):
        raise refusal(CALL, "EACCES", f"{path} is no regular file; remove it")
    _refuse_foreign(status, path, "file")
    return status.st_dev, status.st_ino


def unusable(error: OSError, path: str) -> SyscallError:
    """Return the error for a file or directory that the system does not let us use."""
    name = errno.errorcode.get(error.errno or 0, "EIO")
    hint = {
        "ELOOP": "it is a symbolic link, which could lead anywhere",
        "ENOTDIR": "it is no directory",
        "EROFS": "the file system is read-only",
        "ENOSPC": "the file system is full",
        "ENOENT": "the directory above it does not exist",
    }.get(name, f"{error.strerror}; $PYDFLY_STATE_DIR names another place")
    return refusal(CALL, name, f"{path}: {hint}")


def _refuse_replaceable(path: str) -> None:
    above = os.path.dirname(path)
    mode = os.stat(above).st_mode
    if mode & _WRITABLE_BY_OTHERS and not mode & stat.S_ISVTX:
        raise refusal(CALL, "EACCES", f"{above} can be written by others, who could replace {path}")


def _refuse_foreign(status: os.stat_result, path: str, kind: str) -> None:
    if status.st_uid != os.geteuid():
        raise refusal(
            CALL, "EACCES", f"{path} belongs to user {status.st_uid}, not to this one: another {kind} is needed"
        )
    if status.st_mode & _WRITABLE_BY_OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise refusal(CALL, "EACCES", f"{path} can be written by others (mode {mode:04o}); chmod go-w it")
