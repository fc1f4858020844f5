"""More deaths at once than a helper collects in one turn."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from pydfly.ending import warden_domain
from pydfly.supervisor.keepers import dead_children, keeper
from tests.conftest import live_only
from tests.processes import in_process

MANY = 100


def collectors() -> dict[str, Callable[[], tuple[Callable[[], object], Callable[[], bool]]]]:
    """Return by name what makes a collector, and what says whether it has come to ECHILD."""

    def of_a_warden() -> tuple[Callable[[], object], Callable[[], bool]]:
        dead = dead_children.DeadChildren(warden_domain.listing())
        return dead.collect, lambda: dead.childless

    def of_a_keeper() -> tuple[Callable[[], object], Callable[[], bool]]:
        kept = keeper.Keeper(warden_domain.listing())
        return kept.collect, lambda: kept.childless

    return {"warden": of_a_warden, "keeper": of_a_keeper}


@live_only
@pytest.mark.parametrize("who", collectors())
def test_all_are_collected_after_a_single_signal(monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """All have died before their SIGCHLD is taken, so the kernel sends no other: the helper must not sleep then."""
    monkeypatch.setattr(dead_children, "MOST", 7)
    monkeypatch.setattr(dead_children, "DETAILED", 3)
    monkeypatch.setattr(keeper, "MOST", 10)

    def look() -> int:
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # the BSDs discard a blocked one otherwise
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        collect, is_done = collectors()[who]()
        for _ in range(MANY):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        turns = 0
        while not is_done():
            if signal.sigtimedwait([signal.SIGCHLD], 5) is None:
                return -turns
            collect()
            turns += 1
        return turns

    assert in_process(look) >= MANY // 10
