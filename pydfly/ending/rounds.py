"""One ending, played: look who is there, give the policy's orders, say when to look again."""

from __future__ import annotations

from .policy import Policy, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..structs import DescendantInfo, Survivor
    from .policy import Identity, Orders
    from .sending import Refusals

    class Actuator(Protocol):
        """One system's way to find the members of the caller's domain and to signal them."""

        def members(self) -> list[DescendantInfo]: ...
        def signal(self, orders: Orders) -> Refusals: ...
        def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]: ...


CONFIRMATIONS = 3  # listings that must agree that only the spared are left: ECHILD cannot say it then


class Ending:
    """One ending, from the first SIGTERM on.  Whoever drives it waits for children and stops at ECHILD.

    Args:
        actuator: this system's way to find and signal.
        now: seconds of a clock that only goes forward.
        grace: seconds from SIGTERM to SIGKILL.
        saw: told every listing.
        ask: given those about whom nobody has been asked yet; ``spare`` brings the answer.  None: nobody is spared.
        first: the signal of the grace.
    """

    def __init__(
        self,
        actuator: Actuator,
        now: float,
        grace: float,
        saw: Callable[[list[DescendantInfo]], None] | None = None,
        ask: Callable[[list[DescendantInfo]], None] | None = None,
        first: str | int = "SIGTERM",
    ) -> None:
        self.survivors: list[Survivor] = []
        self.spared: list[DescendantInfo] = []
        self._actuator = actuator
        self._policy = Policy(now, grace, first)
        self._saw = saw
        self._ask = ask
        self._asked: list[DescendantInfo] = []
        self._judged: dict[Identity, bool] = {}  # whether it is spared
        self._confirmed = 0

    def hurry(self, now: float) -> None:
        """SIGKILL from now on."""
        self._policy.hurry(now)

    def spare(self, pids: list[int]) -> None:
        """Take the answer: of those asked about, these and everything below them are spared."""
        self._judged.update((identity(member), member.pid in pids) for member in self._asked)
        self._asked = []

    def spare_nobody(self) -> None:
        """Ask no longer: there is nobody who could answer."""
        self._ask = None
        self._judged = {}

    def step(self, now: float) -> float | None:
        """Do what is to be done now.

        Returns:
            Seconds until the next step, unless a child dies before; None when only those are left who cannot be
            ended (``survivors``) or are not to be (``spared``).
        """
        members = self._actuator.members()
        if self._saw:
            self._saw(members)
        if self._ask:
            members = self._without_spared(members)
            self._confirmed = self._confirmed + 1 if self.spared and not members and not self._asked else 0
            if self._confirmed == CONFIRMATIONS:
                return None
        for orders in self._policy.orders(now, members):
            for process, why in self._actuator.signal(orders):
                self._policy.refused(process, why)
            if orders.signal == "SIGKILL" and not self._ask:
                newborn = self._actuator.sweep(members)
                if self._saw:
                    self._saw(newborn)
        verdict = self._policy.verdict(now, members)
        if verdict is not None:
            self.survivors = verdict
            return None
        return self._policy.pause(now)

    def _without_spared(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep those who are known not to be spared; ask about those who are not known."""
        assert self._ask
        spared: dict[int, DescendantInfo] = {}
        others = []
        unknown = []
        for member in members:  # parents come first
            who = identity(member)
            if member.ppid in spared:
                self._judged[who] = True
            if who not in self._judged and member.state != "zombie":
                unknown.append(member)
            elif self._judged.get(who):
                spared[member.pid] = member
            else:
                others.append(member)
        self.spared = list(spared.values())
        if unknown and not self._asked:
            self._asked = unknown
            self._ask(unknown)
        return others


def actuator() -> Actuator:
    """Return the actuator of the backend in force."""
    from ..backends import current

    backend = current()
    if backend.name == "linux":
        from .linux import Scan

        return Scan()
    if backend.flavour == "freebsd":
        from .freebsd import ReapKill

        return ReapKill()
    from .dragonfly import PidHead

    return PidHead()
