"""Random histories end alike on Linux and on the simulated kernel, but for the rules of ``linux_rules``.

$PYDFLY_HISTORIES is the number of histories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from pydfly.backends.protocol import Backend
from pydfly.simkernel import lifecycle, scenarios
from pydfly.simkernel.dragonfly.rules import DragonFly
from tests.conftest import linux_only
from tests.property import linux_rules, planted
from tests.property.histories import Histories

pytestmark = linux_only

HISTORIES = int(os.environ.get("PYDFLY_HISTORIES", "150"))
PARTS = 5
SETTINGS = settings(
    max_examples=-(-HISTORIES // PARTS),
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
POISONS = [planted.acquires_twice, planted.children_own_too]
Step = tuple[str, dict[str, Any]]


class Needed(NamedTuple):
    """A history that needs a rule: where the rule stands, what stands there without it, and the history's steps."""

    rule: str
    room: Any
    name: str
    without: Any
    steps: list[Step]


FAMILY: Step = ("begin", {"acquired": False, "family": [0, 1]})  # a child and a grandchild
OWNED_FAMILY: Step = ("begin", {"acquired": True, "family": [0, 1]})
SIBLINGS: Step = ("begin", {"acquired": False, "family": [0, 0]})
PAIR: Step = ("begin", {"acquired": False, "family": [0]})
CHILD_EXITS: Step = ("exit", {"who": 1, "status": 0})
NEEDED = [
    Needed("LX-2", linux_rules, "nearest_reaper", lambda process: process.kernel.init, [OWNED_FAMILY, CHILD_EXITS]),
    Needed("LX-3", linux_rules.LinuxRules, "exit", DragonFly.exit, [FAMILY, ("acquire", {"who": 0}), CHILD_EXITS]),
    Needed(
        "LX-6",
        lifecycle,
        "ignores_children",
        lambda parent: False,
        [PAIR, ("ignore_sigchld", {"who": 0, "ignore": True}), CHILD_EXITS],
    ),
    Needed(
        "LX-7",
        linux_rules.LinuxRules,
        "execve",
        DragonFly.execve,
        [PAIR, ("ignore_sigchld", {"who": 0, "ignore": True}), ("execute", {"who": 0}), CHILD_EXITS],
    ),
    Needed(
        "DP-9",
        linux_rules,
        "HIGHEST_LINUX_SIGNAL",
        128,
        [PAIR, ("set_deathsig", {"who": 1, "signal": 100}), ("execute", {"who": 1})],
    ),
    Needed(
        "DS-4",
        linux_rules.LinuxRules,
        "refuses_kill",
        DragonFly.refuses_kill,
        [SIBLINGS, ("acquire", {"who": 1}), ("kill", {"who": 1, "other": 2, "signal": "SIGUSR1"})],
    ),
]


@pytest.fixture
def ended() -> Iterator[None]:
    yield
    Histories.end()


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories(part: int) -> None:
    """No difference that no rule explains."""
    before = Histories.played
    run_state_machine_as_test(Histories, settings=SETTINGS)
    assert Histories.played - before >= HISTORIES // PARTS


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.__name__)
def test_a_planted_error_is_found_and_shrunk(poison: Callable[[], Backend]) -> None:
    """The shortest history that shows it has at most six operations, and is a scenario that can be replayed."""

    class Poisoned(Histories):
        make = staticmethod(poison)

    try:
        with pytest.raises(AssertionError, match="for `pydfly replay`"):
            run_state_machine_as_test(Poisoned, settings=settings(SETTINGS, max_examples=500, derandomize=True))
    finally:
        Poisoned.end()
        planted.undo()
    assert Poisoned.failed is not None
    scenario = scenarios.parse(json.dumps(Poisoned.failed))
    assert len([op for op in scenario["ops"] if op["op"] != "state"]) <= 6
    list(scenarios.play(scenario))  # an operation that cannot be played raises BrokenScenario


def play(steps: list[Step]) -> None:
    """Live one history."""
    history = Histories()
    try:
        for name, arguments in steps:
            getattr(history, name)(**arguments)
    finally:
        history.teardown()


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.rule)
def test_no_rule_is_needless(needed: Needed, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rules a history ends alike in both worlds, and without any one of them it shows a difference."""
    play(needed.steps)
    monkeypatch.setattr(needed.room, needed.name, needed.without)
    with pytest.raises(AssertionError, match="for `pydfly replay`"):
        play(needed.steps)
