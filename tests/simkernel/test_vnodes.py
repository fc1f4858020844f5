"""Files and their names."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.simkernel.vnodes import Vnodes


def test_a_name_that_is_looked_up_becomes_one_file() -> None:
    vnodes = Vnodes()
    a, b = vnodes.lookup("/a"), vnodes.lookup("/b")
    assert a is vnodes.lookup("/a")
    assert (a.dev, a.ino) != (b.dev, b.ino)
    assert repr(a) == f"<vnode 1:{a.ino} '/a'>"


def test_a_file_is_known_by_its_identity() -> None:
    vnodes = Vnodes()
    described = vnodes.describe("/a", 5, 6, 700)
    assert vnodes.lookup("/a") is described
    assert vnodes.describe("/b", 5, 6, 800) is described
    assert (described.path, described.size) == ("/b", 800)
    assert vnodes.lookup("/a") is described
    assert vnodes.describe("/a", 5, 7, 700) is not described


def test_what_has_no_name_cannot_lose_it() -> None:
    with pytest.raises(simkernel.SimulationError, match="nothing is called '/a'"):
        Vnodes().unlink("/a")
