"""Run the behaviours on one backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ..backends import choice
from ..backends.protocol import Backend
from .behaviour import TOPICS, Behaviour, every
from .differences import Difference, difference
from .live import Live
from .modelled import Modelled
from .real_operations import STEPS
from .trace import Trace
from .world import NotHereError, World

__all__ = ["TOPICS", "Result", "check", "machine", "maker", "run"]

HOLDS, DIFFERS, NOT_CHECKED, FAILED, STALE = "holds", "differs", "not checked", "FAILED", "FAILED (needless row)"


class Result(NamedTuple):
    """What became of one behaviour."""

    behaviour: Behaviour
    """Which one."""
    verdict: str
    """``holds``, ``differs`` (as its row says), ``not checked`` or ``FAILED``."""
    expected: object
    """What the flavour demands, or the row for this backend."""
    observed: object
    """What was observed; for ``not checked`` the reason."""
    difference: Difference | None
    """The row, if there is one."""
    scenario: dict[str, Any] | None
    """The history as a scenario for ``pydfly replay``; None where the behaviour differs, or without a trace."""

    @property
    def good(self) -> bool:
        """It is as it should be, as far as could be seen."""
        return not self.verdict.startswith(FAILED)


def maker(spec: str, **options: Any) -> Callable[[], Backend]:
    """Return what makes the backend called ``NAME[:FLAVOUR]``; it can be sent to another process.

    The registry of a live world is its own, so without root a simulated one is there.
    """
    if spec.startswith("linux") and os.geteuid() != 0:
        options = {"euid": 0, **options}
    return partial(choice.start, spec, **options)


def machine(make: Callable[[], Backend]) -> Live | Modelled:
    """Make the machine for a backend: real processes for a live one."""
    backend = make()
    if backend.live:
        return Live(make, backend, STEPS)
    return Modelled(make, backend)


def run(make: Callable[[], Backend], *, traced: bool = False) -> Iterator[Result]:
    """Check every behaviour that the backend's flavour has; ``traced``: write each history down.

    ``make`` makes the backend; a function of a module (or ``maker``), because processes of their own call it.
    """
    flavour = make().flavour
    stage: Live | Modelled | None = None
    try:
        for known in every():
            if flavour in known.expected:
                stage = stage or machine(make)
                result = check(known, stage, traced=traced)
                if not result.good:  # its state is not known any more
                    stage.close()
                    stage = None
                yield result
    finally:
        if stage is not None:
            stage.close()


def check(known: Behaviour, stage: Live | Modelled, *, traced: bool = False) -> Result:
    """Check one behaviour."""
    trace = Trace(known.name) if traced else None
    world = World(stage, trace)
    expected = known.expected[world.flavour]
    row = difference(world.backend, known.name)
    try:
        observed = known.check(world)
    except NotHereError as reason:
        return Result(known, NOT_CHECKED, expected, str(reason), row, None)
    except Exception as error:  # the check failed, whatever it raised
        observed = f"{type(error).__name__}: {error}"
    scenario = trace.scenario(world.flavour) if trace is not None and trace.complete and observed == expected else None
    if row is None:
        return Result(known, HOLDS if observed == expected else FAILED, expected, observed, None, scenario)
    verdict = STALE if observed == expected else DIFFERS if observed == row.observed else FAILED
    return Result(known, verdict, row.observed, observed, row, scenario)
