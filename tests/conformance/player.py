"""Play a scenario with the processes of a world, real ones too: do the operations, and compare what the trace says."""

from __future__ import annotations

from typing import Any

from pydfly.conformance.trace import UNKNOWN_PID, Trace
from pydfly.conformance.world import Actor, World, outcome
from pydfly.constants.bsd import IdType, Signal
from pydfly.structs import BAD_POINTER, NULL, OMITTED

POINTERS = {None: NULL, "badptr": BAD_POINTER, "buffer": OMITTED}
NO_PID = 4_194_000  # above what this machine gives out soon; a process with this pid would fail the test


class Player:
    """A scenario on a world that was made with a trace."""

    def __init__(self, world: World, trace: Trace) -> None:
        self.world = world
        self.trace = trace
        self.actors: dict[int, Actor] = {1: world.outside, 2: world.first}

    def play(self, ops: list[dict[str, Any]]) -> list[str]:
        """Return the differences."""
        differences = []
        for number, op in enumerate(ops, 1):
            if op["op"] == "state":
                got = {"op": "state", "processes": self.trace.ops[-1]["processes"]}
            else:
                before = len(self.trace.ops)
                getattr(self, op["op"])(self.actors[op["pid"]], op)
                got = self.trace.ops[before]
            if got != op:
                differences.append(f"operation {number}: expected {op}, got {got}")
        return differences

    def fork(self, actor: Actor, op: dict[str, Any]) -> None:
        self.actors[op["child"]] = actor.fork(f"process {op['child']}")

    def exit(self, actor: Actor, op: dict[str, Any]) -> None:
        actor.exit(op["status"])

    def exec(self, actor: Actor, op: dict[str, Any]) -> None:
        actor.execute()

    def sigchld_catch(self, actor: Actor, op: dict[str, Any]) -> None:
        actor.catch_sigchld(op["value"])

    def wait(self, actor: Actor, op: dict[str, Any]) -> None:
        outcome(actor.wait, None if op["target"] == -1 else self.actors[op["target"]])

    def kill(self, actor: Actor, op: dict[str, Any]) -> None:
        outcome(actor.kill, self.actors[op["target"]], Signal(op["sig"]).name if op["sig"] else "0")

    def procctl(self, actor: Actor, op: dict[str, Any]) -> None:
        world = self.world
        id, cmd, data = op["id"], op["cmd"], op["data"]
        if id in self.actors:
            id = self.actors[id].pid
        elif id == UNKNOWN_PID:
            id = NO_PID
        if type(data) is not int:
            data = POINTERS[data]
        elif cmd == "PROC_PDEATHSIG_CTL" and data in set(Signal):
            data = world.signal(Signal(data).name)
        number = int(world.numbers.Command[cmd]) if isinstance(cmd, str) else cmd
        outcome(actor.call, "procctl", int(IdType[op["idtype"]]), id, number, data)
