"""The signals of ``pydfly run`` that are taken together."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from pydfly.supervisor.foreground import foreground
from pydfly.supervisor.foreground.job import Job
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


@pytest.mark.parametrize("is_for_group", [False, True])
def test_a_slow_deputy_stops_nothing_again(monkeypatch: pytest.MonkeyPatch, is_for_group: bool) -> None:
    """After Ctrl-Z and fg it says for whom the Ctrl-Z was, where the kernel does not tell who has sent a signal."""
    monkeypatch.setattr(foreground.mailbox, "TELLS_SENDER", False)
    requests: list[tuple[object, ...]] = []

    def request(*words: object) -> int:
        requests.append(words)
        return len(requests)

    job = Job(request)
    job.own_group = False
    job.terminal.descriptor = 0  # not used
    run: Any = foreground.Foreground.__new__(foreground.Foreground)
    vars(run).update(_exited=False, _asked=False, _deadline=float("inf"), _job=job, _request=request, _taken=[])
    run._mailbox = SimpleNamespace(ignored=set())
    run._guard = SimpleNamespace(ask_deputy=lambda number, sender: None)
    for _ in range(2):
        requests.clear()
        run._take(info(signal.SIGTSTP))
        run._take(info(signal.SIGCONT))
        run._hear_guard(("met", signal.SIGTSTP, is_for_group))
        assert requests == [("signal", 0)]
        assert not job.is_suspending()
        run._take(info(signal.SIGTSTP))
        run._hear_guard(("met", signal.SIGTSTP, is_for_group))
        assert requests[1:] == [("signal", 0) if is_for_group else ("signal", signal.SIGTSTP)]
        assert job.is_suspending() is is_for_group
