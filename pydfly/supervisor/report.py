"""What the caller reads when everything is over."""

from __future__ import annotations

from ..ending.policy import Step
from ..named_tuple import NamedTuple
from ..structs import DescendantInfo, Survivor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DescendantInfo", "ProcessRecord", "Report", "Step", "Survivor", "Usage", "read"]


class Usage(NamedTuple):
    """What a process used, its collected children included: getrusage(2)."""

    user_time: float
    """Seconds in user mode."""
    system_time: float
    """Seconds in the kernel."""
    max_rss: int
    """The most memory it had at once: kilobytes on Linux and the BSDs."""


class ProcessRecord(NamedTuple):
    """One process that the warden met.  None: another process collected it, so the warden does not know."""

    pid: int
    """Process id."""
    name: str | None
    """Name of the command, as last seen."""
    parent: int
    """Process id of the parent when it was first seen: the warden's for an adopted orphan."""
    status: int | None
    """Exit status; None when a signal ended it."""
    signal: int | None
    """The signal that ended it."""
    rusage: Usage | None
    """What it used."""
    start: float | None
    """When it started, seconds since the epoch."""
    end: float | None
    """When it was collected, seconds since the epoch."""


class Report(NamedTuple):
    """How a domain ended."""

    command: list[str]
    """Program and arguments."""
    pid: int
    """Process id of the command."""
    exit_status: int | None
    """Its exit status; None when a signal ended it, or when it is among the survivors or the spared."""
    signal: int | None
    """The signal that ended it."""
    reason: str
    """Why the ending began."""
    start: float
    """When the command was started, seconds since the epoch."""
    end: float
    """When everything was over, seconds since the epoch."""
    processes: list[ProcessRecord]
    """Every process that the warden met, the command first."""
    unlisted: int
    """How many more there were than a report holds."""
    survivors: list[Survivor]
    """The processes that could not be ended, and why."""
    spared: list[DescendantInfo]
    """The processes that ``spare`` let live; the next reaper above the caller has adopted them."""

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain dictionaries, lists, strings and numbers, ready for JSON."""
        plain = self._asdict()
        processes = [record._asdict() for record in self.processes]
        for record in processes:
            record["rusage"] = record["rusage"] and record["rusage"]._asdict()
        plain["processes"] = processes
        plain["survivors"] = [survivor._asdict() for survivor in self.survivors]
        plain["spared"] = [member._asdict() for member in self.spared]
        return plain


def read(plain: dict[str, Any]) -> Report:
    """Make the report of the plain values that came over the wire."""
    processes = [
        ProcessRecord(**record | {"rusage": Usage(**record["rusage"]) if record["rusage"] else None})
        for record in plain["processes"]
    ]
    survivors = [Survivor(**left) for left in plain["survivors"]]
    spared = [DescendantInfo(**left) for left in plain["spared"]]
    return Report(**plain | {"processes": processes, "survivors": survivors, "spared": spared})
