"""Where the resident registry lives: one directory for the machine, that only its owner can touch.

The system's place for run-time state, or $PYDFLY_STATE_DIR (ignored by a set-id program), or what use() was told.

The way to it is walked from ``/``, one component at a time, each opened once and checked as opened: no other user may
be able to change where the next name leads.  Whatever is done later is done through the descriptor of the last one,
so there is no moment between a check and its use.

- A directory on the way belongs to root or to this user, and no other user may write to it, unless it is sticky as
  /tmp is: then the next component is safe because its owner, root or this user, is the only user that can rename it.
- A symbolic link belongs to root or to this user, too, and its target is walked in the same way.
- The directory itself belongs to this user.
"""

from __future__ import annotations

import errno
import os
import stat

from ...errors import SyscallError, refusal
from ..environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import partial
else:
    from _functools import partial  # the same, without what else functools loads

VARIABLE = "PYDFLY_STATE_DIR"
CALL = "resident registry"
MACHINE = "/run/pydfly"
"""For all users, root above all.  $XDG_RUNTIME_DIR, which libraries for such places believe, is that of a login
session: root has another user's after su, and would get a list of its own there."""
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS = 40  # as the kernel: MAXSYMLINKS of include/linux/namei.h
# Linux's O_PATH asks for no permission but to search; elsewhere a directory must be readable, and a link is refused
_STEP = os.O_CLOEXEC | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK)
_HINTS = {
    "ELOOP": "is reached by too many symbolic links",
    "ENOTDIR": "is no directory",
    "EROFS": "is on a file system for reading only",
    "ENOSPC": "is on a file system without room for more",
    "ENOENT": "does not exist",
}


def location(told: str | None) -> str:
    """Return the absolute path of the directory, as it was named: links and ``..`` are left to the walk.

    OSError: the path is relative and the current directory is gone.
    """
    chosen = told or variable(VARIABLE) or MACHINE
    return chosen if chosen.startswith("/") else os.path.join(os.getcwd(), chosen)


class Descriptors(list[int]):
    """Open descriptors, closed when this is forgotten if not before.

    An exception of a signal handler can come between any two calls that Python makes.  So one call in C opens a
    descriptor and notes it, and one takes it off and closes it: none is forgotten, and none is closed twice.
    """

    def __del__(self) -> None:
        self.close()

    def add(self, path: str, flags: int, directory: int | None = None) -> None:
        """Open the entry of this name in a directory, or in the one that was opened last; OSError: the kernel's own.

        A file that this makes is for its owner alone.
        """
        above = self[-1] if directory is None and self else directory
        self.extend(map(partial(os.open, dir_fd=above), (path,), (flags,), (0o600,)))

    def drop(self) -> None:
        """Close the one that was opened last."""
        any(map(os.close, map(self.pop, (-1,))))

    def close(self, keep: int = 0) -> None:
        """Close all but so many that were opened last."""
        any(map(os.close, map(self.pop, [0] * (len(self) - keep))))


def open_directory(path: str) -> Descriptors:
    """Walk to the directory (an absolute path), make it if there is none, and return its descriptor, in a list of one.

    OSError: a component of the way is another user's or can be changed by others (EACCES), or is missing, is a file, or
    cannot be opened.
    """
    if "\0" in path:
        raise refusal(CALL, "EINVAL", f"{path}: no path has a null character")
    walk = _Walk(path)
    try:
        walk.begin()
        while walk.names:
            walk.step()
        walk.arrive()
    except OSError as error:
        walk.opened.close()
        raise error if isinstance(error, SyscallError) else unusable(error, walk.at) from None
    return walk.opened


