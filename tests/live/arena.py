"""Let an escapee loose under a supervisor, end it in one of several ways, and look for survivors."""

from __future__ import annotations

import operator
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.live import onlooker
from tests.processes import last_answer

ESCAPEES = str(Path(__file__).with_name("escapees.py"))
ROOT = str(Path(__file__).parents[2])
VARIABLE = "PYDFLY_ESCAPEE"
ENDINGS = (
    "by itself",
    "SIGTERM to run",
    "stop()",
    "SIGKILL of the caller",
    "SIGKILL of run",
    "stop() in a Supervisor",
    "SIGKILL of a Supervisor's caller",
)
PATIENCE = 20.0  # seconds after the grace in which a process that is left counts as slow, not as a survivor

CALLER = """
import os, sys, pydfly
ready, command = int(sys.argv[1]), sys.argv[3:]
with pydfly.supervise(command, grace=float(sys.argv[2]), pass_fds=[ready]) as service:
    service.wait_started()
    os.close(ready)
    sys.stdin.readline()
    service.stop()
"""

# the escapee is one of several domains, and what ends is the whole
MANY = """
import os, sys, pydfly
ready, command = int(sys.argv[1]), sys.argv[3:]
with pydfly.Supervisor(grace=float(sys.argv[2])) as supervisor:
    others = [supervisor.supervise(["sleep", "60"]) for _ in range(2)]
    service = supervisor.supervise(command, pass_fds=[ready])
    for handle in (*others, service):
        handle.wait_started()
    os.close(ready)
    sys.stdin.readline()
    supervisor.stop()
"""


class Round:
    """One escapee, one supervisor, one ending."""

    def __init__(self, kind: str, ending: str, grace: float = 0.3) -> None:
        self.kind = kind
        self.ending = ending
        self.grace = grace
        self.marker = uuid.uuid4().hex
        self.seconds = 0.0  # from the ending's beginning to the last death, both in this process's eyes
        self.left: list[str] = []

    def play(self) -> Round:
        """Run it; ``left`` names the survivors, ``seconds`` says how long the ending took."""
        reading, writing = os.pipe()
        program = [sys.executable, "-I", "-S", ESCAPEES, self.kind, str(writing)]
        environment = os.environ | {VARIABLE: self.marker, "PYTHONPATH": ROOT}
        with subprocess.Popen(
            self._supervisor(program, writing),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            pass_fds=[writing],
            start_new_session=True,
        ) as supervisor:
            os.close(writing)
            try:
                assert supervisor.stdin
                self._await_ready(reading)
                began = time.monotonic()
                self._end(supervisor)
                left = left_after(self.grace + PATIENCE, self.marker)
                self.seconds = time.monotonic() - began
                self.left = [describe(pid) for pid in left]
            finally:
                os.close(reading)
                while left := survivors(self.marker):
                    for pid in left:
                        try:
                            os.kill(pid, signal.SIGKILL)
                        except ProcessLookupError:
                            continue
                supervisor.kill()
        return self

    def _supervisor(self, program: list[str], ready: int) -> list[str]:
        if self.ending in ("by itself", "SIGTERM to run", "SIGKILL of run"):
            leave = ["exit"] if self.ending == "by itself" else []
            return [sys.executable, "-m", "pydfly", "run", "--grace", str(self.grace), "--", *program, *leave]
        caller = MANY if "Supervisor" in self.ending else CALLER
        return [sys.executable, "-c", caller, str(ready), str(self.grace), *program]

    def _await_ready(self, reading: int) -> None:
        ready, _, _ = select.select([reading], [], [], 200)
        assert ready, f"{self.kind} did not announce itself"
        os.read(reading, 16)

    def _end(self, supervisor: subprocess.Popen[bytes]) -> None:
        assert supervisor.stdin
        if self.ending == "SIGTERM to run":
            supervisor.terminate()
        elif self.ending.startswith("stop()"):
            supervisor.stdin.write(b"\n")
            supervisor.stdin.flush()
        elif self.ending != "by itself":
            supervisor.kill()


def survivors(marker: str) -> list[int]:
    """Return the pids of every living process that carries the marker in its environment."""
    return onlooker.with_variable(f"{VARIABLE}={marker}")


def left_after(seconds: float, marker: str) -> list[int]:
    """Wait until no living process carries the marker; return the pids of those that do after so many seconds."""
    # a listing can miss one that forks meanwhile, so it is asked twice
    left: list[int] = last_answer(lambda: survivors(marker) or survivors(marker), seconds, operator.not_)
    return left


def describe(pid: int) -> str:
    """Describe a survivor."""
    try:
        seen = onlooker.look(pid)
    except ProcessLookupError:
        return f"{pid} (gone meanwhile)"
    return f"{pid} state {seen.state} parent {seen.ppid}: {seen.name}"


if __name__ == "__main__":
    from tests.live.escapees import KINDS

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    kinds = sys.argv[2].split(",") if len(sys.argv) > 2 else list(KINDS)
    endings = sys.argv[3].split(",") if len(sys.argv) > 3 else ENDINGS
    slowest = (0.0, "")
    leaks = count = 0
    for kind in kinds:
        line = []
        for ending in endings:
            times = []
            for _ in range(rounds):
                played = Round(kind, ending).play()
                count += 1
                times.append(played.seconds)
                slowest = max(slowest, (played.seconds, f"{kind}, {ending}"))
                if played.left:
                    leaks += 1
                    print(f"LEFT: {kind}, {ending}: {played.left}", flush=True)
            line.append(f"{max(times):.2f}")
        print(f"{kind:<20}", *line, flush=True)
    print(f"{count} rounds, {leaks} with survivors, slowest ending {slowest[0]:.2f} s ({slowest[1]})")
    sys.exit(1 if leaks else 0)
