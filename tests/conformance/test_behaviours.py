"""Each behaviour of the public API once, on every backend and flavour that works here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pydfly.backends import choice
from pydfly.conformance import suite
from pydfly.conformance.behaviour import Behaviour, every
from pydfly.conformance.live import Live
from pydfly.conformance.modelled import Modelled
from pydfly.errors import BackendError

BACKENDS = ["native", "linux", "linux:freebsd", "sim", "sim:freebsd"]
REQUIRED = [word for word in os.environ.get("PYDFLY_REQUIRE", "").split(",") if word]
MODELLED_ONLY = {"exec-of-a-resident-program"}
CASES = [
    pytest.param(spec, known, id=f"{spec}-{known.name}")
    for spec in BACKENDS
    for known in every()
    if choice.parse(spec)[1] in known.expected
]


class Stage:
    """One machine for all the checks on a backend, made anew where a check failed."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self.machine: Live | Modelled = suite.machine(suite.maker(spec))

    def renew(self) -> None:
        """Leave what a failed check may have left behind."""
        self.machine.close()
        self.machine = suite.machine(suite.maker(self._spec))


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The backend of the test's parameter; the tests that need it are skipped where it cannot work."""
    try:
        stage = Stage(request.param)
    except BackendError as error:
        assert request.param.partition(":")[0] not in REQUIRED, error
        pytest.skip(str(error))
    yield stage
    stage.machine.close()


@pytest.mark.parametrize(("stage", "known"), CASES, indirect=["stage"])
def test_behaviour(stage: Stage, known: Behaviour) -> None:
    """It is as the flavour demands, or differs exactly as its row says."""
    result = suite.check(known, stage.machine)
    if result.verdict == suite.NOT_CHECKED:
        if known.name not in MODELLED_ONLY:
            pytest.skip(str(result.observed))
        assert "simulated kernel only" in str(result.observed)
        return
    if not result.good:
        stage.renew()
    assert (result.verdict, result.observed) in (
        (suite.HOLDS, result.expected),
        (suite.DIFFERS, result.expected),
    ), known.sentence
