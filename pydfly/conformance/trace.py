"""What happened in a world, written as a scenario that ``pydfly replay`` reads.

Processes become numbers in the order of their creation (1 is what stands for init), and signals the numbers of the
simulated system.  After each operation the state of all processes is written too.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from ..constants.bsd import IdType, Signal
from ..errors import SyscallError
from ..structs import BAD_POINTER, NULL, OMITTED, ReaperKill
from .world import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from .recorder import Call
    from .world import World

UNKNOWN_PID = 77
"""How a scenario writes the pid of a process that never was."""
_WRITERS = ("_STATUS", "_GETPIDS")
_REAL_INIT = 2
_UNTOUCHED = {"killed": 9999, "fpid": -9999}  # what stands in the structure of PROC_REAP_KILL before the call
_TOLD_VALUES = {"PROC_PDEATHSIG_STATUS", "PROC_TRACE_STATUS", "PROC_TRAPCAP_STATUS"}
_IDTYPES = {int(idtype): idtype.name for idtype in IdType}


class Trace:
    """The history of one world.

    Attributes:
        ops: the operations so far.
        complete: nothing happened that a scenario has no words for.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ops: list[dict[str, Any]] = []
        self._deathsigs: dict[int, int] = {}
        self.complete = True
        self._changed_ids: set[int] = set()  # who has the set-id mark

    def scenario(self, world: World) -> dict[str, Any]:
        """Return the whole as a scenario."""
        return {"name": self.name, "os": world.flavour, "ops": self.ops}

    def note(self, actor: Actor, op: str, fields: dict[str, Any], died: list[Actor]) -> None:
        """Add an operation, and the state after it."""
        world = actor.world
        entry = {"op": op, "pid": number_of(world, actor.pid), **_FIELDS[op](world, fields)}
        if op == "setuid":
            self._changed_ids.add(actor.pid)
        elif op == "fork" and actor.pid in self._changed_ids:
            self._changed_ids.add(fields["child"].pid)
        self._add(world, entry, actor, died)

    def note_calls(self, actor: Actor, calls: list[Call], died: list[Actor]) -> None:
        """Add the calls of the raw layer that an actor made, as far as a scenario can say them."""
        self.complete &= not any(call.name.endswith("make_resident") for call in calls)  # no scenario can say that
        entries = [entry for call in calls if (entry := _CALLS[call.name](actor, call)) is not None]
        self.ops += entries[:-1]
        if entries:
            self._add(actor.world, entries[-1], actor, died)

    def _add(self, world: World, entry: dict[str, Any], actor: Actor, died: list[Actor]) -> None:
        if world.flavour == "freebsd" and [each for each in died if entry["op"] != "exit" or each is not actor]:
            entry["deaths"] = [number_of(world, each.pid) for each in died]
        self.ops.append(entry)
        state = {"op": "state", "processes": self._processes(world)}
        if world.flavour == "freebsd":
            living = sorted(number_of(world, pid) for pid in self._changed_ids if world.actors[pid].alive)
            state["sugid"] = {str(number): True for number in living}
        self.ops.append(state)

    def _processes(self, world: World) -> dict[str, Any]:
        processes = {}
        for pid, actor in world.actors.items():
            ppid, pending, deathsig = actor.look() if actor.alive else (actor.ppid, [], 0)
            if ppid is None:
                continue
            entry: dict[str, Any] = {"ppid": 0 if actor is world.outside else number_of(world, ppid)}
            entry["zombie"] = not actor.alive
            if actor.alive:
                self._deathsigs[pid] = bsd_number(world, deathsig)
                entry["pending"] = sorted(bsd_number(world, world.signal(name)) for name in pending)
                entry["deathsig"] = self._deathsigs[pid]
            elif world.flavour == "dragonfly":
                entry |= {"pending": [], "deathsig": self._deathsigs.get(pid, 0)}
            processes[str(number_of(world, pid))] = entry
        return processes


def number_of(world: World, pid: int) -> int:
    """Return the number of a process in a scenario."""
    pids = list(world.actors)
    return pids.index(pid) + 1 if pid in pids else pid if pid <= 0 else UNKNOWN_PID


def bsd_number(world: World, signal: int) -> int:
    """Return the simulated system's number of a signal of this machine."""
    if not world.live:
        return signal
    try:
        return int(Signal[world.machine.signal_name(signal)])
    except (KeyError, ValueError):
        return signal


def _errno(error: OSError) -> dict[str, str]:
    name = error.errno_name if isinstance(error, SyscallError) else errno.errorcode[error.errno or 0]
    return {"errno": name}


