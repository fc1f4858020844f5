"""The operations of a scenario, done by real processes: see ``Live``.

A scenario numbers processes in the order of their creation, 1 being what stands for init, and writes signals by the
numbers of the simulated system.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..constants.bsd import IdType, Signal
from ..simkernel.scenarios.operations import POINTERS
from ..simkernel.scenarios.player import Got, Op, Steps
from . import trace
from .live import Live


def host_signal(live: Live, sig: int) -> int:
    """Return this machine's number of a signal."""
    return live.signal(Signal(sig).name) if sig in set(Signal) else sig


def fork(live: Live, op: Op) -> Got:
    """{"pid", "child"}."""
    live.pids.append(live.ask(live.pid(op["pid"]), "fork"))
    if op["pid"] in live.changed_ids:
        live.changed_ids.add(len(live.pids))
    return {"child": len(live.pids)}


def exit_(live: Live, op: Op) -> Got:
    """{"pid", "status"}."""
    with suppress(EOFError):
        live.ask(live.pid(op["pid"]), "exit", op["status"])
        raise AssertionError(f"process {op['pid']} went on after its exit")
    live.await_deaths()
    return {}


def exec_(live: Live, op: Op) -> Got:
    """{"pid", "path", "suid", "result"}: whichever the path, the process executes its own program again."""
    live.ask(live.pid(op["pid"]), "execute")
    return {"result": 0 if live.flavour == "freebsd" else {"resident": False, "entry": 4096}}


def wait(live: Live, op: Op) -> Got:
    """{"pid", "target", "result"}."""
    got = _answer(live, op, "wait", live.pid(op["target"]))
    if isinstance(got["result"], tuple):
        pid, status = got["result"]
        killed = trace.bsd_number(live, status & 0x7F)
        got = {"result": [trace.number_of(live, pid), status >> 8 << 8 | killed]}
    return got


def kill(live: Live, op: Op) -> Got:
    """{"pid", "target", "sig", "result"}."""
    try:
        got = _answer(live, op, "kill", live.pid(op["target"]), host_signal(live, op["sig"]))
    except EOFError:  # it killed itself
        got = {"result": None}
    live.await_deaths()
    return {"result": 0} if got["result"] is None else got


def setuid(live: Live, op: Op) -> Got:
    """{"pid", "uid", "result"}."""
    got = _answer(live, op, "setuid", op["uid"])
    if got["result"] is None:
        live.changed_ids.add(op["pid"])
        got = {"result": 0}
    return got


def _answer(live: Live, op: Op, command: str, *arguments: object) -> Got:
    """Return what a process answers to a command, as the result; the errno that refused it otherwise."""
    try:
        return {"result": live.ask(live.pid(op["pid"]), command, *arguments)}
    except OSError as error:
        return {"result": {"errno": errno.errorcode[error.errno or 0]}}


def procctl(live: Live, op: Op) -> Got:
    """{"pid", "idtype", "id", "cmd", "data", "result", "out"}: through the public API."""
    pid, cmd, data = live.pid(op["pid"]), op["cmd"], op["data"]
    if type(data) is not int:
        data = POINTERS[data]
    elif cmd == "PROC_PDEATHSIG_CTL":
        data = host_signal(live, data)
    number = int(live.numbers.Command[cmd]) if isinstance(cmd, str) else cmd
    arguments = (int(IdType[op["idtype"]]), live.pid(op["id"]), number, data)
    answer = live.ask(pid, "call", "procctl", arguments, {})
    live.await_deaths()
    told: Mapping[str, Any] = trace.operations(live, pid, answer.calls)[-1]
    if cmd == "PROC_PDEATHSIG_CTL" and told["result"] == 0:
        live.deathsigs[pid] = op["data"]
    return {"result": told["result"], "out": told.get("out")}


def state(live: Live, op: Op) -> Got:
    """{"processes", "sugid"}: the latter only if any process has the mark, or the operation speaks of it."""
    processes: dict[str, Any] = {}
    for number, pid in enumerate(live.pids, 1):
        alive = live.alive(pid)
        ppid, pending, deathsig = live.look(pid) if alive else (live.parent_of(pid), [], 0)
        if ppid is None:
            continue
        entry: dict[str, Any] = {"ppid": 0 if number == 1 else trace.number_of(live, ppid), "zombie": not alive}
        if alive:
            live.deathsigs[pid] = trace.bsd_number(live, deathsig)
            entry["pending"] = sorted(trace.bsd_number(live, live.signal(name)) for name in pending)
            entry["deathsig"] = live.deathsigs[pid]
        elif live.flavour == "dragonfly":
            entry |= {"pending": [], "deathsig": live.deathsigs.get(pid, 0)}
        processes[str(number)] = entry
    marked = {str(number): True for number in sorted(live.changed_ids) if live.alive(live.pids[number - 1])}
    return {"processes": processes, **({"sugid": marked} if marked or "sugid" in op else {})}


def _silent(command: str) -> Any:
    """Make the step of a command that tells nothing."""

    def step(live: Live, op: Op) -> Got:
        live.ask(live.pid(op["pid"]), command, op["value"])
        return {}

    return step


STEPS: Steps = {
    "fork": fork,
    "exit": exit_,
    "exec": exec_,
    "wait": wait,
    "kill": kill,
    "setuid": setuid,
    "sigchld_ignore": _silent("ignore_sigchld"),
    "sigchld_catch": _silent("catch_sigchld"),
    "procctl": procctl,
    "state": state,
}
"""What each operation does."""
