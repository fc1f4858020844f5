"""``pydfly help [TOPIC]``: show a manual page; without a topic, the commands.

On a terminal man(1) or mandoc(1) shows it, where there is one; otherwise its text is printed.
"""

from __future__ import annotations

import os
import sys

from . import COMMANDS, UsageError, usage

PAGES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "man")


def main(arguments: list[str]) -> int:
    """Show one page."""
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print(usage())
        return 0
    if len(arguments) > 1:
        raise UsageError("usage: pydfly help [TOPIC]")
    (topic,) = arguments
    page = find(topic)
    if page is None and topic in COMMANDS:
        from . import main as run

        return run([topic, "--help"])
    if page is None:
        raise UsageError(f"help: there is no page about {topic!r}; topics: {', '.join(topics())}")
    if sys.stdout.isatty() and (viewer := _viewer()):
        sys.stdout.flush()
        return os.spawnv(os.P_WAIT, viewer[0], [*viewer, page])  # noqa: S606
    from .mdoc import render

    with open(page, encoding="utf-8") as file:
        print(render(file.read()))
    return 0


def pages() -> dict[str, str]:
    """Return the topics that have a page, and its file."""
    found = {}
    for name in sorted(os.listdir(PAGES)):
        stem, _, section = name.rpartition(".")
        if section.isdigit():
            found["python" if section == "3" else stem.removeprefix("pydfly-")] = os.path.join(PAGES, name)
    return found


def topics() -> list[str]:
    """Return what help can be asked for."""
    return sorted({*pages(), *COMMANDS} - {"help"})


def find(topic: str) -> str | None:
    """Return the file of a page: ``run``, ``pydfly-run`` and ``pydfly-run.1`` are the same."""
    return next(
        (
            file
            for name, file in pages().items()
            if topic in (name, os.path.basename(file), os.path.basename(file)[:-2])
        ),
        None,
    )


def _viewer() -> list[str] | None:
    """Return the program that shows a page on a terminal."""
    from shutil import which

    if man := which("man"):
        return [man]
    if mandoc := which("mandoc"):
        return [mandoc, "-a"]
    return None
