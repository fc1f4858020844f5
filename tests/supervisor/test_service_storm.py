"""Many services while commands, wardens and deputies are killed at random: every one is what its policy says."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

import pydfly
from tests.processes import eventually, in_process

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="knows helpers by their names, which only Linux lets them set"
)

SERVICES, ROUNDS = 30, 150


def processes() -> dict[int, tuple[int, str]]:
    """Return parent and name of each process that is no zombie."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                name, _, rest = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(")")
                fields = rest.split()
                if fields[0] not in "ZX":
                    found[int(entry)] = int(fields[1]), name.partition("(")[2]
    return found


def below(root: int) -> dict[int, str]:
    """Return the names of the descendants of a process."""
    everybody = processes()
    found: dict[int, str] = {}
    generation = {root}
    while generation:
        generation = {pid for pid, (parent, _) in everybody.items() if parent in generation}
        found |= {pid: everybody[pid][1] for pid in generation}
    return found


def memory(pid: int) -> int:
    """Return how many pages of a process are its own in memory."""
    resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    return int(resident) - int(shared)


def end_one(guard: int, name: str, chance: random.Random, kills: dict[str, int]) -> None:
    """Kill one process with this name, if there is one below the guard, and give the others a moment."""
    victims = [pid for pid, one in below(guard).items() if one == name]
    if victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(victims), signal.SIGKILL)
            kills[name] += 1
    time.sleep(0.02 if name != "pydfly-deputy" else 0.2)


def storm(services: int, rounds: int) -> dict[str, object]:
    """Run it; return what was done and seen."""
    chance = random.Random(20)
    kills = {"sleep": 0, "warden:sh": 0, "pydfly-deputy": 0}
    with pydfly.Supervisor(grace=1.0) as supervisor:
        kept = [
            supervisor.service(
                f"s{number}",
                ["sh", "-c", "setsid sleep 1000 & exec sleep 1000"],
                restart="always" if number % 5 else "on-failure",
                delay=0.05,
                backoff=1.0,
                limit=(3, 600.0) if number % 10 == 0 else None,
            )
            for number in range(services)
        ]
        for service in kept:
            service.start()
        for service in kept:
            service.wait_ready(60)
        (guard,) = [pid for pid, name in below(os.getpid()).items() if name == "pydfly-guard"]
        sizes = []
        for number in range(rounds):
            if number in (rounds * 3 // 10, rounds * 9 // 10):
                sizes.append(memory(guard))
            end_one(guard, chance.choice(["sleep"] * 12 + ["warden:sh"] * 6 + ["pydfly-deputy"]), chance, kills)

        def settled() -> list[pydfly.ServiceStatus]:
            """Return the states, once all have come to what they stay: what was killed last may not be noticed yet."""
            states = [service.status() for service in kept]
            running = [status.pid for status in states if status.state == "running"]
            everybody = below(guard)
            names = list(everybody.values())
            good = (
                all(status.state in ("running", "failed") for status in states)
                # a domain for each that runs, and no process besides; a command may have gone before its child
                and (names.count("warden:sh"), names.count("pydfly-deputy")) == (len(running), 1)
                and set(names) <= {"warden:sh", "pydfly-deputy", "sleep", "sh"}
                and {pid for pid in running if pid} <= set(everybody)
            )
            return states if good else []

        states = eventually(settled, timeout=300)
        limited = states[::10]
        assert all(status.state == "running" for number, status in enumerate(states) if number % 10)
        assert all(status.state == "running" or status.restarts == 3 for status in limited)
    eventually(lambda: below(os.getpid()) == {})  # this process is a reaper: what escaped is here
    return {
        "kills": kills,
        "restarts": sum(status.restarts for status in states),
        "failed": sum(status.state == "failed" for status in states),
        "pages": sizes,
    }


def test_storm() -> None:
    def scenario() -> dict[str, object]:
        pydfly.reaper.acquire()  # what escapes comes here
        return storm(SERVICES, ROUNDS)

    result = in_process(scenario)
    before, after = result["pages"]
    assert after < before * 1.2 + 200, result
    assert result["restarts"] > 10


if __name__ == "__main__":  # python -m tests.supervisor.test_service_storm SERVICES ROUNDS
    pydfly.reaper.acquire()
    print(storm(int(sys.argv[1]), int(sys.argv[2])))
