"""The command line of svc(8): its getopt string and texts, and what this command adds to them.

The same words are read twice: by the command, and by the daemon that they are sent to.  Source: sbin/svc/svc.c,
process_cmd() and execute_cmd().
"""

from __future__ import annotations

import re

from ..svc_options import DIRECTIVES
from .request import Help, Refused, Request
from .values import LONG_VALUES, VALUES

GETOPT = "dfhp:r:R:xst:u:g:G:l:c:mj:k:T:F:"
"""The tool's options; a colon stands behind those that take a value."""

WITHOUT_LABEL = ("status", "list", "log", "logf", "tailf", "help")
"""Directives that mean every service when no label stands behind them."""

LABEL = re.compile(r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]*", re.ASCII)
"""What a label may be: it becomes part of the name of a file."""

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, as the manual says."""

HELP = """\
svc [options] directive [label [arguments]]

Directives: init start stop stopall restart exit kill list status
            log logf tailf logfile help
"""

_OUR_FLAGS = ("--json", "-v")


def read(words: list[str]) -> Request:
    """Read a command line, left to right.

    Raises:
        Refused: it has no meaning.
        Help: -h was met.
    """
    request = Request()
    rest = _options(request, list(words))
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
            if letter == "v":
                request.verbose = True
                continue
            place = GETOPT.find(letter)
            if place < 0 or letter == ":":
                raise Refused("Unknown option ?", f"svc: illegal option -- {letter}")
            if GETOPT[place + 1 : place + 2] != ":":
                _flag(request, letter)
                continue
            if not letters and not words:
                raise Refused("Unknown option ?", f"svc: option requires an argument -- {letter}")
            VALUES[letter](request, letters or words.pop(0))
            letters = ""
    return words


def _flag(request: Request, letter: str) -> None:
    if letter == "h":
        raise Help
    if letter == "d":
        request.debug = request.foreground = True
    elif letter == "f":
        request.foreground = True
    elif letter == "x":
        request.exit_with_service = True
    elif letter == "s":
        request.sync = True
    else:
        request.jail = request.jail or "-m"


def _our_flag(request: Request, word: str) -> bool:
    if word not in _OUR_FLAGS:
        return False
    if word == "--json":
        request.json = True
    else:
        request.verbose = True
    return True


def _long(request: Request, word: str, words: list[str]) -> None:
    """Take one of the options that the tool does not have."""
    name, equals, value = word.partition("=")
    if not equals and _our_flag(request, name):
        return
    if name not in LONG_VALUES:
        raise Refused("Unknown option ?", "svc: illegal option -- -")
    if not equals:
        if not words:
            raise Refused("Unknown option ?", f"svc: option requires an argument -- {name[2:]}")
        value = words.pop(0)
    try:
        LONG_VALUES[name](request, value)
    except ValueError as error:
        raise Refused(f"{name}: {value!r} {error}") from None
