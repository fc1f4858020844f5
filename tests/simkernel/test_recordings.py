"""The answers of the real kernel code: every recorded operation gives the recorded result."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pydfly.simkernel import scenarios

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize(
    ("name", "count", "operations"),
    [("dragonfly", 458, 23301), ("dragonfly-extra", 3, 33), ("freebsd", 227, 10634), ("freebsd-extra", 15, 286)],
)
def test_recorded_scenarios_replay_without_a_difference(name: str, count: int, operations: int) -> None:
    played = steps = 0
    differences = []
    with gzip.open(DATA / f"{name}.jsonl.gz") as file:
        for line in file:
            scenario = scenarios.parse(line)
            differences += scenarios.play(scenario)
            played += 1
            steps += len(scenario["ops"])
    assert differences == []
    assert (played, steps) == (count, operations)
