"""How output looks: drawn with rich on a terminal where rich is installed, plain text otherwise.

Colours and shapes only on a terminal, and never with $NO_COLOR.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

STATES = {
    "running": "green",
    "sleeping": "default",
    "idle": "dim",
    "waiting": "yellow",
    "stopped": "yellow",
    "zombie": "red",
}
"""The colour of each state of a process."""


def console(file: TextIO | None) -> Console | None:
    """Return what draws on this file (None: it was closed by the caller); None where plain text is due."""
    if file is None or not file.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)


def table(file: TextIO, head: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """Print rows under a head, numbers (with or without a unit) to the right.

    ``styles``: how each row looks where there are colours, ``""`` for as usual.
    """
    numeric = [all(_is_number(row[place]) for row in rows) for place in range(len(head))]
    if screen := console(file):
        from rich import box
        from rich.table import Table

        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, right in zip(head, numeric, strict=True):
            drawn.add_column(name, justify="right" if right else "left", overflow="fold")
        for row, style in zip(rows, styles, strict=True):
            drawn.add_row(*row, style=style)
        screen.print(drawn)
        return
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row in [head, *rows]:
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ]
        print("  ".join(cells).rstrip(), file=file)


def _is_number(text: str) -> bool:
    return text == "-" or text.partition(" ")[0].replace(".", "").isdigit()
