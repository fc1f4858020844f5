"""What started a process: noted when this program is about to make a child, from the calls that lead there.

A process is a test's unless the calls that lead to it show a longer life: a method of the value of a session fixture
(which starts its server at first use), a method of an object that a module holds (a pool), an import, a thread from
before the test.  A daemon has lost its parent when it is found; it came from the last noted birth before its own.
"""

from __future__ import annotations

import sys
import time
from _thread import get_ident
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType

from pytest import FixtureDef

from ..backends.environment import machine
from ..backends.linux.procfile import moment, newest_pid
from ..named_tuple import NamedTuple
from ..structs import DescendantInfo

TICK = 0.02  # seconds: start times are told in ticks of 10 ms, as the clock of the machine goes
MOST = 10_000  # births that are remembered
WRAPPED = 10_000  # a pid this much lower than another one given out before: the numbers have begun anew
_NO_OWNERS = (
    type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, str, bytes, int, float, tuple, type(None),
)  # fmt: skip
_CALLED = (FunctionType, MethodType)
_TOOLS = frozenset({*sys.stdlib_module_names, "_pytest", "pytest", "pluggy", "xdist", "execnet", "pydfly"})


class Origin(NamedTuple):
    """What a process belongs to."""

    kind: str
    """``test``, ``fixture`` or ``program``."""
    key: object
    """What tells it from others of its kind."""
    text: str
    """In words, as a part of a sentence."""


class _Birth(NamedTuple):
    """A child is about to be made."""

    time: float
    newest: int | None
    origin: Origin


class Births:
    """The times at which this program made children, and what each belongs to."""

    def __init__(self) -> None:
        self._clock = _clock()
        self.scope = Origin("test", None, "this program")
        """The owner of everything without another: the test, or the fixture that is being set up."""
        self.values: dict[int, tuple[object, Origin]] = {}
        """Values of fixtures that outlive a test, and what they hold, by id()."""
        self._births: list[_Birth] = []
        self._held: dict[int, tuple[object, str]] | None = None  # what modules hold, by id()
        self._threads: set[int] = set()

    def begin(self, test: str) -> None:
        """A test begins, with this id."""
        self.scope = Origin("test", test, test)
        self._held = None
        self._threads = set(sys._current_frames())

    def fixture(self, fixturedef: FixtureDef[object]) -> Origin:
        """Return what stands for a fixture that outlives a test."""
        return Origin("fixture", id(fixturedef), f"the {fixturedef.scope} fixture {fixturedef.argname}")

    def value(self, origin: Origin, value: object) -> None:
        """Take note of the value of a fixture, and of what it consists of."""
        parts = value if isinstance(value, (tuple, list)) else value.values() if isinstance(value, dict) else (value,)
        for part in list(parts):
            inside = () if isinstance(part, (type, ModuleType)) else getattr(part, "__dict__", {}).values()
            for thing in (part, *inside, *_called_by(part)):
                held: object = thing.__code__ if isinstance(thing, _CALLED) else thing
                if isinstance(held, CodeType) or not isinstance(held, _NO_OWNERS):
                    self.values[id(held)] = (held, origin)

    def forget(self, origin: Origin) -> None:
        """The fixture is gone."""
        self.values = {key: held for key, held in self.values.items() if held[1] != origin}

    def hear(self) -> None:
        """A child is about to be made: an exception here would become one of the program's."""
        try:
            birth = _Birth(self._clock(), newest_pid(), self._origin(sys._getframe(1)))
        except Exception:
            return
        self._births.append(birth)
        if len(self._births) > MOST:
            del self._births[: MOST // 2]

    def of(self, process: DescendantInfo) -> Origin:
        """Say what a process belongs to; this program, or a child of it that is gone, started that."""
        for birth in reversed(self._births):
            if birth.time > process.start_time + TICK:
                continue
            if birth.time < process.start_time - TICK or birth.newest is None:
                return birth.origin
            if birth.newest < process.pid or birth.newest - process.pid > WRAPPED:
                return birth.origin
        return self.scope

    def _origin(self, frame: FrameType | None) -> Origin:
        """Walk the calls outward, to the test or to where the thread began."""
        while frame is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith("_pytest."):
                return self.scope
            code = frame.f_code
            caller = frame.f_back
            if code.co_name == "<module>" and caller and caller.f_code.co_filename.startswith("<frozen importlib"):
                return Origin("program", module, f"the import of {module}")
            if id(code) in self.values:
                return self.values[id(code)][1]
            if code.co_argcount and code.co_varnames[0] == "self":
                found = self._owner(frame.f_locals.get("self"))
                if found is not None:
                    return found
            frame = caller
        if get_ident() in self._threads:
            return Origin("program", "thread", "a thread from before the test")
        return self.scope

    def _owner(self, thing: object) -> Origin | None:
        """Say what an object belongs to; a method of it was called."""
        if isinstance(thing, _NO_OWNERS):
            return None
        held = self.values.get(id(thing))
        if held is not None and held[0] is thing:
            return held[1]
        if self._held is None:
            self._held = _module_objects()
        found = self._held.get(id(thing))
        if found is not None and found[0] is thing:
            return Origin("program", found[1], found[1])
        return None


def _called_by(part: object) -> list[object]:
    """Return what functools.partial() calls, however deep it is wrapped."""
    found: list[object] = []
    while isinstance(part, partial):
        part = part.func
        found.append(part)
    return found


def _module_objects() -> dict[int, tuple[object, str]]:
    """Return the objects that modules of the program hold by name; those of Python's own belong to no part of it."""
    held: dict[int, tuple[object, str]] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in _TOOLS and isinstance(module, ModuleType):
            for variable, value in list(vars(module).items()):
                if not isinstance(value, _NO_OWNERS):
                    held[id(value)] = (value, f"{name}.{variable}")
    return held


def _clock() -> Callable[[], float]:
    """Return the clock of start times."""
    return moment if machine() == "linux" else time.time
