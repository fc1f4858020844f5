"""The arguments of ``Supervisor.service()``: checked in the caller, and made plain for the wire."""

from __future__ import annotations

import operator
import os

from ...errors import BackendError
from ..arguments import seconds, word_of
from .notify_socket import AVAILABLE
from .readiness import NOTIFY
from .restart_pace import Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..arguments import Arguments, Word

    class ServiceArguments(Arguments, total=False):
        """What ``Supervisor.service()`` takes besides the name and the command."""

        restart: str
        delay: float
        backoff: float
        max_delay: float
        limit: tuple[int, float] | None
        ends_with: str
        ready: str | int | None
        ready_timeout: float
        log: Word | None
        log_ring: int


_REFUSED = ("stdin", "stdout", "stderr", "spare", "timeout", "wait_all")
_NULL = -3  # subprocess.DEVNULL
RING = 8192
"""Bytes of output that are kept, if nothing else is said."""

_LARGEST = 1 << 30  # bytes of output that are kept


def divided(name: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check what a service is, and return it as plain values, and apart from it the arguments of ``supervise()``.

    TypeError, ValueError: an invalid argument, or one that a service has no use for.  BackendError: this system has no
    notifications.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a service is a text, not {name!r}")
    rest = dict(arguments)
    ready = _ready(rest.pop("ready", None))
    log = rest.pop("log", None)
    ring = operator.index(rest.pop("log_ring", RING))
    if not 0 <= ring <= _LARGEST:
        raise ValueError(f"log_ring is a number of bytes up to {_LARGEST}, not {ring!r}")
    given = {field: rest.pop(field) for field in Rules._fields if field in rest}
    fields = {
        "name": str(name),
        "rules": _rules(Rules(**given, ready=ready is not None))._asdict(),
        "ready": ready,
        "log": None if log is None else path_of(log),
        "ring": ring,
    }
    for refused in _REFUSED:
        if refused in rest:
            raise TypeError(f"a service takes no {refused}")
    return fields, {**rest, "stdin": _NULL, "stdout": _NULL, "stderr": _NULL}


def path_of(path: Word) -> str:
    """Return the whole path of a file; TypeError, ValueError: no file can have it."""
    return os.path.abspath(os.fsdecode(word_of(path)))


def _rules(given: Rules) -> Rules:
    """Check the rules, and make each value one of a builtin type."""
    most, within = (0, 0.0) if given.limit is None else given.limit  # of any other length it is a ValueError
    checked = Rules(
        str(given.restart),
        seconds(given.delay, "delay"),
        float(given.backoff),
        seconds(given.max_delay, "max_delay"),
        None if given.limit is None else (operator.index(most), seconds(within, "limit")),
        str(given.ends_with),
        given.ready,
        seconds(given.ready_timeout, "ready_timeout"),
    )
    checked.check()
    return checked


def _ready(ready: str | int | None) -> str | int | None:
    if ready is None:
        return None
    if isinstance(ready, str):
        if ready != NOTIFY:
            raise ValueError(f"ready is None, {NOTIFY!r} or a descriptor, not {ready!r}")
        if not AVAILABLE:
            raise BackendError("this system does not tell the sender of a datagram: let it write to a descriptor")
        return NOTIFY
    number = operator.index(ready)
    if not 3 <= number < 1024:
        raise ValueError(f"the descriptor for ready is one from 3 to 1023, not {number}")
    return number
