"""How fast the simulated kernel is, how its time grows with the size of a history, and what a process costs.

``python -m benchmarks.simulator [FILE]`` prints a line for each measurement; FILE is a recording to replay, by
default the one that the tests use.
"""

from __future__ import annotations

import gc
import gzip
import json
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydfly import simkernel
from pydfly.simkernel import scenarios

RECORDING = Path(__file__).parent.parent / "tests" / "data" / "dragonfly.jsonl.gz"


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the shortest of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def replay(lines: list[bytes]) -> Callable[[], None]:
    """Return the work of replaying the lines, parsing included."""

    def work() -> None:
        for line in lines:
            for difference in scenarios.play(scenarios.parse(line)):
                raise AssertionError(difference)

    return work


def without_states(line: bytes) -> bytes:
    """Return a scenario without its ``state`` comparisons."""
    scenario: dict[str, Any] = json.loads(line)
    scenario["ops"] = [op for op in scenario["ops"] if op["op"] != "state"]
    return json.dumps(scenario).encode()


def cycles(count: int) -> Callable[[], None]:
    """Return the work of ``count`` times fork, exit and wait."""

    def work() -> None:
        shell = simkernel.boot("dragonfly").spawn("/bin/sh")
        for _ in range(count):
            shell.fork().exit(0)
            assert shell.wait() is not None

    return work


def wide(count: int) -> simkernel.Process:
    """Return the root of a live tree: a reaper's child that has ``count`` children."""
    top = simkernel.boot("dragonfly").spawn("/bin/sh")
    root = top.fork()
    for _ in range(count):
        root.fork()
    return root


def deep(count: int) -> simkernel.Process:
    """Return the root of a live tree: a chain of ``count`` processes, each a reaper, that die with their parents."""
    root = process = simkernel.boot("dragonfly").spawn("/bin/sh").fork()
    for _ in range(count):
        process = process.fork()
        process.procctl(0, 0, 1)
        process.procctl(0, 0, 4, 9)
    return root


def exits(make: Callable[[int], simkernel.Process], count: int) -> Callable[[], None]:
    """Return the work of building a tree and letting its root exit."""

    def work() -> None:
        make(count).exit(0)

    return work


def bytes_per_process(count: int) -> float:
    """Return the memory of one live process, in bytes."""
    gc.collect()
    tracemalloc.start()
    root = wide(count)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert root.alive
    return used / count


def measurements(recording: Path = RECORDING) -> Iterator[tuple[str, str]]:
    """Make each measurement; yield what it is and what came out."""
    with gzip.open(recording) as file:
        lines = list(file)
    plain = [without_states(line) for line in lines]
    for name, what in (("with state comparisons", lines), ("without state comparisons", plain)):
        operations = sum(len(json.loads(line)["ops"]) for line in what)
        yield f"replay {name}", f"{operations / seconds(replay(what)):,.0f} operations/s ({operations:,} operations)"
    for name, work in (
        ("fork, exit, wait cycles", cycles),
        ("children whose parent exits", lambda count: exits(wide, count)),
        ("nested reapers killed from the top", lambda count: exits(deep, count)),
    ):
        size = 500_000 if work is cycles else 50_000
        once, twice = seconds(work(size), 2), seconds(work(2 * size), 2)
        yield f"{2 * size:,} {name}", f"{twice:.2f} s; half of it {once:.2f} s: {twice / once:.2f} times"
    yield "a live process", f"{bytes_per_process(100_000):.0f} bytes"
    yield "highest resident set", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"


def main(arguments: list[str]) -> int:
    """Print the measurements."""
    for name, result in measurements(*map(Path, arguments[:1])):
        print(f"{name:<52}{result}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
