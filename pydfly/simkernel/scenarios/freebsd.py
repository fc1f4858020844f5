"""The operations of a FreeBSD recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import structs
from ...errors import SyscallError
from ..freebsd.reapcommands import Pids, ReadOnlyKill, pid_fields
from ..freebsd.reapkill import UNTOUCHED
from ..proc import Proc
from ..states import STOPPED, ZOMBIE
from . import dragonfly
from .operations import POINTERS, SHARED, Model, answer, errno_of, silent
from .player import MARKS, Got, Op, Steps

_RFNOWAIT = 0x40
_BEFORE = {"killed": 9999, "fpid": -9999}  # what the recorder put into the structure of PROC_REAP_KILL
_EXEC = ("suid", "sgid", "nosuid", "bad", "owner", "group")


def dying(step: Callable[[Model, Op], Got]) -> Callable[[Model, Op], Got]:
    """Have the processes of ``deaths`` die in the order of the record, which was a scheduler's.

    Where the caller did not live to see the result (``"killed"``), it is enough that it died.
    """

    def played(model: Model, op: Op) -> Got:
        actor, deaths = model.actor(op), op.get("deaths", ())
        model.kernel.death_order = deaths
        try:
            got = step(model, op)
        finally:
            model.kernel.death_order = []
        if op.get("result") == "killed" and not actor.alive:
            got = {**got, "result": "killed"}
        if deaths:
            dead = [pid for pid in deaths if (process := model.by_pid.get(pid)) is None or not process.alive]
            got = {**got, "deaths": dead}
        return got

    return played


def fork(model: Model, op: Op) -> Got:
    """{"pid", "child", "rfork", "pdfork", "fd"}: the child gets the next pid."""
    actor = model.actor(op)
    if "pdfork" in op:
        number, child = actor.pdfork(op["pdfork"])
        return {"child": child.pid, "fd": number}
    return {"child": actor.fork(nowait=bool(op.get("rfork", 0) & _RFNOWAIT)).pid}


def exec_(model: Model, op: Op) -> Got:
    """{"pid", "path", "suid", "owner", "sgid", "group", "nosuid", "bad", "result"}."""
    keys = {name: op[name] for name in _EXEC if name in op}
    return answer(lambda: model.actor(op).execve(op["path"], **keys))


def procctl(model: Model, op: Op) -> Got:
    """{"pid", "idtype", "id", "id_add", "cmd", "data", "result", "out", "deaths"}."""
    cmd, data, idtype = op["cmd"], op["data"], op["idtype"]
    argument = ZEROS.get(cmd, 0) if data == "buffer" else _argument(data)
    number = model.commands[cmd] if type(cmd) is str else cmd
    try:
        kind = idtype if type(idtype) is int else model.idtypes[idtype]
        told = model.actor(op).procctl(kind, op["id"] + op.get("id_add", 0), number, argument)
    except SyscallError as error:
        out = None
        if type(data) is dict and "sig" in data and "readonly" not in data:
            wrote: Any = error.result
            out = _BEFORE if wrote is None or wrote is UNTOUCHED else wrote._asdict()
        return {"result": errno_of(error), "out": out}
    return {"result": 0, "out": WRITES[cmd](told) if cmd in WRITES else None}


ZEROS: dict[str | int, Any] = {"PROC_REAP_GETPIDS": Pids(0), "PROC_REAP_KILL": structs.ReaperKill(0)}
"""What a ``"buffer"`` holds, where that is not an int of value 0."""


def _argument(data: Any) -> Any:
    """Return what a scenario's ``data`` stands for."""
    if type(data) is int:
        return data
    if type(data) is dict:
        if "sig" in data:
            request = structs.ReaperKill(data["sig"], data["flags"], data["subtree"])
            return ReadOnlyKill(request) if data.get("readonly") else request
        return Pids(data["count"], POINTERS[data["pids"]])
    return POINTERS[data]


WRITES: dict[str | int, Any] = {
    **dragonfly.WRITES,
    "PROC_REAP_GETPIDS": lambda infos: [info._asdict() for info in infos],
    "PROC_REAP_KILL": lambda killed: killed._asdict(),
    "PROC_TRACE_STATUS": lambda value: {"value": value},
    "PROC_TRAPCAP_STATUS": lambda value: {"value": value},
}
"""How a scenario writes what a command wrote."""


