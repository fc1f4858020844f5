"""A line never waits for its other end."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from pydfly.supervisor import wire
from pydfly.supervisor.keepers import conversation
from pydfly.supervisor.line import Line


@pytest.fixture
def ends() -> tuple[Line, Line]:
    one, other = socket.socketpair()
    for end in (one, other):
        end.setblocking(False)
    return Line(one.detach()), Line(other.detach())


def test_messages_pass(ends: tuple[Line, Line]) -> None:
    one, other = ends
    one.send(("signal", 1))
    one.send(("stop", None))
    assert other.receive() == [("signal", 1), ("stop", None)]
    assert other.receive() == []
    assert not other.closed


def test_a_reader_that_sleeps_does_not_hold_up_the_writer(ends: tuple[Line, Line]) -> None:
    one, other = ends
    messages = [("processes", number, "x" * 100_000) for number in range(20)]
    for message in messages:
        one.send(message)
    got = []
    while len(got) < len(messages):
        got += other.receive()
        one.send()
    assert got == messages


def test_the_end_of_the_other_end(ends: tuple[Line, Line]) -> None:
    one, other = ends
    one.send(("last",))
    os.close(one.descriptor)
    assert other.receive() == [("last",)]
    assert other.closed
    other.send(("into the void",))
    assert other.receive() == []


def test_writing_to_nobody_is_noticed(ends: tuple[Line, Line]) -> None:
    one, other = ends
    os.close(other.descriptor)
    one.send(("anybody?",))
    assert not one.unsent
    assert one.receive() == []
    assert one.closed


class Awake:
    """A mailbox to which nothing comes."""

    def wait(self, timeout: float | None) -> None:
        """Come back at once."""


def test_a_last_word_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those above are dead.  An owner that lives gets all of it; a copy of a dead one, which does not read, ends it."""
    monkeypatch.setattr(conversation, "_PATIENCE", 0.2)
    report = ("ended", {"processes": [f"{number:0100}" for number in range(20_000)]})
    for reads in (True, False):
        ours, theirs = socket.socketpair()
        with theirs:
            talk = conversation.Conversation(ours.detach())
            talk.tell(*report)
            received: list[bytes] = []

            def read(end: socket.socket = theirs, into: list[bytes] = received) -> None:
                while data := end.recv(65536):
                    into.append(data)

            reader = threading.Thread(target=read)
            if reads:
                reader.start()
            assert talk.finish(Awake(), lambda: True) is reads  # type: ignore[arg-type]
            os.close(talk.line.descriptor)
            if reads:
                reader.join()
                assert wire.Unpacker().feed(b"".join(received)) == [report]
