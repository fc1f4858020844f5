"""``pydfly tree``: the descendants of a process, drawn as a tree.

Without PID: of the process that called pydfly, usually a shell.
"""

from __future__ import annotations

import errno
import sys
import time

from ..backends import current
from ..escape import escape
from . import screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ..structs import DescendantInfo
    from .options import Parsed

_WIDEST = 400
"""Characters of indentation: the processes below are indented no further."""


def main(parsed: Parsed) -> int:
    """Print the tree below one process."""
    processes = current().processes
    top = parsed.arguments[0] if parsed.arguments else processes.getppid()
    everyone = processes.everyone()
    root = next((process for process in everyone if process.pid == top), None)
    if root is None:
        raise ProcessLookupError(errno.ESRCH, f"there is no process {top}")
    children: dict[int, list[DescendantInfo]] = {}
    for process in sorted(everyone):
        children.setdefault(process.ppid, []).append(process)
    if "--json" in parsed.values:
        sys.stdout.writelines(written(root, children))
        print()
    else:
        show(root, children, sys.stdout)
    return 0


def show(root: DescendantInfo, children: dict[int, list[DescendantInfo]], file: TextIO) -> None:
    """Draw the tree, in colours where they are wanted."""
    drawn = screen.console(file)
    if drawn is None:
        for branch, process in lines(root, children):
            print(f"{branch}{process.pid} {escape(process.name)}  {process.state}", file=file)
        return
    from rich.text import Text

    now = time.time()
    live = current().live
    for branch, process in lines(root, children):
        line = Text.assemble((branch, "dim"), (str(process.pid), "cyan"), " ", (escape(process.name), "bold"))
        line.append(f"  {process.state}", screen.STATES.get(process.state, "default"))
        if live:
            line.append(f"  {age(now - process.start_time)}", "dim")
        drawn.print(line)


def lines(root: DescendantInfo, children: dict[int, list[DescendantInfo]]) -> Iterator[tuple[str, DescendantInfo]]:
    """Yield each process of the tree, and the branch that leads to it."""
    stack = [(root, "", "", "")]
    while stack:
        process, before, branch, below = stack.pop()
        yield f"{before}{branch}", process
        members = children.get(process.pid, [])
        for member in reversed(members):
            last = member is members[-1]
            stack.append((member, before + below, "└─ " if last else "├─ ", "   " if last else "│  "))


def age(seconds: float) -> str:
    """Say how long something has been there: in the largest unit of which there are at least two."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def written(root: DescendantInfo, children: dict[int, list[DescendantInfo]]) -> Iterator[str]:
    """Yield the tree as JSON, objects within objects, piece by piece.

    A chain of processes may be longer than Python's stack is deep, so nothing here or in ``json`` calls itself.
    """
    import json

    pending: list[str | tuple[DescendantInfo, str]] = [(root, "")]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
            continue
        process, margin = item
        fields = "".join(
            f"{margin}  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in process._asdict().items()
        )
        members = children.get(process.pid, [])
        yield f'{margin}{{\n{fields}{margin}  "children": [' + ("\n" if members else "")
        pending.append((f"\n{margin}  ]" if members else "]") + f"\n{margin}}}")
        inner = margin + "    " if len(margin) < _WIDEST else margin
        for place, member in enumerate(reversed(members)):
            pending += [",\n"] if place else []
            pending.append((member, inner))
