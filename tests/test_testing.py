"""What other people's tests use."""

from __future__ import annotations

import pytest

import pydfly
from pydfly import testing
from pydfly.backends import choice
from pydfly.backends.protocol import Backend
from pydfly.backends.simulated import Simulated
from tests.conftest import linux_only


def test_simulated_acts_as_a_process() -> None:
    """Inside the block the program is a process of a new kernel, after it what it was before."""
    with testing.simulated() as process:
        pydfly.reaper.acquire()
        child = process.fork()
        assert pydfly.reaper.status().descendants == 1
        assert pydfly.backend().name == "sim"
        child.exit(3)
        assert process.wait(child.pid) == (child.pid, 3 << 8)
    with testing.simulated(uid=1001) as process:
        assert not pydfly.reaper.owned()
        assert process.euid == 1001


def test_simulated_knows_its_flavours() -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError, match="openbsd"), testing.simulated("openbsd"):
        pass


class Careless(Simulated):
    """A backend that lets every process acquire twice."""

    def procctl(self, idtype: int, id: int, cmd: int, data: object) -> object:
        try:
            return super().procctl(idtype, id, cmd, data)  # type: ignore[arg-type]
        except pydfly.AlreadyReaperError:
            return None


def careless() -> Backend:
    good = choice.start("sim")
    assert isinstance(good, Simulated)
    return Careless(good.process)


def test_check_backend_finds_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend of one's own: the behaviours that do not hold are named; without a fault nothing happens."""
    testing.check_backend("sim")
    from pydfly.conformance import modelled

    monkeypatch.setattr(modelled, "of", Careless)
    with pytest.raises(testing.ConformanceError, match="acquire-and-release-twice"):
        testing.check_backend(careless)


@linux_only
def test_check_backend_with_real_processes() -> None:
    """A backend by its name: the known differences of that name are no faults."""
    testing.check_backend("linux")
