"""Resident executables of a simulated machine: sys/kern/imgact_resident.c.

A registration keeps a snapshot of the caller's address space, its stack included; a later exec of the same vnode
starts from a copy of it (RX-6, RX-7).  The rules for ids are in ``resident_rules``.
"""

from __future__ import annotations

from copy import deepcopy

from ... import resident_rules
from ...errors import refusal
from ...structs import ResidentEntry
from ..credentials import is_privileged
from ..proc import Proc
from ..vnodes import Vnode

SIZEOF_XRESIDENT = 1168
"""Bytes of one entry of vm.resident: ``struct xresident`` of sys/sys/resident.h."""


class Registration:
    """``struct vmresident``: one registered vnode with its snapshot."""

    __slots__ = ("entry", "id", "pages", "stack", "vnode")

    def __init__(self, id: int, vnode: Vnode, entry: int, process: Proc) -> None:
        self.id = id
        self.vnode = vnode
        self.entry = entry
        self.pages = deepcopy(process.pages)
        self.stack = process.stack

    def restore(self, process: Proc) -> None:
        """Give a process that was just executed a copy of the snapshot; only argv and environment are its own.

        The new strings are put on top of the registrant's stack, which stays readable below (seen on a running
        system: a secret in the registrant's environment can be found there).
        """
        process.pages = deepcopy(self.pages)
        process.stack = (*process.stack, *self.stack)


class Residents:
    """The kernel's list of registrations, in their order (RX-1)."""

    def __init__(self) -> None:
        self.registrations: dict[Vnode, Registration] = {}

    def of(self, text: Vnode | None) -> Registration | None:
        """Return the registration of a file: its vnode knows it (``v_resident``)."""
        return None if text is None else self.registrations.get(text)

    def register(self, process: Proc, entry: int) -> None:
        """sys_exec_sys_register(): the address is never looked at."""
        resident_rules.require_privilege(is_privileged(process), "exec_sys_register")
        text = process.text
        id = resident_rules.new_id(len(self.registrations), None if text is None else text in self.registrations)
        assert text is not None
        self.registrations[text] = Registration(id, text, entry, process)

    def unregister(self, process: Proc, id: int) -> int:
        """sys_exec_sys_unregister(): return how many were removed (RS-1); what they started goes on (RX-7)."""
        resident_rules.require_privilege(is_privileged(process), "exec_sys_unregister")
        own = self.of(process.text)
        entries = list(self.registrations.values())
        positions = resident_rules.removed([entry.id for entry in entries], id, None if own is None else own.id)
        for position in positions:
            del self.registrations[entries[position].vnode]
        return len(positions)

    def listing(self, process: Proc, length: int | None) -> list[ResidentEntry]:
        """sysctl_vm_resident() with a buffer of so many bytes; it is filled as far as whole entries fit."""
        resident_rules.require_privilege(is_privileged(process), "vm.resident")
        entries = [
            ResidentEntry(entry.id, entry.entry, entry.vnode.path, entry.vnode.size, entry.vnode.dev, entry.vnode.ino)
            for entry in self.registrations.values()
        ]
        if length is not None and length < len(entries) * SIZEOF_XRESIDENT:
            fitting = entries[: length // SIZEOF_XRESIDENT]
            raise refusal("vm.resident", "ENOMEM", "the buffer is too short for the list", result=fitting)
        return entries

    def length(self, process: Proc) -> int:
        """sysctl_vm_resident() without a buffer: the number of entries, not of bytes (VR-3)."""
        resident_rules.require_privilege(is_privileged(process), "vm.resident")
        return len(self.registrations)
