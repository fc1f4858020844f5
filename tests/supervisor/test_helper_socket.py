"""A channel never waits for its other end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from pydfly.supervisor import wire
from pydfly.supervisor.helper_socket import HelperSocket
from pydfly.supervisor.keepers import owner_requests


@pytest.fixture
def ends() -> Iterator[tuple[HelperSocket, HelperSocket]]:
    one, other = (HelperSocket(end.detach()) for end in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def heard(end: HelperSocket) -> list[wire.Message]:
    return [message for message, _ in end.receive()]


def test_messages_pass(ends: tuple[HelperSocket, HelperSocket]) -> None:
    one, other = ends
    one.send(("signal", 1))
    one.send(("stop", None))
    assert heard(other) == [("signal", 1), ("stop", None)]
    assert heard(other) == []
    assert not other.closed


def test_a_reader_that_sleeps_does_not_hold_up_the_writer(ends: tuple[HelperSocket, HelperSocket]) -> None:
    one, other = ends
    messages = [("processes", number, "x" * 100_000) for number in range(20)]
    for message in messages:
        one.send(message)
    got = []
    while len(got) < len(messages):
        got += heard(other)
        one.send()
    assert got == messages


def test_the_end_of_the_other_end(ends: tuple[HelperSocket, HelperSocket]) -> None:
    one, other = ends
    one.send(("last",))
    one.close()
    assert heard(other) == [("last",)]
    assert other.closed
    other.send(("into the void",))
    assert heard(other) == []


def test_writing_without_a_reader_is_noticed(ends: tuple[HelperSocket, HelperSocket]) -> None:
    one, other = ends
    other.close()
    one.send(("anybody?",))
    assert not one.unsent
    assert heard(one) == []
    assert one.closed


@pytest.mark.parametrize("message", [("domain", 1), ("domain", 1, 5, 0.0), ("launch", {}, None)])
def test_a_message_whose_descriptors_cannot_be_counted(
    ends: tuple[HelperSocket, HelperSocket], message: wire.Message
) -> None:
    """It is none of ours: this end uses the socket no more, and goes on otherwise."""
    one, other = ends
    one.send(message)
    assert heard(other) == []
    assert other.closed


class Awake:
    """A mailbox to which nothing comes."""

    def wait(self, timeout: float | None) -> None:
        """Come back at once."""


def test_a_slow_reader_gets_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that an owner may take begins anew with each piece that it reads."""
    clock = 0.0
    ours, theirs = socket.socketpair()
    received: list[bytes] = []

    class Slow:
        def wait(self, timeout: float) -> None:
            nonlocal clock
            clock += 3.0
            received.append(theirs.recv(300_000))

    monkeypatch.setattr(owner_requests, "time", SimpleNamespace(monotonic=lambda: clock))
    report = ("ended", {"processes": [f"{number:0100}" for number in range(20_000)]})
    with theirs:
        talk = owner_requests.OwnerRequests(HelperSocket(ours.detach()))
        talk.tell(*report)
        assert talk.finish(Slow(), lambda: True) is True  # type: ignore[arg-type]
        talk.line.close()
        received += iter(lambda: theirs.recv(65536), b"")
    assert clock > 2 * owner_requests._PATIENCE
    assert wire.Unpacker().feed(b"".join(received)) == [report]


def test_a_last_word_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those above are dead.  An owner that lives gets all of it; a copy of a dead one, which does not read, ends it."""
    report = ("ended", {"processes": [f"{number:0100}" for number in range(20_000)]})
    for reads in (True, False):
        monkeypatch.setattr(owner_requests, "_PATIENCE", 20.0 if reads else 0.2)
        ours, theirs = socket.socketpair()
        with theirs:
            talk = owner_requests.OwnerRequests(HelperSocket(ours.detach()))
            talk.tell(*report)
            received: list[bytes] = []

            def read(end: socket.socket = theirs, into: list[bytes] = received) -> None:
                while data := end.recv(65536):
                    into.append(data)

            reader = threading.Thread(target=read)
            if reads:
                reader.start()
            assert talk.finish(Awake(), lambda: True) is reads  # type: ignore[arg-type]
            talk.line.close()
            if reads:
                reader.join()
                assert wire.Unpacker().feed(b"".join(received)) == [report]
