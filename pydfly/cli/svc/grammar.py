"""The command line of svc(8): its words and texts, and what this command adds to them.

The same words are read twice: by the command, and by the daemon that they are sent to.  Source: sbin/svc/svc.c,
process_cmd() and execute_cmd().
"""

from __future__ import annotations

from .options import OPTIONS
from .request import Help, Refused, Request

DIRECTIVES = (
    "init", "start", "stop", "stopall", "restart", "exit", "kill",
    "list", "status", "log", "logf", "tailf", "logfile", "help",
)  # fmt: skip
"""What can be asked for."""

WITHOUT_LABEL = ("status", "list", "log", "logf", "tailf", "help")
"""Directives that mean every service when no label stands behind them."""

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, as the manual says."""

HELP = """\
svc [options] directive [label [arguments]]

Directives: init start stop stopall restart exit kill list status
            log logf tailf logfile help
"""

_OUR_FLAGS = ("--json", "-v")  # which may stand behind the directive, too
_BY_FLAG = {flag: (bool(value), take) for flag, value, _, take in OPTIONS}
_NONE = False, None


def read(words: list[str]) -> Request:
    """Read a command line, left to right; Refused: it has no meaning."""
    request = Request()
    try:
        rest = _options(request, list(words))
    except Help:
        request.directive = "help"
        return request
    if not rest:
        raise Refused("No directive specified")
    request.directive, *rest = rest
    if request.directive in ("status", "list") or (rest and request.directive != "init"):
        rest = [word for word in rest if not _our_flag(request, word)]
    if rest:
        request.has_label = True
        request.label = None if rest[0] == "all" else rest[0]
        request.arguments = rest[1:]
    if not request.has_label and request.directive not in WITHOUT_LABEL:
        raise Refused(f"Directive requires a label or 'all': {request.directive}")
    if request.directive not in DIRECTIVES:
        raise Refused(f"Uknown directive: {request.directive}")
    return request


def _options(request: Request, words: list[str]) -> list[str]:
    """Take the options off, as getopt(3) does, and return what is left."""
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            _long(request, word, words)
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            has_value, take = _BY_FLAG.get(f"-{letter}", _NONE)
            if take is None:
                raise Refused("Unknown option ?", f"svc: illegal option -- {letter}")
            if not has_value:
                take(request, "")
                continue
            if not letters and not words:
                raise Refused("Unknown option ?", f"svc: option requires an argument -- {letter}")
            take(request, letters or words.pop(0))
            letters = ""
    return words


def _our_flag(request: Request, word: str) -> bool:
    if word in _OUR_FLAGS:
        _BY_FLAG[word][1](request, "")
    return word in _OUR_FLAGS


def _long(request: Request, word: str, words: list[str]) -> None:
    """Take one of the options that the tool does not have."""
    name, equals, value = word.partition("=")
    has_value, take = _BY_FLAG.get(name, _NONE)
    if take is None or (equals and not has_value):
        raise Refused("Unknown option ?", "svc: illegal option -- -")
    if has_value and not equals:
        if not words:
            raise Refused("Unknown option ?", f"svc: option requires an argument -- {name[2:]}")
        value = words.pop(0)
    try:
        take(request, value)
    except ValueError as error:
        raise Refused(f"{name}: {value!r} {error}") from None
