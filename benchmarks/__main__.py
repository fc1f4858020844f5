"""``python -m benchmarks``: measure, and print the table."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import peers, report
from .rows import Result, Row, measure

TOPICS = ("startup", "deathsig", "listing", "ending", "supervisor", "many", "simulator", "registry", "native")
"""The modules that have rows, in the order of the table."""
SLACK = 0.25
"""How far above its goal a ratio may be before --check fails."""
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(arguments: Sequence[str]) -> int:
    """Run the rows that are asked for; exit status 1 with --check when one misses its goal or fails."""
    options = _parser().parse_args(arguments)
    rows = [row for topic in TOPICS for row in import_module(f"benchmarks.{topic}").rows()]
    rows = [row for row in rows if _is_wanted(row, options)]
    if not rows:
        print("no such row; --list shows all", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(row.name for row in rows))
        return 0
    # an installed package has its bytecode; a checkout gets it from the first run of whatever is started
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    missing = peers.missing()
    for name, how in missing.items():
        print(f"missing: {name}  ({how})", file=sys.stderr)
    results = [_measure(row, missing) for row in rows]
    if options.json:
        print(report.as_json(results, options.slack, missing))
    else:
        report.table(results, options.slack)
    if options.markdown:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(
            report.as_markdown(results, options.slack, shlex.join(["python", "-m", "benchmarks", *arguments]))
        )
    failed = [result for result in results if result.misses(options.slack) or result.failed]
    return int(options.check and bool(failed))


def _measure(row: Row, missing: dict[str, str]) -> Result:
    lacking = [name for name in row.peers if name in missing]
    if lacking or row.lacking:
        return Result(row, [], [], lacking=row.lacking or f"missing: {', '.join(lacking)}")
    print(f"measuring: {row.name}", file=sys.stderr)
    return measure(row)


def _is_wanted(row: Row, options: argparse.Namespace) -> bool:
    if options.robust and not row.robust:
        return False
    return not options.row or any(name.lower() in row.name.lower() for name in options.row)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--row", action="append", metavar="NAME", help="only rows whose name contains NAME (may be repeated)")
    add("--robust", action="store_true", help="only the quick rows that are steady on a loaded machine")
    add("--list", action="store_true", help="print the names of the rows and measure nothing")
    add("--check", action="store_true", help="exit 1 when a ratio misses its goal by more than the slack")
    add("--slack", type=float, default=SLACK, help="how much of the goal may be exceeded (default: %(default)s)")
    add("--json", action="store_true", help="print every measurement as JSON")
    add("--markdown", action="store_true", help="also write docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
