"""Who gets which signal when, and who counts as impossible to end.

Rule 1: nothing here knows a process, a clock or a signal number; the caller brings listings and the time.
Rule 2: an empty listing proves nothing.  When the domain is empty is not decided here but by ECHILD.

One grace for everyone, not one for each: whoever is seen before it is over gets SIGTERM (and SIGCONT, because a
stopped process sees nothing else), whoever is seen later gets SIGKILL.  Who forks during the ending loses: the
child is told at once.  Escalation asks "is anyone left", never "is the command left".
"""

from __future__ import annotations

from ..structs import Survivor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from ..structs import DescendantInfo

    Identity = tuple[int, float]
else:
    from ..records import NamedTuple

FIRST_PAUSE = 0.001
LONGEST_PAUSE = 0.05
FIRST_LOOK = 0.01  # during the grace: listings after 10, 20, 40 ... ms, for those who were born unnoticed
PATIENCE = 5.0  # how long after SIGKILL a process may take to die before it counts as impossible to kill
REFUSAL_PATIENCE = 0.5  # how long those are waited for who refuse signals, once nobody else is left


class Orders(NamedTuple):
    """One signal for several processes."""

    signal: str | int
    """Name of the signal, or the number that the caller chose for the first."""
    targets: list[DescendantInfo]
    """Who gets it, parents before their children."""
    until: float
    """After that time it is too late for this signal."""


class Step(NamedTuple):
    """One line of a plan: what would happen."""

    after: float
    """Seconds from now, if the process is still there then."""
    signal: str
    """Name of the signal."""
    pid: int
    """Who would get it."""
    name: str
    """Name of its command."""


def identity(process: DescendantInfo) -> Identity:
    """Return what tells a process from a later one with its pid."""
    return process.pid, process.start_time


def plan(members: list[DescendantInfo], grace: float) -> list[Step]:
    """Say what an ending that began now would do to these members, if none of them changed."""
    living = [member for member in members if member.state != "zombie"]
    steps = [(0.0, "SIGTERM"), (0.0, "SIGCONT"), (grace, "SIGKILL")] if grace > 0 else [(0.0, "SIGKILL")]
    return [Step(after, signal, member.pid, member.name) for after, signal in steps for member in living]


class Policy:
    """One ending, from the first SIGTERM to the verdict.

    Args:
        now: the time, in seconds of any clock that only goes forward.
        grace: seconds between the first SIGTERM and the first SIGKILL.
        first: another signal than SIGTERM.
    """

    def __init__(self, now: float, grace: float, first: str | int = "SIGTERM") -> None:
        self._first = first
        self.kill_at = now + grace
        self._began = now
        self._told: set[Identity] = set()
        self._killed: dict[Identity, float] = {}
        self._refusals: dict[Identity, str] = {}
        self._pause = FIRST_PAUSE
        self._alone_since: float | None = None  # since when only those are left who refuse

    def hurry(self, now: float) -> None:
        """End the grace now."""
        self.kill_at = min(self.kill_at, now)

    def orders(self, now: float, members: list[DescendantInfo]) -> list[Orders]:
        """Decide what these members get now; each gets each signal once."""
        living = [member for member in members if member.state != "zombie"]
        if now < self.kill_at:
            fresh = [member for member in living if identity(member) not in self._told]
            self._told.update(map(identity, fresh))
            return [Orders(signal, fresh, self.kill_at) for signal in (self._first, "SIGCONT")] if fresh else []
        fresh = [member for member in living if identity(member) not in self._killed]
        self._killed.update((identity(member), now) for member in fresh)
        news = any(identity(member) not in self._refusals for member in fresh)
        self._pause = FIRST_PAUSE if news else min(2 * self._pause, LONGEST_PAUSE)
        return [Orders("SIGKILL", fresh, float("inf"))] if fresh else []

    def refused(self, process: DescendantInfo, why: str) -> None:
        """Take note that a process could not be signalled; it is tried again, as it may change."""
        self._refusals[identity(process)] = why
        self._killed.pop(identity(process), None)

    def pause(self, now: float) -> float:
        """Return how many seconds may pass until the next look, if nothing dies before."""
        if now >= self.kill_at:
            return self._pause
        look = FIRST_LOOK
        while self._began + look <= now:
            look *= 2
        return min(self._began + look, self.kill_at) - now

    def verdict(self, now: float, members: list[DescendantInfo]) -> list[Survivor] | None:
        """Return who is left when all that are left cannot be ended and were given time; else None."""
        living = {member.pid for member in members if member.state != "zombie"}
        left = [member for member in members if member.state != "zombie" or member.ppid not in living]
        doubtful = [self._why(now, member) for member in left]
        if now < self.kill_at or not left or None in doubtful:
            self._alone_since = None
            return None
        self._alone_since = now if self._alone_since is None else self._alone_since
        if now - self._alone_since < REFUSAL_PATIENCE:
            return None
        return [
            Survivor(member.pid, member.name, member.state, why)
            for member, why in zip(left, doubtful, strict=True)
            if why is not None
        ]

    def _why(self, now: float, member: DescendantInfo) -> str | None:
        """Say why a member cannot be ended; None while it still may be."""
        who = identity(member)
        if member.state == "zombie":
            # dead, but nobody can collect it: its parent refuses to die, or a debugger from outside holds it
            waited = now - self._killed.setdefault(who, now) >= PATIENCE
            return "it is dead, but its parent or its debugger does not let it go" if waited else None
        if who in self._refusals:
            return self._refusals[who]
        if now - self._killed.get(who, now) < PATIENCE:
            return None
        return "SIGKILL was sent and it does not die" + (
            ": it waits in the kernel, uninterruptibly" if member.state == "waiting" else ""
        )
