"""One end of the wire: messages in and out of a socket, without ever waiting for the other end."""

from __future__ import annotations

import os

from .keepers import mailbox
from .wire import GarbageError, Unpacker, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Message

_PIECE = 65536
_PIECES = 64  # at most in one go, so that a noisy end leaves time for everything else


class Line:
    """A socket that does not block, and what did not fit into it yet.

    ``early`` are messages that were received already, and ``unpacker`` has what has come behind those.
    """

    def __init__(self, descriptor: int, early: list[Message] | None = None, unpacker: Unpacker | None = None) -> None:
        self.descriptor = descriptor
        self.closed = False  # the other end is gone, and everything that it has sent was received
        self.broken = False  # the other end is gone, and something was to be sent to it
        self._unpacker = unpacker or Unpacker()
        self._early = early or []
        self._unsent = bytearray()

    @property
    def unsent(self) -> bool:
        """Whether something waits for room in the socket."""
        return bool(self._unsent) and not self.closed

    def receive(self) -> list[Message]:
        """Return the messages that have come; ``closed`` is set when no more will."""
        messages, self._early = self._early, []
        for _ in range(_PIECES):
            if self.closed:
                break
            try:
                data = os.read(self.descriptor, _PIECE)
                messages += self._unpacker.feed(data)
            except BlockingIOError:
                break
            except (OSError, GarbageError):  # reset, or not our protocol: this end can use the line no more
                data = b""
            self.closed = data == b""
        else:
            mailbox.remind()
        return messages

    def put(self, message: Message) -> None:
        """Have a message sent with the next that are: each time of sending wakes the other end."""
        self._unsent += pack(message)

    def send(self, message: Message | None = None) -> None:
        """Send a message, or what is left of earlier ones, as far as it goes."""
        if message is not None:
            self.put(message)
        while self._unsent and not self.closed:
            try:
                sent = os.write(self.descriptor, self._unsent[: 16 * _PIECE])
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):  # no one reads; what the other end wrote can still be read
                self._unsent.clear()
                self.broken = True
                return
            del self._unsent[:sent]
