"""Domains whose owner is the guard itself: those of services.

The same messages go over the same lines as with an owner outside; see wire.
"""

from __future__ import annotations

import _socket
import os

from ...process_records import DescendantInfo
from ..helper_socket import HelperSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..launch import Launch
    from ..wire import Message
    from .event_loop import EventLoop

    Take = Callable[["OwnedDomain", Message], None]


class Domains:
    """The domains of this process.

    ``hand_down`` takes ("domain", ...) and its descriptors, and closes them (Guard.hand_down).
    """

    def __init__(self, loop: EventLoop, hand_down: Callable[[Message, list[int]], None]) -> None:
        self.loop = loop
        self._hand_down = hand_down
        self._domains: dict[int, OwnedDomain] = {}
        self._number = 0

    def start(self, launch: Launch, cwd: int, targets: dict[int, int], take: Take) -> OwnedDomain:
        """Start a domain; ``targets``: which number in the command is which descriptor here.

        ``take`` is called with the domain and each message of the warden; with ("lost", survivors) if that was killed.
        OSError: EMFILE, ENFILE, ENOMEM: no descriptor for its line is free.
        """
        self._number -= 1  # numbers above belong to the owner of the guard
        mine, its = _socket.socketpair()
        copies: list[int] = []
        try:
            copies = [os.dup(source) for source in (its.fileno(), cwd, *targets.values())]
        except OSError:
            mine.close()
            for copy in copies:
                os.close(copy)
            raise
        finally:
            its.close()
        domain = OwnedDomain(self._number, HelperSocket(mine.detach()), self.loop, take)
        self._domains[self._number] = domain
        self._hand_down(("domain", self._number, list(targets), launch.grace), copies)
        domain.send(("launch", launch.fields()))
        return domain

    def told(self, message: Message) -> bool:
        """Take what guard and deputy say of a domain; False if it is none of these."""
        name, number, value = message
        domain = self._domains.get(number)
        if domain is None:
            return False
        domain.hear()  # what the warden said before counts
        if number in self._domains:
            domain.take(domain, ("failed", (*value, None)) if name == "failed" else ("lost", value))
        return True

    def forget(self, domain: OwnedDomain) -> None:
        """Let go of a domain that is over."""
        self._domains.pop(domain.number, None)
        domain.close()


class OwnedDomain:
    """One domain, by the number that guard and deputy know; ``take`` is called with each message of its warden."""

    def __init__(self, number: int, line: HelperSocket, loop: EventLoop, take: Take) -> None:
        self.number = number
        self.take = take
        self._line = line
        self._loop = loop
        self._serial = 0
        self._questions: dict[int, Callable[[list[DescendantInfo]], None]] = {}
        loop.watch(line.descriptor, self.hear)

    def stop(self, grace: float | None) -> None:
        """Have it ended; None for the grace that it was launched with."""
        self._request("stop", grace)

    def signal(self, number: int) -> None:
        """Have the command signalled."""
        self._request("signal", number)

    def ask_members(self, answer: Callable[[list[DescendantInfo]], None]) -> None:
        """Have the members listed; never answered if the domain ends before."""
        self._request("processes")
        self._questions[self._serial] = answer

    def send(self, message: Message | None = None) -> None:
        """Send a message, or what is left of earlier ones."""
        self._line.send(message)
        if self._line.descriptor >= 0:
            self._loop.interest(self._line.descriptor, read=not self._line.closed, write=self._line.unsent)

    def close(self) -> None:
        """Close the line: if the warden is still there, it ends the domain."""
        if self._line.descriptor >= 0:
            self._loop.forget(self._line.descriptor)
            self._line.close()

    def _request(self, name: str, *values: object) -> None:
        self._serial += 1
        self.send((name, self._serial, *values))

    def hear(self) -> None:
        """Take what its warden has said."""
        if self._line.closed:
            self._loop.forget(self._line.descriptor)  # whether the warden was killed is told by others
            return
        for message, _ in self._line.receive():
            if message[0] == "done" and message[1] in self._questions:
                self._questions.pop(message[1])([DescendantInfo(*fields) for fields in message[2]])
            elif message[0] not in ("done", "refused"):
                self.take(self, message)
        if self._line.descriptor >= 0:
            self.send()
