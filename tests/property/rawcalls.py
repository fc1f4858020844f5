"""Arbitrary calls of the raw layer, and what each must come to: an independent statement of the order of checks.

What C could not take is refused first, argument by argument from the left.  Then DragonFly looks at idtype, id and
command, then at what the command needs; FreeBSD at the command, its input, the idtype and the id.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

import pydfly
from pydfly import BAD_POINTER, NULL, ReaperKill, constants
from pydfly.structs import OMITTED

DOCUMENTED = (pydfly.SyscallError, TypeError, OverflowError)
NOT_INT = (TypeError,)

odd = st.sampled_from([1.0, "0", None, b"", (), float("nan"), object()])
edges = st.sampled_from([0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64])
numbers = st.one_of(st.integers(-3, 30), edges, st.integers(), st.booleans())
idtypes = st.one_of(st.just(0), st.just(0), st.integers(0, 16), numbers, odd)
ids = st.one_of(st.sampled_from(["0", "own", "own with high bits", "nobody"]), numbers, odd)
commands = st.one_of(st.integers(0, 24), st.integers(0, 24), numbers, odd)
pointers = st.sampled_from([OMITTED, NULL, BAD_POINTER])
kills = st.builds(
    ReaperKill, st.one_of(st.integers(-1, 130), numbers, odd), st.one_of(st.integers(0, 5), numbers), numbers
)
values = st.one_of(pointers, st.integers(-2, 130), numbers, odd, kills)
TWO_FAULTS = [(0, 2**63, constants.dragonfly.Command.PROC_PDEATHSIG_CTL, 128)]
"""A history that chance seldom finds: the package's own guard comes after what C could not take."""
calls = st.lists(st.tuples(idtypes, ids, commands, values), min_size=1, max_size=6)

NOBODY = 99_999_999


def resolved(id: Any, own: int) -> Any:
    """Put a pid in place of a word."""
    return (
        {"0": 0, "own": own, "own with high bits": own | 1 << 32, "nobody": NOBODY}.get(id, id)
        if type(id) is str
        else id
    )


def c_fault(value: Any, low: int, high: int) -> str | None:
    """Say what is wrong with a value for a C type."""
    if not isinstance(value, int):
        return "TypeError"
    return None if low <= value <= high else "OverflowError"


def faults(idtype: Any, id: Any, cmd: Any) -> str | None:
    """Say which of the three numbers C could not take, from the left."""
    return c_fault(idtype, 0, 2**32 - 1) or c_fault(id, -(2**63), 2**63 - 1) or c_fault(cmd, -(2**31), 2**31 - 1)


class DragonFly:
    """What DragonFly must answer: sys_procctl()."""

    def __init__(self, own: int) -> None:
        self.own, self.owned, self.deathsig = own, False, 0

    def data_fault(self, name: str, data: Any) -> str | None:
        if data in (NULL, BAD_POINTER) if isinstance(data, type(NULL)) else False:
            return None
        if data is OMITTED:
            return "TypeError" if name.endswith("_CTL") else None
        if name.endswith("_STATUS"):
            return "TypeError"
        if isinstance(data, ReaperKill):
            return "TypeError" if name.endswith("_CTL") else None
        return c_fault(data, -(2**31), 2**31 - 1)

    def answer(self, idtype: Any, id: Any, cmd: Any, data: Any) -> Any:
        """Return the name of the error, or what is returned."""
        fault = faults(idtype, id, cmd)
        if fault:
            return fault
        name = next((each.name for each in constants.dragonfly.Command if each == cmd), "")
        fault = self.data_fault(name, data)
        if fault:
            return fault
        if idtype != 0 or id not in (0, self.own) or not name:
            return "EINVAL"
        return getattr(self, name.removeprefix("PROC_").lower())(data)

    def reap_acquire(self, data: Any) -> Any:
        if self.owned:
            return "EALREADY"
        self.owned = True
        return None

    def reap_release(self, data: Any) -> Any:
        if not self.owned:
            return "ENOTCONN"
        self.owned = False
        return None

    def reap_status(self, data: Any) -> Any:
        if data is NULL:
            return None
        return "EFAULT" if data is BAD_POINTER else (int(self.owned), 0, -1)

    def pdeathsig_ctl(self, data: Any) -> Any:
        if data is NULL or data is BAD_POINTER:
            return "EINVAL" if data is NULL else "EFAULT"
        if data == 128:
            return "EINVAL"  # the package's own guard
        if 0 <= data <= 128:
            self.deathsig = int(data)
        return None

    def pdeathsig_status(self, data: Any) -> Any:
        if data is NULL:
            return "EINVAL"
        return "EFAULT" if data is BAD_POINTER else self.deathsig


