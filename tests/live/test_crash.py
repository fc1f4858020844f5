"""SIGKILL at random moments: to the warden, its deputy, the guard, the caller, the command; two of them in a round.

$PYDFLY_CRASH_ROUNDS: how many rounds (20).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import uuid

import pytest

import pydfly
from tests.conftest import live_only
from tests.live import onlooker
from tests.live.arena import CALLER, ESCAPEES, MANY, ROOT, VARIABLE, describe, left_after, survivors
from tests.processes import eventually

ROUNDS = int(os.environ.get("PYDFLY_CRASH_ROUNDS", "20"))
GRACE = 0.2
PATIENCE = 20.0


def parent(pid: int) -> int:
    return onlooker.look(pid).ppid


def name(pid: int) -> str:
    return onlooker.look(pid).name


def cast(caller: int, marker: str) -> dict[str, int]:
    """Tell them by parentage: caller, guard, deputy, warden, command; fewer while they are starting."""
    roles = {"caller": caller}
    for role, above in (("guard", "caller"), ("deputy", "guard"), ("warden", "deputy"), ("command", "warden")):
        below = [pid for pid in survivors(marker) if parent(pid) == roles[above]]
        if not below:
            break
        roles[role] = min(below)
    return roles


def one_round(chance: random.Random, kind: str, code: str = CALLER) -> str:
    """Start, wait a random time, kill a random victim, then end what is left of the caller; return what was done."""
    marker = uuid.uuid4().hex
    reading, writing = os.pipe()
    program = [sys.executable, "-I", "-S", ESCAPEES, kind, str(writing)]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(writing), str(GRACE), *program],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
        env=os.environ | {VARIABLE: marker, "PYTHONPATH": ROOT},
    ) as caller:
        os.close(writing)
        story = kind
        roles: dict[str, int] = {}
        try:
            delay = chance.choice([chance.uniform(0.0, 0.15), chance.uniform(0.15, 0.4)])
            time.sleep(delay)
            wanted = chance.choice(["caller", "guard", "deputy", "warden", "command"])
            try:
                roles = cast(caller.pid, marker)
                role, victim = next((role, roles[role]) for role in (wanted, *reversed(roles)) if role in roles)
                os.kill(victim, signal.SIGKILL)
                story = f"{kind}: {role} killed after {delay:.3f} s"
            except (FileNotFoundError, ProcessLookupError):
                story = f"{kind}: one was gone after {delay:.3f} s"
            time.sleep(chance.choice([0.0, 0.0, chance.uniform(0.0, 0.3)]))
            another = roles.get(chance.choice(["caller", "guard", "deputy", "warden"]), caller.pid)
            if another in survivors(marker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(another, signal.SIGKILL)
            time.sleep(chance.choice([0.0, 0.0, chance.uniform(0.0, 0.3)]))
            caller.kill()
            left = left_after(GRACE + PATIENCE, marker)
            assert left == [], (story, [describe(pid) for pid in left])
        finally:
            os.close(reading)
            for pid in survivors(marker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    return story


@live_only
@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_process_survives_and_nothing_hangs(number: int) -> None:
    """The moment is random but the same in every run; every other round has several domains."""
    chance = random.Random(number)
    kind = chance.choice(["deaf_daemon", "fifty", "nested_reaper", "session_hydra", "late", "stopped"])
    one_round(chance, kind, MANY if number % 2 else CALLER)


if __name__ == "__main__":
    failed = 0
    for number in range(ROUNDS):
        chance = random.Random(number)
        kind = chance.choice(["deaf_daemon", "fifty", "nested_reaper", "session_hydra", "late", "stopped"])
        try:
            print(number, one_round(chance, kind, MANY if number % 2 else CALLER), flush=True)
        except AssertionError as error:
            failed += 1
            print(number, "FAILED", error, flush=True)
    print(f"{ROUNDS} rounds, {failed} with survivors")


MANY_ORPHANS = """
import os, time
for _ in range(3000):
    if os.fork() == 0:
        until_it_ends, parent = os.pipe()
        if os.fork() == 0:
            os.close(parent)
            os.read(until_it_ends, 1)
            os._exit(0)
        os._exit(0)
    os.wait()
os.write(1, b".")
time.sleep(60)
"""
"""What is to be told of these does not fit into a socket at once."""


def test_a_long_report_outlives_the_deputy() -> None:
    """The warden ends its domain when the deputy is killed, and tells everything."""
    with pydfly.supervise([sys.executable, "-c", MANY_ORPHANS], grace=1.0, stdout=subprocess.PIPE) as service:
        assert service.stdout
        assert service.stdout.read(1) == b"."
        os.kill(parent(parent(service.pid)), signal.SIGKILL)
        service.stop()
        assert len(service.report.processes) > 1000


def test_a_long_report_that_is_unread_when_the_warden_is_lost() -> None:
    """The deputy dies before it has told of the end of the warden, which was the last that the guard knew of it."""
    with pydfly.supervise([sys.executable, "-c", MANY_ORPHANS], grace=1.0, stdout=subprocess.PIPE) as service:
        assert service.stdout
        assert service.stdout.read(1) == b"."
        warden = parent(service.pid)
        deputy = parent(warden)
        guard = parent(deputy)
        for pid in (guard, deputy):
            os.kill(pid, signal.SIGSTOP)
        os.kill(service.pid, signal.SIGKILL)
        eventually(lambda: not onlooker.alive(warden) or (service.exit_status, False)[1])  # which reads a piece
        os.kill(deputy, signal.SIGKILL)
        os.kill(guard, signal.SIGCONT)
        eventually(service._guard.control.has_unread)  # it has told what it knows, and the report is unread still
        service.wait(60)
        assert len(service.report.processes) > 1000
