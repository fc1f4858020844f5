"""A service's status in words: the tool's column, and what this command tells besides."""

from __future__ import annotations

import time

from ...escape import escape
from ...supervisor.services.status import ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...supervisor.services.status import ServiceStatus

STATES = {"stopping": "killing", "waiting": "stopped"}
"""The tool's words for our states."""


def column(status: ServiceStatus, exiting: bool, with_ready: bool) -> str:
    """Return the state in the tool's words."""
    if status.state == "stopped":
        return "stopped (exiting)" if exiting else "stopped (manual)" if status.manual else "stopped"
    if status.state == "starting":
        return "starting" if with_ready else "running"
    return STATES.get(status.state, status.state)


def more(status: ServiceStatus) -> str:
    """Return what -v adds to the column."""
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(status.since))
    parts = [f"pid {status.pid}" if status.pid else "", f"since {since}", f"restarts {status.restarts}"]
    if status.restart_at is not None:
        parts.append(f"restart in {max(0.0, status.restart_at - time.time()):.1f} s")
    parts.append("" if status.last_exit is None else ended(status.last_exit))
    parts += [escape(status.reason), escape(status.text)]
    return "".join(f"  {part}" for part in parts if part)
