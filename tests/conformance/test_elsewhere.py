"""The cases of other projects' tests of the same facilities, as scenarios of ours, on the backends they belong to.

``source`` says where a case comes from, ``backends`` where it holds.  On simulated kernels `pydfly replay` plays
them; here real processes do.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import pydfly
from pydfly.conformance import suite
from pydfly.conformance.live import Live
from pydfly.simkernel import scenarios
from pydfly.simkernel.scenarios import Mismatch, player
from tests.conftest import linux_only
from tests.processes import eventually, in_process, pause

FILE = Path(__file__).parents[1] / "data" / "elsewhere.jsonl"
SCENARIOS = [scenarios.parse(line) for line in FILE.read_text().splitlines()]
CASES = [
    pytest.param(scenario, backend, id=f"{backend}-{scenario['name']}", marks=linux_only if "linux" in backend else ())
    for scenario in SCENARIOS
    for backend in scenario["backends"]
    if not backend.startswith("native")
]


def test_every_source_is_there() -> None:
    """Nothing was lost on the way."""
    sources = {scenario["source"].partition(":")[0].partition(" Pr")[0] for scenario in SCENARIOS}
    assert {"LTP prctl01", "LTP prctl02", "LTP prctl03", "gVisor", "what LTP lacks"} <= sources
    assert sum(scenario["source"].startswith("what DragonFly") for scenario in SCENARIOS) >= 7


def played(scenario: dict[str, Any], backend: str) -> list[Mismatch]:
    """Play a scenario on a backend, with real processes where it is a live one."""
    machine = suite.machine(suite.maker(backend))
    try:
        machine.first()
        return list(player.play(scenario, machine if isinstance(machine, Live) else machine.model))
    finally:
        machine.close()


@pytest.mark.parametrize(("scenario", "backend"), CASES)
def test_a_case_holds(scenario: dict[str, Any], backend: str) -> None:
    """The same operations, with the same answers and the same states in between."""
    assert played(scenario, backend) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_a_case_replays(scenario: dict[str, Any]) -> None:
    """As `pydfly replay` plays it."""
    assert list(scenarios.play(scenario)) == []


def test_a_wrong_case_is_noticed() -> None:
    """The player compares: one wrong number is one difference."""
    scenario = json.loads(json.dumps(next(s for s in SCENARIOS if s["name"] == "status-of-a-small-family-dragonfly")))
    wrong = next(op for op in scenario["ops"] if op.get("out"))
    wrong["out"]["refs"] += 1
    assert len(played(scenario, "sim")) == 1


@linux_only
def test_a_wrong_state_is_noticed() -> None:
    """Real processes are compared like modelled ones: parents, pending signals, and which processes exist."""
    scenario = json.loads(json.dumps(next(s for s in SCENARIOS if s["name"] == "status-of-a-small-family-dragonfly")))
    state = next(op for op in scenario["ops"] if op["op"] == "state")
    state["processes"]["2"]["ppid"] = 77
    state["processes"]["9"] = {}
    (found,) = played(scenario, "linux")
    assert (found.operation, sorted(found.expected["processes"])) == ("state", ["2", "9"])  # type: ignore[index]


@linux_only
def test_threads_share_the_attribute() -> None:
    """gVisor PrctlTest ThreadsInheritChildSubreaperBit: ownership is the process's."""

    def script() -> tuple[bool, bool]:
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: (pydfly.reaper.acquire(), seen.append(pydfly.reaper.owned())))
        thread.start()
        thread.join()
        return seen[0], pydfly.reaper.owned()

    assert in_process(script) == (True, True)


@linux_only
def test_the_signal_comes_when_the_forking_thread_ends() -> None:
    """gVisor PrctlTest PDeathSig, LX-10: on Linux it is the thread that counts, though the process lives on."""

    def script() -> int:
        pids: list[int] = []
        ready, armed = os.pipe()

        def fork() -> None:
            pid = os.fork()
            if pid == 0:
                pydfly.pdeathsig.set(signal.SIGKILL)
                os.write(armed, b"!")
                pause()
            os.read(ready, 1)
            pids.append(pid)

        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
        return eventually(lambda: os.waitpid(pids[0], os.WNOHANG)[1])  # type: ignore[no-any-return]

    assert os.WTERMSIG(in_process(script)) == signal.SIGKILL
