"""The file of the resident registry: one SQLite database, and transactions on it that survive anything.

Every transaction holds a lock on the directory, which the kernel queues and releases at any death.  A process killed
in the middle leaves what was there before.  Nothing is synced to the disk, because nothing outlives the boot: what an
earlier boot left is forgotten.  A damaged file is set aside under another name and reported, never emptied.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager, suppress
from threading import RLock

from ...errors import SyscallError, refusal
from . import directory as statedir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = 1
"""``PRAGMA user_version`` of the tables below."""
NAME = "resident.db"
_TABLES = """
create table boot (id text not null);
create table entry (
    position integer primary key,  -- order of registration
    id integer not null,           -- not unique: the kernel gives ids out again
    address text not null,         -- of the entry point: 64 bits, more than an integer of SQLite's
    path blob not null,
    size integer not null,
    dev text not null,
    ino text not null,
    born text not null,            -- nanoseconds: a file system gives inode numbers out again
    unique (dev, ino, born)
);
"""
_MEANINGS = {"full": "ENOSPC", "readonly": "EROFS", "unable to open": "EACCES", "locked": "EBUSY"}
_DAMAGE = ("malformed", "not a database", "unsupported file format", "no such", "constraint", "decode", "check:")

# One thread at a time, and no fork in between: SQLite's connections must not cross a fork in mid-transaction, and a
# child that held a copy of the directory's descriptor would keep it locked.
_alone = RLock()
_inside = False  # this process is in the middle of a transaction
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_alone.acquire, after_in_parent=_alone.release, after_in_child=_alone.release)


class RegistryFile:
    """The database as one process of the machine sees it; nothing is opened before the first transaction."""

    def __init__(self, told: str | None) -> None:
        self._told = told
        self._open: tuple[int, tuple[int, int], sqlite3.Connection] | None = None  # by which process, which file

    def __del__(self) -> None:
        self._close()

    @contextmanager
    def transaction(self, mode: str) -> Iterator[sqlite3.Connection]:
        """Do one operation alone on this machine, wholly or not at all.

        Args:
            mode: ``immediate`` to write, ``deferred`` to read.

        Raises:
            OSError: the place cannot be used (see ``statedir``), the file was made by a newer version, or it was
                damaged, which the next transaction will not find any more.
        """
        path = statedir.location(self._told)
        with _alone, _not_again():
            directory = statedir.open_directory(path)
            try:
                fcntl.flock(directory, fcntl.LOCK_EX)
                try:
                    connection = self._connect(directory, path)
                    with _whole(connection, mode):
                        yield connection
                except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes damaged bytes in its messages
                    raise self._failure(error, directory, path) from None
                finally:
                    fcntl.flock(directory, fcntl.LOCK_UN)
            finally:
                os.close(directory)

    def _connect(self, directory: int, path: str) -> sqlite3.Connection:
        """Return the connection to the file that is in the directory now, opening it if this process has none."""
        file = os.path.join(path, NAME)
        identity = statedir.open_file(NAME, directory, file)
        if self._open and self._open[:2] == (os.getpid(), identity):
            return self._open[2]
        self._close()
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._open = (os.getpid(), identity, connection)
        connection.execute("pragma synchronous = off")
        connection.execute("pragma journal_mode = persist")
        try:
            _prepare(connection, file)
        except BaseException:
            self._close()
            raise
        return connection

    def _close(self) -> None:
        if self._open:
            connection = self._open[2]
            self._open = None
            connection.close()

    def _failure(self, error: Exception, directory: int, path: str) -> SyscallError:
        """Turn an error of SQLite's into one of ours; a file that is no registry is set aside."""
        self._close()
        text = str(error)
        damaged = any(word in text for word in _DAMAGE) or ("readonly" in text and _is_writable(directory))
        if not damaged:
            name = next((name for word, name in _MEANINGS.items() if word in text), "EIO")
            return refusal(statedir.CALL, name, f"{path}: {text}; nothing was changed")
        aside = _set_aside(directory, path)
        return refusal(
            statedir.CALL,
            "EIO",
            f"the registry was damaged ({text}); it was set aside as {aside}, and starts empty now",
        )


@contextmanager
def _not_again() -> Iterator[None]:
    """Refuse a signal handler that calls in the middle of a transaction: the directory's lock would wait for itself."""
    global _inside
    if _inside:
        raise refusal(statedir.CALL, "EDEADLK", "called by a signal handler in the middle of another operation")
    _inside = True
    try:
        yield
    finally:
        _inside = False


@contextmanager
def _whole(connection: sqlite3.Connection, mode: str) -> Iterator[None]:
    connection.execute(f"begin {mode}")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(sqlite3.Error):  # where that fails, the next opener rolls back from the journal
            if connection.in_transaction:
                connection.execute("rollback")
        raise


def _prepare(connection: sqlite3.Connection, file: str) -> None:
    """Make the tables, or forget what an earlier boot left in them; write nothing where nothing has changed."""
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > SCHEMA:
        raise refusal(
            statedir.CALL, "EINVAL", f"{file} was made by a newer pydfly (schema {version}); nothing was changed"
        )
    boot = _boot_id()
    if version == 0 and not connection.execute("select 1 from sqlite_master").fetchone():
        with _whole(connection, "immediate"):
            for statement in filter(str.strip, _TABLES.split(";\n")):
                connection.execute(statement)
            connection.execute("insert into boot values (?)", (boot,))
            connection.execute(f"pragma user_version = {SCHEMA}")
        return
    (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
    if version != SCHEMA or verdict != "ok":
        raise sqlite3.DatabaseError(f"schema {version}, check: {verdict}")
    if connection.execute("select id from boot").fetchall() != [(boot,)]:
        with _whole(connection, "immediate"):
            connection.execute("delete from entry")
            connection.execute("delete from boot")
            connection.execute("insert into boot values (?)", (boot,))


def _is_writable(directory: int) -> bool:
    """Say whether nothing but a rotten header can be why SQLite calls the database read-only."""
    mode = os.W_OK | os.X_OK
    if os.fstatvfs(directory).f_flag & os.ST_RDONLY:
        return False
    return os.access(".", mode, dir_fd=directory, effective_ids=True) and os.access(
        NAME, os.R_OK | os.W_OK, dir_fd=directory, effective_ids=True
    )


def _set_aside(directory: int, path: str) -> str:
    """Give a damaged registry another name, and return that."""
    number = 1
    while os.path.lexists(os.path.join(path, f"{NAME}.corrupt-{number}")):
        number += 1
    for suffix in ("", "-journal"):
        with suppress(FileNotFoundError):
            aside = f"{NAME}.corrupt-{number}{suffix}"
            os.rename(NAME + suffix, aside, src_dir_fd=directory, dst_dir_fd=directory)
    return os.path.join(path, f"{NAME}.corrupt-{number}")


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
