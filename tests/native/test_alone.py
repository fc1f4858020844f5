"""The conformance suite on the compiled extension with a stub kernel in it: what one process can see alone.

The stub keeps ownership, parent-death signal, settings and registrations, and has no processes of its own: what needs
a family is checked on real BSDs only, by ``pydfly conform``.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Literal

import pytest

from pydfly import constants
from pydfly.backends import current
from pydfly.conformance import suite
from pydfly.conformance.behaviour import Behaviour, every
from pydfly.conformance.programs import Programs
from pydfly.conformance.recorder import Recorder, call_api
from pydfly.conformance.world import NotHereError

from .building import Kernel

ALONE = "a stub kernel has no family of processes"


SHOWN = {  # what must not be left unchecked for any reason
    "a-wrong-idtype",
    "acquire-and-release-twice",
    "acquire-for-a-block",
    "an-unknown-command",
    "data-of-acquire-and-release",
    "no-process",
    "null-and-bad-pointers",
    "refusals-have-portable-names",
    "registering-python-is-dangerous",
    "set-get-clear",
    "the-number-128",
    "the-process-itself",
    "what-c-could-not-take",
}


class Alone:
    """A machine with one process, this one."""

    live: Literal[True] = True
    has_root = False

    def __init__(self, kernel: Kernel) -> None:
        self.backend = f"native:{kernel.flavour}"
        self.flavour = kernel.flavour
        self.numbers = constants.of(kernel.flavour)
        self.keeper = os.getppid()
        self.programs = Programs(runnable=False)
        self._recorder = Recorder(current())

    def first(self) -> int:
        return os.getpid()

    def ask(self, pid: int, command: str, *arguments: Any) -> Any:
        if command != "call" or pid != os.getpid():
            raise NotHereError(ALONE)
        return call_api(self._recorder, *arguments)

    def settle(self) -> list[int]:
        return []

    def signal(self, name: str) -> int:
        return int(signal.Signals[name])

    def signal_name(self, number: int) -> str:
        return signal.Signals(number).name

    def __getattr__(self, name: str) -> Any:
        raise NotHereError(f"{ALONE}: {name}")


RUNS_A_PROGRAM = "registering runs the program, and Linux cannot run one of DragonFly"
NOT_IN_THE_STUB = {
    "a-program-comes-and-goes": RUNS_A_PROGRAM,
    "ids-are-given-out-again": RUNS_A_PROGRAM,
    "the-file-counts-not-its-name": RUNS_A_PROGRAM,
    "removal-by-program": RUNS_A_PROGRAM,
    "what-a-process-starts-with": "the stub keeps what it is given, and starts with 0",
    "tracing-off-and-on": "the stub keeps what it is given, and knows no debuggers",
    "trapping-capability-errors": "the stub keeps what it is given, and starts with 0",
}
SINGLE = [
    known
    for known in every()
    if known.topic in ("arguments", "deathsig", "residency", "settings")
    or known.name.startswith(("acquire", "refusals"))
]


@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
@pytest.mark.parametrize("known", SINGLE, ids=lambda known: known.name)
def test_behaviour(flavour: str, known: Behaviour, request: pytest.FixtureRequest) -> None:
    """As the flavour demands, as far as one process and a stub can show it."""
    if flavour not in known.expected or known.name in NOT_IN_THE_STUB:
        return
    kernel: Kernel = request.getfixturevalue(flavour)
    machine = Alone(kernel)
    try:
        result = suite.check(known, machine)
    finally:
        machine.programs.remove()
    if result.verdict == suite.NOT_CHECKED:
        assert known.name not in SHOWN
        assert (
            ALONE in str(result.observed)
            or "simulated kernel only" in str(result.observed)
            or "root" in str(result.observed)
            or "unusable" in str(result.observed)
        )
        return
    assert result.good, (result.expected, result.observed)
