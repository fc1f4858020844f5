"""The warden's talk with its owner: requests in, answers out.  Each request is met or refused with a reason."""

from __future__ import annotations

import _signal
import time

from ..wire import error_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ...structs import DescendantInfo
    from ..helper_socket import HelperSocket
    from ..wire import Message
    from .mailbox import Mailbox

    class Domain(Protocol):
        """What an owner can ask for: the domain."""

        def launched(self, fields: dict[str, Any]) -> None: ...
        def signal(self, number: int, to_group: bool = False) -> None: ...
        def stop(self, grace: float | None) -> None: ...
        def spare(self, question: int, pids: list[int]) -> None: ...
        def members(self) -> list[DescendantInfo]: ...


_PATIENCE = 5.0  # seconds for an owner that may be gone, since it read last


class OwnerRequests:
    """The warden's end of the line; ``early`` is what the owner has said already."""

    def __init__(self, line: HelperSocket, early: list[Message] | None = None) -> None:
        self.line = line
        self._early = early or []
        self._questions = 0

    def hear(self, domain: Domain) -> None:
        """Do what the owner asks."""
        early, self._early = self._early, []
        for message in [*early, *(message for message, _ in self.line.receive())]:
            try:
                self._answer(domain, message)
            except (TypeError, ValueError, IndexError, OverflowError):
                self._refuse(message, ValueError(f"no such request: {message[0]}"))
        self.line.send()

    def _answer(self, domain: Domain, message: Message) -> None:
        name, serial, *values = message
        if name == "launch":
            domain.launched(serial)
            return
        if name == "spare":
            domain.spare(serial, [int(pid) for pid in values[0]])
            return
        try:
            value = self._meet(domain, name, values)
        except OSError as error:
            self._refuse(message, error)
        else:
            self.line.send(("done", serial, value))

    def _meet(self, domain: Domain, name: str, values: list[object]) -> object:
        if name == "signal":
            domain.signal(_signal_number(values[0]), len(values) > 1 and bool(values[1]))
            return None
        if name == "stop":
            domain.stop(None if values[0] is None else _seconds(values[0]))
            return None
        if name == "processes":
            return [tuple(member) for member in domain.members()]
        raise ValueError(name)

    def _refuse(self, message: Message, error: BaseException) -> None:
        self.line.send(("refused", message[1] if len(message) > 1 else None, error_fields(error)))

    def ask(self, members: list[DescendantInfo]) -> None:
        """Ask which of these are to be spared."""
        self._questions += 1
        self.line.send(("ask", self._questions, [tuple(member) for member in members]))

    def is_last_question(self, question: int) -> bool:
        """Say whether an answer belongs to the last question."""
        return question == self._questions

    def finish(self, box: Mailbox, is_cut: Callable[[], bool]) -> bool:
        """Send what is left, however long the owner takes to read it, and say whether it could have been read.

        Args:
            is_cut: those above this process are gone.  The owner may live, and reads a long report in a moment; or it
                is gone as well, and a copy of it that other code has forked holds its end open without reading.
        """
        self.line.send()
        end = float("inf")
        while self.line.unsent:
            if is_cut():
                end = min(end, time.monotonic() + _PATIENCE)
            if time.monotonic() >= end:
                return False
            box.wait(0.02)
            if self.line.send():  # it reads, however slowly
                end = float("inf")
        if self.line.broken:  # the owner has closed its end, or so the kernel says: nothing more can be read then
            self.line.receive()
            return self.line.closed
        return True

    def tell(self, *message: object) -> None:
        """Tell the owner something, before this process sleeps."""
        self.line.put(message)


def _signal_number(value: object) -> int:
    if not isinstance(value, int) or (value and value not in _signal.valid_signals()):  # 0: is it there?
        raise ValueError(f"{value!r} is no signal")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError(f"{value!r} is no number of seconds")
    return float(value)
