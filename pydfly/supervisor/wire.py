"""The messages between an owner and its warden, to bytes and back.

A message is a tuple of plain values whose first is its name.  marshal, because both ends are the same interpreter
running the same package, nobody else can write to the socket, and it costs no import.

From the owner::

    ("launch", fields, pid)         the first: what to run, and who asks for it
    ("signal", number)              to the command, or to what it left behind when it has ended
    ("stop", grace or None)         end the domain; None for the grace it was launched with
    ("processes", question)         who is there?
    ("spare", pids)                 the answer to ("ask", ...)

From the warden::

    ("started", pid)                the command has been executed
    ("failed", errno, path)         it could not be; nothing else follows
    ("exited", status)              the command has ended (wait status)
    ("processes", question, list)   fields of DescendantInfo for each
    ("ask", list)                   whom of these to spare?
    ("ended", report)               nobody is left, or nobody who could be ended; nothing else follows
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = tuple[Any, ...]

_SIZE = 4


def pack(message: Message) -> bytes:
    """Return the bytes of one message."""
    body = marshal.dumps(message)
    return len(body).to_bytes(_SIZE, "big") + body


def missing(data: bytes) -> int:
    """Return how many bytes to read next, so as not to read into another message."""
    if len(data) < _SIZE:
        return _SIZE - len(data)
    return _SIZE + int.from_bytes(data[:_SIZE], "big") - len(data)


class Unpacker:
    """Bytes in, in pieces of any size; messages out."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes and return the messages that are complete now."""
        self._bytes += data
        messages = []
        while len(self._bytes) >= _SIZE:
            end = _SIZE + int.from_bytes(self._bytes[:_SIZE], "big")
            if len(self._bytes) < end:
                break
            messages.append(marshal.loads(self._bytes[_SIZE:end]))  # noqa: S302  see above: no stranger writes here
            self._bytes = self._bytes[end:]
        return messages
