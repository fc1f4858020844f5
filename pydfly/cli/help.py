"""``pydfly help [TOPIC]``: show a manual page; without a topic, the commands.  And the text of ``COMMAND --help``.

On a terminal man(1) or mandoc(1) shows a page, where there is one; otherwise its text is printed, as mandoc made it
when the package was built (ci/man.sh).
"""

from __future__ import annotations

import os
import sys
import textwrap
from importlib.resources import files

from .options import COMMANDS, UsageError, usage
from .values import SHELLS, VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import importlib.abc

    from .options import Option, Parsed

WIDTH = 79
"""Columns of a help text."""

# what stands above and below the options; not in docstrings, which `python -OO` drops
TEXTS = {
    "run": (
        """\
Run CMD in the foreground. When it ends, everything that it started ends with it, wherever that went: the stop signal
first, SIGKILL after the grace. The same happens on SIGTERM, and when pydfly itself is killed.
""",
        """\
T is a number of seconds; s, m, h or d behind it means seconds, minutes, hours or days. Signals are passed on to CMD;
Ctrl-C is for CMD alone. Exit status: that of CMD, or the same signal that ended it; 2 for an option that is
wrong; 124 on timeout; 125 if pydfly itself failed; 126 if CMD cannot be executed; 127 if there is no such command.
""",
    ),
    "status": (
        """\
Show the calling process's reaper status and parent-death signal. Both are kept by exec, so `exec pydfly status` shows
what a script has set.
""",
        "",
    ),
    "tree": ("Show the descendants of a process as a tree; without PID, of the process that called pydfly.\n", ""),
    "doctor": (
        """\
Say which backend answers and why, what it does, what this machine lacks and how to get it. A backend is refused where
it cannot or should not answer; that is no error. What it does is `live` (done to real processes), `simulated` (only a
list or a model is kept) or `absent`. Exit status: 0 if a backend works here.
""",
        "",
    ),
    "replay": (
        """\
Play recorded scenarios on the simulated kernel and show every difference. Each FILE has one scenario per line (JSON);
it may be compressed with gzip; - is standard input. A difference is one line: the scenario, the number of the
operation (from 1), what was recorded and what the simulated kernel said. The last line counts.
""",
        "Exit status: 0 without differences, 1 with any or for a FILE that cannot be read, 2 for a line that is no "
        "scenario.\n",
    ),
    "conform": (
        """\
Run the conformance checks on the backend in force. Each behaviour of the public API is observed once, with processes
of its own (modelled ones on the `sim` backend), and compared with what the backend's flavour demands. One line for
each: `holds`; `differs`, as the list of known differences says, with the rule and the reason; `not checked`, with the
reason; or `FAILED`, with what was expected and what was observed. The last line counts.
""",
        """\
FILE gets the history of each behaviour that holds as a scenario that `pydfly replay` reads; with - the table goes to
standard error. Exit status: 0 unless something failed.
""",
    ),
    "help": ("Show a manual page, or what a command's --help says; without TOPIC, list the commands.\n", ""),
    "completion": (
        "Print the completion of the command line for a shell.\n",
        """\
  bash  pydfly completion bash >~/.local/share/bash-completion/completions/pydfly
  zsh   pydfly completion zsh >~/.zfunc/_pydfly
        with `fpath+=(~/.zfunc)` before compinit in ~/.zshrc
  fish  pydfly completion fish >~/.config/fish/completions/pydfly.fish
""",
    ),
}
_WORDS = {"": "", "command": "[--] CMD ARG...", "files": "FILE...", "pid": "[PID]", "topic": "[TOPIC]"}


def main(parsed: Parsed) -> int:
    """Show one page."""
    if not parsed.arguments:
        print(usage())
        return 0
    (topic,) = parsed.arguments
    page = find(topic)
    if page is None and topic in TEXTS:
        print(command_help(topic))
        return 0
    if page is None:
        raise UsageError(f"help: there is no page about {topic!r}; topics: {', '.join(topics())}")
    # a page inside a zip archive is no file that a viewer could open
    if sys.stdout.isatty() and (viewer := _viewer()) and os.path.exists(str(page)):
        sys.stdout.flush()
        return os.spawnv(os.P_WAIT, viewer[0], [*viewer, str(page)])  # noqa: S606
    print(rendered(page.name), end="")
    return 0


def command_help(name: str) -> str:
    """Return the text of ``pydfly COMMAND --help``."""
    options = COMMANDS[name].options
    before, after = TEXTS[name]
    words = [f"[{_spelled(option)}]{'...' * option.repeated}" for option in options if option.flag != "--help"]
    words.append(_WORDS.get(COMMANDS[name].arguments, "|".join(SHELLS)))
    start = f"usage: pydfly {name} "
    # words that hold a blank are broken nowhere
    glued = " ".join(word.replace(" ", "\0") for word in words if word)
    synopsis = textwrap.fill(start + glued, WIDTH, subsequent_indent=" " * len(start), break_on_hyphens=False)
    listed = [(_spelled(option), option.summary) for option in options]
    width = max((len(spelled) for spelled, _ in listed), default=0)
    lines = [f"  {spelled:<{width}}  {summary}" for spelled, summary in listed]
    parts = [synopsis.replace("\0", " ").rstrip(), _filled(before), "\n".join(lines), _filled(after)]
    return "\n\n".join(part for part in parts if part)


def _spelled(option: Option) -> str:
    if not option.value:
        return option.flag
    value = VALUES[option.value][0]
    return f"{option.flag}[={value}]" if option.implied else f"{option.flag} {value}"


def _filled(text: str) -> str:
    return text.rstrip() if text.startswith(" ") else textwrap.fill(text, WIDTH, break_on_hyphens=False)


def pages() -> dict[str, importlib.abc.Traversable]:
    """Return the topics that have a page, and its source."""
    found = {}
    for page in sorted(files("pydfly").joinpath("man").iterdir(), key=lambda page: page.name):
        stem, _, section = page.name.rpartition(".")
        if section.isdigit():
            found["python" if section == "3" else stem.removeprefix("pydfly-")] = page
    return found


def rendered(name: str) -> str:
    """Return the text of a page, given the name of its source: ``pydfly-run.1``."""
    return (files("pydfly") / "man" / f"{name}.txt").read_text(encoding="utf-8")


def topics() -> list[str]:
    """Return what help can be asked for."""
    return sorted({*pages(), *COMMANDS} - {"help"})


def find(topic: str) -> importlib.abc.Traversable | None:
    """Return the source of a page: ``run``, ``pydfly-run`` and ``pydfly-run.1`` are the same."""
    for name, page in pages().items():
        if topic in (name, page.name, page.name[:-2]):
            return page
    return None


def _viewer() -> list[str] | None:
    """Return the program that shows a page on a terminal."""
    from shutil import which

    if man := which("man"):
        return [man]
    if mandoc := which("mandoc"):
        return [mandoc, "-a"]
    return None