def drain(model: Model, op: Op) -> Got:
    """{"pid", "result", "info"}: take all pending signals; ``info`` has each instance."""
    actor = model.actor(op)
    taken = actor.pending
    info = []
    for entry in actor.take_signals():
        sender = {} if entry.pid is None else {"pid": entry.pid, "uid": entry.uid}
        info.append({"sig": entry.signal, "code": entry.code, **sender})
    return {"result": taken, "info": info} if "info" in op else {"result": taken}


def sysctl(model: Model, op: Op) -> Got:
    """{"name", "value"}: by the machine."""
    model.kernel.sysctl(op["name"], op["value"])
    return {}


def _call(name: str, *keys: str) -> Callable[[Model, Op], Got]:
    """Make the step of a system call by its name, with the values of these keys."""
    return lambda model, op: answer(model.actor(op).call, name, *[op[key] for key in keys])


def state(model: Model, op: Op) -> Got:
    """{"processes", "reapers", "reaper", "uids", "sugid", "pgids", "protected"}: the last three only if one is."""
    processes: dict[str, Any] = {}
    reaper_of: dict[str, int] = {}
    uids: dict[str, Any] = {}
    reporting: dict[int, Proc] = {}
    marks: list[tuple[str, str, object]] = []
    for pid, process in model.by_pid.items():
        name = str(pid)
        parent = process.real_parent or process.parent
        ppid = 0 if parent is None else parent.pid
        if process.state is ZOMBIE:
            processes[name] = {"ppid": ppid, "zombie": True}
            continue
        pending = process.pending if process.signal_queue else []
        processes[name] = {"ppid": ppid, "zombie": False, "pending": pending, "deathsig": process.deathsig}
        if process.state is STOPPED or process.capmode:  # it could not be asked
            processes[name]["deathsig"] = None
        if process.state is STOPPED:
            processes[name]["stopped"] = True
        reaper: Proc = process
        if process.domain is None and process.reaper is not None:
            reaper = process.reaper
            reaper_of[name] = reaper.pid
        reporting[reaper.pid] = reaper
        if process.euid or process.ruid or process.svuid:
            uids[name] = [process.euid, process.ruid, process.svuid]
        if process.setid_mark:
            marks.append(("sugid", name, True))
        if process.pgid != 1:
            marks.append(("pgids", name, process.pgid))
        if "protected" in process.controls:
            marks.append(("protected", name, True))
    main = model.kernel.flavour.version != "13.2"
    reapers = {str(pid): _report(reaper, main) for pid, reaper in reporting.items()}
    seen = {"processes": processes, "reapers": reapers, "reaper": reaper_of, "uids": uids}
    if marks or not op.keys().isdisjoint(MARKS):
        seen.update((name, {pid: value for mark, pid, value in marks if mark == name}) for name in MARKS)
    return seen


def _report(reaper: Proc, main: bool) -> dict[str, object]:
    """Return what a state says of a reaper: its STATUS and its GETPIDS."""
    members = pid_fields(reaper, main)
    head = reaper.first_child
    pid = -1 if not members else members[0][0] if head is None else head.pid
    children = len([None for member in members if member[2] & 2])
    return {"children": children, "descendants": len(members), "pid": pid, "members": members}


STEPS: Steps = {
    **SHARED,
    "fork": fork,
    "exit": dying(SHARED["exit"]),
    "exec": exec_,
    "kill": dying(SHARED["kill"]),
    "procctl": dying(procctl),
    "close": dying(_call("close", "fd")),
    "drain": drain,
    "setgid": lambda model, op: answer(model.actor(op).setgid, op["gid"]),
    "setpgid": lambda model, op: answer(model.actor(op).setpgid, op["target"], op["pgid"]),
    "ptrace": _call("ptrace", "request", "target"),
    "cap_enter": _call("cap_enter"),
    "sigchld_nocldwait": silent(lambda process, value: process.set_nocldwait(value), "value"),
    "sysctl": sysctl,
    "state": state,
}
"""What each operation does."""
