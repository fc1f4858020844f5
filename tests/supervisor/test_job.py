"""The command as a job of a shell: what a Ctrl-Z means that comes as the command dies."""

from __future__ import annotations

import signal

from pydfly.supervisor.foreground.job import Job
from tests.conftest import live_only

pytestmark = live_only


def made() -> tuple[Job, list[int]]:
    """Return a job, and the serial numbers of its requests."""
    asked: list[int] = []

    def request(name: str, *values: object) -> int:
        assert (name, values) == ("signal", (0,))
        asked.append(len(asked) + 1)
        return asked[-1]

    return Job(request), asked


def test_it_is_open_until_the_warden_has_looked_for_the_dead_twice() -> None:
    job, asked = made()
    assert not job.is_suspending()
    job.suspended()
    for serial in (1, 2):
        assert job.is_suspending()
        assert asked[-1] == serial
        job.answered(serial)
    assert not job.is_suspending()
    assert asked == [1, 2]


def test_a_stop_of_the_command_or_a_continuation_settles_it() -> None:
    job, _ = made()
    job.terminal.descriptor = -1  # nothing to give back
    job.suspended()
    job.stopped(signal.SIGTSTP)
    assert not job.is_suspending()
    job.suspended()
    job.continued()
    assert not job.is_suspending()
    job.answered(3)  # of the continuation
    assert not job.is_suspending()


def test_a_continuation_settles_what_the_deputy_has_not_answered() -> None:
    """Each answer belongs to the first question that is open."""
    job, _ = made()
    job.doubted(signal.SIGTSTP)
    assert not job.is_undone(signal.SIGTSTP)
    for _ in range(2):
        job.doubted(signal.SIGTSTP)
    job.continued()
    job.doubted(signal.SIGTSTP)
    assert [job.is_undone(signal.SIGTSTP) for _ in range(3)] == [True, True, False]
    job.doubted(signal.SIGTERM)
    job.continued()
    assert not job.is_undone(signal.SIGTERM)
