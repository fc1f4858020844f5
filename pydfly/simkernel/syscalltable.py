"""The system-call table: how calls get into it, are made through it, and leave it again.

Sources: sys/kern/kern_syscalls.c (both systems); FreeBSD's sys/kern/subr_syscall.c, syscallenter().  Nothing sleeps
here: a removal that has to wait for threads inside asks ``while_draining`` each time the kernel would look again.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from ..errors import SyscallError, refusal
from .faults import SimulationError
from .sysent import (
    MISSING,
    NO_SYSCALL,
    REGISTRABLE,
    SY_THR_ABSENT,
    SY_THR_DRAINING,
    SY_THR_INCR,
    SY_THR_STATIC,
    SYF_CAPENABLED,
    Sysent,
    lkmnosys,
    lkmressys,
    nosys,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, NoReturn

    from .callnumbers import Layout
    from .process import Process
    from .sysent import Call, SyscallHelperData

INDIRECT = frozenset({0, 198})
"""SYS_syscall and SYS___syscall: the number of the call that is meant is the first argument."""
POLL = 0.5
"""Seconds between two looks at a call that is being drained."""


class SyscallTable:
    """What both systems' tables have in common, and all there is to DragonFly's: kern_syscalls.c.

    Attributes:
        slots: the entries, by number.  Those that nobody registered are shared with other kernels: not to be changed.
        missing: what happens on a call that is not there: the process (or None), the number, and whether it is told
            by SIGSYS.
    """

    def __init__(self, layout: Layout, missing: Callable[[Process | None, int, bool], object]) -> None:
        self.missing = missing
        self.slots = list(_at_boot(layout))

    def install(self, number: int, call: Call, narg: int, flags: int = 0) -> None:
        """Put a call of the kernel's own in its place."""
        self.slots[number] = Sysent(call, narg, flags, SY_THR_STATIC)

    def register(self, entry: SyscallHelperData, flags: int = 0) -> int:
        """Put a call into a slot that is to be had: syscall_register().  Always returns 0.

        Args:
            entry: the call and its number.  NO_SYSCALL as number: the lowest free slot, whose number is stored there.
                What was in the slot is stored in ``entry.old``.
            flags: FreeBSD's; DragonFly has none.

        Raises:
            OSError: ENFILE, no slot is free; EINVAL, there is no such number.
            FileExistsError: EEXIST, the slot is not to be had.
        """
        self._take(entry)
        self.slots[entry.syscall_no] = entry.new.copy()
        return 0

    def deregister(self, entry: SyscallHelperData) -> int:
        """Put back what was there before: syscall_deregister().  Always returns 0.

        DragonFly looks at nothing: whoever is inside returns into whatever there is, and an entry that was never
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

    def call(
        self, number: int, args: Sequence[object] = (), capmode: bool = False, process: Process | None = None
    ) -> object:
        """Make a system call.

        Args:
            number: which.
            args: its arguments.
            capmode: the caller is in capability mode (FreeBSD).
            process: who calls.
        """
        if number in INDIRECT:
            number, args = _indirect(args)
        if 0 <= number < len(self.slots):
            slot = self.slots[number]
            if slot.call not in MISSING:
                return slot.call(process, *_fit(slot, number, args))
        return self.missing(process, number, True)


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
        missing: Callable[[Process | None, int, bool], object],
        absent_is_told: bool,
        pause: Callable[[float], None],
    ) -> None:
        super().__init__(layout, missing)
        self._absent_is_told = absent_is_told
        self._pause = pause
        self._running: list[int] = []
        self.while_draining: Callable[[int, float], None] | None = None

    def register(self, entry: SyscallHelperData, flags: int = 0) -> int:
        """Put a call into a slot that is to be had: kern_syscall_register().  Always returns 0.

        Args:
            entry: the call and its number, as on DragonFly.
            flags: 0, or SY_THR_STATIC: it can never be removed.

        Raises:
            OSError: EINVAL, any other flag, or no such number; ENFILE, no slot is free.
            FileExistsError: EEXIST, the slot is not to be had.
        """
        if flags & ~SY_THR_STATIC:
            raise refusal("syscall_register", "EINVAL", "no flag but SY_THR_STATIC is known")
        self._take(entry)
        entry.new.thrcnt = SY_THR_ABSENT
        slot = self.slots[entry.syscall_no] = entry.new.copy()
        slot.thrcnt = flags
        return 0

    def deregister(self, entry: SyscallHelperData) -> int:
        """Wait until nobody is inside, and put back what was there before: kern_syscall_deregister().  Returns 0.

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

    def call(
        self, number: int, args: Sequence[object] = (), capmode: bool = False, process: Process | None = None
    ) -> object:
        """Make a system call: syscallenter().  Order: number, capability mode, absent or draining; then the call."""
        if number in INDIRECT:
            number, args = _indirect(args)
        slot = self._admit(number, capmode, process)
        if slot.call in MISSING:
            return self.missing(process, number, True)
        if len(args) != slot.narg:
            args = _fit(slot, number, args)
        if slot.thrcnt & SY_THR_STATIC:
            return slot.call(process, *args)
        self._running.append(number)
        slot.thrcnt += SY_THR_INCR
        try:
            return slot.call(process, *args)
        finally:
            slot.thrcnt -= SY_THR_INCR
            self._running.pop()

    def enter(self, number: int, capmode: bool = False, process: Process | None = None) -> Inside:
        """Hold a thread inside a call that it has entered, until ``leave()``: syscall_thread_enter()."""
        return Inside(self._admit(number, capmode, process))

    def _admit(self, number: int, capmode: bool, process: Process | None) -> Sysent:
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


def _at(entries: Sequence[SyscallHelperData], place: int) -> SyscallHelperData:
    """Return an element, or say that the kernel would have run off the array (SH-10)."""
    if place >= len(entries):
        raise SimulationError("the kernel runs off the array: it has no terminator (SYSCALL_INIT_LAST)")
    return entries[place]


def _fit(slot: Sysent, number: int, args: Sequence[object]) -> Sequence[object]:
    """Return as many arguments as the call takes; the kernel does not look at further ones."""
    if len(args) < slot.narg:
        raise SimulationError(
            f"system call {number} takes {slot.narg} arguments and got {len(args)}: it would read whatever the"
            " registers hold"
        )
    return args[: slot.narg]


def _indirect(args: Sequence[Any]) -> tuple[int, Sequence[object]]:
    """Return the number and the arguments of the call that syscall(2) is to make."""
    if not args:
        raise SimulationError("syscall(2) takes the number of a call as its first argument")
    return int(args[0]), args[1:]


def _not_modelled(number: int) -> Call:
    """Return the place-holder of a call that the real kernel has, and this one does not."""

    def call(process: object) -> NoReturn:
        raise NotImplementedError(f"system call {number} exists in the real kernel, and is not modelled")

    return call
