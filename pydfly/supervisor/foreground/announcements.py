"""When it is said which processes are still waited for, during a long grace."""

from __future__ import annotations

EVERY = 10.0  # seconds between two announcements
SHORT = 2.0  # seconds of a grace that is not worth any


class Announcements:
    """The clock of the announcements of one ending, if they are wanted."""

    def __init__(self, wanted: bool, grace: float) -> None:
        self.wanted = wanted and grace > SHORT
        self.due = float("inf")
        """When the next one is due, on the monotonic clock."""
        self.kill_at = float("inf")
        """When SIGKILL is sent."""
        self._grace = grace

    def during_ending(self, now: float) -> bool:
        """Say whether one is due; the first time this is called is the beginning of the ending."""
        if self.due == float("inf"):
            self.due = now + EVERY
            self.kill_at = min(self.kill_at, now + self._grace)
        elif now >= self.due:
            self.due = now + EVERY
            return True
        return False
