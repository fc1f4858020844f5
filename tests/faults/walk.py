"""A walk through "start, run, a daemon is left, end", with one fault at a time in one of the helpers.

usage: python -m tests.faults.walk [--every N] [--only NAME] [--role ROLE] [--scenario run|Supervisor]

Runs in a pid namespace of its own.  After each fault: no process may be left, nothing may hang, and no traceback may
reach stderr.  Exit status 1 if that failed for any.
"""

from __future__ import annotations

import argparse
import operator
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.processes import last_answer

from .program import CALLS

PROGRAM = [sys.executable, "-m", "tests.faults.program"]
MARK = "97531"
COMMAND = ["sh", "-c", f"setsid sleep {MARK} & sleep 0.03; exit 3"]
SCENARIOS = {"run": ["run", "--grace", "0.2", "--", *COMMAND], "Supervisor": ["Supervisor", *COMMAND]}
LONGEST = 15.0  # seconds: an ending may take its grace, and five seconds for what refuses to be killed
ERRORS = {
    "os.fork": ["EAGAIN", "ENOMEM"],
    "os.open": ["EMFILE", "ENFILE", "ENOENT", "EACCES"],
    "os.kill": ["EPERM", "ESRCH"],
    "os.killpg": ["EPERM", "ESRCH"],
    "os.waitpid": ["EINVAL", "ECHILD"],
    "os.waitid": ["EINVAL"],
    "os.write": ["EPIPE", "EIO"],
    "os.pidfd_open": ["EMFILE", "ENOSYS", "EPERM", "ESRCH"],
}


def faults(every: int, only: str | None, role: str | None, scenario: list[str]) -> Iterator[tuple[str, str, int, str]]:
    """Yield each fault to try: role, name, count, error."""
    place = 0
    for each in ("guard", "deputy", "warden"):
        if role not in (None, each):
            continue
        most = passes(each, scenario)
        for name in [*CALLS, "line"]:
            if only not in (None, name):
                continue
            for count in range(1, most.get(name, 0) + 1):
                errors = ["MemoryError"] if name == "line" else [*ERRORS.get(name, ["EIO"]), "MemoryError"]
                for error in errors:
                    place += 1
                    if place % every == 0:
                        yield each, name, count, error


def passes(role: str, scenario: list[str]) -> dict[str, int]:
    """Return how often a helper comes by each function, and lines of the package, rounded up."""
    most: dict[str, int] = {}
    with tempfile.NamedTemporaryFile() as log:
        for name in ("calls", "line"):
            subprocess.run([*PROGRAM, role, name, "0", "EIO", log.name, *scenario], capture_output=True, timeout=200)
        for line in Path(log.name).read_text().splitlines():
            name, seen = line.split()
            most[name] = max(most.get(name, 0), int(seen) + 50)
    return most


def attempt(fault: tuple[str, str, int, str], scenario: list[str]) -> str | None:
    """Play the scenario with a fault; return what went wrong."""
    role, name, count, error = fault
    command = [*PROGRAM, role, name, str(count), error, os.devnull, *scenario]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            process.wait(LONGEST)
            trouble = None
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            trouble = "hangs"
        left = last_answer(survivors, 20, operator.not_)
        for pid in left:
            os.kill(pid, 9)
        output.seek(0)
        said = output.read()
    if left:
        trouble = f"{trouble or ''} {len(left)} left".strip()
    if b"Traceback" in said:
        trouble = f"{trouble or ''} {said.decode(errors='replace').strip()[-300:]}".strip()
    return trouble


def survivors() -> list[int]:
    """Return the pids of the daemons that are alive."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if words == f"sleep\0{MARK}\0".encode():
                found.append(int(name))
    return found


def main() -> int:
    """Walk, and print what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="try each Nth fault only")
    parser.add_argument("--only", help="one function, or line")
    parser.add_argument("--role", help="one helper")
    parser.add_argument("--scenario", choices=SCENARIOS, help="one scenario")
    options = parser.parse_args()
    tried = wrong = 0
    for name, scenario in SCENARIOS.items():
        if options.scenario not in (None, name):
            continue
        for fault in faults(options.every, options.only, options.role, scenario):
            tried += 1
            trouble = attempt(fault, scenario)
            if trouble:
                wrong += 1
                print(name, *fault, "->", trouble, flush=True)
    print(f"{tried} faults, {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
