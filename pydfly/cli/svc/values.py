"""The values of options: how each is read, and what is said of one that has no meaning."""

from __future__ import annotations

import re

from ..resident import strtol
from ..values import signal_number
from . import accounts
from .request import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Request

_LIMIT = re.compile(r"\s*\+?(\d+)(?::\s*\+?(\d+))?")


def _one_of(value: str, *choices: str) -> str:
    if value not in choices:
        raise ValueError(f"is none of {', '.join(choices)}")
    return value


def _ready_descriptor(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 3 <= int(value) < 1024):
        raise ValueError("is neither notify nor a descriptor from 3 to 1023")
    return int(value)


def _number(value: str, least: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf") or "_" in value:
        raise ValueError(f"is no number from {least:g} on")
    return number


def _restart(request: Request, value: str, ends_with: str) -> None:
    request.restart_with = ends_with
    request.delay = float(max(0, strtol(value)))


def _grace(request: Request, value: str) -> None:
    request.grace = float(max(0, strtol(value)))


def _user(request: Request, value: str) -> None:
    try:
        request.user = accounts.user(value)
    except LookupError as error:
        raise Refused(f"Cannot find user {value}: {error.args[0]}") from None


def _group(request: Request, value: str) -> None:
    try:
        request.group = accounts.group(value)
    except LookupError as error:
        raise Refused(f"Cannot find group {value}: {error.args[0]}") from None


def _groups(request: Request, value: str) -> None:
    names = [name for name in value.split(",") if name]
    found: list[int] = []
    complaints: list[str] = []
    for name in names:
        try:
            found.append(accounts.group(name))
        except LookupError as error:
            complaints.append(f"Cannot find group {name}: {error.args[0]}")
    if len(found) > accounts.MOST_GROUPS and not complaints:
        complaints.append(f"Too many groups specified, max {accounts.MOST_GROUPS}")
    if complaints:
        raise Refused(complaints)
    request.groups = found


def _jail_spec(request: Request, value: str) -> None:
    wrong = [spec for spec in value.split(",") if spec and spec != "clean"]
    if wrong:
        raise Refused([f"jail-spec '{spec}' not understood" for spec in wrong])
    request.jail = request.jail or "-k"


def _limit(request: Request, value: str) -> None:
    found = _LIMIT.match(value)
    if found is None:
        raise Refused(f"bad restart specification: {value}")
    request.limit = int(found[1]), float(found[2] or 60)


def _jail(request: Request, value: str) -> None:
    request.jail = request.jail or "-j"


def _set(name: str) -> Callable[[Request, str], None]:
    return lambda request, value: setattr(request, name, value)


VALUES: dict[str, Callable[[Request, str], None]] = {
    "p": _set("directory"),
    "r": lambda request, value: _restart(request, value, "command"),
    "R": lambda request, value: _restart(request, value, "everybody"),
    "t": _grace,
    "u": _user,
    "g": _group,
    "G": _groups,
    "l": _set("log"),
    "c": _set("root"),
    "j": _jail,
    "k": _jail_spec,
    "T": _set("title"),
    "F": _limit,
}
"""The tool's options that take a value."""


def _ready(request: Request, value: str) -> None:
    request.ready = value if value == "notify" else _ready_descriptor(value)


def _stop_signal(request: Request, value: str) -> None:
    request.stop_signal = signal_number(value)


def _kill_mode(request: Request, value: str) -> None:
    request.kill_mode = _one_of(value, "mixed", "everyone")


def _backoff(request: Request, value: str) -> None:
    request.backoff = _number(value, 1)


def _ready_timeout(request: Request, value: str) -> None:
    request.ready_timeout = _number(value, 0)


LONG_VALUES: dict[str, Callable[[Request, str], None]] = {
    "--ready": _ready,
    "--ready-timeout": _ready_timeout,
    "--backoff": _backoff,
    "--stop-signal": _stop_signal,
    "--kill-mode": _kill_mode,
}
"""Those that the tool does not have; each raises ValueError with what is wrong."""
