"""What the warden knows of every process it met: the report is made of it.

Plain dictionaries, because they go over the wire and into JSON.  A domain can have more processes than a person
wants to read about, so their number is bounded; those beyond are counted.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...ending.drive import Ending
    from ...structs import DescendantInfo
    from ..launch import Launch

    Record = dict[str, Any]

MOST = 10_000


class Journal:
    """The processes of one domain, the command first."""

    def __init__(self) -> None:
        self.processes: list[Record] = []
        self.unlisted = 0
        self._open: dict[int, Record] = {}  # by pid, those that were not collected
        self._command: Record | None = None

    def command(self, pid: int, name: str) -> None:
        """Note that the command was started."""
        self._command = self._note(pid, name, os.getpid(), time.time())

    def knows(self, pid: int) -> bool:
        """Say whether a living or uncollected process was noted."""
        return pid in self._open

    def saw(self, members: list[DescendantInfo]) -> None:
        """Note which processes are there."""
        for member in members:
            known = self._open.get(member.pid)
            start = member.start_time or None  # of a hidden process it is not known
            if known is not None and (
                known is self._command or known["start"] == start or None in (known["start"], start)
            ):
                known["start"] = known["start"] or start
                if start is not None:
                    known["name"] = member.name  # an exec changes it
            elif len(self.processes) < MOST:  # beyond, each is counted once: when it is collected
                self._note(member.pid, member.name, member.ppid, start)

    def collected(self, pid: int, status: int, usage: Any) -> None:
        """Note how a child ended: its wait status and what it used."""
        record = self._open.pop(pid, None) or self._note(pid, None, os.getpid(), None)
        self._open.pop(pid, None)
        _end(record, status)
        record["rusage"] = {
            "user_time": usage.ru_utime,
            "system_time": usage.ru_stime,
            "max_rss": usage.ru_maxrss,
        }

    def counted(self, pid: int, status: int) -> None:
        """Note that a child ended, in a storm of deaths: only an existing record is completed."""
        record = self._open.pop(pid, None)
        if record is None:
            self.unlisted += 1
        else:
            _end(record, status)

    def report(self, launch: Launch, pid: int, status: int | None, ending: Ending | None) -> dict[str, Any]:
        """Say what ran, how it ended and what is left, in plain values; ``status``: the wait status of the command."""
        code = None if status is None else os.waitstatus_to_exitcode(status)
        return {
            "command": [os.fsdecode(word) for word in launch.command],
            "pid": pid,
            "exit_status": code if code is None or code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "end": time.time(),
            "processes": self.processes,
            "unlisted": self.unlisted,
            "survivors": [survivor._asdict() for survivor in ending.survivors] if ending else [],
            "spared": [member._asdict() for member in ending.spared] if ending else [],
        }

    def _note(self, pid: int, name: str | None, parent: int, start: float | None) -> Record:
        record: Record = {"pid": pid, "name": name, "parent": parent, "status": None, "signal": None}
        record |= {"rusage": None, "start": start, "end": None}
        if len(self.processes) < MOST:
            self.processes.append(record)
            self._open[pid] = record
        else:
            self.unlisted += 1
        return record


def _end(record: Record, status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    record["status"], record["signal"] = (code, None) if code >= 0 else (None, -code)
    record["end"] = time.time()
