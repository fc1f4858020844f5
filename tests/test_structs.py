"""The records: what crosses the boundary, and what that costs."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from pydfly import structs
from pydfly.backends import linux
from pydfly.backends.linux import dragonfly as live
from pydfly.constants import dragonfly


@pytest.mark.parametrize("name", ["NULL", "BAD_POINTER", "OMITTED"])
def test_pointers_keep_their_identity(name: str) -> None:
    """They are compared with `is`, so a copy must be the same object."""
    pointer = getattr(structs, name)
    assert copy.deepcopy(pointer) is pickle.loads(pickle.dumps(pointer)) is pointer
    assert repr(pointer) == f"pydfly.{name}"


def test_flags_of_the_linux_backend_are_dragonflys() -> None:
    """It has its own plain ints only because an enum costs a fresh interpreter too much."""
    assert (live._OWNED, live._REALINIT) == (dragonfly.REAPER_STAT_OWNED, dragonfly.REAPER_STAT_REALINIT)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the live fallback of Linux")
def test_short_cuts_are_the_commands() -> None:
    """By name or by number: the same commands, and the same answers."""
    backend = linux.start("dragonfly")
    assert set(backend.commands) == set(dragonfly.Command.__members__)
    for name in ("PROC_REAP_STATUS", "PROC_PDEATHSIG_STATUS"):
        answer = backend.procctl(dragonfly.P_PID, 0, dragonfly.Command[name], structs.OMITTED)
        assert answer == backend.commands[name](structs.OMITTED)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the live fallback of Linux")
def test_the_first_answer_is_light() -> None:
    """A first reaper.status() loads none of the modules that would cost more than all the rest of it."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; import pydfly; pydfly.reaper.status(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pydfly.backends.linux.dragonfly" in loaded.split()
    heavy = {"argparse", "dataclasses", "enum", "functools", "importlib", "re", "signal", "subprocess", "threading"}
    assert heavy & set(loaded.split()) == set()


def test_what_a_record_says_of_itself() -> None:
    """A process is told by its pid and start time; a status says whose domain it is about."""
    one = structs.DescendantInfo(7, 1, "one", "running", 5.0)
    assert one.identity == one._replace(name="renamed", ppid=3).identity
    assert one.identity != one._replace(start_time=6.0).identity
    for status in (structs.ReaperStatus(3, 0, -1), structs.ReaperStatusFreeBSD(3, 0, 0, 1, -1)):
        assert status.owned is True
        assert status._replace(flags=2).owned is False


def test_a_record_takes_each_field_once() -> None:
    """As a named tuple of the library does: by place, by name, or by default."""
    whole = structs.Program("/bin/x", 1, 2, 3, 0, 0)
    assert whole == structs.Program("/bin/x", 1, 2, ino=3) == structs.Program._make(("/bin/x", 1, 2, 3, 0, 0))
    assert type(whole) is type(structs.Program._make(whole)) is structs.Program
    for wrong in (
        lambda: structs.Reaped(1),  # type: ignore[call-arg]
        lambda: structs.Reaped(1, 2, 3),  # type: ignore[call-arg]
        lambda: structs.Reaped(1, 2, pid=3),  # type: ignore[misc,call-arg]
        lambda: structs.Reaped(1, status=2, name="other"),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError, match="Reaped has"):
            wrong()


def test_a_record_is_made_and_changed_as_a_named_tuple() -> None:
    class Deposed(structs.ReaperKill):
        def __new__(cls) -> Deposed:
            return cls._make((15, 0, 0))

    kill = structs.ReaperKill(15)
    for wrong in ((15, 0), (15, 0, 0, 0)):
        with pytest.raises(TypeError, match=f"ReaperKill has 3 fields, not {len(wrong)}"):
            structs.ReaperKill._make(wrong)
    with pytest.raises(TypeError, match="has the fields sig, flags, subtree"):
        kill._replace(pid=1)  # type: ignore[call-arg]
    assert structs.ReaperKill._make(iter([15, 0, 0])) == kill
    assert Deposed()._replace(sig=9) == (9, 0, 0)
    assert type(Deposed()._replace(sig=9)) is Deposed
    if sys.version_info >= (3, 13):
        assert copy.replace(kill, sig=9) == (9, 0, 0)