def _wait(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    target, result = fields["target"], fields["result"]
    if isinstance(result, OSError):
        result = _errno(result)
    elif result is not None:
        code, signal = result[1] >> 8, result[1] & 0x7F
        result = [number_of(world, result[0]), code << 8 | bsd_number(world, signal)]
    return {"target": -1 if target is None else number_of(world, target.pid), "result": result}


def _kill(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    result = fields["result"]
    return {
        "target": number_of(world, fields["target"].pid),
        "sig": bsd_number(world, fields["signal"]),
        "result": 0 if result is None else _errno(result),
    }


def _exec(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    if world.flavour == "freebsd":
        return {"path": "/bin/first", "suid": False, "result": 0}
    return {"path": "/sbin/first", "suid": False, "result": {"resident": False, "entry": 4096}}


_FIELDS: dict[str, Callable[[World, dict[str, Any]], dict[str, Any]]] = {
    "fork": lambda world, fields: {"child": number_of(world, fields["child"].pid)},
    "exit": lambda world, fields: {"status": fields["status"]},
    "exec": _exec,
    "wait": _wait,
    "kill": _kill,
    "setuid": lambda world, fields: {"uid": fields["uid"], "result": 0},
    "sigchld_ignore": lambda world, fields: {"value": fields["value"]},
    "sigchld_catch": lambda world, fields: {"value": fields["value"]},
}


def _procctl(actor: Actor, call: Call) -> dict[str, Any] | None:
    world = actor.world
    idtype, id, cmd, data = call.arguments
    name = world.numbers.Command(cmd).name if cmd in set(world.numbers.Command) else cmd
    if idtype not in _IDTYPES or (call.refused is not None and _is_a_guard(world, name, data, call.refused)):
        return None
    entry = {
        "op": "procctl",
        "pid": number_of(world, actor.pid),
        "idtype": _IDTYPES[idtype],
        "id": number_of(world, id) if abs(id) < 2**31 else id,
        "cmd": name,
        "data": _data(world, str(name), data),
        "result": 0 if call.refused is None else _errno(call.refused),
    }
    written = call.refused.result if call.refused is not None else call.answer
    if isinstance(written, tuple) and None in written:  # what this system cannot tell
        return None
    if call.refused is not None and call.refused.errno_name == "EINVAL" and isinstance(data, ReaperKill):
        entry["out"] = _UNTOUCHED
    elif written is not None and (not isinstance(written, int) or name in _TOLD_VALUES):
        entry["out"] = _written(world, str(name), written)
    return entry


def _residency(actor: Actor, call: Call, op: str, **fields: int) -> dict[str, Any] | None:
    if actor.world.flavour == "freebsd":
        return None
    result = (call.answer or 0) if call.refused is None else _errno(call.refused)
    return {"op": op, "pid": number_of(actor.world, actor.pid), **fields, "result": result}


def _is_a_guard(world: World, name: object, data: object, refused: SyscallError) -> bool:
    """Say whether the package refused this, and no kernel would: DP-10, and what Linux cannot deliver."""
    panics = world.flavour == "dragonfly" and name == "PROC_PDEATHSIG_CTL" and data == world.numbers.SIG_MAXSIG
    return panics or refused.errno_name == "EOPNOTSUPP"


def _data(world: World, command: str, data: Any) -> Any:
    if data is NULL or data is BAD_POINTER:
        return None if data is NULL else "badptr"
    if command.endswith("GETPIDS"):
        return {"count": 100 if data is OMITTED else data, "pids": "buffer"}
    if data is OMITTED:
        return "buffer" if command.endswith(_WRITERS) else None
    if isinstance(data, ReaperKill):
        return {"sig": bsd_number(world, data.sig), "flags": data.flags, "subtree": number_of(world, data.subtree)}
    return bsd_number(world, data) if command == "PROC_PDEATHSIG_CTL" else data


def _written(world: World, command: str, answer: Any) -> Any:
    if command == "PROC_PDEATHSIG_STATUS":
        return {"signal": bsd_number(world, answer)}
    if isinstance(answer, int):  # the API's ints are unsigned (K-4), a scenario's are the C ints
        return {"value": answer - 2**32 if answer >= 2**31 else answer}
    if isinstance(answer, list):
        return [_record(world, entry) for entry in answer]
    return _record(world, answer)


def _record(world: World, record: Any) -> dict[str, int]:
    """Write a C structure, with numbers in place of pids."""
    pids = {"pid_head", "pid", "subtree", "reaper", "fpid"}
    written = {
        name: number_of(world, value) if name in pids and value > 0 else int(value)
        for name, value in record._asdict().items()
    }
    if written.get("reaper") == 1:  # what stands for init is init in a scenario
        written["flags"] |= _REAL_INIT
    return written


_CALLS: dict[str, Callable[[Actor, Call], dict[str, Any] | None]] = {
    "procctl": _procctl,
    "exec_sys_register": lambda actor, call: _residency(actor, call, "register", entry=call.arguments[0]),
    "exec_sys_unregister": lambda actor, call: _residency(actor, call, "unregister", id=call.arguments[0]),
    "vm.resident": lambda actor, call: None,
    "make_resident": lambda actor, call: None,
    "unmake_resident": lambda actor, call: None,
}
