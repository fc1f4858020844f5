"""The operations of a FreeBSD recording."""

from __future__ import annotations

from ... import structs
from ...errors import SyscallError
from ..freebsd.reapcommands import Pids, ReadOnlyKill, pid_fields
from ..freebsd.reapkill import UNTOUCHED
from ..states import STOPPED, ZOMBIE
from .world import POINTERS, SHARED, compare_state, errno_of, expect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..process import Process
    from .world import Differs, Op, Step, Steps, World

FIRST_PROGRAM = "/bin/first"
"""What process 2 runs at the beginning."""
_RFNOWAIT = 0x40
_BEFORE = {"killed": 9999, "fpid": -9999}  # what the recorder put into the structure of PROC_REAP_KILL
_FLAGS = ("suid", "sgid", "nosuid", "bad")
_IDS = ("owner", "group")


def outcome(op: Op, got: object) -> Differs:
    """Compare with the recorded result, unless the caller did not live to see it."""
    return None if op["result"] == "killed" else expect(op, got)


def dying(step: Step) -> Step:
    """Have the processes of ``deaths`` die in the order of the record, which was a scheduler's."""

    def played(world: World, op: Op) -> Differs:
        deaths = op.get("deaths")
        if deaths is None:
            return step(world, op)
        world.kernel.death_order = deaths
        try:
            differs = step(world, op)
        finally:
            world.kernel.death_order = []
        alive = [pid for pid in deaths if (process := world.by_pid.get(pid)) is not None and process.alive]
        return differs if differs or not alive else ({"deaths": deaths}, {"alive": alive})

    return played


def fork(world: World, op: Op) -> Differs:
    """{"pid", "child", "rfork", "pdfork", "fd"}: the child gets the next pid."""
    actor = world.actor(op)
    if "pdfork" in op:
        number, child = actor.call("pdfork", op["pdfork"])
        if number != op["fd"]:
            return {"fd": op["fd"]}, {"fd": number}
    else:
        child = actor.fork(nowait=bool(op.get("rfork", 0) & _RFNOWAIT))
    return None if child.pid == op["child"] else (op["child"], child.pid)


def exec_(world: World, op: Op) -> Differs:
    """{"pid", "path", "suid", "owner", "sgid", "group", "nosuid", "bad", "result"}."""
    keys = {name: op[name] for name in (*_FLAGS, *_IDS) if name in op}
    try:
        world.actor(op).execve(op["path"], **keys)
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, 0)


def kill(world: World, op: Op) -> Differs:
    """{"pid", "target", "sig", "result", "deaths"}."""
    try:
        world.actor(op).kill(op["target"], op["sig"])
    except SyscallError as error:
        return outcome(op, errno_of(error))
    return outcome(op, 0)


def procctl(world: World, op: Op) -> Differs:
    """{"pid", "idtype", "id", "id_add", "cmd", "data", "result", "out", "deaths"}."""
    cmd, data, idtype = op["cmd"], op["data"], op["idtype"]
    argument = ZEROS.get(cmd, 0) if data == "buffer" else _argument(data)
    number = world.commands[cmd] if type(cmd) is str else cmd
    result: object = 0
    out: object = None
    try:
        kind = idtype if type(idtype) is int else world.idtypes[idtype]
        answer = world.actor(op).procctl(kind, op["id"] + op.get("id_add", 0), number, argument)
        if cmd in WRITES:
            out = WRITES[cmd](answer)
    except SyscallError as error:
        result = errno_of(error)
        if type(data) is dict and "sig" in data and "readonly" not in data:
            wrote = error.result
            out = _BEFORE if wrote is None or wrote is UNTOUCHED else wrote._asdict()  # type: ignore[attr-defined]
    if op["result"] == "killed":
        result = "killed"
    if result == op["result"] and out == op.get("out"):
        return None
    return {"result": op["result"], "out": op.get("out")}, {"result": result, "out": out}


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
    "PROC_REAP_STATUS": lambda status: status._asdict(),
    "PROC_REAP_GETPIDS": lambda infos: [info._asdict() for info in infos],
    "PROC_REAP_KILL": lambda killed: killed._asdict(),
    "PROC_PDEATHSIG_STATUS": lambda signal: {"signal": signal},
    "PROC_TRACE_STATUS": lambda value: {"value": value},
    "PROC_TRAPCAP_STATUS": lambda value: {"value": value},
}
"""How a scenario writes what a command wrote."""


