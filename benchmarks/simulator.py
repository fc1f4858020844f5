"""The simulated kernel: how fast it is, how its time grows with the size of a history, what a process costs."""

from __future__ import annotations

import gc
import gzip
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydfly import simkernel
from pydfly.simkernel import scenarios

from .rows import Row, command

RECORDING = Path(__file__).parent.parent / "tests" / "data" / "dragonfly.jsonl.gz"
GROWING = 2.3
"""How many times as long twice the work may take: linear, and some noise."""


def rows() -> Iterator[Row]:
    """Speed, growth and memory."""
    bare = command(sys.executable, "-c", "pass")
    yield Row(
        "simulator: 1,000 recorded operations",
        lambda: 1000 * seconds(replay(recorded(states=False))) / operations(),
        "python -c pass",
        bare,
        1.0,
        pairs=9,
    )
    yield Row(
        "replay of the recordings, states compared",
        lambda: seconds(replay(recorded(states=True))),
        "python -c pass",
        bare,
        pairs=3,
    )
    for name, work in (
        ("100,000 fork, exit, wait cycles", cycles),
        ("tree of 100,000 whose root exits", partial(exits, wide)),
        ("100,000 nested reapers killed from the top", partial(exits, deep)),
    ):
        yield Row(
            f"simulator: {name}",
            partial(_seconds_for, work, 100_000),
            "itself at half size",
            partial(_seconds_for, work, 50_000),
            GROWING,
            pairs=5,
            robust=work is cycles,
        )
    yield Row(
        "simulator: memory of a live process", partial(bytes_per_process, 100_000), "", None, pairs=1, unit="bytes"
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes by itself: without the cyclic garbage collector, as timeit does it.

    The collector looks through every object when their number passes its thresholds (the first full look of CPython
    3.11 comes at 70,000), so that it would put a step into the time of anything that keeps many.
    """
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()


def _seconds_for(work: Callable[[int], Callable[[], None]], count: int) -> float:
    return seconds(work(count))


@cache
def recorded(states: bool) -> list[bytes]:
    """Return the recorded scenarios, with or without their ``state`` comparisons."""
    with gzip.open(RECORDING) as file:
        return list(file) if states else list(map(without_states, file))


@cache
def operations() -> int:
    """Count the operations of the recorded scenarios that are no comparisons of states."""
    return sum(len(json.loads(line)["ops"]) for line in recorded(states=False))


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
