"""Resident executables of a simulated machine: sys/kern/imgact_resident.c.

A registration keeps a snapshot of the caller's address space, its stack included; a later exec of the same vnode
starts from a copy of it (RX-6, RX-7).  The rules for ids are in ``residency``.
"""

from __future__ import annotations

from copy import deepcopy

from ..errors import refusal
from ..structs import ResidentEntry
from .credentials import is_privileged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .process import Process
    from .vnodes import Vnode


class Registration:
    """``struct vmresident``: one registered vnode with its snapshot."""

    __slots__ = ("entry", "id", "pages", "stack", "vnode")

    def __init__(self, id: int, vnode: Vnode, entry: int, process: Process) -> None:
        self.id = id
        self.vnode = vnode
        self.entry = entry
        self.pages = deepcopy(process.pages)
        self.stack = process.stack

    def restore(self, process: Process) -> None:
        """Give a process that was just executed a copy of the snapshot; only argv and environment are its own.

        The new strings are put on top of the registrant's stack, which stays readable below (seen on a running
        system: a secret in the registrant's environment can be found there).
        """
        process.pages = deepcopy(self.pages)
        process.stack = (*process.stack, *self.stack)


class Residents:
    """The kernel's list of registrations, and its counter."""

    def __init__(self) -> None:
        self.registrations: list[Registration] = []
        self.counter = 0

    def of(self, vnode: Vnode | None) -> Registration | None:
        """Return the registration of this vnode (RX-2: there is at most one)."""
        return next((entry for entry in self.registrations if entry.vnode is vnode), None)

    def register(self, process: Process, entry: int) -> None:
        """sys_exec_sys_register(): EPERM, ENOENT, EEXIST in this order; the address is never looked at."""
        _require_privilege(process, "exec_sys_register")
        text = process.text
        if text is None:
            raise refusal("exec_sys_register", "ENOENT")
        if self.of(text) is not None:
            raise refusal("exec_sys_register", "EEXIST")
        self.counter += 1  # ++exec_res_id
        self.registrations.append(Registration(self.counter, text, entry, process))

    def unregister(self, process: Process, id: int) -> int:
        """sys_exec_sys_unregister(): remove every entry with this id; return how many there were (RS-1)."""
        _require_privilege(process, "exec_sys_unregister")
        if id == -1:
            own = self.of(process.text)
            if own is not None:
                id = own.id
        kept = [entry for entry in self.registrations if id != -2 and entry.id != id]
        removed = len(self.registrations) - len(kept)
        if not removed:
            raise refusal("exec_sys_unregister", "ENOENT")
        self.registrations = kept
        self.counter -= removed  # exec_res_id-- for each
        return removed

    def listing(self, process: Process) -> list[ResidentEntry]:
        """sysctl_vm_resident() with a buffer that is large enough: EPERM first (VR-1)."""
        _require_privilege(process, "vm.resident")
        return [
            ResidentEntry(entry.id, entry.entry, entry.vnode.path, entry.vnode.size, entry.vnode.dev, entry.vnode.ino)
            for entry in self.registrations
        ]

    def length(self, process: Process) -> int:
        """sysctl_vm_resident() without a buffer: the number of entries, not of bytes (VR-3)."""
        _require_privilege(process, "vm.resident")
        return self.counter


def _require_privilege(process: Process, call: str) -> None:
    if not is_privileged(process):
        raise refusal(call, "EPERM")
