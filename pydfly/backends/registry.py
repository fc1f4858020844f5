"""The machine's resident programs on a system that has no such list: the kernel's rules inside one transaction.

SQLite keeps the list.  Every operation holds a lock on the directory, which the kernel queues fairly and releases
at any death, and then one transaction: a process killed in the middle leaves what was there before it.  Nothing is
synced to the disk, because nothing outlives the boot, as in a kernel: entries of an earlier boot are forgotten.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager, suppress
from threading import RLock

from ..errors import SyscallError, refusal
from ..simkernel import residency
from ..structs import Program, ResidentEntry
from . import statedir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


SCHEMA = 1  # PRAGMA user_version of the tables below
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
    unique (dev, ino)
);
"""
_NAME = "resident.db"
_MEANINGS = {"full": "ENOSPC", "readonly": "EROFS", "unable to open": "EACCES", "locked": "EBUSY"}


def open_registry(euid: int | None, state_dir: str | None) -> Registry:
    """Return the registry as this user sees it; nothing is opened before the first operation that is allowed.

    Args:
        euid: effective uid to act as; None: the real one.
        state_dir: where it lives; None: $PYDFLY_STATE_DIR or the machine's directory.
    """
    return Registry(euid, state_dir)


def program_at(path: str) -> Program:
    """Return the identity of a file, following links."""
    status = os.stat(path)
    return Program(os.path.realpath(path), status.st_size, status.st_dev, status.st_ino)


class Registry:
    """The list of resident programs, as one process of the machine sees it."""

    def __init__(self, euid: int | None, state_dir: str | None) -> None:
        self._euid = euid
        self._told = state_dir
        self._threads = RLock()
        self._open: tuple[int, tuple[int, int], sqlite3.Connection] | None = None  # by which process, which file

    def register(self, program: Program, entry: int) -> None:
        """Add a program: sys_exec_sys_register() of sys/kern/imgact_resident.c.

        Raises:
            PermissionError: EPERM, not root.
            FileExistsError: EEXIST, the file is registered.
            OSError: the registry cannot be used; see ``statedir``.
        """
        self._require_privilege("exec_sys_register")
        identity = (str(program.dev), str(program.ino))
        with self._transaction() as connection:
            (count,) = connection.execute("select count(*) from entry").fetchone()
            here = connection.execute("select 1 from entry where dev = ? and ino = ?", identity).fetchone()
            id = residency.new_id(count, here is not None)
            row = (id, str(entry), os.fsencode(os.path.abspath(program.path)), program.size, *identity)
            connection.execute("insert into entry (id, address, path, size, dev, ino) values (?, ?, ?, ?, ?, ?)", row)

    def unregister(self, id: int, own: Program) -> int:
        """Remove entries: sys_exec_sys_unregister(); return how many.

        Args:
            id: what to remove.
            own: the file that the caller runs.

        Raises:
            PermissionError: EPERM, not root.
            FileNotFoundError: ENOENT, nothing has this id.
            OSError: the registry cannot be used.
        """
        self._require_privilege("exec_sys_unregister")
        with self._transaction() as connection:
            rows = connection.execute("select position, id, dev, ino from entry order by position").fetchall()
            identity = (str(own.dev), str(own.ino))
            own_id = next((row[1] for row in rows if (row[2], row[3]) == identity), None)
            removed = residency.removed([row[1] for row in rows], id, own_id)
            connection.executemany("delete from entry where position = ?", [(rows[place][0],) for place in removed])
            return len(removed)

    def entries(self) -> list[ResidentEntry]:
        """List the entries, oldest first; a file that is not under its name any more has none (VR-6).

        Raises:
            PermissionError: EPERM, not root.
            OSError: the registry cannot be used.
        """
        self._require_privilege("vm.resident")
        with self._transaction() as connection:
            rows = connection.execute(
                "select id, address, path, size, dev, ino from entry order by position"
            ).fetchall()
        return [
            ResidentEntry(id, int(address), _name(path, int(dev), int(ino)), size, int(dev), int(ino))
            for id, address, path, size, dev, ino in rows
        ]

    def _require_privilege(self, call: str) -> None:
        euid = os.geteuid() if self._euid is None else self._euid
        residency.require_privilege(euid == 0, call)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Do one operation alone on this machine, wholly or not at all."""
        path = statedir.location(self._told)
        with self._threads:
            directory = statedir.open_directory(path)
            try:
                fcntl.flock(directory, fcntl.LOCK_EX)
                connection = self._connect(directory, path)
                try:
                    connection.execute("begin immediate")
                    yield connection
                    connection.execute("commit")
                except sqlite3.Error as error:
                    _roll_back(connection)
                    raise self._failure(error, directory, path) from None
                except BaseException:
                    _roll_back(connection)
                    raise
            finally:
                os.close(directory)  # and the lock with it

    def _connect(self, directory: int, path: str) -> sqlite3.Connection:
        """Return the connection to the file that is in the directory now, opening it if this process has none."""
        file = os.path.join(path, _NAME)
        identity = statedir.open_file(_NAME, directory, file)
        if self._open and self._open[:2] == (os.getpid(), identity):
            return self._open[2]
        try:
            self._close()
            connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._open = (os.getpid(), identity, connection)
            connection.execute("pragma synchronous = off")
            connection.execute("pragma journal_mode = persist")
            self._prepare(connection, file)
        except sqlite3.Error as error:
            raise self._failure(error, directory, path) from None
        return connection

    def _prepare(self, connection: sqlite3.Connection, file: str) -> None:
        """Make the tables, or forget what an earlier boot left in them."""
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > SCHEMA:
            self._close()
            raise refusal(
                statedir.CALL, "EINVAL", f"{file} was made by a newer pydfly (schema {version}); nothing was changed"
            )
        boot = _boot_id()
        connection.execute("begin immediate")
        try:
            if version == 0 and not connection.execute("select 1 from sqlite_master").fetchone():
                _make_tables(connection, boot)
            _require_sound(connection)
            if connection.execute("select id from boot").fetchone() != (boot,):
                connection.execute("delete from entry")
                connection.execute("update boot set id = ?", (boot,))
            connection.execute("commit")
        except BaseException:
            _roll_back(connection)
            raise

    def __del__(self) -> None:
        with suppress(sqlite3.Error):
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open[2].close()
            self._open = None

    def _failure(self, error: sqlite3.Error, directory: int, path: str) -> SyscallError:
        """Turn an error of SQLite's into one of ours; a file that is no registry is set aside, never emptied."""
        self._close()
        name = next((name for word, name in _MEANINGS.items() if word in str(error)), "EIO")
        if name != "EIO" or "disk I/O" in str(error):
            return refusal(statedir.CALL, name, f"{path}: {error}; nothing was changed")
        aside = _set_aside(directory, path)
        return refusal(
            statedir.CALL,
            "EIO",
            f"the registry was damaged ({error}); it was set aside as {aside}, and starts empty now",
        )


