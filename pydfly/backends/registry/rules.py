"""The machine's resident programs on a system that has no such list: the kernel's rules over one file."""

from __future__ import annotations

import os
import sqlite3

from ... import residency
from ...structs import Program, ResidentEntry
from .file import RegistryFile
from .identity import identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def open_registry(euid: int | None, state_dir: str | None) -> Registry:
    """Return the registry as this user sees it; nothing is opened before the first operation that is allowed.

    Args:
        euid: effective uid to act as; None: the real one.
        state_dir: where it lives; None: $PYDFLY_STATE_DIR or the machine's directory.
    """
    return Registry(euid, state_dir)


def program_at(path: str) -> Program:
    """Return the identity of a file, following links."""
    dev, ino, born = identify(path)
    return Program(path, os.stat(path).st_size, dev, ino, born=born)


class Registry:
    """The list of resident programs, as one process of the machine sees it."""

    def __init__(self, euid: int | None, state_dir: str | None) -> None:
        self._euid = euid
        self._file = RegistryFile(state_dir)

    def register(self, program: Program, entry: int) -> None:
        """Add a program: sys_exec_sys_register() of sys/kern/imgact_resident.c.

        Raises:
            PermissionError: EPERM, not root.
            FileExistsError: EEXIST, the file is registered.
            OSError: the registry cannot be used; see ``registryfile``.
        """
        self._require_privilege("exec_sys_register")
        # the kernel lists a file by its own name, wherever the links led that it was reached by
        path = os.fsencode(os.path.realpath(program.path))
        with self._file.transaction("immediate") as connection:
            (count,) = connection.execute("select count(*) from entry").fetchone()
            id = residency.new_id(count, _own_id(connection, program) is not None)
            row = (id, str(entry), path, program.size, *_identity(program))
            connection.execute(
                "insert into entry (id, address, path, size, dev, ino, born) values (?, ?, ?, ?, ?, ?, ?)", row
            )

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
        with self._file.transaction("immediate") as connection:
            rows = connection.execute("select id, position from entry order by position").fetchall()
            places = residency.removed([row[0] for row in rows], id, _own_id(connection, own))
            connection.executemany("delete from entry where position = ?", [rows[place][1:] for place in places])
            return len(places)

    def entries(self) -> list[ResidentEntry]:
        """List the entries, oldest first; a file that is not under its name any more has none (VR-6).

        Raises:
            PermissionError: EPERM, not root.
            OSError: the registry cannot be used.
        """
        self._require_privilege("vm.resident")
        with self._file.transaction("deferred") as connection:
            rows = [
                _decoded(row)
                for row in connection.execute(
                    "select id, address, path, size, dev, ino, born from entry order by position"
                )
            ]
        return [
            ResidentEntry(id, address, _name(path, (dev, ino, born)), size, dev, ino)
            for id, address, path, size, dev, ino, born in rows
        ]

    def _require_privilege(self, call: str) -> None:
        euid = os.geteuid() if self._euid is None else self._euid
        residency.require_privilege(euid == 0, call)


def _identity(program: Program) -> tuple[str, str, str]:
    return str(program.dev), str(program.ino), str(program.born)


def _own_id(connection: sqlite3.Connection, program: Program) -> int | None:
    """Return the id of the program's entry, None if it has none."""
    row = connection.execute(
        "select id from entry where dev = ? and ino = ? and born = ?", _identity(program)
    ).fetchone()
    return None if row is None else row[0]


def _decoded(row: tuple[Any, ...]) -> tuple[int, int, bytes, int, int, int, int]:
    id, address, path, size, dev, ino, born = row
    try:
        return int(id), int(address), bytes(path), int(size), int(dev), int(ino), int(born)
    except (TypeError, ValueError):
        raise sqlite3.DatabaseError("malformed entry") from None


def _name(path: bytes, identity: tuple[int, int, int]) -> str:
    """Return the path if it still leads to that file, else nothing."""
    try:
        return os.fsdecode(path) if identify(path) == identity else ""
    except (OSError, ValueError):
        return ""
