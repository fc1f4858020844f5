"""Random histories end alike on Linux and on the simulated kernel, but for the rules of ``linux_rules``.

$PYDFLY_HISTORIES is the number of histories; from 1,000 on the slow tests of the test's own power run as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from pydfly.backends.protocol import Backend
from pydfly.simkernel import lifecycle, scenarios
from pydfly.simkernel.dragonfly.rules import DragonFly
from tests.conftest import linux_only
from tests.property import linux_rules, planted
from tests.property.histories import Histories

pytestmark = linux_only

HISTORIES = int(os.environ.get("PYDFLY_HISTORIES", "150"))
SETTINGS = settings(
    max_examples=HISTORIES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
POISONS = [planted.acquires_twice, planted.children_own_too]
WITHOUT: dict[str, tuple[Any, str, Any]] = {
    "LX-2": (linux_rules, "nearest_reaper", lambda process: process.kernel.init),
    "LX-3": (linux_rules.LinuxRules, "exit", DragonFly.exit),
    "LX-6": (lifecycle, "ignores_children", lambda parent: False),
}
if HISTORIES >= 1000:  # these take up to a minute each
    POISONS = planted.PLANTED
    WITHOUT |= {
        "LX-7": (linux_rules.LinuxRules, "execve", DragonFly.execve),
        "DP-9": (linux_rules, "HIGHEST_LINUX_SIGNAL", 128),
        "DS-4": (linux_rules.LinuxRules, "refuses_kill", DragonFly.refuses_kill),
    }


@pytest.fixture
def ended() -> Iterator[None]:
    yield
    Histories.end()


@pytest.mark.usefixtures("ended")
def test_random_histories() -> None:
    """No difference that no rule explains."""
    before = Histories.played
    run_state_machine_as_test(Histories, settings=SETTINGS)
    assert Histories.played - before >= HISTORIES


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
    assert Poisoned.failed is not None
    scenario = scenarios.parse(json.dumps(Poisoned.failed))
    assert len([op for op in scenario["ops"] if op["op"] != "state"]) <= 6
    list(scenarios.play(scenario))  # an operation that cannot be played raises BrokenScenario


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("rule", WITHOUT)
def test_no_rule_is_needless(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one of the rules a history shows a difference."""
    monkeypatch.setattr(*WITHOUT[rule])
    unshrunk = settings(SETTINGS, max_examples=1000, phases=[Phase.generate], derandomize=True)
    with pytest.raises(AssertionError, match="for `pydfly replay`"):
        run_state_machine_as_test(Histories, settings=unshrunk)
