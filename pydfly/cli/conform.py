"""``pydfly conform [--out FILE]``: run the conformance checks on the backend in force.

usage: pydfly conform [--out FILE]

Each behaviour of the public API is observed once, with processes of its own (modelled ones on the `sim` backend), and
compared with what the system demands whose flavour the backend has.  One line for each: `holds`; `differs`, as the
list of known differences says, with the rule and the reason; `not checked`, with the reason; or `FAILED`, with what
was to be seen and what was seen.  The last line counts.

  --out FILE  write the history of each behaviour that holds as a scenario that
              `pydfly replay` reads; - is standard output, and the table goes
              to standard error then

Exit status: 0 unless something failed.
"""

from __future__ import annotations

import json
import os
import sys

from . import UsageError, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from ..conformance.suite import Result


def main(arguments: list[str]) -> int:
    """Run the suite; return the exit status."""
    if arguments and arguments[0] in {"-h", "--help"}:
        print(screen.help_text(__doc__))
        return 0
    if not arguments:
        return _report(None, sys.stdout)
    option, *rest = arguments
    if option.startswith("--out="):
        option, rest = "--out", [option.removeprefix("--out="), *rest]
    if option != "--out" or len(rest) != 1:
        raise UsageError("usage: pydfly conform [--out FILE]")
    if rest == ["-"]:
        return _report(sys.stdout, sys.stderr)
    with open(rest[0], "w", encoding="utf-8") as file:
        return _report(file, sys.stdout)


def _report(out: TextIO | None, table: TextIO) -> int:
    from ..backends import current
    from ..conformance import suite

    backend = current()
    spec = f"{backend.name}:{backend.flavour}"
    kind = "real processes" if backend.live else "modelled processes"
    print(f"{spec}, {kind}, user id {os.geteuid()}", file=table)
    counts = dict.fromkeys((suite.HOLDS, suite.DIFFERS, suite.NOT_CHECKED, suite.FAILED), 0)
    topic = ""
    for result in suite.run(suite.maker(spec), traced=out is not None):
        if result.behaviour.topic != topic:
            topic = result.behaviour.topic
            print(f"\n{suite.TOPICS[topic]}", file=table)
        print("\n".join(_lines(result)), file=table, flush=True)
        counts[result.verdict if result.good else suite.FAILED] += 1
        if out is not None and result.scenario is not None:
            out.write(json.dumps(result.scenario, separators=(",", ":")) + "\n")
    held, differ, unchecked, failed = counts.values()
    total = sum(counts.values())
    print(
        f"\n{total} behaviours: {held} hold, {differ} differ as listed, {unchecked} not checked, {failed} failed",
        file=table,
    )
    return 1 if failed else 0


def _lines(result: Result) -> list[str]:
    """Write one behaviour, and below it what there is to say."""
    lines = [f"  {result.verdict:<12}{result.behaviour.name}"]
    if result.verdict == "differs" and result.difference is not None:
        lines.append(f"{'':14}{result.difference.rule}: {result.difference.why}")
    elif result.verdict == "not checked":
        lines.append(f"{'':14}{result.observed}")
    elif not result.good:
        lines.append(f"{'':14}{result.behaviour.sentence}")
        lines.append(f"{'':14}to be observed: {result.expected!r}")
        lines.append(f"{'':14}observed:       {result.observed!r}")
    return lines
