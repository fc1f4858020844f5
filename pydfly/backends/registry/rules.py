"""The machine's resident programs on a system that has no such list: the kernel's rules over one file."""

from __future__ import annotations

import os

from ... import resident_rules
from ...structs import Program, ResidentEntry
from .content import Identity, Row
from .file import RegistryFile
from .identity import identify


def program_at(path: str) -> Program:
    """Return the identity of a file, following links."""
    dev, ino, born = identify(path)
    return Program(path, os.stat(path).st_size, dev, ino, born=born)


class Registry:
    """The list of resident programs, as this user sees it; nothing is opened before the first operation.

    Args:
        euid: effective uid to act as; None: the real one.
        state_dir: where it lives; None: $PYDFLY_STATE_DIR or the machine's directory.
    """

    def __init__(self, euid: int | None, state_dir: str | None) -> None:
        self._euid = euid
        self._file = RegistryFile(state_dir)

    def register(self, program: Program, entry: int) -> None:
        """Add a program: sys_exec_sys_register() of sys/kern/imgact_resident.c.

        Raises:
            PermissionError: EPERM, not root.
            FileExistsError: EEXIST, the file is registered.
            OSError: the registry cannot be used; see ``file``.
        """
        self._require_privilege("exec_sys_register")
        # the kernel lists a file by its own name, not by that of a link to it
        path = os.fsencode(os.path.realpath(program.path))
        with self._file.change() as change:
            id = resident_rules.new_id(change.before.count, change.before.id_of(_identity(program)) is not None)
            change.commit(change.before.with_row(Row(*_identity(program), id, entry, program.size, path)))

    def unregister(self, id: int, own: Program) -> int:
        """Remove entries: sys_exec_sys_unregister(); return how many.

        Args:
            own: the file that the caller runs.

        Raises:
            PermissionError: EPERM, not root.
            FileNotFoundError: ENOENT, nothing has this id.
            OSError: the registry cannot be used.
        """
        self._require_privilege("exec_sys_unregister")
        with self._file.change() as change:
            places = resident_rules.removed(change.before.ids(), id, change.before.id_of(_identity(own)))
            change.commit(change.before.without(places))
            return len(places)

    def entries(self) -> list[ResidentEntry]:
        """List the entries, oldest first; a file that was renamed or removed has no name there (VR-6).

        PermissionError: EPERM, not root.  OSError: the registry cannot be used.
        """
        self._require_privilege("vm.resident")
        return [
            tuple.__new__(ResidentEntry, (id, address, _name(path, (dev, ino, born)), size, dev, ino))
            for dev, ino, born, id, address, size, path in self._file.read().rows()
        ]

    def _require_privilege(self, call: str) -> None:
        euid = os.geteuid() if self._euid is None else self._euid
        resident_rules.require_privilege(euid == 0, call)


def _identity(program: Program) -> Identity:
    return program.dev, program.ino, program.born


def _name(path: bytes, identity: Identity) -> str:
    """Return the path if it still leads to that file, else nothing."""
    try:
        return os.fsdecode(path) if identify(path) == identity else ""
    except (OSError, ValueError):
        return ""
