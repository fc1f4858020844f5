"""The values of options: how each is read, and what is said of one that has no meaning."""

from __future__ import annotations

import re

from ..values import signal_number, strtol
from .request import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Request

_MOST_GROUPS = 16  # that -G takes: DragonFly's NGROUPS
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


def _seconds(value: str) -> float:
    return float(max(0, strtol(value)))


def _restart(request: Request, value: str, ends_with: str) -> None:
    request.restart_with = ends_with
    request.delay = _seconds(value)


def _user(request: Request, value: str) -> None:
    import pwd

    try:
        request.user = pwd.getpwuid(_id(value)) if value[:1].isdigit() else pwd.getpwnam(value)
    except LookupError as error:
        raise Refused(f"Cannot find user {value}: {_why(error, 'user')}") from None


def _group_id(name: str) -> int:
    import grp

    try:
        return (grp.getgrgid(_id(name)) if name[:1].isdigit() else grp.getgrnam(name)).gr_gid
    except LookupError as error:
        raise Refused(f"Cannot find group {name}: {_why(error, 'group')}") from None


def _id(text: str) -> int:
    """Read a number that stands for a user or a group.

    Raises:
        LookupError: it is none, or one that no id can be.
    """
    if not (text.isascii() and text.isdigit()):
        raise LookupError(f"{text} is no number")
    digits = text.lstrip("0")  # int() refuses thousands of them
    if len(digits) > 10 or int(digits or "0") >= 1 << 32:
        raise KeyError
    return int(digits or "0")


def _why(error: LookupError, kind: str) -> str:
    return f"no such {kind}" if isinstance(error, KeyError) else str(error)


def _group(request: Request, value: str) -> None:
    request.group = _group_id(value)


def _groups(request: Request, value: str) -> None:
    found: list[int] = []
    complaints: list[str] = []
    for name in filter(None, value.split(",")):
        try:
            found.append(_group_id(name))
        except Refused as refused:
            complaints += refused.lines
    if len(found) > _MOST_GROUPS and not complaints:
        complaints.append(f"Too many groups specified, max {_MOST_GROUPS}")
    if complaints:
        raise Refused(complaints)
    request.groups = found


def _jail_spec(request: Request, value: str) -> None:
    wrong = [spec for spec in value.split(",") if spec and spec != "clean"]
    if wrong:
        raise Refused([f"jail-spec '{spec}' not understood" for spec in wrong])
    _jail(request, "-k")


def _jail(request: Request, option: str) -> None:
    request.jail = request.jail or option


def _limit(request: Request, value: str) -> None:
    found = _LIMIT.match(value)
    if found is None:
        raise Refused(f"bad restart specification: {value}")
    request.limit = int(found[1][:18]), float((found[2] or "60")[:18])  # int() refuses thousands of digits


def _set(name: str, read: Callable[[str], object] = str) -> Callable[[Request, str], None]:
    return lambda request, value: setattr(request, name, read(value))


VALUES: dict[str, Callable[[Request, str], None]] = {
    "p": lambda request, value: setattr(request, "directory", value or "/"),
    "r": lambda request, value: _restart(request, value, "command"),
    "R": lambda request, value: _restart(request, value, "everybody"),
    "t": _set("grace", _seconds),
    "u": _user,
    "g": _group,
    "G": _groups,
    "l": _set("log"),
    "c": _set("root"),
    "j": lambda request, _: _jail(request, "-j"),
    "k": _jail_spec,
    "T": _set("title"),
    "F": _limit,
}
"""The tool's options that take a value."""


LONG_VALUES: dict[str, Callable[[Request, str], None]] = {
    "--ready": _set("ready", lambda value: value if value == "notify" else _ready_descriptor(value)),
    "--ready-timeout": _set("ready_timeout", lambda value: _number(value, 0)),
    "--backoff": _set("backoff", lambda value: _number(value, 1)),
    "--stop-signal": _set("stop_signal", signal_number),
    "--kill-mode": _set("kill_mode", lambda value: _one_of(value, "mixed", "everyone")),
}
"""Those that the tool does not have; each raises ValueError with what is wrong."""
