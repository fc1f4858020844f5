"""The operations of a DragonFly recording."""

from __future__ import annotations

from ...errors import SyscallError
from ..dragonfly import reaping
from .world import POINTERS, SHARED, compare_state, errno_of, expect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...structs import Data
    from .world import Differs, Op, Steps, World

FIRST_PROGRAM = "/sbin/first"
"""What process 2 runs at the beginning."""


def fork(world: World, op: Op) -> Differs:
    """{"pid", "child", "nowait"}: the child gets the next pid."""
    child = world.actor(op).fork(nowait=op.get("nowait", False))
    return None if child.pid == op["child"] else (op["child"], child.pid)


def exec_(world: World, op: Op) -> Differs:
    """{"pid", "path", "suid", "owner", "result"}."""
    started = world.actor(op).execve(op["path"], suid=op["suid"], owner=op["owner"] if op["suid"] else 0)
    return expect(op, {"resident": started.resident, "entry": started.entry})


def procctl(world: World, op: Op) -> Differs:
    """{"pid", "idtype", "id", "cmd", "data", "result", "out"}: ``out`` is what was written to a ``"buffer"``."""
    data, cmd, idtype = op["data"], op["cmd"], op["idtype"]
    argument: Data = data if type(data) is int else POINTERS[data]
    number = idtype if type(idtype) is int else world.idtypes[idtype]
    try:
        answer = world.actor(op).procctl(number, op["id"], world.commands[cmd] if type(cmd) is str else cmd, argument)
    except SyscallError as error:
        return expect(op, errno_of(error))
    out = WRITES[cmd](answer) if data == "buffer" and cmd in WRITES else None
    if op["result"] == 0 and out == op.get("out"):
        return None
    return {"result": op["result"], "out": op.get("out")}, {"result": 0, "out": out}


WRITES: dict[str | int, Any] = {
    "PROC_REAP_STATUS": lambda status: status._asdict(),
    "PROC_PDEATHSIG_STATUS": lambda signal: {"signal": signal},
}
"""How a scenario writes what a command wrote."""


def register(world: World, op: Op) -> Differs:
    """{"pid", "entry", "result"}."""
    try:
        world.actor(op).exec_sys_register(op["entry"])
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, 0)


def unregister(world: World, op: Op) -> Differs:
    """{"pid", "id", "result"}."""
    try:
        return expect(op, world.actor(op).exec_sys_unregister(op["id"]))
    except SyscallError as error:
        return expect(op, errno_of(error))


def resident_list(world: World, op: Op) -> Differs:
    """{"pid", "probe", "result"}: the sysctl without a buffer, and with one."""
    actor = world.actor(op)
    probe: object
    listed: object
    try:
        probe = actor.vm_resident_length()
        listed = [{"id": entry.id, "entry": entry.entry_address, "path": entry.path} for entry in actor.vm_resident()]
    except SyscallError as error:
        probe = listed = errno_of(error)
    if probe == op["probe"] and listed == op["result"]:
        return None
    return {"probe": op["probe"], "result": op["result"]}, {"probe": probe, "result": listed}


def state(world: World, op: Op) -> Differs:
    """{"processes", "children", "reapers", "uids"}: the last three may be missing."""
    processes, children, reapers, uids = {}, {}, {}, {}
    for pid, process in world.by_pid.items():
        alive = process.alive
        processes[str(pid)] = {
            "ppid": process.ppid,
            "zombie": not alive,
            "pending": process.pending,
            "deathsig": process.deathsig,
        }
        first = process.first_child
        if first is not None and first.next_sibling is not None:
            children[str(pid)] = [child.pid for child in process.each_child()]
        if alive and reaping.owns(process) and process.node is not None:
            reapers[str(pid)] = process.node.refs - 1
        if alive and (process.euid or process.ruid):
            uids[str(pid)] = [process.euid, process.ruid]
    return compare_state(op, {"processes": processes, "children": children, "reapers": reapers, "uids": uids})


STEPS: Steps = {
    **SHARED,
    "fork": fork,
    "exec": exec_,
    "procctl": procctl,
    "register": register,
    "unregister": unregister,
    "resident_list": resident_list,
    "state": state,
}
"""What each operation does."""
