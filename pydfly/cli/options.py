"""Every command's options and arguments, in one table: parser, help texts and completion are all made from it.

``resident`` and ``svc`` read their words themselves, byte for byte as the tools that they follow; their options stand
here for the completion.  `pydfly run` imports this module at each start, so it is made of plain objects.
"""

from __future__ import annotations

from .values import ARGUMENTS, VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Row = tuple[Any, ...]


class UsageError(Exception):
    """A wrong command line: the text goes to stderr; the exit status is 2."""


class Option:
    """One option of a command.

    Args:
        flag: ``--grace`` or ``-x``.
        value: what stands behind it: "" for nothing, or one of VALUES.
        summary: a few words, without a quote, a bracket or a colon, which some shell would take for its own.
        implied: the value where none is given, for an option that takes one only as ``--flag=VALUE``.
        repeated: it can be given more than once; its values are collected in a list.
    """

    __slots__ = ("flag", "implied", "repeated", "summary", "value")

    def __init__(self, flag: str, value: str, summary: str, implied: str = "", repeated: bool = False) -> None:
        self.flag = flag
        self.value = value
        self.summary = summary
        self.implied = implied
        self.repeated = repeated


class Command:
    """One command.

    Args:
        summary: its line in the list of commands.
        arguments: what it takes besides options: one of ARGUMENTS.
        rows: the arguments of ``Option`` for each of its options, or what returns them.
        own_parser: it reads its words itself.
    """

    __slots__ = ("_rows", "arguments", "own_parser", "summary")

    def __init__(
        self, summary: str, arguments: str, *rows: Row | Callable[[], tuple[Row, ...]], own_parser: bool = False
    ) -> None:
        self.summary = summary
        self.arguments = arguments
        self.own_parser = own_parser
        self._rows = rows

    @property
    def options(self) -> list[Option]:
        """Its options, made when they are asked for: most command lines have none."""
        rows = [row() if callable(row) else (row,) for row in self._rows]
        return [Option(*row) for group in rows for row in group]


class Parsed:
    """What a command line says.

    Args:
        values: by flag, those options that were given, each value as its reader in VALUES made it; True for an option
            without a value.
        arguments: the other words, as the reader in ARGUMENTS made them.
    """

    __slots__ = ("arguments", "values")

    def __init__(self, values: dict[str, Any], arguments: list[Any]) -> None:
        self.values = values
        self.arguments = arguments


def usage() -> str:
    """Return the text of ``pydfly --help``."""
    lines = ["usage: pydfly [--help] [--version] COMMAND ...", "", "commands:"]
    lines += [f"  {name:<12}{command.summary}" for name, command in COMMANDS.items()]
    more = "`pydfly help COMMAND` says more."
    return "\n".join([*lines, "", more, "$PYDFLY_BACKEND chooses the backend."])


def parse(name: str, words: list[str]) -> Parsed | None:
    """Read the words behind a command's name; None where they ask for its help.

    UsageError: a word that is not understood, a value that is missing or wrong, too few or too many arguments.
    """
    command = COMMANDS[name]
    found = Parsed({}, [])
    rest = iter(words)
    for word in rest:
        if word == "--":
            found.arguments += rest
        elif word == "-" or not word.startswith("-"):
            found.arguments.append(word)
            if command.arguments == "command":  # from its first word on, everything belongs to the other command
                found.arguments += rest
        elif word in ("-h", "--help"):
            return None
        else:
            flag, equals, value = word.partition("=")
            option = next((option for option in command.options if option.flag == flag), None)
            if option is None or (equals and not option.value):
                raise UsageError(f"{name}: unknown option {word!r}; `pydfly {name} --help` lists them")
            _take(found, name, option, value if equals else None, rest)
    fewest, most, what, read = ARGUMENTS[command.arguments]
    if len(found.arguments) < fewest:
        raise UsageError(f"{name}: no {what} given; `pydfly {name} --help` shows how it is used")
    if len(found.arguments) > most:
        raise UsageError(f"{name}: unexpected argument {found.arguments[int(most)]!r}")
    try:
        found.arguments = [read(word) for word in found.arguments]
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    return found


def _take(found: Parsed, name: str, option: Option, value: str | None, rest: Iterator[str]) -> None:
    if not option.value:
        found.values[option.flag] = True
        return
    if value is None:
        value = option.implied or next(rest, "")
    if not value:
        raise UsageError(f"{name}: {option.flag} needs a value")
    try:
        read = VALUES[option.value][1](value)
    except ValueError as error:
        raise UsageError(f"{name}: {option.flag}: {value!r} {error}") from None
    if option.repeated:
        found.values.setdefault(option.flag, []).append(read)
    else:
        found.values[option.flag] = read


def _svc_rows() -> tuple[Row, ...]:
    from .svc.options import OPTIONS

    return tuple(row[:3] for row in OPTIONS)


_HELP = ("--help", "", "show this text")
_JSON = ("--json", "", "print JSON")

COMMANDS = {
    "run": Command(
        "run a command so that nothing it starts outlives it",
        "command",
        ("--grace", "time", "from the stop signal to SIGKILL (5 s)"),
        ("--timeout", "time", "end everything after so long (0, never)"),
        ("--wait-all", "", "wait for descendants instead of ending them"),
        ("--stop-signal", "signal", "what asks processes to end (TERM)"),
        ("--kill-mode", "mode", "which processes get that signal (mixed)"),
        ("--pdeathsig", "signal", "what CMD gets when its supervisor dies"),
        ("--spare", "glob", "let processes with such a name live on", "", True),
        ("--fail-on-leak", "status", "the exit status (1) if CMD leaves processes", "1"),
        ("--pidfile", "file", "write the pid of CMD; removed at the end"),
        ("--report", "file", "write a JSON object about what ran; - is stdout"),
        ("--summary", "", "show on stderr what ran and how it ended"),
        _HELP,
    ),
    "svc": Command(
        "keep a service running, stop it, show its log: svc(8)",
        "directive",
        _svc_rows,
        own_parser=True,
    ),
    "resident": Command(
        "make programs resident, list and remove them: resident(8)",
        "files",
        ("-l", "", "list the resident programs"),
        ("-f", "", "skip the checks of the file format"),
        ("-x", "id", "remove every registration with this id"),
        ("-d", "", "remove the registrations of programs"),
        ("-R", "", "remove every registration"),
        ("--conf", "file", "make resident what a resident.conf names"),
        ("--explain", "", "say what the ids mean or what would be removed"),
        ("--json", "", "print the list as JSON"),
        own_parser=True,
    ),
    "status": Command("show the calling process's reaper status and parent-death signal", "", _JSON, _HELP),
    "tree": Command("show the descendants of a process as a tree", "pid", _JSON, _HELP),
    "doctor": Command("say which backend answers, why, and what this machine lacks", "", _JSON, _HELP),
    "replay": Command("play recorded scenarios on the simulated kernel and show every difference", "files", _HELP),
    "conform": Command(
        "run the conformance checks on the backend in force",
        "",
        ("--out", "file", "write the histories as scenarios; - is stdout"),
        _HELP,
    ),
    "help": Command("show a manual page", "topic", _HELP),
    "completion": Command("print the completion for bash, zsh or fish", "shell", _HELP),
}
"""The commands, in the order of their list."""
