"""A line never waits for its other end."""

from __future__ import annotations

import os
import socket

import pytest

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
