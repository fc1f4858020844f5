"""The warden that waits for the next launch of a ``Supervisor``: so a start is one hop down and one hop up.

The owner orders it right after a start.  To guard and deputy it is a domain like any other, whose number and grace they
know before it exists; only its launch comes later, over the line and with the descriptors of the command.  So no death
in between is a case of its own:

- It is killed before the launch: the line is at its end, and the start goes the long way, over guard and deputy.
- It is killed with the launch in its socket, or later: ("lost", number, ...), as for every warden.
- The owner dies or lets go: the line is cut.  Guard or deputy die: the lifeline is.

It ends when no launch has come for a while, and a launch may come at exactly that moment.  So a byte in a pipe decides:
the warden writes it when it waits, the owner reads it before it sends, the warden reads it back before it gives up.
Only one of the two can get it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from . import start_guard
from .descriptors import Descriptors, closed_in_forks
from .owner_socket import OwnerSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import Protocol

    from .prepare import Prepared
    from .wire import Message

    class Domain(Protocol):
        """One domain of a guard."""

        line: OwnerSocket

        def take(self, message: Message) -> None: ...

    class Guard(Protocol):
        """A guard and its domains."""

        control: OwnerSocket
        reserve: Reserve

        @property
        def numbers(self) -> Iterator[int]: ...
        @property
        def handles(self) -> MutableMapping[int, Domain]: ...
        def send(self, sock: OwnerSocket) -> None: ...


_NEXT = "next"
SECOND = 2  # the start after which a warden is ordered: after two commands there may be more


def send_launch(guard: Guard, handle: Domain, number: int, prepared: Prepared, reserved: Reserved | None) -> None:
    """Send what is to be run, and order a warden for the next launch.

    ``reserved`` is the warden that waits for it; None to have one started.  OSError: ETOOMANYREFS, too many descriptors
    are under way.
    """
    fields, grace = prepared.launch.fields(), prepared.launch.grace
    if reserved:
        handle.line.send(("launch", fields, prepared.targets), prepared.sources, prepared.inner)
    else:
        guard.control.send(("domain", number, prepared.targets, grace), prepared.sources, prepared.inner)
        handle.line.send(("launch", fields))
        guard.send(guard.control)
    guard.send(handle.line)
    if reserved and reserved.last_word:  # it came after the claim, and before the handle was known
        handle.take(reserved.last_word)
    if number >= SECOND:
        guard.reserve.order(guard, grace)


class Reserved:
    """A warden that was ordered for a domain of this grace; OSError: EMFILE, ENFILE, ENOMEM."""

    def __init__(self, guard: Guard, grace: float) -> None:
        self.grace = grace
        self.last_word: Message | None = None
        """What guard or deputy have said of it: that it was killed, or could not be started."""
        inner = Descriptors()
        mine, its = start_guard.pair()
        self.line = OwnerSocket(mine)
        with its:
            reading, writing = inner.pipe()
            os.set_blocking(reading, False)
            self._token = Descriptors()
            closed_in_forks.add(self._token)
            self._token.copy(reading)
            sent = [inner.copy(its.fileno()), reading, writing]
        self.number = next(guard.numbers)
        guard.handles[self.number] = self
        guard.control.send(("ahead", self.number, grace), sent, inner)
        guard.send(guard.control)

    def take(self, message: Message) -> None:
        """Take what guard or deputy say of it."""
        self.last_word = message

    def is_claimed(self) -> bool:
        """Have it for a launch, if it waits for one: at most one call gets it."""
        try:
            return bool(os.read(self._token.numbers[0], 1))
        except BlockingIOError:
            return False

    def is_dead(self) -> bool:
        """Say whether it has ended, or could not be started."""
        return self.last_word is not None or self.line.is_cut()


class Reserve:
    """The warden that waits, if any, as its owner sees it."""

    def __init__(self) -> None:
        self._kept: dict[str, Reserved] = {}  # pop() takes it out in one step, without an error that keeps frames alive

    def claim(self, grace: float) -> Reserved | None:
        """Return the warden that waits; None if there is none yet, or none for domains of this grace."""
        reserved = self._kept.pop(_NEXT, None)  # first: if an exception comes from here on, it is let go of
        if reserved is None or reserved.grace != grace or reserved.is_dead():
            return None
        if reserved.is_claimed():
            return reserved
        self._kept[_NEXT] = reserved  # it does not wait yet
        return None

    def order(self, guard: Guard, grace: float) -> None:
        """Order the next one, if there is none; without it a start only takes longer."""
        if self._kept:
            return
        with suppress(OSError):
            self._kept[_NEXT] = Reserved(guard, grace)

    def close(self) -> None:
        """Let go of it: it ends."""
        self._kept.clear()
