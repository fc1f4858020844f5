"""The system-call table: how calls get into it, are made through it, and leave it again.

Source: sys/kern/kern_syscalls.c (both systems).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from ...errors import refusal
from ..faults import SimulationError
from .numbers import Layout
from .sysent import (
    MISSING,
    NO_SYSCALL,
    SY_THR_ABSENT,
    SY_THR_STATIC,
    Call,
    SyscallHelperData,
    Sysent,
    lkmnosys,
    lkmressys,
    nosys,
)

INDIRECT = frozenset({0, 198})
"""SYS_syscall and SYS___syscall: the number of the call that is meant is the first argument."""


class SyscallTable:
    """What both systems' tables have in common, and all there is to DragonFly's: kern_syscalls.c.

    Attributes:
        slots: the entries, by number.  Those of the system itself are shared with other kernels: not to be changed.
        missing: what happens on a call that is not there: the process (or None), the number, and whether it is told
            by SIGSYS.
    """

    def __init__(self, layout: Layout, missing: Callable[[Any, int, bool], object]) -> None:
        self.missing = missing
        self.slots = list(_at_boot(layout))

    def install(self, number: int, call: Call, narg: int, flags: int = 0) -> None:
        """Put a call of the kernel's own in its place."""
        self.slots[number] = Sysent(call, narg, flags, SY_THR_STATIC)

    def register(self, entry: SyscallHelperData, flags: int = 0) -> int:
        """Put a call into a free slot: syscall_register().  Always returns 0.

        Args:
            entry: the call and its number.  NO_SYSCALL as number: the lowest free slot, whose number is stored there.
                What was in the slot is stored in ``entry.old``.
            flags: FreeBSD's; DragonFly has none.

        Raises:
            OSError: ENFILE, no slot is free; EINVAL, there is no such number.
            FileExistsError: EEXIST, the slot is not free.
        """
        self._take(entry)
        self.slots[entry.syscall_no] = entry.new.copy()
        return 0

    def deregister(self, entry: SyscallHelperData) -> int:
        """Put back what was there before: syscall_deregister().  Always returns 0.

        DragonFly looks at nothing: a thread inside returns into whatever is there then, and an entry that was never
        registered has zeros to put back.
        """
        if entry.syscall_no:
            self.check_index(entry.syscall_no)
            self.slots[entry.syscall_no] = Sysent(narg=0) if entry.old is None else entry.old.copy()
        return 0

    def check_index(self, number: int) -> None:
        """The kernel does not look: this one says what happens then."""
        if not 0 <= number < len(self.slots):
            raise SimulationError(f"the kernel writes outside its system-call table: slot {number}")

    def _take(self, entry: SyscallHelperData) -> None:
        number = entry.syscall_no
        if number == NO_SYSCALL:
            free = (place for place, slot in enumerate(self.slots) if place and slot.call is lkmnosys)
            number = next(free, NO_SYSCALL)
            if number == NO_SYSCALL:
                raise refusal("syscall_register", "ENFILE", "every slot for calls of modules is taken")
            entry.syscall_no = number
        elif not 0 <= number < len(self.slots):
            raise refusal("syscall_register", "EINVAL", f"numbers are 0 to {len(self.slots) - 1}, not {number}")
        elif self.slots[number].call not in self.registrable:
            raise refusal("syscall_register", "EEXIST", f"slot {number} is taken, or not for modules")
        entry.old = self.slots[number].copy()

    registrable: frozenset[Call] = frozenset({lkmnosys})
    """What stands in the slots that may be taken."""

    def call(self, number: int, args: Sequence[object] = (), capmode: bool = False, process: object = None) -> object:
        """Make a system call.

        Args:
            capmode: the caller is in capability mode (FreeBSD).
        """
        if number in INDIRECT:
            number, args = indirect(args)
        if 0 <= number < len(self.slots):
            slot = self.slots[number]
            if slot.call not in MISSING:
                return slot.call(process, *fit(slot, number, args))
        return self.missing(process, number, True)


@lru_cache
def _at_boot(layout: Layout) -> tuple[Sysent, ...]:
    """Return the entries of a kernel without any implementation."""
    slots = []
    for number in range(layout.size):
        if number in layout.free or number in layout.reserved:
            slots.append(Sysent(lkmnosys if number in layout.free else lkmressys, 0, 0, SY_THR_ABSENT))
        elif number in layout.absent:
            slots.append(Sysent(nosys, 0, 0, SY_THR_ABSENT))
        elif number in layout.old or number in INDIRECT:
            slots.append(Sysent(nosys, 0, 0, SY_THR_STATIC))
        else:
            slots.append(Sysent(_not_modelled(number), 0, 0, SY_THR_STATIC))
    return tuple(slots)


def fit(slot: Sysent, number: int, args: Sequence[object]) -> Sequence[object]:
    """Return as many arguments as the call takes; the kernel does not look at further ones."""
    if len(args) < slot.narg:
        raise SimulationError(
            f"system call {number} takes {slot.narg} arguments and got {len(args)}: it would read whatever the"
            " registers hold"
        )
    return args[: slot.narg]


def indirect(args: Sequence[Any]) -> tuple[int, Sequence[object]]:
    """Return the number and the arguments of the call that syscall(2) is to make."""
    if not args:
        raise SimulationError("syscall(2) takes the number of a call as its first argument")
    return int(args[0]), args[1:]


def _not_modelled(number: int) -> Call:
    """Return the place-holder of a call that the real kernel has, and this one does not."""

    def call(process: object) -> NoReturn:
        raise NotImplementedError(f"system call {number} exists in the real kernel, and is not modelled")

    return call
