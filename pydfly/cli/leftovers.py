"""What is still there when the command has ended: spared, leaked, or waited for."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ..structs import DescendantInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

MOST = 5  # processes that are named in one line


class Leftovers:
    """Judges the members of a domain when it is to be ended.

    What has a name like one of ``globs`` lives on; ``status`` is the exit status for leaks, 0 if it was not asked for.
    """

    def __init__(self, globs: Sequence[str], status: int) -> None:
        self.status = status
        self.leaked: list[DescendantInfo] = []
        self._globs = globs
        self._asked = False

    def spares(self, members: list[tuple[Any, ...]], at_exit: bool) -> list[int]:
        """Return the pids that live on; note the others, if the command has just ended by itself (``at_exit``).

        ``members`` are the fields of DescendantInfo of each.
        """
        infos = [DescendantInfo(*fields) for fields in members]
        spared = {info.pid for info in infos if any(fnmatchcase(info.name, glob) for glob in self._globs)}
        if self.status and at_exit and not self._asked:  # later ones were started by these
            self.leaked = [info for info in infos if info.pid not in spared and info.state != "zombie"]
        self._asked = True
        return sorted(spared)

    def lines(self) -> list[str]:
        """Name the leaked ones."""
        return [f"left behind: {info.name} (pid {info.pid})" for info in self.leaked]


def waiting(members: list[tuple[Any, ...]], rest: float) -> str:
    """Say which processes are still waited for, and for how long; nothing where there are none."""
    infos = [DescendantInfo(*fields) for fields in members]
    living = [f"{info.name} ({info.pid})" for info in infos if info.state != "zombie"]
    if not living:
        return ""
    more = f" and {len(living) - MOST} more" if len(living) > MOST else ""
    when = f"; SIGKILL in {rest:.0f} s" if rest > 0 else ""
    return f"still waiting for {', '.join(living[:MOST])}{more}{when}"
