"""One ending, played: look who is there, give the policy's orders, say when to look again."""

from __future__ import annotations

from .policy import Policy, Survivor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..structs import DescendantInfo

    class Actuator(Protocol):
        """One system's way to find the members of the caller's domain and to signal them."""

        def members(self) -> list[DescendantInfo]: ...
        def signal(self, targets: list[DescendantInfo], signal: str) -> list[tuple[DescendantInfo, str]]: ...


class Ending:
    """One ending, from the first SIGTERM on.  Whoever drives it waits for children and stops at ECHILD.

    Args:
        actuator: this system's way to find and signal.
        now: seconds of a clock that only goes forward.
        grace: seconds from SIGTERM to SIGKILL.
        saw: told every listing.
    """

    def __init__(
        self, actuator: Actuator, now: float, grace: float, saw: Callable[[list[DescendantInfo]], None] | None = None
    ) -> None:
        self._actuator = actuator
        self._policy = Policy(now, grace)
        self._saw = saw
        self.survivors: list[Survivor] = []
        self._spared: set[int] = set()

    def hurry(self, now: float) -> None:
        """SIGKILL from now on."""
        self._policy.hurry(now)

    def step(self, now: float) -> float | None:
        """Do what is to be done now.

        Returns:
            Seconds until the next step, unless a child dies before; None when those who are left (``survivors``)
            cannot be ended.
        """
        members = self._actuator.members()
        if self._saw:
            self._saw(members)
        for signal, targets in self._policy.orders(now, members):
            for process, why in self._actuator.signal(targets, signal):
                self._policy.refused(process, why)
        verdict = self._policy.verdict(now, members)
        if verdict is not None:
            self.survivors = verdict
            return None
        return self._policy.pause(now)


def actuator() -> Actuator:
    """Return the actuator of the backend in force."""
    from ..backends import current

    backend = current()
    if backend.name == "linux":
        from ..backends.procfs import ProcFs
        from .scan import Scan

        return Scan(ProcFs())
    raise NotImplementedError
