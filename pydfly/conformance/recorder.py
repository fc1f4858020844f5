"""A call of the public API, and a backend that notes down every call that goes through it: all that shows of one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import pydfly

from ..backends.protocol import Backend
from ..errors import SyscallError
from ..structs import Data


class Call(NamedTuple):
    """One call of the raw layer."""

    name: str
    """The C name: ``procctl``, ``exec_sys_register``, ``exec_sys_unregister``, ``vm.resident``; or
    ``make_resident``, ``unmake_resident``, which another process calls them for."""
    arguments: tuple[Any, ...]
    """What it was given."""
    answer: object
    """What it returned; None where ``refused``."""
    refused: SyscallError | None
    """The error, if it was refused."""


_NOTED = ("procctl", "exec_sys_register", "exec_sys_unregister", "vm_resident", "make_resident", "unmake_resident")


class Recorder:
    """The backend behind it, seen through: what C could not take never becomes a call, and is not noted."""

    commands: dict[str, Callable[[Data], object]] = {}  # no short cuts: every call is noted

    def __init__(self, behind: Backend) -> None:
        self.behind = behind
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.behind, name)
        return partial(self._noted, name.replace("vm_", "vm."), found) if name in _NOTED else found

    def _noted(self, name: str, call: Callable[..., object], *arguments: Any) -> object:
        try:
            answer = call(*arguments)
        except SyscallError as error:
            self.calls.append(Call(name, arguments, None, error))
            raise
        self.calls.append(Call(name, arguments, answer, None))
        return answer


class Answer(NamedTuple):
    """What a call of the public API did."""

    value: Any
    """What it returned."""
    error: Exception | None
    """What it raised."""
    calls: list[Call]
    """What it asked the backend."""
    warned: list[str]
    """Names of the classes of its warnings."""


def call_api(recorder: Recorder, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Answer:
    """Call ``pydfly.NAME`` (``"reaper.acquire"``) on the backend that the recorder stands before.

    A block (``"reaper.acquired"``) is entered and left; the value then says whether the process was a reaper inside.
    """
    recorder.calls = []
    value = failed = None
    with pydfly.use(recorder), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = attrgetter(name)(pydfly)(*arguments, **keywords)
            if hasattr(value, "__enter__"):
                with value:
                    value = pydfly.reaper.owned()
        except Exception as error:  # it is the answer
            failed = error
    return Answer(value, failed, recorder.calls, [warning.category.__name__ for warning in caught])
