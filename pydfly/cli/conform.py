"""``pydfly conform [--out FILE]``: run the conformance checks on the backend in force."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

from ..backends import current
from ..conformance import suite
from .options import Parsed


def main(parsed: Parsed) -> int:
    """Run the suite; return the exit status."""
    out = parsed.values.get("--out")
    if out is None:
        return _report(None, sys.stdout)
    if out == "-":
        return _report(sys.stdout, sys.stderr)
    with open(out, "w", encoding="utf-8") as file:
        return _report(file, sys.stdout)


def _report(out: TextIO | None, table: TextIO) -> int:
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


def _lines(result: suite.Result) -> list[str]:
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
