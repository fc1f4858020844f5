"""The file of the resident registry: read as a whole, replaced as a whole.

A process that changes the list holds a lock on the directory, which the kernel queues and releases at any death,
writes the new state under another name and renames it into place.  A process killed in the middle leaves the state
before, and a reader needs no lock: the file that it opened never changes.  Nothing is synced to the disk, because
nothing outlives the boot: what an earlier boot left is forgotten.  A damaged file is set aside under another name and
reported, never taken for an empty list.

Everything is reached through one descriptor of the directory.  That is why this is no database: SQLite opens its files
by name, and asks for the name where it is given /proc/self/fd/N (unixFullPathname() of its os_unix.c).
"""

from __future__ import annotations

import fcntl
import os
from _thread import RLock  # threading's and weakref's own: all of these costs a fresh interpreter more
from _weakref import ref
from io import FileIO
from itertools import compress

from ...errors import SyscallError, refusal
from . import directory as statedir
from .content import Content, Damaged, Newer, unpack

NAME = "resident.db"
_FRESH = f"{NAME}.new"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"

# One thread at a time, and no fork meanwhile: a child with a copy of the directory's descriptor would keep it locked.
_alone = RLock()
_RELEASE = type(_alone).release
_changing: ref[_Session] | None = None  # what this process is in the middle of
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_alone.acquire, after_in_parent=_alone.release, after_in_child=_alone.release)


class RegistryFile:
    """The list as it is kept; nothing is opened before the first operation."""

    def __init__(self, told: str | None) -> None:
        self._told = told

    def read(self) -> Content:
        """Return the state of the list.

        Raises:
            OSError: the place cannot be used (see ``directory``), the file was made by a newer version (EINVAL), or
                it was damaged (EIO), which the next operation will not find any more.
        """
        with _Session() as session:
            session.open(self._told)
            try:
                return _content(session.directory, session.path)
            except Damaged:
                session.lock()  # look again: another process may have set it aside meanwhile
                return _sound_content(session.directory, session.path)

    def change(self) -> Change:
        """Return a change; no other process of this machine changes the list during its block."""
        return Change(self._told)


class _Session:
    """One operation on the directory, alone among the threads of this process.

    What it holds is given back at its end, or when it is forgotten: an exception of a signal handler can come anywhere,
    even between the end of an operation and what is to be done then.
    """

    def __init__(self) -> None:
        self._opened = statedir.Descriptors()
        self.path = ""
        self._turns: list[RLock] = []  # what was acquired

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_turns"):  # else nothing was done yet
            self.close()

    @property
    def directory(self) -> int:
        """The open directory."""
        return self._opened[-1]

    def open(self, told: str | None) -> None:
        self._turns.extend(compress((_alone,), map(_alone.acquire, (True,))))  # one call, as in ``Descriptors``
        try:
            self.path = statedir.location(told)
        except OSError as error:
            raise statedir.unusable(error, told or ".") from None
        self._opened = statedir.open_directory(self.path)

    def lock(self) -> None:
        """Lock the directory; refuse a signal handler in the middle of a change, which would wait for itself."""
        global _changing
        other = _changing() if _changing else None
        if other is not None and other._turns:
            raise refusal(statedir.CALL, "EDEADLK", "called by a signal handler in the middle of another change")
        _changing = ref(self)
        fcntl.flock(self.directory, fcntl.LOCK_EX)

    def close(self) -> None:
        self._opened.close()  # and with its only descriptor the lock is gone
        any(map(_RELEASE, map(self._turns.pop, [-1] * len(self._turns))))


class Change(_Session):
    """One change of the list, which is made wholly or not at all; in its block no other process changes the list.

    Attributes:
        before: its state.

    Raises:
        OSError: as read(); EDEADLK, called by a signal handler in the middle of another change.
    """

    def __init__(self, told: str | None) -> None:
        super().__init__()
        self._told = told

    def __enter__(self) -> Change:
        try:
            self.open(self._told)
            self.lock()
            self.before = _sound_content(self.directory, self.path)
        except BaseException:
            self.close()
            raise
        return self

    def commit(self, content: Content) -> None:
        """Make this the state of the list.

        OSError: it cannot be written (ENOSPC, EROFS, EACCES, ...); nothing was changed.
        """
        packed = content.pack(_boot_id())
        try:
            _write(self.directory, packed)
            os.rename(_FRESH, NAME, src_dir_fd=self.directory, dst_dir_fd=self.directory)
        except OSError as error:
            _remove_unfinished(self.directory)
            refused = statedir.unusable(error, self.path)
            raise refusal(statedir.CALL, refused.errno_name, f"{refused.reason}; nothing was changed") from None


def _content(directory: int, path: str) -> Content:
    """Read the file that is there now.

    Raises:
        Damaged: it is not as it was written.
        OSError: it cannot be read, or is not to be trusted, or a newer version wrote it.
    """
    file = os.path.join(path, NAME)
    opened = statedir.open_file(NAME, directory, file)
    if not opened:
        return Content()
    try:
        read = FileIO(opened[-1], closefd=False).readall()
        opened.close()
        return unpack(read, _boot_id())
    except Newer as newer:
        raise refusal(
            statedir.CALL, "EINVAL", f"{file} was made by a newer pydfly (format {newer}); nothing was changed"
        ) from None
    except OSError as error:
        raise error if isinstance(error, SyscallError) else statedir.unusable(error, file) from None


def _sound_content(directory: int, path: str) -> Content:
    """Read the file, alone; set it aside and say so if it is damaged."""
    try:
        return _content(directory, path)
    except Damaged as damaged:
        why = str(damaged)
    try:
        aside = _set_aside(directory)
    except OSError as error:
        refused = statedir.unusable(error, path)
        raise refusal(
            statedir.CALL, "EIO", f"{path}/{NAME} was damaged ({why}), and cannot be set aside: {refused.reason}"
        ) from None
    raise refusal(
        statedir.CALL,
        "EIO",
        f"the registry was damaged ({why}); it was set aside as {os.path.join(path, aside)}, and starts empty now",
    )


def _set_aside(directory: int) -> str:
    """Give a damaged registry another name, and return that."""
    names = set(os.listdir(directory))
    number = 1
    while (aside := f"{NAME}.corrupt-{number}") in names:
        number += 1
    os.rename(NAME, aside, src_dir_fd=directory, dst_dir_fd=directory)
    return aside


def _write(directory: int, pieces: list[bytes | memoryview]) -> None:
    """Write a file under the name for unfinished ones; one that has it was left by a killed process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = statedir.Descriptors()
    try:
        opened.add(_FRESH, flags, directory)
    except FileExistsError:
        os.unlink(_FRESH, dir_fd=directory)
        opened.add(_FRESH, flags, directory)
    os.fchmod(opened[-1], 0o600)  # whatever the umask took
    rest = memoryview(b"".join(pieces))
    while rest:
        rest = rest[os.write(opened[-1], rest) :]
    opened.close()


def _remove_unfinished(directory: int) -> None:
    try:
        os.unlink(_FRESH, dir_fd=directory)
    except OSError:  # it is not there, or stays: the next change removes it
        return


_boot = ""


def _boot_id() -> str:
    """Name this boot, which this process does not outlive."""
    global _boot
    if not _boot:
        try:
            with open(_BOOT_ID) as file:
                _boot = file.read().strip()
        except OSError as error:
            raise refusal(
                statedir.CALL, "ENOENT", f"{_BOOT_ID}: {error.strerror}: this boot cannot be told from an earlier one"
            ) from None
    return _boot
