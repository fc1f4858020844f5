"""Recorded scenarios: histories of a real kernel with its answers, played on a simulated one and compared.

A scenario is a JSON object: ``name``, ``os`` (the flavour), perhaps ``version``, and ``ops``, a list of operations
with the results that the kernel gave.  Each flavour has a table of operations; a player walks the list.
"""

from __future__ import annotations

import json

from .. import VERSIONS, boot
from ..faults import KernelPanic, SimulationError
from . import dragonfly, freebsd
from .world import BrokenScenario, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NamedTuple

    from .world import Steps
else:
    from ...records import NamedTuple

__all__ = ["BrokenScenario", "Difference", "parse", "play"]

STEPS: dict[str, Steps] = {"dragonfly": dragonfly.STEPS, "freebsd": freebsd.STEPS}
"""The operations of each flavour."""
BEFORE_THE_FIRST: dict[str, str] = {"dragonfly": dragonfly.FIRST_PROGRAM, "freebsd": freebsd.FIRST_PROGRAM}
"""What process 2 runs when a scenario begins."""


class Difference(NamedTuple):
    """One operation whose result is not the recorded one."""

    scenario: str
    """Name of the scenario."""
    number: int
    """Number of the operation in it, from 1."""
    operation: str
    """Its kind."""
    expected: object
    """The recorded result."""
    got: object
    """What the simulated kernel answered."""

    def __str__(self) -> str:
        expected, got = (json.dumps(value) for value in (self.expected, self.got))
        return f"{self.scenario}: operation {self.number} ({self.operation}): expected {expected}, got {got}"


def parse(line: str | bytes) -> dict[str, Any]:
    """Read one line of a recording.

    Raises:
        BrokenScenario: it is no scenario.
    """
    try:
        scenario = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenScenario(f"no JSON: {error}") from None
    if not isinstance(scenario, dict):
        raise BrokenScenario("a scenario is a JSON object")
    for key, kind in (("name", str), ("os", str), ("ops", list)):
        if not isinstance(scenario.get(key), kind):
            raise BrokenScenario(f"a scenario has the key {key!r}, a {kind.__name__}")
    if scenario["os"] not in STEPS:
        raise BrokenScenario(f"unknown os {scenario['os']!r}: it is one of {', '.join(STEPS)}")
    if scenario.get("version", VERSIONS[scenario["os"]][0]) not in VERSIONS[scenario["os"]]:
        raise BrokenScenario(f"unknown version {scenario['version']!r} of {scenario['os']}")
    return scenario


def play(scenario: dict[str, Any]) -> Iterator[Difference]:
    """Play a scenario that ``parse`` returned, from its initial state; yield each difference.

    Raises:
        BrokenScenario: an operation is unknown, or lacks what it needs.
    """
    name, flavour = scenario["name"], scenario["os"]
    kernel = boot(flavour, scenario.get("version"))
    kernel.spawn(BEFORE_THE_FIRST[flavour])
    world = World(kernel)
    steps = STEPS[flavour]
    number = 0
    try:
        for number, op in enumerate(scenario["ops"], 1):
            try:
                differs = steps[op["op"]](world, op)
            except SimulationError as error:
                differs = op.get("result"), f"impossible: {error}"
            except KernelPanic as error:
                yield Difference(name, number, op["op"], op.get("result"), f"kernel panic: {error}")
                return
            if differs is not None:
                yield Difference(name, number, op["op"], *differs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenScenario(
            f"{name}: operation {number}: {_complaint(steps, scenario['ops'][number - 1], error)}"
        ) from error


def _complaint(steps: Steps, op: object, error: Exception) -> str:
    """Say what is wrong with an operation that could not be played."""
    if not isinstance(op, dict):
        return "an operation is a JSON object"
    if not isinstance(op.get("op"), str) or op["op"] not in steps:
        return f"unknown operation {op.get('op')!r}"
    if isinstance(error, KeyError):
        return f"{op['op']}: no key {error}"
    return f"{op['op']}: {error}"