class _Walk:
    """Where the walk is: an open directory that is safe, and the names that are still to be followed."""

    def __init__(self, path: str) -> None:
        self.user = os.geteuid()
        self.names = _split(path)
        self.at = "/"  # for messages: the path of the open directory, or of what is being looked at
        self.links = 0
        self.opened = Descriptors()  # the last is where the walk is

    def begin(self) -> None:
        """Open the root."""
        self.opened.add("/", _STEP | os.O_DIRECTORY)
        self.status = os.fstat(self.opened[-1])
        self._require_safe(self.status)

    def step(self) -> None:
        """Follow one name: into a directory, which becomes the open one, or a link, whose names come next."""
        name = self.names.pop(0)
        above = self.at
        self.at = f"{'' if above == '/' else above}/{name}"
        try:
            self.opened.add(name, _STEP)
        except FileNotFoundError:
            if self.names or name == "..":
                raise
            self._make(name)
            self.opened.add(name, _STEP | os.O_DIRECTORY)
        status = os.fstat(self.opened[-1])
        self._require_safe(status)
        if stat.S_ISLNK(status.st_mode):
            self._follow(status, above)
        elif stat.S_ISDIR(status.st_mode):
            self.status = status
            self.opened.close(keep=1)
        else:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def arrive(self) -> None:
        """Open the directory for its files, if it is this user's alone."""
        if self.status.st_uid != self.user:
            raise refusal(CALL, "EACCES", f"{self.at} belongs to user {self.status.st_uid}, not to this one")
        if self.status.st_mode & _WRITABLE_BY_OTHERS:
            raise refusal(CALL, "EACCES", f"{self.at} can be written by others ({_mode(self.status)}); chmod go-w it")
        self.opened.add(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.opened.close(keep=1)

    def _follow(self, status: os.stat_result, above: str) -> None:
        if not self.names:
            raise refusal(CALL, "ENOTDIR", f"{self.at} is no directory but a link; name the directory it leads to")
        if self.status.st_mode & _WRITABLE_BY_OTHERS and status.st_nlink > 1:
            # another user could have hard-linked a link of root or of this user into a sticky directory
            raise refusal(
                CALL, "EACCES", f"{self.at} is a link with several names, in a directory that all users can write to"
            )
        self.links += 1
        if self.links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink("", dir_fd=self.opened[-1])  # of the link that was opened and checked
        self.opened.drop()
        self.names[:0] = _split(target)
        self.at = above
        if target.startswith("/"):
            self.opened.close()
            self.at = "/"
            self.begin()

    def _make(self, name: str) -> None:
        above = self.opened[-1]
        try:
            os.mkdir(name, 0o700, dir_fd=above)
            if os.stat(name, dir_fd=above).st_mode & 0o777 != 0o700:  # the umask removed even the owner's bits
                os.chmod(name, 0o700, dir_fd=above)
        except FileExistsError:  # another process was faster
            return

    def _require_safe(self, status: os.stat_result) -> None:
        if status.st_uid not in (0, self.user):
            raise refusal(CALL, "EACCES", f"{self.at} belongs to user {status.st_uid}, who could replace what is in it")
        if stat.S_ISDIR(status.st_mode) and status.st_mode & _WRITABLE_BY_OTHERS and not status.st_mode & stat.S_ISVTX:
            raise refusal(
                CALL, "EACCES", f"{self.at} can be written by others ({_mode(status)}), who could replace what is in it"
            )


def open_file(name: str, directory: int, path: str) -> Descriptors:
    """Open a file of ours in the directory to read it; empty if there is none.  ``path`` is for errors.

    OSError: EACCES, something else has the name, or the file is another user's or not for its owner alone.
    """
    opened = Descriptors()
    try:
        opened.add(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, directory)
    except FileNotFoundError:
        return opened
    except OSError as error:
        # a directory, a link (EMLINK on FreeBSD), a socket
        if error.errno in (errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise refusal(CALL, "EACCES", f"{path} is no regular file; remove it") from None
        raise unusable(error, path) from None
    _require_private(os.fstat(opened[-1]), path)
    return opened


def _require_private(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise refusal(CALL, "EACCES", f"{path} is no regular file; remove it")
    if status.st_uid != os.geteuid():
        raise refusal(CALL, "EACCES", f"{path} belongs to user {status.st_uid}, not to this one")
    if status.st_mode & 0o077:
        can = "written" if status.st_mode & _WRITABLE_BY_OTHERS else "read"
        raise refusal(CALL, "EACCES", f"{path} can be {can} by others ({_mode(status)}); chmod 600 it")


def unusable(error: OSError, path: str) -> SyscallError:
    """Return the error for a file or directory that the system does not let us use."""
    name = errno.errorcode.get(error.errno or 0, "EIO")
    hint = _HINTS.get(name, f"cannot be used; ${VARIABLE} names another place")
    return refusal(CALL, name, f"{path} {hint}")


def _split(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _mode(status: os.stat_result) -> str:
    return f"mode {stat.S_IMODE(status.st_mode):04o}"
