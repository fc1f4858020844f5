"""The signals of ``pydfly run`` that are taken together."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from pydfly.supervisor.foreground import foreground
from tests.conftest import live_only

pytestmark = live_only


def info(number: int) -> Any:
    return SimpleNamespace(si_signo=number, si_code=0x80, si_pid=0)  # SI_KERNEL: the terminal's


def stops(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> int:
    """Return how often it stops itself for these signals, which come when the command is gone and a daemon is left."""
    stopped: list[None] = []
    monkeypatch.setattr(foreground.mailbox, "sent_by_kernel", lambda info: True)
    monkeypatch.setattr(foreground.terminal, "stop_myself", lambda: stopped.append(None))
    job = SimpleNamespace(
        terminal=SimpleNamespace(sends=lambda number: number != signal.SIGCONT), continued=lambda: None
    )
    run: Any = foreground.Foreground.__new__(foreground.Foreground)
    vars(run).update(_exited=True, _asked=False, _deadline=float("inf"), _job=job, _request=lambda *_: 0)
    run.launch = SimpleNamespace(wait_all=True)
    run._mailbox = SimpleNamespace(ignored=set())
    run._taken = [info(number) for number in numbers]
    while run._taken:
        run._take(run._taken.pop(0))
    return len(stopped)


def test_a_stop_that_is_over_already_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SIGCONT that came after Ctrl-Z is not pending any more when Ctrl-Z is acted upon."""
    assert stops(monkeypatch, signal.SIGTSTP) == 1
    assert stops(monkeypatch, signal.SIGTSTP, signal.SIGCONT) == 0
    assert stops(monkeypatch, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCONT) == 0
    assert stops(monkeypatch, signal.SIGCONT, signal.SIGTSTP) == 1
