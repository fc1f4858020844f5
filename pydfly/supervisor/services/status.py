"""What is known of a service."""

from __future__ import annotations

from ...named_tuple import NamedTuple


class ServiceStatus(NamedTuple):
    """A service at one moment."""

    name: str
    """Its name."""
    state: str
    """``stopped``, ``starting``, ``running``, ``stopping``, ``waiting`` (for the next restart) or ``failed``."""
    pid: int | None
    """Process id of the command, or what it has said with MAINPID=; None when it does not run."""
    since: float
    """When the state began, in seconds since the epoch."""
    restarts: int
    """Automatic restarts since it was last started by hand."""
    last_exit: int | None
    """Exit status of the command at its last end, negative for the signal that ended it; None if it has not ended."""
    reason: str
    """Why the last run ended, or why there was none; empty before the first end."""
    manual: bool
    """Whether it was stopped by hand."""
    text: str
    """What it has said of itself with STATUS=."""
    launches: int
    """How often its command was executed."""
    restart_at: float | None
    """When the next automatic restart is due, in seconds since the epoch; None if none is."""


def ended(code: int) -> str:
    """Say how a command ended: its exit status, or the name of the signal, for a negative one."""
    if code >= 0:
        return f"exit status {code}"
    from ..arguments import signal_name

    return f"killed by {signal_name(-code)}"
