"""The player of histories: it has a machine do the operations of a scenario, and compares what comes of each.

A machine is anything with ``steps``, a function for each kind of operation: a simulated kernel (``Model``), or real
processes (``conformance.live``).  A step is given the machine and the operation, and returns what came of it, by the
names that the scenario uses; an operation without a result gives nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ...errors import SyscallError
from ...named_tuple import NamedTuple
from ..faults import KernelPanic, SimulationError

Op = Mapping[str, Any]
Got = dict[str, Any]
Differs = tuple[object, object] | None
Steps = Mapping[str, Callable[[Any, Op], Got]]


class Machine(Protocol):
    """What can be played on."""

    @property
    def steps(self) -> Steps:
        """What each operation does."""


MARKS = ("sugid", "pgids", "protected")
"""What a ``state`` says only if it is true of any process: a state without it says that it is true of none."""


class BrokenScenario(ValueError):
    """A line is no scenario, or an operation in it is none."""


class Mismatch(NamedTuple):
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
    """What the machine answered."""

    def __str__(self) -> str:
        expected, got = (json.dumps(value) for value in (self.expected, self.got))
        return f"{self.scenario}: operation {self.number} ({self.operation}): expected {expected}, got {got}"


def play(scenario: Mapping[str, Any], machine: Machine) -> Iterator[Mismatch]:
    """Play a scenario on a machine in its initial state; yield each difference.

    BrokenScenario: an operation is unknown, or lacks what it needs.
    """
    name, steps = scenario["name"], machine.steps
    number = 0
    try:
        for number, op in enumerate(scenario["ops"], 1):
            try:
                kind = op["op"]
                got = steps[kind](machine, op)
                if kind != "state" and got.items() <= op.items():  # the usual case, in one step
                    continue
                differs = compare(op, got)
            except SimulationError as error:
                differs = op.get("result"), f"impossible: {error}"
            except NotImplementedError as error:
                differs = op.get("result"), f"not modelled: {error}"
            except SyscallError as error:  # of an operation that no recording has with an error
                differs = op.get("result"), {"errno": error.errno_name}
            except KernelPanic as error:
                yield Mismatch(name, number, op["op"], op.get("result"), f"kernel panic: {error}")
                return
            if differs is not None:
                yield Mismatch(name, number, op["op"], *differs)
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


def compare(op: Op, got: Got) -> Differs:
    """Return None, or what was recorded and what came instead."""
    if op["op"] == "state":
        return _compare_state(op, got)
    for key, value in got.items():
        if value != (op.get("out") if key == "out" else op[key]):  # nothing written is not written down
            return (op[key], value) if len(got) == 1 else ({name: op.get(name) for name in got}, got)
    return None


def _compare_state(op: Op, seen: Got) -> Differs:
    """Compare what a ``state`` says with what is seen, as far as it says anything; return only what differs."""
    expected: dict[str, Any] = {}
    got: dict[str, Any] = {}
    for key in [*op, *(name for name in MARKS if name in seen and name not in op)]:
        if key == "op":
            continue
        value = op.get(key, {})
        if key not in seen:
            raise TypeError(f"a state says nothing of {key!r}")
        if key in MARKS and isinstance(value, list):
            value = {str(pid): True for pid in value}
        if not isinstance(value, dict):
            raise TypeError(f"a state says of {key!r} what each process has, not {value!r}")
        if seen[key] == value:
            continue
        expected[key], got[key] = {}, {}
        for name in sorted({*value, *seen[key]}, key=int):
            left, right = value.get(name), seen[key].get(name)
            if left != right:
                expected[key][name], got[key][name] = left, right
    return (expected, got) if expected else None
