"""One end of the wire: messages in and out of a socket, without ever waiting for the other end."""

from __future__ import annotations

import os

from .wire import Unpacker, missing, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Message

_PIECE = 65536


class Line:
    """A socket that does not block, and what did not fit into it yet.

    Args:
        descriptor: of a connected stream socket, non-blocking.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.closed = False  # the other end is gone
        self._unpacker = Unpacker()
        self._unsent = b""

    def receive(self) -> list[Message]:
        """Return the messages that have come; ``closed`` is set when no more will."""
        messages: list[Message] = []
        while not self.closed:
            try:
                data = os.read(self.descriptor, _PIECE)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data = b""
            self.closed = data == b""
            messages += self._unpacker.feed(data)
        return messages

    def receive_first(self) -> Message | None:
        """Wait for one message, and take no byte of the next; None when the other end is gone before."""
        os.set_blocking(self.descriptor, True)
        messages: list[Message] = []
        data = b""
        while not messages:
            piece = os.read(self.descriptor, missing(data))
            if not piece:
                return None
            data += piece
            messages = Unpacker().feed(data)
        os.set_blocking(self.descriptor, False)
        return messages[0]

    def send(self, message: Message | None = None) -> None:
        """Send a message, or what is left of earlier ones, as far as it goes."""
        if message is not None:
            self._unsent += pack(message)
        while self._unsent and not self.closed:
            try:
                self._unsent = self._unsent[os.write(self.descriptor, self._unsent) :]
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self.closed = True

    def finish(self) -> None:
        """Send everything, however long the other end takes to read it."""
        os.set_blocking(self.descriptor, True)
        self.send()
