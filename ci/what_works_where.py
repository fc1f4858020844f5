"""Write the page "what works where", from the behaviours and the table of differences.

usage: python ci/what_works_where.py > docs/what-works-where.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pydfly.conformance.behaviour import TOPICS, every
from pydfly.conformance.differences import DIFFERENCES, difference

if TYPE_CHECKING:
    from pydfly.conformance.behaviour import Behaviour

COLUMNS = {
    "DragonFly": "native:dragonfly",
    "sim": "sim:dragonfly",
    "linux": "linux:dragonfly",
    "FreeBSD": "native:freebsd",
    "sim:freebsd": "sim:freebsd",
    "linux:freebsd": "linux:freebsd",
}
"""Headings of the table, and the backend behind each."""

_HEAD = """\
# What works where

This page is generated from the conformance suite (`python ci/what_works_where.py > docs/what-works-where.md`);
`pydfly conform` runs the same checks on the machine it is called on.

*yes*: as the system has it.  *no*: differs, and the list at the end says how and why.  An empty field: that system
has no such thing.  The rule ids are those that the tests and the source comments use.

The columns DragonFly and FreeBSD are the `native` backend on these systems: what their kernels are known to do.
"""


def page() -> str:
    """Return the text of the page."""
    lines = [_HEAD]
    for topic, heading in TOPICS.items():
        behaviours = [known for known in every() if known.topic == topic]
        if behaviours:
            lines += [f"## {heading}", "", _row(["behaviour", "rules", *COLUMNS])]
            lines += [_row(["---"] * (2 + len(COLUMNS)))]
            lines += [_line(known) for known in behaviours]
            lines.append("")
    lines += ["## Differences", "", _row(["backend", "behaviour", "rule", "why"]), _row(["---"] * 4)]
    lines += [_row([row.backend, row.behaviour, row.rule, row.why]) for row in DIFFERENCES]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(known: Behaviour) -> str:
    cells = []
    for backend in COLUMNS.values():
        if backend.partition(":")[2] not in known.expected:
            cells.append("")
        else:
            cells.append("yes" if difference(backend, known.name) is None else "no")
    sentence = " ".join(known.sentence.split())
    return _row([f"{sentence} <br> `{known.name}`", ", ".join(known.rules), *cells])


if __name__ == "__main__":
    sys.stdout.write(page())
