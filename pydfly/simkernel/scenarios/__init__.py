"""Recorded scenarios: histories of a real kernel with its answers, played on a simulated one and compared.

A scenario is a JSON object: ``name``, ``os`` (the flavour), perhaps ``version``, and ``ops``, a list of operations
with the results that the kernel gave.  Each flavour has a table of operations; ``player`` walks the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .. import VERSIONS, boot
from ..kernel import Kernel
from . import dragonfly, freebsd, player
from .operations import Model
from .player import BrokenScenario, Mismatch, Steps

__all__ = ["FIRST_PROGRAM", "BrokenScenario", "Mismatch", "model", "parse", "play"]

STEPS: dict[str, Steps] = {"dragonfly": dragonfly.STEPS, "freebsd": freebsd.STEPS}
"""The operations of each flavour."""
FIRST_PROGRAM: dict[str, str] = {"dragonfly": "/sbin/first", "freebsd": "/bin/first"}
"""What process 2 runs when a scenario begins."""


def parse(line: str | bytes) -> dict[str, Any]:
    """Read one line of a recording; BrokenScenario: it is no scenario."""
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


def model(kernel: Kernel) -> Model:
    """Return a simulated kernel as a machine to play on."""
    return Model(kernel, STEPS[kernel.flavour.name])


def play(scenario: dict[str, Any]) -> Iterator[Mismatch]:
    """Play a scenario that ``parse`` returned on a new simulated kernel; yield each difference.

    BrokenScenario: an operation is unknown, or lacks what it needs.
    """
    kernel = boot(scenario["os"], scenario.get("version"))
    kernel.spawn(FIRST_PROGRAM[scenario["os"]])
    return player.play(scenario, model(kernel))
