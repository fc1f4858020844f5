"""What is remembered of each process."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from pydfly.structs import DescendantInfo
from pydfly.supervisor.keepers import journal as journals
from pydfly.supervisor.keepers.journal import Journal

USAGE = SimpleNamespace(ru_utime=0.5, ru_stime=0.25, ru_maxrss=1000)


def test_the_command() -> None:
    journal = Journal()
    journal.command(10, "sleep")
    journal.collected(10, 3 << 8, USAGE)
    (record,) = journal.processes
    assert (record["pid"], record["name"], record["parent"], record["status"], record["signal"]) == (
        10,
        "sleep",
        os.getpid(),
        3,
        None,
    )
    assert record["rusage"] == {"user_time": 0.5, "system_time": 0.25, "max_rss": 1000}
    assert record["start"] <= record["end"]


def test_a_signal() -> None:
    journal = Journal()
    journal.command(10, "sleep")
    journal.collected(10, 9, USAGE)
    assert (journal.processes[0]["status"], journal.processes[0]["signal"]) == (None, 9)


def test_an_orphan_keeps_the_parent_it_was_first_seen_with() -> None:
    journal = Journal()
    journal.saw([DescendantInfo(11, 10, "worker", "sleeping", 5.0)])
    journal.saw([DescendantInfo(11, 1, "renamed", "sleeping", 5.0)])
    journal.collected(11, 0, USAGE)
    (record,) = journal.processes
    assert (record["parent"], record["name"], record["start"]) == (10, "renamed", 5.0)


def test_a_reused_pid_is_another_process() -> None:
    journal = Journal()
    journal.saw([DescendantInfo(11, 10, "one", "sleeping", 5.0)])
    journal.saw([DescendantInfo(11, 10, "other", "sleeping", 6.0)])
    assert [record["name"] for record in journal.processes] == ["one", "other"]


def test_an_orphan_that_was_never_listed() -> None:
    journal = Journal()
    journal.collected(12, 0, USAGE)
    assert journal.processes[0]["name"] is None
    assert journal.processes[0]["status"] == 0


def test_the_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST", 3)
    journal = Journal()
    for pid in range(10, 20):
        journal.saw([DescendantInfo(pid, 1, "seen", "sleeping", 5.0)])
        journal.saw([DescendantInfo(pid, 1, "seen again", "zombie", 5.0)])
    for pid in range(10, 20):
        journal.collected(pid, 0, USAGE)
    assert [record["pid"] for record in journal.processes] == [10, 11, 12]
    assert journal.unlisted == 7
