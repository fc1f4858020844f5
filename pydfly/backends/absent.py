"""What a system does not have: each call is refused with ENOSYS, here and nowhere else."""

from __future__ import annotations

from ..errors import refusal
from . import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ..structs import ModuleStat, Program, ResidentEntry


class NoModules:
    """A system without kernel modules that have system calls of their own: Linux."""

    def modfind(self, name: str) -> int:
        """Refuse: ENOSYS."""
        _refuse("modfind", "Linux has no kernel modules with system calls of their own")

    def modstat(self, id: int) -> ModuleStat:
        """Refuse: ENOSYS."""
        _refuse("modstat", "Linux has no kernel modules with system calls of their own")


class NoResidency:
    """A system without resident executables: every one but DragonFly."""

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Refuse: ENOSYS."""
        arguments.c_value(entry, "void *", "entry")
        _no_residents("exec_sys_register")

    def exec_sys_unregister(self, id: int) -> int:
        """Refuse: ENOSYS."""
        arguments.c_value(id, "int", "id")
        _no_residents("exec_sys_unregister")

    def vm_resident(self) -> list[ResidentEntry]:
        """Refuse: ENOSYS."""
        _no_residents("vm.resident")

    def make_resident(self, program: Program) -> None:
        """Refuse: ENOSYS."""
        _no_residents("exec_sys_register")

    def unmake_resident(self, program: Program) -> None:
        """Refuse: ENOSYS."""
        _no_residents("exec_sys_unregister")


def _no_residents(call: str) -> NoReturn:
    _refuse(call, "resident executables exist on DragonFly only")


def _refuse(call: str, reason: str) -> NoReturn:
    raise refusal(call, "ENOSYS", reason)
