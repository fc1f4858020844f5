"""Every command's options and arguments, in one table: completion is made from it, and the tests hold the parsers,
the manual pages and the help texts to it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from ..records import NamedTuple


class Option(NamedTuple):
    """One option of a command."""

    flag: str
    """``--grace`` or ``-x``."""
    value: str
    """What stands behind it: "" for nothing, or one of VALUES."""
    summary: str
    """A few words, without an apostrophe or a bracket (some shell would take them for its own)."""


VALUES = ("file", "id", "seconds", "signal")
"""The kinds of option values: ``file`` and ``signal`` can be completed."""

ARGUMENTS = {
    "run": "command",
    "resident": "files",
    "status": "",
    "tree": "pid",
    "doctor": "",
    "replay": "files",
    "conform": "",
    "help": "topic",
    "completion": "shell",
}
"""What a command takes besides options."""

_HELP = Option("--help", "", "show a summary")
_JSON = Option("--json", "", "print JSON")

OPTIONS = {
    "run": (
        Option("--grace", "seconds", "time between SIGTERM and SIGKILL"),
        Option("--timeout", "seconds", "end everything after so long"),
        Option("--wait-all", "", "wait for descendants instead of ending them"),
        Option("--pdeathsig", "signal", "what the command gets when its supervisor dies"),
        Option("--report", "file", "write a JSON object about what ran"),
        Option("--summary", "", "show on stderr what ran and how it ended"),
        _HELP,
    ),
    "resident": (
        Option("-l", "", "list the resident programs"),
        Option("-f", "", "skip the checks of the file format"),
        Option("-x", "id", "remove every registration with this id"),
        Option("-d", "", "remove the registrations of programs"),
        Option("-R", "", "remove every registration"),
        Option("--conf", "file", "make resident what a resident.conf names"),
        Option("--explain", "", "say what the ids mean or what would be removed"),
        Option("--json", "", "print the list as JSON"),
    ),
    "status": (_JSON, _HELP),
    "tree": (_JSON, _HELP),
    "doctor": (_JSON, _HELP),
    "replay": (_HELP,),
    "conform": (Option("--out", "file", "write the histories as scenarios"), _HELP),
    "help": (),
    "completion": (_HELP,),
}
"""The options of each command."""

SHELLS = ("bash", "zsh", "fish")
"""The shells that completion is made for."""
