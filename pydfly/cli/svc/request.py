"""What a command line says."""

from __future__ import annotations

import _signal

from ...supervisor.services.restart_pace import MAX_DELAY, READY_TIMEOUT, Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pwd import struct_passwd


class Refused(Exception):
    """A command line that is refused: the lines that are printed, and what goes to stderr before them."""

    def __init__(self, text: str | list[str], complaint: str = "") -> None:
        super().__init__(text)
        self.lines = [text] if isinstance(text, str) else text  # a list: a word of the command may have a newline in it
        self.complaint = complaint


class Help(Exception):
    """The help text is asked for, whatever else stands there."""


class Request:
    """What a command line says."""

    def __init__(self) -> None:
        self.debug = self.foreground = self.exit_with_service = self.sync = False
        self.directory: str | None = None
        self.restart_with: str | None = None
        """``command`` for -r, ``everybody`` for -R."""
        self.delay = 0.0
        self.grace: float | None = None
        self.user: struct_passwd | None = None
        self.group: int | None = None
        self.groups: list[int] | None = None
        self.log: str | None = None
        self.root: str | None = None
        self.jail = ""
        """The first of -m, -j and -k, which need jails or what belongs to them."""
        self.title: str | None = None
        self.limit: tuple[int, float] | None = None
        self.ready: str | int | None = None
        self.ready_timeout = READY_TIMEOUT
        self.backoff = 1.0
        self.stop_signal = int(_signal.SIGTERM)
        self.kill_mode = "mixed"
        self.json = self.verbose = False
        self.directive = ""
        self.label: str | None = None
        """None for every service."""
        self.has_label = False
        """Whether a label or ``all`` was given."""
        self.arguments: list[str] = []

    def rules(self) -> Rules:
        """Return how the service is to be kept."""
        restarts = self.restart_with is not None and not self.exit_with_service
        return Rules(
            restart="always" if restarts else "never",
            delay=self.delay,
            backoff=self.backoff,
            max_delay=max(self.delay, MAX_DELAY),
            limit=self.limit,
            ends_with=self.restart_with or "everybody",
            ready=self.ready is not None,
            ready_timeout=self.ready_timeout,
        )
