"""What is to be run, and how: the one thing that caller, guard and warden all know."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Word = str | bytes


class Launch:
    """One command to run under a warden.

    Args:
        command: program and arguments.
        grace: seconds from SIGTERM to SIGKILL.
        linger: descendants may go on when the command has ended.
        timeout: seconds after which the ending begins.
        pdeathsig: the signal that the command gets when the warden dies; 0 for none.
        env: the environment; None for the one of the caller.
        cwd: the directory to start in; None for the one of the caller.
        spare: the owner wants to be asked whom to spare.
        passed: descriptors besides the standard ones that the command gets.
    """

    def __init__(
        self,
        command: list[Word],
        *,
        grace: float,
        linger: bool,
        timeout: float | None = None,
        pdeathsig: int = 0,
        env: dict[Word, Word] | None = None,
        cwd: Word | None = None,
        spare: bool = False,
        passed: tuple[int, ...] = (),
    ) -> None:
        self.command = command
        self.grace = grace
        self.linger = linger
        self.timeout = timeout
        self.pdeathsig = pdeathsig
        self.env = env
        self.cwd = cwd
        self.spare = spare
        self.passed = passed

    def fields(self) -> dict[str, Any]:
        """Return what ``Launch(**fields)`` makes again."""
        return vars(self)
