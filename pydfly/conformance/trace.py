"""What happened in a world, written as a scenario that ``pydfly replay`` reads.

After each operation the state of all processes is written too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..constants.bsd import IdType, Signal
from ..errors import SyscallError
from ..structs import BAD_POINTER, NULL, OMITTED, ReaperKill
from .live import Live
from .modelled import Modelled
from .recorder import Call

Machine = Live | Modelled

UNKNOWN_PID = 77
"""How a scenario writes the pid of no process."""
_WRITERS = ("_STATUS", "_GETPIDS")
_REAL_INIT = 2
_UNTOUCHED = {"killed": 9999, "fpid": -9999}  # what stands in the structure of PROC_REAP_KILL before the call
_TOLD_VALUES = {"PROC_PDEATHSIG_STATUS", "PROC_TRACE_STATUS", "PROC_TRAPCAP_STATUS"}
_IDTYPES = {int(idtype): idtype.name for idtype in IdType}


class Trace:
    """The history of one world.

    Attributes:
        ops: the operations so far.
        complete: nothing happened that a scenario cannot express.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ops: list[dict[str, Any]] = []
        self.complete = True

    def scenario(self, flavour: str) -> dict[str, Any]:
        """Return the whole as a scenario."""
        return {"name": self.name, "os": flavour, "ops": self.ops}

    def note(self, machine: Machine, op: dict[str, Any], died: Iterable[int]) -> None:
        """Add an operation with its results, and the state after it; ``died``: pids of those that died in it."""
        numbers = [number_of(machine, pid) for pid in died]
        if machine.flavour == "freebsd" and [each for each in numbers if op["op"] != "exit" or each != op["pid"]]:
            op["deaths"] = numbers
        self.ops.append(op)
        seen = machine.perform({"op": "state", "sugid": {}})
        told = ("processes", "sugid") if machine.flavour == "freebsd" else ("processes",)
        self.ops.append({"op": "state", **{name: seen[name] for name in told}})

    def note_calls(self, machine: Machine, pid: int, calls: list[Call], died: Iterable[int]) -> None:
        """Add the calls of the raw layer that a process made, as far as a scenario can say them."""
        self.complete &= not any(call.name.endswith("make_resident") for call in calls)  # no scenario can say that
        entries = operations(machine, pid, calls)
        self.ops += entries[:-1]
        if entries:
            self.note(machine, entries[-1], died)


def operations(machine: Machine, pid: int, calls: list[Call]) -> list[dict[str, Any]]:
    """Write the calls that a process made as operations, as far as a scenario can say them."""
    told = [_CALLS[call.name](machine, pid, call) for call in calls if call.name in _CALLS]
    return [entry for entry in told if entry is not None]


def number_of(machine: Machine, pid: int) -> int:
    """Return the number of a process in a scenario."""
    pids = machine.pids
    return pids.index(pid) + 1 if pid in pids else pid if pid <= 0 else UNKNOWN_PID


def bsd_number(machine: Machine, signal: int) -> int:
    """Return the simulated system's number of a signal of this machine."""
    if not machine.live:
        return signal
    try:
        return int(Signal[machine.signal_name(signal)])
    except (KeyError, ValueError):
        return signal


def _errno(error: SyscallError) -> dict[str, str]:
    return {"errno": error.errno_name}


def _procctl(machine: Machine, pid: int, call: Call) -> dict[str, Any] | None:
    idtype, id, cmd, data = call.arguments
    name = machine.numbers.Command(cmd).name if cmd in set(machine.numbers.Command) else cmd
    if idtype not in _IDTYPES or (call.refused is not None and _is_a_guard(machine, name, data, call.refused)):
        return None
    entry = {
        "op": "procctl",
        "pid": number_of(machine, pid),
        "idtype": _IDTYPES[idtype],
        "id": number_of(machine, id) if abs(id) < 2**31 else id,
        "cmd": name,
        "data": _data(machine, str(name), data),
        "result": 0 if call.refused is None else _errno(call.refused),
    }
    written = call.refused.result if call.refused is not None else call.answer
    if isinstance(written, tuple) and None in written:  # what this system cannot tell
        return None
    if call.refused is not None and call.refused.errno_name == "EINVAL" and isinstance(data, ReaperKill):
        entry["out"] = _UNTOUCHED
    elif written is not None and (not isinstance(written, int) or name in _TOLD_VALUES):
        entry["out"] = _written(machine, str(name), written)
    return entry


def _residency(op: str, argument: str) -> Callable[[Machine, int, Call], dict[str, Any] | None]:
    """Make the writer of a call about residency; FreeBSD has none."""

    def write(machine: Machine, pid: int, call: Call) -> dict[str, Any] | None:
        if machine.flavour == "freebsd":
            return None
        result = (call.answer or 0) if call.refused is None else _errno(call.refused)
        return {"op": op, "pid": number_of(machine, pid), argument: call.arguments[0], "result": result}

    return write


def _is_a_guard(machine: Machine, name: object, data: object, refused: SyscallError) -> bool:
    """Say whether the package refused this, and no kernel would: DP-10, and what Linux cannot deliver."""
    panics = machine.flavour == "dragonfly" and name == "PROC_PDEATHSIG_CTL" and data == machine.numbers.SIG_MAXSIG
    return panics or refused.errno_name == "EOPNOTSUPP"


def _data(machine: Machine, command: str, data: Any) -> Any:
    if data is NULL or data is BAD_POINTER:
        return None if data is NULL else "badptr"
    if command.endswith("GETPIDS"):
        return {"count": 100 if data is OMITTED else data, "pids": "buffer"}
    if data is OMITTED:
        return "buffer" if command.endswith(_WRITERS) else None
    if isinstance(data, ReaperKill):
        return {"sig": bsd_number(machine, data.sig), "flags": data.flags, "subtree": number_of(machine, data.subtree)}
    return bsd_number(machine, data) if command == "PROC_PDEATHSIG_CTL" else data


def _written(machine: Machine, command: str, answer: Any) -> Any:
    if command == "PROC_PDEATHSIG_STATUS":
        return {"signal": bsd_number(machine, answer)}
    if isinstance(answer, int):  # the API's ints are unsigned (K-4), a scenario's are the C ints
        return {"value": answer - 2**32 if answer >= 2**31 else answer}
    if isinstance(answer, list):
        return [_record(machine, entry) for entry in answer]
    return _record(machine, answer)


def _record(machine: Machine, record: Any) -> dict[str, int]:
    """Write a C structure, with numbers in place of pids."""
    pids = {"pid_head", "pid", "subtree", "reaper", "fpid"}
    written = {
        name: number_of(machine, value) if name in pids and value > 0 else int(value)
        for name, value in record._asdict().items()
    }
    if written.get("reaper") == 1:  # what stands for init is init in a scenario
        written["flags"] |= _REAL_INIT
    return written


_CALLS: dict[str, Callable[[Machine, int, Call], dict[str, Any] | None]] = {
    "procctl": _procctl,
    "exec_sys_register": _residency("register", "entry"),
    "exec_sys_unregister": _residency("unregister", "id"),
}
