"""How a service is kept: the numbers that the policy goes by, and the pace of automatic restarts.  Pure, as it is."""

from __future__ import annotations

from ...named_tuple import NamedTuple

MAX_DELAY = 60.0
"""Seconds that the delay never exceeds, if nothing else is said."""

READY_TIMEOUT = 30.0
"""Seconds in which a service must be ready, if nothing else is said."""

SHORTEST = 0.02
"""Seconds between two starts at the least: a delay of 0 must not become a storm."""


class Rules(NamedTuple):
    """How a service is kept."""

    restart: str = "on-failure"
    """``never``, ``on-failure`` or ``always``."""
    delay: float = 1.0
    """Seconds from the end to the first automatic restart."""
    backoff: float = 2.0
    """By how much the delay is multiplied for each automatic restart that follows another."""
    max_delay: float = MAX_DELAY
    """Seconds that the delay never exceeds; a run that was ready for so long makes the next delay the first again."""
    limit: tuple[int, float] | None = (5, 60.0)
    """(n, seconds): when n automatic restarts lie within the last seconds, the next end makes the service failed."""
    ends_with: str = "everybody"
    """``everybody``: when no process is left; ``command``: when the command has ended, whatever is left."""
    ready: bool = False
    """Whether the command tells that it is ready; else it is ready once it was executed."""
    ready_timeout: float = READY_TIMEOUT
    """Seconds in which it must be."""

    def check(self) -> None:
        """Refuse invalid rules; ValueError: an unknown name, or a number out of its range."""
        if self.restart not in ("never", "on-failure", "always"):
            raise ValueError(f"restart is never, on-failure or always, not {self.restart!r}")
        if self.ends_with not in ("command", "everybody"):
            raise ValueError(f"ends_with is command or everybody, not {self.ends_with!r}")
        for name in ("delay", "max_delay", "ready_timeout"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is a number of seconds, not {getattr(self, name)!r}")
        if not 1 <= self.backoff < float("inf"):
            raise ValueError(f"backoff is a factor of at least 1, not {self.backoff!r}")
        if self.limit is not None and not (self.limit[0] >= 0 and 0 <= self.limit[1] < float("inf")):
            raise ValueError(f"limit is a number of restarts and a number of seconds, not {self.limit!r}")


class Pace:
    """When the next automatic restart may be, and whether there may be one."""

    def __init__(self, rules: Rules) -> None:
        self.launched = float("-inf")
        """When the last start was."""
        self._rules = rules
        self._times: list[float] = []  # of the automatic restarts that the limit counts
        self._row = 0  # automatic restarts one after the other

    def forget(self) -> None:
        """Begin a new count: a start by hand."""
        self._times = []
        self._row = 0

    def calm(self) -> None:
        """Take the first delay again: a run has been long enough to count as a success."""
        self._row = 0

    def restarted(self, now: float) -> None:
        """Count an automatic restart."""
        self._times.append(now)
        self._row += 1

    def exhausted(self, now: float) -> str:
        """Say that the limit is reached, in words; empty while it is not."""
        if self._rules.limit is None:
            return ""
        most, seconds = self._rules.limit
        self._times = [time for time in self._times if now - time < seconds]
        return f"; the limit is {most} automatic restarts in {seconds:g} s" if len(self._times) >= most else ""

    def next(self, now: float) -> float:
        """Return when the restart after an end at this time is due."""
        rules = self._rules
        try:
            delay = min(rules.delay * rules.backoff**self._row, rules.max_delay)
        except OverflowError:
            delay = rules.max_delay if rules.delay else 0.0
        return max(now + delay, self.launched + SHORTEST)
