"""Calls that make a child without telling its pid: when they are over, as a thread that waits for orphans sees it."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from pydfly import reaper
from pydfly.backends import child_records, forked_children
from tests.conftest import linux_only
from tests.processes import eventually, in_process

TRUE = ["/bin/sh", "-c", "exit 7"]


def settle() -> int:
    """Take in what is known, and say how many children are being made."""
    with forked_children.lock:
        forked_children.settle([], lambda pid: 0.0)
        return len(forked_children._unnamed())


@linux_only
def test_a_call_goes_on_while_its_thread_is_in_the_hook_that_notes_it() -> None:
    """Another thread looked there just then: the child was taken for an orphan, and os.system() returned -1."""

    def played() -> list[int]:
        seen: list[int] = []

        def look_from_elsewhere() -> None:
            thread = threading.Thread(target=lambda: seen.append(settle()))
            thread.start()
            thread.join()

        forked_children.watch(list)
        forked_children.listener = look_from_elsewhere
        os.system("exit 7")
        forked_children.listener = None
        return [*seen, settle()]

    assert in_process(played) == [1, 0]


@linux_only
def test_a_call_that_begins_while_the_last_one_is_found_to_be_over_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def played() -> int:
        forked_children.watch(list)
        os.system("exit 7")
        frames = sys._current_frames()

        def begin_another() -> object:
            forked_children._hear("os.system", ())
            return frames

        monkeypatch.setattr(sys, "_current_frames", begin_another)
        return settle()

    assert in_process(played) == 1


@linux_only
def test_children_of_several_calls_are_left_to_their_caller() -> None:
    """Of a copy of posix_spawn() from before, which says no pid; nothing is reaped between the calls."""
    by_name = os.posix_spawn

    def played() -> tuple[object, ...]:
        reaper.acquire()
        pids = []
        for _ in range(2):
            pids.append(by_name(TRUE[0], TRUE, os.environ))
            later = time.monotonic() + 4 * child_records.TICK  # more than birthdays differ by
            eventually(lambda later=later: time.monotonic() > later)
        for pid in pids:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return reaper.reap(), [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]

    assert in_process(played) == ([], [7, 7])
