"""Kernel modules, as far as system calls need them: SYSCALL_MODULE(9), modfind(2), modstat(2), modnext(2).

Sources: sys/kern/kern_module.c, sys/kern/kern_syscalls.c (both systems).  A module's handler is called with the
module, the event and the module's argument; a SyscallError that it raises is its refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ...errors import SyscallError, refusal
from ...structs import BAD_POINTER, ModuleStat
from .sysent import SyscallHelperData
from .table import SyscallTable

Handler = Callable[["Module", int, Any], object]

MOD_LOAD, MOD_UNLOAD, MOD_SHUTDOWN, MOD_QUIESCE = range(4)
"""The events."""
STRUCT_SIZES = {"freebsd": (44, 56, 1048), "dragonfly": (44, 56)}
"""``sizeof(struct module_stat)``, versions 1, 2 and (FreeBSD) 3: what its member ``version`` says."""
CALLS = {"modnext": 300, "modstat": 301, "modfind": 303}
"""Numbers of the system calls, in both systems."""
_SHORT_NAME = 32  # sys/sys/module.h: MAXMODNAMEV1V2; DragonFly: MAXMODNAME
_LONGEST_NAME = {"freebsd": 1024, "dragonfly": 32}


@dataclass(slots=True, eq=False)
class ModuleData:
    """``moduledata_t``: what a kernel file says about a module in it."""

    name: str
    handler: Handler | None = None
    """What is called with the events; None: a handler that agrees to everything."""
    arg: object = None
    """What the handler gets besides."""


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A module that the kernel knows."""

    id: int
    """Its number; they count up from 1 and are not given out again."""
    name: str
    _handler: Handler | None
    _arg: object
    refs: int = 1
    data: int = 0
    """Its data, an int: the number of its system call (``data.intval``)."""

    def __repr__(self) -> str:
        return f"<module {self.id} {self.name!r}>"

    def event(self, what: int) -> None:
        """MOD_EVENT(): call the handler."""
        if self._handler is not None:
            self._handler(self, what, self._arg)


@dataclass(slots=True, eq=False)
class SyscallModuleData:
    """``struct syscall_module_data``: the argument of syscall_module_handler()."""

    entry: SyscallHelperData
    chain: Handler | None
    arg: object
    flags: int
    failed: bool = False


