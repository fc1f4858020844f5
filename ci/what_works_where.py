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

In short, of {all} behaviours that `pydfly conform` checks on each [backend](reference/backends.md):

- `sim` has all of them, of DragonFly and of FreeBSD. `native` has them too, as its kernel does them; it only
  asks before Python itself is made resident.
- `linux` differs in {linux}, `linux:freebsd` in {freebsd}. Most of them have one of two causes: Linux tells a
  process nothing of other reapers, and it looks for a reaper when a parent dies, not when the parent is waited for.
- What a supervisor needs (orphans come to the reaper, and can be waited for) is *yes* everywhere.
- [Differences](#differences), at the end, says of each *no* how and why.

*yes*: as the system has it. *no*: differs. An empty field: that system has no such thing. The columns DragonFly and
FreeBSD are the `native` backend on these systems: what its kernel does. How much of that was run there, and with which
version, says [what was seen where](seen.md). The rule ids are those of the tests and of comments in the source.
`python ci/what_works_where.py > docs/what-works-where.md` writes this page.
"""


def page() -> str:
    """Return the text of the page."""
    known = list(every())
    differing = {
        backend: sum(difference(backend, one.name) is not None for one in known if flavour in one.expected)
        for backend, flavour in (("linux:dragonfly", "dragonfly"), ("linux:freebsd", "freebsd"))
    }
    lines = [_HEAD.format(all=len(known), linux=differing["linux:dragonfly"], freebsd=differing["linux:freebsd"])]
    for topic, heading in TOPICS.items():
        behaviours = [one for one in known if one.topic == topic]
        if behaviours:
            lines += [f"## {heading}", "", _row(["behaviour", "rules", *COLUMNS])]
            lines += [_row(["---"] * (2 + len(COLUMNS)))]
            lines += [_line(one) for one in behaviours]
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
    return _row([f"{sentence} <br> `{known.name}`", " <br> ".join(known.rules), *cells])


if __name__ == "__main__":
    sys.stdout.write(page())
