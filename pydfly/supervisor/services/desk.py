"""What a guard keeps besides domains of its owner: services, if the owner has asked for some."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..wire import Message
    from .services import Services


class Desk:
    """The services of one guard; nothing is loaded before the first.

    ``tell`` takes what the owner of the guard is told.
    """

    def __init__(self, tell: Callable[[Message], None]) -> None:
        self._tell = tell
        self._services: Services | None = None

    def tell(self, message: Message) -> None:
        """Take news of a domain to its owner: the guard's own owner, or a service."""
        if self._services is None or not self._services.domains.told(message):
            self._tell(message)

    def create(self, hand_down: Callable[[Message, list[int]], None], message: Message, descriptors: list[int]) -> None:
        """Make a service, whose domains are handed down like others."""
        if self._services is None:
            import gc

            from .services import Services

            gc.enable()  # it may run for years
            self._services = Services(hand_down)
        self._services.create(message, descriptors)

    def turn(self) -> None:
        """Do what is due."""
        if self._services:
            self._services.loop.turn()

    @property
    def due(self) -> float:
        """When there is something to do next, on the monotonic clock."""
        rest = self._services.loop.rest() if self._services else None
        return float("inf") if rest is None else time.monotonic() + rest

    def stop(self) -> None:
        """Restart nothing more."""
        if self._services:
            self._services.stop()

    def close(self) -> None:
        """Write the rest of all output."""
        if self._services:
            self._services.close()
