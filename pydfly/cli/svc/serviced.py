"""What a daemon's socket needs of the service behind it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ...supervisor.services.log import Ring
    from ...supervisor.services.status import ServiceStatus

    class Written(Protocol):
        """Its output."""

        @property
        def ring(self) -> Ring:
            """The last of it."""

        @property
        def log_path(self) -> str | None:
            """The log file, if there is one."""

        def use_log(self, path: str | None) -> None:
            """Open the log file again, or another."""

    class Serviced(Protocol):
        """The service of a daemon."""

        name: str
        with_ready: bool
        """Whether it tells when it is ready."""
        ends_with: str
        """``command`` or ``everybody``."""
        exiting: bool
        """Whether the daemon ends when the service has stopped."""
        announced: int
        """The launch that a client was told of last."""

        @property
        def output(self) -> Written:
            """What it has written."""

        def status(self) -> ServiceStatus:
            """Return what is known."""

        def start(self) -> None:
            """Start it by hand."""

        def stop(self, scope: str, grace: float | None) -> None:
            """Stop it by hand: the ``command`` or ``everybody``."""

        def restart(self, grace: float | None) -> None:
            """Stop everybody, then start."""

        def exit(self, grace: float | None) -> None:
            """Stop everybody and end the daemon."""
