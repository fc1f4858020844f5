"""Which process gets which signal when, and which one counts as impossible to end.

Rule 1: nothing here knows a process, a clock or a signal number; the caller brings listings and the time.
Rule 2: an empty listing proves nothing.  ECHILD, and nothing here, decides that the domain is empty.

There is one grace for all, not one for each.  Until it is over the stop signal goes out, followed by SIGCONT, because
a stopped process would not see it.  Mode ``mixed`` asks the *tops* only: the command while it lives, later each
process that has no living parent in the domain.  So a master can drain its workers, and a daemon is asked like a
command.  Mode ``everyone`` asks each process as soon as it is seen.  After the grace each process that is seen gets
SIGKILL.  Forking during the ending gains nothing: the child is signalled as soon as it is seen.
"""

from __future__ import annotations

from ..named_tuple import NamedTuple
from ..process_records import Survivor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..process_records import DescendantInfo

    Identity = tuple[int, float]

FIRST_PAUSE = 0.001
DYING = 0.0001  # seconds that each of a crowd takes to die: listing it again before takes the processor from it
LONGEST_PAUSE = 0.05
FIRST_LOOK = 0.01  # during the grace: listings after 10, 20, 40 ... ms, for processes that were born unnoticed
PATIENCE = 5.0  # how long after SIGKILL a process may take to die before it counts as impossible to kill
REFUSAL_PATIENCE = 0.5  # how long processes that refuse signals are waited for, once no other is left
STORM_PATIENCE = 9.0  # how long after the grace a domain may go on making new processes before that is told
NEWBORN = 1.0  # seconds: a process that was first seen so short a time ago is a new one

MIXED, EVERYONE = "mixed", "everyone"
MODES = (MIXED, EVERYONE)


class Orders(NamedTuple):
    """One signal for several processes."""

    signal: str | int
    """Name of the signal, or the number that the caller chose for the first."""
    targets: list[DescendantInfo]
    """The processes that get it, parents before their children."""
    until: float
    """After that time it is too late for this signal."""


class Step(NamedTuple):
    """One line of a plan: what would happen."""

    after: float
    """Seconds from now, if the process is still there then."""
    signal: str
    """Name of the signal."""
    pid: int
    """The process that would get it."""
    name: str
    """Name of its command."""


def tops(living: list[DescendantInfo], command: int) -> list[DescendantInfo]:
    """Return the processes that mode ``mixed`` asks to end; ``living`` and ``command`` (0 for none) are no zombies."""
    if command:
        alone = [member for member in living if member.pid == command]
        if alone:
            return alone
    pids = {member.pid for member in living}
    return [member for member in living if member.ppid not in pids]


def plan(
    members: list[DescendantInfo], grace: float, first: str = "SIGTERM", mode: str = EVERYONE, command: int = 0
) -> list[Step]:
    """Say what an ending that began now would do to these members, if none of them changed."""
    living = [member for member in members if member.state != "zombie"]
    asked = living if mode == EVERYONE else tops(living, command)
    steps = [(0.0, name, asked) for name in dict.fromkeys([first, "SIGCONT"])] if grace > 0 else []
    steps.append((grace, "SIGKILL", living))
    return [Step(after, signal, member.pid, member.name) for after, signal, targets in steps for member in targets]


class Policy:
    """One ending, from the first stop signal to the verdict.

    Args:
        now: the time, in seconds of any clock that only goes forward.
        first: the stop signal, by name, or the number that the caller chose.
        command: pid of the command, 0 when it has ended or there is none.
    """

    def __init__(
        self, now: float, grace: float, first: str | int = "SIGTERM", mode: str = EVERYONE, command: int = 0
    ) -> None:
        self.command = command
        self.kill_at = now + grace
        self._first = first
        self._mode = mode
        self._began = now
        self._told: set[Identity] = set()
        self._killed: dict[Identity, float] = {}
        self._seen: dict[Identity, float] = {}  # when a process was seen first, once the grace was over
        self._refusals: dict[Identity, str] = {}
        self._pause = FIRST_PAUSE
        self._alone_since: float | None = None  # since when only processes are left that refuse signals

    def hurry(self, now: float) -> None:
        """End the grace at this time, if it would be over later."""
        self.kill_at = min(self.kill_at, now)

    def orders(self, now: float, members: list[DescendantInfo]) -> list[Orders]:
        """Decide what these members get now; each gets each signal once."""
        living = [member for member in members if member.state != "zombie"]
        if now < self.kill_at:
            asked = living if self._mode == EVERYONE else tops(living, self.command)
            fresh = [member for member in asked if member.identity not in self._told]
            self._told.update(member.identity for member in fresh)
            return [Orders(signal, fresh, self.kill_at) for signal in (self._first, "SIGCONT")] if fresh else []
        for member in living:
            self._seen.setdefault(member.identity, now)
        fresh = [member for member in living if member.identity not in self._killed]
        crowd = 0 if self._killed else len(fresh)  # those that appear later may be a chain that forks and exits
        self._killed.update((member.identity, now) for member in fresh)
        news = any(member.identity not in self._refusals for member in fresh)
        self._pause = min(FIRST_PAUSE + DYING * crowd if news else 2 * self._pause, LONGEST_PAUSE)
        return [Orders("SIGKILL", fresh, float("inf"))] if fresh else []

    def refused(self, process: DescendantInfo, why: str) -> None:
        """Take note that a process could not be signalled; it is tried again, as it may change."""
        self._refusals[process.identity] = why
        self._killed.pop(process.identity, None)

    def pause(self, now: float) -> float:
        """Return how many seconds may pass until the next look, if nothing dies before."""
        if now >= self.kill_at:
            return self._pause
        look = FIRST_LOOK
        while self._began + look <= now:
            look *= 2
        return min(self._began + look, self.kill_at) - now

    def verdict(self, now: float, members: list[DescendantInfo]) -> list[Survivor] | None:
        """Return which processes are left when those cannot be ended and were given time; else None."""
        living = {member.pid for member in members if member.state != "zombie"}
        left = [member for member in members if member.state != "zombie" or member.ppid not in living]
        if now < self.kill_at or not left:
            self._alone_since = None
            return None
        if storm := self._storm(now, left):
            return storm
        doubtful = [self._why(now, member) for member in left]
        if None in doubtful:
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

    def _storm(self, now: float, left: list[DescendantInfo]) -> list[Survivor]:
        """Return what is left where new processes still appear long after the grace: nothing stops those."""
        if now - self.kill_at < STORM_PATIENCE:
            return []
        alive = [member for member in left if member.state != "zombie"]
        newborn = [member for member in alive if now - self._seen.get(member.identity, now) < NEWBORN]
        why = "it forks faster than it can be killed"
        return [Survivor(member.pid, member.name, member.state, why) for member in newborn]

    def _why(self, now: float, member: DescendantInfo) -> str | None:
        """Say why a member cannot be ended; None while it still may be."""
        who = member.identity
        if member.state == "zombie":
            # dead, but it cannot be collected: its parent refuses to die, or a debugger from outside holds it
            waited = now - self._killed.setdefault(who, now) >= PATIENCE
            return "it is dead, but its parent or its debugger does not let it go" if waited else None
        if who in self._refusals:
            return self._refusals[who]
        if now - self._killed.get(who, now) < PATIENCE:
            return None
        return "SIGKILL was sent and it does not die" + (
            ": it waits in the kernel, uninterruptibly" if member.state == "waiting" else ""
        )