def drain(world: World, op: Op) -> Differs:
    """{"pid", "result", "info"}: take all pending signals; ``info`` has each instance."""
    actor = world.actor(op)
    taken = actor.pending
    info = []
    for entry in actor.take_signals():
        sender = {} if entry.pid is None else {"pid": entry.pid, "uid": entry.uid}
        info.append({"sig": entry.signal, "code": entry.code, **sender})
    if taken == op["result"] and info == op.get("info", info):
        return None
    return {"result": op["result"], "info": op.get("info")}, {"result": taken, "info": info}


def setgid(world: World, op: Op) -> Differs:
    """{"pid", "gid", "result"}."""
    return _plainly(op, lambda: world.actor(op).setgid(op["gid"]))


def setpgid(world: World, op: Op) -> Differs:
    """{"pid", "target", "pgid", "result"}."""
    return _plainly(op, lambda: world.actor(op).setpgid(op["target"], op["pgid"]))


def ptrace(world: World, op: Op) -> Differs:
    """{"pid", "request", "target", "result"}."""
    return _plainly(op, lambda: world.actor(op).call("ptrace", op["request"], op["target"]))


def cap_enter(world: World, op: Op) -> Differs:
    """{"pid", "result"}."""
    return _plainly(op, lambda: world.actor(op).call("cap_enter"))


def close(world: World, op: Op) -> Differs:
    """{"pid", "fd", "result"}."""
    return _plainly(op, lambda: world.actor(op).call("close", op["fd"]))


def _plainly(op: Op, call: Any) -> Differs:
    try:
        call()
    except SyscallError as error:
        return expect(op, errno_of(error))
    return expect(op, 0)


def sigchld_catch(world: World, op: Op) -> Differs:
    """{"pid", "value"}."""
    world.actor(op).catch_sigchld(op["value"])
    return None


def sigchld_nocldwait(world: World, op: Op) -> Differs:
    """{"pid", "value"}."""
    world.actor(op).set_nocldwait(op["value"])
    return None


def sysctl(world: World, op: Op) -> Differs:
    """{"name", "value"}: by the machine."""
    world.kernel.sysctl(op["name"], op["value"])
    return None


def state(world: World, op: Op) -> Differs:
    """{"processes", "reapers", "reaper", "uids", "sugid", "pgids", "protected"}: the last three only if anybody is."""
    processes: dict[str, Any] = {}
    reaper_of: dict[str, int] = {}
    uids: dict[str, Any] = {}
    reporting: dict[int, Process] = {}
    marks: list[tuple[str, str, object]] = []
    for pid, process in world.by_pid.items():
        name = str(pid)
        parent = process.real_parent or process.parent
        ppid = 0 if parent is None else parent.pid
        if process.state is ZOMBIE:
            processes[name] = {"ppid": ppid, "zombie": True}
            continue
        pending = process.pending if process.signal_queue else []
        processes[name] = {"ppid": ppid, "zombie": False, "pending": pending, "deathsig": process.deathsig}
        if process.state is STOPPED or process.capmode:
            _mute(process, processes[name])
        reaper = process
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
    main = world.kernel.flavour.version != "13.2"
    reapers = {str(pid): _report(reaper, main) for pid, reaper in reporting.items()}
    seen = {"processes": processes, "reapers": reapers, "reaper": reaper_of, "uids": uids}
    if marks or not MARKS.isdisjoint(op):
        op = {**op, **{name: _by_pid(op.get(name, ())) for name in MARKS}}
        seen.update((name, {pid: value for mark, pid, value in marks if mark == name}) for name in MARKS)
    return compare_state(op, seen)


MARKS = frozenset({"sugid", "pgids", "protected"})
"""What a ``state`` says only if it is true of anybody."""


def _mute(process: Process, seen: dict[str, object]) -> None:
    """Say what a record says of a process that cannot be asked."""
    seen["deathsig"] = None
    if process.state is STOPPED:
        seen["stopped"] = True


def _by_pid(value: Any) -> dict[str, object]:
    """Return a list of pids as a table."""
    return value if isinstance(value, dict) else {str(pid): True for pid in value}


def _report(reaper: Process, main: bool) -> dict[str, object]:
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
    "kill": dying(kill),
    "procctl": dying(procctl),
    "close": dying(close),
    "drain": drain,
    "setgid": setgid,
    "setpgid": setpgid,
    "ptrace": ptrace,
    "cap_enter": cap_enter,
    "sigchld_catch": sigchld_catch,
    "sigchld_nocldwait": sigchld_nocldwait,
    "sysctl": sysctl,
    "state": state,
}
"""What each operation does."""
