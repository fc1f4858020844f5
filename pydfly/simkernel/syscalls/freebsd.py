"""FreeBSD's system-call table: arrays of calls, static entries, capability mode, and removal that waits.

Sources: sys/kern/kern_syscalls.c; sys/kern/subr_syscall.c, syscallenter().  Nothing sleeps here: a removal that has to
wait for threads inside asks ``while_draining`` each time the kernel would look again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ...errors import SyscallError, refusal
from ..faults import SimulationError
from .numbers import Layout
from .sysent import (
    MISSING,
    NO_SYSCALL,
    REGISTRABLE,
    SY_THR_ABSENT,
    SY_THR_DRAINING,
    SY_THR_INCR,
    SY_THR_STATIC,
    SYF_CAPENABLED,
    SyscallHelperData,
    Sysent,
)
from .table import INDIRECT, SyscallTable, fit, indirect

POLL = 0.5
"""Seconds between two looks at a call that is being drained."""


class FreeBSDTable(SyscallTable):
    """FreeBSD's table: helper arrays, static entries, capability mode, and removal that waits.

    Attributes:
        while_draining: called with the number of a call and the seconds waited so far, each time that the kernel
            looks whether the last thread has left; it lets threads leave, or raises to give up.
    """

    registrable = REGISTRABLE

    def __init__(
        self,
        layout: Layout,
        missing: Callable[[Any, int, bool], object],
        absent_is_told: bool,
        pause: Callable[[float], None],
    ) -> None:
        super().__init__(layout, missing)
        self._absent_is_told = absent_is_told
        self._pause = pause
        self._running: list[int] = []
        self.while_draining: Callable[[int, float], None] | None = None

    def register(self, entry: SyscallHelperData, flags: int = 0) -> int:
        """Put a call into a free slot: kern_syscall_register().  Always returns 0.

        Args:
            entry: the call and its number, as on DragonFly.
            flags: 0, or SY_THR_STATIC: it can never be removed.

        Raises:
            OSError: EINVAL, any other flag, or no such number; ENFILE, no slot is free.
            FileExistsError: EEXIST, the slot is not free.
        """
        if flags & ~SY_THR_STATIC:
            raise refusal("syscall_register", "EINVAL", "no flag but SY_THR_STATIC is known")
        self._take(entry)
        entry.new.thrcnt = SY_THR_ABSENT
        slot = self.slots[entry.syscall_no] = entry.new.copy()
        slot.thrcnt = flags
        return 0

    def deregister(self, entry: SyscallHelperData) -> int:
        """Wait until no thread is inside, and put back what was there before: kern_syscall_deregister().  Returns 0.

        Raises:
            OSError: EINVAL, the entry is static.
            SimulationError: this would wait for ever.
        """
        for waited in self.deregistering(entry):
            if entry.syscall_no in self._running:
                raise SimulationError(f"system call {entry.syscall_no} waits for itself to return, for ever")
            if self.while_draining is None:
                raise SimulationError(
                    f"{self.slots[entry.syscall_no].inside} threads are inside system call {entry.syscall_no}, and"
                    " nothing runs while the kernel waits for them (see while_draining)"
                )
            self.while_draining(entry.syscall_no, waited)
        return 0

    def deregistering(self, entry: SyscallHelperData) -> Iterator[float]:
        """Do deregister() step by step: yield the seconds waited so far, whenever the kernel goes to sleep."""
        number = entry.syscall_no
        if number == 0:
            return
        self.check_index(number)
        slot = self.slots[number]
        if slot.thrcnt & SY_THR_STATIC:
            raise refusal("syscall_deregister", "EINVAL", f"system call {number} is static")
        if slot.thrcnt & SY_THR_ABSENT:
            raise SimulationError(f"there is no call in slot {number}, and the kernel waits for ever for it to go")
        slot.thrcnt |= SY_THR_DRAINING
        waited = 0.0
        while slot.thrcnt != SY_THR_DRAINING:
            yield waited
            self._pause(POLL)
            waited += POLL
        slot.thrcnt = SY_THR_ABSENT
        self.slots[number] = Sysent(narg=0) if entry.old is None else entry.old.copy()

    def call(self, number: int, args: Sequence[object] = (), capmode: bool = False, process: object = None) -> object:
        """Make a system call: syscallenter().  Order: number, capability mode, absent or draining; then the call."""
        if number in INDIRECT:
            number, args = indirect(args)
        slot = self._admit(number, capmode, process)
        if slot.call in MISSING:
            return self.missing(process, number, True)
        if len(args) != slot.narg:
            args = fit(slot, number, args)
        if slot.thrcnt & SY_THR_STATIC:
            return slot.call(process, *args)
        self._running.append(number)
        slot.thrcnt += SY_THR_INCR
        try:
            return slot.call(process, *args)
        finally:
            slot.thrcnt -= SY_THR_INCR
            self._running.pop()

    def enter(self, number: int, capmode: bool = False, process: object = None) -> Inside:
        """Hold a thread inside a call that it has entered, until ``leave()``: syscall_thread_enter()."""
        return Inside(self._admit(number, capmode, process))

    def _admit(self, number: int, capmode: bool, process: object) -> Sysent:
        slot = self.slots[number if 0 <= number < len(self.slots) else 0]
        if capmode and not slot.flags & SYF_CAPENABLED:
            raise refusal("syscall", "ECAPMODE", f"system call {number} is not allowed in capability mode")
        if slot.thrcnt & (SY_THR_ABSENT | SY_THR_DRAINING):
            self.missing(process, number, self._absent_is_told)
        return slot

    def helper_register(self, entries: Sequence[SyscallHelperData], flags: int = 0) -> int:
        """Register every entry up to the terminator, or none: kern_syscall_helper_register().  Returns 0.

        The roll-back unregisters the whole array, what was registered before this call too (SH-9), and cannot remove
        static entries (SH-8).

        Raises:
            OSError, FileExistsError: as register(); ENFILE cannot happen (SH-4).
            SimulationError: the array has no terminator.
        """
        place = 0
        while (entry := _at(entries, place)).syscall_no != NO_SYSCALL:
            try:
                self.register(entry, flags)
            except SyscallError:
                self.helper_unregister(entries)
                raise
            entry.registered = 1
            place += 1
        return 0

    def helper_unregister(self, entries: Sequence[SyscallHelperData]) -> int:
        """Deregister entries from the first to the last registered one: kern_syscall_helper_unregister().

        Always returns 0 (SH-7): a static entry stays, and is called unregistered all the same (SH-8).
        """
        place = 0
        while (entry := _at(entries, place)).registered:
            with suppress(SyscallError):  # the kernel ignores the result
                self.deregister(entry)
            entry.registered = 0
            place += 1
        return 0


class Inside:
    """A thread that is inside a system call; a ``with`` block, or ``leave()``, lets it return."""

    def __init__(self, slot: Sysent) -> None:
        self._slot: Sysent | None = None if slot.thrcnt & SY_THR_STATIC else slot
        if self._slot is not None:
            self._slot.thrcnt += SY_THR_INCR

    def leave(self) -> None:
        """Return from the call: syscall_thread_exit().  A second time it does nothing."""
        if self._slot is not None:
            self._slot.thrcnt -= SY_THR_INCR
            self._slot = None

    def __enter__(self) -> Inside:
        return self

    def __exit__(self, *exception: object) -> None:
        self.leave()


def _at(entries: Sequence[SyscallHelperData], place: int) -> SyscallHelperData:
    """Return an element, or say that the kernel would have run off the array (SH-10)."""
    if place >= len(entries):
        raise SimulationError("the kernel runs off the array: it has no terminator (SYSCALL_INIT_LAST)")
    return entries[place]
