"""One ending, driven: list the members, give the policy's orders, say when to look again."""

from __future__ import annotations

from .policy import EVERYONE, Orders, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ..structs import DescendantInfo, Survivor
    from .policy import Identity
    from .sending import Refusals

    class Actuator(Protocol):
        """One system's way to find the members of the caller's domain and to signal them."""

        def members(self) -> list[DescendantInfo]: ...
        def signal(self, orders: Orders) -> Refusals: ...
        def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]: ...


CONFIRMATIONS = 3  # listings that must agree that only the spared are left: ECHILD cannot say it then
GATHER = 0.02  # seconds between two looks during the grace, however fast the deaths come
PATIENT_QUESTIONS = 3  # after so many, members that are not known yet are stopped until the answer is here


class Ending:
    """One ending, from the stop signal on.  Its driver collects the dead between two steps, and stops at ECHILD.

    Args:
        now: seconds of a clock that only goes forward.
        saw: told every listing.
        ask: given the members about which nothing is known yet; ``spare`` brings the answer.  None: none is spared.
        first, mode, command: see ``Policy``.
    """

    def __init__(
        self,
        actuator: Actuator,
        now: float,
        grace: float,
        saw: Callable[[list[DescendantInfo]], None] | None = None,
        ask: Callable[[list[DescendantInfo]], None] | None = None,
        first: str | int = "SIGTERM",
        mode: str = EVERYONE,
        command: int = 0,
    ) -> None:
        self.due = now
        """When the next step is due, on the same clock."""
        self.survivors: list[Survivor] = []
        self.spared: list[DescendantInfo] = []
        self._actuator = actuator
        self._policy = Policy(now, grace, first, mode, command)
        self._saw = saw
        self._ask = ask
        self._asked: list[DescendantInfo] = []
        self._judged: dict[Identity, bool] = {}  # whether it is spared
        self._confirmed = 0
        self._questions = 0
        self._frozen = False  # whether members were stopped to be asked about

    @property
    def leaves_some(self) -> bool:
        """Whether processes live on: spared, or impossible to end."""
        return bool(self.survivors or self.spared)

    def hurry(self, kill_at: float) -> None:
        """SIGKILL from that time on at the latest."""
        self.due = 0.0
        self._policy.hurry(kill_at)

    def gather(self, now: float) -> None:
        """A process has died: look again soon, but not for each of many deaths."""
        self.due = min(self.due, now + GATHER)

    def command_ended(self) -> None:
        """Take note that the command has ended: its pid may be another's from now on."""
        self._policy.command = 0

    def spare(self, pids: list[int]) -> None:
        """Take the answer: of those asked about, these and everything below them are spared."""
        self._judged.update((member.identity, member.pid in pids) for member in self._asked)
        if self._frozen:
            spared = [member for member in self._asked if member.pid in pids]
            self._actuator.signal(Orders("SIGCONT", spared, float("inf")))
        self._asked = []
        self.due = 0.0

    def spare_none(self) -> None:
        """Ask no longer: there is no owner to answer."""
        self._ask = None
        self._judged = {}

    def step(self, now: float) -> float | None:
        """Do what is to be done now.

        Returns:
            Seconds until the next step, unless a child dies before; None when only those are left that cannot be
            ended (``survivors``) or are not to be (``spared``).
        """
        members = self._actuator.members()
        if self._saw:
            self._saw(members)
        if self._ask:
            members = self._without_spared(now, members)
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
        pause = self._policy.pause(now)
        self.due = now + pause
        return pause

    def _without_spared(self, now: float, members: list[DescendantInfo]) -> list[DescendantInfo]:
        """Keep the members that are known not to be spared; ask about those that are not known yet."""
        assert self._ask
        spared: dict[int, DescendantInfo] = {}
        others = []
        unknown = []
        for member in members:  # parents come first
            known = member.identity
            if member.ppid in spared:
                self._judged[known] = True
            if known not in self._judged and member.state != "zombie":
                unknown.append(member)
            elif self._judged.get(known):
                spared[member.pid] = member
            else:
                others.append(member)
        self.spared = list(spared.values())
        if unknown and now >= self._policy.kill_at and self._questions >= PATIENT_QUESTIONS:
            # a chain of processes that fork and exit would be unknown for ever: it is stopped until the answer is here
            self._actuator.signal(Orders("SIGSTOP", unknown, float("inf")))
            self._actuator.signal(Orders("SIGCONT", self.spared, float("inf")))  # a group may hold both kinds
            self._frozen = True
        if unknown and not self._asked:
            self._asked = unknown
            self._questions += 1
            self._ask(unknown)
        return others


def actuator() -> Actuator:
    """Return the actuator of the backend in force, for the domain of a process that has other children, too."""
    from ..backends import current

    backend = current()
    if backend.name == "linux":
        from .own_domain_linux import Scan

        return Scan()
    from .own_domain_bsd import PidHead, ReapKill

    return ReapKill() if backend.flavour == "freebsd" else PidHead()
