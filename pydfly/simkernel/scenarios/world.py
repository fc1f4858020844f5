"""The simulated machine as the operations of a scenario see it, and the operations that all flavours share.

An operation returns None when the result is the recorded one, else what was recorded and what came instead.
"""

from __future__ import annotations

from ... import structs
from ...errors import SyscallError
from ..faults import SimulationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..kernel import Kernel
    from ..process import Process

    Op = dict[str, Any]
    Differs = tuple[object, object] | None
    Step = Callable[["World", Op], Differs]
    Steps = dict[str, Step]

POINTERS = {None: structs.NULL, "buffer": structs.OMITTED, "badptr": structs.BAD_POINTER}
"""What ``data`` may say instead of a value."""


class BrokenScenario(ValueError):
    """A line is no scenario, or an operation in it is none."""


class World:
    """A simulated kernel under a scenario."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.by_pid = kernel.by_pid
        self.commands: dict[str, int] = {
            name: int(value) for name, value in kernel.constants.Command.__members__.items()
        }
        self.idtypes: dict[str, int] = {name: int(value) for name, value in kernel.constants.IdType.__members__.items()}

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


def expect(op: Op, got: object) -> Differs:
    """Compare with the recorded result."""
    expected = op["result"]
    return None if expected == got else (expected, got)


def exit_(world: World, op: Op) -> Differs:
    """{"pid", "status"}."""
    world.actor(op).exit(op["status"])
    return None


def wait(world: World, op: Op) -> Differs:
    """{"pid", "target", "result"}: always with WNOHANG."""
    try:
        waited = world.actor(op).wait(op["target"], True)
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, None if waited is None else list(waited))


def kill(world: World, op: Op) -> Differs:
    """{"pid", "target", "sig", "result"}."""
    try:
        world.actor(op).kill(op["target"], op["sig"])
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, 0)


def setuid(world: World, op: Op) -> Differs:
    """{"pid", "uid", "result"}."""
    try:
        world.actor(op).setuid(op["uid"])
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, 0)


def sigchld_ignore(world: World, op: Op) -> Differs:
    """{"pid", "value"}."""
    world.actor(op).ignore_sigchld(op["value"])
    return None


SHARED: Steps = {
    "exit": exit_,
    "wait": wait,
    "kill": kill,
    "setuid": setuid,
    "sigchld_ignore": sigchld_ignore,
}


def compare_state(op: Op, seen: dict[str, Any]) -> Differs:
    """Compare what a ``state`` says with what is seen, as far as it says anything; return only what differs."""
    expected: dict[str, Any] = {}
    got: dict[str, Any] = {}
    for key, value in op.items():
        if key == "op":
            continue
        if key not in seen:
            raise TypeError(f"a state says nothing of {key!r}")
        if not isinstance(value, dict):
            raise TypeError(f"a state says of {key!r} what each process has, not {value!r}")
        if seen[key] == value:
            continue
        expected[key], got[key] = {}, {}
        for name in sorted({*value, *seen[key]}, key=int):
            left, right = value.get(name), seen[key].get(name)
            if left != right:
                expected[key][name], got[key][name] = left, right
    return (expected, got) if expected else None
