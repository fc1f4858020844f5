"""Messages between the one who conducts a live world and its processes: pickles with a length, over a socket."""

from __future__ import annotations

import pickle
import socket
from typing import Any

_LENGTH = 4  # bytes in front of each message


def send(channel: socket.socket, message: object, descriptor: int | None = None) -> None:
    """Send a message, perhaps with a descriptor for the receiver."""
    content = pickle.dumps(message)
    length = len(content).to_bytes(_LENGTH, "big")
    if descriptor is None:
        channel.sendall(length + content)
    else:
        socket.send_fds(channel, [length], [descriptor])
        channel.sendall(content)


def receive(channel: socket.socket) -> tuple[Any, int | None]:
    """Return the next message, and the descriptor that came with it.

    Raises:
        EOFError: the other side is gone.
    """
    try:
        length, descriptors, _, _ = socket.recv_fds(channel, _LENGTH, 1)
        length += _exactly(channel, _LENGTH - len(length))
        content = _exactly(channel, int.from_bytes(length, "big"))
    except ConnectionError:
        raise EOFError("the process at the other end is gone") from None
    return pickle.loads(content), descriptors[0] if descriptors else None  # noqa: S301  from our own processes


def _exactly(channel: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = channel.recv(size - len(content))
        if not piece:
            raise EOFError("the process at the other end is gone")
        content += piece
    return content
