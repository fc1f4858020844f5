"""What a wrapper does to the command that it wraps: ``python -m benchmarks.wrappers [--markdown] [--only NAME]``.

Each row is one situation, played with every wrapper and without one; what happened is told in a few words, and the
same words for the right outcome stand beside it.  With --markdown docs/wrappers.md is written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .report import machine

PAGE = Path(__file__).parents[1] / "docs" / "wrappers.md"
TOPICS = ("signals", "keys", "surroundings")
"""The modules benchmarks.wrapped.* that have rows, in the order of the table."""


class Row(NamedTuple):
    """One situation."""

    name: str
    right: str
    """What is to happen."""
    play: Callable[[list[str]], str]
    """Plays it behind the words of a wrapper, and says what happened."""
    lacking: str = ""
    """Why it cannot be played here."""


def pydfly() -> str:
    """Return the installed command that belongs to this interpreter."""
    beside = Path(sys.executable).parent / "pydfly"
    return str(beside) if beside.exists() else shutil.which("pydfly") or "pydfly"


def wrappers() -> dict[str, list[str]]:
    """Return the words of each wrapper that this machine has, the command without one last."""
    known = {
        "pydfly run": [pydfly(), "run", "--"],
        "tini -s": ["tini", "-s", "--"],
        "dumb-init": ["dumb-init", "--"],
        "catatonit": ["catatonit", "--"],
        "timeout": ["timeout", "600"],
        "timeout --foreground": ["timeout", "--foreground", "600"],
    }
    found = {name: [shutil.which(words[0]) or "", *words[1:]] for name, words in known.items()}
    return {name: words for name, words in found.items() if words[0]} | {"bare": []}


def rows() -> list[Row]:
    """Return every row."""
    from importlib import import_module

    return [row for topic in TOPICS for row in import_module(f"benchmarks.wrapped.{topic}").rows()]


def main() -> int:
    """Play the rows; exit status 1 if pydfly is wrong in one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose name holds this")
    options = parser.parse_args()
    wanted = [row for row in rows() if options.only in row.name]
    table: dict[str, dict[str, str]] = {}
    for row in wanted:
        print(f"{row.name}: {row.lacking or row.right}", file=sys.stderr)
        table[row.name] = {} if row.lacking else {name: row.play(words) for name, words in wrappers().items()}
        for name, outcome in table[row.name].items():
            print(f"  {'right' if outcome == row.right else 'WRONG':<6}{name:<22}{outcome}", file=sys.stderr)
    if options.markdown:
        PAGE.write_text(page(rows(), table))
    return int(any(played["pydfly run"] != row.right for row in wanted if (played := table[row.name])))


def page(wanted: list[Row], table: dict[str, dict[str, str]]) -> str:
    """Return the page of the documentation."""
    names = list(wrappers())
    before = PAGE.read_text().splitlines() if PAGE.exists() else []
    lines = [
        "# What a wrapper does to its command",
        "",
        "A command that is run behind a wrapper should not notice it. Each row is one situation, played with every",
        "wrapper; *right* is what is to happen, Y says that it did, and otherwise the cell says what happened instead.",
        "*bare*: the command without a wrapper.",
        "",
        f"Made by `python -m benchmarks.wrappers --markdown` on {machine()}.",
        "",
        "| situation | right | " + " | ".join(names) + " |",
        "| --- | --- | " + " | ".join("---" for _ in names) + " |",
    ]
    for row in wanted:
        if row.name not in table:  # with --only the others stay
            lines += [line for line in before if line.startswith(f"| {row.name} | ")]
            continue
        outcomes = table[row.name]
        cells = ["–" if not outcomes else "Y" if outcomes[name] == row.right else outcomes[name] for name in names]  # noqa: RUF001
        lines.append(" | ".join(["| " + row.name, row.right, *cells]).replace("\n", " ") + " |")
    played = [[cell.strip() for cell in line.split(" | ")][2:] for line in lines if line.startswith("| ")][2:]
    counts = [f"{name} {sum(cells[place].rstrip(' |') == 'Y' for cells in played)}" for place, name in enumerate(names)]
    lines[6:6] = [f"In short, right in so many of the {len(played)} situations: {', '.join(counts)}.", ""]
    lines += [
        "",
        "The programs that are compared are for other jobs, too: tini, dumb-init and catatonit are small and are the",
        "first process of many a container, and timeout ends what lasts too long. `timeout` puts itself and the",
        "command into a process group of its own, which explains most of its column; `--foreground` does not.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
