"""What the warden (or the guard) knows of every process it met: the matter of the report.

Plain dictionaries, because they go over the wire and into JSON.  A domain can have more processes than anybody
wants to read about, so their number is bounded; those beyond are counted.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..structs import DescendantInfo

MOST = 10_000


class Journal:
    """The processes of one domain, the command first."""

    def __init__(self) -> None:
        self._records: dict[int, dict[str, Any]] = {}  # of those not collected yet, by pid
        self.processes: list[dict[str, Any]] = []
        self.unlisted = 0

    def command(self, pid: int, name: str) -> None:
        """Note that the command was started."""
        self._note(pid, name, os.getpid(), time.time())

    def saw(self, members: list[DescendantInfo]) -> None:
        """Note who is there."""
        for member in members:
            known = self._records.get(member.pid)
            if known is None or abs(known["start"] - member.start_time) > 0.5 and known["pid"] != self._first():
                self._note(member.pid, member.name, member.ppid, member.start_time)
            elif member.state != "zombie":
                known["name"] = member.name  # an exec changes it

    def collected(self, pid: int, status: int, usage: Any) -> None:
        """Note how a child ended: its wait status and what it used."""
        record = self._records.pop(pid, None) or self._note(pid, None, None, None)
        self._records.pop(pid, None)
        record["status"] = os.waitstatus_to_exitcode(status)
        record["end"] = time.time()
        record["user_time"] = usage.ru_utime
        record["system_time"] = usage.ru_stime
        record["max_rss"] = usage.ru_maxrss

    def _first(self) -> int | None:
        return self.processes[0]["pid"] if self.processes else None

    def _note(self, pid: int, name: str | None, parent: int | None, start: float | None) -> dict[str, Any]:
        record = {"pid": pid, "name": name, "parent": parent, "start": start, "status": None, "end": None}
        record |= {"user_time": None, "system_time": None, "max_rss": None}
        if len(self.processes) < MOST:
            self.processes.append(record)
            self._records[pid] = record
        else:
            self.unlisted += 1
        return record
