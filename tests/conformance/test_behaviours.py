"""Each behaviour of the public API once, on every backend and flavour that works here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pydfly.backends import select
from pydfly.conformance import suite
from pydfly.conformance.behaviour import Behaviour, every
from pydfly.conformance.live import Live
from pydfly.conformance.modelled import Modelled
from pydfly.conformance.world import machine
from pydfly.errors import BackendError

BACKENDS = ["native", "linux", "linux:freebsd", "sim", "sim:freebsd"]
REQUIRED = [word for word in os.environ.get("PYDFLY_REQUIRE", "").split(",") if word]
MODELLED_ONLY = {"exec-of-a-resident-program"}
CASES = [
    pytest.param(spec, known, id=f"{spec}-{known.name}")
    for spec in BACKENDS
    for known in every()
    if select.parse(spec)[1] in known.expected
]


class Stages:
    """One machine for all the checks on a backend, made anew where a check failed."""

    def __init__(self) -> None:
        self._machines: dict[str, Live | Modelled] = {}
        self._obstacles: dict[str, str] = {}

    def machine(self, spec: str) -> Live | Modelled:
        """Return the machine for a backend, or skip the test where that cannot work."""
        if spec not in self._machines and spec not in self._obstacles:
            try:
                self._machines[spec] = machine(suite.maker(spec))
            except BackendError as error:
                self._obstacles[spec] = str(error)
        if spec in self._obstacles:
            assert spec.partition(":")[0] not in REQUIRED, self._obstacles[spec]
            pytest.skip(self._obstacles[spec])
        return self._machines[spec]

    def discard(self, spec: str) -> None:
        """End a machine."""
        self._machines.pop(spec).close()

    def close(self) -> None:
        """End every machine."""
        for spec in list(self._machines):
            self.discard(spec)


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    stages = Stages()
    yield stages
    stages.close()


@pytest.mark.parametrize(("spec", "known"), CASES)
def test_behaviour(stages: Stages, spec: str, known: Behaviour) -> None:
    """It is as the flavour demands, or differs exactly as its row says."""
    result = suite.check(known, stages.machine(spec))
    if result.verdict == suite.NOT_CHECKED:
        if known.name not in MODELLED_ONLY:
            pytest.skip(str(result.observed))
        assert "simulated kernel only" in str(result.observed)
        return
    if not result.good:
        stages.discard(spec)
    assert (result.verdict, result.observed) in (
        (suite.HOLDS, result.expected),
        (suite.DIFFERS, result.expected),
    ), known.sentence
