"""What a system does not have: each call is refused with ENOSYS, here and nowhere else."""

from __future__ import annotations

from ..errors import SyscallError, refusal
from ..structs import ModuleStat, Program, ResidentEntry
from . import arguments


class NoModules:
    """A system without kernel modules that have system calls of their own: Linux."""

    def modfind(self, name: str) -> int:
        """Refuse: ENOSYS."""
        raise _no_modules("modfind")

    def modstat(self, id: int) -> ModuleStat:
        """Refuse: ENOSYS."""
        raise _no_modules("modstat")


class NoResidency:
    """A system without resident executables: every one but DragonFly."""

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Refuse: ENOSYS."""
        arguments.c_value(entry, "void *", "entry")
        raise refusal("exec_sys_register", "ENOSYS")

    def exec_sys_unregister(self, id: int) -> int:
        """Refuse: ENOSYS."""
        arguments.c_value(id, "int", "id")
        raise refusal("exec_sys_unregister", "ENOSYS")

    def vm_resident(self) -> list[ResidentEntry]:
        """Refuse: ENOSYS."""
        raise refusal("vm.resident", "ENOSYS")

    def make_resident(self, program: Program) -> None:
        """Refuse: ENOSYS."""
        raise refusal("exec_sys_register", "ENOSYS")

    def unmake_resident(self, program: Program) -> None:
        """Refuse: ENOSYS."""
        raise refusal("exec_sys_unregister", "ENOSYS")


def _no_modules(call: str) -> SyscallError:
    return refusal(call, "ENOSYS", "Linux has no kernel modules with system calls of their own")
