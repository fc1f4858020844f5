"""The operations of a DragonFly recording."""

from __future__ import annotations

from typing import Any

from ...errors import SyscallError
from ...structs import Data
from ..dragonfly import reaping
from .operations import POINTERS, SHARED, Model, answer, errno_of
from .player import Got, Op, Steps


def fork(model: Model, op: Op) -> Got:
    """{"pid", "child", "nowait"}: the child gets the next pid."""
    return {"child": model.actor(op).fork(nowait=op.get("nowait", False)).pid}


def exec_(model: Model, op: Op) -> Got:
    """{"pid", "path", "suid", "owner", "result"}."""
    started = model.actor(op).execve(op["path"], suid=op["suid"], owner=op["owner"] if op["suid"] else 0)
    return {"result": {"resident": started.resident, "entry": started.entry}}


def procctl(model: Model, op: Op) -> Got:
    """{"pid", "idtype", "id", "cmd", "data", "result", "out"}: ``out`` is what was written to a ``"buffer"``."""
    data, cmd, idtype = op["data"], op["cmd"], op["idtype"]
    argument: Data = data if type(data) is int else POINTERS[data]
    number = idtype if type(idtype) is int else model.idtypes[idtype]
    try:
        told = model.actor(op).procctl(number, op["id"], model.commands[cmd] if type(cmd) is str else cmd, argument)
    except SyscallError as error:
        return {"result": errno_of(error)}
    return {"result": 0, "out": WRITES[cmd](told) if data == "buffer" and cmd in WRITES else None}


WRITES: dict[str | int, Any] = {
    "PROC_REAP_STATUS": lambda status: status._asdict(),
    "PROC_PDEATHSIG_STATUS": lambda signal: {"signal": signal},
}
"""How a scenario writes what a command wrote."""


def unregister(model: Model, op: Op) -> Got:
    """{"pid", "id", "result"}."""
    try:
        return {"result": model.actor(op).exec_sys_unregister(op["id"])}
    except SyscallError as error:
        return {"result": errno_of(error)}


def resident_list(model: Model, op: Op) -> Got:
    """{"pid", "probe", "result"}: the sysctl without a buffer, and with one."""
    actor = model.actor(op)
    try:
        probe = actor.vm_resident_length()
        listed = [{"id": entry.id, "entry": entry.entry_address, "path": entry.path} for entry in actor.vm_resident()]
    except SyscallError as error:
        return {"probe": errno_of(error), "result": errno_of(error)}
    return {"probe": probe, "result": listed}


def state(model: Model, op: Op) -> Got:
    """{"processes", "children", "reapers", "uids"}: the last three may be missing."""
    processes, children, reapers, uids = {}, {}, {}, {}
    for pid, process in model.by_pid.items():
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
    return {"processes": processes, "children": children, "reapers": reapers, "uids": uids}


STEPS: Steps = {
    **SHARED,
    "fork": fork,
    "exec": exec_,
    "procctl": procctl,
    "register": lambda model, op: answer(model.actor(op).exec_sys_register, op["entry"]),
    "unregister": unregister,
    "resident_list": resident_list,
    "state": state,
}
"""What each operation does."""