def _make_tables(connection: sqlite3.Connection, boot: str) -> None:
    for statement in filter(str.strip, _TABLES.split(";\n")):
        connection.execute(statement)
    connection.execute("insert into boot values (?)", (boot,))
    connection.execute(f"pragma user_version = {SCHEMA}")


def _require_sound(connection: sqlite3.Connection) -> None:
    """Refuse a file whose pages are damaged, or that is some other program's, before anything is written to it."""
    (version,) = connection.execute("pragma user_version").fetchone()
    (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
    if version != SCHEMA or verdict != "ok":
        raise sqlite3.DatabaseError(f"schema {version}, check: {verdict}")


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo a transaction, if one is open; where that fails, the next opener does it from the journal."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("rollback")


def _set_aside(directory: int, path: str) -> str:
    """Give a damaged registry another name, and return that."""
    number = 1
    while os.path.lexists(os.path.join(path, f"{_NAME}.corrupt-{number}")):
        number += 1
    for suffix in ("", "-journal"):
        with suppress(FileNotFoundError):
            aside = f"{_NAME}.corrupt-{number}{suffix}"
            os.rename(_NAME + suffix, aside, src_dir_fd=directory, dst_dir_fd=directory)
    return os.path.join(path, f"{_NAME}.corrupt-{number}")


def _name(path: bytes, dev: int, ino: int) -> str:
    """Return the path if it still leads to that file, else nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return os.fsdecode(path) if (status.st_dev, status.st_ino) == (dev, ino) else ""


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
