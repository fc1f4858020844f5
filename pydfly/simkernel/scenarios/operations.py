"""The operations that the recordings of both systems share, as a simulated machine does them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import structs
from ...errors import SyscallError
from ..faults import SimulationError
from ..kernel import Kernel, Process
from .player import Got, Op, Steps

POINTERS = {None: structs.NULL, "buffer": structs.OMITTED, "badptr": structs.BAD_POINTER}
"""What ``data`` may say instead of a value."""
DONE: Got = {"result": 0}
NOTHING: Got = {}


class Model:
    """A simulated kernel as a machine for the player."""

    def __init__(self, kernel: Kernel, steps: Steps) -> None:
        self.kernel = kernel
        self.steps = steps
        self.by_pid = kernel.by_pid
        names = kernel.constants
        self.commands: dict[str, int] = {name: int(value) for name, value in names.Command.__members__.items()}
        self.idtypes: dict[str, int] = {name: int(value) for name, value in names.IdType.__members__.items()}

    def actor(self, op: Op) -> Process:
        """Return the process that acts."""
        process = self.by_pid.get(op["pid"])
        if process is None:
            if type(op["pid"]) is not int:
                raise TypeError(f"{op['pid']!r} is no pid")
            raise SimulationError(f"there is no process {op['pid']}")
        return process


def errno_of(error: SyscallError) -> dict[str, str]:
    """Return an error as a scenario writes it."""
    return {"errno": error.errno_name}


def answer(call: Callable[..., object], *arguments: object) -> Got:
    """Make a call whose result is 0, or its error."""
    try:
        call(*arguments)
    except SyscallError as error:
        return {"result": errno_of(error)}
    return DONE


def silent(call: Callable[[Process, Any], object], key: str) -> Callable[[Model, Op], Got]:
    """Make the step of a call that tells nothing; ``key``: where the operation has its argument."""

    def step(model: Model, op: Op) -> Got:
        call(model.actor(op), op[key])
        return NOTHING

    return step


def wait(model: Model, op: Op) -> Got:
    """{"pid", "target", "result"}: always with WNOHANG."""
    try:
        waited = model.actor(op).wait(op["target"], True)
    except SyscallError as error:
        return {"result": errno_of(error)}
    return {"result": None if waited is None else list(waited)}


SHARED: Steps = {
    "exit": silent(lambda process, status: process.exit(status), "status"),
    "wait": wait,
    "kill": lambda model, op: answer(model.actor(op).kill, op["target"], op["sig"]),
    "setuid": lambda model, op: answer(model.actor(op).setuid, op["uid"]),
    "sigchld_ignore": silent(lambda process, value: process.ignore_sigchld(value), "value"),
    "sigchld_catch": silent(lambda process, value: process.catch_sigchld(value), "value"),
}
"""What each operation does."""