class Modules:
    """The modules of one kernel.

    Attributes:
        loaded: by id, in the order of loading.
    """

    def __init__(self, flavour: str, table: SyscallTable) -> None:
        self._flavour = flavour
        self._table = table
        self._last_id = 0
        self.loaded: dict[int, Module] = {}

    def install_calls(self) -> None:
        """Put modfind, modstat and modnext into the system-call table."""
        self._table.install(CALLS["modnext"], self.modnext, 1)
        self._table.install(CALLS["modstat"], self.modstat, 2)
        self._table.install(CALLS["modfind"], self.modfind, 1)

    def load(self, data: ModuleData) -> int:
        """Load a module and return its id: module_register(), and the event MOD_LOAD.

        Raises:
            FileExistsError: EEXIST, a module of this name is there.
            SyscallError: what the module's handler refused; it got MOD_UNLOAD then (MO-5), and is gone.
        """
        if any(module.name == data.name for module in self.loaded.values()):
            raise refusal("kldload", "EEXIST", f"a module {data.name!r} is loaded already")
        self._last_id += 1
        module = self.loaded[self._last_id] = Module(self._last_id, data.name, data.handler, data.arg)
        try:
            module.event(MOD_LOAD)
        except SyscallError:
            with suppress(SyscallError):  # the kernel ignores the result
                module.event(MOD_UNLOAD)
            del self.loaded[module.id]
            raise
        return module.id

    def unload(self, id: int) -> None:
        """Unload a module: module_unload(); on FreeBSD it is asked first (MOD_QUIESCE).

        Raises:
            FileNotFoundError: ENOENT, there is no such module.
            SyscallError: what the module's handler refused; it stays.
        """
        module = self._lookup(id, "kldunload")
        if self._flavour == "freebsd":
            try:
                module.event(MOD_QUIESCE)
            except SyscallError as error:
                if error.errno_name not in ("EOPNOTSUPP", "EINVAL"):
                    raise
        module.event(MOD_UNLOAD)
        del self.loaded[id]

    def event(self, id: int, what: int) -> None:
        """Send an event to a module."""
        self._lookup(id, "module").event(what)

    def modfind(self, process: object, name: object) -> int:
        """Return the id of the module with this name: sys_modfind().

        Raises:
            OSError: EFAULT, a bad pointer; ENAMETOOLONG, the name with its NUL does not fit.
            FileNotFoundError: ENOENT, there is none.
        """
        if not isinstance(name, str):
            raise refusal("modfind", "EFAULT", "the name is read from a pointer that gives no memory")
        longest = _LONGEST_NAME[self._flavour]
        if len(name.encode()) >= longest:
            raise refusal("modfind", "ENAMETOOLONG", f"names of modules have at most {longest - 1} bytes")
        for module in self.loaded.values():
            if module.name == name:
                return module.id
        raise refusal("modfind", "ENOENT", f"no module is called {name!r}")

    def modstat(self, process: object, id: int, version: object) -> ModuleStat:
        """Describe a module: sys_modstat().

        Args:
            version: ``stat.version``, the size of the structure; None: the largest; BAD_POINTER: no structure.

        Raises:
            FileNotFoundError: ENOENT, there is no such module.
            OSError: EFAULT, then EINVAL, no structure has this size.
        """
        module = self._lookup(id, "modstat")
        sizes = STRUCT_SIZES[self._flavour]
        if version is None:
            version = sizes[-1]
        if version is BAD_POINTER or not isinstance(version, int):
            raise refusal("modstat", "EFAULT", "the structure is at a pointer that gives no memory")
        if version not in sizes:
            raise refusal("modstat", "EINVAL", f"stat.version is the size of the structure: one of {sizes}")
        name = module.name
        if version != STRUCT_SIZES["freebsd"][-1]:
            name = name.encode()[:_SHORT_NAME].decode(errors="replace")
        return ModuleStat(version, name, module.refs, module.id, None if version == sizes[0] else module.data)

    def modnext(self, process: object, id: int) -> int:
        """Return the id of the module after this one (0: of the first one), or 0 at the end: sys_modnext().

        Raises:
            FileNotFoundError: ENOENT, there is no such module; for 0, there is none at all.
        """
        ids = [0, *self.loaded]
        if id not in ids or ids == [0]:
            raise refusal("modnext", "ENOENT", f"there is no module {id}" if id else "no module is loaded")
        return [*ids[1:], 0][ids.index(id)]

    def _lookup(self, id: int, call: str) -> Module:
        module = self.loaded.get(id)
        if module is None:
            raise refusal(call, "ENOENT", f"there is no module {id}")
        return module

    def syscall_module(
        self, name: str, entry: SyscallHelperData, chain: Handler | None = None, arg: object = None, flags: int = 0
    ) -> ModuleData:
        """Write down a module with one system call: SYSCALL_MODULE(name, offset, new_sysent, chain, arg).

        Args:
            name: without ``sys/``, which FreeBSD puts before it (MO-1).
            entry: the call and its number; NO_SYSCALL: any free one.  (The manual says 0; that gives EEXIST: MO-8.)
            chain: a handler that gets the events too.
            arg: what it gets.
            flags: FreeBSD: SY_THR_STATIC.
        """
        full = f"sys/{name}" if self._flavour == "freebsd" else name
        return ModuleData(full, self._syscall_module_handler, SyscallModuleData(entry, chain, arg, flags))

    def _syscall_module_handler(self, module: Module, what: int, data: SyscallModuleData) -> None:
        """syscall_module_handler() of sys/kern/kern_syscalls.c."""
        chain = data.chain or _no_chain
        if what == MOD_LOAD:
            try:
                self._table.register(data.entry, data.flags)
            except SyscallError:
                data.failed = True
                raise
            module.data = data.entry.syscall_no
            chain(module, what, data.arg)
        elif what == MOD_UNLOAD:
            if data.failed and self._flavour == "freebsd":
                return  # DragonFly goes on, and writes what was never saved over the slot
            chain(module, what, data.arg)
            self._table.deregister(data.entry)
        elif data.chain is not None:
            data.chain(module, what, data.arg)
        elif self._flavour == "freebsd":
            raise refusal("module", "EOPNOTSUPP", "a module of one system call has no use for this event")


def _no_chain(module: Module, what: int, arg: object) -> None:
    """Agree."""
