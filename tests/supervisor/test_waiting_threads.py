"""The threads that wait for news, and exceptions at every line of that."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from pydfly.errors import SupervisionError
from pydfly.supervisor import waiting_threads


class Guard:
    """News that come at the second look."""

    def __init__(self) -> None:
        self.looks = 0
        self.was_left = 0
        self.is_over = False

    def exchange_within(self, timeout: float) -> None:
        """Look."""
        self.looks += 1

    def expects_news(self) -> bool:
        """Say that more will come."""
        return not self.is_over

    def is_cut(self) -> bool:
        """Say that there are helpers."""
        return False

    def wake(self) -> None:
        """Continue the helpers."""

    def kick(self) -> None:
        """Another turn of this thread goes on."""

    def left(self) -> None:
        """Note that no thread waits any more."""
        self.was_left += 1


def wait(waiting: waiting_threads.WaitingThreads, guard: Guard) -> None:
    """Wait for the news."""
    waiting.until(guard, lambda: guard.looks > 2, 10, lambda: "news")


def test_an_exception_at_any_line_leaves_no_turn_behind() -> None:
    """One that stays would be taken for a thread that reads, and the others would sleep for ever."""
    code = waiting_threads.WaitingThreads.until.__code__
    lines = sorted({line for _, _, line in code.co_lines() if line})
    hit = 0
    for at in lines:
        waiting, guard = waiting_threads.WaitingThreads(), Guard()

        def trace(frame: FrameType, event: str, argument: object, at: int = at) -> Any:
            if frame.f_code is code and event == "line" and frame.f_lineno == at:
                raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            wait(waiting, guard)
        except KeyboardInterrupt:
            hit += 1
        finally:
            sys.settrace(before)
        assert not waiting, at
    assert hit > 10


def test_it_is_told_what_has_not_come() -> None:
    """The text names it, and no turn is left."""
    waiting, guard = waiting_threads.WaitingThreads(), Guard()
    with pytest.raises(TimeoutError, match="the end of the world not within"):
        waiting.until(guard, lambda: False, 0.01, lambda: "the end of the world")
    assert not waiting
    assert guard.was_left


def test_who_ends_everything_in_the_middle_of_a_wait_ends_the_wait() -> None:
    """A signal handler may do that right after the condition was asked: then nothing is left to read from."""
    waiting, guard = waiting_threads.WaitingThreads(), Guard()
    answers = iter([False])

    def ended() -> bool:
        guard.is_over = True
        return next(answers, True)

    waiting.until(guard, ended, 10, lambda: "the end")
    assert not waiting


def test_a_wait_for_news_that_cannot_come_is_an_error() -> None:
    """The handle was closed by another thread."""
    waiting, guard = waiting_threads.WaitingThreads(), Guard()
    guard.is_over = True
    with pytest.raises(SupervisionError, match="closed"):
        waiting.until(guard, lambda: False, None, lambda: "the end")
    assert not waiting
