"""Messages between the program that conducts a live world and its processes: pickles with a length, over a socket."""

from __future__ import annotations

import pickle
import socket
from array import array
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
    """Return the next message, and the descriptor that came with it; EOFError: the other side is gone."""
    try:
        length, descriptor = _length_and_descriptor(channel)
        length += _exactly(channel, _LENGTH - len(length))
        content = _exactly(channel, int.from_bytes(length, "big"))
    except ConnectionError:
        raise EOFError("the process at the other end is gone") from None
    return pickle.loads(content), descriptor  # noqa: S301  from our own processes


def _length_and_descriptor(channel: socket.socket) -> tuple[bytes, int | None]:
    """Receive the first bytes, and what came with them.

    Not socket.recv_fds: its control buffer has CMSG_LEN bytes, and FreeBSD closes a descriptor, with MSG_CTRUNC, if
    the padding that CMSG_SPACE counts has no room.
    """
    numbers = array("i")
    length, ancillary, _, _ = channel.recvmsg(_LENGTH, socket.CMSG_SPACE(numbers.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(content[: len(content) // numbers.itemsize * numbers.itemsize])
    return length, numbers[0] if numbers else None


def _exactly(channel: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = channel.recv(size - len(content))
        if not piece:
            raise EOFError("the process at the other end is gone")
        content += piece
    return content
