"""The arguments of ``Supervisor.service()``: checked in the caller, and made plain for the wire."""

from __future__ import annotations

import operator
import os

from ...errors import BackendError
from ..arguments import seconds
from .notify import AVAILABLE
from .rules import Rules
from .word import NOTIFY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..arguments import Word

_REFUSED = ("stdin", "stdout", "stderr", "spare", "timeout", "wait_all")
_NULL = -3  # subprocess.DEVNULL
_LARGEST = 1 << 30  # bytes of output that are kept


def fields(
    name: str, rules: tuple[Any, ...], ready: str | int | None, log: Word | None, log_ring: int
) -> dict[str, Any]:
    """Check what a service is, and return it as plain values.

    Raises:
        TypeError, ValueError: an invalid argument.
        BackendError: this system has no notifications.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a service is a text, not {name!r}")
    restart, delay, backoff, max_delay, limit, ends_with, has_ready, ready_timeout = rules
    checked = Rules(
        str(restart),
        seconds(delay, "delay"),
        float(backoff),
        seconds(max_delay, "max_delay"),
        None if limit is None else (operator.index(limit[0]), seconds(limit[1], "limit")),
        str(ends_with),
        has_ready,
        seconds(ready_timeout, "ready_timeout"),
    )
    checked.check()
    ring = operator.index(log_ring)
    if not 0 <= ring <= _LARGEST:
        raise ValueError(f"log_ring is a number of bytes up to {_LARGEST}, not {log_ring!r}")
    return {
        "name": str(name),
        "rules": checked._asdict(),
        "ready": _ready(ready),
        "log": None if log is None else os.path.abspath(os.fsdecode(log)),
        "ring": ring,
    }


def options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``supervise()`` for a service.

    Raises:
        TypeError: one that a service has no use for.
    """
    for name in _REFUSED:
        if name in arguments:
            raise TypeError(f"a service takes no {name}")
    return {**arguments, "stdin": _NULL, "stdout": _NULL, "stderr": _NULL}


def _ready(ready: str | int | None) -> str | int | None:
    if ready is None:
        return None
    if isinstance(ready, str):
        if ready != NOTIFY:
            raise ValueError(f"ready is None, {NOTIFY!r} or a descriptor, not {ready!r}")
        if not AVAILABLE:
            raise BackendError("this system does not tell who has sent a datagram: let it write to a descriptor")
        return NOTIFY
    number = operator.index(ready)
    if not 3 <= number < 1024:
        raise ValueError(f"the descriptor for ready is one from 3 to 1023, not {number}")
    return number
