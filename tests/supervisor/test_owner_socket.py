"""The owner's end of a socket: nothing is lost, doubled or mixed up, whatever comes in between."""

from __future__ import annotations

import os
import socket
from array import array
from typing import Any

import pytest

from pydfly.supervisor.descriptors import Descriptors
from pydfly.supervisor.owner_socket import OwnerSocket
from pydfly.supervisor.wire import Unpacker, pack
from tests.live import onlooker


@pytest.fixture
def ends() -> Any:
    mine, its = socket.socketpair()
    yield OwnerSocket(mine), its
    mine.close()
    its.close()


def test_messages_in_pieces(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    taken: list[tuple[Any, ...]] = []
    for byte in pack(("started", 1)) + pack(("exited", 2)):
        other.send(bytes([byte]))
        sock.receive(taken.append)
    assert taken == [("started", 1), ("exited", 2)]
    assert not sock.closed
    other.close()
    sock.receive(taken.append)
    assert sock.closed


def test_a_handler_may_receive_while_a_message_is_taken(ends: tuple[OwnerSocket, socket.socket]) -> None:
    """The nested call takes all that has come; the outer one may repeat a message, but loses none."""
    sock, other = ends
    taken: list[tuple[Any, ...]] = []
    nested: list[tuple[Any, ...]] = []

    def take(message: tuple[Any, ...]) -> None:
        if not nested:
            other.send(pack(("exited", 2)))
            sock.receive(nested.append)
        taken.append(message)

    other.send(pack(("started", 1)))
    sock.receive(take)
    sock.receive(take)
    assert nested == [("started", 1), ("exited", 2)]
    assert set(taken) <= set(nested)
    other.send(pack(("ended", 3)))
    sock.receive(take)
    assert taken[-1] == ("ended", 3)


def test_a_message_that_was_not_taken_is_taken_later(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    taken: list[tuple[Any, ...]] = []

    def interrupted(message: tuple[Any, ...]) -> None:
        raise KeyboardInterrupt

    other.send(pack(("started", 1)) + pack(("exited", 2)))
    with pytest.raises(KeyboardInterrupt):
        sock.receive(interrupted)
    sock.receive(taken.append)
    assert taken == [("started", 1), ("exited", 2)]


def test_garbage_closes(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    other.send(b"\xff" * 100)
    sock.receive(lambda message: pytest.fail(str(message)))
    assert sock.closed


def test_what_does_not_fit_is_sent_later(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    messages = [("launch", number, b"x" * 3_000_000) for number in range(2)]
    for message in messages:
        sock.send(message)
    unpacker = Unpacker()
    received: list[tuple[Any, ...]] = []
    other.setblocking(False)
    while len(received) < 2:
        sock.flush()
        received += unpacker.feed(other.recv(1 << 20))
    assert received == messages
    assert not sock.unsent


def test_more_descriptors_than_one_message_carries(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    owner = Descriptors()
    before = onlooker.descriptors()
    numbers = [owner.open(os.devnull, os.O_RDONLY) for _ in range(300)]
    sock.send(("domain", 1), numbers, owner)
    del owner
    data, received = b"", array("i")
    while len(received) < 300 or Unpacker().feed(data) == []:
        sock.flush()
        piece, ancillary, _, _ = other.recvmsg(65536, 65536)
        data += piece
        for _, _, content in ancillary:
            received.frombytes(content)
    assert Unpacker().feed(data) == [("domain", 1)]
    for number in received:
        os.close(number)
    assert onlooker.descriptors() == before, "the senders are closed once they were sent"


def test_the_other_end_is_gone(ends: tuple[OwnerSocket, socket.socket]) -> None:
    sock, other = ends
    other.send(pack(("ended", 1)))
    other.close()
    sock.send(("stop", 1, None))
    sock.flush()
    taken: list[tuple[Any, ...]] = []
    sock.receive(taken.append)
    assert taken == [("ended", 1)], "what was written before can still be read"
    assert not sock.unsent
