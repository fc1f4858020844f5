"""The services that a guard keeps besides the domains of its owner, if the owner has asked for some."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..wire import Message
    from .guard_domains import Domains
    from .service_line import ServiceLine


class Services:
    """The services of one guard; nothing is loaded before the first.

    ``tell`` takes what the owner of the guard is told.
    """

    def __init__(self, tell: Callable[[Message], object]) -> None:
        self._tell = tell
        self._domains: Domains | None = None
        self._lines: set[ServiceLine] = set()

    def tell(self, message: Message) -> None:
        """Take news of a domain to its owner: the guard's own owner, or a service."""
        if self._domains is None or not self._domains.told(message):
            self._tell(message)

    def create(self, hand_down: Callable[[Message, list[int]], None], message: Message, descriptors: list[int]) -> None:
        """Make a service, of ("service", number, targets, fields); its domains are handed down like others.

        The descriptors are this end of its line, its directory, and one for each target.
        """
        from .service_line import ServiceLine

        if self._domains is None:
            self._domains = _first_domains(hand_down)
        _, _, targets, fields = message
        line, cwd, *sources = descriptors
        kept = ServiceLine(line, self._domains, self._lines.discard)
        kept.make(cwd, dict(zip(targets, sources, strict=True)), fields)
        self._lines.add(kept)

    def turn(self) -> None:
        """Do what is due."""
        if self._domains:
            self._domains.loop.turn()

    @property
    def due(self) -> float:
        """When there is something to do next, on the monotonic clock."""
        return self._domains.loop.due if self._domains else float("inf")

    def stop(self) -> None:
        """Restart nothing more: every domain is being ended."""
        for kept in list(self._lines):
            kept.stop()

    def close(self) -> None:
        """Write the rest of all output, and let go."""
        for kept in list(self._lines):
            kept.close()


def _first_domains(hand_down: Callable[[Message, list[int]], None]) -> Domains:
    import gc

    from ..keepers import mailbox
    from .event_loop import EventLoop
    from .guard_domains import Domains

    gc.enable()  # it may run for years
    return Domains(EventLoop(mailbox.listen), hand_down)
