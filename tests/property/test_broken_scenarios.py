"""A damaged recording gives differences or is called broken; nothing else ever comes out of the player."""

from __future__ import annotations

import gzip
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pydfly.simkernel import scenarios

DATA = Path(__file__).parent.parent / "data"
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["buffer", "P_PID", "PROC_REAP_STATUS", "fork", 1, 2, 3, 128]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@cache
def recorded() -> list[dict[str, Any]]:
    with gzip.open(DATA / "dragonfly.jsonl.gz") as file:
        return [json.loads(line) for line in file]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_is_found_and_called_by_its_name(data: st.DataObject) -> None:
    scenario = deepcopy(data.draw(st.sampled_from(recorded()), "scenario"))
    scenario["ops"] = scenario["ops"][:30]
    number = data.draw(st.integers(0, len(scenario["ops"]) - 1), "operation")
    op = scenario["ops"][number]
    key = data.draw(st.sampled_from(sorted(op)), "key")
    if data.draw(st.booleans(), "remove"):
        del op[key]
    else:
        op[key] = data.draw(JUNK, "instead")
    try:
        for difference in scenarios.play(scenarios.parse(json.dumps(scenario))):
            assert str(difference).startswith(f"{scenario['name']}: operation ")
    except scenarios.BrokenScenario as broken:
        assert str(broken).startswith(f"{scenario['name']}: operation ")
