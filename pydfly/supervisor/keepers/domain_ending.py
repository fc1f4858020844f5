"""The ending of a warden's domain, and when its next step is due."""

from __future__ import annotations

import time

from ...ending.drive import Ending
from .domain import take_precedence
from .keeper import GATHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ending.warden_domain import OwnChildren
    from ...structs import DescendantInfo
    from ..launch import Launch

    Told = Callable[[list[DescendantInfo]], None]


class DomainEnding:
    """One ending, from the stop signal on.

    Args:
        children: the members of the domain.
        launch: says the grace, the stop signal and the kill mode.
        grace: seconds, instead of the launch's; None for those.
        saw: told each listing.
        ask: asks which members are to be spared; None if none is.
        command: pid of the command, 0 when it has ended.
    """

    def __init__(
        self, children: OwnChildren, launch: Launch, grace: float | None, saw: Told, ask: Told | None, command: int
    ) -> None:
        take_precedence()
        self.due = time.monotonic()
        """When the next step is due, on the monotonic clock."""
        grace = launch.grace if grace is None else grace
        self.plan = Ending(children, self.due, grace, saw, ask, launch.stop_signal, launch.kill_mode, command)

    @property
    def leaves_some(self) -> bool:
        """Whether processes live on: spared, or impossible to end."""
        return bool(self.plan.survivors or self.plan.spared)

    def hurry(self, grace: float | None) -> None:
        """Shorten the grace; None leaves it."""
        if grace is not None:
            self.due = time.monotonic()
            self.plan.hurry(self.due + grace)

    def spare(self, pids: list[int]) -> None:
        """Take the owner's answer to which members to spare."""
        self.plan.spare(pids)
        self.due = time.monotonic()

    def gather(self) -> None:
        """A process has died: look again soon, but not for each of many deaths."""
        self.due = min(self.due, time.monotonic() + GATHER)

    def command_ended(self) -> None:
        """The command has died: what it has left is asked to end now."""
        self.plan.command_ended()
        self.gather()

    def step(self) -> bool:
        """Take a step, and say whether it was the last: what is left cannot be ended, or is not to be."""
        now = time.monotonic()
        pause = self.plan.step(now)
        if pause is not None:
            self.due = now + pause
        return pause is None