class FreeBSD:
    """What FreeBSD 13.2 must answer: kern_procctl(), up to the command itself; REACHED: the command decides."""

    REACHED = "reached"
    NOTHING = ("PROC_REAP_ACQUIRE", "PROC_REAP_RELEASE")
    GROUPS = ("PROC_SPROTECT", "PROC_TRACE_CTL", "PROC_TRAPCAP_CTL")

    def __init__(self, own: int) -> None:
        self.own, self.owned, self.deathsig = own, False, 0

    def data_fault(self, name: str, data: Any) -> str | None:
        if isinstance(data, type(NULL)) and data is not OMITTED:
            return None
        if name in self.NOTHING or not name:
            return None if isinstance(data, ReaperKill) or data is OMITTED else c_fault(data, -(2**31), 2**31 - 1)
        if name == "PROC_REAP_KILL":
            if not isinstance(data, ReaperKill):
                return "TypeError"
            return (
                c_fault(data.sig, -(2**31), 2**31 - 1)
                or c_fault(data.flags, 0, 2**32 - 1)
                or c_fault(data.subtree, -(2**31), 2**31 - 1)
            )
        if name == "PROC_REAP_GETPIDS":
            return None if data is OMITTED else c_fault(data, 0, 2**32 - 1)
        if name.endswith("_STATUS"):
            return None if data is OMITTED else "TypeError"
        return "TypeError" if data is OMITTED or isinstance(data, ReaperKill) else c_fault(data, -(2**31), 2**31 - 1)

    def answer(self, idtype: Any, id: Any, cmd: Any, data: Any) -> Any:
        """Return the name of the error, or what is returned, or REACHED."""
        fault = faults(idtype, id, cmd)
        if fault:
            return fault
        name = next((each.name for each in constants.freebsd.Command if each == cmd), "")
        fault = self.data_fault(name, data)
        if fault:
            return fault
        if cmd >= 0x10000000 or (name and cmd > 22):
            return self.REACHED  # another handler, or a command of later kernels
        if not name:
            return "EINVAL"
        pointless = data is NULL or data is BAD_POINTER
        if name in self.NOTHING:
            if data is not NULL and data is not OMITTED:
                return "EINVAL"
        elif not name.endswith("_STATUS") and pointless:
            return "EFAULT"
        if idtype == 2 and name in self.GROUPS:
            return self.REACHED
        if idtype != 0:
            return "EINVAL"
        low = (id + 2**31) % 2**32 - 2**31
        if id != 0 and low != self.own:
            if low == NOBODY or low < 0:
                return "EINVAL" if "PDEATHSIG" in name else "ESRCH"
            return self.REACHED  # some process, or none
        return self.own_command(name, data)

    def own_command(self, name: str, data: Any) -> Any:
        if name == "PROC_REAP_ACQUIRE":
            before, self.owned = self.owned, True
            return "EBUSY" if before else None
        if name == "PROC_REAP_RELEASE":
            before, self.owned = self.owned, False
            return None if before else "EINVAL"
        if name == "PROC_PDEATHSIG_CTL":
            if not 0 <= data <= 128:
                return "EINVAL"
            self.deathsig = int(data)
            return None
        if name == "PROC_PDEATHSIG_STATUS":
            return "EFAULT" if data is NULL or data is BAD_POINTER else self.deathsig
        return self.REACHED


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a call returns, or the name of its documented error; any other exception passes."""
    try:
        answer = call(*arguments)
    except pydfly.SyscallError as error:
        return error.errno_name
    except (TypeError, OverflowError) as error:
        return type(error).__name__
    return tuple(answer) if isinstance(answer, tuple) else answer


def differences(model: DragonFly | FreeBSD, history: list[tuple[Any, Any, Any, Any]]) -> list[str]:
    """Make the calls, and say where the answer is not the model's.

    Signals above 64 are stored on Linux and refused as not deliverable (DP-9): that counts as success.
    """
    found = []
    for idtype, word, cmd, data in history:
        id = resolved(word, model.own)
        expected = model.answer(idtype, id, cmd, data)
        got = outcome(pydfly.procctl, idtype, id, cmd, *([] if data is OMITTED else [data]))
        if got == "EOPNOTSUPP" and isinstance(data, int) and 64 < data <= 128 and expected is None:
            got = None
        if expected != FreeBSD.REACHED and got != expected:
            found.append(f"procctl({idtype!r}, {word!r}, {cmd!r}, {data!r}): expected {expected!r}, got {got!r}")
    return found


def model_of(flavour: str, own: int | None = None) -> DragonFly | FreeBSD:
    """Return the model for a process that is no reaper and has no children."""
    pid = os.getpid() if own is None else own
    return DragonFly(pid) if flavour == "dragonfly" else FreeBSD(pid)
