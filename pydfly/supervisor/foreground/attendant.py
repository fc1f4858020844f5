"""What the owner of a domain in the foreground is told and asked; only type checkers import this."""

from __future__ import annotations

from typing import Any, Protocol


class Attendant(Protocol):
    """What else is done while a command runs."""

    announces: bool
    """Whether ``waiting`` is to be called."""

    def started(self, pid: int) -> None:
        """The command has been executed, with this pid."""

    def spares(self, members: list[tuple[Any, ...]], at_exit: bool) -> list[int]:
        """Return the pids of those that are to live on; ``members`` has the fields of the DescendantInfo of each.

        ``at_exit``: the ending began because the command has ended by itself.
        """

    def waiting(self, members: list[tuple[Any, ...]], rest: float) -> None:
        """These members have not ended yet; they get SIGKILL in ``rest`` seconds, or have got it."""
