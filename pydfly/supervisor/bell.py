"""A descriptor that is readable while a ``Supervisor`` may have news: for foreign event loops."""

from __future__ import annotations

from . import start
from .poller import Poller
from .switchboard import Switchboard


class Bell:
    """A descriptor that is readable while there may be news, also news that another call has read already.

    It is about ``board``'s poller and about ``ring``.
    """

    def __init__(self, board: Switchboard) -> None:
        self._mine, self._its = start.pair()
        self._mine.setblocking(False)
        self._its.setblocking(False)
        self._poller = Poller()
        self._poller.add(board.fileno())
        self._poller.add(self._mine.fileno())

    def __del__(self) -> None:
        if hasattr(self, "_poller"):
            self.close()

    def fileno(self) -> int:
        """Return the descriptor; -1 after ``close``."""
        return self._poller.fileno()

    def ring(self) -> None:
        """Make it readable."""
        try:
            self._its.send(b"!")
        except OSError:  # it is full of rings
            return

    def silence(self) -> None:
        """Take the rings back."""
        try:
            while self._mine.recv(4096):
                pass
        except OSError:
            return

    def close(self) -> None:
        """Take it down: nothing more can ring it."""
        self._poller.close()
        self._mine.close()
        self._its.close()
