"""What a caller of FreeBSD's procctl may pass as data, command by command, and how an answer is returned."""

from __future__ import annotations

from ..constants.freebsd import Command
from ..structs import BAD_POINTER, NULL, OMITTED, Data, Pointer, ReaperKill
from . import arguments

_TAKE_NOTHING = frozenset({Command.PROC_REAP_ACQUIRE, Command.PROC_REAP_RELEASE})
_NAMES = {int(command): command.name for command in Command}


def checked(cmd: int, data: Data) -> Data:
    """Return the data for a command, its numbers as ints; TypeError, OverflowError: C could not take it.

    The kernel refuses an unknown command whatever its data are.
    """
    name = _NAMES.get(cmd, "")
    if cmd in _TAKE_NOTHING or not name or data is NULL or data is BAD_POINTER:
        return data if isinstance(data, (ReaperKill, Pointer)) else arguments.c_value(data, "int", "data")
    if cmd == Command.PROC_REAP_KILL:
        return _kill_request(data)
    if cmd == Command.PROC_REAP_GETPIDS:
        return data if data is OMITTED else arguments.c_value(data, "unsigned int", "the maximum count")
    if name.endswith("_STATUS"):
        arguments.output(data, name)
        return data
    return arguments.input_int(data, name, null="EFAULT")


def unsigned(answer: object) -> object:
    """Return what a command answered; an int as the unsigned number that it is in C (K-4): -1 becomes 0xFFFFFFFF."""
    return answer & 0xFFFFFFFF if isinstance(answer, int) else answer


def _kill_request(data: Data) -> ReaperKill:
    if not isinstance(data, ReaperKill):
        raise TypeError(
            f"PROC_REAP_KILL takes a ReaperKill, not {'nothing' if data is OMITTED else type(data).__name__}"
        )
    return ReaperKill(
        arguments.c_value(data.sig, "int", "sig"),
        arguments.c_value(data.flags, "unsigned int", "flags"),
        arguments.c_value(data.subtree, "int", "subtree"),
    )
