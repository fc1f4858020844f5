"""The table: for people (rich where it is there), for programs (JSON), for the manual (Markdown)."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from .rows import Result

HEAD = ("row", "against", "ours", "theirs", "ratio", "goal", "quartiles", "result")


def cells(result: Result, slack: float) -> tuple[str, ...]:
    """Return the texts of one row."""
    row = result.row
    goal = "none" if row.goal is None else f"{row.goal:g}"
    ratio, spread = result.ratio, result.spread
    if not result.ours:
        return (row.name, row.against, "", "", "", goal, "", result.lacking or f"FAILED: {result.failed}")
    return (
        row.name,
        row.against,
        quantity(statistics.median(result.ours), row.unit),
        quantity(statistics.median(result.theirs), row.unit) if result.theirs else "",
        "" if ratio is None else f"{ratio:.3g}",
        goal,
        f"{spread[0]:.3g}-{spread[1]:.3g}" if spread else "",
        "; ".join(part for part in (verdict(result, slack), result.note) if part),
    )


def verdict(result: Result, slack: float) -> str:
    """Say how a ratio stands to its goal."""
    if result.row.goal is None:
        return ""
    if result.misses(slack):
        return "MISSED"
    return "near" if result.misses(0) else "ok"


def quantity(value: float, unit: str) -> str:
    """Write a number of seconds with a fitting prefix, or a count."""
    if unit != "s":
        return f"{value:.4g} {unit}"
    for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}"
    return f"{value * 1e9:.3g} ns"


def machine() -> str:
    """Say what kind of machine this is, without its name."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release().partition('-')[0]}, {python}"


def table(results: Sequence[Result], slack: float) -> None:
    """Print the results: a rich table on a terminal that has rich, aligned columns otherwise."""
    lines = [HEAD, *(cells(result, slack) for result in results)]
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            pass
        else:
            drawn = Table(*HEAD, title=machine())
            for line in lines[1:]:
                drawn.add_row(*line, style="red" if line[-1].startswith(("MISSED", "FAILED")) else None)
            Console().print(drawn)
            return
    print(machine())
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def as_json(results: Sequence[Result], slack: float, missing: dict[str, str]) -> str:
    """Return the results with every single measurement."""
    rows = [
        {
            "name": result.row.name,
            "against": result.row.against,
            "unit": result.row.unit,
            "goal": result.row.goal,
            "ratio": result.ratio,
            "ours": result.ours,
            "theirs": result.theirs,
            "verdict": verdict(result, slack),
            "note": result.note,
            "lacking": result.lacking,
            "failed": result.failed,
        }
        for result in results
    ]
    return json.dumps({"machine": machine(), "missing": missing, "rows": rows}, indent=2)


def as_markdown(results: Sequence[Result], slack: float, command: str) -> str:
    """Return the page of the manual."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(cells(result, slack) for result in results)]
    rows = "\n".join(f"| {' | '.join(_in_a_cell(text) for text in line)} |" for line in lines)
    page = Path(__file__).with_name("page.md").read_text()
    return page.format(command=command, machine=machine(), rows=rows)


def _in_a_cell(text: str) -> str:
    text = text.replace("|", "/")
    word = next((word for word in ("MISSED", "FAILED") if text.startswith(word)), "")
    return text.replace(word, f"**{word}**", 1) if word else text
