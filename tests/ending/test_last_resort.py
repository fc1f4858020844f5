"""The last resort of a helper: it needs no more than the kernel's list of children, a small piece of it at a time."""

from __future__ import annotations

import os
import resource

import pytest

from pydfly.ending import warden_domain
from pydfly.ending.last_resort import kill_until_gone
from pydfly.supervisor.keepers import own_process
from tests.conftest import linux_only
from tests.processes import end, fork, in_process, pause

MANY = 100  # their pids take more than one piece


def children(count: int) -> list[int]:
    return [fork(pause) for _ in range(count)]


@linux_only
@pytest.mark.parametrize("count", [0, 1, MANY])
def test_each_child_is_listed_piece_by_piece(count: int) -> None:
    def look() -> tuple[list[int], list[int]]:
        pids = children(count)
        found = list(warden_domain.listing().each())
        for pid in pids:
            end(pid)
        return pids, found

    pids, found = in_process(look)
    assert found == pids


@linux_only
def test_children_are_ended_where_the_whole_list_finds_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 20,000 children it takes megabytes, which a command of the same user can take away (RLIMIT_AS)."""

    def no_memory() -> list[int]:
        raise MemoryError

    def look() -> tuple[list[int], str]:
        listing = warden_domain.listing()
        children(MANY)
        monkeypatch.setattr(listing, "pids", no_memory)
        refused = kill_until_gone(listing)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return refused, "no child is left"
        return refused, "some are left"

    assert in_process(look) == ([], "no child is left")


@linux_only
def test_no_precedence_where_real_time_is_limited() -> None:
    """Beyond RLIMIT_RTTIME the kernel kills, and a helper that ends a storm does not sleep."""

    def look() -> int:
        resource.setrlimit(resource.RLIMIT_RTTIME, (1000, 1000))
        own_process.take_precedence(will_fork=True)
        return os.sched_getscheduler(0)

    assert in_process(look) == os.SCHED_OTHER


@linux_only
@pytest.mark.parametrize("name", ["waitpid", "waitid"])
def test_a_process_that_may_not_wait_is_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(warden_domain, name, refuse)
    with pytest.raises(PermissionError):
        warden_domain.listing()


@linux_only
def test_a_process_that_may_not_signal_is_told_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    with pytest.raises(PermissionError):
        warden_domain.listing()


@linux_only
def test_children_that_are_to_live_on_do() -> None:
    """A script that has executed ``pydfly run`` may have started something before; all else is ended beside it."""

    def look() -> tuple[list[int], list[int], set[int]]:
        before = children(4)[0]
        gone = fork(lambda: None)
        os.waitid(os.P_PID, gone, os.WEXITED | os.WNOWAIT)
        kept = {before, gone}
        listing = warden_domain.listing()
        refused = kill_until_gone(listing, kept)
        left = listing.pids()
        end(before)
        return refused, [left.index(before), len(left)], kept - {before}

    assert in_process(look) == ([], [0, 1], set())
