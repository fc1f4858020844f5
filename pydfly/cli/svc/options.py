"""The options: what each is for, how its value is read, and how an invalid one is refused."""

from __future__ import annotations

from ..values import kill_mode, signal_number, strtol
from .request import Help, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pwd import struct_passwd

    from .request import Request

    Take = Callable[[Request, str], object]

_MOST_GROUPS = 16  # that -G takes: DragonFly's NGROUPS


def _readiness(value: str) -> str | int:
    if value == "notify":
        return value
    if not (value.isascii() and value.isdigit() and 3 <= int(value) < 1024):
        raise ValueError("is neither notify nor a descriptor from 3 to 1023")
    return int(value)


def _number(least: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not least <= number < float("inf") or "_" in value:
            raise ValueError(f"is no number from {least:g} on")
        return number

    return read


def _seconds(value: str) -> float:
    return float(max(0, strtol(value)))


def _restart(ends_with: str) -> Take:
    def take(request: Request, value: str) -> None:
        request.restart_with, request.delay = ends_with, _seconds(value)

    return take


def _user(value: str) -> struct_passwd:
    import pwd

    try:
        return pwd.getpwuid(_id(value)) if value[:1].isdigit() else pwd.getpwnam(value)
    except LookupError as error:
        raise Refused(f"Cannot find user {value}: {_why(error, 'user')}") from None


def _group_id(name: str) -> int:
    import grp

    try:
        return (grp.getgrgid(_id(name)) if name[:1].isdigit() else grp.getgrnam(name)).gr_gid
    except LookupError as error:
        raise Refused(f"Cannot find group {name}: {_why(error, 'group')}") from None


def _id(text: str) -> int:
    """Read a number that stands for a user or a group; LookupError: it is none, or one that no id can be."""
    if not (text.isascii() and text.isdigit()):
        raise LookupError(f"{text} is no number")
    digits = text.lstrip("0")  # int() refuses thousands of them
    if len(digits) > 10 or int(digits or "0") >= 1 << 32:
        raise KeyError
    return int(digits or "0")


def _why(error: LookupError, kind: str) -> str:
    return f"no such {kind}" if isinstance(error, KeyError) else str(error)


def _group_ids(value: str) -> list[int]:
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
    return found


def _jail(option: str) -> Take:
    return lambda request, _: setattr(request, "jail", request.jail or option)


def _jail_spec(request: Request, value: str) -> None:
    wrong = [spec for spec in value.split(",") if spec and spec != "clean"]
    if wrong:
        raise Refused([f"jail-spec '{spec}' not understood" for spec in wrong])
    request.jail = request.jail or "-k"


def _limit(value: str) -> tuple[int, float]:
    import re  # takes longer to load than all other options together

    found = re.match(r"\s*\+?(\d+)(?::\s*\+?(\d+))?", value)
    if found is None:
        raise Refused(f"bad restart specification: {value}")
    return int(found[1][:18]), float((found[2] or "60")[:18])  # int() refuses thousands of digits


def _set(name: str, read: Callable[[str], object] = str) -> Take:
    return lambda request, value: setattr(request, name, read(value))


def _mark(*names: str) -> Take:
    return lambda request, _: vars(request).update(dict.fromkeys(names, True))


def _help(request: Request, _: str) -> None:
    raise Help


OPTIONS: tuple[tuple[str, str, str, Take], ...] = (
    ("-d", "", "debug, and stay in the foreground", _mark("debug", "foreground")),
    ("-f", "", "stay in the foreground", _mark("foreground")),
    ("-h", "", "show a help text", _help),
    ("-p", "file", "the directory of pid files and sockets", _set("directory", lambda value: value or "/")),
    ("-r", "id", "restart so many seconds after the command has ended", _restart("command")),
    ("-R", "id", "restart so many seconds after everything has ended", _restart("everybody")),
    ("-x", "", "the daemon ends when the service has ended", _mark("exit_with_service")),
    ("-s", "", "sync after each stop", _mark("sync")),
    ("-t", "id", "seconds from SIGTERM to SIGKILL (10)", _set("grace", _seconds)),
    ("-u", "id", "the user of the command", _set("user", _user)),
    ("-g", "id", "the group of the command", _set("group", _group_id)),
    ("-G", "id", "the groups of the command", _set("groups", _group_ids)),
    ("-l", "file", "the log file", _set("log")),
    ("-c", "file", "the root directory of the command", _set("root")),
    ("-m", "", "mount dev in the root directory", _jail("-m")),
    ("-j", "file", "the directory of a jail", _jail("-j")),
    ("-k", "id", "what the jail is like", _jail_spec),
    ("-T", "id", "what stands in the title of the daemon", _set("title")),
    ("-F", "id", "restarts in 60 seconds after which it is given up", _set("limit", _limit)),
    ("--ready", "id", "how it tells that it is ready, notify or a descriptor", _set("ready", _readiness)),
    ("--ready-timeout", "id", "seconds in which it must be ready (30)", _set("ready_timeout", _number(0))),
    ("--backoff", "id", "factor by which the pause between restarts grows", _set("backoff", _number(1))),
    ("--stop-signal", "signal", "what asks it to end (TERM)", _set("stop_signal", signal_number)),
    ("--kill-mode", "id", "mixed or everyone, which get that signal", _set("kill_mode", kill_mode)),
    ("--help", "", "show a help text, as -h does", _help),
    ("--json", "", "print JSON", _mark("json")),
    ("-v", "", "show more of each service", _mark("verbose")),
)
"""Each option, in the order of the manual: its flag, what stands behind it, a few words for the completion, and what
takes it.  The tool does not have -v and the long ones; the value of a long one may be a ValueError."""
