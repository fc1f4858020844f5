"""The compiled calls as a backend: the calling process, on the kernel of this machine.

The kernel decides what it can, and cffi refuses what C could not take.  Only three calls are refused here, because no
program wants them: registering the Python interpreter, a parent-death signal that brings DragonFly down (DP-10), and
PROC_REAP_KILL on a domain that is not the target's own (FK-11).
"""

from __future__ import annotations

import errno
import os

from ... import errors, structs
from .. import arguments
from . import residency
from .rawcall import RawCall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ...structs import Data, Program, ResidentEntry
    from .binding import Commands


def _commands(call: RawCall, flavour: str, unsafe_reap_kill: bool) -> Commands:
    if flavour == "freebsd":
        from .freebsd import FreeBSDCommands

        return FreeBSDCommands(call, unsafe_reap_kill)
    from .dragonfly import DragonFlyCommands

    return DragonFlyCommands(call)


class Native:
    """The calling process, on the kernel of this machine."""

    name = "native"
    live = True
    commands: dict[str, Callable[[Data], object]] = {}
    procctl: Callable[[int, int, int, Data], object]
    """Control a process: the commands of the flavour, with nothing between them and the raw layer."""

    def __init__(self, module: ModuleType, flavour: str, unsafe_reap_kill: bool) -> None:
        self.flavour = flavour
        self._call = RawCall(module.ffi, module.lib)
        self._ffi = module.ffi
        self._lib = module.lib
        chosen = _commands(self._call, flavour, unsafe_reap_kill)
        self.procctl = chosen.procctl
        self.processes = chosen.processes

    def exec_sys_register(self, entry: int, unsafe: bool) -> None:
        """Make the binary of this process resident: that is the Python interpreter, so not without ``unsafe``.

        Where the kernel would refuse it anyway, nothing can break, and the kernel says so itself.
        """
        entry = arguments.c_value(entry, "void *", "entry")
        if not unsafe and self._may_register():
            raise errors.UnsafeRegistrationError(
                "exec_sys_register would make the Python interpreter itself resident: every python started later would "
                "begin at this entry and crash, until `resident -R`; use pydfly.resident.register(program)"
            )
        address = self._ffi.cast("void *", entry)
        failed = self._ffi.errno if self._lib.exec_sys_register(address) < 0 else None
        if failed is not None:
            raise self._call.refusal("exec_sys_register", failed)

    def _may_register(self) -> bool:
        """Ask what the kernel would say: the sysctl vm.resident begins with the same check of privilege (VR-1)."""
        length = self._ffi.new("size_t *", 0)
        failed = self._ffi.errno if self._lib.pydfly_list_residents(self._ffi.NULL, length) else None
        return failed not in (errno.EPERM, errno.ENOSYS)

    def exec_sys_unregister(self, id: int) -> int:
        """Remove registrations; the kernel returns how many."""
        id = arguments.c_value(id, "int", "id")
        failed = self._ffi.errno if (removed := self._lib.exec_sys_unregister(id)) < 0 else None
        if failed is not None:
            raise self._call.refusal("exec_sys_unregister", failed)
        return int(removed)

    def modfind(self, name: str) -> int:
        """Return the id of a kernel module."""
        if not isinstance(name, str):
            raise TypeError(f"name must be a str (C type const char *), not {type(name).__name__}")
        path = os.fsencode(name)
        if b"\0" in path:
            raise ValueError("embedded null character")
        failed = self._ffi.errno if (found := self._lib.modfind(path)) < 0 else None
        if failed is not None:
            raise self._call.refusal("modfind", failed)
        return int(found)

    def modstat(self, id: int) -> structs.ModuleStat:
        """Describe a kernel module, in the largest structure that this system's headers know."""
        stat = self._ffi.new("struct module_stat *")
        stat.version = self._ffi.sizeof("struct module_stat")
        failed = self._ffi.errno if self._lib.modstat(id, stat) < 0 else None
        if failed is not None:
            raise self._call.refusal("modstat", failed)
        name = self._ffi.string(stat.name).decode("utf-8", "surrogateescape")
        return structs.ModuleStat(stat.version, name, stat.refs, stat.id, stat.data.intval)

    def vm_resident(self) -> list[ResidentEntry]:
        """Read the sysctl vm.resident."""
        return residency.residents(self._call)

    def make_resident(self, program: Program) -> None:
        """Run the program, whose run-time linker registers it."""
        self._run_linker(program, residency.REGISTER_NOW, "exec_sys_register")

    def unmake_resident(self, program: Program) -> None:
        """Run the program, whose run-time linker removes its registration."""
        self._run_linker(program, residency.UNREGISTER_NOW, "exec_sys_unregister")

    def _run_linker(self, program: Program, variable: str, call: str) -> None:
        if self.flavour != "dragonfly":
            raise errors.refusal(call, "ENOSYS")
        status = residency.run(program.path, variable)
        if status is None:  # another thread collected the child: the list shows its effect
            there = any((entry.dev, entry.ino) == (program.dev, program.ino) for entry in self.vm_resident())
            if there is (variable == residency.REGISTER_NOW):
                return
            raise errors.refusal("rtld", "ECHILD", "exit status lost: SIGCHLD is ignored, or another thread waited")
        if status:
            raise residency.refused(status, call)
